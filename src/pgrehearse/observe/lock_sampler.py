"""Sees locks that a statement takes and gives back before it ends, as those of caught exceptions are.

Takes the pid of the stage's backend; reads `pg_locks` every 20 ms on a session of its own, while a statement runs. A
statement that is over sooner costs a thread that wakes up once, and no session.
"""

from __future__ import annotations

import time
from threading import Event, Thread

from pgrehearse.errors import RehearseError
from pgrehearse.observe.held import HeldLock, held_locks
from pgrehearse.pg.session import Session

INTERVAL_S = 0.02
_LATE_S = 0.1
"""How long a connection may take before the samples that it would have given are missed."""
_SETTINGS = [("default_transaction_read_only", "on"), ("lock_timeout", "10s")]


class LockSampler:
    """Samples one statement after the other; one object serves one pass.

    Args:
        conninfo: Where the stage is.
        interval_s: Seconds between two readings, and before the first.
    """

    def __init__(self, conninfo: str, *, interval_s: float = INTERVAL_S) -> None:
        self._conninfo = conninfo
        self._interval_s = interval_s
        self._sampling: _Sampling | None = None
        self._late: list[_Sampling] = []
        """Those whose connection was not there in time."""
        self._problem = ""

    @property
    def problem(self) -> str:
        """Why samples are missing; empty where none are."""
        return self._problem or next((one.problem for one in self._late if one.problem), "")

    def start(self, pid: int) -> None:
        """A statement begins."""
        self.stop()
        self._sampling = _Sampling(self._conninfo, pid, self._interval_s)
        self._sampling.start()

    def stop(self) -> dict[HeldLock, float]:
        """The statement is over: give each lock that was seen, with the ms between its first and last sample.

        A connection that is still being opened is not waited for: what the statement has locked may be in its way.
        """
        sampling, self._sampling = self._sampling, None
        if sampling is None:
            return {}
        sampling.is_over.set()
        if sampling.is_connecting.is_set():
            self._late.append(sampling)
            if time.monotonic() > sampling.connecting_since_s + _LATE_S:
                self._problem = "no session could be opened beside it"
            return {}
        sampling.join()
        self._problem = self._problem or sampling.problem
        return {lock: (last - first) * 1000 for lock, (first, last) in sampling.seen.items()}

    def end(self) -> None:
        """The stage is rolled back, and nothing of it is in the way any more."""
        self.stop()
        for sampling in self._late:
            sampling.join()


class _Sampling(Thread):
    """The sampling of one statement, on a thread of its own."""

    def __init__(self, conninfo: str, pid: int, interval_s: float) -> None:
        super().__init__(name="pgrehearse lock sampler", daemon=True)
        self._conninfo = conninfo
        self._pid = pid
        self._interval_s = interval_s
        self.is_over = Event()
        self.is_connecting = Event()
        self.connecting_since_s = 0.0
        self.seen: dict[HeldLock, tuple[float, float]] = {}
        self.problem = ""

    def run(self) -> None:
        """Wait, then sample until the statement is over."""
        if self.is_over.wait(self._interval_s):
            return
        self.connecting_since_s = time.monotonic()
        self.is_connecting.set()
        try:
            if self.is_over.is_set():  # by one who saw no connection to wait for
                return
            with Session(self._conninfo, application_name="pgrehearse locks", settings=_SETTINGS) as session:
                self.is_connecting.clear()
                while not self.is_over.is_set():
                    self._note(held_locks(session, self._pid))
                    self.is_over.wait(self._interval_s)
        except RehearseError as error:
            self.problem = error.message
        finally:
            self.is_connecting.clear()

    def _note(self, held: tuple[HeldLock, ...]) -> None:
        now = time.perf_counter()
        for lock in held:
            first, _ = self.seen.get(lock, (now, now))
            self.seen[lock] = (first, now)
