"""What observing costs: each figure beside the bare statements, measured in the same run on the same server.

Usage: python bench/observe.py [MAJOR] [--quick]. Prints a table in Markdown; `bench/RESULTS-observe.md` keeps the last.
Ratios say more than milliseconds: the server is a throwaway one, without fsync, on whatever machine this is.
"""

from __future__ import annotations

import secrets
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from pgrehearse.estate import Version, load_estate
from pgrehearse.pg.session import Session
from pgrehearse.plan.planfile import PlanFile
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.script.source import make_source
from pgrehearse.server import Server, private_server
from pgrehearse.stage.clearance import IDENTITY, Clearance

QUICK = "--quick" in sys.argv
MAJOR = next((int(argument) for argument in sys.argv[1:] if argument.isdigit()), 18)
ROWS = 100_000 if QUICK else 1_000_000
REPEATS = 5 if QUICK else 15

SETTING = "UPDATE dot_config SET description = 'A benchmark was here.' WHERE key = (SELECT min(key) FROM dot_config);"
"""No trigger fires."""

ONE_TOOL = "UPDATE dot_tools SET sort = 1 WHERE code = 'DOT-001';"
"""Triggers count all over again, in tables of their own."""

SMALL_CHANGE = """
INSERT INTO dot_tools (code, name, name_en, description, classification, owner, script_path, token_type, category,
                       status, tier, domain, operation, trigger_type, _dot_origin)
VALUES ('DOT-BENCH', 'Bench', 'Bench', 'A dry tool that measures how long the estate takes to hear of it.',
        'governance', 'GOV-DOT', '/nonexistent/bench.sql', 'none', 'governance', 'published', NULL, 'governance',
        'coverage_scan', 'manual', 'DIRECTUS');
"""


_MORE_TABLES = """
DO $$
BEGIN
    FOR i IN {first}..{last} LOOP
        EXECUTE format('CREATE TABLE t%s (id {kind}, note text)', i);
    END LOOP;
END $$
"""


def main() -> None:
    with private_server(wanted_major=MAJOR) as server:
        print("| what | bare | clean pass | both passes |\n| --- | --: | --: | --: |")
        large_update(server)
        partitioned_update(server)
        estate_scales(server)
        many_tables(server)


def large_update(server: Server) -> None:
    """One UPDATE of many rows."""
    with database(server) as conninfo:
        fill(conninfo, "CREATE TABLE big (id int PRIMARY KEY, v int, note text)", "big")
        compare(
            conninfo, "UPDATE big SET v = v + 1;", f"UPDATE of {ROWS:,} rows", repeats=3, between="VACUUM big"
        )


def partitioned_update(server: Server) -> None:
    """The same on leaves, where rows are counted one by one."""
    with database(server) as conninfo:
        leaves = "; ".join(
            f"CREATE TABLE big_{n} PARTITION OF big FOR VALUES WITH (MODULUS 4, REMAINDER {n})"
            for n in range(4)
        )
        ddl = f"CREATE TABLE big (id int PRIMARY KEY, v int, note text) PARTITION BY HASH (id); {leaves}"
        fill(conninfo, ddl, "big")
        compare(
            conninfo,
            "UPDATE big SET v = v + 1;",
            f"UPDATE of {ROWS:,} rows in 4 partitions",
            repeats=3,
            between="VACUUM big",
        )


def estate_scales(server: Server) -> None:
    """A small change on the estate, at several scales."""
    for scale in (1, 10) if QUICK else (1, 10, 100):
        with database(server) as conninfo:
            with psycopg.connect(conninfo, autocommit=True) as session:
                load_estate(session.execute, version=Version.BEFORE_PATCH, scale=scale)
                session.execute("VACUUM ANALYZE")
            if scale == 1:
                compare(conninfo, SETTING, "UPDATE of one setting of the estate, p50", repeats=REPEATS)
                compare(conninfo, ONE_TOOL, "UPDATE of one tool, p50", repeats=REPEATS)
            compare(conninfo, SMALL_CHANGE, f"one new DOT, estate at scale {scale}, p50", repeats=REPEATS)


