"""What a session's role may do that a rehearsal would like to, and what it costs where it may not."""

from __future__ import annotations

from dataclasses import dataclass

from pgrehearse.pg.session import Session

_ASKED = """
SELECT has_database_privilege(current_database(), 'TEMPORARY'),
       has_parameter_privilege('session_replication_role', 'SET'),
       has_parameter_privilege('track_functions', 'SET'),
       pg_has_role('pg_read_all_stats', 'MEMBER'),
       NOT EXISTS (
           SELECT FROM pg_class AS c
           JOIN pg_namespace AS n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p')
             AND n.nspname NOT IN ('pg_catalog', 'information_schema')
             AND NOT has_table_privilege(c.oid, 'TRIGGER')
       ),
       current_setting('server_version_num')::integer / 10000
"""


@dataclass(frozen=True, slots=True)
class Privilege:
    """Something a role may do or not; `cost` says what a rehearsal cannot tell without it."""

    is_held: bool
    says: str
    cost: str


def privileges_of(session: Session) -> tuple[Privilege, ...]:
    """What the session's role may do on this database.

    Raises:
        ServerError: The server does not say.
    """
    temporary, replica, functions, statistics, triggers, major = session.fetch(_ASKED)[0]
    return (
        Privilege(temporary, "temporary tables", "no rehearsal: the commit guard is a temporary table"),
        Privilege(
            triggers,
            "triggers on every table",
            "tables on which the role has no TRIGGER privilege are not probed: no causes, no net rows",
        ),
        Privilege(
            replica,
            "SET session_replication_role",
            "the estate's own event triggers see the guard and the probes being made",
        ),
        Privilege(functions, "SET track_functions", "no calls and times of functions"),
        Privilege(
            statistics, "pg_read_all_stats", "other sessions and the waits of the stage are seen in part only"
        ),
        Privilege(15 <= major <= 18, f"PostgreSQL {major}", "15 to 18 are supported"),
    )
