r"""`\copy`: what it reads, and the COPY statement that psql sends for it.

Takes the meta-command as it was read; gives its parts. Only `\copy … from` is acted on: a file of the client, or the
lines that follow in the script.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

from pgrehearse.errors import ScriptError
from pgrehearse.script.statement import MetaCommand


class CopyEnd(enum.Enum):
    r"""What is at the client's end of a `\copy`."""

    FILE = "a file"
    SCRIPT = "the lines that follow in the script"
    STDIN = "standard input or output"
    PROGRAM = "a program"


@dataclass(frozen=True, slots=True)
class CopyCommand:
    r"""A `\copy`.

    Attributes:
        sql: The statement that psql sends.
        is_from: Whether data go to the server.
        end: What they come from or go to.
        path: The file as it is written, or the program; empty for the others.
    """

    sql: str
    is_from: bool
    end: CopyEnd
    path: str = ""


KEYWORDS = {
    "stdin": CopyEnd.SCRIPT,
    "stdout": CopyEnd.SCRIPT,
    "pstdin": CopyEnd.STDIN,
    "pstdout": CopyEnd.STDIN,
}
NAME = re.compile(r'\s*("(?:[^"]|"")*"|[.,()]|[^\s.,()"]+)')
COLUMN = re.compile(r'\s*("(?:[^"]|"")*"|[()]|[^\s()"]+)')
IN_QUERY = re.compile(r"""\s*([eE]'(?:[^'\\]|\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]|[^\s()'"]+)""")
FILE = re.compile(r"\s*('(?:[^']|'')*'|;|[^\s;']+)")


def parse_copy(command: MetaCommand) -> CopyCommand:
    r"""Read the arguments of a `\copy`.

    Raises:
        ScriptError: psql would not understand them.
    """
    return _Parser(command, command.arguments[0] if command.arguments else "").parse()


@dataclass(slots=True)
class _Parser:
    """Reads the line token by token; psql joins the tokens before FROM or TO with blanks."""

    command: MetaCommand
    line: str
    position: int = 0
    before: list[str] = field(default_factory=list)

    def parse(self) -> CopyCommand:
        token = self.next(NAME)
        if token.lower() == "binary":
            self.before.append(token)
            token = self.next(NAME)
        if token == "(":
            self.read_parentheses(IN_QUERY)
        else:
            token = self.read_table(token)
            if token == "(":
                self.read_parentheses(COLUMN)
        if token == "(":
            token = self.next(NAME)
        if token.lower() not in ("from", "to"):
            raise self.error(f'at "{token}"')
        return self.make(is_from=token.lower() == "from")

    def read_table(self, token: str) -> str:
        """Read a table's name; gives the token after it."""
        self.before.append(" " + token)
        token = self.next(NAME)
        if token == ".":
            self.before.append(token + self.next(NAME))
            token = self.next(NAME)
        return token

    def read_parentheses(self, pattern: re.Pattern[str]) -> None:
        """Read on to the parenthesis that closes the one just read."""
        self.before.append(" (")
        depth = 1
        while depth:
            token = self.next(pattern)
            depth += (token == "(") - (token == ")")
            self.before.append(" " + token)

    def make(self, *, is_from: bool) -> CopyCommand:
        """Read what follows FROM or TO."""
        word = self.next(FILE)
        end = KEYWORDS.get(word.lower(), CopyEnd.FILE)
        path = unquote(word) if end is CopyEnd.FILE else ""
        if word.lower() == "program":
            end, path = CopyEnd.PROGRAM, unquote(self.next(FILE))
        after = self.line[self.position :]
        after = after[1:] if after[:1].isspace() else after
        direction = "FROM STDIN" if is_from else "TO STDOUT"
        return CopyCommand(f"COPY {''.join(self.before)} {direction} {after}", is_from, end, path)

    def next(self, pattern: re.Pattern[str]) -> str:
        """The next token."""
        match = pattern.match(self.line, self.position)
        if match is None:
            raise self.error("at end of line")
        self.position = match.end()
        return match[1]

    def error(self, where: str) -> ScriptError:
        """Psql's error for arguments that it does not understand."""
        return ScriptError(f"{self.command.location}: \\copy: parse error {where}")


def unquote(word: str) -> str:
    """A file name without its quotes."""
    return word[1:-1].replace("''", "'") if word.startswith("'") else word
