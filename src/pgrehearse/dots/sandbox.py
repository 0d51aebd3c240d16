"""A sandbox: a throwaway copy of a clone, made for one run; the only place where anything executes or commits.

Takes a clone; gives a database that carries the mark of a sandbox and is dropped at the end, whatever happens. What
`kill -9` leaves is known by its mark and swept by `pgrehearse clone sweep`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pgrehearse.clones.source import open_maintenance, read_source
from pgrehearse.clones.strategies import template
from pgrehearse.clones.strategies.strategy import Copying
from pgrehearse.clones.unfinished import Unfinished, unfinished_database
from pgrehearse.config import Config
from pgrehearse.dots.boundary import Placement, place_of
from pgrehearse.errors import CloneError, RefusedError, ServerError
from pgrehearse.pg.identifiers import quote_identifier
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target

_OBJECT_IN_USE = "55006"


def place_target(target: Target, config: Config) -> Placement:
    """Where a target is; see `boundary.place_of`."""
    with Session(target.conninfo) as session:
        return place_of(session, config)


@contextmanager
def open_sandbox(clone: Target, *, config: Config) -> Iterator[Target]:
    """A copy of `clone`, as it is now, to run a tool in.

    Raises:
        RefusedError: `clone` is not proven to be a clone.
        CloneError: Somebody is connected to the clone, or the sandbox cannot be dropped.
        TargetError: The server cannot be reached.
    """
    placement = place_target(clone, config)
    if placement.place != "clone":
        raise RefusedError(
            f"a sandbox is made from a clone only, and {clone.dbname} is a {placement.place} place",
            detail=" ".join(placement.facts),
            hint="Make a clone: pgrehearse clone create",
        )
    with (
        open_maintenance(clone, avoiding=clone.dbname) as session,
        unfinished_database(session, clone, source=clone.dbname) as database,
    ):
        source = read_source(session, clone)
        try:
            template.copy(Copying(source=source, into=database, owner=source.owner))
        except ServerError as error:
            raise _in_use(error, clone.dbname) from error
        for setting in source.settings:
            session.run(setting.to_sql(database.target.dbname))
        database.mark("sandbox", is_throwaway=True)
        try:
            yield database.target
        finally:
            _drop(clone, database)


def _drop(clone: Target, database: Unfinished) -> None:
    """Drop the sandbox by a session of its own: after a long run, the maker's may be lost without knowing it."""
    with open_maintenance(clone, avoiding=database.target.dbname) as session:
        session.run(f"DROP DATABASE IF EXISTS {quote_identifier(database.target.dbname)} WITH (FORCE)")
    database.is_finished = True


def _in_use(error: ServerError, name: str) -> CloneError | ServerError:
    if error.sqlstate != _OBJECT_IN_USE:
        return error
    return CloneError(
        f'no sandbox can be made: others are connected to the clone "{name}"',
        detail=error.detail,
        hint="Wait until they are gone, or use a clone of your own.",
    )
