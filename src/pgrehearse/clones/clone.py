"""A clone as its server knows it, found by name and by mark."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files

from pgrehearse.clones.identity import (
    Database,
    read_database,
    read_databases,
    require_database,
    system_identifier,
)
from pgrehearse.clones.mark import CLONE_SETTING, Kind, Mark, read_mark
from pgrehearse.config import Config, Place
from pgrehearse.errors import CloneError, RefusedError
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import address_of

_SIZES = files(__package__).joinpath("sql/sizes.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Clone:
    """A marked database.

    Attributes:
        name: Of the database.
        mark: What it says of itself; None where that cannot be read.
        fault: Why the mark does not hold, a phrase; empty where it does.
        size_bytes: None where the server does not tell it to this role.
        strategy: How it was just copied, `template` or `dump`; empty where it was not.
    """

    name: str
    mark: Mark | None
    fault: str
    size_bytes: int | None = None
    strategy: str = ""


def read_clones(session: Session) -> tuple[Clone, ...]:
    """Every marked database of the server, by name, whether its mark holds or not."""
    identifier = system_identifier(session)
    sizes: dict[str, int | None] = dict(session.fetch(_SIZES))
    marked = (one for one in read_databases(session) if one.setting(CLONE_SETTING) is not None)
    return tuple(
        replace(_to_clone(database, identifier), size_bytes=sizes.get(database.name)) for database in marked
    )


def read_clone(session: Session, name: str) -> Clone:
    """One marked database.

    Raises:
        CloneError: There is no such database, or it is not marked.
    """
    require_database(session, name)
    clone = next((one for one in read_clones(session) if one.name == name), None)
    if clone is None:
        raise CloneError(f'database "{name}" does not carry the mark of a clone')
    return clone


def require_marked(session: Session, name: str, config: Config, *, kinds: tuple[Kind, ...], act: str) -> Mark:
    """The mark of a database that may be replaced or dropped.

    Args:
        session: With any database of the server.
        name: Of the database.
        config: Declared productions.
        kinds: What it may be.
        act: What is to be done with it, a participle for the refusal.

    Raises:
        CloneError: There is no such database.
        RefusedError: It is a declared production, or carries no mark that holds, or is of another kind.
    """
    refuse_production(session, name, config)
    clone = _to_clone(require_database(session, name), system_identifier(session))
    if clone.mark is None or clone.fault:
        raise RefusedError(
            f'database "{name}" is not proven to be a clone: it was not {act}',
            detail=f"Database {name}: {clone.fault or 'no mark can be read'}.",
            hint="Only what carries a mark that holds is touched. Use PostgreSQL's own means if you are sure.",
        )
    if clone.mark.kind not in kinds:
        raise RefusedError(
            f'database "{name}" is of the kind "{clone.mark.kind}": it was not {act}',
            hint="`pgrehearse clone list` shows what there is.",
        )
    return clone.mark


def refuse_production(session: Session, name: str, config: Config) -> None:
    """See that `name`, on the session's server, whether it exists or not, is no declared production.

    Raises:
        RefusedError: It is one.
    """
    declared = config.production_at(Place(name, system_identifier(session), *address_of(session)))
    database = read_database(session, name)
    if declared is not None or (database is not None and database.is_production):
        raise RefusedError(
            f'database "{name}" is a declared production: nothing was done',
            detail=f"Declared in the configuration: {declared.facts}."
            if declared
            else "Declared in its settings.",
            hint="A production may be the source of a clone, and nothing else.",
        )


def _to_clone(database: Database, identifier: str) -> Clone:
    mark = read_mark(database)
    fault = "its mark cannot be read" if mark is None else mark.fault(database, identifier)
    if mark is None and database.setting(CLONE_SETTING) is None:
        fault = "it carries no mark"
    return Clone(database.name, mark, fault)
