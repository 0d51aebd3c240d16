"""Settings that end with the script's transaction: SET LOCAL, and set_config(…, true).

A fake commit releases a savepoint, which keeps them; a real COMMIT ends them. So what the script's text sets for its
transaction alone is noted with the value it had before, and given that value back at the fake commit. What a function
sets from within is not seen, and lasts to the end of the stage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from pgrehearse.observe.messages import SCRIPTS_LEVEL
from pgrehearse.pg.session import Session
from pgrehearse.plan.words import words_of

_SET_CONFIG = re.compile(
    r"\bset_config\s*\(\s*'([^']+)'\s*,.*?,\s*(true|'t\w*'|'on'|'yes'|'1')\s*\)", re.IGNORECASE | re.DOTALL
)
_OTHER_NAMES = {
    "time zone": "timezone",
    "session authorization": "session_authorization",
    "xml option": "xmloption",
}
_OTHER_WORDS = {"names": "client_encoding", "schema": "search_path"}


class LocalSettings:
    """What the open block has set for itself alone, and the values to give back."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._before: dict[str, str] = {}

    def note(self, text: str) -> None:
        """Look at a statement of the block that is about to be sent."""
        for name in _session_names(text):
            self._before.pop(name, None)
        for name in _with_companions(_local_names(text)):
            if name not in self._before and not self._session.is_in_failed_transaction:
                value = self._session.fetch("SELECT pg_catalog.current_setting(%s, true)", (name,))[0][0]
                self._before[name] = value or ""

    def end(self) -> None:
        """Give the values back, at a fake commit."""
        for name, value in self._before.items():
            self._session.fetch("SELECT pg_catalog.set_config(%s, %s, true)", (name, value))
        self.forget()

    def forget(self) -> None:
        """The block was rolled back, and its settings with it."""
        self._before.clear()


def resets_read_only(text: str) -> bool:
    """Whether a statement gives `default_transaction_read_only` the value that the session was opened with."""
    words = [word.value.lower() for word in islice(words_of(text), 8)]
    if words[:1] == ["reset"]:
        return words[1:2] in (["all"], ["default_transaction_read_only"])
    return words[:1] == ["set"] and {"default_transaction_read_only", "default"} <= set(words)


def _with_companions(names: Iterable[str]) -> Iterator[str]:
    """`names`, and beside the level of messages the setting in which the script's own level is kept."""
    for name in names:
        yield name
        if name == "client_min_messages":
            yield SCRIPTS_LEVEL


def _local_names(text: str) -> Iterator[str]:
    words = [word.value.lower() for word in islice(words_of(text), 8)]
    if words[:2] == ["set", "local"]:
        yield _name(words[2:])
    for match in _SET_CONFIG.finditer(text):
        yield match[1].lower()


def _session_names(text: str) -> Iterator[str]:
    words = [word.value.lower() for word in islice(words_of(text), 8)]
    if words[:1] in (["set"], ["reset"]) and words[1:2] != ["local"]:
        yield _name(words[2:] if words[1:2] == ["session"] and words[2:3] != ["authorization"] else words[1:])


def _name(words: list[str]) -> str:
    """The parameter's name; one of two parts (`app.mode`) comes as three tokens."""
    if name := _OTHER_NAMES.get(" ".join(words[:2])):
        return name
    if words[1:2] == ["."]:
        return "".join(words[:3])
    return _OTHER_WORDS.get(words[0], words[0]) if words else ""
