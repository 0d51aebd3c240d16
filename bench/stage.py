"""What guard, observers, proof and residue cost over the bare statements: the seed's script on the reference estate.

Usage: python bench/stage.py [ROUNDS]; writes bench/RESULTS-stage.md.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pgrehearse.estate import Version, load_estate
from pgrehearse.observe.escapes import EscapeFinder
from pgrehearse.observe.names import RelationName
from pgrehearse.pg.session import Session
from pgrehearse.plan.planfile import PlanFile
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.script.reader import Reader
from pgrehearse.script.source import Source, read_source
from pgrehearse.script.statement import Query
from pgrehearse.script.variables import Variables
from pgrehearse.server import private_server
from pgrehearse.stage.clearance import IDENTITY, Clearance
from pgrehearse.stage.inventory import take_inventory
from pgrehearse.stage.transaction import RollbackOnly
from pgrehearse.stage.witness import Witness

SCRIPT = "examples/dot_register/D_dot_register_rehearsal_rollback_only_clone.sql"
DATABASE = "directus_gov_test_bench"
CONTROL = ("BEGIN", "ROLLBACK", "COMMIT")


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    lines = [
        "# What the stage costs", "",
        f"The seed's script on the reference estate, {rounds} rounds, p50 in ms (`python bench/stage.py {rounds}`).",
        "`bare` sends the same statements in one transaction that is rolled back, on a session of its own.", "",
        "| server | bare | guard | proof and residue | together over bare | one pass, all observers | two passes |",
        "| --- | --: | --: | --: | --: | --: | --: |",
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
        bare = p50(rounds, lambda: run_bare(conninfo, source))
        guard = p50(rounds, lambda: run_guard(conninfo))
        proof = p50(rounds, lambda: run_proof(conninfo))
        once = p50(rounds, lambda: rehearse(source, PlanFile(), conninfo, clearance, Options(passes=1)))
        twice = p50(rounds, lambda: rehearse(source, PlanFile(), conninfo, clearance, Options()))
        version = server.binaries.version
    return f"| {version} | {bare:.1f} | {guard:.1f} | {proof:.1f} | {guard + proof:.1f} | {once:.1f} | {twice:.1f} |"


def p50(rounds: int, act: Callable[[], object]) -> float:
    act()
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        act()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def run_bare(conninfo: str, source: Source) -> None:
    with Session(conninfo, application_name="psql") as session:
        session.run("BEGIN")
        for text in texts_of(source):
            session.execute(text)
        session.run("ROLLBACK")


def texts_of(source: Source) -> list[str]:
    items = (item for item in Reader(source, Variables()) if isinstance(item, Query))
    texts = (statement.text for item in items for statement in item.statements)
    return [text for text in texts if not text.lstrip().upper().startswith(CONTROL)]


def run_guard(conninfo: str) -> None:
    """Open the stage, arm the guard, put it to the proof, roll back."""
    with Session(conninfo, application_name="psql") as session:
        stage = RollbackOnly(session, token="0123456789abcdef")
        stage.begin()
        stage.guard.still_refuses(session)
        stage.end()


def run_proof(conninfo: str) -> None:
    """Two witnesses, the catalog searched for escapes, two inventories, and the touched tables compared."""
    with Witness(conninfo) as witness:
        take_inventory(witness.now)
        EscapeFinder().learn(witness.now)
        touched = witness.now.fetch(TOUCHED)
        take_inventory(witness.now)
        witness.fingerprint([RelationName(*row) for row in touched])


TOUCHED = """
SELECT oid::bigint, oid::regclass::text, relkind::text, relpersistence::text, false FROM pg_class
WHERE relname IN ('birth_registry', 'dot_tools', 'entity_labels', 'context_pack_requests', 'v_registry_counts',
                  'v_registry_summary')
"""

if __name__ == "__main__":
    main()
