"""The first words of a statement, without its comments.

Takes the text of one statement; gives its tokens one by one, so that no more is read than is asked for.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass


class WordKind(enum.Enum):
    """What a token is."""

    WORD = "word"
    QUOTED = "quoted identifier"
    STRING = "string"
    NUMBER = "number"
    SIGN = "sign"


@dataclass(frozen=True, slots=True)
class Word:
    """One token; `value` is in lower case for a word, and without its quotes for a quoted identifier or string."""

    kind: WordKind
    value: str

    def is_word(self, *values: str) -> bool:
        """Whether it is one of these keywords."""
        return self.kind is WordKind.WORD and self.value in values


TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f\v\n]++|--[^\n\r]*+)
    | (?P<comment>/\*)
    | (?P<escape>[eE]'(?:[^'\\]++|\\.|'')*+'?)
    | (?P<string>(?:[uU]&|[bBxXnN])?'(?:[^']++|'')*+'?)
    | (?P<quoted>(?:[uU]&)?"(?:[^"]++|"")*+"?)
    | (?P<dollar>\$(?P<tag>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*+)?+\$)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*+)
    | (?P<number>[0-9][0-9A-Za-z_.]*+)
    | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
COMMENT_EDGE = re.compile(r"/\*|\*/")


def words_of(text: str) -> Iterator[Word]:
    """The tokens of `text`; semicolons are left out."""
    position = 0
    while match := TOKEN.match(text, position):
        position = match.end()
        kind = str(match.lastgroup)
        if kind == "comment":
            position = end_of_comment(text, match.start())
        elif kind == "dollar" or match["dollar"]:
            end = text.find(match["dollar"], position)
            yield Word(WordKind.STRING, text[position : end if end >= 0 else len(text)])
            position = end + len(match["dollar"]) if end >= 0 else len(text)
        elif kind != "space" and match[0] != ";":
            yield make_word(kind, match[0])


def make_word(kind: str, text: str) -> Word:
    """Make a token of what the pattern matched."""
    if kind == "word":
        # Only ASCII letters: the server folds no others in UTF-8.
        return Word(WordKind.WORD, "".join(c.lower() if c.isascii() else c for c in text))
    if kind == "quoted":
        return Word(WordKind.QUOTED, text[text.index('"') + 1 :].removesuffix('"').replace('""', '"'))
    if kind in ("string", "escape"):
        return Word(WordKind.STRING, text[text.index("'") + 1 :].removesuffix("'").replace("''", "'"))
    return Word(WordKind.NUMBER if kind == "number" else WordKind.SIGN, text)


def end_of_comment(text: str, start: int) -> int:
    """Where the block comment at `start` ends; comments nest."""
    depth = 0
    for edge in COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    return len(text)
