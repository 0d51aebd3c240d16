"""The tokens of SQL as psql's scanner sees them, as regular expressions over bytes.

Takes nothing; gives compiled patterns. A *run* is as many tokens as can be passed over in one match: those that can
neither end a statement nor open something that psql must look into. Every repeat is possessive, so that a match costs
linear time and no stack. What a run stops at is handled by the lexer, one byte at a time.
"""

from __future__ import annotations

import enum
import re

IDENTIFIER = rb"[A-Za-z_\x80-\xff][A-Za-z0-9_$\x80-\xff]*+"
TAG = rb"[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*+"
VARIABLE_NAME = rb"[A-Za-z0-9_\x80-\xff]++"

SPACE = rb"[ \t\r\f\v]++"
# Two line ends in a row are left to the lexer: psql drops empty lines between the tokens of a statement.
LINE_END = rb"\n(?=[^\n])"
LINE_COMMENT = rb"--[^\n\r]*+"
LEADING = rb"(?:[ \t\r\f\v\n]++|--[^\n\r]*+)*+"
FLAT_COMMENT = rb"/\*(?:[^*/]++|\*(?!/)|/(?!\*))*+\*/"
# A word glued to a number belongs to it, dollar signs and all, as it does to a parameter.
FRACTION = rb"\.(?!\.)[0-9]*+"
EXPONENT = rb"[0-9](?:_?[0-9])*+(?:" + FRACTION + rb")?+[eE][-+]|\.[0-9]++[eE][-+]"
NUMBER = rb"(?:" + EXPONENT + rb"|[0-9]++(?:" + FRACTION + rb")?+|\.[0-9]++)(?:" + IDENTIFIER + rb")?+"
PARAMETER = rb"\$[0-9]++(?:" + IDENTIFIER + rb")?+"
LONE_DOLLAR = rb"\$(?![0-9]|(?:" + TAG + rb")?+\$)"
QUOTED_IDENTIFIER = rb'"[^"]*+"'
PLAIN_STRING = rb"'[^']*+'"
ESCAPE_STRING = rb"[eE]'(?:[^'\\]++|\\.|'')*+'"
# `::` and `:=`, and a colon that cannot start a variable.
COLON = rb"::|:=|:(?![A-Za-z0-9_\x80-\xff'\"{])"
OTHER = rb"[^A-Za-z0-9_\x80-\xff$'\"\\:;()/.\- \t\r\f\v\n]++|-(?!-)|/(?!\*)|\.(?![0-9])"

# psql takes E only where it stands alone before the quote; the lexer opens what cannot be closed in this buffer.
WORD = rb"(?![eE]')" + IDENTIFIER
STANDARD_STRINGS = ESCAPE_STRING + rb"|" + PLAIN_STRING
# With standard_conforming_strings off, backslashes escape in plain strings too, but not in U&, B and X strings.
BACKSLASH_STRINGS = rb"(?:[uU]&|[bBxX])'[^']*+'|[eEnN]?'(?:[^'\\]++|\\.|'')*+'"
# In a variable's value every string stops the run: only there can one go on after a line end.
NO_STRINGS = rb"(?!)"
BODY_WORD = rb"(?!(?i:begin|case|end)(?![A-Za-z0-9_$\x80-\xff]))"
# What may start a body: CREATE, unless a word that starts none follows at once.
ROUTINE = (
    rb"(?i:create)(?![A-Za-z0-9_$\x80-\xff])"
    rb"(?![ \t\n]++(?!(?i:or|function|procedure)(?![A-Za-z0-9_$\x80-\xff]))[A-Za-z_]++[ \t\n])"
)
ROUTINE_HEAD = (
    rb"(?i:create)[ \t\n]++(?:(?i:or)[ \t]++(?i:replace)[ \t]++)?+"
    rb"(?i:function|procedure)(?![A-Za-z0-9_$\x80-\xff])"
)
STRING_PREFIX = rb"[bBeExXnN]'|[uU]&['\"]"
BACKSLASH_WORD = rb"(?![bBeExX]'|[uU]&')" + IDENTIFIER


