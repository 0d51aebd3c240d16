"""Perform a script: one or two passes on the stage, and the proof that nothing of them stayed.

Takes a script and a cleared target; gives the transcript. The clean pass adds nothing to the database; the probed
pass repeats it with probes on the tables that the clean pass touched. Sequences that the clean pass moved are put back
before the probed one, so that both see the same state, and what is left over is that of one run.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from pgrehearse.errors import ConnectionLostError, ServerError, TargetError
from pgrehearse.observe.cost import CostObserver
from pgrehearse.observe.counters import CounterObserver
from pgrehearse.observe.escapes import EscapeFinder, EscapeObserver
from pgrehearse.observe.held import held_locks
from pgrehearse.observe.lock_sampler import LockSampler
from pgrehearse.observe.locks import LockObserver
from pgrehearse.observe.messages import MessageObserver
from pgrehearse.observe.names import RelationName
from pgrehearse.observe.observation import EscapeFound, SequenceAdvanced
from pgrehearse.observe.observer import Observer
from pgrehearse.observe.probes import ProbeObserver
from pgrehearse.observe.samples import SampleObserver
from pgrehearse.observe.schema import SchemaObserver
from pgrehearse.observe.sequences import SequenceObserver
from pgrehearse.observe.shapes import ShapeObserver
from pgrehearse.observe.values import ValueObserver
from pgrehearse.pg.session import Session
from pgrehearse.plan.planfile import Policy
from pgrehearse.script.reader import Reader
from pgrehearse.script.source import Source
from pgrehearse.script.statement import Statement
from pgrehearse.script.variables import Variables
from pgrehearse.stage.clearance import Clearance
from pgrehearse.stage.gate import Gate, refuse_escapes
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
    StepState,
    TargetFacts,
    Transcript,
)
from pgrehearse.stage.watch import StageEnded, Watch
from pgrehearse.stage.witness import NO_FINGERPRINT, Fingerprint, Prove, Witness


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
        policy: What the plan allows.
        prove: How much is compared after the rollback.
        rows: How many rows of each operation on each table are shown; 0 shows none.
        restore_sequences: Whether sequences are put back afterwards, where nobody else has moved them.
        foreknown: The statements of the script that run for certain, as far as they are known beforehand.
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
    policy: Policy
    shown: Callable[[int, StepResult], None]
    foreknown: Sequence[Statement] = ()
    prove: Prove = Prove.TOUCHED
    rows: int = 0
    restore_sequences: bool = False


@dataclass(frozen=True, slots=True)
class _Pass:
    """A pass as it ended, before its proof."""

    record: PassRecord
    xid: str
    touched: tuple[RelationName, ...]
    residue: tuple[Residue, ...]
    limits: frozenset[str]
    status_during: str = ""
    sequences: SequenceObserver | None = None
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
        finder = EscapeFinder()
        finder.learn(witness.now)
        refuse_escapes(finder, performance.policy, performance.foreknown)
        passes = list(_passes(performance, witness, finder))
        stuck = _restored(passes[-1], performance)
        proof = _prove(passes, performance, witness, before)
        records = tuple(_with_proof(one, proof, witness, stuck) for one in passes)
    facts = TargetFacts(
        clearance.database, version, clearance.system_identifier, clearance.kind, clearance.proof
    )
    limits = _limits(passes, clearance, proof)
    if stuck is not None:
        limits = (*limits, "Sequences that moved were put back after the rehearsal, as it was asked to.")
    return Transcript(facts, records, limits)


def _passes(performance: Performance, witness: Witness, finder: EscapeFinder) -> Iterator[_Pass]:
    sequences, shapes = SequenceObserver(), ShapeObserver()
    locks = LockObserver(LockSampler(performance.conninfo))
    values = [ValueObserver(performance.values)] if performance.passes == 1 else []
    clean = _play(
        1,
        performance,
        witness,
        finder,
        [
            EscapeObserver(finder),
            CostObserver(),
            MessageObserver(),
            locks,
            CounterObserver(),
            shapes,
            SchemaObserver(),
            sequences,
            *values,
        ],
    )
    if performance.passes == 1 or clean.record.broken:
        yield replace(clean, sequences=sequences)
        return
    unmoved = put_back_between(performance.conninfo, sequences)
    yield replace(clean, limits=clean.limits | unmoved, is_last=False)
    probed_sequences = SequenceObserver(earlier=sequences)
    probes = ProbeObserver(shapes.foreseen, performance.splits, token=secrets.token_hex(4))
    probed = _play(
        2,
        performance,
        witness,
        finder,
        [
            probes,
            MessageObserver(),
            CounterObserver(),
            probed_sequences,
            ValueObserver(performance.values),
            *_samples(performance, shapes.foreseen.names),
        ],
    )
    yield replace(probed, sequences=probed_sequences)


def _samples(performance: Performance, touched: Iterable[str]) -> list[SampleObserver]:
    """Row values are looked at only where somebody asks for them."""
    if not performance.rows:
        return []
    mask, token = performance.policy.mask, secrets.token_hex(4)
    return [SampleObserver(touched, most=performance.rows, mask=mask, token=token)]


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


def _play(
    number: int,
    performance: Performance,
    witness: Witness,
    finder: EscapeFinder,
    observers: Sequence[Observer],
) -> _Pass:
    """Play the script once on a session of its own: counters of earlier transactions linger in a backend."""
    with Session(
        performance.conninfo, application_name="psql", settings=performance.limits.settings()
    ) as session:
        stage = RollbackOnly(session, token=secrets.token_hex(8))
        stage.begin(isolation=performance.isolation)
        gate = Gate(finder, performance.policy, stage)
        watch = Watch(
            stage, witness.now, observers, gate, deadline=time.monotonic() + performance.limits.deadline_s
        )
        limits: set[str] = set()
        statements = Statements(watch, gate, isolation=performance.isolation, limits=limits)
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
        except ServerError as error:
            broken = f"pgrehearse could not look at the stage: {error.message} (SQLSTATE {error.sqlstate})"
        except KeyboardInterrupt:
            broken, interrupted = "the rehearsal was interrupted", True
        disarmed = _was_disarmed(stage)
        during = witness.status_now(stage.xid)
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
        frozenset(limits).union(_dropped(session), *(observer.limits for observer in observers)),
        during,
    )


def _dropped(session: Session) -> frozenset[str]:
    """A sentence on the messages that were too many to keep."""
    dropped = session.dropped_messages
    return frozenset(
        {f"{dropped} messages were too many to keep: they were counted, and dropped."} if dropped else ()
    )


def _was_disarmed(stage: RollbackOnly) -> bool:
    """Whether the guard's violation is gone, which only the script can have done."""
    session = stage.session
    if session.is_lost or not session.is_in_transaction or session.is_in_failed_transaction:
        return False
    try:
        session.run("RESET SESSION AUTHORIZATION; RESET ROLE")
        return not stage.guard.still_refuses(session)
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


