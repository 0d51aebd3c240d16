"""Fingerprints: a hash over what tables are and hold, that does not depend on the order of rows.

Takes a session, whose snapshot decides which moment is hashed; gives hexadecimal SHA-256. Only rows of catalogs are
read for definitions: functions such as to_regclass() or pg_get_constraintdef() answer for now, whatever the snapshot.

Rows are hashed by their versions: where they lie, and which transaction made them. The server never changes a version
in place, so the same versions are the same values, to the last bit; and no value need be read for it.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Sequence

from pgrehearse.errors import ServerError
from pgrehearse.observe.names import RelationName
from pgrehearse.observe.sequences import read_positions
from pgrehearse.pg.brief_locks import brief_locks
from pgrehearse.pg.session import Session

_DEFINITIONS = """
SELECT c.oid::bigint, c.relname, c.relnamespace::bigint, c.relfilenode::bigint, c.relkind::text, c.relowner::bigint,
       c.relacl::text, c.reloptions::text,
       (SELECT string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attisdropped),
               ',' ORDER BY a.attnum) FROM pg_attribute AS a WHERE a.attrelid = c.oid),
       (SELECT string_agg(concat_ws(' ', t.tgname, t.tgfoid, t.tgenabled), ',' ORDER BY t.tgname)
        FROM pg_trigger AS t WHERE t.tgrelid = c.oid),
       (SELECT string_agg(concat_ws(' ', k.conname, k.contype, k.condeferrable, k.condeferred, k.convalidated,
               k.confrelid, k.conkey::text, k.confkey::text, k.conbin::text), ',' ORDER BY k.conname)
        FROM pg_constraint AS k WHERE k.conrelid = c.oid),
       (SELECT string_agg(i.indexrelid::text, ',' ORDER BY i.indexrelid) FROM pg_index AS i WHERE i.indrelid = c.oid)
FROM pg_class AS c
WHERE c.oid = ANY(%s::oid[])
ORDER BY c.oid
"""

_TABLES = """
SELECT c.oid::bigint, format('%I.%I', n.nspname, c.relname), c.relkind::text, c.relpersistence::text, false
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'p', 'v', 'S')
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY 2
"""

_ROUTINES = """
SELECT p.oid::bigint, p.proname, p.pronamespace::bigint, p.proargtypes::text, md5(p.prosrc), p.proacl::text
FROM pg_proc AS p
WHERE p.oid >= 16384
ORDER BY p.oid
"""

_WITH_ROWS = "rm"

_UNREADABLE = "cannot be read"


class Rows(enum.Enum):
    """What of the rows of a table is hashed, beside their number."""

    VERSIONS = "sum(hashtidextended(t.ctid, t.xmin::text::bigint))::text"
    """Which versions are visible: for two readings of one database."""
    VALUES = "sum(hashtextextended(t::text, 0))::text"
    """All values as text: of two databases, too, and where the access method of the table keeps no versions."""
    NUMBER = "NULL"
    """Nothing."""


class TableReadings:
    """What tables are and hold as one session sees them; each is read once, and the session's view must stand still."""

    def __init__(self, session: Session, rows: Rows = Rows.VERSIONS) -> None:
        self._session = session
        self._rows = rows
        self._definitions: dict[int, tuple[object, ...]] = {}
        self._contents: dict[str, str] = {}
        self._asked: set[int] = set()

    def warm(self) -> None:
        """Let the server read for this session what it reads for the first question, while nobody waits for it."""
        with brief_locks(self._session):
            self._session.fetch(_DEFINITIONS, ([],))

    def again(self) -> TableReadings:
        """Readings of the same session, in which nothing is read yet."""
        return TableReadings(self._session, self._rows)

    def read(self, tables: Iterable[RelationName], hashed: Iterable[RelationName]) -> None:
        """Read the definitions of `tables`, and the rows of those `hashed`."""
        oids = sorted({table.oid for table in tables} - self._asked)
        if oids:
            with brief_locks(self._session):
                rows = self._session.fetch(_DEFINITIONS, (oids,))
            self._definitions |= {row[0]: row for row in rows}
            self._asked.update(oids)
        names = sorted({table.name for table in hashed} - self._contents.keys())
        self._contents |= _contents(self._session, names, self._rows)

    def read_ahead(self, tables: Iterable[RelationName], hashed: Iterable[RelationName]) -> None:
        """Read what will be asked for; what cannot be read now is tried again then."""
        self.read(tables, hashed)
        self._contents = {
            name: told for name, told in self._contents.items() if not told.startswith(_UNREADABLE)
        }

    def fingerprint(self, tables: Iterable[RelationName], hashed: Iterable[RelationName]) -> str:
        """SHA-256 over the definitions of `tables` and the rows of those `hashed`; reads what was not read yet."""
        tables, hashed = list(tables), list(hashed)
        self.read(tables, hashed)
        definitions = [self._definitions.get(oid) for oid in sorted({table.oid for table in tables})]
        contents = [(name, self._contents[name]) for name in sorted({table.name for table in hashed})]
        return _sha256((definitions, contents))


def fingerprint_database(session: Session) -> str:
    """Everything a user can have put into the database: tables with their rows, views, sequences, routines."""
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        tables = tables_of(session)
        rows = TableReadings(session, Rows.VALUES).fingerprint(
            tables, [t for t in tables if t.kind in _WITH_ROWS]
        )
        standing = sorted((p.oid, p.last, p.is_called) for p in read_positions(session).values())
        return _sha256((rows, session.fetch(_ROUTINES), standing))
    finally:
        session.run("ROLLBACK")


def tables_of(session: Session) -> list[RelationName]:
    """All tables, views and sequences that a user can have made, by name."""
    return [RelationName(*row) for row in session.fetch(_TABLES)]


def _contents(session: Session, names: Sequence[str], rows: Rows) -> dict[str, str]:
    """A hash of the rows of each table, or the reason why there is none; the session's transaction stays sound.

    All are asked for in one query; one by one only where one of them cannot be read.
    """
    if not names:
        return {}
    asked = [_content_sql(place, name, rows) for place, name in enumerate(names)]
    together = _answer(session, " UNION ALL ".join(asked) + " ORDER BY 1")
    if not isinstance(together, str):
        return {name: _told([row]) for name, row in zip(names, together, strict=True)}
    one_by_one = {name: _told(_answer(session, sql)) for name, sql in zip(names, asked, strict=True)}
    if rows is Rows.VERSIONS:
        unread = [name for name, told in one_by_one.items() if told.startswith(_UNREADABLE)]
        return one_by_one | _contents(session, unread, Rows.VALUES)
    return one_by_one


def _told(rows: list[tuple[object, ...]] | str) -> str:
    """Number and hash of the rows of one table, without its place in the query."""
    return rows if isinstance(rows, str) else repr(rows[0][1:])


def _content_sql(place: int, name: str, rows: Rows) -> str:
    return f"(SELECT {place}, count(*), {rows.value} FROM ONLY {name} AS t)"


def _answer(session: Session, sql: str) -> list[tuple[object, ...]] | str:
    """The rows, or why there are none."""
    try:
        with brief_locks(session):
            return session.fetch(sql)
    except ServerError as error:
        return f"{_UNREADABLE}: {error.sqlstate}"


def _sha256(facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()
