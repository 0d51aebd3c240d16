"""What a text of SQL names: the functions it calls, the tables it writes, and the escapes that stand in it openly.

Takes the text of one statement or of a function's body; gives `TextFacts`. Words are told from strings and comments,
and strings are read as code where code may be made of them; nothing is parsed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pgrehearse.observe.escape_names import (
    HARMLESS_LIBRARIES,
    LANGUAGE,
    LIBRARY,
    MESSAGE,
    OTHER_SESSION,
    PROGRAM,
    SERVER_FILE,
    SUBSCRIPTION,
    UNTRUSTED,
    kind_of_function,
)
from pgrehearse.plan.words import Word, WordKind, words_of

Words = Sequence[Word]
_NAMES = (WordKind.WORD, WordKind.QUOTED)

_DEFINITIONS = frozenset({"function", "procedure", "view", "trigger", "rule", "recursive"})
_MODIFIERS = frozenset(
    {"or", "replace", "constraint", "event", "temp", "temporary", "recursive", "aggregate"}
)
_ONLY_TALK = frozenset({"comment", "grant", "revoke", "drop", "security", "import", "deallocate"})
_ROUTINES = frozenset({"function", "procedure"})


@dataclass(frozen=True, slots=True)
class Escape:
    """A way out of the transaction: its kind, what it is called, and how it is reached."""

    kind: str
    object: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What a text names. Names come as the catalog has them, without their schema."""

    escapes: tuple[Escape, ...] = ()
    calls: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()


def facts_of_statement(text: str) -> TextFacts:
    """What the statement `text` does when it is sent: a definition only defines."""
    words = list(words_of(text))
    if not words:
        return TextFacts()
    first = words[0].value if words[0].kind is WordKind.WORD else ""
    if first in _ONLY_TALK:
        return TextFacts()
    if first in ("create", "alter") and (defined := _defined(words)):
        languages = _languages(words) if defined in _ROUTINES and first == "create" else ()
        return TextFacts(tuple(languages))
    if first == "do":
        return _joined([_facts(words), TextFacts(tuple(_languages(words))), *_facts_of_strings(words)])
    return _facts(words)


def facts_of_body(body: str) -> TextFacts:
    """What the body of a function does when it is called; strings count as code where it may execute them."""
    words = list(words_of(body))
    own = _facts(words)
    if any(word.is_word("execute") for word in words):
        return _joined([own, *_facts_of_strings(words)])
    return own


def _facts_of_strings(words: Words) -> list[TextFacts]:
    return [facts_of_body(word.value) for word in words if word.kind is WordKind.STRING and word.value]


def _joined(parts: Sequence[TextFacts]) -> TextFacts:
    return TextFacts(
        tuple(dict.fromkeys(escape for part in parts for escape in part.escapes)),
        frozenset().union(*(part.calls for part in parts)),
        frozenset().union(*(part.writes for part in parts)),
        frozenset().union(*(part.names for part in parts)),
    )


def _facts(words: Words) -> TextFacts:
    calls = [i for i in range(len(words) - 1) if words[i].kind in _NAMES and _is_sign(words[i + 1], "(")]
    return TextFacts(
        tuple(dict.fromkeys([*_escapes_called(words, calls), *_escapes_written(words)])),
        frozenset(words[i].value for i in calls),
        frozenset(_written(words)),
        frozenset(word.value for word in words if word.kind in _NAMES),
    )


def _defined(words: Words) -> str:
    """What CREATE or ALTER is about, where its text is only kept, not run; else empty."""
    for word in words[1:6]:
        if word.value in _DEFINITIONS and word.value != "recursive":
            return word.value
        if word.value not in _MODIFIERS:
            return ""
    return ""


# Escapes that stand in the text -----------------------------------------------------------------------------------


def _escapes_called(words: Words, calls: Sequence[int]) -> Iterator[Escape]:
    for i in calls:
        name = words[i].value
        kind = kind_of_function(name)
        following = words[i + 2].value if i + 2 < len(words) else ""
        if kind == MESSAGE and following == "true":
            continue
        if kind == OTHER_SESSION and following == "pg_backend_pid":
            continue
        if kind:
            yield Escape(kind, name)


def _escapes_written(words: Words) -> Iterator[Escape]:
    for i, word in enumerate(words[:-1]):
        following = words[i + 1]
        if word.is_word("copy"):
            yield from _copied(words, i + 1)
        elif word.is_word("load") and following.kind is WordKind.STRING:
            library = following.value.removeprefix("$libdir/").removesuffix(".so")
            if library not in HARMLESS_LIBRARIES:
                yield Escape(LIBRARY, following.value)
        elif word.is_word("create", "alter") and following.is_word("subscription"):
            yield from _subscribed(words, i + 2)


def _copied(words: Words, at: int) -> Iterator[Escape]:
    """The server's file or program that the COPY whose target begins at `at` is about."""
    at = _after_target(words, at)
    if at + 1 >= len(words) or not words[at].is_word("to", "from"):
        return
    end = words[at + 1]
    if end.is_word("program"):
        yield Escape(PROGRAM, words[at + 2].value if at + 2 < len(words) else "")
    elif end.kind is WordKind.STRING and words[at].is_word("to"):
        yield Escape(SERVER_FILE, end.value)


def _after_target(words: Words, at: int) -> int:
    while at < len(words) and (words[at].kind in _NAMES or words[at].value == "."):
        if words[at].is_word("to", "from"):
            return at
        at += 1
    depth = 0
    while at < len(words):
        depth += _is_sign(words[at], "(") - _is_sign(words[at], ")")
        at += 1
        if depth <= 0:
            return at
    return at


def _is_sign(word: Word, value: str) -> bool:
    return word.kind is WordKind.SIGN and word.value == value


def _subscribed(words: Words, at: int) -> Iterator[Escape]:
    if at >= len(words):
        return
    values = [word.value for word in words[at:]]
    connects = not any(values[i : i + 3] == ["connect", "=", "false"] for i in range(len(values)))
    if connects or words[at - 2].is_word("alter"):
        yield Escape(SUBSCRIPTION, values[0])


def _languages(words: Words) -> Iterator[Escape]:
    for i, word in enumerate(words[:-1]):
        if word.is_word("language") and words[i + 1].value.lower() in UNTRUSTED:
            yield Escape(LANGUAGE, words[i + 1].value)


# Tables that are written ------------------------------------------------------------------------------------------


def _written(words: Words) -> Iterator[str]:
    for i, word in enumerate(words[:-1]):
        if word.kind is not WordKind.WORD:
            continue
        before = words[i - 1].value if i else ""
        match word.value:
            case "update" | "copy":
                yield _name_at(words, i + 1)
            case "into" if before in ("insert", "merge"):
                yield _name_at(words, i + 1)
            case "from" if before == "delete":
                yield _name_at(words, i + 1)
            case "truncate":
                yield from _list_at(words, i + 1)
            case _:
                pass


def _name_at(words: Words, at: int) -> str:
    """The last part of the qualified name that begins at `at`."""
    while at < len(words) and words[at].is_word("only", "table"):
        at += 1
    while at + 2 < len(words) and words[at + 1].value == ".":
        at += 2
    return words[at].value if at < len(words) and words[at].kind in _NAMES else ""


def _list_at(words: Words, at: int) -> Iterator[str]:
    yield _name_at(words, at)
    for i in range(at, len(words) - 1):
        if words[i].value == ",":
            yield _name_at(words, i + 1)
        elif words[i].kind not in _NAMES and words[i].value != ".":
            return