def many_tables(server: Server) -> None:
    """A small change, and a change of the schema, beside ever more tables, without sequences and with one each."""
    beside_tables(server, "int UNIQUE", "tables")
    beside_tables(server, "serial PRIMARY KEY", "tables with a serial each")


def beside_tables(server: Server, kind: str, what: str) -> None:
    with database(server) as conninfo:
        made = 0
        for tables in (100, 1_000) if QUICK else (100, 1_000, 10_000):
            with psycopg.connect(conninfo, autocommit=True) as session:
                for n in range(made, tables, 500):
                    last = min(n + 500, tables)
                    session.execute(_MORE_TABLES.format(first=n, last=last - 1, kind=kind))
                session.execute("VACUUM ANALYZE pg_catalog.pg_class")
            made = tables
            for title, change in (
                ("INSERT", "INSERT INTO t5 (note) VALUES ('x');"),
                ("ALTER TABLE", "ALTER TABLE t5 ADD n int;"),
            ):
                compare(conninfo, change, f"one {title}, {tables:,} {what}, p50", repeats=REPEATS)


# Measuring -----------------------------------------------------------------------------------------------------------


def compare(conninfo: str, change: str, what: str, *, repeats: int, between: str = "") -> None:
    """Measure the three in turn, so that what else the machine does falls on all of them.

    `between` is run before each measurement: what a rolled-back UPDATE leaves behind is not the next one's to pay.
    """
    clearance = cleared(conninfo)
    source = make_source("bench.sql", change.encode())

    def prepare() -> None:
        if between:
            with psycopg.connect(conninfo, autocommit=True) as session:
                session.execute(between)

    def alone_once() -> float:
        prepare()
        return bare(conninfo, change)

    def rehearsed(passes: int) -> tuple[float, float]:
        prepare()
        began = time.perf_counter()
        evidence = rehearse(source, PlanFile(), conninfo, clearance, Options(passes=passes)).evidence
        assert evidence.verdict.word == "GO", evidence.verdict
        return (time.perf_counter() - began) * 1000, sum(step.duration_ms for step in evidence.steps)

    for run in (alone_once, lambda: rehearsed(1), lambda: rehearsed(2)):
        run()
    samples = [(alone_once(), rehearsed(1), rehearsed(2)) for _ in range(repeats)]
    alone, clean, both = (
        statistics.median(values)
        for values in ([s[0] for s in samples], [s[1][0] for s in samples], [s[2][0] for s in samples])
    )
    statement = statistics.median(s[1][1] for s in samples)
    cells = [
        what,
        f"{alone:,.1f} ms",
        f"{clean:,.1f} ms ({clean / alone:.2f}x; its statements {statement / alone:.2f}x)",
        f"{both:,.1f} ms ({both / alone:.2f}x)",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


def bare(conninfo: str, change: str) -> float:
    """The statements alone, in a transaction that is rolled back, with a connection of their own; in ms."""
    began = time.perf_counter()
    with psycopg.connect(conninfo) as session:
        session.execute(change)
        session.rollback()
    return (time.perf_counter() - began) * 1000


def fill(conninfo: str, ddl: str, table: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as session:
        session.execute(ddl)
        session.execute(
            f"INSERT INTO {table} SELECT g, g, repeat('x', 50) FROM generate_series(1, {ROWS}) AS g"
        )
        session.execute(f"VACUUM ANALYZE {table}")


def cleared(conninfo: str) -> Clearance:
    with Session(conninfo) as session:
        database_name, oid, system, _ = session.fetch(IDENTITY)[0]
    return Clearance(database_name, oid, system, "clone", ("made by the benchmark",))


@contextmanager
def database(server: Server) -> Iterator[str]:
    name = "bench_" + secrets.token_hex(4)
    with psycopg.connect(server.conninfo(), autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        try:
            yield server.conninfo(name)
        finally:
            session.execute(f"DROP DATABASE {name} WITH (FORCE)")


if __name__ == "__main__":
    main()
