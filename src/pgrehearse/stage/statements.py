"""One SQL statement on the stage: sent as it stands, or turned into what the stage makes of it.

Takes statements in the script's order; gives a `Played` each. Transaction control becomes segments, SET CONSTRAINTS ALL
IMMEDIATE spares the guard, and what cannot run in a transaction is not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pgrehearse.pg.result import Result, ServerMessage
from pgrehearse.pg.session import ROW_CAP, Session
from pgrehearse.plan.classify import Disposition, StatementKind, classify
from pgrehearse.script.statement import Statement
from pgrehearse.stage.autocommit import complaint_outside_block, no_transaction_warning
from pgrehearse.stage.segments import Segments
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


class Statements:
    """Plays statements; one object serves one pass.

    Args:
        watch: Runs what is sent.
        refuse: Says why a statement must not be sent, or nothing.
        limits: Gathers the sentences of what this rehearsal does otherwise than psql and the server would.
    """

    def __init__(
        self, watch: Watch, *, isolation: str, refuse: Callable[[str, int], str], limits: set[str]
    ) -> None:
        self.segments = Segments(watch)
        self.autocommit = True
        self.rolls_back_on_error = False
        self._watch = watch
        self._isolation = isolation
        self._refuse = refuse
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
            return Played(StepState.CANNOT, Result(""), reason=kind.reason, segment=segment)
        if refusal := self._refuse(statement.text, step):
            return Played(StepState.REFUSED, Result(""), reason=refusal, segment=segment)
        control = self._controls.get(kind.disposition)
        if control and sending.act is None:
            return control(kind, statement, step, sending)
        return self._run(kind, statement, step, sending)

    # Statements that are sent ----------------------------------------------------------------------------------------

    def _run(self, kind: StatementKind, statement: Statement, step: int, sending: Sending) -> Played:
        if self.segments.is_in_block:
            return self._send(statement, step, sending)
        complaint = complaint_outside_block(kind, statement.text)
        if complaint and complaint.severity == "ERROR":
            return _failed(complaint, segment=self.segments.current)
        self.segments.open(step, block=not self.autocommit)
        if not self.autocommit:
            return self._send(statement, step, sending)
        return self._send_alone(statement, step, sending, (complaint,) if complaint else ())

    def _send(self, statement: Statement, step: int, sending: Sending) -> Played:
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

    def _send_alone(
        self, statement: Statement, step: int, sending: Sending, complaints: tuple[ServerMessage, ...]
    ) -> Played:
        segment = self.segments.current
        played = self._transmit(statement, step, sending)
        if played.state is StepState.FAILED:
            self.segments.fail(step)
            return played
        if error := self.segments.commit(step):
            return _failed(error, segment=segment, took_ms=played.took_ms)
        return Played(played.state, played.result, played.took_ms, segment=segment, complaints=complaints)

    def _transmit(self, statement: Statement, step: int, sending: Sending) -> Played:
        segment = self.segments.current
        if sending.act:
            result, took_ms = self._watch.observed(sending.act, statement.text, step, segment)
        else:
            result, took_ms = self._watch.execute(
                statement.text, step, segment,
                parameters=sending.parameters, row_cap=sending.row_cap, copy_data=sending.copy_data,
            )  # fmt: skip
        state = StepState.FAILED if result.error else StepState.OK
        return Played(state, result, took_ms, segment=segment)

    # Statements that the stage turns into something else -------------------------------------------------------------

    def _begin(self, kind: StatementKind, statement: Statement, step: int, sending: Sending) -> Played:
        if self.segments.is_in_block:
            # The server warns, or refuses in a failed transaction: its own words are the best.
            return self._send(Statement("BEGIN", statement.location), step, sending)
        if kind.isolation and kind.isolation != self._isolation:
            self._limits.add(
                f"A transaction of the script asks for {kind.isolation}; the stage has {self._isolation or 'the default'}"
                " from its first statement to its last."
            )
        self.segments.open(step, block=True, read_only=kind.read_only)
        return Played(StepState.OK, Result(tag=kind.keyword.split()[0]), segment=self.segments.current)

    def _commit(self, kind: StatementKind, statement: Statement, step: int, sending: Sending) -> Played:  # noqa: ARG002
        if not self.segments.is_in_block:
            return _outside(kind, self.segments.current)
        segment = self.segments.current
        has_failed = self._session_has_failed
        error = self.segments.commit(step)
        if kind.chain:
            self.segments.open(step, block=True)
        if error:
            return _failed(error, segment=segment)
        return Played(StepState.OK, Result(tag="ROLLBACK" if has_failed else "COMMIT"), segment=segment)

    def _rollback(self, kind: StatementKind, statement: Statement, step: int, sending: Sending) -> Played:  # noqa: ARG002
        if not self.segments.is_in_block:
            return _outside(kind, self.segments.current)
        segment = self.segments.current
        refusal = self.segments.roll_back(step)
        if kind.chain:
            self.segments.open(step, block=True)
        return Played(StepState.OK, Result(tag="ROLLBACK"), segment=segment, refused_at_commit=refusal)

    def _fire_constraints(
        self, kind: StatementKind, statement: Statement, step: int, sending: Sending
    ) -> Played:
        if not self.segments.is_in_block:
            return self._run(
                kind, Statement("SET CONSTRAINTS ALL DEFERRED", statement.location), step, sending
            )
        if self._session_has_failed:
            return _failed(_FAILED_BLOCK, segment=self.segments.current)
        error = self._watch.stage.deferred.fire_by_name()
        result = Result(tag="" if error else "SET CONSTRAINTS", error=error)
        self._watch.look_after(statement.text, result, step, self.segments.current)
        return Played(StepState.FAILED if error else StepState.OK, result, segment=self.segments.current)

    def _set_transaction(
        self, kind: StatementKind, statement: Statement, step: int, sending: Sending
    ) -> Played:
        if kind.isolation and self.segments.is_in_block and not kind.is_session:
            if kind.isolation != self._isolation:
                self._limits.add(
                    f"SET TRANSACTION asks for {kind.isolation}; the stage has {self._isolation or 'the default'}."
                )
            return Played(StepState.OK, Result(tag="SET"), segment=self.segments.current)
        return self._run(kind, statement, step, sending)

    def _prepare_transaction(
        self,
        kind: StatementKind,
        statement: Statement,
        step: int,
        sending: Sending,  # noqa: ARG002
    ) -> Played:
        segment = self.segments.current
        if self.segments.is_in_block:
            self.segments.fail(step)
        return Played(
            StepState.CANNOT,
            Result(""),
            reason="PREPARE TRANSACTION would leave the transaction to another session, beyond any rollback",
            segment=segment,
        )

    # The end ---------------------------------------------------------------------------------------------------------

    def end_of_script(self, step: int) -> None:
        """What psql does at the end of its input: it disconnects, and the server rolls an open block back."""
        if self.segments.is_in_block:
            self.segments.roll_back(step)


_CANNOT = frozenset({Disposition.CANNOT, Disposition.COMMIT_PREPARED, Disposition.ROLLBACK_PREPARED})


def _outside(kind: StatementKind, segment: int) -> Played:
    tag = "COMMIT" if kind.disposition is Disposition.COMMIT else "ROLLBACK"
    return Played(StepState.OK, Result(tag=tag), segment=segment, complaints=(no_transaction_warning(),))


def _failed(error: ServerMessage, *, segment: int, took_ms: float = 0.0) -> Played:
    return Played(StepState.FAILED, Result("", error=error), took_ms, segment=segment)


def _is_savepoint_command(text: str) -> bool:
    """Whether psql leaves its own savepoint alone: the statement may have released or overtaken it."""
    return classify(text).disposition in (Disposition.SAVEPOINT, Disposition.RELEASE, Disposition.ROLLBACK_TO)
