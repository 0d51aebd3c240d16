"""A dump of the estate is read as psql reads it, and loads the same rows."""

from __future__ import annotations

import subprocess

import psycopg
import pytest

from pgrehearse.estate import Version, load_estate
from pgrehearse.plan.planner import make_plan
from pgrehearse.script.source import make_source

TABLES = """
    SELECT oid::regclass::text
    FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    ORDER BY relname
"""
DUMPS = {
    "pg_dump": ["pg_dump", "-d", "estate"],
    "pg_dump --inserts": ["pg_dump", "--inserts", "--rows-per-insert=3", "-d", "estate"],
    "pg_dumpall": ["pg_dumpall", "--exclude-database=postgres", "--exclude-database=read_by_*"],
}


@pytest.fixture(scope="module")
def estate(oracle) -> str:
    with psycopg.connect(oracle.server.conninfo(), autocommit=True) as session:
        for name in ("estate", "read_by_psql", "read_by_reader"):
            session.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(oracle.server.conninfo("estate"), autocommit=True) as session:
        load_estate(session.execute, version=Version.BEFORE_PATCH)
    return "estate"


def dump(oracle, words: list[str]) -> bytes:
    program, *options = words
    host = ["-h", str(oracle.server.socket_dir), "-p", str(oracle.server.port), "-U", "postgres"]
    command = [oracle.server.binaries.program(program), *host, *options]
    return subprocess.run(command, check=True, capture_output=True).stdout


def rows(oracle, database: str) -> dict[str, int]:
    with psycopg.connect(oracle.server.conninfo(database)) as session:
        tables = [table for (table,) in session.execute(TABLES)]
        return {table: session.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


@pytest.mark.parametrize("name", ["pg_dump", "pg_dump --inserts"])
def test_a_dump_sends_what_psql_sends_and_loads_the_same_rows(oracle, estate: str, name: str) -> None:
    script = dump(oracle, DUMPS[name])
    with psycopg.connect(oracle.server.conninfo(), autocommit=True) as session:
        for database in ("read_by_psql", "read_by_reader"):
            session.execute(f"DROP DATABASE {database}")
            session.execute(f"CREATE DATABASE {database}")
    by_psql = oracle.sent_by_psql(script, database="read_by_psql")
    assert oracle.sent_by_reader(script, database="read_by_reader") == by_psql
    assert len(by_psql) > 100
    assert rows(oracle, "read_by_reader") == rows(oracle, "read_by_psql") == rows(oracle, estate)


def test_a_dump_of_the_whole_server_is_planned_and_its_connects_are_refused_by_name(
    oracle, estate: str
) -> None:
    plan = make_plan(make_source("all.sql", dump(oracle, DUMPS["pg_dumpall"])))
    assert {step.keyword for step in plan.refusals} == {"\\connect"}
    assert [step.keyword for step in plan.cannot] == ["CREATE DATABASE"]
