"""What is copied: a database, on the clone's own server or on another.

Takes a session with the source's server; gives a `Source`: all that a copy needs to know, read from the catalogs
alone. Nothing is written there, so a production may be a source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files

from pgrehearse.clones.identity import reading, require_database, system_identifier
from pgrehearse.errors import TargetError
from pgrehearse.pg.identifiers import quote_identifier, quote_literal
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target

_SOURCE = files(__package__).joinpath("sql/source.sql").read_text(encoding="utf-8")
_SETTINGS = files(__package__).joinpath("sql/settings.sql").read_text(encoding="utf-8")

# Parameters whose value is a list of names, kept in the catalogs with each name quoted.
_LISTS_OF_NAMES = {
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
}
_NAME = re.compile(r'"((?:[^"]|"")*)"|([^,\s]+)')

_PROVIDERS = {"c": "libc", "i": "icu", "b": "builtin"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter set for a database, for all roles or (`role`) for one; `value` as the catalogs keep it."""

    role: str | None
    name: str
    value: str

    def to_sql(self, database: str) -> str:
        """The statement that sets it for `database`."""
        whose = f"ROLE {quote_identifier(self.role)} IN " if self.role else ""
        name = quote_identifier(self.name)
        return f"ALTER {whose}DATABASE {quote_identifier(database)} SET {name} = {self._value_sql()}"

    def _value_sql(self) -> str:
        if self.name.lower() not in _LISTS_OF_NAMES:
            return quote_literal(self.value)
        names = [(quoted.replace('""', '"') or bare) for quoted, bare in _NAME.findall(self.value)]
        return ", ".join(map(quote_literal, names)) or "''"


@dataclass(frozen=True, slots=True)
class Locale:
    """How a database encodes, sorts and classifies text: the columns of pg_database."""

    encoding: str
    provider: str
    collate: str
    ctype: str
    locale: str | None
    icu_rules: str | None

    def to_sql(self) -> str:
        """The options of CREATE DATABASE that give a new database the same."""
        provider = _PROVIDERS[self.provider]
        options = {"ENCODING": self.encoding, "LC_COLLATE": self.collate, "LC_CTYPE": self.ctype}
        if self.locale is not None:
            options[f"{provider.upper()}_LOCALE"] = self.locale
        if self.icu_rules is not None:
            options["ICU_RULES"] = self.icu_rules
        texts = [f"{name} {quote_literal(value)}" for name, value in options.items()]
        return " ".join([f"LOCALE_PROVIDER {provider}", *texts])


@dataclass(frozen=True, slots=True)
class Source:
    """A database to be copied.

    Attributes:
        target: How to reach it.
        name, oid, owner: Of the database.
        server: Which server it is on, as `server_of` tells.
        server_version: As libpq says it, 180004.
        size_bytes: None where it is not told to this role.
        session_count: Others that are connected to it.
        settings: What is set for it beside its marks.
    """

    target: Target
    name: str
    oid: int
    owner: str
    server: tuple[str, datetime]
    server_version: int
    size_bytes: int | None
    locale: Locale
    session_count: int
    settings: tuple[Setting, ...]


def read_source(session: Session, target: Target) -> Source:
    """Read all about `target`'s database by a session with any database of its server.

    Raises:
        CloneError: There is no such database.
        RefusedError: The server does not tell who it is.
    """
    with reading(session):
        require_database(session, target.dbname)
        ((oid, owner, size, *locale, sessions),) = session.fetch(_SOURCE, {"name": target.dbname})
        return Source(
            target=target,
            name=target.dbname,
            oid=oid,
            owner=owner,
            server=server_of(session),
            server_version=session.server_version,
            size_bytes=size,
            locale=Locale(*locale),
            session_count=sessions,
            settings=tuple(Setting(*row) for row in session.fetch(_SETTINGS, {"oid": oid})),
        )


def server_of(session: Session) -> tuple[str, datetime]:
    """What no two running servers have in common: the system identifier may be, where one is a copy of the other.

    Raises:
        RefusedError: The server does not tell who it is.
    """
    ((started_at,),) = session.fetch("SELECT pg_catalog.pg_postmaster_start_time()")
    return system_identifier(session), started_at


def open_maintenance(server: Target, *, avoiding: str = "") -> Session:
    """A session with a database of the server for work on its other databases.

    `avoiding` is that work's subject: connected to only where the role may connect to no other.

    Raises:
        TargetError: The server cannot be reached.
    """
    names = dict.fromkeys(("postgres", server.dbname, "template1"))
    problem: TargetError | None = None
    for name in sorted(names, key=lambda name: name == avoiding):
        try:
            return Session(server.for_database(name).conninfo)
        except TargetError as error:
            problem = problem or error
    raise problem or TargetError("no database to connect to")
