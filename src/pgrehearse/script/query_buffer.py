"""The text of one query as it grows, with where each piece of it came from.

Takes pieces of bytes from the lexer; gives `Query` records. What psql calls its query buffer.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import NamedTuple

from pgrehearse.script import tokens
from pgrehearse.script.line_index import LineIndex, characters
from pgrehearse.script.statement import MetaCommand, Place, Query, Statement


class Piece(NamedTuple):
    """Bytes of a query, from `position` of the source on; not verbatim where they are a variable's value."""

    data: bytes
    position: int
    is_verbatim: bool = True


@dataclass(slots=True)
class QueryBuffer:
    r"""The pieces of a query not yet sent.

    `splits` are the offsets in bytes behind each `\\;`; `unknowns` the variables without a known value.
    """

    pieces: list[Piece] = field(default_factory=list)
    length: int = 0
    splits: tuple[int, ...] = ()
    unknowns: tuple[str, ...] = ()

    def append(self, data: bytes, position: int, *, is_verbatim: bool = True) -> None:
        """Add a piece; an empty one adds nothing."""
        if data:
            self.pieces.append(Piece(data, position, is_verbatim))
            self.length += len(data)

    def cut_line_end(self) -> None:
        """Take the line end off that the last piece ends with."""
        last = self.pieces.pop()
        self.length -= len(last.data)
        self.append(last.data[:-1], last.position, is_verbatim=last.is_verbatim)

    def mark(self) -> tuple[int, int]:
        """The present end, to come back to with `truncate`."""
        return len(self.pieces), self.length

    def truncate(self, mark: tuple[int, int]) -> None:
        """Forget what was added since `mark`."""
        del self.pieces[mark[0] :]
        self.length = mark[1]
        self.splits = tuple(split for split in self.splits if split <= self.length)

    def make_query(self, index: LineIndex, position: int, sent_by: MetaCommand | None = None) -> Query:
        """Make a query of what is here; `position` in the source is its place where it holds nothing at all."""
        if len(self.pieces) == 1 and not self.splits and not self.unknowns:
            return self._make_simple_query(index, sent_by)
        data = b"".join([piece.data for piece in self.pieces])
        edges = [0, *self.splits, self.length]
        statements = []
        for start, end in itertools.pairwise(edges):
            if statement := self._make_statement(data, start, end, index):
                statements.append(statement)
        location = statements[0].location if statements else index.locate(self._source_position(0, position))
        return Query(data.decode(), tuple(statements), location, sent_by)

    def _make_simple_query(self, index: LineIndex, sent_by: MetaCommand | None) -> Query:
        piece = self.pieces[0]
        text = piece.data.decode()
        places: tuple[Place, ...] = ()
        # The letter that most statements start with spares a look for comments.
        first = 0 if piece.data[:1].isalpha() else skip_comments(piece.data)
        if piece.data[first : first + 1] in b";" and is_empty(piece.data, first):
            return Query(text, (), index.locate(piece.position), sent_by)
        if not piece.is_verbatim:
            location = index.locate(piece.position)
            places = (Place(0, location.line, location.column, is_verbatim=False),)
        elif first:
            start = index.locate(piece.position)
            places = (Place(0, start.line, start.column),)
            location = index.locate(piece.position + first)
        else:
            location = index.locate(piece.position)
        return Query(text, (Statement(text, location, places),), location, sent_by)

    def _make_statement(self, data: bytes, start: int, end: int, index: LineIndex) -> Statement | None:
        if start:
            start = tokens.skip_leading(data, start, end)
        part = data[start:end]
        first = skip_comments(part)
        if is_empty(part, first):
            return None
        location = index.locate(self._source_position(start + first, 0))
        places = self._places(data, start, end, index)
        return Statement(part.decode(), location, places, tuple(dict.fromkeys(self.unknowns)))

    def _places(self, data: bytes, start: int, end: int, index: LineIndex) -> tuple[Place, ...]:
        places = []
        offset = 0
        characters_before = 0
        for piece in self.pieces:
            piece_end = offset + len(piece.data)
            if piece_end > start and offset < end:
                inside = max(start - offset, 0)
                located = index.locate(piece.position + (inside if piece.is_verbatim else 0))
                places.append(Place(characters_before, located.line, located.column, piece.is_verbatim))
                characters_before += characters(data[max(offset, start) : min(piece_end, end)])
            offset = piece_end
        return tuple(places)

    def _source_position(self, offset: int, otherwise: int) -> int:
        """Where in the source the byte at `offset` of the text came from."""
        for piece in self.pieces:
            if offset < len(piece.data):
                return piece.position + (offset if piece.is_verbatim else 0)
            offset -= len(piece.data)
        return otherwise


def skip_comments(data: bytes, start: int = 0) -> int:
    """The position of the first byte after white space and comments, nested ones too."""
    position = start
    while True:
        match = tokens.COMMENTS.match(data, position)
        position = match.end() if match else position
        if data[position : position + 2] != b"/*":
            return position
        position = end_of_comment(data, position)


def end_of_comment(data: bytes, start: int) -> int:
    """The end of the block comment that opens at `start`, or the end of the data where it stays open."""
    depth = 0
    for edge in tokens.COMMENT_EDGE.finditer(data, start):
        depth += 1 if edge.group() == b"/*" else -1
        if depth == 0:
            return edge.end()
    return len(data)


def is_empty(data: bytes, first: int) -> bool:
    """Whether nothing but semicolons and comments stands from `first` on."""
    while data[first : first + 1] == b";":
        first = skip_comments(data, first + 1)
    return first >= len(data)
