"""The sessions beside the stage: one keeps the target as it was at entry, one sees it as it is now.

After the rollback, what the change touched is hashed twice: in the snapshot of the entry, and now. So the cost grows
with what was touched, not with the database. And the server is asked for every transaction id of the meantime: where
none committed, nothing can have stayed anywhere on it, and large tables need no hash.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pgrehearse.errors import ConnectionLostError
from pgrehearse.observe.names import RelationName
from pgrehearse.pg.session import Session
from pgrehearse.stage.fingerprint import fingerprint_tables, tables_of

_XMAX = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"

_SIZES = "SELECT o::bigint, COALESCE(pg_relation_size(o), 0) FROM unnest(%s::oid[]) AS o"

_COMMITTED_SINCE = """
SELECT count(*)::int
FROM (
    SELECT generate_series(%(first)s::bigint, %(last)s::bigint - 1)::text::xid8 AS xid
    UNION ALL
    SELECT unnest(%(running)s::text[])::xid8
) AS meantime
WHERE pg_xact_status(xid) = 'committed'
"""

SMALL_BYTES = 256 * 1024
"""A touched table up to this size is hashed always; a larger one only where others committed in the meantime."""

MOST_XIDS = 200_000
"""Transaction ids of the meantime that are looked up one by one; past it, whether others committed is unknown."""

_WITH_ROWS = "rm"
_SETTINGS = [
    ("default_transaction_read_only", "on"),
    ("lock_timeout", "10s"),
    ("row_security", "off"),
    # The snapshot of the entry is held, idle, for as long as the rehearsal takes: whatever the server's defaults say.
    ("idle_in_transaction_session_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("statement_timeout", "0"),
]


class Prove(enum.Enum):
    """How much is compared after the rollback."""

    TOUCHED = "touched"
    """Definition and content of what the change touched."""
    FULL = "full"
    """Definition and content of all tables."""
    COUNTS = "counts"
    """Definition and number of rows of what the change touched."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A SHA-256 at entry and one at exit, what they cover, and how many others committed (-1: unknown)."""

    before: str
    after: str
    of: tuple[str, ...]
    foreign_commits: int


NO_FINGERPRINT = Fingerprint("", "", (), -1)


class Witness:
    """Two read-only sessions: `entry` holds the snapshot of the entry, `now` sees what is committed at each moment."""

    def __init__(self, conninfo: str) -> None:
        self.now = Session(conninfo, application_name="pgrehearse witness", settings=_SETTINGS)
        self.entry = Session(conninfo, application_name="pgrehearse witness of the entry", settings=_SETTINGS)
        self.entry.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        self._first = int(self.entry.fetch(_XMAX)[0][0])
        running = self.entry.fetch("SELECT pg_snapshot_xip(pg_current_snapshot())::text")
        self._running = [xid for (xid,) in running]

    def __enter__(self) -> Witness:
        return self

    def __exit__(self, *_: object) -> None:
        self.now.close()
        self.entry.close()

    def see_again(self, conninfo: str) -> None:
        """Open the sessions anew where the server was lost meanwhile; the snapshot of the entry is then lost too.

        Raises:
            TargetError: The server does not come back.
        """
        if self.now.is_lost or not self._answers():
            self.now.close()
            self.now = Session(conninfo, application_name="pgrehearse witness", settings=_SETTINGS)

    def _answers(self) -> bool:
        try:
            self.now.fetch("SELECT 1")
        except ConnectionLostError:
            return False
        return True

    def status_of(
        self, xid: str, *, within_s: float = 5.0, sleep: Callable[[float], None] = time.sleep
    ) -> str:
        """What the server says of the transaction `xid`: `aborted`, `committed`, `in progress` or `unknown`.

        A backend that was killed, or that lost its client, may take a moment to roll back; it is waited for.
        """
        waited_s = 0.0
        while True:
            status = self.now.fetch("SELECT pg_xact_status(%s::text::xid8)", (xid,))[0][0]
            if status != "in progress" or waited_s >= within_s:
                return str(status or "unknown")
            sleep(0.01)
            waited_s += 0.01

    def status_now(self, xid: str) -> str:
        """What the server says of the transaction `xid` at this moment; empty where nobody answers."""
        try:
            return str(self.now.fetch("SELECT pg_xact_status(%s::text::xid8)", (xid,))[0][0] or "")
        except ConnectionLostError:
            return ""

    def fingerprint(self, tables: Iterable[RelationName], prove: Prove = Prove.TOUCHED) -> Fingerprint:
        """Compare tables as they were at entry with what they are now: `tables`, or all where `prove` is FULL."""
        asked = tables_of(self.entry) if prove is Prove.FULL else tables
        compared = sorted(set(asked), key=lambda table: table.name)
        foreign = self._foreign_commits()
        all_rows = prove is not Prove.TOUCHED or foreign
        with_rows = [t for t in compared if t.kind in _WITH_ROWS]
        hashed = with_rows if all_rows else self._small(with_rows)
        content = "definition and number of rows" if prove is Prove.COUNTS else "definition and content"
        of = {
            f"{t.name}: {content if t in hashed else 'definition, and no commit by anyone'}" for t in compared
        }
        counts = prove is Prove.COUNTS
        with ThreadPoolExecutor(1) as beside:
            before = beside.submit(fingerprint_tables, self.entry, compared, hashed, counts=counts)
            after = fingerprint_tables(self.now, compared, hashed, counts=counts)
        return Fingerprint(before.result(), after, tuple(sorted(of)), foreign)

    def _foreign_commits(self) -> int:
        last = int(self.now.fetch(_XMAX)[0][0])
        if last - self._first > MOST_XIDS:
            return -1
        window = {"first": self._first, "last": last, "running": self._running}
        return int(self.now.fetch(_COMMITTED_SINCE, window)[0][0])

    def _small(self, tables: Sequence[RelationName]) -> list[RelationName]:
        sizes = self.now.fetch(_SIZES, ([table.oid for table in tables],))
        small = {oid for oid, size in sizes if size <= SMALL_BYTES}
        return [table for table in tables if table.oid in small]
