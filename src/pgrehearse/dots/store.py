"""The database that keeps leases and ledger, made ready for them.

Takes a conninfo; gives a session with it. It is never the target of a tool: a ledger outlives clones and sandboxes.
"""

from __future__ import annotations

from importlib.resources import files

from pgrehearse.errors import DotError
from pgrehearse.pg.identifiers import quote_identifier
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target

DATABASE = "pgrehearse_ledger"
"""The database of the embedded server that keeps the ledger where none is named."""

_LOCK = 0x70675F646F7473  # "pg_dots"

# A row that was acknowledged survives the server's crash, and digests do not depend on a role's settings.
_SETTINGS = (
    ("synchronous_commit", "on"),
    ("TimeZone", "UTC"),
    ("default_transaction_isolation", "read committed"),
)


def read_sql(name: str) -> str:
    """The text of one query of this room."""
    return files(__package__).joinpath(f"sql/{name}.sql").read_text(encoding="utf-8")


_IDENTITY = read_sql("identity")
_SCHEMA = f"CREATE SCHEMA IF NOT EXISTS pgrehearse_dots;\n{read_sql('lease')}\n{read_sql('ledger')}"


def open_store(conninfo: str) -> Session:
    """Open a session with the database that keeps the ledger; make its tables where they are missing.

    Raises:
        TargetError: The database cannot be reached.
        DotError: It is a clone or a sandbox.
        ServerError: The role may not create the schema.
    """
    session = Session(conninfo, application_name="pgrehearse dots", settings=_SETTINGS)
    try:
        _refuse_clone(session)
        if not _is_installed(session):
            _install(session)
    except BaseException:
        session.close()
        raise
    return session


def create_database(server: Target) -> Target:
    """The database `pgrehearse_ledger` of that server, created where it is missing."""
    with Session(server.conninfo) as session:
        session.fetch("SELECT pg_advisory_lock(%s)", (_LOCK,))
        if not session.fetch("SELECT FROM pg_database WHERE datname = %s", (DATABASE,)):
            session.run(f"CREATE DATABASE {quote_identifier(DATABASE)} TEMPLATE template0 ENCODING 'UTF8'")
    return server.for_database(DATABASE)


def _refuse_clone(session: Session) -> None:
    ((name, is_clone),) = session.fetch(_IDENTITY)
    if is_clone:
        raise DotError(
            f'the run ledger cannot be kept in "{name}"',
            detail="It is a clone or a sandbox, which are dropped and reset at will.",
            hint="Name another database with --ledger.",
        )


def _is_installed(session: Session) -> bool:
    return bool(session.fetch("SELECT to_regclass('pgrehearse_dots.ledger') IS NOT NULL")[0][0])


def _install(session: Session) -> None:
    session.run("BEGIN")
    session.fetch("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    if not _is_installed(session):
        session.run(_SCHEMA)
    session.run("COMMIT")
