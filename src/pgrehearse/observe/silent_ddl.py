"""DDL of pgrehearse's own, which the estate's event triggers must not hear, where the role may keep it from them.

Takes statements; gives them wrapped in what makes them silent, or runs them and gives the server's refusal.
"""

from __future__ import annotations

from collections.abc import Iterable

from pgrehearse.errors import ServerError
from pgrehearse.pg.identifiers import quote_identifier
from pgrehearse.pg.session import Session

_SURROUNDINGS = """
SELECT current_setting('session_replication_role'), has_parameter_privilege('session_replication_role', 'SET'),
       current_setting('role')
"""


def silent_ddl(session: Session, ddl: Iterable[str]) -> list[str]:
    """DDL to run as the session's own role, without waking the estate's event triggers where the role may do so."""
    mode, is_allowed, role = session.fetch(_SURROUNDINGS)[0]
    statements = list(ddl)
    if is_allowed:
        statements.insert(0, "SET LOCAL session_replication_role = replica")
        statements.append(f"SET LOCAL session_replication_role = {mode}")
    if role != "none":
        statements.insert(0, "SET LOCAL ROLE none")
        statements.append(f"SET LOCAL ROLE {quote_identifier(role)}")
    return statements


def refusal_of(session: Session, ddl: Iterable[str]) -> str:
    """Run DDL silently; give the server's refusal, which then leaves nothing, or an empty text."""
    try:
        session.run(";\n".join(["SAVEPOINT pgrehearse", *silent_ddl(session, ddl), "RELEASE pgrehearse"]))
    except ServerError as error:
        session.run("ROLLBACK TO pgrehearse; RELEASE pgrehearse")
        return error.message
    return ""
