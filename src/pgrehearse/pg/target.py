"""The database rehearsed against: how to reach it, and what may be shown of that.

Takes a conninfo, a URI or a bare name, as psql's -d does, and libpq's PG* variables; gives a `Target`, which never
shows a password.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgrehearse.errors import UsageError
from pgrehearse.pg.session import Session

_URI_PREFIXES = ("postgresql://", "postgres://")
_DEFAULT_PORT = "5432"


@dataclass(frozen=True, slots=True)
class Target:
    """A database, and how libpq reaches it.

    Attributes:
        conninfo: As libpq takes it; may hold a password, so it is never shown.
        host, port, user, dbname: As libpq resolves them from the conninfo, the PG* variables and its defaults. An
            empty host is libpq's default socket. Several hosts stand with commas between them.
    """

    conninfo: str = field(repr=False)
    host: str
    port: str
    user: str
    dbname: str

    def for_database(self, name: str) -> Target:
        """Another database of the same server."""
        return make_target(make_conninfo(self.conninfo, dbname=name))

    def without_password(self) -> tuple[str, str | None]:
        """The conninfo without its password, fit for a command line, and the password by itself."""
        given = conninfo_to_dict(self.conninfo)
        password = given.pop("password", None)
        return make_conninfo("", **given), None if password is None else str(password)

    @property
    def redacted(self) -> str:
        """What may be shown: `host=… port=… user=… dbname=…`, each where it is known."""
        shown = {"host": self.host, "port": self.port, "user": self.user, "dbname": self.dbname}
        return make_conninfo("", **{name: value for name, value in shown.items() if value})


def make_target(dbname: str = "") -> Target:
    """The target that psql would connect to with `-d dbname` and the PG* variables.

    Raises:
        UsageError: `dbname` looks like a conninfo or a URI, but libpq cannot read it.
    """
    try:
        given = conninfo_to_dict(dbname if is_conninfo(dbname) else make_conninfo("", dbname=dbname or None))
    except psycopg.Error as error:
        raise UsageError(
            f"cannot read the connection string: {str(error).strip()}",
            hint="Give a database name, key=value pairs or a postgresql:// URI.",
        ) from error
    resolved = {**_defaults(), **{name: str(value) for name, value in given.items() if value is not None}}
    user = resolved.get("user", "")
    return Target(
        conninfo=make_conninfo("", **given),
        host=resolved.get("host") or resolved.get("hostaddr", ""),
        port=resolved.get("port") or _DEFAULT_PORT,
        user=user,
        dbname=resolved.get("dbname") or user,
    )


def is_conninfo(text: str) -> bool:
    """Whether libpq takes `text` for a connection string, not for the name of a database."""
    return "=" in text or text.startswith(_URI_PREFIXES)


def address_of(session: Session) -> tuple[frozenset[str], int | None]:
    """Every name and address that `session` reached its server by, in lower case, and the port.

    The server's own address is among them: behind a proxy or an alias it is another than the client's.
    """
    info = session._connection.info  # noqa: SLF001 - the driver is known to this room only
    reached, reached_port = session.fetch("SELECT host(inet_server_addr()), inet_server_port()")[0]
    hosts = {str(host).lower() for host in (info.host, info.hostaddr, reached) if host}
    return frozenset(hosts), info.port or reached_port


def _defaults() -> dict[str, str]:
    options = pq.Conninfo.get_defaults()
    return {option.keyword.decode(): option.val.decode() for option in options if option.val is not None}
