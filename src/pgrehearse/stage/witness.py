"""The sessions beside the stage: one keeps the target as it was at entry, one sees it as it is now.

After the rollback, what the change touched is hashed twice: in the snapshot of the entry, and now. So the cost grows
with what was touched, not with the database. And the server is asked for every transaction id of the meantime: where
none committed, nothing can have stayed anywhere on it, and large tables need no hash.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from pgrehearse.errors import ConnectionLostError, RehearseError, ServerError
from pgrehearse.observe.names import RelationName
from pgrehearse.pg.brief_locks import brief_locks
from pgrehearse.pg.session import Session
from pgrehearse.stage.beside import Beside
from pgrehearse.stage.clearance import Clearance
from pgrehearse.stage.fingerprint import Rows, TableReadings, tables_of
from pgrehearse.stage.inventory import Inventory, take_inventory
from pgrehearse.stage.limits import Limits

_SNAPSHOT = """
SELECT pg_snapshot_xmax(s)::text, xid::text
FROM pg_current_snapshot() AS s LEFT JOIN LATERAL pg_snapshot_xip(s) AS xid ON true
"""

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

    @property
    def rows(self) -> Rows:
        """What of the rows is hashed."""
        return Rows.NUMBER if self is Prove.COUNTS else Rows.VERSIONS


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A SHA-256 at entry and one at exit, what they cover, and how many others committed (-1: unknown)."""

    before: str
    after: str
    of: tuple[str, ...]
    foreign_commits: int


NO_FINGERPRINT = Fingerprint("", "", (), -1)


