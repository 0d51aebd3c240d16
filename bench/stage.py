"""What guard, proof and residue cost over the bare statements: the seed's script on the reference estate.

Usage: python bench/stage.py [ROUNDS]; writes bench/RESULTS-stage.md. All columns are measured in turn, round by round,
so that what else the machine does falls on all of them.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pgrehearse.estate import Version, load_estate
from pgrehearse.observe.escapes import EscapeFinder
from pgrehearse.observe.held import held_locks
from pgrehearse.observe.names import RelationNames
from pgrehearse.pg.session import Session
from pgrehearse.plan.planfile import PlanFile, Policy
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.script.reader import Reader
from pgrehearse.script.source import Source, read_source
from pgrehearse.script.statement import Query
from pgrehearse.script.variables import Variables
from pgrehearse.server import private_server
from pgrehearse.stage.beside import Beside
from pgrehearse.stage.clearance import IDENTITY, Clearance
from pgrehearse.stage.inventory import differences, take_inventory
from pgrehearse.stage.limits import Limits
from pgrehearse.stage.transaction import RollbackOnly
from pgrehearse.stage.witness import Prove, Witness

SCRIPT = "examples/dot_register/D_dot_register_rehearsal_rollback_only_clone.sql"
DATABASE = "directus_gov_test_bench"
CONTROL = ("BEGIN", "ROLLBACK", "COMMIT")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    lines = [
        "# What the stage costs", "",
        f"The seed's script on the reference estate, p50 of {rounds} rounds in ms (`python bench/stage.py {rounds}`).",
        "`bare` sends its statements in one transaction that is rolled back, on a session of its own. `guarded` sends",
        "the same on a stage, with nothing observed: the guard armed and put to the proof, the catalog searched for",
        "escapes, two inventories, the rollback proved, and what was touched compared.", "",
        "| server | bare | guarded | guard, proof and residue | one pass, all observers | two passes |",
        "| --- | --: | --: | --: | --: | --: |",
    ]  # fmt: skip
    lines.extend(measure(major, rounds) for major in (18, 16))
    Path("bench/RESULTS-stage.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def measure(major: int, rounds: int) -> str:
    with private_server(wanted_major=major) as server:
        with Session(server.conninfo()) as session:
            session.run(f"CREATE DATABASE {DATABASE}")
        conninfo = server.conninfo(DATABASE)
        with Session(conninfo) as session:
            load_estate(session.run, version=Version.BEFORE_PATCH)
            session.run("ANALYZE")
            database, oid, system, _ = session.fetch(IDENTITY)[0]
        clearance = Clearance(database, oid, system, "clone", ("made for this benchmark",))
        source = read_source(SCRIPT)
        ways: list[Callable[[], object]] = [
            lambda: run_bare(conninfo, source),
            lambda: run_guarded(conninfo, clearance, source),
            lambda: rehearse(source, PlanFile(), conninfo, clearance, Options(passes=1)),
            lambda: rehearse(source, PlanFile(), conninfo, clearance, Options()),
        ]
        bare, guarded, once, twice = medians(rounds, ways)
        version = server.binaries.version
    return f"| {version} | {bare:.1f} | {guarded:.1f} | {guarded - bare:.1f} | {once:.1f} | {twice:.1f} |"


def medians(rounds: int, ways: list[Callable[[], object]]) -> list[float]:
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds + 1):
        for way, times in zip(ways, taken, strict=True):
            started = time.perf_counter()
            way()
            times.append((time.perf_counter() - started) * 1000)
    return [statistics.median(times[1:]) for times in taken]


def run_bare(conninfo: str, source: Source) -> None:
    with Session(conninfo, application_name="psql") as session:
        session.run("BEGIN")
        for text in texts_of(source):
            session.execute(text)
        session.run("ROLLBACK")


def run_guarded(conninfo: str, clearance: Clearance, source: Source) -> None:
    """What a rehearsal does around the statements, without an observer."""
    limits = Limits.of(Policy())
    with Beside() as beside:
        witness = Witness(
            conninfo, clearance, beside, prove=Prove.TOUCHED, limits=limits, learn=EscapeFinder().learn
        )
        opened = beside.open(lambda: open_stage(conninfo, clearance, limits))
        begun = beside.start(lambda: begin(opened.take()))
        witness.open()
        before = take_inventory(witness.now, clearance.database_oid)
        stage = begun.result()
        session = stage.session
        witness.wait_for_entry()
        for text in texts_of(source):
            session.execute(text)
        names, written = (
            RelationNames(),
            [k.relation for k in held_locks(witness.now, session.pid) if k.is_write],
        )
        names.learn(session, written)
        witness.status_now(stage.xid)
        stage.guard.still_refuses(session)
        stage.end()
        held_locks(witness.now, session.pid)
        witness.see_again()
        _, after = witness.compare(names.reported(written, "rpmv"))
        assert differences(before, after).here == ()
        witness.status_of(stage.xid)


def open_stage(conninfo: str, clearance: Clearance, limits: Limits) -> Session:
    session = Session(conninfo, application_name="psql", settings=limits.settings())
    clearance.verify(session)
    return session


def begin(session: Session) -> RollbackOnly:
    stage = RollbackOnly(session, token="0123456789abcdef")
    stage.begin()
    return stage


def texts_of(source: Source) -> list[str]:
    items = (item for item in Reader(source, Variables()) if isinstance(item, Query))
    texts = (statement.text for item in items for statement in item.statements)
    return [text for text in texts if not text.lstrip().upper().startswith(CONTROL)]


if __name__ == "__main__":
    main()
