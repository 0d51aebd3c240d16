"""`run --enqueue` and `worker`: a rehearsal that is left to somebody else."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from pgrehearse.server import Server

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.majors(18)
def test_a_queued_rehearsal_is_done_by_a_worker_and_told_by_the_ledger(
    server: Server, clone: str, pgrehearse: Command, script: Callable[..., Path], tmp_path: Path
) -> None:
    with psycopg.connect(server.conninfo(), autocommit=True) as session:
        session.execute("CREATE DATABASE fleet_ledger")
    ledger = make_conninfo(server.conninfo(), dbname="fleet_ledger")
    try:
        queued = pgrehearse(
            "run",
            str(script("SELECT 1;", "a.sql")),
            str(script("SELECT 1/0;", "b.sql")),
            "--enqueue",
            "--ledger",
            ledger,
        )
        names = queued.stdout.split()
        assert len(names) == 2, queued.stderr

        worked = pgrehearse("worker", "-d", clone, "--ledger", ledger, "--drain", "--evidence", str(tmp_path))

        assert worked.returncode == 0, worked.stderr
        told = pgrehearse("dot", "runs", "--ledger", ledger, "--verify", "--format", "json")
        record = json.loads(told.stdout)
        assert {run["run_id"]: run["reason"].split(";")[0] for run in record["runs"]} == {
            names[0]: "GO",
            names[1]: "NO-GO",
        }
        assert record["ledger_verified"] is True
    finally:
        with psycopg.connect(server.conninfo(), autocommit=True) as session:
            session.execute("DROP DATABASE fleet_ledger WITH (FORCE)")