class Entry:
    """The target as it was at entry: a session that holds a snapshot of it, and what was read in that.

    `learn` is called with the session, to read what else there is to know before a script runs.

    Raises:
        RefusedError: The target is not the one that was cleared.
        TargetError: The target cannot be reached.
    """

    def __init__(
        self,
        conninfo: str,
        clearance: Clearance,
        prove: Prove,
        limits: Limits,
        learn: Callable[[Session], None],
    ) -> None:
        # The snapshot is held, idle, for as long as a rehearsal may take, and no longer: a proxy may hang.
        idle = ("idle_in_transaction_session_timeout", f"{round(limits.longest_s)}s")
        self.session = Session(
            conninfo, application_name="pgrehearse witness of the entry", settings=[*_SETTINGS, idle]
        )
        try:
            clearance.verify(self.session)
            # A worker takes longer to start than most of what is asked, save where all tables are read.
            alone = "" if prove is Prove.FULL else "SET LOCAL max_parallel_workers_per_gather = 0;"
            rows = self.session.fetch(f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {alone} {_SNAPSHOT}")
            self.first_xid = int(rows[0][0])
            self.running = [xid for _, xid in rows if xid is not None]
            with brief_locks(self.session):
                learn(self.session)
        except BaseException:
            self.close()
            raise
        self.readings = TableReadings(self.session, prove.rows)

    def fingerprints(
        self, tables: Collection[RelationName], hashed: Collection[RelationName], *, now_too: bool
    ) -> tuple[str, str]:
        """What `tables` were at entry, and, `now_too`, what they are by now: the snapshot is given up for it.

        The second is empty where it was not asked for, or the session was lost when all of the first was read.

        Raises:
            ConnectionLostError: The session is lost, with what was not yet read of the entry.
        """
        then = self.readings.fingerprint(tables, hashed)
        if not now_too:
            return then, ""
        try:
            self.session.run("ROLLBACK")
            return then, self.readings.again().fingerprint(tables, hashed)
        except ConnectionLostError:
            return then, ""

    def close(self) -> None:
        """Close the session."""
        self.session.close()


class Witness:
    """Two read-only sessions: `entry` holds the snapshot of the entry, `now` sees what is committed at each moment."""

    def __init__(
        self,
        conninfo: str,
        clearance: Clearance,
        beside: Beside,
        *,
        prove: Prove,
        limits: Limits,
        learn: Callable[[Session], None],
    ) -> None:
        self._conninfo = conninfo
        self._clearance = clearance
        self._prove = prove
        self._beside = beside
        self._entry = beside.open(lambda: Entry(conninfo, clearance, prove, limits, learn))
        self._ahead: Future[None] | None = None
        self._small: dict[int, bool] = {}
        self._last_xid = 0
        self.now: Session

    def open(self) -> None:
        """Open `now`; the snapshot of the entry is being taken beside since this object was made.

        Raises:
            RefusedError: The target is not the one that was cleared.
            TargetError: It cannot be reached.
        """
        self.now = self._open_now()

    def _open_now(self) -> Session:
        now = self._beside.keep(
            Session(self._conninfo, application_name="pgrehearse witness", settings=_SETTINGS)
        )
        self._clearance.verify(now)
        return now

    @property
    def entry(self) -> Entry:
        """The entry; who asks first waits for it."""
        return self._entry.take()

    def wait_for_entry(self) -> None:
        """Wait for the snapshot of the entry: nothing of a script may run before it is taken.

        While the script then runs, its session is made ready for what `compare` will ask of it.

        Raises:
            RefusedError: The target is not the one that was cleared.
            TargetError: The target cannot be reached.
        """
        self._ahead = self._beside.start(self._entry.take().readings.warm)

    # While the passes run --------------------------------------------------------------------------------------------

    def read_ahead(self, tables: Iterable[RelationName]) -> None:
        """Begin to read what `compare` will ask of the entry; `read_ahead_done` waits for it.

        Nothing of a script may run meanwhile: its locks and those of the reading would be in each other's way.
        """
        tables = list(tables)
        if self._prove is Prove.FULL or not tables:
            return
        hashed = self._small_of(tables)
        self.read_ahead_done()
        self._ahead = self._beside.start(lambda: self.entry.readings.read_ahead(tables, hashed))

    def read_ahead_done(self) -> None:
        """Wait for what was begun; what went wrong is told where it is asked for."""
        if self._ahead is not None:
            with suppress(RehearseError):
                self._ahead.result()
            self._ahead = None

    def status_now(self, xid: str) -> str:
        """What the server says of the transaction `xid` at this moment; empty where it does not answer."""
        try:
            return self._status(xid)
        except (ConnectionLostError, ServerError):
            return ""

    # After the rollback ----------------------------------------------------------------------------------------------

    def see_again(self) -> None:
        """Open `now` anew where the server was lost meanwhile; the snapshot of the entry is then lost too.

        Raises:
            TargetError: The server does not come back.
        """
        try:
            self._last_xid = self._next_xid()
        except ConnectionLostError:
            self.now = self._open_now()
            self._last_xid = self._next_xid()

    def _next_xid(self) -> int:
        return int(self.now.fetch("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")[0][0])

    def status_of(
        self, xid: str, *, within_s: float = 5.0, sleep: Callable[[float], None] = time.sleep
    ) -> str:
        """What the server says of the transaction `xid`: `aborted`, `committed`, `in progress` or `unknown`.

        A backend that was killed, or that lost its client, may take a moment to roll back; it is waited for.
        """
        waited_s = 0.0
        while True:
            status = self._status(xid)
            if status != "in progress" or waited_s >= within_s:
                return status or "unknown"
            sleep(0.01)
            waited_s += 0.01

    def _status(self, xid: str) -> str:
        return str(self.now.fetch("SELECT pg_xact_status(%s::text::xid8)", (xid,))[0][0] or "")

    def compare(self, tables: Iterable[RelationName]) -> tuple[Fingerprint, Inventory]:
        """Compare `tables`, or all where everything is to be proved, as at entry and as now; and take the inventory.

        Raises:
            ConnectionLostError: The server is lost, or the snapshot of the entry with what is not yet read in it.
        """
        self.read_ahead_done()
        entry = self.entry
        asked = tables_of(entry.session) if self._prove is Prove.FULL else tables
        compared = sorted(set(asked), key=lambda table: table.name)
        foreign = self._foreign_commits()
        with_rows = [t for t in compared if t.kind in _WITH_ROWS]
        if self._prove is Prove.TOUCHED and not foreign:
            with_rows = self._small_of(with_rows)
        is_little = self._prove is not Prove.FULL and len(self._small_of(with_rows)) == len(with_rows)
        # Of little, the session of the entry tells sooner what it is now, for it has read it before.
        of_entry = self._beside.start(lambda: entry.fingerprints(compared, with_rows, now_too=is_little))
        inventory = take_inventory(self.now, self._clearance.database_oid)
        readings = TableReadings(self.now, self._prove.rows)
        now = "" if is_little else readings.fingerprint(compared, with_rows)
        then, again = of_entry.result()
        now = now or again or readings.fingerprint(compared, with_rows)
        return Fingerprint(then, now, self._covered(compared, with_rows), foreign), inventory

    def _covered(self, compared: Iterable[RelationName], hashed: Collection[RelationName]) -> tuple[str, ...]:
        counts = self._prove is Prove.COUNTS
        content = "definition and number of rows" if counts else "definition and content"
        told = (
            f"{t.name}: {content if t in hashed else 'definition, and no commit by anyone'}" for t in compared
        )
        return tuple(sorted(told))

    def _foreign_commits(self) -> int:
        if self._last_xid - self.entry.first_xid > MOST_XIDS:
            return -1
        window = {"first": self.entry.first_xid, "last": self._last_xid, "running": self.entry.running}
        return int(self.now.fetch(_COMMITTED_SINCE, window)[0][0])

    def _small_of(self, tables: Collection[RelationName]) -> list[RelationName]:
        """Those that are small: asked once each, for what a rehearsal leaves in their files is not to decide."""
        unknown = sorted({table.oid for table in tables if table.kind in _WITH_ROWS} - self._small.keys())
        if unknown:
            self._small |= {oid: size <= SMALL_BYTES for oid, size in self.now.fetch(_SIZES, (unknown,))}
        return [table for table in tables if self._small.get(table.oid, False)]
