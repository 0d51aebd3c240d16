"""One SQL statement on the stage: sent as it stands, or turned into what the stage makes of it.

Takes statements in the script's order; gives a `Played` each. Transaction control becomes segments, SET CONSTRAINTS ALL
IMMEDIATE spares the guard, and what cannot run in a transaction is not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pgrehearse.pg.result import Result, ServerMessage
from pgrehearse.pg.session import ROW_CAP, Session
from pgrehearse.plan.classify import Disposition, StatementKind, classify
from pgrehearse.script.statement import Statement
from pgrehearse.stage.autocommit import (
    chain_outside_block,
    complaint_outside_block,
    no_transaction_warning,
)
from pgrehearse.stage.gate import Gate
from pgrehearse.stage.local_settings import resets_read_only
from pgrehearse.stage.own_doing import reason_of
from pgrehearse.stage.segments import READ_COMMITTED, Segments
from pgrehearse.stage.transcript import StepState
from pgrehearse.stage.watch import Watch

CopyData = Callable[[], Iterable[bytes]]

_FAILED_BLOCK = ServerMessage(
    "ERROR", "25P02", "current transaction is aborted, commands ignored until end of transaction block"
)
_PSQL_SAVEPOINT = "pg_psql_temporary_savepoint"


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one statement. `complaints` are messages the server would have sent but was not asked for."""

    state: StepState
    result: Result
    took_ms: float = 0.0
    reason: str = ""
    segment: int = 0
    complaints: tuple[ServerMessage, ...] = ()
    refused_at_commit: ServerMessage | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    r"""How a statement is sent: psql's `\bind` values, the rows to keep, the COPY data that follow it."""

    parameters: Sequence[str | None] | None = None
    row_cap: int = ROW_CAP
    copy_data: CopyData | None = None
    act: Callable[[], Result] | None = None
    """In place of sending the text: a prepared statement, a description."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """A statement whose turn it is: what it is, its step, and how it would be sent."""

    kind: StatementKind
    statement: Statement
    step: int
    sending: Sending


class Statements:
    """Plays statements; one object serves one pass.

    Args:
        watch: Runs what is sent.
        gate: Says why a statement must not be sent, or nothing.
        limits: Gathers the sentences of what this rehearsal does otherwise than psql and the server would.
    """

    def __init__(self, watch: Watch, gate: Gate, *, isolation: str, limits: set[str]) -> None:
        self.segments = Segments(watch)
        self.autocommit = True
        self.rolls_back_on_error = False
        self._watch = watch
        self._isolation = isolation
        self._gate = gate
        self._limits = limits
        self._controls = {
            Disposition.BEGIN: self._begin,
            Disposition.COMMIT: self._commit,
            Disposition.ROLLBACK: self._rollback,
            Disposition.SET_CONSTRAINTS_ALL_IMMEDIATE: self._fire_constraints,
            Disposition.SET_TRANSACTION: self._set_transaction,
            Disposition.PREPARE_TRANSACTION: self._prepare_transaction,
        }

    @property
    def session(self) -> Session:
        """The stage's session."""
        return self._watch.stage.session

    def hear(self, message: ServerMessage, step: int, segment: int) -> None:
        """Take in a message that the server would have sent outside a transaction block."""
        self._watch.hear(message, step, segment)

    @property
    def _session_has_failed(self) -> bool:
        return self.session.is_in_failed_transaction

    def play(self, statement: Statement, step: int, sending: Sending) -> Played:
        """Play one statement.

        Raises:
            StageEnded: The stage is gone.
        """
        kind = classify(statement.text)
        segment = self.segments.current
        if kind.disposition in _CANNOT:
            reason = kind.reason or f"{kind.keyword} ends a transaction of another session"
            return Played(StepState.CANNOT, Result(""), reason=reason, segment=segment)
        refusal, escapes = self._gate.refuse(statement.text, step)
        self._watch.observations.extend(escapes)
        if refusal:
            return Played(StepState.REFUSED, Result(""), reason=refusal, segment=segment)
        turn = _Turn(kind, statement, step, sending)
        control = self._controls.get(kind.disposition) if sending.act is None else None
        return control(turn) if control else self._run(turn)

    # Statements that are sent ----------------------------------------------------------------------------------------

    def _run(self, turn: _Turn) -> Played:
        if self.segments.is_in_block:
            return self._send(turn.statement, turn.step, turn.sending)
        complaint = complaint_outside_block(turn.kind, turn.statement.text)
        if complaint and complaint.severity == "ERROR":
            return _failed(complaint, segment=self.segments.current)
        self.segments.open(turn.step, block=not self.autocommit)
        if not self.autocommit:
            return self._send(turn.statement, turn.step, turn.sending)
        return self._send_alone(turn, (complaint,) if complaint else ())

    def _send(self, statement: Statement, step: int, sending: Sending) -> Played:
        self.segments.note(statement.text)
        self.segments.local_settings.note(statement.text)
        protects = self.rolls_back_on_error and not self._session_has_failed
        session = self._watch.stage.session
        if protects:
            session.run(f"SAVEPOINT {_PSQL_SAVEPOINT}")
        played = self._transmit(statement, step, sending)
        if protects and played.state is StepState.FAILED:
            session.run(f"ROLLBACK TO {_PSQL_SAVEPOINT}")
        if protects and not self._session_has_failed and not _is_savepoint_command(statement.text):
            session.run(f"RELEASE {_PSQL_SAVEPOINT}")
        return played

    def _send_alone(self, turn: _Turn, complaints: tuple[ServerMessage, ...]) -> Played:
        segment = self.segments.current
        played = self._transmit(turn.statement, turn.step, turn.sending)
        if played.state is StepState.FAILED:
            self.segments.fail(turn.step)
            return played
        if error := self.segments.commit(turn.step):
            return _failed(error, segment=segment, took_ms=played.took_ms)
        return replace(played, complaints=complaints)

    def _transmit(self, statement: Statement, step: int, sending: Sending) -> Played:
        self.segments.on_commit.note(statement.text)
        segment = self.segments.current
        if sending.act:
            result, took_ms = self._watch.observed(sending.act, statement.text, step, segment)
        else:
            result, took_ms = self._watch.execute(
                statement.text, step, segment,
                parameters=sending.parameters, row_cap=sending.row_cap, copy_data=sending.copy_data,
            )  # fmt: skip
        if result.error is None:
            if resets_read_only(statement.text):
                self._watch.stage.note_reset()
            return Played(StepState.OK, result, took_ms, segment=segment)
        reason = reason_of(
            result.error, statement.text, self._watch.stage,
            is_in_block=self.segments.is_in_block, has_committed=self.segments.has_committed,
        )  # fmt: skip
        return Played(StepState.FAILED, result, took_ms, reason, segment)

    # Statements that the stage turns into something else -------------------------------------------------------------

    def _begin(self, turn: _Turn) -> Played:
        if self.segments.is_in_block:
            # The server warns, or refuses in a failed transaction: its own words are the best.
            return self._send(Statement("BEGIN", turn.statement.location), turn.step, turn.sending)
        self._limit_isolation(turn.kind)
        self.segments.open(
            turn.step, block=True, read_only=turn.kind.read_only, isolation=turn.kind.isolation or ""
        )
        return Played(StepState.OK, Result(tag=turn.kind.keyword), segment=self.segments.current)

    def _commit(self, turn: _Turn) -> Played:
        if not self.segments.is_in_block:
            return _outside(turn.kind, self.segments.current)
        segment, has_failed = self.segments.current, self._session_has_failed
        error = self.segments.commit(turn.step)
        if turn.kind.chain:
            self.segments.open_like_the_last(turn.step)
        if error:
            return _failed(error, segment=segment)
        return Played(StepState.OK, Result(tag="ROLLBACK" if has_failed else "COMMIT"), segment=segment)

    def _rollback(self, turn: _Turn) -> Played:
        if not self.segments.is_in_block:
            return _outside(turn.kind, self.segments.current)
        segment = self.segments.current
        refusal = self.segments.roll_back(turn.step)
        if turn.kind.chain:
            self.segments.open_like_the_last(turn.step)
        return Played(StepState.OK, Result(tag="ROLLBACK"), segment=segment, refused_at_commit=refusal)

    def _fire_constraints(self, turn: _Turn) -> Played:
        if not self.segments.is_in_block:
            # Outside a block the server only warns: so nothing needs to fire, and the guard must not.
            harmless = Statement("SET CONSTRAINTS ALL DEFERRED", turn.statement.location)
            return self._run(replace(turn, statement=harmless))
        if self._session_has_failed:
            return _failed(_FAILED_BLOCK, segment=self.segments.current)
        error = self._watch.stage.deferred.fire_by_name()
        result = Result(tag="" if error else "SET CONSTRAINTS", error=error)
        self._watch.look_after(turn.statement.text, result, turn.step, self.segments.current)
        return Played(StepState.FAILED if error else StepState.OK, result, segment=self.segments.current)

    def _set_transaction(self, turn: _Turn) -> Played:
        kind, segments = turn.kind, self.segments
        sets_modes = kind.isolation or kind.read_only is not None or kind.deferrable is not None
        if kind.is_session or not segments.is_in_block or not sets_modes or self._session_has_failed:
            return self._run(turn)
        if not segments.is_fresh:
            return self._set_transaction_late(turn)
        self._limit_isolation(kind)
        segments.isolation = kind.isolation or segments.isolation
        if kind.read_only is not None:
            segments.set_mode(read_only=kind.read_only)
        return Played(StepState.OK, Result(tag="SET"), segment=segments.current)

    def _set_transaction_late(self, turn: _Turn) -> Played:
        """The server takes no other level any more, and says so: asked for one that is another for the stage, too."""
        if turn.kind.isolation and turn.kind.isolation != self.segments.isolation:
            other = "SERIALIZABLE" if self._isolation in ("", READ_COMMITTED) else READ_COMMITTED
            refused = Statement(f"SET TRANSACTION ISOLATION LEVEL {other}", turn.statement.location)
            return self._run(replace(turn, statement=refused))
        if turn.kind.isolation:
            return Played(StepState.OK, Result(tag="SET"), segment=self.segments.current)
        return self._run(turn)

    def _limit_isolation(self, kind: StatementKind) -> None:
        if kind.isolation and kind.isolation != self._isolation:
            self._limits.add(
                f"The script asks for a transaction that is {kind.isolation}; the stage is"
                f" {self._isolation or 'of the default isolation level'} throughout."
            )

    def _prepare_transaction(self, turn: _Turn) -> Played:
        segment = self.segments.current
        if self.segments.is_in_block:
            self.segments.fail(turn.step)
        reason = "PREPARE TRANSACTION would hand the transaction to another session, beyond any rollback"
        return Played(StepState.CANNOT, Result(""), reason=reason, segment=segment)

    # The end ---------------------------------------------------------------------------------------------------------

    def end_of_script(self, step: int) -> None:
        """What psql does at the end of its input: it disconnects, and the server rolls an open block back."""
        if self.segments.is_in_block:
            self.segments.roll_back(step)


_CANNOT = frozenset({Disposition.CANNOT, Disposition.COMMIT_PREPARED, Disposition.ROLLBACK_PREPARED})


def _outside(kind: StatementKind, segment: int) -> Played:
    if kind.chain:
        return _failed(chain_outside_block(kind.keyword), segment=segment)
    tag = "COMMIT" if kind.disposition is Disposition.COMMIT else "ROLLBACK"
    return Played(StepState.OK, Result(tag=tag), segment=segment, complaints=(no_transaction_warning(),))


def _failed(error: ServerMessage, *, segment: int, took_ms: float = 0.0) -> Played:
    return Played(StepState.FAILED, Result("", error=error), took_ms, segment=segment)


def _is_savepoint_command(text: str) -> bool:
    """Whether psql leaves its own savepoint alone: the statement may have released or overtaken it."""
    return classify(text).disposition in (Disposition.SAVEPOINT, Disposition.RELEASE, Disposition.ROLLBACK_TO)
