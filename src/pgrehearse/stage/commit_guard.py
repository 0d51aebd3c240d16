"""What makes the server itself refuse to commit: a deferred constraint that is violated from the start.

**Guarantee.** While the guard is armed, COMMIT, END, COMMIT AND CHAIN and PREPARE TRANSACTION fail on the server with
SQLSTATE 23505, whoever sends them and however they are spelt. The table cannot be dropped, truncated or altered by the
script either: the server refuses that while it has pending trigger events. A superuser who writes into the catalog
itself can disarm it; that is noticed at the end of the pass, where the guard is put to the proof.
"""

from __future__ import annotations

from pgrehearse.errors import RefusedError, ServerError
from pgrehearse.observe.silent_ddl import silent_ddl
from pgrehearse.pg.result import ServerMessage
from pgrehearse.pg.session import Session

_VIOLATED = "23505"

_WHICH = "SELECT pg_current_xact_id()::text, to_char(now(), 'SS.US')"

_NOT_PERMITTED = "42501"
_GRANT = "Grant the role TEMPORARY on the clone: the commit guard is a temporary table."
_NO_TABLE = "The commit guard is a temporary table, and the server could not make one."


class CommitGuard:
    """The guard of one stage; `token` makes its names unguessable."""

    def __init__(self, token: str) -> None:
        self.table = f"pgrehearse_guard_{token}"
        self.constraint = f"pgrehearse_cannot_commit_{token}"

    def arm(self, session: Session) -> tuple[str, str]:
        """Create the table and violate its constraint, in the open transaction.

        Returns:
            The transaction's id, and the seconds of its `now()`, as `07.123456`.

        Raises:
            RefusedError: The server makes no temporary table for this role; without a guard nothing is run.
        """
        create = (
            f"CREATE TEMP TABLE {self.table} (armed integer,"
            f" CONSTRAINT {self.constraint} UNIQUE (armed) DEFERRABLE INITIALLY DEFERRED)"
        )
        create_silently = "; ".join(silent_ddl(session, [create]))
        violate = f"INSERT INTO pg_temp.{self.table} VALUES (1), (1)"
        try:
            rows = session.fetch(f"{create_silently}; {violate}; {_WHICH}")
        except ServerError as error:
            raise RefusedError(
                "the stage cannot be made rollback-only on this target",
                detail=f"{error.message} (SQLSTATE {error.sqlstate})",
                hint=_GRANT if error.sqlstate == _NOT_PERMITTED else _NO_TABLE,
            ) from error
        return rows[0]

    def still_refuses(self, session: Session) -> bool:
        """Whether a COMMIT would still fail: the constraint is checked now, and must be found violated.

        What comes after it is the rollback: the transaction has failed, as a COMMIT would have.
        """
        error = session.execute(f"SET CONSTRAINTS pg_temp.{self.constraint} IMMEDIATE").error
        return error is not None and error.sqlstate == _VIOLATED and error.constraint == self.constraint

    def is_in_the_way(self, error: ServerMessage) -> bool:
        """Whether `error` speaks of the guard."""
        return self.table in error.text or self.constraint in (error.constraint, *error.text.split('"'))
