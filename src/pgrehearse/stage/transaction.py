"""The transaction that can only roll back, and the segments that a script's own transactions become in it.

**Guarantee.** Three layers, each enough for what it closes: the server refuses every COMMIT (`commit_guard`); the
session's transactions are read-only by default, so that what runs after an accidental ROLLBACK cannot write; and after
every statement the transaction's state and id are looked at, so that a way out that was found is never walked twice.

A script's BEGIN … COMMIT or ROLLBACK becomes a segment: a savepoint, then a fake commit or a rollback to it. So does a
statement outside any transaction, which psql would commit by itself.
"""

from __future__ import annotations

from pgrehearse.errors import ConnectionLostError, RollbackError
from pgrehearse.observe.catalog_state import CatalogReader
from pgrehearse.pg.result import ServerMessage
from pgrehearse.pg.session import Session
from pgrehearse.stage.commit_guard import CommitGuard
from pgrehearse.stage.deferred import DeferredWork
from pgrehearse.stage.footing import Footing

_READ_ONLY = "default_transaction_read_only"

_SCRIPTS_DEFAULT = f"SET LOCAL {_READ_ONLY} = off"
"""The session's own default is on, for whatever comes after the stage. In it, the setting is what the script thinks."""


class RollbackOnly:
    """One open stage on one session; begun by `begin`, ended by `end` and by nothing else."""

    def __init__(self, session: Session, *, token: str) -> None:
        self.session = session
        self.guard = CommitGuard(token)
        self.footing = Footing(session)
        self.catalogs = CatalogReader(session)
        self.deferred = DeferredWork(
            session, self.guard, self.footing, lambda: self.catalogs.state.rows("pg_constraint")
        )
        self.xid = ""
        self.seconds = ""
        """Of its `now()`."""
        self._savepoint = f"pgrehearse_segment_{token}"
        self.is_in_segment = False

    def begin(self, *, isolation: str = "") -> None:
        """Open the transaction, arm the guard, and take the transaction's id.

        Raises:
            RefusedError: The guard cannot be armed.
        """
        level = f" ISOLATION LEVEL {isolation}" if isolation else ""
        self.session.run(f"BEGIN READ WRITE{level}; {_SCRIPTS_DEFAULT}")
        self.xid, self.seconds = self.guard.arm(self.session)
        self.session.take_messages()

    def begin_segment(self, *, read_only: bool | None = None) -> None:
        """Open a segment; where the script does not say whether it is read-only, its own default does."""
        if read_only is None and self.session.parameter(_READ_ONLY) == "on":
            read_only = True
        modes = "" if read_only is None else f"; SET TRANSACTION READ {'ONLY' if read_only else 'WRITE'}"
        self.session.run(f"SAVEPOINT {self._savepoint}{modes}")
        self.is_in_segment = True

    def note_reset(self) -> None:
        """A RESET gave settings the values that the session was opened with; one of them is not the script's."""
        self.session.run(_SCRIPTS_DEFAULT)

    def try_deferred(self) -> ServerMessage | None:
        """Fire what a COMMIT would fire, and give its refusal; a refusal leaves the segment as it was before."""
        self.session.run("SAVEPOINT pgrehearse")
        refusal = self.deferred.fire()
        self.session.run("ROLLBACK TO pgrehearse; RELEASE pgrehearse" if refusal else "RELEASE pgrehearse")
        return refusal

    def release_segment(self) -> None:
        """Keep what the segment did, as far as a stage keeps anything. Its fake commit has been made before."""
        self._close(f"RELEASE {self._savepoint}")

    def roll_segment_back(self) -> None:
        """Undo the segment."""
        self._close(f"ROLLBACK TO {self._savepoint}; RELEASE {self._savepoint}")

    def _close(self, sql: str) -> None:
        self.session.run(sql)
        self.is_in_segment = False

    def is_still_open(self) -> bool:
        """Whether the session still stands in a transaction, sound or failed."""
        return not self.session.is_lost and self.session.is_in_transaction

    def end(self) -> None:
        """Roll back. A session that is lost is rolled back by the server.

        Raises:
            RollbackError: The server answered the ROLLBACK with anything but a rollback.
        """
        if self.session.is_lost:
            return
        try:
            self.session.run("ROLLBACK")
        except ConnectionLostError:
            return
        if self.session.is_in_transaction:
            raise RollbackError("the server did not end the transaction at ROLLBACK")
