"""The life of a clone: created, adopted, listed, kept as a snapshot, reset and dropped.

Takes a server and names of databases; gives `Clone` records. A clone appears under its name complete and marked, or
not at all. Only what carries a mark that holds is ever replaced or dropped.
"""

from __future__ import annotations

from dataclasses import replace

from pgrehearse.clones.clone import Clone, read_clone, read_clones, refuse_production, require_marked
from pgrehearse.clones.copying import AUTO, copy
from pgrehearse.clones.identity import read_database, require_database, system_identifier
from pgrehearse.clones.mark import REHEARSABLE, Kind, Mark, mark_sql, require_may_mark, valid_mark
from pgrehearse.clones.source import open_maintenance, read_source, server_of
from pgrehearse.clones.unfinished import (
    Unfinished,
    make_mark,
    require_name,
    reserve_name,
    unfinished_database,
)
from pgrehearse.config import Config
from pgrehearse.errors import CloneError, RefusedError, ServerError
from pgrehearse.pg.identifiers import quote_identifier
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target, is_conninfo

SNAPSHOT_PREFIX = "pgrehearse_snapshot_"

_IN_USE = "55006"
_END_SESSIONS = """
SELECT pg_catalog.pg_terminate_backend(pid, 5000)
  FROM pg_catalog.pg_stat_activity WHERE datname = %s AND pid <> pg_catalog.pg_backend_pid()
"""


def create(
    server: Target,
    source: Target,
    name: str,
    *,
    config: Config,
    strategy: str = AUTO,
    kind: Kind = "clone",
    keeps_owners: bool = True,
) -> Clone:
    """Copy `source` to a new database `name` of `server`, and mark it.

    Args:
        server: Where the clone is to be; any of its databases.
        source: What to copy; may be a production, on the same server or another.
        name: The clone's name, which no database has yet.
        config: Declared productions: none of them can be the clone.
        strategy: `template`, `dump`, or `auto`: the first where it is possible.
        kind: `clone` or `sandbox`.
        keeps_owners: Whether objects keep their owners and privileges; only `dump` can leave them.

    Raises:
        RefusedError: `name` is a declared production.
        CloneError: It exists already, the source does not, or the copy failed: nothing is left of it.
        ServerError: The server refuses to make a database.
    """
    require_name(name)
    with open_maintenance(server, avoiding=source.dbname) as session:
        refuse_production(session, name, config)
        _require_free(session, name)
        with open_maintenance(source, avoiding=source.dbname) as reader:
            found = read_source(reader, source)
        came_from = found.name if found.server == server_of(session) else source.redacted
        with unfinished_database(session, server, source=came_from) as database:
            used = copy(found, database, strategy=strategy, keeps_owners=keeps_owners)
            database.finish(name, kind)
        return replace(read_clone(session, name), strategy=used)


def adopt(server: Target, name: str, *, config: Config, kind: Kind = "clone") -> Clone:
    """Mark a database that exists: its owner says that it is a disposable copy. Ask the user before.

    Raises:
        CloneError: There is no such database, or the role may not mark it.
        RefusedError: It is a declared production, or a template.
        ServerError: It is not the role's own.
    """
    with open_maintenance(server) as session:
        refuse_production(session, name, config)
        database = require_database(session, name)
        if database.is_template or not database.allows_connections:
            raise RefusedError(
                f'database "{name}" is kept as it is: it was not adopted',
                detail="It is a template, or allows no connections.",
                hint="Make a clone of it: pgrehearse clone create",
            )
        require_may_mark(session)
        session.run(mark_sql(name, make_mark(session, name, kind, source="")))
        return read_clone(session, name)


def list_clones(server: Target) -> tuple[Clone, ...]:
    """Every marked database of the server, by name, whether its mark holds or not."""
    with open_maintenance(server) as session:
        return read_clones(session)


