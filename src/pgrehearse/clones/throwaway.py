"""Clones that live as long as one rehearsal, and the sweeping of what their makers left behind.

Takes a server, and a dump file to load; gives a marked database that is dropped at the end. What `kill -9` leaves is
known by its mark and by the lock that its maker no longer holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from pgrehearse.clones.clone import Clone, read_clones
from pgrehearse.clones.dump_file import load_dump_file
from pgrehearse.clones.source import open_maintenance
from pgrehearse.clones.unfinished import LOCK_CLASS, TEMPORARY_PREFIX, unfinished_database
from pgrehearse.pg.identifiers import quote_identifier
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target, make_target

_OLD_ENOUGH = files(__package__).joinpath("sql/left_behind.sql").read_text(encoding="utf-8")


@contextmanager
def throwaway_clone(server_conninfo: str, *, schema_file: Path | None = None) -> Iterator[Target]:
    """A fresh database, empty or loaded from a dump, marked as a clone, and dropped at the end.

    Args:
        server_conninfo: Any database of the server to make it on.
        schema_file: A dump, SQL text or an archive of pg_dump.

    Raises:
        CloneError: The dump cannot be loaded, or the database not dropped.
        UsageError: The dump cannot be read.
    """
    server = make_target(server_conninfo)
    with open_maintenance(server) as session, unfinished_database(session, server) as database:
        database.create("TEMPLATE template0")
        if schema_file is not None:
            load_dump_file(schema_file, database.target, server_version=session.server_version)
        database.mark("clone", is_throwaway=True)
        yield database.target


def left_behind(server: Target, *, older_than_s: float = 0.0) -> tuple[Clone, ...]:
    """The throwaway and unfinished databases whose maker is gone, of at least that age, by name."""
    with open_maintenance(server) as session:
        return _left_behind(session, older_than_s)


def sweep(server: Target, names: Sequence[str]) -> tuple[str, ...]:
    """Drop those of `names` that are still left behind; give what was dropped.

    Raises:
        ServerError: Somebody is connected to one of them.
    """
    dropped = []
    with open_maintenance(server) as session:
        for clone in _left_behind(session, 0.0):
            if clone.name in names:
                session.run(f"DROP DATABASE IF EXISTS {quote_identifier(clone.name)}")
                dropped.append(clone.name)
    return tuple(dropped)


def _left_behind(session: Session, older_than_s: float) -> tuple[Clone, ...]:
    # The databases first: one that appears after the locks were read must not look as if nobody held its lock.
    clones = [one for one in read_clones(session) if _may_be_swept(one)]
    created = [one.mark.created_at for one in clones if one.mark is not None]
    tokens = [int(one.name.removeprefix(TEMPORARY_PREFIX), 16) for one in clones]
    gone = session.fetch(_OLD_ENOUGH, (tokens, created, LOCK_CLASS, older_than_s))
    return tuple(clones[index - 1] for (index,) in gone)


def _may_be_swept(clone: Clone) -> bool:
    token = clone.name.removeprefix(TEMPORARY_PREFIX)
    is_ours = (
        clone.name.startswith(TEMPORARY_PREFIX) and len(token) == 8 and set(token) <= set("0123456789abcdef")
    )
    return is_ours and clone.mark is not None and not clone.fault and clone.mark.is_throwaway
