"""A quote or a comment whose end is not yet found.

Takes the buffer being read; gives where the token ends. A token may open in the value of a variable and close in the
script: so it is kept apart from the buffers.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from pgrehearse.script import tokens
from pgrehearse.script.buffer import Buffer


class Inside(enum.Enum):
    """The kinds, in the words of an error message."""

    STRING = "quoted string"
    ESCAPE_STRING = "escape string"
    IDENTIFIER = "quoted identifier"
    COMMENT = "comment"
    DOLLAR_QUOTE = "dollar-quoted string"


@dataclass(slots=True)
class OpenToken:
    """An open token; `position` is its place in the source.

    `closer` is what ends it, but for escape strings and comments; `depth` counts the comments that are open.
    """

    kind: Inside
    position: int
    closer: bytes = b""
    depth: int = 0

    @property
    def is_string(self) -> bool:
        """Whether it is a string in single quotes, which may go on after a line end."""
        return self.kind in (Inside.STRING, Inside.ESCAPE_STRING)

    def close(self, buffer: Buffer) -> int | None:
        """Where in `buffer` it ends; None where it stays open."""
        if self.kind is Inside.COMMENT:
            return self._close_comment(buffer)
        if self.kind is Inside.ESCAPE_STRING:
            match = tokens.ESCAPE_BODY.match(buffer.data, buffer.position, buffer.end)
            end = match.end() if match else buffer.position
            return end + 1 if end < buffer.end else None
        found = buffer.data.find(self.closer, buffer.position, buffer.end)
        return None if found < 0 else found + len(self.closer)

    def _close_comment(self, buffer: Buffer) -> int | None:
        for edge in tokens.COMMENT_EDGE.finditer(buffer.data, buffer.position, buffer.end):
            self.depth += 1 if edge[0] == b"/*" else -1
            if not self.depth:
                return edge.end()
        return None


def opening_at(buffer: Buffer, *, standard_strings: bool) -> tuple[OpenToken, int] | None:
    """The token that opens where `buffer` stands, and the length of what opens it; None where none does."""
    place = buffer.source_position
    two = buffer.data[buffer.position : min(buffer.position + 2, buffer.end)].lower()
    if two == b"/*":
        return OpenToken(Inside.COMMENT, place, depth=1), 2
    if two[:1] == b'"':
        return OpenToken(Inside.IDENTIFIER, place, b'"'), 1
    if two[:1] == b"$" and (match := tokens.DOLLAR_DELIMITER.match(buffer.data, buffer.position, buffer.end)):
        return OpenToken(Inside.DOLLAR_QUOTE, place, match[0]), len(match[0])
    return opening_of_string(buffer, two, place, standard_strings=standard_strings)


def opening_of_string(
    buffer: Buffer, two: bytes, place: int, *, standard_strings: bool
) -> tuple[OpenToken, int] | None:
    """The string that opens with the bytes `two`, in lower case, or None."""
    prefix = PREFIXES.get(two) or PREFIXES.get(buffer.data[buffer.position : buffer.position + 3].lower())
    if prefix is not None:
        kind, length = prefix
    elif two[:1] == b"'":
        kind, length = Inside.STRING, 1
    else:
        return None
    if not standard_strings and kind is Inside.STRING and two[:1] in (b"'", b"n"):
        kind = Inside.ESCAPE_STRING
    return OpenToken(kind, place, b'"' if kind is Inside.IDENTIFIER else b"'"), length


PREFIXES = {
    b"e'": (Inside.ESCAPE_STRING, 2),
    b"b'": (Inside.STRING, 2),
    b"x'": (Inside.STRING, 2),
    b"n'": (Inside.STRING, 2),
    b"u&'": (Inside.STRING, 3),
    b'u&"': (Inside.IDENTIFIER, 3),
}
"""The letters before a quote that belong to it: they are no word of the statement."""