class Words(enum.Enum):
    """Which identifiers a run passes over."""

    NONE = "none"
    BUT_BODY = "all but BEGIN, CASE and END"
    ALL = "all"


def make_run(*, strings: bytes, words: Words, groups: bool) -> re.Pattern[bytes]:
    """Compile a run.

    Args:
        strings: The alternatives for complete strings, and the words that do not open one.
        words: Which identifiers are passed over; the others stop the run.
        groups: Whether parentheses that close at once (two levels deep) are passed over.
    """
    token = make_token(strings=strings, words=words)
    if groups:
        inner = make_token(strings=strings, words=Words.ALL) + rb"|;"
        token += rb"|\((?:" + inner + rb"|\((?:" + inner + rb")*+\))*+\)"
    return re.compile(rb"(?:" + token + rb")*+", re.DOTALL)


def make_token(*, strings: bytes, words: Words) -> bytes:
    """The alternatives of one token, the commonest first."""
    word = BACKSLASH_WORD if strings is BACKSLASH_STRINGS else WORD
    if words is Words.BUT_BODY:
        word = BODY_WORD + word
    parts = [SPACE, OTHER, strings, NUMBER, QUOTED_IDENTIFIER, LINE_END, LINE_COMMENT, FLAT_COMMENT]
    parts += [COLON, PARAMETER, LONE_DOLLAR]
    return rb"|".join(parts if words is Words.NONE else [word, *parts])


def make_simple_statement(*, strings: bytes) -> re.Pattern[bytes]:
    """Compile the commonest statements, which need no second look; group 1 is the statement.

    Either it creates no routine, or a routine without a body of BEGIN and END. One dollar quote may be in it.
    """
    run = make_run(strings=strings, words=Words.ALL, groups=True).pattern
    body_run = make_run(strings=strings, words=Words.BUT_BODY, groups=True).pattern
    routine = ROUTINE_HEAD + body_run + dollar_quote(2, body_run)
    other = rb"(?!" + ROUTINE + rb"|" + STRING_PREFIX + rb")" + IDENTIFIER + run + dollar_quote(3, run)
    return re.compile(LEADING + rb"((?:" + routine + rb"|" + other + rb");)", re.DOTALL)


def dollar_quote(group: int, run: bytes) -> bytes:
    """A dollar quote, whose delimiter becomes the group of that number, and a run after it; or neither."""
    delimiter = rb"(?P=d%d)" % group
    opening = rb"(?P<d%d>\$(?:" % group + TAG + rb")?+\$)"
    return rb"(?:" + opening + rb"(?:[^$]++|(?!" + delimiter + rb")\$)*+" + delimiter + run + rb")?+"


NAME = re.compile(rb"(?!" + STRING_PREFIX + rb")" + IDENTIFIER)
# psql sends neither white space nor line comments before the first token of a query; block comments it does.
LEADING_SPACE = re.compile(LEADING)
COMMENT_EDGE = re.compile(rb"/\*|\*+/")
DOLLAR_DELIMITER = re.compile(rb"\$(?:" + TAG + rb")?+\$")
ESCAPE_BODY = re.compile(rb"(?:[^'\\]++|\\.|''|\\\Z)*+", re.DOTALL)
QUOTE_CONTINUE = re.compile(rb"[ \t\r\f\v]*+(?:--[^\n\r]*+)?+[\n\r](?:[ \t\r\f\v\n]++|--[^\n\r]*+[\n\r])*+'")
VARIABLE = re.compile(
    rb":(?:(?P<plain>"
    + VARIABLE_NAME
    + rb")|'(?P<literal>"
    + VARIABLE_NAME
    + rb")'|\"(?P<identifier>"
    + VARIABLE_NAME
    + rb")\"|\{\?(?P<test>"
    + VARIABLE_NAME
    + rb")\})"
)
"""A reference to a variable; exactly one of the groups is set."""

COMMENTS = re.compile(rb"(?:[ \t\r\f\v\n]++|--[^\n\r]*+|" + FLAT_COMMENT + rb")*+")


def skip_leading(data: bytes, start: int, end: int) -> int:
    """The position of the first byte that psql would put into a query."""
    match = LEADING_SPACE.match(data, start, end)
    return match.end() if match else start
