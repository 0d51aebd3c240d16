"""The server has no room left: that says nothing about the change, and never ends in a GO.

Three ways to run out of it. A table whose file is `/dev/full`, and a limit on the size of files, need no rights and run
everywhere on Linux; a tablespace on a file system of 8 MB runs where this account may mount one.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cable import Cable
from stand import UNTOUCHED, Ended, Stand

from pgrehearse.server import private_server

FULL = Path("/dev/full")
FILE_LIMIT_BYTES = 17 * 1024 * 1024  # a file of the server's log of changes has 16 MB
FILL = "INSERT INTO narrow SELECT repeat('x', 1000) FROM generate_series(1, 40000);\n"
DELETE = "DELETE FROM account;\n"


def judge(stand: Stand, ended: Ended, sqlstate: str) -> None:
    assert ended.status == 5, (ended.status, ended.said)
    assert ended.evidence is not None
    assert sqlstate in str(ended.evidence["verdict"]["reasons"])
    assert ended.evidence["rollback"]["proved"]
    assert stand.content() == UNTOUCHED
    assert stand.stuck_sessions() == 0


def judge_next_run(stand: Stand, folder: Path) -> None:
    assert stand.wait(stand.start(folder), folder).status == 0


@contextmanager
def _narrow_table(stand: Stand, tablespace: str = "pg_default") -> Iterator[Path]:
    with stand.connect() as session:
        session.execute(f"CREATE TABLE narrow (t text) TABLESPACE {tablespace}")
        row = session.execute("SELECT pg_relation_filepath('narrow')").fetchone()
    assert row is not None
    try:
        yield stand.server.data_dir / row[0]
    finally:
        with stand.connect() as session:
            session.execute("DROP TABLE narrow")


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full on this system")
@pytest.mark.parametrize(
    "script",
    ["INSERT INTO narrow VALUES ('x');\n", DELETE + FILL, DELETE + "COPY narrow FROM STDIN;\nx\n\\.\n"],
)
def test_a_full_disk_is_inconclusive(script: str, stand: Stand, tmp_path: Path) -> None:
    with _narrow_table(stand) as file:
        kept = file.rename(file.with_suffix(".kept"))
        file.symlink_to(FULL)
        try:
            judge(stand, stand.wait(stand.start(tmp_path, script=script), tmp_path), "53100")
        finally:
            file.unlink()
            kept.rename(file)

        judge_next_run(stand, tmp_path)


@pytest.fixture(scope="module")
def limited(stand: Stand) -> Iterator[Stand]:
    """A server of the same version whose files must stay small."""
    major = int(stand.server.binaries.version.split(".")[0])
    with (
        _limit_on_files(),
        private_server(wanted_major=major) as server,
        Cable(str(server.socket_dir / f".s.PGSQL.{server.port}")) as cable,
    ):
        yield Stand(server, cable)


@contextmanager
def _limit_on_files() -> Iterator[None]:
    """Processes that are started here inherit the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(
    "script",
    [
        DELETE + "CREATE TABLE narrow (t text);\n" + FILL,
        DELETE + "CREATE TABLE narrow AS SELECT repeat('x', 1000) FROM generate_series(1, 40000);\n",
        DELETE
        + "SET work_mem = '64kB';\nSELECT md5(i::text) FROM generate_series(1, 700000) AS i ORDER BY 1 OFFSET 699999;\n",
    ],
    ids=["a table that grows", "a table that is filled", "temporary files"],
)
def test_a_file_that_may_not_grow_is_inconclusive(script: str, limited: Stand, tmp_path: Path) -> None:
    judge(limited, limited.wait(limited.start(tmp_path, script=script), tmp_path), "File too large")

    judge_next_run(limited, tmp_path)


@pytest.fixture(scope="module")
def small(stand: Stand, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a tablespace of 8 MB."""
    if os.geteuid() != 0:
        pytest.skip("this account may not mount a file system")
    place = tmp_path_factory.mktemp("small")
    owner = stand.server.data_dir.stat()
    options = f"size=8m,mode=0700,uid={owner.st_uid},gid={owner.st_gid}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "pgrehearse", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this account may not mount a file system")
    try:
        _make_reachable(place)
        with stand.connect() as session:
            session.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        yield "small"
        with stand.connect() as session:
            session.execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def _make_reachable(place: Path) -> None:
    """The server's account must pass through pytest's folders."""
    for folder in place.parents[:3]:
        folder.chmod(folder.stat().st_mode | 0o011)


def test_a_full_tablespace_is_inconclusive(small: str, stand: Stand, tmp_path: Path) -> None:
    with _narrow_table(stand, small):
        judge(stand, stand.wait(stand.start(tmp_path, script=DELETE + FILL), tmp_path), "53100")

        judge_next_run(stand, tmp_path)


def test_a_stage_without_room_for_its_guard_does_not_open(small: str, stand: Stand, tmp_path: Path) -> None:
    with _narrow_table(stand, small), stand.connect() as session:
        _fill(session)
        session.execute("ALTER ROLE postgres SET temp_tablespaces = 'small'")
        try:
            ended = stand.wait(stand.start(tmp_path), tmp_path)
        finally:
            session.execute("ALTER ROLE postgres RESET temp_tablespaces")

    assert ended.status == 3, ended.said
    assert ended.evidence is not None
    reasons = str(ended.evidence["verdict"]["reasons"])
    assert "No space left on device" in reasons
    assert "Grant" not in reasons
    assert stand.content() == UNTOUCHED
    judge_next_run(stand, tmp_path)


def _fill(session: psycopg.Connection[Any]) -> None:
    """Not a block is left, for no row is smaller."""
    with suppress(psycopg.errors.DiskFull):
        while True:
            session.execute("INSERT INTO narrow SELECT repeat('x', 2000) FROM generate_series(1, 100)")
    with suppress(psycopg.errors.DiskFull):
        while True:
            session.execute("INSERT INTO narrow VALUES (repeat('x', 2000))")
