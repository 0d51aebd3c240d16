"""The seed's own script, run by psql itself on the estate: what pgrehearse has to agree with."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psycopg

from pgrehearse.server import Server

SEED = Path(__file__).parents[2] / "examples/dot_register/D_dot_register_rehearsal_rollback_only_clone.sql"
TABLES = """
    SELECT format('SELECT %L, count(*) FROM %I', relname, relname)
    FROM pg_class
    WHERE relnamespace = 'public'::regnamespace
      AND relkind = 'r'
"""
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences ORDER BY sequencename"


def state(conninfo: str) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """The number of rows of every table, and where every sequence is."""
    with psycopg.connect(conninfo) as session:
        counts = " UNION ALL ".join(count for (count,) in session.execute(TABLES))
        return dict(session.execute(counts).fetchall()), session.execute(SEQUENCES).fetchall()


def run_seed(server: Server, conninfo: str, **settings: str) -> subprocess.CompletedProcess[str]:
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return subprocess.run(
        [server.binaries.program("psql"), "-X", "-A", "-t", "-d", conninfo, "-f", SEED],
        env=os.environ | {"PGOPTIONS": options},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_seeds_own_script_passes_and_leaves_nothing(server: Server, estate_database: str):
    before = state(estate_database)

    done = run_seed(server, estate_database)

    assert (done.returncode, "3|3|0|REHEARSAL PASS" in done.stdout, "\n309|0\n" in done.stdout) == (
        0,
        True,
        True,
    )
    assert done.stderr.count("WARNING:") == 1
    assert state(estate_database)[0] == before[0]


def test_under_a_blocking_gate_the_seeds_script_reports_a_rejection(server: Server, estate_database: str):
    done = run_seed(server, estate_database, **{"app.birth_gate_mode": "blocking"})

    d1, d2 = (next(line for line in done.stdout.splitlines() if line.startswith(n)) for n in ("1|D1", "2|D2"))
    assert "|REJECTED: birth gate: " in d1
    assert d1.endswith("|FAIL")
    assert d2.endswith("|310|309|FAIL")
    assert "3|1|2|REHEARSAL FAIL" in done.stdout


def test_a_database_that_is_no_clone_is_refused_before_any_write(
    server: Server, production_estate_database: str
):
    before = state(production_estate_database)

    done = run_seed(server, production_estate_database)

    assert done.returncode == 3
    assert "REFUSING TO RUN: directus_" in done.stderr
    assert state(production_estate_database) == before
