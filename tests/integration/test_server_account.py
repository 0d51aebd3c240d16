"""Whom the server runs as, where its programs lie, and that nobody's permissions change for it."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

import pgrehearse
from pgrehearse.errors import LaunchError
from pgrehearse.server import find_binaries, private_server
from pgrehearse.server.home import open_home
from pgrehearse.server.tree import make_reachable

# The interpreter may lie where nobody can read it: all that is needed later is imported before. The package reads
# files of its own, so the test gives it a copy of that.
AS_NOBODY = """
import importlib.readers, os, pwd, sys
import pgrehearse.server
entry = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(entry.pw_gid)
os.setuid(entry.pw_uid)
with pgrehearse.server.private_server() as server:
    print(server.folder, server.conninfo(), sep="\\n", flush=True)
    sys.stdin.read()
shared = pgrehearse.server.shared_server()
print(shared.state.value)
pgrehearse.server.stop_shared_servers()
print(shared.state.value)
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.gettempdir()) / f"pgr-{secrets.token_hex(4)}"
    yield folder
    shutil.rmtree(folder)


def _permissions(*places: Path) -> dict[Path, tuple[int, int, int]]:
    """Mode and owners of the places and of all that is above them."""
    every = {path for place in places for path in (place, *place.parents)}
    return {path: (path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in every}


def _copy_of_the_wheel(folder: Path) -> Path:
    """Copy PostgreSQL 18 and its libraries into a folder; gives the programs' folder."""
    package = find_binaries(wanted_major=18).bin_dir.parents[1]
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return (
        shutil.copytree(package / "pginstall18", folder / package.name / "pginstall18", symlinks=True) / "bin"
    )


@needs_root
def test_for_root_the_server_runs_as_an_existing_account(home: Path) -> None:
    with private_server(home=home) as server:
        postmaster = server.processes().postmaster
        uid = Path(f"/proc/{postmaster}").stat().st_uid

    assert pwd.getpwuid(uid).pw_name in {"postgres", "nobody"}


def test_no_permissions_change_outside_of_the_home_and_no_account_is_made(home: Path) -> None:
    accounts = [entry.pw_name for entry in pwd.getpwall()]
    before = _permissions(find_binaries().bin_dir, home.parent)

    with private_server(home=home):
        during = _permissions(find_binaries().bin_dir, home.parent)

    assert before == during == _permissions(find_binaries().bin_dir, home.parent)
    assert [entry.pw_name for entry in pwd.getpwall()] == accounts


@needs_root
def test_programs_that_the_account_cannot_reach_are_copied_once(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(parents=True)
    home.chmod(0o755)
    closed.chmod(0o700)
    bin_dir = _copy_of_the_wheel(closed)
    before = _permissions(bin_dir)

    with private_server(home=home, bin_dir=bin_dir) as server:
        copy = server.binaries.bin_dir
        with psycopg.connect(server.conninfo()) as session:
            assert session.execute("SELECT 1").fetchone() == (1,)
    with private_server(home=home, bin_dir=bin_dir) as again:
        assert again.binaries.bin_dir == copy

    assert copy.is_relative_to(home / "trees")
    assert f"copied from {closed}" in again.binaries.why
    assert _permissions(bin_dir) == before


@pytest.mark.parametrize("name", ["plain", 'a "quoted" name'])
@pytest.mark.parametrize("odd", ['"quoted"', "$(false)", "`false`", "back\\slash"])
def test_programs_whose_path_a_shell_would_change_are_copied(
    home: Path, monkeypatch: pytest.MonkeyPatch, odd: str, name: str
) -> None:
    for folder in (home, home / odd, home / "tmp"):
        folder.mkdir()
        folder.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(home / "tmp"))
    bin_dir = _copy_of_the_wheel(home / odd)

    with (
        private_server(home=home / name, bin_dir=bin_dir) as server,
        psycopg.connect(server.conninfo()) as session,
    ):
        assert session.execute("SELECT 1").fetchone() == (1,)

    place = home / name if name == "plain" else home / "tmp" / f"pgrehearse-{os.geteuid()}"
    assert server.binaries.bin_dir.is_relative_to(place / "trees")
    assert f"copied from {bin_dir}" in server.binaries.why


@needs_root
def test_a_home_that_the_account_cannot_enter_is_refused_not_opened(home: Path) -> None:
    home.mkdir(mode=0o700)

    with pytest.raises(LaunchError, match="cannot enter"), private_server(home=home / "below"):
        pytest.fail("a server ran where its account cannot go")

    assert home.stat().st_mode & 0o777 == 0o700


@needs_root
def test_a_home_of_another_user_is_not_trusted(home: Path) -> None:
    home.mkdir()
    os.chown(home, pwd.getpwnam("nobody").pw_uid, -1)

    with pytest.raises(LaunchError, match="cannot be trusted"):
        open_home(home)


def test_a_home_that_others_may_write_in_is_not_trusted(home: Path) -> None:
    home.mkdir()
    home.chmod(0o777)

    with pytest.raises(LaunchError, match="cannot be trusted"):
        open_home(home)


def test_the_home_may_be_a_link_of_the_users_own(home: Path) -> None:
    (home / "disk").mkdir(parents=True)
    home.chmod(0o755)
    (home / "cache").symlink_to(home / "disk")

    with private_server(home=home / "cache") as server:
        assert server.data_dir.resolve().is_relative_to(home / "disk")


def test_a_strict_umask_does_not_keep_the_server_out_of_new_folders(home: Path) -> None:
    before = os.umask(0o077)
    try:
        with private_server(home=home / "new" / "cache") as server:
            assert server.data_dir.exists()
    finally:
        os.umask(before)


@needs_root
def test_an_ordinary_user_has_servers_of_his_own(home: Path) -> None:
    bin_dir = make_reachable(find_binaries(), open_home(home)).bin_dir
    shutil.copytree(Path(pgrehearse.__file__).parent, home / "packages" / "pgrehearse")
    own = home / "user"
    own.mkdir()
    shutil.chown(own, "nobody")
    environment = {
        "PATH": os.defpath,
        "HOME": str(own),
        "PGREHEARSE_PG_BIN": str(bin_dir),
        "PYTHONPATH": os.pathsep.join([str(home / "packages"), *sys.path]),
    }

    with subprocess.Popen(
        [sys.executable, "-c", AS_NOBODY],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as tool:
        assert tool.stdout is not None
        folder, conninfo = Path(tool.stdout.readline().strip()), tool.stdout.readline().strip()
        with psycopg.connect(conninfo) as session:
            assert session.execute("SELECT 1").fetchone() == (1,)
        assert folder.is_relative_to(own / ".cache" / "pgrehearse")
        rest, _ = tool.communicate(timeout=60)

    assert tool.returncode == 0
    assert rest.split() == ["running", "stopped"]
    assert {path.owner() for path in own.rglob("*")} == {"nobody"}
