"""Runs statements of the script under the eyes of the observers, and sees that the stage still stands.

Takes statements; gives results, and gathers observations. After each statement a second session reads the locks of the
stage, the one on its transaction id among them: so a transaction that ended is noticed at that very step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from pgrehearse.errors import ConnectionLostError, ServerError
from pgrehearse.observe.held import HeldLock, WalEnd, held_locks_and_wal
from pgrehearse.observe.names import RelationNames
from pgrehearse.observe.observation import MessageReceived, Observation
from pgrehearse.observe.observer import Moment, Observer
from pgrehearse.pg.result import Result, ServerMessage
from pgrehearse.pg.session import ROW_CAP, Session
from pgrehearse.stage.gate import Gate
from pgrehearse.stage.transaction import RollbackOnly

INTERRUPTED = "the rehearsal was interrupted"
_TIME_IS_UP = "the deadline of the rehearsal has passed (deadline_s)"


class StageEnded(Exception):  # noqa: N818 - no error of ours, an event
    """The pass cannot go on: the server is lost, the transaction is no longer ours, or time is up.

    Not an error of pgrehearse: caught by the pass, which says it in the transcript. `result` is that of the statement
    it ended with.
    """

    def __init__(self, reason: str, result: Result | None = None) -> None:
        super().__init__(reason)
        self.result = result or Result("")


class Watch:
    """The eyes of one pass: its observers, what they saw, and what is held now."""

    def __init__(
        self,
        stage: RollbackOnly,
        witness: Session,
        observers: Sequence[Observer],
        gate: Gate,
        *,
        deadline: float,
        is_interrupted: Callable[[], bool],
    ) -> None:
        self.stage = stage
        self.observations: list[Observation] = []
        self.names = RelationNames()
        self.touched: set[int] = set()
        self._witness = witness
        self._observers = observers
        self._gate = gate
        self._deadline = deadline
        self._is_interrupted = is_interrupted
        self.was_interrupted = False
        stage.session.must_end = self._must_end
        self._held: tuple[HeldLock, ...] = ()
        self._own: set[int] = set()
        self._wal: WalEnd | None = None
        self._messages: tuple[ServerMessage, ...] = ()

    def _must_end(self) -> bool:
        return self._is_interrupted() or time.monotonic() > self._deadline

    # The life of a pass ----------------------------------------------------------------------------------------------

    def begin(self, catalog_oids: Mapping[str, int]) -> None:
        """The stage is open: let the observers take their bearings.

        What it has written for itself so far, its guard and its log, is none of the script's.
        """
        self._look()
        self._own = set(self.touched)
        self.touched.clear()
        self._held = tuple(lock for lock in self._held if lock.relation not in self._own)
        self.stage.catalogs.begin(catalog_oids)
        for observer in self._observers:
            observer.begin(self._moment(0, 0))
        self.stage.catalogs.begin(catalog_oids)  # probes are the stage's own as well
        self.stage.session.take_messages()

    def end_segment(self, step: int, segment: int) -> None:
        """A segment ends: what it did is visible for the last time, or for good."""
        self._messages = self.stage.session.take_messages()
        moment = self._moment(step, segment)
        with self.stage.footing.own():
            self._gather(observer.end_segment(moment) for observer in self._observers)
            if moment.is_usable:
                self.names.learn(self.stage.session, self.touched)

    def finish(self, step: int) -> None:
        """The script has ended."""
        self._messages = ()
        with self.stage.footing.own():
            self._gather(observer.finish(self._moment(step, 0)) for observer in self._observers)

    def end(self) -> None:
        """The stage is rolled back."""
        self._gather(observer.end(self._witness) for observer in self._observers)

    # One statement ---------------------------------------------------------------------------------------------------

    def execute(
        self,
        text: str,
        step: int,
        segment: int,
        *,
        parameters: Sequence[str | None] | None = None,
        row_cap: int = ROW_CAP,
        copy_data: Callable[[], Iterable[bytes]] | None = None,
    ) -> tuple[Result, float]:
        """Run one statement of the script; give its result and how long the server took, in ms.

        Raises:
            StageEnded: The server is lost, the transaction is gone, or the deadline has passed.
        """
        return self.observed(
            lambda: self.stage.session.execute(
                text, parameters=parameters, row_cap=row_cap, copy_data=copy_data
            ),
            text,
            step,
            segment,
        )

    def observed(self, act: Callable[[], Result], text: str, step: int, segment: int) -> tuple[Result, float]:
        """Let `act` send something of the script's to the server, and look before and after."""
        self.look_before(text, step, segment)
        started = time.perf_counter()
        result = act()
        took_ms = (time.perf_counter() - started) * 1000
        self.look_after(text, result, step, segment)
        return result, took_ms

    def look_before(self, text: str, step: int, segment: int) -> None:
        """Let the observers know that a statement, or a fake commit, is about to run.

        Raises:
            StageEnded: Somebody wants the rehearsal to end.
        """
        self._see_that_it_goes_on(Result(""))
        if self.stage.session.is_in_failed_transaction:
            return
        with self.stage.footing.own():
            for observer in self._observers:
                observer.before(self._moment(step, segment, text=text))
        self.stage.footing.note(text)

    def hear(self, message: ServerMessage, step: int, segment: int) -> None:
        """Take in a message that the server did not send, because it was not asked."""
        self.observations.append(
            MessageReceived(message.severity, message.sqlstate, message.text, step, segment)
        )

    def look_after(self, text: str, result: Result, step: int, segment: int) -> None:
        """See that the stage still stands, and let the observers look.

        Raises:
            StageEnded: It does not.
        """
        self._messages = self.stage.session.take_messages()
        self._look()
        self._see_that_it_stands(result)
        footing = self.stage.footing
        with footing.own():
            self._read_catalogs(result)
            moment = self._moment(step, segment, text=text, tag=result.tag)
            with footing.own():  # where only the catalogs told that it is needed
                self._gather(observer.after(moment) for observer in self._observers)
        self._see_that_it_goes_on(result)
        if time.monotonic() > self._deadline:
            raise StageEnded(_TIME_IS_UP, result)

    def _see_that_it_goes_on(self, result: Result) -> None:
        if self._is_interrupted():
            self.was_interrupted = True
            raise StageEnded(INTERRUPTED, result)

    def _look(self) -> None:
        held, self._wal = held_locks_and_wal(self._witness, self.stage.session.pid)
        self._held = tuple(lock for lock in held if lock.relation not in self._own)
        self.touched.update(lock.relation for lock in self._held if lock.is_write)

    def _read_catalogs(self, result: Result) -> None:
        if self.stage.session.is_in_failed_transaction:
            return
        try:
            self.stage.catalogs.read()
        except ConnectionLostError as error:
            raise StageEnded(f"the server was lost: {error.message}", result) from error
        if self.stage.catalogs.is_misleading:
            self.stage.footing.shake()

    def _see_that_it_stands(self, result: Result) -> None:
        if self.stage.session.is_lost and time.monotonic() > self._deadline:
            raise StageEnded(
                f"{_TIME_IS_UP}; the statement would not be cancelled: its session was closed", result
            )
        if self.stage.session.is_lost:
            error = result.error
            raise StageEnded(f"the server was lost: {error.text}" if error else "the server was lost", result)
        if not self.stage.is_still_open():
            raise StageEnded("a statement ended the transaction of the stage", result)
        if not any(lock.xid == self.stage.xid for lock in self._held):
            raise StageEnded(self._why_gone(), result)

    def _why_gone(self) -> str:
        try:
            self.stage.session.fetch("SELECT 1")
        except ConnectionLostError as error:
            return f"the server was lost: {error.message}"
        except ServerError:
            pass  # it answers
        return "the transaction is no longer the one that the stage began"

    def _moment(self, step: int, segment: int, *, text: str = "", tag: str = "") -> Moment:
        session = self.stage.session
        return Moment(
            step=step,
            segment=segment,
            session=session,
            witness=self._witness,
            names=self.names,
            held=self._held,
            wal=self._wal,
            catalogs=self.stage.catalogs.state,
            messages=self._messages,
            text=text,
            tag=tag,
            is_usable=not session.is_lost and not session.is_in_failed_transaction,
        )

    def _gather(self, seen: Iterable[Iterable[Observation]]) -> None:
        escaped: list[str] = []
        try:
            for observations in seen:
                of_one = tuple(observations)
                self.observations.extend(of_one)
                escaped += [f"{o.kind} {o.object}" for o in of_one if self._gate.is_breach(o)]
        except ConnectionLostError as error:
            raise StageEnded(error.message) from error
        if escaped:
            raise StageEnded(f"an escape was found when it had run: {', '.join(escaped)}")
