"""Whether a statement is inside a `BEGIN ATOMIC … END` body, by psql's own rule of thumb.

Takes the identifiers of a statement, one by one; gives the depth of its body. A statement that starts with CREATE [OR
REPLACE] FUNCTION or PROCEDURE may have a body, in which semicolons do not end it.
"""

from __future__ import annotations

import enum


class Kind(enum.Enum):
    """What the first identifiers of a statement say of it."""

    UNDECIDED = 0
    PLAIN = 1
    ROUTINE = 2


LETTERS = {b"create": "c", b"function": "f", b"procedure": "f", b"or": "o", b"replace": "r"}
OPENINGS = {"c", "co", "cor"}
ROUTINES = {"cf", "corf"}


class BeginEnd:
    """The state of one statement."""

    __slots__ = ("depth", "kind", "opening")

    def __init__(self) -> None:
        self.depth = 0
        self.reset()

    def reset(self) -> None:
        """A new statement begins; as in psql, an open body stays open."""
        self.kind = Kind.UNDECIDED
        self.opening = ""

    def add(self, identifier: bytes, *, in_parentheses: bool) -> None:
        """Take the next identifier of the statement."""
        if self.kind is Kind.PLAIN:
            return
        word = identifier.lower()
        if self.kind is Kind.UNDECIDED:
            self._decide(word)
        if self.kind is Kind.ROUTINE and not in_parentheses:
            self._count(word)

    def _decide(self, word: bytes) -> None:
        self.opening += LETTERS.get(word, "?")
        if self.opening in ROUTINES:
            self.kind = Kind.ROUTINE
        elif self.opening not in OPENINGS:
            self.kind = Kind.PLAIN

    def _count(self, word: bytes) -> None:
        if word == b"begin" or (word == b"case" and self.depth):
            self.depth += 1
        elif word == b"end" and self.depth:
            self.depth -= 1
