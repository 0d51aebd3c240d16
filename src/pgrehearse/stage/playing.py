"""One pass over the script: played on a stage of its own, watched, and rolled back.

Takes a stage that is open; gives the record of the pass, before its proof. Whatever ends the pass, be it the script, a
lost server or an interruption: the stage is rolled back here.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from pgrehearse.errors import ConnectionLostError, ServerError
from pgrehearse.observe.escapes import EscapeFinder
from pgrehearse.observe.held import held_locks
from pgrehearse.observe.names import RelationName
from pgrehearse.observe.observer import Observer
from pgrehearse.pg.session import Session
from pgrehearse.script.reader import Reader
from pgrehearse.script.variables import Variables
from pgrehearse.stage.gate import Gate
from pgrehearse.stage.interpreter import Interpreter
from pgrehearse.stage.performance import Performance
from pgrehearse.stage.statements import Statements
from pgrehearse.stage.transaction import RollbackOnly
from pgrehearse.stage.transcript import PassRecord, Residue
from pgrehearse.stage.watch import INTERRUPTED, StageEnded, Watch
from pgrehearse.stage.witness import Witness

_DISARMED = "the script disarmed the commit guard"
_LOST = "the server was lost before the guard was put to the proof"


@dataclass(frozen=True, slots=True)
class Played:
    """A pass as it ended, before its proof.

    Attributes:
        record: What happened.
        xid: The transaction id of its stage.
        touched: The relations that it may have written.
        residue: What its session still held after the rollback.
        limits: What it could not tell.
        status_during: What the witness read of its transaction just before the rollback.
    """

    record: PassRecord
    xid: str
    touched: tuple[RelationName, ...]
    residue: tuple[Residue, ...]
    limits: frozenset[str]
    status_during: str = ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What both passes share: what is performed, who watches, what leads to escapes, and the oids of catalogs."""

    performance: Performance
    witness: Witness
    finder: EscapeFinder
    catalog_oids: Mapping[str, int]


def open_session(performance: Performance) -> Session:
    """Open a session for a stage of its own: counters of earlier transactions linger in a backend.

    Raises:
        RefusedError: The target is not the one that was cleared.
        TargetError: The target cannot be reached.
    """
    session = Session(performance.conninfo, application_name="psql", settings=performance.limits.settings())
    try:
        performance.clearance.verify(session)
    except BaseException:
        session.close()
        raise
    return session


def begin_stage(session: Session, performance: Performance) -> RollbackOnly:
    """Begin a stage on a session that is open.

    Raises:
        RefusedError: The stage cannot be made rollback-only.
    """
    stage = RollbackOnly(session, token=secrets.token_hex(8))
    stage.begin(isolation=performance.isolation)
    return stage


def play(
    number: int,
    stage: RollbackOnly,
    surroundings: Surroundings,
    observers: Sequence[Observer],
    *,
    when_ready: Callable[[], None],
    when_over: Callable[[], None] | None = None,
) -> Played:
    """Play the script once, and roll it back.

    Args:
        number: 1 for the clean pass, 2 for the probed one.
        stage: An open stage.
        surroundings: What the passes share.
        observers: What looks at it.
        when_ready: Called when all that looks is ready, before the first statement.
        when_over: Called when the script has come to its end, before the rollback.
    """
    performance, witness = surroundings.performance, surroundings.witness
    gate = Gate(surroundings.finder, performance.policy, stage)
    watch = Watch(
        stage, witness.now, observers, gate,
        deadline=time.monotonic() + performance.limits.deadline_s, is_interrupted=performance.is_interrupted,
    )  # fmt: skip
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
        watch.begin(surroundings.catalog_oids)
        gate.begin()
        when_ready()
        interpreter.play()
        watch.finish(len(interpreter.steps))
        if when_over:
            when_over()
    except StageEnded as end:
        broken = str(end)
    except ConnectionLostError as error:
        broken = f"the server was lost: {error.message}"
    except ServerError as error:
        broken = _unseen(error)
    except KeyboardInterrupt:
        broken, interrupted = INTERRUPTED, True
    during = witness.status_now(stage.xid)
    broken = broken or _why_unguarded(stage)
    stage.end()
    residue: tuple[Residue, ...] = ()
    try:
        residue = _session_residue(stage.session, witness)
    except ServerError as error:
        broken = broken or _unseen(error)
    stage.session.close()
    try:
        with suppress(StageEnded):  # the server is lost, which the pass has said already
            watch.end()
    except ServerError as error:
        broken = broken or _unseen(error)
    return Played(
        PassRecord(
            number,
            tuple(interpreter.steps),
            tuple(statements.segments.ended),
            tuple(watch.observations),
            None,
            broken=broken,
            interrupted=interrupted or watch.was_interrupted,
            refused_at_commit=tuple(interpreter.refused_at_commit),
        ),
        stage.xid,
        watch.names.reported(watch.touched, "rpmv"),
        residue,
        frozenset(limits).union(
            _dropped(stage.session),
            statements.segments.on_commit.limits,
            *(observer.limits for observer in observers),
        ),
        during,
    )


def _unseen(error: ServerError) -> str:
    return f"pgrehearse could not look at the stage: {error.message} (SQLSTATE {error.sqlstate})"


def _dropped(session: Session) -> frozenset[str]:
    """A sentence on the messages that were too many to keep."""
    dropped = session.dropped_messages
    return frozenset(
        {f"{dropped} messages were too many to keep: they were counted, and dropped."} if dropped else ()
    )


def _why_unguarded(stage: RollbackOnly) -> str:
    """Put the guard to the proof, the last thing done on a stage: why it may not have stood; empty where it did."""
    session = stage.session
    if session.is_lost:
        return _LOST
    if not session.is_in_transaction or session.is_in_failed_transaction:
        return ""
    try:
        session.run("RESET SESSION AUTHORIZATION; RESET ROLE")
        return "" if stage.guard.still_refuses(session) else _DISARMED
    except ServerError:
        return _DISARMED  # only the script can have done that
    except ConnectionLostError:
        return _LOST


def _session_residue(session: Session, witness: Witness) -> tuple[Residue, ...]:
    """What the stage's session still holds after its rollback; it goes when the session closes, just after this.

    Raises:
        ServerError: The server does not tell.
    """
    if session.is_lost:
        return ()
    try:
        held = held_locks(witness.now, session.pid)
    except ConnectionLostError:  # the proof needs the witness, too, and says so
        return ()
    return tuple(
        Residue("session lock", lock.object, f"{lock.mode} outlived the rollback, until the session closed")
        for lock in held
        if lock.locktype == "advisory"
    )
