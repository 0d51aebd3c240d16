"""psql's scanner: bytes of a script to the text of queries, up to each semicolon and each backslash.

Takes a source and the variables; fills a `QueryBuffer` and tells what it stopped at. The rules are those of psql 18,
its oddities included: what psql would send is what is sent here. psql reads line by line, this reads runs of many
tokens at once; where lines matter to psql (empty ones vanish, so does a line end before a backslash), it minds them.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterator
from typing import ClassVar

from pgrehearse.errors import ScriptError
from pgrehearse.script import tokens
from pgrehearse.script.begin_end import BeginEnd, Kind
from pgrehearse.script.buffer import Buffer, BufferStack
from pgrehearse.script.line_index import LineIndex
from pgrehearse.script.open_token import OpenToken, opening_at
from pgrehearse.script.query_buffer import Piece, QueryBuffer
from pgrehearse.script.source import Source
from pgrehearse.script.tokens import Words
from pgrehearse.script.variables import Variables, quote_identifier, quote_literal

LINE_END = ord("\n")


class Stop(enum.Enum):
    """What the lexer stopped at."""

    SEMICOLON = "semicolon"
    BACKSLASH = "backslash"
    END = "end of script"


STRINGS = {True: tokens.STANDARD_STRINGS, False: tokens.BACKSLASH_STRINGS}
WORDS = {Kind.UNDECIDED: Words.NONE, Kind.ROUTINE: Words.BUT_BODY, Kind.PLAIN: Words.ALL}
RUNS = {
    (strings, kind): tokens.make_run(strings=strings, words=words, groups=kind is not Kind.UNDECIDED)
    for strings in (*STRINGS.values(), tokens.NO_STRINGS)
    for kind, words in WORDS.items()
}
SIMPLE_STATEMENTS = {flag: tokens.make_simple_statement(strings=text) for flag, text in STRINGS.items()}


class Lexer:
    r"""Reads one source.

    Attributes:
        query: The query being gathered.
        paren_depth: Open parentheses.
        is_active: False inside a branch of `\if` that is not taken: variables are not expanded there.
        standard_strings: The server's `standard_conforming_strings`; a script may change it.
        stopped_at: Where in the source the last backslash is.
        warnings: What psql would complain of and then go on; the owner empties it.
    """

    def __init__(self, source: Source, variables: Variables) -> None:
        self.source = source
        self.index = LineIndex(source)
        self.query = QueryBuffer()
        self.paren_depth = 0
        self.is_active = True
        self.standard_strings = True
        self.stopped_at = 0
        self.warnings: list[str] = []
        self._variables = variables
        self._buffers = BufferStack(source)
        self._begin_end = BeginEnd()
        self._open: OpenToken | None = None
        self._opened_at = 0
        self._line_end: int | None = None

    @property
    def position(self) -> int:
        """Where in the source it is."""
        return self._buffers.source_position

    def reset(self) -> None:
        """Forget open parentheses and bodies, as psql does when a backslash command sends the query."""
        self.paren_depth = 0
        self._begin_end = BeginEnd()

    def take_query(self) -> QueryBuffer:
        """Hand the query over and start the next one."""
        query, self.query = self.query, QueryBuffer()
        self._line_end = None
        return query

    def rest_of_line(self) -> bytes:
        """What is left of the line, for a backslash command to read its arguments from."""
        return self._buffers.rest_of_line()

    def consume(self, count: int) -> None:
        """Pass over `count` bytes of the rest of the line."""
        self._buffers.consume(count)

    def copy_data(self) -> Iterator[bytes]:
        r"""The inline data of a COPY, from the next line on to the line `\.`, which is passed over.

        Raises:
            ScriptError: The script ends before that line.
        """
        span = self._buffers.cut_copy_data()
        if span is None:
            place = self.index.locate(len(self.source.data))
            raise ScriptError(
                f"{place}: COPY data without an end",
                hint="The data that follow COPY ... FROM STDIN end with a line that holds only \\.",
            )
        return self._buffers.chunks(*span)

    def scan(self) -> Stop:
        """Read on to the next semicolon that ends a statement, the next backslash, or the end.

        Raises:
            ScriptError: The script ends inside a quote, a comment, parentheses or a body.
        """
        stop = None
        while stop is None:
            buffer = self._buffers.top
            stop = self._scan_buffer(buffer)
            if stop is None and buffer is self._buffers.top and not self._buffers.pop():
                self._check_end()
                return Stop.END
        return stop

    def scan_simple_statement(self) -> Piece | None:
        """Pass over a whole statement in one match, where nothing in it needs a second look; None where one does."""
        buffer = self._buffers.top
        if self.query.length or buffer.name is not None or self.paren_depth or self._begin_end.depth:
            return None
        match = SIMPLE_STATEMENTS[self.standard_strings].match(buffer.data, buffer.position, buffer.end)
        if match is None:
            return None
        buffer.position = match.end()
        self._begin_end.reset()
        return Piece(match[1], match.start(1))

    def _scan_buffer(self, buffer: Buffer) -> Stop | None:
        """Read in `buffer` until it ends, the scan stops, or the value of a variable is to be read first."""
        if not self.query.length and self._open is None:
            buffer.position = end_of(tokens.LEADING_SPACE, buffer)
        buffer.start = buffer.position
        if self._open is not None:
            self._close(buffer)
        stop = None
        while stop is None and buffer.position < buffer.end:
            buffer.position = end_of(self._run(buffer), buffer)
            if buffer.position < buffer.end:
                stop = self._step(buffer, buffer.data[buffer.position])
            if buffer is not self._buffers.top:
                return None
        self._flush(buffer)
        return stop

    def _run(self, buffer: Buffer) -> re.Pattern[bytes]:
        strings = tokens.NO_STRINGS if buffer.name is not None else STRINGS[self.standard_strings]
        return RUNS[strings, self._begin_end.kind]

    def _flush(self, buffer: Buffer) -> None:
        """Add what was passed over since the last flush to the query."""
        if buffer.start == buffer.position:
            return
        if self._line_end is not None:
            self.query.append(b"\n", self._line_end)
            self._line_end = None
        is_verbatim = buffer.name is None
        origin = buffer.start if is_verbatim else buffer.origin
        self.query.append(buffer.data[buffer.start : buffer.position], origin, is_verbatim=is_verbatim)
        buffer.start = buffer.position

    def _step(self, buffer: Buffer, byte: int) -> Stop | None:
        """Deal with the byte that stopped a run; gives what the scan stops at, if it does."""
        if handler := self._HANDLERS.get(byte):
            return handler(self, buffer)
        if match := tokens.NAME.match(buffer.data, buffer.position, buffer.end):
            self._begin_end.add(match[0], in_parentheses=self.paren_depth > 0)
            self._opened_at = self._opened_at if self._begin_end.depth > 1 else buffer.source_position
            buffer.position = match.end()
        elif opened := opening_at(buffer, standard_strings=self.standard_strings):
            self._open, length = opened
            buffer.position += length
            self._close(buffer)
        else:
            buffer.position += 1
        return None

    def _close(self, buffer: Buffer) -> None:
        """Read on in the open token, to its end or to the end of the buffer."""
        while self._open is not None:
            position = self._open.close(buffer)
            if position is None:
                buffer.position = buffer.end
                return
            buffer.position = position
            if self._open.is_string and buffer.name is not None and (more := continuation(buffer)):
                buffer.position = more
            else:
                self._open = None

    def _on_semicolon(self, buffer: Buffer) -> Stop | None:
        buffer.position += 1
        if self.paren_depth or self._begin_end.depth:
            return None
        self._flush(buffer)
        self._begin_end.reset()
        return Stop.SEMICOLON

    def _on_open_paren(self, buffer: Buffer) -> None:
        if not self.paren_depth and not self._begin_end.depth:
            self._opened_at = buffer.source_position
        self.paren_depth += 1
        buffer.position += 1

    def _on_close_paren(self, buffer: Buffer) -> None:
        self.paren_depth = max(self.paren_depth - 1, 0)
        buffer.position += 1

    def _on_line_end(self, buffer: Buffer) -> None:
        """A line end stopped the run: an empty line follows, or nothing. psql adds it with the next line's text."""
        if buffer.name is not None:
            buffer.position += 1
            return
        self._flush(buffer)
        if self.query.length:
            self._line_end = buffer.position
        while buffer.position < buffer.end and buffer.data[buffer.position] == LINE_END:
            buffer.position += 1
        buffer.start = buffer.position

    def _on_backslash(self, buffer: Buffer) -> Stop | None:
        follower = buffer.data[buffer.position + 1 : min(buffer.position + 2, buffer.end)]
        if follower not in (b";", b":"):
            self._stop_at_backslash(buffer)
            return Stop.BACKSLASH
        self._flush(buffer)
        buffer.start = buffer.position + 1
        buffer.position += 2
        self._flush(buffer)
        if follower == b";":
            self._begin_end.reset()
            if not self.paren_depth:
                self.query.splits += (self.query.length,)
        return None

    def _stop_at_backslash(self, buffer: Buffer) -> None:
        before = buffer.position - 1
        ends_line = buffer.name is None and before >= buffer.start and buffer.data[before] == LINE_END
        self._flush(buffer)
        if ends_line:
            self.query.cut_line_end()
        self._line_end = None
        self.stopped_at = buffer.source_position
        buffer.position += 1
        buffer.start = buffer.position

    def _on_colon(self, buffer: Buffer) -> None:
        match = tokens.VARIABLE.match(buffer.data, buffer.position, buffer.end)
        if match is None or not self.is_active:
            buffer.position += 1 if match is None else len(match[0])
            return
        kind, name = str(match.lastgroup), match[match.lastgroup or 0].decode()
        if kind != "test" and self._variables.is_unknown(name):
            self.query.unknowns += (name,)
            buffer.position = match.end()
        elif kind == "plain":
            self._expand(buffer, name, match.end())
        else:
            self._replace(buffer, self._value_of(kind, name), match.end())

    def _value_of(self, kind: str, name: str) -> str | None:
        value = self._variables.get(name)
        if kind == "test":
            if self._variables.is_unknown(name):
                self.query.unknowns += (name,)
            return "FALSE" if value is None else "TRUE"
        if value is None:
            return None
        return quote_literal(value) if kind == "literal" else quote_identifier(value)

    def _replace(self, buffer: Buffer, value: str | None, end: int) -> None:
        """Put `value` in place of a reference; None leaves the reference as it is written."""
        if value is None:
            buffer.position = end
            return
        self._flush(buffer)
        origin = buffer.source_position
        if self._line_end is not None:
            self.query.append(b"\n", self._line_end)
            self._line_end = None
        self.query.append(value.encode(), origin, is_verbatim=False)
        buffer.start = buffer.position = end

    def _expand(self, buffer: Buffer, name: str, end: int) -> None:
        """Read the value of a variable as if it stood in the script."""
        value = self._variables.get(name)
        if value is not None and self._buffers.is_expanding(name):
            self.warnings.append(f'skipping recursive expansion of variable "{name}"')
            value = None
        if value is None:
            buffer.position = end
            return
        self._flush(buffer)
        origin = buffer.source_position
        buffer.start = buffer.position = end
        self._buffers.push(value.encode(), name, origin)

    _HANDLERS: ClassVar[dict[int, Callable[[Lexer, Buffer], Stop | None]]] = {
        ord(";"): _on_semicolon,
        ord("("): _on_open_paren,
        ord(")"): _on_close_paren,
        ord("\n"): _on_line_end,
        ord("\\"): _on_backslash,
        ord(":"): _on_colon,
    }

    def _check_end(self) -> None:
        """Refuse a script that ends in the middle of something."""
        if self._open is not None:
            message, position = f"unterminated {self._open.kind.value}", self._open.position
        elif self.paren_depth:
            message, position = "unclosed parenthesis", self._opened_at
        elif self._begin_end.depth:
            message, position = "BEGIN without END in the body of a routine", self._opened_at
        else:
            return
        raise ScriptError(f"{self.index.locate(position)}: {message}")


def end_of(pattern: re.Pattern[bytes], buffer: Buffer) -> int:
    """Where the match of a pattern that always matches ends."""
    match = pattern.match(buffer.data, buffer.position, buffer.end)
    return match.end() if match else buffer.position


def continuation(buffer: Buffer) -> int:
    """Where a string goes on after a line end, as SQL allows; 0 where it does not."""
    match = tokens.QUOTE_CONTINUE.match(buffer.data, buffer.position, buffer.end)
    return match.end() if match else 0
