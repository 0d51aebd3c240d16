"""Copies of programs and of data folders are kept while somebody uses them, and not for ever."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgrehearse.server import private_server, shared_server, stop_shared_servers
from pgrehearse.server.kept import keep, prune
from pgrehearse.server.lock import locked

DAY_S = 24 * 3600


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.gettempdir()) / f"pgr-{secrets.token_hex(4)}"
    yield folder
    stop_shared_servers(home=folder)
    shutil.rmtree(folder)


def _make(folder: Path, _lock: int) -> None:
    folder.mkdir()
    (folder / "file").touch()


def _age(folder: Path, days: int) -> None:
    used_at = time.time() - days * DAY_S
    os.utime(folder.with_name(f"{folder.name}.lock"), (used_at, used_at))


def test_what_was_not_used_for_a_month_is_removed_by_the_next_start_of_any_server(home: Path) -> None:
    with private_server(home=home) as server:
        golden = next(path for path in (home / "golden").iterdir() if path.is_dir())
    stale = [
        keep(home / "golden" / "17.1-0badcafe", _make),
        keep(home / "trees" / "17.1-0badcafe", _make),
    ]

    for folder in (golden, *stale):
        _age(folder, 31)
    with private_server(home=home):
        after_private = [folder.exists() for folder in (golden, *stale)]
    keep(stale[1], _make)
    _age(stale[1], 31)
    shared_server(home=home)

    assert after_private == [True, False, False]
    assert not stale[1].exists()
    assert [path for path in (home / "trees").iterdir() if "0badcafe" in path.name] == []
    assert server.binaries.version in golden.name


def test_what_was_used_within_the_month_is_kept(tmp_path: Path) -> None:
    folder = keep(tmp_path / "18.4-0badcafe", _make)

    _age(folder, 29)
    prune(tmp_path)

    assert (folder / "file").exists()


def test_using_it_again_keeps_it(tmp_path: Path) -> None:
    folder = keep(tmp_path / "18.4-0badcafe", _make)

    _age(folder, 31)
    keep(folder, _make)
    prune(tmp_path)

    assert (folder / "file").exists()


def test_what_is_being_made_is_left_alone_and_what_was_left_unfinished_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "18.4-0badcafe"
    (tmp_path / "18.4-0badcafe.new").mkdir()

    with locked(tmp_path / "18.4-0badcafe.lock"):
        _age(folder, 31)
        prune(tmp_path)
        while_locked = [path.name for path in sorted(tmp_path.iterdir())]
    prune(tmp_path)

    assert while_locked == ["18.4-0badcafe.lock", "18.4-0badcafe.new"]
    assert list(tmp_path.iterdir()) == []


def test_programs_that_run_are_kept_however_old(tmp_path: Path) -> None:
    folder = keep(tmp_path / "18.4-0badcafe", _make)
    program = Path(shutil.copy(shutil.which("cat") or "", folder / "cat"))

    _age(folder, 31)
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(b"here\n")
        running.stdin.flush()
        running.stdout.readline()  # a program that answers has its name in the list of processes
        prune(tmp_path)
        while_running = program.exists()
        running.send_signal(signal.SIGKILL)
    prune(tmp_path)

    assert while_running
    assert not folder.exists()


def test_it_is_made_once(tmp_path: Path) -> None:
    made: list[Path] = []

    def make(folder: Path, lock: int) -> None:
        made.append(folder)
        _make(folder, lock)

    assert keep(tmp_path / "18.4-0badcafe", make) == keep(tmp_path / "18.4-0badcafe", make)

    assert len(made) == 1
