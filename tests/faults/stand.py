"""What is rehearsed while things break: a clone, a script that takes its time, and questions about the aftermath."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from cable import Cable

from pgrehearse.server import Server

DATABASE = "fault_clone"

SETUP = """
CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL);
CREATE TABLE audit (what text);
INSERT INTO account SELECT i, 100 FROM generate_series(1, 200) AS i;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO audit VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON account FOR EACH ROW EXECUTE FUNCTION note();
"""

SCRIPT = (
    "BEGIN;\nCREATE TABLE stays (i int);\nCOMMIT;\n"
    + "UPDATE account SET balance = balance + 1 WHERE id < 20; SELECT pg_sleep(0.01);\n" * 8
    + "BEGIN; DELETE FROM account WHERE id > 100; COMMIT;\n"
)

CONTENT = """
SELECT (SELECT count(*) FROM account), (SELECT sum(balance) FROM account), (SELECT count(*) FROM audit),
       to_regclass('stays') IS NULL
"""
UNTOUCHED = (200, 20_000, 0, True)

STUCK = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

STAGE = "SELECT pid FROM pg_stat_activity WHERE application_name = 'psql' AND datname = current_database()"


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended; `evidence` is what it wrote, where it wrote any."""

    status: int
    evidence: dict[str, Any] | None
    said: str


class Stand:
    """A server to break, a clone on it, and a cable to it."""

    def __init__(self, server: Server, cable: Cable) -> None:
        self.server = server
        self.cable = cable
        with psycopg.connect(server.conninfo(), autocommit=True) as session:
            session.execute(f"CREATE DATABASE {DATABASE}")
        with psycopg.connect(self.conninfo, autocommit=True) as session:
            session.execute(SETUP)
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        adopted = ["clone", "adopt", DATABASE, "-d", self.conninfo, "--yes"]
        subprocess.run([*COMMAND, *adopted], check=True, capture_output=True, env=self._environment)

    @property
    def conninfo(self) -> str:
        return self.server.conninfo(DATABASE)

    @property
    def far_conninfo(self) -> str:
        """The clone by way of the cable, and with little patience."""
        return f"host=127.0.0.1 port={self.cable.port} user=postgres dbname={DATABASE} connect_timeout=1"

    def start(
        self, folder: Path, *, script: str = SCRIPT, conninfo: str = "", policy: str = ""
    ) -> subprocess.Popen[str]:
        (folder / "change.sql").write_text(script)
        (folder / "change.rehearsal.toml").write_text(f"[policy]\n{policy}\n")
        (folder / "evidence.json").unlink(missing_ok=True)
        arguments = [
            "run",
            "change.sql",
            "-d",
            conninfo or self.conninfo,
            "--format",
            "json",
            "-o",
            "evidence.json",
        ]
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=folder,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait(self, process: subprocess.Popen[str], folder: Path) -> Ended:
        _, said = process.communicate(timeout=60)
        path = folder / "evidence.json"
        evidence = json.loads(path.read_text()) if path.exists() else None
        return Ended(process.returncode, evidence, said)

    def connect(self) -> psycopg.Connection[Any]:
        """A new session; a server that recovers from a crash is waited for."""
        until = time.monotonic() + 30
        while True:
            try:
                return psycopg.connect(self.conninfo, autocommit=True)
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def content(self) -> tuple[Any, ...] | None:
        with self.connect() as session:
            return session.execute(CONTENT).fetchone()

    def stuck_sessions(self, *, within_s: float = 5.0) -> int:
        """Sessions of the tool that are still there; those just ending are waited for."""
        until = time.monotonic() + within_s
        with self.connect() as session:
            while (left := session.execute(STUCK).fetchone()[0]) and time.monotonic() < until:  # type: ignore[index]
                time.sleep(0.02)
        return int(left)

    def await_stage(self, state: str = "wait_event = 'PgSleep'", *, within_s: float = 20.0) -> int:
        """Wait until the stage's backend is in `state`, a condition on pg_stat_activity; give its pid."""
        until = time.monotonic() + within_s
        with self.connect() as session:
            while not (row := session.execute(f"{STAGE} AND {state}").fetchone()):
                assert time.monotonic() < until, f"no stage came to {state}"
                time.sleep(0.005)
        return int(row[0])


COMMAND = [sys.executable, "-m", "pgrehearse"]
