"""A private server lives as long as its owner, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from pgrehearse.errors import LaunchError
from pgrehearse.server import Server, State, all_binaries, private_server
from pgrehearse.server.lock import try_lock
from pgrehearse.server.server import wait_until

OWNER = """
import sys
from pgrehearse.server import private_server
with private_server() as server:
    print(server.folder, server.processes().postmaster, server.conninfo(), sep="\\n", flush=True)
    sys.stdin.read()
"""


LEAVE = """
from pgrehearse.server import private_server
with private_server():
    pass
"""


def _roomy_folder() -> Path:
    """Memory where there is plenty of it: ext4 grows slow when thousands of files come and go in a minute."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    return memory if has_room else Path(tempfile.gettempdir())


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = _roomy_folder() / f"pgr-{secrets.token_hex(4)}"
    yield folder
    assert list(folder.glob("**/private/*")) == []
    shutil.rmtree(folder)


@pytest.fixture
def owner(home: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        env={**os.environ, "PGREHEARSE_HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def _opened(folder: Path) -> Path:
    """A folder that the server's account can pass through, whatever the umask."""
    for place in (folder.parent, folder):
        place.mkdir(exist_ok=True)
        place.chmod(0o711)
    return folder


def _told(owner: subprocess.Popen[str]) -> tuple[Server, int, psycopg.Connection]:
    """The owner's server, its postmaster, and a session that will see its end."""
    assert owner.stdout is not None
    folder, postmaster, conninfo = (owner.stdout.readline().strip() for _ in range(3))
    return Server(Path(folder), all_binaries()[0]), int(postmaster), psycopg.connect(conninfo)


def _wait_for_the_end_of(session: psycopg.Connection) -> None:
    readable, _, _ = select.select([session.fileno()], [], [], 20)
    assert readable, "the server went on living"
    session.close()


@pytest.mark.parametrize("major", [15, 16, 17, 18])
def test_a_private_server_answers_and_is_gone_afterwards(home: Path, major: int) -> None:
    if major not in {binaries.major for binaries in all_binaries()}:
        pytest.skip(f"there is no PostgreSQL {major} here")

    with private_server(wanted_major=major, home=home) as server:
        assert server.state is State.RUNNING
        with psycopg.connect(server.conninfo()) as session:
            facts = session.execute("""
                SELECT current_setting('server_version_num')::int / 10000, current_user::text,
                       current_setting('listen_addresses'), current_setting('TimeZone'),
                       pg_encoding_to_char(encoding), upper('đồ')
                FROM pg_database WHERE datname = current_database()
            """).fetchone()

    assert facts == (major, "postgres", "", "UTC", "UTF8", "ĐỒ")
    assert not server.folder.exists()
    assert server.processes().postmaster is None


def test_nobody_else_can_enter_the_folders_of_data_and_socket(home: Path) -> None:
    with private_server(home=home) as server:
        modes = {path.stat().st_mode & 0o777 for path in (server.data_dir, server.socket_dir)}
        uids = {path.stat().st_uid for path in (server.data_dir, server.socket_dir)}

    assert modes == {0o700}
    assert len(uids) == 1
    assert 0 not in uids


def test_settings_reach_the_server_on_top_of_its_own(home: Path) -> None:
    with (
        private_server(home=home, settings={"work_mem": "7MB", "wal_level": "logical"}) as server,
        psycopg.connect(server.conninfo()) as session,
    ):
        names = ("work_mem", "wal_level", "fsync", "synchronous_commit", "max_prepared_transactions")
        values = [session.execute("SELECT current_setting(%s)", [name]).fetchone() for name in names]

    assert values == [("7MB",), ("logical",), ("off",), ("on",), ("10",)]


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(home: Path) -> None:
    before = list((home / "private").iterdir()) if home.exists() else []

    with (
        pytest.raises(LaunchError, match="did not start") as caught,
        private_server(home=home, settings={"shared_buffers": "plenty"}),
    ):
        pytest.fail("a server ran with nonsense for a setting")

    assert 'invalid value for parameter "shared_buffers": "plenty"' in caught.value.detail
    assert list((home / "private").iterdir()) == before


def test_two_servers_at_once_do_not_know_each_other(home: Path) -> None:
    with private_server(home=home) as one, private_server(home=home) as other:
        with psycopg.connect(one.conninfo(), autocommit=True) as session:
            session.execute("CREATE DATABASE mine")
        with psycopg.connect(other.conninfo()) as session:
            found = session.execute("SELECT 1 FROM pg_database WHERE datname = 'mine'").fetchone()

    assert found is None


def test_an_error_in_the_block_passes_and_the_server_ends(home: Path) -> None:
    with pytest.raises(ZeroDivisionError), private_server(home=home) as server:
        _ = 1 / 0

    assert not server.folder.exists()


def test_the_server_outlives_the_thread_that_started_it(home: Path) -> None:
    with ExitStack() as stack:
        servers: list[Server] = []
        thread = threading.Thread(
            target=lambda: servers.append(stack.enter_context(private_server(home=home)))
        )
        thread.start()
        thread.join()

        with psycopg.connect(servers[0].conninfo()) as session:
            assert session.execute("SELECT 1").fetchone() == (1,)


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(home: Path) -> None:
    with private_server(home=home) as server:
        postmaster = server.processes().postmaster

        assert postmaster is not None
        assert os.getsid(postmaster) != os.getsid(0)
        assert os.getpgid(postmaster) != os.getpgid(0)


def test_kill_9_of_the_owner_ends_the_server_and_the_next_start_sweeps(
    home: Path, owner: subprocess.Popen[str]
) -> None:
    server, _, session = _told(owner)

    owner.kill()
    _wait_for_the_end_of(session)

    assert wait_until(lambda: server.state is State.STOPPED, 20)
    with private_server(home=home):
        assert not server.folder.exists()
        assert not server.folder.with_name(f"{server.folder.name}.lock").exists()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="finds the keeper in /proc")
def test_a_server_that_lost_its_keeper_and_its_owner_is_ended_by_the_next_start(
    home: Path, owner: subprocess.Popen[str]
) -> None:
    server, postmaster, session = _told(owner)
    status = Path(f"/proc/{postmaster}/status").read_text()
    keeper = int(re.search(r"PPid:\t(\d+)", status)[1])  # type: ignore[index]

    os.kill(keeper, signal.SIGKILL)
    owner.kill()
    owner.wait()
    assert server.state is State.RUNNING

    with private_server(home=home):
        _wait_for_the_end_of(session)
        assert not server.folder.exists()


def test_a_server_whose_keeper_was_killed_still_ends_with_its_block(home: Path) -> None:
    with private_server(home=home) as server, psycopg.connect(server.conninfo()) as session:
        row = session.execute("SELECT pg_read_file('/proc/' || pg_backend_pid() || '/status')").fetchone()
        assert row is not None
        postmaster = re.search(r"PPid:\t(\d+)", row[0])[1]  # type: ignore[index]
        keeper = re.search(r"PPid:\t(\d+)", Path(f"/proc/{postmaster}/status").read_text())[1]  # type: ignore[index]
        os.kill(int(keeper), signal.SIGKILL)

    assert not server.folder.exists()
    assert server.processes().postmaster is None


def test_a_crashed_server_leaves_nothing_either(home: Path) -> None:
    with private_server(home=home) as server:
        postmaster = server.processes().postmaster
        assert postmaster is not None
        os.kill(postmaster, signal.SIGKILL)

    assert not server.folder.exists()


def test_the_sweep_takes_folders_without_an_owner_and_leaves_the_others(home: Path) -> None:
    with private_server(home=home) as owned:
        private = owned.folder.parent
        for name in ("stale", "foreign", "held"):
            (private / name / "data").mkdir(parents=True)
        (private / "stale.lock").touch()
        held = try_lock(private / "held.lock")
        assert held is not None

        with private_server(home=home):
            left = {path.name for path in private.iterdir()}

        os.close(held)
        with private_server(home=home):
            pass

    assert {"held", "held.lock", owned.folder.name} <= left
    assert not {"stale", "stale.lock", "foreign", "foreign.lock"} & left


@pytest.mark.parametrize("trace", ["golden", "golden/*.new", "golden/*.new/PG_VERSION", "private/*/data.new"])
def test_kill_9_in_the_middle_of_the_first_start_does_not_spoil_the_next(home: Path, trace: str) -> None:
    new = home / f"new-{secrets.token_hex(4)}"
    environment = {**os.environ, "PGREHEARSE_HOME": str(new)}

    with subprocess.Popen([sys.executable, "-c", LEAVE], env=environment) as starter:
        assert wait_until(lambda: any(new.glob(trace)), 60)
        starter.kill()

    with private_server(home=new) as server, psycopg.connect(server.conninfo()) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("name", ['it\'s a "quoted" name', "$(false)", "one,two", "a-long-name-" * 8])
def test_the_home_may_have_any_name(home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # Programs that must be copied cannot be copied into every such home.
    monkeypatch.setattr(tempfile, "tempdir", str(_opened(home / "tmp")))

    with private_server(home=home / name) as server, psycopg.connect(server.conninfo()) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)

    assert not server.socket_dir.exists()
