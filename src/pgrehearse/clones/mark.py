"""The mark that makes a database a clone, and the one that makes it a production.

Both are settings of the database (`ALTER DATABASE … SET`) and live in pg_db_role_setting. A clone's mark names the
server, the oid and the name that it was made for: a template copy does not carry it, a restored dump that does is
another database, and a clone renamed into service loses it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from pgrehearse.clones.identity import Database
from pgrehearse.errors import CloneError
from pgrehearse.pg.identifiers import quote_identifier, quote_literal
from pgrehearse.pg.session import Session

CLONE_SETTING = "pgrehearse.clone"
PRODUCTION_SETTING = "pgrehearse.production"

Kind = Literal["clone", "sandbox", "snapshot", "unfinished"]

REHEARSABLE: tuple[Kind, ...] = ("clone", "sandbox")
"""The kinds that may be rehearsed on."""


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What a marked database says of itself.

    Attributes:
        kind: `clone` or `sandbox` may be rehearsed on; a `snapshot` is a kept copy; `unfinished` is being made.
        system_identifier, database_oid, name: What the mark is bound to.
        source: The database that was copied: its name on the same server, else its connection without a
            password; empty for a database that was made empty, loaded from a dump file, or adopted.
        created_at: By the server's clock, `2026-06-02T10:00:00Z`.
        is_throwaway: Whether it may be swept when its maker is gone.
    """

    kind: Kind
    system_identifier: str
    database_oid: int
    name: str
    source: str
    created_at: str
    is_throwaway: bool = False

    def fault(self, database: Database, system_identifier: str) -> str:
        """Why the mark does not hold for `database` on that server, a phrase; empty where it holds."""
        if self.system_identifier != system_identifier:
            return f"its mark was made for another server (system {self.system_identifier})"
        if self.database_oid != database.oid:
            return f"its mark was made for another database (oid {self.database_oid}, this is {database.oid})"
        if self.name != database.name:
            return f'its mark was made for it under another name ("{self.name}")'
        return ""


def read_mark(database: Database) -> Mark | None:
    """The mark that stands in the catalogs, whether it holds or not; None where there is none to be read."""
    text = database.setting(CLONE_SETTING)
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=Mark)
    except msgspec.DecodeError:
        return None


def valid_mark(database: Database, system_identifier: str) -> Mark | None:
    """The mark, where it holds for `database` on that server."""
    mark = read_mark(database)
    return None if mark is None or mark.fault(database, system_identifier) else mark


def mark_sql(database: str, mark: Mark) -> str:
    """The statement that gives a database its mark."""
    return _set_sql(database, CLONE_SETTING, msgspec.json.encode(mark).decode())


def require_may_mark(session: Session) -> None:
    """See that the session's role may mark databases, which PostgreSQL leaves to superusers unless they grant it.

    Raises:
        CloneError: It may not.
    """
    ((may_mark, role),) = session.fetch(
        "SELECT pg_catalog.has_parameter_privilege(%s, 'SET'), current_user::text", (CLONE_SETTING,)
    )
    if not may_mark:
        raise CloneError(
            f'role "{role}" may not mark clones',
            detail="PostgreSQL lets only superusers, and whom they name, set a database's own parameters.",
            hint=f"As a superuser, once: GRANT SET ON PARAMETER {quote_identifier(CLONE_SETTING)}"
            f" TO {quote_identifier(role)}",
        )


def declare_production(session: Session) -> None:
    """Declare the session's database a production, in the database itself: it is refused whatever it carries.

    Take it back with `ALTER DATABASE … RESET "pgrehearse.production"`.

    Raises:
        ServerError: The session's role is no superuser, and none has granted it SET ON PARAMETER.
    """
    ((database,),) = session.fetch("SELECT current_database()")
    session.run(_set_sql(str(database), PRODUCTION_SETTING, "yes"))


def _set_sql(database: str, setting: str, value: str) -> str:
    return f"ALTER DATABASE {quote_identifier(database)} SET {quote_identifier(setting)} = {quote_literal(value)}"
