r"""Split a text that psql would send whole (a value of `\gexec`) into its statements.

Takes SQL text; gives statements, each of which is sent by itself. Where the text holds a body of BEGIN ATOMIC it is left
whole: if there is more in it than one statement, the server refuses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pgrehearse.plan.words import TOKEN, end_of_comment, words_of
from pgrehearse.script.statement import Location, Statement

_ATOMIC = re.compile(r"\bbegin\s+atomic\b", re.IGNORECASE)


def split_statements(text: str, location: Location) -> Iterator[Statement]:
    """The statements of `text`, in order; what is empty or comments alone is left out."""
    start = 0
    for end in [*([] if _ATOMIC.search(text) else _semicolons(text)), len(text)]:
        piece = text[start:end].strip()
        if next(words_of(piece), None) is not None:
            yield Statement(piece, location)
        start = end + 1


def _semicolons(text: str) -> Iterator[int]:
    position, depth = 0, 0
    while match := TOKEN.match(text, position):
        position = match.end()
        if match.lastgroup == "comment":
            position = end_of_comment(text, match.start())
        elif match["dollar"]:
            end = text.find(match["dollar"], position)
            position = len(text) if end < 0 else end + len(match["dollar"])
        elif match.lastgroup == "sign":
            depth += {"(": 1, ")": -1}.get(match[0], 0)
            if match[0] == ";" and depth <= 0:
                yield match.start()


