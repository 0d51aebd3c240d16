"""One of the processes that fight for a lease: takes it, runs what is due, and notes what it believes.

Arguments: conninfo of the store, file to note in, seed, TTL in seconds. SIGUSR1 makes its clock step, forward or back.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
from contextlib import suppress

from pgrehearse.dots.clock import steady
from pgrehearse.dots.lease import Lease, acquire, make_holder, release
from pgrehearse.dots.ledger import Run, RunStateError, StaleTermError, append, mark_lost
from pgrehearse.dots.renewal import Renewal
from pgrehearse.dots.store import open_store
from pgrehearse.errors import ConnectionLostError, ServerError, TargetError
from pgrehearse.pg.session import Session

NAME = "the lease"
RUN_EVERY_S = 0.04


class Contender:
    def __init__(self, conninfo: str, notes: str, seed: int, ttl_s: float) -> None:
        self._conninfo = conninfo
        self._notes = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._chance = random.Random(seed)
        self._ttl_s = ttl_s
        self._step_s = 0.0
        signal.signal(signal.SIGUSR1, lambda *_: self._step())

    def contend(self) -> None:
        while True:
            try:
                with open_store(self._conninfo) as store:
                    while True:
                        self._try(store)
            except (ConnectionLostError, TargetError, ServerError):
                self._wait(0.1)

    def _try(self, store: Session) -> None:
        lease = acquire(store, NAME, make_holder(), ttl_s=self._ttl_s, clock=self._clock)
        if lease is None:
            self._wait(0.02)
            return
        self._note("acquired", lease)
        try:
            self._hold(store, lease)
        except StaleTermError:
            self._note("stale", lease)
        release(store, lease)

    def _hold(self, store: Session, lease: Lease) -> None:
        # Now one who was late comes to the same run: several holders try to start each.
        run_id = f"run {int(steady() / RUN_EVERY_S) - self._chance.randrange(3)}"
        run = Run(run_id, "DOT-1", "execute", "sandbox", "nowhere")
        with Renewal(
            self._conninfo, lease, clock=self._clock, renewed=lambda _: None, lost=lambda: None
        ) as renewal:
            mark_lost(store)
            self._wait(self._chance.choice([0.0, 0.05]))
            with suppress(RunStateError):
                append(store, run, "planned")
            try:
                append(store, run, "running", lease=lease)
            except RunStateError:
                return
            self._note("executed", lease, run_id)
            self._wait(self._chance.choice([0.01, 0.01, 0.05, 0.1, 1.5 * self._ttl_s]))
            if renewal.is_lost and self._chance.random() < 0.5:
                return  # what the runner does; the other half tries to write all the same
            try:
                append(store, run, "succeeded", lease=lease)
            except RunStateError:
                self._note("stale", lease)
                return
            self._note("ended", lease, run_id)

    def _clock(self) -> float:
        return steady() + self._step_s

    def _step(self) -> None:
        self._step_s += self._chance.uniform(-3, 3) * self._ttl_s

    def _wait(self, most_s: float) -> None:
        threading.Event().wait(self._chance.uniform(0, most_s))

    def _note(self, kind: str, lease: Lease, run_id: str = "") -> None:
        note = {"kind": kind, "holder": lease.holder, "term": lease.term, "run_id": run_id}
        os.write(self._notes, json.dumps(note).encode() + b"\n")


if __name__ == "__main__":
    Contender(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])).contend()
