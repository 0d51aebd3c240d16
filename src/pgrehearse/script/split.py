r"""A text of several statements, as the server would split it: no variables, no backslash commands.

Takes what a script makes at run time (`\gexec`); gives its statements, each byte for byte as it stands in the text.
"""

from __future__ import annotations

from pgrehearse.errors import ScriptError
from pgrehearse.script.lexer import Lexer, Stop
from pgrehearse.script.query_buffer import is_empty, skip_comments
from pgrehearse.script.source import make_source
from pgrehearse.script.statement import Location, Statement
from pgrehearse.script.variables import Variables


def split_statements(text: str, location: Location) -> tuple[Statement, ...]:
    """Split `text`; every statement stands at `location`, where the text was made.

    One statement alone keeps all of its text. What cannot be split (an open quote) is one statement: the server will
    say what is wrong with it.
    """
    ends = statement_ends(text)
    parts = [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    filled = [part for part in parts if not is_blank(part)]
    if len(filled) == 1:
        return (Statement(text, location),)
    return tuple(Statement(part.lstrip(), location) for part in filled)


def is_blank(text: str) -> bool:
    """Whether there is no statement in `text`."""
    data = text.encode()
    return is_empty(data, skip_comments(data))


def statement_ends(text: str) -> list[int]:
    """The offsets in characters behind each semicolon that ends a statement."""
    data = text.encode()
    lexer = Lexer(make_source("", data), Variables())
    ends = []
    try:
        while (stop := lexer.scan()) is not Stop.END:
            if stop is Stop.SEMICOLON:
                ends.append(len(data[: lexer.position].decode()))
                lexer.take_query()
    except ScriptError:
        pass
    return ends
