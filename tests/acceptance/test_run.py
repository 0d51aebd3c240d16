"""`pgrehearse run`: what goes in, what comes out, and where."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgrehearse.server import Server

Command = Callable[..., subprocess.CompletedProcess[str]]
Script = Callable[..., Path]


def evidence(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert result.stdout, result.stderr
    return json.loads(result.stdout)


def test_standard_input_is_rehearsed_on_a_throwaway_clone(pgrehearse: Command) -> None:
    result = pgrehearse("run", "-", "--format", "json", input="CREATE TABLE t AS SELECT 1 AS n;\n")

    document = evidence(result)
    assert result.returncode == 0
    assert document["script"]["path"] == "-"
    assert document["target"]["identity"]["kind"] == "clone"


def test_several_scripts_end_with_the_gravest_status(pgrehearse: Command, script: Script) -> None:
    good, bad = script("SELECT 1;", "good.sql"), script("SELECT 1/0;", "bad.sql")

    result = pgrehearse("run", str(good), str(bad), str(good), "--format", "json")

    assert result.returncode == 1
    assert [d["verdict"]["word"] for d in json.loads(result.stdout)] == ["GO", "NO-GO", "GO"]


def test_variables_of_the_command_line_reach_the_script(pgrehearse: Command, script: Script) -> None:
    path = script("SELECT :'who' AS check_name, :'answer' AS pass;")

    result = pgrehearse("run", str(path), "-v", "who=W1 mine", "-v", "answer=FAIL", "--format", "json")

    assert result.returncode == 1
    assert [c["id"] for c in evidence(result)["checks"] if c["source"] == "script"] == ["W1"]


def test_a_schema_is_loaded_first(pgrehearse: Command, script: Script) -> None:
    schema = script("CREATE TABLE t (n int);", "schema.sql")
    change = script("INSERT INTO t VALUES (1), (2);")

    result = pgrehearse("run", str(change), "--schema", str(schema), "--format", "json")

    (rows,) = evidence(result)["effects"]["rows"]
    assert (rows["table"], rows["inserted"]) == ("public.t", 2)


def test_the_report_goes_to_a_file_and_verifies(pgrehearse: Command, script: Script, tmp_path: Path) -> None:
    saved = tmp_path / "evidence.json"

    result = pgrehearse("run", str(script("SELECT 1;")), "--format", "json", "-o", str(saved))

    assert result.returncode == 0
    assert result.stdout == ""
    assert "GO" in result.stderr
    assert pgrehearse("evidence", "verify", str(saved)).returncode == 0
    saved.write_text(saved.read_text().replace('"GO"', '"NO-GO"'))
    assert pgrehearse("evidence", "verify", str(saved)).returncode == 1


def test_the_same_change_on_the_same_state_has_the_same_effects_digest(
    clone: str, pgrehearse: Command, script: Script
) -> None:
    change = script("INSERT INTO dot_tools (code, name, domain) VALUES ('DOT-9001', 'x', 'governance');")

    first, second = (
        evidence(pgrehearse("run", str(change), "-d", clone, "--format", "json")) for _ in range(2)
    )

    assert first["effects"]["rows"]
    assert first["effects_digest"] == second["effects_digest"]
    assert first["digest"] != second["digest"]


def test_a_change_of_chance_is_inconclusive_and_says_where(pgrehearse: Command, script: Script) -> None:
    change = script(
        "CREATE TABLE t (n int); INSERT INTO t SELECT 1 FROM generate_series(1, (random() * 1e6)::int);"
    )

    result = pgrehearse("run", str(change), "--format", "json")

    assert result.returncode == 5
    assert "public.t" in evidence(result)["verdict"]["reasons"][0]


def test_what_a_commit_would_refuse_is_no_go_though_the_script_rolls_back(
    pgrehearse: Command, script: Script
) -> None:
    change = script(
        "CREATE TABLE p (id int PRIMARY KEY);"
        "CREATE TABLE c (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED);"
        "BEGIN; INSERT INTO c VALUES (1); ROLLBACK;"
    )

    result = pgrehearse("run", str(change), "--format", "json")

    assert result.returncode == 1
    assert "COMMIT would fail" in evidence(result)["verdict"]["reasons"][0]


@pytest.mark.majors(18)
def test_a_dump_of_the_whole_estate_is_go_with_equal_row_counts(
    server: Server, estate_database: str, pgrehearse: Command, tmp_path: Path
) -> None:
    dump = tmp_path / "estate.sql"
    program = server.binaries.program("pg_dump")
    subprocess.run([program, "-f", dump, "-d", estate_database], check=True, timeout=60)
    assert "\\restrict" in dump.read_text()
    with psycopg.connect(estate_database) as session:
        tables = session.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        counted = {t: session.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for (t,) in tables}  # type: ignore[index,call-overload]

    result = pgrehearse("run", str(dump), "--format", "json")

    document = evidence(result)
    assert (result.returncode, document["verdict"]["word"]) == (0, "GO")
    assert {r["table"]: r["inserted"] for r in document["effects"]["rows"]} == {
        table: count for table, count in counted.items() if count
    }


@pytest.mark.parametrize("command", ["\\! touch stolen", "\\o out.txt", "\\c other", "\\copy t to 'out.csv'"])
def test_a_refused_command_is_named_by_line_and_nothing_is_run(
    pgrehearse: Command, script: Script, tmp_path: Path, command: str
) -> None:
    result = pgrehearse("run", str(script(f"SELECT 1;\n{command}\n")), "--format", "json")

    document = evidence(result)
    assert result.returncode == 3
    assert document["steps"] == []
    assert "change.sql:2:1" in document["verdict"]["reasons"][0]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["change.sql"]


def test_a_device_is_written_to_and_never_replaced(
    pgrehearse: Command, script: Script, tmp_path: Path
) -> None:
    pipe, link, real = tmp_path / "pipe", tmp_path / "link", tmp_path / "real"
    os.mkfifo(pipe)
    link.symlink_to(real)
    command = ["run", str(script("SELECT 1;")), "--format", "json", "-o"]
    with subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE) as reader:
        assert pgrehearse(*command, str(pipe)).returncode == 0
        assert reader.stdout is not None
        assert json.loads(reader.stdout.read())["verdict"]["word"] == "GO"

    assert pgrehearse(*command, str(link)).returncode == 0

    assert pipe.is_fifo()
    assert link.is_symlink()
    assert json.loads(real.read_text())["verdict"]["word"] == "GO"


def test_help_names_every_exit_status(pgrehearse: Command) -> None:
    result = pgrehearse("run", "--help")

    for status in (
        "  0    GO",
        "\n    1    NO-GO",
        "\n    3    REFUSED",
        "4    RESIDUE",
        "5    INCONCLUSIVE",
        "130",
    ):
        assert status in result.stdout
