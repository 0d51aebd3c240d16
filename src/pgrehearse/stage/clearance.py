"""The proof that a target may be rehearsed on; without one, no stage opens.

Made by the guard of the clones, which knows what a clone is; the stage only sees that the proof is for the very
database it is connected to.
"""

from __future__ import annotations

from dataclasses import dataclass

from pgrehearse.errors import RefusedError
from pgrehearse.pg.session import Session

IDENTITY = """
SELECT current_database(), (SELECT oid FROM pg_database WHERE datname = current_database())::bigint,
       (SELECT system_identifier::text FROM pg_control_system()), pg_is_in_recovery()
"""


@dataclass(frozen=True, slots=True)
class Clearance:
    """Which database may be rehearsed on, and why.

    Attributes:
        database: Its name.
        database_oid, system_identifier: What it is bound to.
        kind: `clone` or `sandbox`.
        proof: The facts, one sentence each.
        warnings: What the guard saw and let pass, one sentence each.
    """

    database: str
    database_oid: int
    system_identifier: str
    kind: str
    proof: tuple[str, ...]
    warnings: tuple[str, ...] = ()

    def verify(self, session: Session) -> None:
        """See that `session` is connected to what was cleared.

        Raises:
            RefusedError: It is another database, another server, or a standby.
        """
        database, oid, system_identifier, in_recovery = session.fetch(IDENTITY)[0]
        found = (database, oid, system_identifier)
        if in_recovery or found != (self.database, self.database_oid, self.system_identifier):
            raise RefusedError(
                "the target is not the one that was cleared",
                detail=f"Cleared: {self.database} (oid {self.database_oid}, system {self.system_identifier});"
                f" found: {database} (oid {oid}, system {system_identifier}).",
                hint="Connect to the clone directly, not through a pooler or a name that may move.",
            )
