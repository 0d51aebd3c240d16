"""What a COMMIT ends besides the transaction: temporary tables ON COMMIT DROP or DELETE ROWS, and cursors without HOLD.

A fake commit releases a savepoint, at which the server does nothing of that. So the tables that the script's text
creates that way are remembered, and dropped or emptied at each fake commit; those of a function are not seen. Cursors
are closed, whoever opened them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from pgrehearse.pg.identifiers import quote_identifier
from pgrehearse.pg.session import Session
from pgrehearse.plan.words import Word, WordKind, words_of

_LOOKED_AT = 400
_TEMPORARY = ("temp", "temporary")
_EXISTS = "SELECT pg_catalog.to_regclass(%s) IS NOT NULL"

_CURSORS = "SELECT name, is_holdable FROM pg_catalog.pg_cursor() WHERE name <> ''"
_MAY_OPEN_CURSORS = frozenset({"declare", "select", "with", "values", "table", "execute", "call", "do"})
"""First words of what opens a cursor, or calls a function that may."""


class OnCommit:
    """What the next fake commits do on `session`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._actions: dict[str, str] = {}
        self._at_begin: dict[str, str] = {}
        self._may_have_cursors = False
        self._held: set[str] = set()

    @property
    def limits(self) -> frozenset[str]:
        """What a COMMIT does that is not done: it reads a cursor WITH HOLD to its end."""
        return frozenset(
            f"Cursor {name} WITH HOLD was not read to its end, as a COMMIT does: whether that fails is not known."
            for name in self._held
        )

    def begin(self) -> None:
        """A segment begins."""
        self._at_begin = dict(self._actions)

    def undo(self) -> None:
        """The segment was rolled back, and what it created with it."""
        self._actions = dict(self._at_begin)

    def note(self, text: str) -> None:
        """Look at a statement that is about to be sent."""
        first = next(words_of(text), None)
        self._may_have_cursors |= first is not None and (
            first.is_word(*_MAY_OPEN_CURSORS) or first.value == "("
        )
        if "temp" not in text[:80].lower():
            return
        words = list(islice(words_of(text), _LOOKED_AT))
        action = _action_of(words)
        if action and words[0].is_word("create") and any(word.is_word(*_TEMPORARY) for word in words[1:4]):
            self._actions[_name_in(words)] = action

    def act(self) -> None:
        """Do what a COMMIT would do."""
        if self._may_have_cursors:
            for cursor, is_held in self._session.fetch(_CURSORS):
                if is_held:
                    self._held.add(cursor)
                else:
                    self._session.run(f"CLOSE {quote_identifier(cursor)}")
            self._may_have_cursors = False
        for name, action in list(self._actions.items()):
            table = f"pg_temp.{quote_identifier(name)}"
            if not self._session.fetch(_EXISTS, (table,))[0][0]:
                del self._actions[name]
            elif action == "drop":
                self._session.run(f"DROP TABLE {table}")
                del self._actions[name]
            else:
                self._session.run(f"TRUNCATE {table}")


def _action_of(words: Sequence[Word]) -> str:
    for i in range(len(words) - 2):
        if words[i].is_word("on") and words[i + 1].is_word("commit"):
            return words[i + 2].value if words[i + 2].is_word("drop", "delete") else ""
    return ""


def _name_in(words: Sequence[Word]) -> str:
    """The table's own name, behind IF NOT EXISTS and its schema."""
    at = next(i for i, word in enumerate(words) if word.is_word("table")) + 1
    while words[at].is_word("if", "not", "exists"):
        at += 1
    while at + 2 < len(words) and words[at + 1].kind is WordKind.SIGN and words[at + 1].value == ".":
        at += 2
    return words[at].value
