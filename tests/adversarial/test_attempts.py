"""Every attempt to commit or to escape ends as it must, and a separate session finds the database unchanged."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from pgrehearse.errors import LaunchError, RehearseError
from pgrehearse.pg.session import Session
from pgrehearse.plan.planfile import PlanFile, read_plan_file
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.script.source import read_source
from pgrehearse.server import Server, private_server
from pgrehearse.stage.clearance import IDENTITY, Clearance
from pgrehearse.stage.fingerprint import fingerprint_database

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from attempt import Attempt  # noqa: E402
from attempts import ATTEMPTS  # noqa: E402
from attempts_escape import ESCAPE  # noqa: E402

CONTRIB = ("dblink", "postgres_fdw", "adminpack")
DATABASE = "victim"


class Victim:
    """A database to attack; made anew where an attempt has changed it."""

    def __init__(self, server: Server) -> None:
        self.major = server.binaries.major
        self._server = server
        self.extensions: tuple[str, ...] = ()
        self.make()

    @property
    def conninfo(self) -> str:
        return self._server.conninfo(DATABASE)

    def make(self) -> None:
        with psycopg.connect(self._server.conninfo(), autocommit=True) as session:
            session.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            session.execute(f"CREATE DATABASE {DATABASE}")
        with Session(self.conninfo) as session:
            session.run((HERE / "victim.sql").read_text())
            there = {name for (name,) in session.fetch("SELECT name FROM pg_available_extensions")}
            self.extensions = tuple(name for name in CONTRIB if name in there)
            for name in self.extensions:
                session.run(f"CREATE EXTENSION {name}")
        self.fingerprint = self.look()

    def look(self) -> str:
        with Session(self.conninfo) as session:
            return fingerprint_database(session)

    def clearance(self) -> Clearance:
        with Session(self.conninfo) as session:
            database, oid, system, _ = session.fetch(IDENTITY)[0]
        return Clearance(database, oid, system, "clone", ("made for this test",))


@pytest.fixture(scope="module", params=(15, 16, 18), ids=lambda major: f"pg{major}")
def victim(request: pytest.FixtureRequest) -> Iterator[Victim]:
    try:
        with private_server(wanted_major=request.param) as server:
            yield Victim(server)
    except LaunchError:
        pytest.skip(f"PostgreSQL {request.param} is not here")


def outcome(attempt: Attempt, victim: Victim, folder: Path) -> tuple[str, str]:
    """The word of the verdict, and all that the evidence says."""
    script, plan_file = folder / "attempt.sql", folder / "attempt.toml"
    script.write_text(attempt.script)
    plan_file.write_text(attempt.policy)
    plan = read_plan_file(plan_file) if attempt.policy else PlanFile()
    try:
        rehearsed = rehearse(read_source(str(script)), plan, victim.conninfo, victim.clearance(), Options())
    except RehearseError as error:
        return "REFUSED" if error.exit_status == 3 else type(
            error
        ).__name__, f"{error.message} {error.detail}"
    evidence = rehearsed.evidence
    return evidence.verdict.word, msgspec.json.encode(evidence).decode()


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name[:80])
def test_an_attempt_ends_as_it_must_and_changes_nothing(
    attempt: Attempt, victim: Victim, tmp_path: Path
) -> None:
    if victim.major not in attempt.majors or not set(attempt.contrib) <= set(victim.extensions):
        pytest.skip("not on this version, or without contrib")
    if victim.major == 15 and attempt not in ESCAPE and not os.environ.get("PGREHEARSE_ALL_ATTEMPTS"):
        pytest.skip("on 15, only what differs there; PGREHEARSE_ALL_ATTEMPTS=1 for all")

    word, said = outcome(attempt, victim, tmp_path)
    after = victim.look()
    is_changed, before = after != victim.fingerprint, victim.fingerprint
    if is_changed:
        victim.make()

    assert word == attempt.verdict, said
    assert attempt.says.lower() in said.lower()
    if attempt.sequences:
        assert is_changed
        assert all(sequence in said for sequence in attempt.sequences)
    else:
        assert after == before


def test_there_are_at_least_150_attempts_and_no_two_alike() -> None:
    assert len({attempt.script + attempt.policy for attempt in ATTEMPTS}) == len(ATTEMPTS) >= 150
    assert len({attempt.name for attempt in ATTEMPTS}) == len(ATTEMPTS)
