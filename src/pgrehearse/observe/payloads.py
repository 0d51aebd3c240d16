"""The payload of a notification, where the statement that sent it says so in full. Pure.

Takes the script's statement and the context that the server told with its trace; gives the payload, or None: a payload
that is computed is known to nobody before the commit, and to run its expression again may give another.
"""

from __future__ import annotations

from collections.abc import Iterator

from pgrehearse.plan.words import Word, WordKind, words_of

_OPENS = 'SQL statement "'
_CLOSES = '"\nPL/pgSQL'


def payload_of(channel: str, statement: str, context: str) -> str | None:
    """What was sent to `channel`; the empty string for a NOTIFY without payload.

    Args:
        channel: As the server traced it.
        statement: The script's own statement.
        context: Where the server was at that moment; empty where the script's statement called it directly.
    """
    text = _innermost(statement, context)
    if text is None:
        return None
    calls = list(_calls(list(words_of(text))))
    sent = {payload for to, payload in calls if to in (channel, None)}
    return sent.pop() if len(sent) == 1 else None


def _innermost(statement: str, context: str) -> str | None:
    """The SQL statement that was at work; None where the server does not show it."""
    if not context:
        return statement
    if not context.startswith(_OPENS):
        return None
    end = context.find(_CLOSES)
    return context[len(_OPENS) : end if end >= 0 else len(context) - 1]


def _calls(words: list[Word]) -> Iterator[tuple[str | None, str | None]]:
    """Channel and payload of each NOTIFY and pg_notify(), None where they are not literals."""
    if words and words[0].is_word("notify"):
        yield _notified(words)
        return
    for i, word in enumerate(words):
        if word.is_word("pg_notify") and _signs(words[i + 1 : i + 2]) == "(":
            yield _called(words[i + 1 : i + 6])


def _notified(words: list[Word]) -> tuple[str | None, str | None]:
    match words[1:]:
        case [channel]:
            return channel.value, ""
        case [channel, comma, payload] if comma.value == ",":
            return channel.value, _literal(payload)
        case _:
            return None, None


def _called(words: list[Word]) -> tuple[str | None, str | None]:
    """`( channel , payload )`, both of them literals and nothing else."""
    match words:
        case [_, channel, comma, payload, close] if comma.value == "," and close.value == ")":
            return _literal(channel), _literal(payload)
        case [_, channel, comma, *_] if comma.value == ",":
            return _literal(channel), None
        case _:
            return None, None


def _literal(word: Word) -> str | None:
    # A backslash may be an escape or not: it depends on the kind of string and on a setting.
    return word.value if word.kind is WordKind.STRING and "\\" not in word.value else None


def _signs(words: list[Word]) -> str:
    return "".join(word.value for word in words if word.kind is WordKind.SIGN)
