"""The installed command, run as a user runs it, and clones of the estate to run it on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def pgrehearse(tmp_path: Path) -> Command:
    """Runs the command in an empty folder, without the PG* variables of whoever runs the tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}

    def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pgrehearse", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=tmp_path,
            env=environment,
            **options,
        )

    return run


@pytest.fixture
def adopt(pgrehearse: Command) -> Callable[[str], str]:
    """Marks a database as a clone, and gives its conninfo back."""

    def mark(conninfo: str) -> str:
        name = conninfo_to_dict(conninfo)["dbname"]
        result = pgrehearse("clone", "adopt", str(name), "-d", conninfo, "--yes")
        assert result.returncode == 0, result.stderr
        return conninfo

    return mark


@pytest.fixture
def clone(estate_database: str, adopt: Callable[[str], str]) -> str:
    return adopt(estate_database)


@pytest.fixture
def patched_clone(patched_estate_database: str, adopt: Callable[[str], str]) -> str:
    return adopt(patched_estate_database)


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Path]:
    """Writes a script of its own, with no plan file beside it."""

    def write(text: str, name: str = "change.sql") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write
