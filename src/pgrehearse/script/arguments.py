"""The arguments of a backslash command, as psql's scanner for them reads a line.

Takes the rest of the line and the variables; gives arguments with quotes undone and variables replaced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pgrehearse.script import tokens
from pgrehearse.script.variables import Variables, quote_identifier, quote_literal

SPACES = re.compile(rb"[ \t\r\f\v\n]*+")
COMMAND_NAME = re.compile(rb"[^ \t\r\f\v\n\\]*+")
PLAIN = re.compile(rb"[^ \t\r\f\v\n\\'\"`:]++")
IN_QUOTES = re.compile(rb"[^'\\]++|''|\\[0-7]{1,3}|\\x[0-9A-Fa-f]{1,2}|\\.", re.DOTALL)
ESCAPES = {b"n": b"\n", b"t": b"\t", b"b": b"\b", b"r": b"\r", b"f": b"\f"}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument; `quote` is as in `MetaCommand.quotes`."""

    value: str
    quote: str


@dataclass(slots=True)
class ArgumentReader:
    """Reads `line` from `position` on.

    Attributes:
        is_active: Whether variables are replaced.
        warnings: What psql would complain of.
        unknowns: Variables met that have no known value.
    """

    line: bytes
    variables: Variables
    is_active: bool
    position: int = 0
    warnings: list[str] = field(default_factory=list)
    unknowns: list[str] = field(default_factory=list)
    _text: bytearray = field(default_factory=bytearray)
    _quote: str = " "
    _unquoted: int = 0

    def read_name(self) -> str:
        """The name of the command: all up to white space or a backslash."""
        return self._match(COMMAND_NAME).decode()

    def read_rest(self) -> str:
        """The rest of the line as it stands."""
        self._match(SPACES)
        rest = self.line[self.position :]
        self.position = len(self.line)
        return rest.decode()

    def read_all(self, *, strips_semicolons: bool) -> list[Argument]:
        """The arguments up to the end of the line or the next backslash."""
        arguments = []
        while (argument := self.read(strips_semicolons=strips_semicolons)) is not None:
            arguments.append(argument)
        return arguments

    def read_file_or_pipe(self, *, strips_semicolons: bool) -> Argument | None:
        """One argument, which is the rest of the line where it starts with a bar."""
        self._match(SPACES)
        if self.line[self.position : self.position + 1] == b"|":
            return Argument(self.read_rest(), " ")
        return self.read(strips_semicolons=strips_semicolons)

    def read(self, *, strips_semicolons: bool) -> Argument | None:
        """One argument, or None where there is none left."""
        self._match(SPACES)
        self._text, self._quote, self._unquoted = bytearray(), " ", 0
        while self.position < len(self.line):
            byte = self.line[self.position : self.position + 1]
            if byte in b" \t\r\f\v\n\\":
                break
            if not self._read_part(byte):
                self.warnings.append("unterminated quoted string")
                return None
        if strips_semicolons:
            while self._unquoted and self._text.endswith(b";"):
                self._text.pop()
                self._unquoted -= 1
        if not self._text and self._quote == " ":
            return None
        return Argument(self._text.decode(errors="replace"), self._quote)

    def end(self) -> None:
        r"""Pass over the `\\\\` that may end a command."""
        self._match(SPACES)
        if self.line.startswith(b"\\\\", self.position):
            self.position += 2

    def _match(self, pattern: re.Pattern[bytes]) -> bytes:
        match = pattern.match(self.line, self.position)
        if match is None:
            return b""
        self.position = match.end()
        return match[0]

    def _read_part(self, byte: bytes) -> bool:
        """Read a piece of an argument; False where its quote stays open."""
        if byte == b"'":
            return self._read_quoted()
        if byte in (b'"', b"`"):
            return self._read_enclosed(byte)
        if byte == b":":
            self._read_colon()
            return True
        piece = self._match(PLAIN)
        self._text += piece
        self._unquoted += len(piece)
        return True

    def _read_quoted(self) -> bool:
        self.position += 1
        self._quote, self._unquoted = "'", 0
        while piece := self._match(IN_QUOTES):
            self._text += unescape(piece)
        is_closed = self.line[self.position : self.position + 1] == b"'"
        self.position += 1
        return is_closed

    def _read_enclosed(self, quote: bytes) -> bool:
        """Double quotes stay in the text, backticks would be the output of a shell command, which is never run."""
        end = self.line.find(quote, self.position + 1)
        self._quote, self._unquoted = quote.decode(), 0
        if end < 0:
            self.position = len(self.line)
            return False
        if quote == b'"':
            self._text += self.line[self.position : end + 1]
        self.position = end + 1
        return True

    def _read_colon(self) -> None:
        match = tokens.VARIABLE.match(self.line, self.position)
        if match is None:
            self._text += b":"
            self._unquoted += 1
            self.position += 1
            return
        self.position = match.end()
        self._text += self._value_of(match)
        self._quote, self._unquoted = ":", 0

    def _value_of(self, match: re.Match[bytes]) -> bytes:
        kind, name = str(match.lastgroup), match[match.lastgroup or 0].decode()
        value = self.variables.get(name) if self.is_active else None
        if self.is_active and self.variables.is_unknown(name):
            self.unknowns.append(name)
        if kind == "test":
            return b"FALSE" if value is None else b"TRUE"
        if value is None:
            return match[0]
        if kind == "literal":
            return quote_literal(value).encode()
        return (quote_identifier(value) if kind == "identifier" else value).encode()


def unescape(piece: bytes) -> bytes:
    """What a piece of a quoted argument stands for."""
    if piece == b"''":
        return b"'"
    if not piece.startswith(b"\\"):
        return piece
    follower = piece[1:]
    if follower[:1].isdigit() and follower[:1] < b"8":
        return bytes([int(follower, 8) & 0xFF])
    if len(follower) > 1:
        return bytes([int(follower[1:], 16)])
    return ESCAPES.get(follower, follower)
