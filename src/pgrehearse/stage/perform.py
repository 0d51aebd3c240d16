"""Perform a script: one or two passes on the stage, and the proof that nothing of them stayed.

Takes a script and a cleared target; gives the transcript. The clean pass adds nothing to the database; the probed
pass repeats it with probes on the tables that the clean pass touched. Sequences that the clean pass moved are put back
before the probed one, so that both see the same state, and what is left over is that of one run.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from pgrehearse.errors import ConnectionLostError, ServerError, TargetError
from pgrehearse.observe.counters import CounterObserver
from pgrehearse.observe.held import held_locks
from pgrehearse.observe.locks import LockObserver
from pgrehearse.observe.messages import MessageObserver
from pgrehearse.observe.names import RelationName
from pgrehearse.observe.observation import SequenceAdvanced
from pgrehearse.observe.observer import Observer
from pgrehearse.observe.probes import ProbeObserver
from pgrehearse.observe.sequences import SequenceObserver
from pgrehearse.observe.shapes import ShapeObserver
from pgrehearse.observe.values import ValueObserver
from pgrehearse.pg.session import Session
from pgrehearse.script.reader import Reader
from pgrehearse.script.source import Source
from pgrehearse.script.variables import Variables
from pgrehearse.stage.clearance import Clearance
from pgrehearse.stage.interpreter import Interpreter
from pgrehearse.stage.inventory import Inventory, differences, take_inventory
from pgrehearse.stage.limits import Limits
from pgrehearse.stage.sequence_reset import put_back
from pgrehearse.stage.statements import Statements
from pgrehearse.stage.transaction import RollbackOnly
from pgrehearse.stage.transcript import (
    UNREACHABLE,
    PassRecord,
    Residue,
    Rollback,
    StepResult,
    TargetFacts,
    Transcript,
)
from pgrehearse.stage.watch import StageEnded, Watch
from pgrehearse.stage.witness import Fingerprint, Witness


@dataclass(frozen=True, slots=True)
class Performance:
    """What is performed, where, and how.

    Attributes:
        source: The script.
        variables: psql variables to start with.
        conninfo: The target.
        clearance: The proof that it may be rehearsed on.
        limits: Bounds in time.
        values: Queries of the plan, by name.
        splits: A column to count rows by, per table.
        passes: 1 or 2.
        isolation: The isolation level that the script's transactions ask for; empty for the default.
        refuse: Says why a statement must not be sent, or nothing.
        shown: Told each step as it ends, with the number of the pass.
    """

    source: Source
    variables: Mapping[str, str]
    conninfo: str
    clearance: Clearance
    limits: Limits
    values: Mapping[str, str]
    splits: Mapping[str, str]
    passes: int
    isolation: str
    refuse: Callable[[str, int], str]
    shown: Callable[[int, StepResult], None]


@dataclass(frozen=True, slots=True)
class _Pass:
    """A pass as it ended, before its proof."""

    record: PassRecord
    xid: str
    touched: tuple[RelationName, ...]
    residue: tuple[Residue, ...]
    limits: frozenset[str]
    is_last: bool = True


def perform(performance: Performance) -> Transcript:
    """Perform a script and prove the rollback.

    Raises:
        RefusedError: The clearance is for another database, or the stage cannot be made rollback-only.
        TargetError: The target cannot be reached.
    """
    clearance = performance.clearance
    with Witness(performance.conninfo) as witness:
        clearance.verify(witness.now)
        before = take_inventory(witness.now)
        version = witness.now.parameter("server_version").split()[0]
        passes = list(_passes(performance, witness))
        records = _with_proofs(passes, performance, witness, before)
    facts = TargetFacts(
        clearance.database, version, clearance.system_identifier, clearance.kind, clearance.proof
    )
    limits = {*clearance.warnings}.union(*(one.limits for one in passes))
    return Transcript(facts, records, tuple(sorted(limits)))


def _passes(performance: Performance, witness: Witness) -> Iterator[_Pass]:
    sequences, shapes = SequenceObserver(), ShapeObserver()
    values = [ValueObserver(performance.values)] if performance.passes == 1 else []
    clean = _play(
        1,
        performance,
        witness,
        [MessageObserver(), LockObserver(), CounterObserver(), shapes, sequences, *values],
    )
    if performance.passes == 1 or clean.record.broken:
        yield clean
        return
    unmoved = put_back_between(performance.conninfo, sequences)
    yield replace(clean, limits=clean.limits | unmoved, is_last=False)
    probes = ProbeObserver(shapes.foreseen, performance.splits, token=secrets.token_hex(4))
    probed = _play(
        2,
        performance,
        witness,
        [probes, MessageObserver(), CounterObserver(), SequenceObserver(), ValueObserver(performance.values)],
    )
    yield replace(probed, limits=probed.limits | probes.limits)


def put_back_between(conninfo: str, sequences: SequenceObserver) -> frozenset[str]:
    """Put back what the clean pass moved; give a sentence for each sequence that stays where it is."""
    if sequences.at_begin == sequences.at_end:
        return frozenset()
    with Session(conninfo, application_name="pgrehearse sequences") as session:
        left = put_back(session, sequences.at_begin, sequences.at_end)
    return frozenset(
        f"Sequence {name} could not be put back between the passes: the second pass saw other values."
        for name in left
    )


def _play(number: int, performance: Performance, witness: Witness, observers: Sequence[Observer]) -> _Pass:
    """Play the script once on a session of its own: counters of earlier transactions linger in a backend."""
    with Session(
        performance.conninfo, application_name="psql", settings=performance.limits.settings()
    ) as session:
        stage = RollbackOnly(session, token=secrets.token_hex(8))
        stage.begin(isolation=performance.isolation)
        watch = Watch(
            stage, witness.now, observers, deadline=time.monotonic() + performance.limits.deadline_s
        )
        limits: set[str] = set()
        statements = Statements(
            watch, isolation=performance.isolation, refuse=performance.refuse, limits=limits
        )
        variables = Variables(performance.variables)
        interpreter = Interpreter(
            Reader(performance.source, variables),
            variables,
            statements,
            shown=lambda step: performance.shown(number, step),
            folder=performance.source.folder,
        )
        broken, interrupted = "", False
        try:
            watch.begin()
            interpreter.play()
            watch.finish(len(interpreter.steps))
        except StageEnded as end:
            broken = str(end)
        except ConnectionLostError as error:
            broken = f"the server was lost: {error.message}"
        except KeyboardInterrupt:
            broken, interrupted = "the rehearsal was interrupted", True
        disarmed = _was_disarmed(stage)
        stage.end()
        residue = _session_residue(session, witness)
    if disarmed and not broken:
        broken = "the script disarmed the commit guard"
    with suppress(StageEnded):  # the server is lost, which the pass has said already
        watch.end()
    return _Pass(
        PassRecord(
            number,
            tuple(interpreter.steps),
            tuple(statements.segments.ended),
            tuple(watch.observations),
            None,
            broken=broken,
            interrupted=interrupted,
            refused_at_commit=tuple(interpreter.refused_at_commit),
        ),
        stage.xid,
        watch.names.reported(watch.touched, "rpmv"),
        residue,
        frozenset(limits),
    )


def _was_disarmed(stage: RollbackOnly) -> bool:
    """Whether the guard's violation is gone, which only the script can have done."""
    session = stage.session
    if session.is_lost or not session.is_in_transaction or session.is_in_failed_transaction:
        return False
    try:
        return not stage.guard.is_armed(session)
    except ServerError:
        return True


