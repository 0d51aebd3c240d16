"""The seed's rehearsal by the installed command: what it must show, and what it must refuse."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgrehearse.server import private_server

EXAMPLE = Path(__file__).parents[2] / "examples" / "dot_register"
SCRIPT = EXAMPLE / "D_dot_register_rehearsal_rollback_only_clone.sql"

Command = Callable[..., subprocess.CompletedProcess[str]]


def evidence(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return json.loads(result.stdout)


def counts(conninfo: str) -> tuple[int, int, int]:
    with psycopg.connect(conninfo) as session:
        row = session.execute(
            "SELECT (SELECT count(*) FROM dot_tools), (SELECT count(*) FROM birth_registry),"
            " (SELECT count(*) FROM dot_iu_runtime_lease)"
        ).fetchone()
    assert row is not None
    return row


def rows_of(document: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    return {r["table"]: (r["inserted"], r["updated"], r["deleted"]) for r in document["effects"]["rows"]}


def test_the_demo_reproduces_what_the_seed_recorded(pgrehearse: Command) -> None:
    result = pgrehearse("demo", "--format", "json")

    assert result.returncode == 0, result.stderr
    document = evidence(result)
    assert document["format"] == "pgrehearse-evidence/1"
    assert document["verdict"]["word"] == "GO"
    script_checks = [c for c in document["checks"] if c["source"] == "script"]
    assert [(c["id"], c["passed"]) for c in script_checks] == [("D1", True), ("D2", True), ("D3", True)]
    rows = rows_of(document)
    assert rows["public.dot_tools"] == (1, 0, 0)
    assert rows["public.birth_registry"] == (5, 0, 0)
    births = next(r for r in document["effects"]["rows"] if r["table"] == "public.birth_registry")
    assert {s["value"]: s["rows"] for s in births["split"]} == {"dot_tools": 1, "entity_labels": 4}
    warnings = document["effects"]["messages"]
    assert {m["severity"] for m in warnings} == {"WARNING"}
    assert len(warnings) == 1
    assert "code format" in warnings[0]["text"]
    assert document["effects"]["notifications"] == []
    values = {v["name"]: (v["before"], v["inside"], v["after"]) for v in document["effects"]["values"]}
    assert values["rows of dot_tools"] == ("309", "310", "309")
    assert values["CAT-DOT record count"] == ("307", "308", "307")
    assert values["leases"] == ("0", "0", "0")
    assert document["rollback"]["proved"]
    assert document["rollback"]["xid_status"] == "aborted"
    assert "at entry and at exit" in result.stderr


def test_the_demo_of_the_patched_estate_breaks_the_plan_of_the_old_one(pgrehearse: Command) -> None:
    result = pgrehearse("demo", "--estate", "2026-06-05", "--format", "json")

    assert result.returncode == 1
    document = evidence(result)
    assert document["verdict"]["word"] == "NO-GO"
    assert rows_of(document)["public.birth_registry"] == (1, 0, 0)
    assert any(
        "expected 5 inserted" in reason and "found 1 inserted" in reason
        for reason in document["verdict"]["reasons"]
    )


def test_the_example_is_go_on_a_clone_and_leaves_it_as_it_was(clone: str, pgrehearse: Command) -> None:
    before = counts(clone)

    result = pgrehearse("run", str(SCRIPT), "-d", clone)

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("GO  exit status 0\n")
    assert "3/3 by the script" in result.stdout
    assert counts(clone) == before


def test_the_same_script_is_refused_on_a_production_before_any_statement(
    production_estate_database: str, pgrehearse: Command
) -> None:
    before = counts(production_estate_database)

    result = pgrehearse("run", str(SCRIPT), "-d", production_estate_database, "--format", "json")

    assert result.returncode == 3
    document = evidence(result)
    assert document["verdict"]["word"] == "REFUSED"
    assert document["steps"] == []
    assert counts(production_estate_database) == before


def test_the_gate_in_blocking_mode_is_no_go(
    clone: str, pgrehearse: Command, script: Callable[..., Path]
) -> None:
    blocking = script("SET app.birth_gate_mode = 'blocking';\n" + SCRIPT.read_text())

    result = pgrehearse("run", str(blocking), "-d", clone, "--format", "json")

    assert result.returncode == 1
    failed = [c["id"] for c in evidence(result)["checks"] if c["source"] == "script" and not c["passed"]]
    assert failed == ["D1", "D2"]


def test_the_old_plan_on_the_patched_estate_is_no_go(patched_clone: str, pgrehearse: Command) -> None:
    result = pgrehearse("run", str(SCRIPT), "-d", patched_clone)

    assert result.returncode == 1
    assert "expected 5 inserted, 0 updated, 0 deleted, found 1 inserted" in " ".join(result.stdout.split())


def test_a_script_that_ends_in_commit_leaves_nothing(
    clone: str, pgrehearse: Command, script: Callable[..., Path]
) -> None:
    before = counts(clone)
    committing = script(SCRIPT.read_text().replace("\nROLLBACK;", "\nCOMMIT;"))
    assert "COMMIT;" in committing.read_text()

    result = pgrehearse("run", str(committing), "-d", clone, "--format", "json")

    document = evidence(result)
    assert rows_of(document)["public.birth_registry"] == (5, 0, 0)
    assert document["rollback"]["proved"]
    assert counts(clone) == before


def test_registering_an_active_tool_of_tier_a_calls_notify_and_nobody_hears_it(
    clone: str, pgrehearse: Command, script: Callable[..., Path]
) -> None:
    active = script(SCRIPT.read_text().replace("'published', NULL,", "'active', 'A',"))
    assert "'active', 'A'" in active.read_text()
    with psycopg.connect(clone, autocommit=True) as listener:
        listener.execute("LISTEN context_pack_event")

        result = pgrehearse("run", str(active), "-d", clone, "--format", "json")

        heard = list(listener.notifies(timeout=0.5))
    document = evidence(result)
    (notification,) = document["effects"]["notifications"]
    assert (notification["channel"], notification["count"]) == ("context_pack_event", 1)
    assert heard == []


# Bad input ----------------------------------------------------------------------------------------------------------


def test_a_script_that_is_not_there_is_an_input_error(pgrehearse: Command) -> None:
    result = pgrehearse("run", "nowhere.sql")

    assert result.returncode == 2
    assert "nowhere.sql" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "empty"),
        (b"-- nothing but a comment\n", "empty"),
        (b"SELECT 1;\nSELECT '\xff';\n", ":2:9"),
        (b"SELECT 1;\nSEL\0ECT 2;\n", ":2:4"),
        (b"SELECT 'open;\n", ":1:8"),
        (b"SELECT 1;\n\\frobnicate\n", ":2:1"),
    ],
    ids=["empty", "comment", "utf8", "nul", "quote", "meta"],
)
def test_a_script_that_cannot_be_read_is_an_input_error_at_its_place(
    pgrehearse: Command, tmp_path: Path, content: bytes, complaint: str
) -> None:
    (tmp_path / "bad.sql").write_bytes(content)

    result = pgrehearse("run", "bad.sql")

    assert result.returncode in (2, 3)
    assert complaint in result.stderr + result.stdout
    assert "Traceback" not in result.stderr


def test_an_unreachable_server_is_a_clear_error(
    pgrehearse: Command, script: Callable[..., Path], tmp_path: Path
) -> None:
    result = pgrehearse("run", str(script("SELECT 1;")), "-d", f"host={tmp_path} dbname=x")

    assert result.returncode == 2
    assert "cannot connect" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_wrong_password_is_a_clear_error_that_does_not_repeat_it(
    tmp_path: Path, pgrehearse: Command, script: Callable[..., Path]
) -> None:
    with private_server() as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as session:
            session.execute("CREATE ROLE guest LOGIN PASSWORD 'right'")
        hba = server.data_dir / "pg_hba.conf"
        hba.write_text("local all guest scram-sha-256\n" + hba.read_text())
        with psycopg.connect(server.conninfo(), autocommit=True) as session:
            session.execute("SELECT pg_reload_conf()")
            _until(lambda: _is_refused(server.conninfo() + " user=guest password=wr0ng"))

        result = pgrehearse(
            "run", str(script("SELECT 1;")), "-d", server.conninfo() + " user=guest password=wr0ng"
        )

    assert result.returncode == 2
    assert "password authentication failed" in result.stderr
    assert "wr0ng" not in result.stderr + result.stdout


def test_a_syntax_error_is_no_go_at_its_line(
    clone: str, pgrehearse: Command, script: Callable[..., Path]
) -> None:
    result = pgrehearse("run", str(script("SELECT 1;\n\nSELEC 2;\n")), "-d", clone)

    assert result.returncode == 1
    assert "change.sql:3:1" in result.stdout
    assert "42601" in result.stdout


def test_a_server_killed_in_mid_rehearsal_is_inconclusive(
    adopt: Callable[[str], str], pgrehearse: Command, script: Callable[..., Path]
) -> None:
    with private_server() as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as session:
            session.execute("CREATE DATABASE victim")
        target = server.conninfo("victim")
        adopt(target)
        slow = script("CREATE TABLE t (n int);\nSELECT pg_sleep(60);\n")
        with psycopg.connect(server.conninfo(), autocommit=True) as session:
            killer = threading.Thread(target=_kill_when_sleeping, args=(session, server))
            killer.start()

            result = pgrehearse("run", str(slow), "-d", target)

            killer.join()

    assert result.returncode in (4, 5)
    assert "lost" in result.stdout
    assert "Traceback" not in result.stderr


def _kill_when_sleeping(session: psycopg.Connection[Any], server: Any) -> None:
    asleep = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)%' AND state = 'active'"
    )
    _until(lambda: session.execute(asleep).fetchone() == (1,))
    server.stop(mode="immediate")


def _is_refused(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo).close()
    except psycopg.OperationalError:
        return True
    return False


def _until(holds: Callable[[], bool], *, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_demo_shows_what_becomes_of_a_tools_execution(pgrehearse: Command, tmp_path: Path) -> None:
    saved = tmp_path / "demo.json"

    result = pgrehearse("demo", "--dots", "--quiet", "--format", "json", "-o", str(saved))

    assert result.returncode == 0, result.stderr
    document = json.loads(saved.read_text())
    words = {(one["action"], one["place"]): one["word"] for one in document["boundary"]}
    assert words == {
        ("rehearse", "clone"): "GO",
        ("execute", "clone"): "NO-GO",
        ("execute", "production"): "FORBIDDEN",
        ("execute", "sandbox"): "GO",
    }
    assert [(run["state"], run["term"]) for run in document["runs"]] == [
        ("refused", None),
        ("refused", None),
        ("succeeded", 1),
    ]
    assert document["ledger_verified"] is True
    assert document["leases"] == 0
    assert pgrehearse("evidence", "verify", str(saved)).returncode == 0
