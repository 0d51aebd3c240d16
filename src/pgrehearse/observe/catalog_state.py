"""What the open transaction has written to the catalogs so far, read once a step for all who ask.

Takes the stage's session; gives counts, not objects. The query means the same whatever the script has set or made: all
in it is qualified, operators too. So it is also what tells that other queries would not: that a setting which decides
their meaning was changed, or that a temporary object has taken the name of a system's one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pgrehearse.pg.session import Session

DECISIVE = (
    "search_path",
    "statement_timeout",
    "standard_conforming_strings",
    "transform_null_equals",
    "quote_all_identifiers",
)
"""Settings that decide what a query means, or whether it ends."""

_SETTINGS = ", ".join(f"pg_catalog.current_setting('{name}')" for name in ("role", *DECISIVE))

_WRITTEN = f"""
SELECT pg_catalog.array_agg(
           pg_catalog.pg_stat_get_xact_tuples_inserted(c) OPERATOR(pg_catalog.+)
           pg_catalog.pg_stat_get_xact_tuples_updated(c) OPERATOR(pg_catalog.+)
           pg_catalog.pg_stat_get_xact_tuples_deleted(c) ORDER BY n),
       pg_catalog.pg_stat_get_xact_tuples_updated('pg_catalog.pg_attribute'::pg_catalog.regclass),
       pg_catalog.pg_stat_get_xact_tuples_updated('pg_catalog.pg_type'::pg_catalog.regclass),
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_depend
        WHERE refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
          AND refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()),
       pg_catalog.concat_ws(' ', session_user, {_SETTINGS})
FROM pg_catalog.unnest(%s::pg_catalog.oid[]) WITH ORDINALITY AS listed (c, n)
"""

_OIDS = """
SELECT relname, oid::bigint FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relname = ANY(%s)
"""

_NAMING = ("pg_class", "pg_type")
"""Where a new name, or another one, is written."""

_SHADOWS = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_class AS t JOIN pg_catalog.pg_class AS s ON s.relname OPERATOR(pg_catalog.=) t.relname
    WHERE t.relnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
      AND s.relnamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
    UNION ALL
    SELECT FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_type AS s ON s.typname OPERATOR(pg_catalog.=) t.typname
    WHERE t.typnamespace OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema()
      AND s.typnamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace)
"""


@dataclass(frozen=True, slots=True)
class CatalogState:
    """Rows written by catalog, whatever became of them; updated ones of pg_attribute and pg_type; temporary objects.

    `settings` are the values of those that are decisive, and who the session is.
    """

    written: Mapping[str, int]
    attributes_updated: int
    types_updated: int
    temporary: int
    settings: str = ""

    def rows(self, *names: str) -> int:
        """How many rows of these catalogs were written."""
        return sum(self.written[name] for name in names)


NOTHING_WRITTEN = CatalogState({}, 0, 0, 0)


def catalog_oids(session: Session, names: Iterable[str]) -> dict[str, int]:
    """The oids of catalogs by name."""
    return dict(session.fetch(_OIDS, (list(names),)))


class CatalogReader:
    """Reads the state on the session of one stage."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._oids: Mapping[str, int] = {}
        self._own = 0
        self._settings = ""
        self.is_misleading = False
        """Whether other queries may mean, or have meant, something else than they say: the script's doing."""
        self.state = NOTHING_WRITTEN
        """As it was last read."""

    def begin(self, oids: Mapping[str, int]) -> None:
        """Take the bearings of the catalogs `oids`: what is temporary now is the stage's own."""
        self._oids = oids
        self.state = self._read()
        self._own, self._settings = self.state.temporary, self.state.settings

    def read(self) -> None:
        """Read the state anew."""
        before, self.state = self.state, self._read()
        made = self.state.temporary > self._own and self.state.rows(*_NAMING) != before.rows(*_NAMING)
        self.is_misleading |= self.state.settings != self._settings
        if made and not self.is_misleading:
            self.is_misleading = bool(self._session.fetch(_SHADOWS)[0][0])

    def _read(self) -> CatalogState:
        oids = list(self._oids.values())
        written, *others = self._session.fetch(_WRITTEN, (oids,))[0]
        return CatalogState(dict(zip(self._oids, written, strict=True)), *others)