def snapshot(server: Target, name: str, *, config: Config) -> Clone:
    """Keep a copy of a clone as it is now, for `reset`; it replaces the one kept before.

    Nobody can connect to a snapshot, so it stays what it is.

    Raises:
        CloneError: There is no such database.
        RefusedError: It is not proven to be a clone.
    """
    kept = SNAPSHOT_PREFIX + name
    require_name(kept)
    with open_maintenance(server, avoiding=name) as session:
        require_marked(session, name, config, kinds=REHEARSABLE, act="copied")
        if read_database(session, kept) is not None:
            require_marked(session, kept, config, kinds=("snapshot",), act="replaced")
        source = read_source(session, server.for_database(name))
        with unfinished_database(session, server, source=name) as database:
            used = copy(source, database)
            session.run(f"ALTER DATABASE {quote_identifier(database.target.dbname)} ALLOW_CONNECTIONS false")
            _put_in_place(database, kept, "snapshot")
        return replace(read_clone(session, kept), strategy=used)


def reset(server: Target, name: str, *, config: Config, ends_sessions: bool = False) -> Clone:
    """Make a clone anew under the same name, from its snapshot, or else from its source.

    The old one stays until the new one is complete.

    Raises:
        CloneError: There is no such database, nothing to make it from, or it is in use.
        RefusedError: It is not proven to be a clone.
    """
    with open_maintenance(server, avoiding=name) as session:
        mark = require_marked(session, name, config, kinds=REHEARSABLE, act="reset")
        source = read_source(session, server.for_database(_base(session, name, mark)))
        with unfinished_database(session, server, source=mark.source) as database:
            used = copy(source, database)
            if ends_sessions:
                session.fetch(_END_SESSIONS, (name,))
            _put_in_place(database, name, mark.kind)
        return replace(read_clone(session, name), strategy=used)


def drop(server: Target, name: str, *, config: Config, ends_sessions: bool = False) -> Mark:
    """Drop a marked database, and give the mark that it had. Its snapshot stays.

    Raises:
        CloneError: There is no such database, or it is in use.
        RefusedError: It is a declared production, or carries no mark that holds: nothing was dropped.
    """
    with open_maintenance(server, avoiding=name) as session:
        kinds: tuple[Kind, ...] = (*REHEARSABLE, "snapshot", "unfinished")
        mark = require_marked(session, name, config, kinds=kinds, act="dropped")
        force = " WITH (FORCE)" if ends_sessions else ""
        _run_unless_in_use(session, f"DROP DATABASE {quote_identifier(name)}{force}", name)
        return mark


def _base(session: Session, name: str, mark: Mark) -> str:
    """What to make a clone from again."""
    kept = read_database(session, SNAPSHOT_PREFIX + name)
    kept_mark = None if kept is None else valid_mark(kept, system_identifier(session))
    if (
        kept is not None
        and kept_mark is not None
        and kept_mark.kind == "snapshot"
        and kept_mark.source == name
    ):
        return kept.name
    if mark.source and not is_conninfo(mark.source):
        return mark.source
    where = (
        f"It was copied from another server ({mark.source})." if mark.source else "Its mark names no source."
    )
    raise CloneError(
        f'there is nothing to reset "{name}" from',
        detail=where,
        hint=f"Keep a copy of it while it is as you want it: pgrehearse clone snapshot {name}",
    )


def _put_in_place(database: Unfinished, name: str, kind: Kind) -> None:
    """Give the finished database its name, in one transaction with taking it from the one that has it; drop that."""
    session = database.session
    if read_database(session, name) is None:
        database.finish(name, kind)
        return
    aside = reserve_name(session)
    leftover = make_mark(session, name, "unfinished", source="", name=aside, is_throwaway=True)
    rename = f"ALTER DATABASE {quote_identifier(name)} RENAME TO {quote_identifier(aside)}"
    try:
        database.finish(name, kind, before=[rename, mark_sql(aside, leftover)])
    except ServerError as error:
        raise _in_use(error, name) from error
    session.run(f"DROP DATABASE {quote_identifier(aside)} WITH (FORCE)")


def _run_unless_in_use(session: Session, statement: str, name: str) -> None:
    try:
        session.run(statement)
    except ServerError as error:
        raise _in_use(error, name) from error


def _in_use(error: ServerError, name: str) -> CloneError | ServerError:
    if error.sqlstate != _IN_USE:
        return error
    return CloneError(
        f'database "{name}" is in use: it stays as it is',
        detail=error.detail,
        hint="Close the sessions, or end them with --force.",
    )


def _require_free(session: Session, name: str) -> None:
    if read_database(session, name) is not None:
        raise CloneError(
            f'database "{name}" already exists',
            hint="Choose another name; a clone is made anew with `pgrehearse clone reset`.",
        )
