"""What a script is made of: queries with their statements, meta-commands, and the places they stand at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a script. `line` and `column` count from 1; `path` is as the user named it (`-` for stdin)."""

    path: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement, byte for byte as psql would send it (its comments too), variables expanded."""

    text: str
    location: Location


@dataclass(frozen=True, slots=True)
class MetaCommand:
    """A backslash command with its arguments as psql would parse them (quotes undone, variables expanded).

    `name` comes without the backslash (`gset`, `echo`, `i`). Where an argument was quoted or not matters to a few
    commands only, and `raw` keeps the text of the whole command for messages.
    """

    name: str
    arguments: tuple[str, ...]
    raw: str
    location: Location


@dataclass(frozen=True, slots=True)
class Query:
    """What psql would send in one message: one statement, or several joined by `\\;`.

    `sent_by` is the meta-command that sends it in place of a semicolon (`\\g`, `\\gset`, `\\gexec`, …), else None.
    A query of comments or white space alone has no statements.
    """

    text: str
    statements: tuple[Statement, ...]
    location: Location
    sent_by: MetaCommand | None = None


Item = Query | MetaCommand
"""What a reader yields, in the order in which psql would act on it."""
