"""Which databases a server has, by facts that no session can change: names, oids, the server's identity, settings.

Takes a session; gives records read from the catalogs. A parameter that a session has SET is never looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files

from pgrehearse.errors import CloneError, RefusedError, ServerError
from pgrehearse.pg.session import Session

_DATABASES = files(__package__).joinpath("sql/databases.sql").read_text(encoding="utf-8")

_BEGIN_READING = """
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL search_path = pg_catalog, pg_temp
"""


@dataclass(frozen=True, slots=True)
class Database:
    """A database as the catalogs know it.

    Attributes:
        name, oid: Its name, and the number that no other database of the server has at the same time.
        is_template, allows_connections: As in pg_database.
        settings: What ALTER DATABASE … SET set for all roles, `name=value`.
        is_production: Whether a declaration of production stands in the catalogs.
    """

    name: str
    oid: int
    is_template: bool
    allows_connections: bool
    settings: tuple[str, ...]
    is_production: bool

    def setting(self, name: str) -> str | None:
        """The value of one setting; names of parameters know no case."""
        pairs = (setting.partition("=") for setting in self.settings)
        return next((value for key, _, value in pairs if key.lower() == name), None)


@contextmanager
def reading(session: Session) -> Iterator[None]:
    """One snapshot for all queries within, where no object of a user can take the name of a catalog.

    The session must not be in a transaction.
    """
    session.run(_BEGIN_READING)
    try:
        yield
    finally:
        if not session.is_lost:
            session.run("ROLLBACK")


def system_identifier(session: Session) -> str:
    """The number that initdb gave the server, decimal.

    Raises:
        RefusedError: The server does not tell it to this role.
    """
    try:
        ((identifier,),) = session.fetch("SELECT system_identifier::text FROM pg_catalog.pg_control_system()")
    except ServerError as error:
        raise RefusedError(
            "the server does not tell who it is",
            detail=error.message,
            hint="GRANT EXECUTE ON FUNCTION pg_control_system() to the role that you connect as.",
        ) from error
    return str(identifier)


def read_databases(session: Session) -> tuple[Database, ...]:
    """All databases of the server, by name."""
    return tuple(_to_database(row) for row in session.fetch(_DATABASES, {"name": None}))


def read_database(session: Session, name: str) -> Database | None:
    """The database of that name, where there is one."""
    return next((_to_database(row) for row in session.fetch(_DATABASES, {"name": name})), None)


def require_database(session: Session, name: str) -> Database:
    """The database of that name.

    Raises:
        CloneError: There is none.
    """
    database = read_database(session, name)
    if database is None:
        raise CloneError(
            f'database "{name}" does not exist', hint="`pgrehearse clone list` shows the clones."
        )
    return database


def _to_database(row: tuple[object, ...]) -> Database:
    name, oid, is_template, allows_connections, settings, is_production = row
    return Database(
        name=str(name),
        oid=int(str(oid)),
        is_template=bool(is_template),
        allows_connections=bool(allows_connections),
        settings=tuple(settings) if isinstance(settings, list) else (),
        is_production=bool(is_production),
    )