def _session_residue(session: Session, witness: Witness) -> tuple[Residue, ...]:
    """What the stage's session still holds after its rollback; it goes when the session closes, just after this."""
    if session.is_lost:
        return ()
    return tuple(
        Residue("session lock", lock.object, f"{lock.mode} outlived the rollback, until the session closed")
        for lock in held_locks(witness.now, session.pid)
        if lock.locktype == "advisory"
    )


# The proof -----------------------------------------------------------------------------------------------------------


def _with_proofs(
    passes: Sequence[_Pass], performance: Performance, witness: Witness, before: Inventory
) -> tuple[PassRecord, ...]:
    """The records of all passes, each with what the server says of its transaction afterwards."""
    touched = {table.oid: table for one in passes for table in one.touched}
    try:
        witness.see_again(performance.conninfo)
        fingerprint = witness.fingerprint(touched.values())
        left = differences(before, take_inventory(witness.now))
    except (ConnectionLostError, TargetError) as error:
        nothing = Fingerprint("", "", (), -1)
        return tuple(
            replace(
                one.record,
                broken=one.record.broken or error.message,
                rollback=_rollback(one, UNREACHABLE, nothing, ()),
            )
            for one in passes
        )
    return tuple(
        replace(
            one.record,
            rollback=_rollback(one, witness.status_of(one.xid), fingerprint, left if one.is_last else ()),
        )
        for one in passes
    )


def _rollback(one: _Pass, status: str, fingerprint: Fingerprint, left: Sequence[Residue]) -> Rollback:
    sequences = [
        Residue("sequence", o.sequence, f"advanced by {o.advanced_by}")
        for o in one.record.observations
        if one.is_last and isinstance(o, SequenceAdvanced)
    ]
    return Rollback(
        xid=one.xid,
        xid_status=status,
        residue=tuple(sorted([*one.residue, *left, *sequences], key=lambda r: (r.kind, r.object))),
        fingerprint_before=fingerprint.before,
        fingerprint_after=fingerprint.after,
        fingerprint_of=fingerprint.of,
        foreign_commits=fingerprint.foreign_commits,
    )
