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
        self._is_over = Event()
        self._thread: Thread | None = None
        self._seen: dict[HeldLock, tuple[float, float]] = {}
        self.problem = ""
        """Why samples are missing; empty where none are."""

    def start(self, pid: int) -> None:
        """A statement begins."""
        self.stop()
        self._seen = {}
        self._is_over.clear()
        self._thread = Thread(target=self._sample, args=(pid,), name="pgrehearse lock sampler", daemon=True)
        self._thread.start()

    def stop(self) -> dict[HeldLock, float]:
        """The statement is over: give each lock that was seen, with the ms between its first and last sample."""
        self._is_over.set()
        if self._thread:
            self._thread.join()
            self._thread = None
        return {lock: (last - first) * 1000 for lock, (first, last) in self._seen.items()}

    def _sample(self, pid: int) -> None:
        if self._is_over.wait(self._interval_s):
            return
        try:
            with Session(self._conninfo, application_name="pgrehearse locks", settings=_SETTINGS) as session:
                while not self._is_over.is_set():
                    self._note(held_locks(session, pid))
                    self._is_over.wait(self._interval_s)
        except RehearseError as error:
            self.problem = error.message

    def _note(self, held: tuple[HeldLock, ...]) -> None:
        now = time.perf_counter()
        for lock in held:
            first, _ = self._seen.get(lock, (now, now))
            self._seen[lock] = (first, now)
