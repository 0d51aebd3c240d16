"""The installed command as a whole process: help, exit statuses, streams, and what becomes of a bug."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pgrehearse.cli.main import COMMANDS, pgrehearse
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import make_target

PG_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE", "PGSERVICE", "PGSERVICEFILE")


def command(
    *arguments: str, environ: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in PG_VARIABLES}
    return subprocess.run(
        [Path(sys.executable).with_name("pgrehearse"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**kept, **(environ or {})},
        cwd=cwd,
        timeout=60,
    )


def name_of(conninfo: str) -> str:
    return make_target(conninfo).dbname


def test_help_imports_no_more_than_click() -> None:
    probe = (
        "import sys; from pgrehearse.cli.main import run; run(['--help']);"
        "print(sorted({name.partition('.')[0] for name in sys.modules}"
        " & {'psycopg', 'msgspec', 'rich', 'jinja2', 'tomllib'}))"
    )
    imported = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True
    ).stdout

    assert imported.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_help_is_there(name: str) -> None:
    found = pgrehearse.get_command(None, name)  # type: ignore[arg-type]

    assert found is not None
    assert found.name == name
    assert name in command("--help").stdout


def test_the_version_is_told_on_standard_output() -> None:
    told = command("--version")

    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("pgrehearse 0.")


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("clone", "create"), ("clone", "list", "--format", "xml")]
)
def test_a_mistake_of_usage_ends_with_2_and_says_nothing_on_standard_output(
    arguments: tuple[str, ...],
) -> None:
    told = command(*arguments)

    assert (told.returncode, told.stdout) == (2, "")
    assert "Error:" in told.stderr


def test_an_error_is_told_in_the_grammar_of_postgresql(tmp_path: Path) -> None:
    told = command("clone", "adopt", "app", "-d", "host=/nowhere", "--yes", cwd=tmp_path)

    assert (told.returncode, told.stdout) == (2, "")
    first, *rest = told.stderr.splitlines()
    assert first.startswith("pgrehearse: error: cannot connect to the target")
    assert first.endswith("(RH300)")
    assert rest[-1].startswith("HINT:  ")
    assert "\x1b[" not in told.stderr


def test_a_configuration_with_a_mistake_stops_every_command_that_reads_it(tmp_path: Path) -> None:
    (tmp_path / "pgrehearse.toml").write_text("[clones]\nname_liek = 'x'\n")
    below = tmp_path / "a"
    below.mkdir()

    told = command("clone", "drop", "app", "-d", "host=/nowhere", cwd=below)

    assert told.returncode == 2
    assert str(tmp_path / "pgrehearse.toml") in told.stderr
    assert "name_liek" in told.stderr


def test_the_life_of_a_clone_by_command(plain_database: str, tmp_path: Path) -> None:
    source = name_of(plain_database)
    clone = f"{source}_clone"
    connect = ("-d", plain_database)

    created = command("clone", "create", source, clone, *connect, "--format", "json", cwd=tmp_path)
    verified = command("clone", "verify", clone, *connect, "--format", "json", cwd=tmp_path)
    refused = command("clone", "verify", source, *connect, cwd=tmp_path)
    listed = command("clone", "list", *connect, cwd=tmp_path)
    kept = command("clone", "snapshot", clone, *connect, cwd=tmp_path)
    reset = command("clone", "reset", clone, *connect, cwd=tmp_path)
    dropped = [
        command("clone", "drop", name, *connect, cwd=tmp_path)
        for name in (clone, f"pgrehearse_snapshot_{clone}", source)
    ]

    assert json.loads(created.stdout)["is_valid"] is True
    assert json.loads(verified.stdout)["is_cleared"] is True
    assert (refused.returncode, refused.stdout.splitlines()[0]) == (3, f"REFUSED  {source}")
    assert clone in listed.stdout
    assert kept.stdout.startswith(f"kept snapshot pgrehearse_snapshot_{clone}")
    assert reset.stdout.startswith(f"reset clone {clone}")
    assert [one.returncode for one in dropped] == [0, 0, 3]
    assert dropped[0].stdout.startswith(f"dropped clone {clone}, a copy of {source}")


def test_a_declared_production_is_refused_by_command(plain_database: str, tmp_path: Path) -> None:
    source = name_of(plain_database)
    (tmp_path / "pgrehearse.toml").write_text(f'[[productions]]\nname = "the shop"\ndatabase = "{source}"\n')

    adopted = command("clone", "adopt", source, "--yes", "-d", plain_database, cwd=tmp_path)
    verified = command("clone", "verify", source, "-d", plain_database, cwd=tmp_path)

    assert adopted.returncode == 3
    assert "is a declared production" in adopted.stderr
    assert "is the declared production the shop" in verified.stdout


def test_adopting_is_an_explicit_act(plain_database: str, tmp_path: Path) -> None:
    source = name_of(plain_database)

    asked = command("clone", "adopt", source, "-d", plain_database, cwd=tmp_path)
    listed = command("clone", "list", "-d", plain_database, cwd=tmp_path)

    assert asked.returncode == 2
    assert f"pgrehearse clone adopt {source} --yes" in asked.stderr
    assert source not in listed.stdout


def test_the_pg_variables_say_where_as_for_psql(plain_database: str, tmp_path: Path) -> None:
    target = make_target(plain_database)
    environ = {"PGHOST": target.host, "PGPORT": target.port, "PGUSER": target.user}

    told = command("clone", "adopt", target.dbname, "--yes", environ=environ, cwd=tmp_path)

    assert told.returncode == 0
    with Session(plain_database) as session:
        assert "pgrehearse.clone" in str(session.fetch("SELECT setconfig FROM pg_db_role_setting"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_of_a_shell_is_printed(shell: str) -> None:
    told = command("completion", shell)

    assert (told.returncode, told.stderr) == (0, "")
    assert "_PGREHEARSE_COMPLETE" in told.stdout


def test_a_reader_that_goes_away_makes_no_noise() -> None:
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [Path(sys.executable).with_name("pgrehearse"), "completion", "bash"],
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, b"")


def test_a_full_disk_is_told_not_taken_for_a_bug() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [Path(sys.executable).with_name("pgrehearse"), "completion", "bash"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
        )

    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "pgrehearse: error: cannot write: No space left on device (RH000)",
    )


def test_a_bug_ends_with_70_and_a_report_without_passwords(tmp_path: Path) -> None:
    program = (
        "import sys; from pgrehearse.cli.main import pgrehearse, run\n"
        "def broken(**_): raise LookupError('at postgresql://joe:hunter2@db/app')\n"
        "pgrehearse.get_command(None, 'completion').callback = broken\n"
        "sys.exit(run(sys.argv[1:]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, "completion", "bash"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PGREHEARSE_HOME": str(tmp_path)},
    )
    (report,) = (tmp_path / "bugs").iterdir()

    assert done.returncode == 70
    assert str(report) in done.stderr
    text = report.read_text()
    assert "LookupError" in text
    assert "'completion', 'bash'" in text
    assert "hunter2" not in text + done.stderr
