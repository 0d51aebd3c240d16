"""One script file being read: its lexer, its conditionals, and the query it sent last.

Takes a source; gives queries. psql keeps these apart for every included file.
"""

from __future__ import annotations

from pgrehearse.script.conditionals import Conditionals
from pgrehearse.script.lexer import Lexer
from pgrehearse.script.query_buffer import Piece, QueryBuffer
from pgrehearse.script.source import Source
from pgrehearse.script.statement import Location, MetaCommand, Query, Statement
from pgrehearse.script.variables import Variables


class Frame:
    r"""One file. `has_ended` is set by its end or by `\\\q`."""

    def __init__(self, source: Source, variables: Variables) -> None:
        self.source = source
        self.lexer = Lexer(source, variables)
        self.conditionals = Conditionals()
        self.has_ended = False
        self.has_quit = False
        self._previous = QueryBuffer()
        self._previous_piece: Piece | None = None

    @property
    def query_text(self) -> str:
        r"""The query being gathered, or the last one sent where there is none: what `\\\p` prints."""
        query = self.lexer.query if self.lexer.query.length else self._last_query()
        return b"".join(piece.data for piece in query.pieces).decode()

    def locate(self, position: int) -> Location:
        """The place of a byte of the source."""
        return self.lexer.index.locate(position)

    def send_simple(self, piece: Piece) -> Query:
        """Make a query of one statement that starts with a word and has nothing to expand."""
        self._previous_piece = piece
        text = piece.data.decode()
        location = self.lexer.index.locate(piece.position)
        return Query(text, (Statement(text, location),), location)

    def send(self) -> Query:
        """Make a query of what was gathered, at a semicolon or at the end of the file."""
        self._previous, self._previous_piece = self.lexer.take_query(), None
        return self._previous.make_query(self.lexer.index, self.lexer.position)

    def send_by(self, command: MetaCommand) -> Query:
        """Make a query of what was gathered, or of the last one again where nothing was."""
        if self.lexer.query.length:
            self._previous, self._previous_piece = self.lexer.take_query(), None
        self.lexer.reset()
        return self._last_query().make_query(self.lexer.index, self.lexer.stopped_at, command)

    def _last_query(self) -> QueryBuffer:
        """The query sent last."""
        if self._previous_piece is not None:
            self._previous, piece = QueryBuffer(), self._previous_piece
            self._previous.append(piece.data, piece.position)
            self._previous_piece = None
        return self._previous

    def drop_query(self) -> None:
        r"""Empty the query buffer, as `\\\r` does."""
        self.lexer.take_query()
        self.lexer.reset()

    def truncate(self) -> None:
        """Forget what a branch that is not taken has gathered."""
        if conditional := self.conditionals.innermost:
            self.lexer.query.truncate(conditional.mark)
            self.lexer.paren_depth = conditional.paren_depth

    def remember(self) -> None:
        """Keep what is gathered so far, to come back to after a branch that is not taken."""
        if conditional := self.conditionals.innermost:
            conditional.mark = self.lexer.query.mark()
            conditional.paren_depth = self.lexer.paren_depth
