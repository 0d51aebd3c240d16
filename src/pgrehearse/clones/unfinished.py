"""A database that is being made, under a name of its own until it is complete.

Takes a session with a server; gives a database that gets its final name and its mark in one transaction, or is
dropped. What `kill -9` leaves can be swept: it is marked, and the lock that its maker held is free.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pgrehearse.clones.identity import require_database, system_identifier
from pgrehearse.clones.mark import Kind, Mark, mark_sql, require_may_mark
from pgrehearse.errors import CloneError, ConnectionLostError, RehearseError
from pgrehearse.pg.identifiers import quote_identifier
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target

TEMPORARY_PREFIX = "pgrehearse_tmp_"

LOCK_CLASS = 0x70677265
"""The upper half of the advisory locks' keys: "pgre". The lower half is the token of the database's name."""

_LOCK = "SELECT pg_catalog.pg_advisory_lock((%s::bigint << 32) | %s::bigint)"
_NOW = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
_NAME_BYTES = 63


@dataclass(slots=True)
class Unfinished:
    """A database that is being made.

    Attributes:
        session: With another database of the server; holds the lock that says that the maker lives.
        target: How to reach the database that is being made.
        source: What its mark shall say that it is a copy of.
        is_made: Whether the server was asked to make it, so that it may have to be dropped.
        is_finished: Whether it has its final name.
    """

    session: Session
    target: Target
    source: str
    is_made: bool = False
    is_finished: bool = False

    def create(self, clauses: str, *, owner: str | None = None) -> None:
        """Make the database, and mark it at once as unfinished.

        Raises:
            ServerError: The server refuses.
        """
        owned = "" if owner is None else f"OWNER {quote_identifier(owner)}"
        self.is_made = True
        self.session.run(f"CREATE DATABASE {quote_identifier(self.target.dbname)} {owned} {clauses}")
        self.mark("unfinished", is_throwaway=True)

    def mark(self, kind: Kind, *, is_throwaway: bool) -> None:
        """Give the database, under its present name, a mark."""
        name = self.target.dbname
        self.session.run(mark_sql(name, self._mark(kind, name, is_throwaway=is_throwaway)))

    def finish(self, name: str, kind: Kind, *, before: Sequence[str] = ()) -> Mark:
        """Give the database its final name and mark, after the statements `before`, in one transaction.

        Raises:
            ServerError: The server refuses, as where the name is taken.
        """
        mark = self._mark(kind, name, is_throwaway=False)
        rename = f"ALTER DATABASE {quote_identifier(self.target.dbname)} RENAME TO {quote_identifier(name)}"
        # One message, so one transaction.
        self.session.run("; ".join([*before, rename, mark_sql(name, mark)]))
        self.is_finished = True
        return mark

    def _mark(self, kind: Kind, name: str, *, is_throwaway: bool) -> Mark:
        return make_mark(
            self.session, self.target.dbname, kind, source=self.source, name=name, is_throwaway=is_throwaway
        )


@contextmanager
def unfinished_database(session: Session, server: Target, *, source: str = "") -> Iterator[Unfinished]:
    """A database to make and to finish; dropped at the end where it was not finished, also on Ctrl-C.

    Args:
        session: With any other database of the server, in autocommit.
        server: How to reach that server.
        source: What its mark shall say that it is a copy of.

    Raises:
        CloneError: The role may not mark it, or it could not be dropped.
    """
    require_may_mark(session)
    database = Unfinished(session, server.for_database(reserve_name(session)), source)
    try:
        yield database
    finally:
        if database.is_made and not database.is_finished:
            _drop(database)


def reserve_name(session: Session) -> str:
    """A name for a database that lives no longer than `session`, or is swept after it."""
    token = secrets.randbits(32)
    session.fetch(_LOCK, (LOCK_CLASS, token))
    return f"{TEMPORARY_PREFIX}{token:08x}"


def _drop(database: Unfinished) -> None:
    name = database.target.dbname
    statement = f"DROP DATABASE IF EXISTS {quote_identifier(name)} WITH (FORCE)"
    try:
        with suppress(ConnectionLostError):  # a crash of the server is noticed when it is next spoken to
            database.session.run(statement)
            return
        with Session(database.target.for_database("postgres").conninfo) as session:
            session.run(statement)
    except RehearseError as error:
        raise CloneError(
            f'database "{name}" could not be dropped',
            detail=error.message,
            hint="`pgrehearse clone sweep` drops it as soon as the server can be reached.",
        ) from error


def make_mark(
    session: Session, database: str, kind: Kind, *, source: str, name: str = "", is_throwaway: bool = False
) -> Mark:
    """A mark for `database` (which has, or is to have, the name `name`), bound to it and to its server."""
    ((now,),) = session.fetch(_NOW)
    return Mark(
        kind=kind,
        system_identifier=system_identifier(session),
        database_oid=require_database(session, database).oid,
        name=name or database,
        source=source,
        created_at=now,
        is_throwaway=is_throwaway,
    )


def require_name(name: str) -> None:
    """See that `name` can be the name of a database, whole.

    Raises:
        CloneError: It is empty, holds a NUL byte, or is longer than the server keeps.
    """
    if not name or "\0" in name or len(name.encode(errors="replace")) > _NAME_BYTES:
        raise CloneError(
            f'"{name}" cannot be the name of a database',
            detail=f"PostgreSQL keeps names of 1 to {_NAME_BYTES} bytes.",
            hint="Choose another name.",
        )