def _why_still(sequence: str, stuck: Container[str] | None) -> str:
    return ", and not put back: somebody else has moved it" if stuck and sequence in stuck else ""


# The proof -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Proof:
    """What the server says after all passes, and the differences elsewhere that are others' doing."""

    fingerprint: Fingerprint = NO_FINGERPRINT
    left: tuple[Residue, ...] = ()
    others: tuple[Residue, ...] = ()
    lost: str = ""


def _prove(passes: Sequence[_Pass], performance: Performance, witness: Witness, before: Inventory) -> _Proof:
    touched = {table.oid: table for one in passes for table in one.touched}
    try:
        witness.see_again(performance.conninfo)
        fingerprint = witness.fingerprint(touched.values(), performance.prove)
        found = differences(before, take_inventory(witness.now))
    except (ConnectionLostError, TargetError) as error:
        return _Proof(lost=error.message)
    if any(_has_escaped(one.record) for one in passes):
        return _Proof(fingerprint, (*found.here, *found.elsewhere))
    return _Proof(fingerprint, found.here, found.elsewhere)


def _has_escaped(record: PassRecord) -> bool:
    """Whether something left the transaction: then what changed elsewhere on the server may be its doing."""
    refused = {step.n for step in record.steps if step.state is StepState.REFUSED}
    return any(isinstance(o, EscapeFound) and o.step not in refused for o in record.observations)


def _with_proof(one: _Pass, proof: _Proof, witness: Witness, stuck: Container[str] | None) -> PassRecord:
    """The record of a pass with what the server says of its transaction afterwards."""
    status = UNREACHABLE if proof.lost else witness.status_of(one.xid)
    return replace(
        one.record,
        broken=one.record.broken or proof.lost,
        rollback=_rollback(one, status, proof.fingerprint, proof.left if one.is_last else (), stuck),
    )


def _limits(passes: Sequence[_Pass], clearance: Clearance, proof: _Proof) -> tuple[str, ...]:
    meanwhile = {
        f"Meanwhile, by others, elsewhere on the server: {r.kind} {r.object} {r.detail}."
        for r in proof.others
    }
    return tuple(sorted({*clearance.warnings, *meanwhile}.union(*(one.limits for one in passes))))


def _restored(last: _Pass, performance: Performance) -> tuple[str, ...] | None:
    """Put the sequences back where that is asked for; the names of those that somebody else has moved since."""
    if not performance.restore_sequences or last.sequences is None:
        return None
    with Session(performance.conninfo, application_name="pgrehearse sequences") as session:
        return put_back(session, last.sequences.at_begin, last.sequences.at_end)


def _rollback(
    one: _Pass,
    status: str,
    fingerprint: Fingerprint,
    left: Sequence[Residue],
    stuck: Container[str] | None,
) -> Rollback:
    """The proof of one pass; `stuck` are the sequences that could not be put back, None where none was to be."""
    sequences = [
        Residue("sequence", o.sequence, f"advanced by {o.advanced_by}" + _why_still(o.sequence, stuck))
        for o in one.record.observations
        if one.is_last and isinstance(o, SequenceAdvanced) and (stuck is None or o.sequence in stuck)
    ]
    return Rollback(
        xid=one.xid,
        xid_status=status,
        residue=tuple(sorted([*one.residue, *left, *sequences], key=lambda r: (r.kind, r.object))),
        fingerprint_before=fingerprint.before,
        fingerprint_after=fingerprint.after,
        fingerprint_of=fingerprint.of,
        foreign_commits=fingerprint.foreign_commits,
        status_during=one.status_during,
    )
