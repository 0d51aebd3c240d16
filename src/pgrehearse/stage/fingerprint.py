"""Fingerprints: a hash over what tables are and hold, that does not depend on the order of rows.

Takes a session, whose snapshot decides which moment is hashed; gives hexadecimal SHA-256. Only rows of catalogs are
read for definitions: functions such as to_regclass() or pg_get_constraintdef() answer for now, whatever the snapshot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from pgrehearse.errors import ServerError
from pgrehearse.observe.names import RelationName
from pgrehearse.observe.sequences import read_positions
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


def fingerprint_tables(
    session: Session,
    tables: Iterable[RelationName],
    hashed: Iterable[RelationName],
    *,
    counts: bool = False,
) -> str:
    """The definitions of `tables`, and the rows of those `hashed`, or only their number, as the session sees them."""
    oids = sorted(table.oid for table in tables)
    definitions = session.fetch(_DEFINITIONS, (oids,)) if oids else []
    return _sha256((definitions, _contents(session, sorted({table.name for table in hashed}), counts=counts)))


def fingerprint_database(session: Session) -> str:
    """Everything a user can have put into the database: tables with their rows, views, sequences, routines."""
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        tables = tables_of(session)
        rows = fingerprint_tables(session, tables, [t for t in tables if t.kind in _WITH_ROWS])
        standing = sorted((p.oid, p.last, p.is_called) for p in read_positions(session).values())
        return _sha256((rows, session.fetch(_ROUTINES), standing))
    finally:
        session.run("ROLLBACK")


def tables_of(session: Session) -> list[RelationName]:
    """All tables, views and sequences that a user can have made, by name."""
    return [RelationName(*row) for row in session.fetch(_TABLES)]


def _contents(session: Session, names: Sequence[str], *, counts: bool) -> list[tuple[str, str]]:
    """A hash of the rows of each table, or the reason why there is none; the session's transaction stays sound.

    All are asked for in one query; one by one only where one of them cannot be read.
    """
    if not names:
        return []
    asked = [_content_sql(place, name, counts=counts) for place, name in enumerate(names)]
    together = _answer(session, " UNION ALL ".join(asked) + " ORDER BY 1")
    if isinstance(together, list):
        return list(zip(names, map(repr, together), strict=True))
    return [(name, repr(_answer(session, sql))) for name, sql in zip(names, asked, strict=True)]


def _content_sql(place: int, name: str, *, counts: bool) -> str:
    content = "NULL" if counts else "sum(hashtextextended(t::text, 0)::numeric)::text"
    return f"(SELECT {place}, count(*), {content} FROM ONLY {name} AS t)"


def _answer(session: Session, sql: str) -> list[tuple[object, ...]] | str:
    in_transaction = session.is_in_transaction
    if in_transaction:
        session.run("SAVEPOINT content")
    try:
        return session.fetch(sql)
    except ServerError as error:
        return f"cannot be read: {error.sqlstate}"
    finally:
        if in_transaction and not session.is_lost:
            session.run("ROLLBACK TO content")


def _sha256(facts: object) -> str:
    return hashlib.sha256(repr(facts).encode()).hexdigest()
