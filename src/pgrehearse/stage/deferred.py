"""The fake commit: fire what a COMMIT would fire, and stay uncommitted.

Every deferrable constraint but the guard's is set IMMEDIATE by name, which makes the server check and fire at once what
is pending, and is then put back to what it was declared to be. So the guard is never disarmed, and what deferred
triggers wrote stays visible to the steps that follow, as after a real COMMIT.
"""

from __future__ import annotations

from collections.abc import Callable

from pgrehearse.pg.result import ServerMessage
from pgrehearse.pg.session import Session
from pgrehearse.stage.commit_guard import CommitGuard
from pgrehearse.stage.footing import Footing

_DEFERRABLE = """
SELECT DISTINCT format('%%I.%%I', n.nspname, c.conname), bool_or(c.condeferred)
FROM pg_constraint AS c
JOIN pg_namespace AS n ON n.oid = c.connamespace
WHERE c.condeferrable
  AND c.conname <> %s
  AND has_schema_privilege(n.oid, 'USAGE')
GROUP BY 1
ORDER BY 1
"""


class DeferredWork:
    """Fires deferred constraints and triggers; remembers which there are until pg_constraint changes.

    `written` is asked how many rows of pg_constraint the transaction has written so far.
    """

    def __init__(
        self, session: Session, guard: CommitGuard, footing: Footing, written: Callable[[], int]
    ) -> None:
        self._session = session
        self._guard = guard
        self._footing = footing
        self._written = written
        self._changes = -1
        self._all: tuple[str, ...] = ()
        self._initially_deferred: tuple[str, ...] = ()

    @property
    def has_any(self) -> bool:
        """Whether there was anything that could have been fired."""
        return bool(self._all)

    def fire(self) -> ServerMessage | None:
        """Fire what a COMMIT would fire; give the error that the COMMIT would have met, or None."""
        self._look()
        if not self._all:
            return None
        error = self.fire_by_name()
        if error is None and self._initially_deferred:
            self._session.run(f"SET CONSTRAINTS {', '.join(self._initially_deferred)} DEFERRED")
        return error

    def fire_by_name(self) -> ServerMessage | None:
        """What the script's own SET CONSTRAINTS ALL IMMEDIATE asks for: fire, and leave all constraints IMMEDIATE."""
        self._look()
        if not self._all:
            return None
        return self._session.execute(f"SET CONSTRAINTS {', '.join(self._all)} IMMEDIATE").error

    def _look(self) -> None:
        changes = self._written()
        if changes == self._changes:
            return
        with self._footing.own():
            rows = self._session.fetch(_DEFERRABLE, (self._guard.constraint,))
        self._all = tuple(name for name, _ in rows)
        self._initially_deferred = tuple(name for name, deferred in rows if deferred)
        self._changes = changes
