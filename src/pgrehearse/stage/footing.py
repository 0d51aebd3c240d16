"""pgrehearse's own footing on the stage's session: its queries mean the same whatever the script has set.

A script may shadow pg_catalog by its search_path or by temporary tables, take another role, or set timeouts and the
reading of strings. Where it may have, own queries run under settings of their own, which are then put back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pgrehearse.observe.catalog_state import DECISIVE
from pgrehearse.pg.identifiers import quote_identifier
from pgrehearse.pg.session import Session

SHAKES = re.compile(
    r"search_path|\brole\b|authorization|_timeout|conforming_strings|null_equals|quote_all|set_config"
    r"|\breset\b|\bdiscard\b|\\",
    re.IGNORECASE,
)
"""What a text holds that may change the meaning of queries; temporary objects that do are told by the catalog."""

UNKNOWN_OR_DECISIVE = frozenset({*DECISIVE, "role", "session_authorization", ""})
"""Settings that a function may set so that the meaning of queries changes; empty where its name is not known."""

_WAS = f"""
SELECT pg_catalog.current_setting('role'), session_user::pg_catalog.text,
       {", ".join(f"pg_catalog.current_setting('{name}')" for name in DECISIVE)}
"""

_PUT_BACK = f"""
SELECT {", ".join(f"pg_catalog.set_config('{name}', %s, true)" for name in DECISIVE)},
       session_user::pg_catalog.text
"""


class Footing:
    """The settings under which pgrehearse's own queries run on `session`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._is_shaken = False
        self._is_own = False
        self._user = ""

    def note(self, text: str) -> None:
        """A text was sent that may have changed settings."""
        self._is_shaken = self._is_shaken or SHAKES.search(text) is not None

    def shake(self) -> None:
        """A function has changed settings, or a temporary object has taken the name of a system's one."""
        self._is_shaken = True

    @contextmanager
    def own(self) -> Iterator[None]:
        """Run own queries inside; the script's settings are back afterwards.

        Raises:
            ServerError: The server does not give pgrehearse its own settings back.
        """
        if not self._is_shaken or self._is_own or not self._is_usable():
            yield
            return
        role, user, *values = self._session.fetch(_WAS)[0]
        self._session.run(_stand(values[0]))
        self._is_own = True
        try:
            yield
        finally:
            self._is_own = False
            if self._is_usable():
                self._put_back(role, user, values)

    def _is_usable(self) -> bool:
        return not self._session.is_lost and not self._session.is_in_failed_transaction

    def _put_back(self, role: str, user: str, values: list[str]) -> None:
        *_, user_now = self._session.fetch(_PUT_BACK, values)[0]
        if user_now != user:
            self._session.run(f"SET LOCAL SESSION AUTHORIZATION {quote_identifier(user)}")
        if role != "none":
            self._session.run(f"SET LOCAL ROLE {quote_identifier(role)}")


def _stand(search_path: str) -> str:
    """The settings of pgrehearse's own queries: the catalog first, temporary objects last."""
    others = [name for name in _names_in(search_path) if name.strip('"') not in ("pg_catalog", "pg_temp")]
    path = ", ".join(["pg_catalog", *others, "pg_temp"])
    return (
        f"SET LOCAL SESSION AUTHORIZATION DEFAULT; SET LOCAL ROLE NONE; SET LOCAL search_path = {path};"
        " SET LOCAL statement_timeout = 0; SET LOCAL standard_conforming_strings = on;"
        " SET LOCAL transform_null_equals = off; SET LOCAL quote_all_identifiers = off"
    )


def _names_in(search_path: str) -> list[str]:
    """The schemas of a search_path as the server shows it: quoted where they need it."""
    return re.findall(r'"(?:[^"]|"")+"|[^\s,"]+', search_path)
