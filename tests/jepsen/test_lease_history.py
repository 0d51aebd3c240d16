"""Eight processes fight for one lease while they are killed, stopped and lied to, and the server crashes under them.

In the manner of Jepsen: chaos first, then a checker over the whole history. PGREHEARSE_JEPSEN_S says for how many
seconds (10 by default). A lease that is broken on purpose shows that the checker would have seen it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from pgrehearse.dots.ledger import mark_lost
from pgrehearse.dots.store import open_store
from pgrehearse.dots.verification import verify
from pgrehearse.server import Server, shared_server, stop_shared_servers

from .history import Event, Row, violations

SECONDS = float(os.environ.get("PGREHEARSE_JEPSEN_S", "10"))
WORKERS = 8
TTL_S = 0.6
CONTENDER = Path(__file__).with_name("contender.py")

# What is wrong with a lease that looks right on a quiet day.
NO_FENCE = """
    DO $$
    DECLARE
        v_text text := pg_get_functiondef('pgrehearse_dots.enter_ledger'::regproc);
    BEGIN
        EXECUTE replace(v_text, 'NEW.state <> ''lost'' AND NEW.term IS NOT NULL', 'false');
    END;
    $$
"""
SAME_TERM = """
    DROP TRIGGER keep_row ON pgrehearse_dots.lease;
    CREATE FUNCTION keep_term() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.term := OLD.term; RETURN NEW; END';
    CREATE TRIGGER keep_row BEFORE UPDATE ON pgrehearse_dots.lease FOR EACH ROW EXECUTE FUNCTION keep_term();
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pgr-jepsen-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        place = Path(folder) / "home"
        yield place
        stop_shared_servers(home=place)


class Chaos:
    """The processes, and what is done to them."""

    def __init__(self, home: Path, folder: Path, *, seed: int) -> None:
        self._home = home
        self._folder = folder
        self._chance = random.Random(seed)
        self._processes: list[subprocess.Popen[bytes]] = []
        self.done: Counter[str] = Counter()
        self.conninfo = self._server().conninfo()

    def _server(self) -> Server:
        return shared_server(wanted_major=18, home=self._home)

    def start(self) -> None:
        number = self.done["start"]
        arguments = [self.conninfo, str(self._folder / f"{number}.notes"), str(number), str(TTL_S)]
        self._processes.append(subprocess.Popen([sys.executable, str(CONTENDER), *arguments]))
        self.done["start"] += 1

    def act(self) -> None:
        act = self._chance.choices([self.kill, self.stop, self.step, self.restart], [4, 6, 4, 1])[0]
        self.done[act.__name__] += 1
        act()

    def kill(self) -> None:
        victim = self._processes.pop(self._chance.randrange(len(self._processes)))
        victim.kill()
        victim.wait()
        self.start()

    def stop(self, number: int = 3) -> None:
        """Stop some for longer than the lease lasts: they wake up believing that they hold it."""
        victims = self._chance.sample(self._processes, number)
        for victim in victims:
            victim.send_signal(signal.SIGSTOP)
        time.sleep(TTL_S * self._chance.uniform(1.1, 2.0))
        for victim in victims:
            victim.send_signal(signal.SIGCONT)

    def step(self) -> None:
        for process in self._processes:
            process.send_signal(signal.SIGUSR1)

    def restart(self) -> None:
        self._server().stop("immediate")
        self._server()

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def events(self) -> list[Event]:
        lines = [line for file in self._folder.glob("*.notes") for line in file.read_text().splitlines()]
        return [Event(**json.loads(line)) for line in lines]


@contextmanager
def chaos(home: Path, folder: Path, *, breakage: str = "") -> Iterator[Chaos]:
    fight = Chaos(home, folder, seed=int(os.environ.get("PGREHEARSE_JEPSEN_SEED", "1")))
    with open_store(fight.conninfo) as store:
        if breakage:
            store.run(breakage)
    try:
        for _ in range(WORKERS):
            fight.start()
        yield fight
    finally:
        fight.end()


def rows_of(conninfo: str) -> list[Row]:
    """The whole ledger, after every lease has ended and what was lost is marked."""
    with open_store(conninfo) as store, psycopg.connect(conninfo) as session:
        store.run(f"SELECT pg_sleep({TTL_S})")
        mark_lost(store)
        query = "SELECT seq, run_id, state, holder, term FROM pgrehearse_dots.ledger ORDER BY seq"
        return [Row(*row) for row in session.execute(query)]


def test_no_two_terms_overlap_and_every_run_is_accounted_for(home: Path, tmp_path: Path):
    with chaos(home, tmp_path) as fight:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.2)
            fight.act()

    rows, events = rows_of(fight.conninfo), fight.events()
    with open_store(fight.conninfo) as store:
        assert verify(store).is_sound
    kinds, states = Counter(event.kind for event in events), Counter(row.state for row in rows)
    sys.stderr.write(f"{SECONDS:.0f} s: {dict(fight.done)}; events {dict(kinds)}; rows {dict(states)}\n")
    assert violations(rows, events) == []
    assert states["succeeded"] > 0
    assert fight.done["stop"] > 0


@pytest.mark.parametrize("breakage", [NO_FENCE, SAME_TERM], ids=["no fence", "terms that do not grow"])
def test_a_broken_lease_is_caught(home: Path, tmp_path: Path, breakage: str):
    found: list[str] = []

    with chaos(home, tmp_path, breakage=breakage) as fight:
        deadline = time.monotonic() + 120
        while not found and time.monotonic() < deadline:
            for _ in range(5):
                time.sleep(0.2)
                fight.stop(WORKERS - 1)  # the holder among them, but for bad luck
            with psycopg.connect(fight.conninfo) as session:
                query = "SELECT seq, run_id, state, holder, term FROM pgrehearse_dots.ledger"
                rows = [Row(*row) for row in session.execute(query)]
            # The fight goes on while we read: what only is not yet written is no violation.
            seen = violations(rows, fight.events())
            found = [one for one in seen if "after a row of term" in one or "holders" in one]

    assert found
