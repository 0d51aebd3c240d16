"""The estate as a sequence of SQL texts, from empty database to the state of a given day.

Takes a version and a scale; gives named texts of plain SQL, or runs them through the caller's own callable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from importlib import resources
from importlib.resources.abc import Traversable

from pgrehearse.errors import UsageError


class Version(StrEnum):
    """A day on which the estate was in a known state; a version holds every patch up to its day."""

    BEFORE_PATCH = "2026-06-02"
    """Registering a tool enters five births: the tool's, and those of its four labels."""

    AFTER_PATCH = "2026-06-05"
    """The birth gateway obeys the birth policy: one birth, for labels are exempt."""


def statements(version: Version, *, scale: int = 1) -> Iterator[tuple[str, str]]:
    """Give the estate's SQL texts in order, as pairs of name and text.

    Each text holds several statements and travels as one message of the simple protocol, a transaction of its
    own. All must run in one session, as owner of an empty database, with `public` first in the search path.

    Args:
        version: The day whose state is wanted.
        scale: Multiplies the background rows: there are 4,982 births and 1,200 more for each unit, so that
            1,000 gives the real estate's 1.2 million.

    Raises:
        UsageError: The scale is less than 1.
    """
    if scale < 1:
        raise UsageError(f"the estate's scale must be at least 1, not {scale}")
    yield "scale", f"SET estate.scale = {scale};"
    for file in (*_base_files(), *_patch_files(version)):
        yield file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")


def load_estate(
    execute: Callable[[str], object],
    *,
    version: Version,
    scale: int = 1,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Fill an empty database with the estate; `execute` runs a text, `progress` hears its name just before.

    Raises:
        UsageError: The scale is less than 1.
    """
    for name, text in statements(version, scale=scale):
        if progress is not None:
            progress(name)
        execute(text)


def _base_files() -> list[Traversable]:
    """The files that every version begins with; their names begin with their place."""
    return _sql_files(resources.files(__package__) / "sql")


def _patch_files(version: Version) -> list[Traversable]:
    """The patches up to the version's day; their names begin with theirs."""
    patches = _sql_files(resources.files(__package__) / "sql" / "patches")
    return [file for file in patches if file.name[:10] <= version]


def _sql_files(folder: Traversable) -> list[Traversable]:
    """The folder's SQL files in the order of their names."""
    return sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name
    )
