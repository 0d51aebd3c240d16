"""What a script is made of: queries with their statements, meta-commands, and the places they stand at."""

from __future__ import annotations

import bisect
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
class Place:
    """Where a piece of a statement's text comes from.

    `offset` counts characters from 0 in the text; the piece runs to the next place's offset. A piece that is not
    verbatim is the value of a variable, and `line` and `column` are those of its name.
    """

    offset: int
    line: int
    column: int
    is_verbatim: bool = True


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement, byte for byte as psql would send it (its comments too), variables expanded.

    `location` is the place of its first word, after comments. `unknowns` names the variables whose values were not
    known when it was read (a planner's reading only): they stand unexpanded in the text.
    """

    text: str
    location: Location
    places: tuple[Place, ...] = ()
    unknowns: tuple[str, ...] = ()

    def location_at(self, position: int) -> Location:
        """Where the character at `position` (from 1, as the server counts in an error) stands in the script.

        A character that came out of a variable stands where the variable is named.
        """
        offset = max(position - 1, 0)
        places = self.places or (Place(0, self.location.line, self.location.column),)
        place = places[max(bisect.bisect_right(places, offset, key=lambda p: p.offset) - 1, 0)]
        if not place.is_verbatim:
            return Location(self.location.path, place.line, place.column)
        passed = self.text[place.offset : offset]
        newlines = passed.count("\n")
        if not newlines:
            return Location(self.location.path, place.line, place.column + len(passed))
        return Location(self.location.path, place.line + newlines, len(passed) - passed.rindex("\n"))


@dataclass(frozen=True, slots=True)
class MetaCommand:
    """A backslash command with its arguments as psql would parse them (quotes undone, variables expanded).

    `name` comes without the backslash (`gset`, `echo`, `i`). Where an argument was quoted or not matters to a few
    commands only, and `raw` keeps the text of the whole command for messages.

    Attributes:
        quotes: One character an argument: the quote it was written with (`'`, `"`, a backtick; `:` where it came out of
            a variable), or a blank.
        problem: psql's error message where psql itself would not run the command; empty else.
        warning: What psql would complain of and then go on.
        unknowns: The variables whose values were not known when it was read (a planner's reading only).
    """

    name: str
    arguments: tuple[str, ...]
    raw: str
    location: Location
    quotes: str = ""
    problem: str = ""
    warning: str = ""
    unknowns: tuple[str, ...] = ()

    @property
    def runs_shell(self) -> bool:
        """Whether an argument is in backticks, which psql gives to a shell."""
        return "`" in self.quotes


@dataclass(frozen=True, slots=True)
class Query:
    r"""What psql would send in one message: one statement, or several joined by `\\;`.

    `sent_by` is the meta-command that sends it in place of a semicolon (`\g`, `\gset`, `\gexec`, …), else None.
    A query of comments or white space alone has no statements.
    """

    text: str
    statements: tuple[Statement, ...]
    location: Location
    sent_by: MetaCommand | None = None


Item = Query | MetaCommand
"""What a reader yields, in the order in which psql would act on it."""
