"""The locks that the stage holds at this moment, and where the server's WAL ends, read by a second session.

Takes no lock on a table of the user's. The lock on the transaction id is among them, which is how a step that ended
the transaction is noticed without a word to the stage itself. One query tells both, for every step asks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pgrehearse.errors import ServerError
from pgrehearse.pg.session import Session

FIRST_USER_OID = 16_384
"""Objects below it belong to the system (FirstNormalObjectId)."""

WRITE_MODES = frozenset(
    {"RowExclusiveLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"},
)
"""Modes under which a relation may change."""

_HELD = """
SELECT locktype, COALESCE(relation, 0)::bigint, mode, COALESCE(transactionid::text, ''),
       COALESCE(classid, 0)::bigint, COALESCE(objid, 0)::bigint, COALESCE(objsubid, 0)::int
FROM pg_locks
WHERE pid = %s
  AND granted
  AND locktype <> 'virtualxid'
  AND (relation IS NULL OR relation >= 16384)
"""

_HELD_AND_WAL = """
SELECT locktype, COALESCE(relation, 0)::bigint, mode, COALESCE(transactionid::text, ''),
       COALESCE(classid, 0)::bigint, COALESCE(objid, 0)::bigint, COALESCE(objsubid, 0)::int,
       pid = %(pid)s, pg_current_wal_insert_lsn()::text
FROM pg_locks
WHERE granted
  AND CASE WHEN pid = %(pid)s
           THEN locktype <> 'virtualxid' AND (relation IS NULL OR relation >= 16384)
           ELSE locktype = 'transactionid' AND pid IS NOT NULL END
"""
"""Who has a transaction id holds a lock on it: whoever else writes is seen in the same rows."""

_NOT_PERMITTED = "42501"


@dataclass(frozen=True, slots=True)
class HeldLock:
    """One row of `pg_locks`. `relation` is an oid, or 0 where the lock is on something else."""

    locktype: str
    relation: int
    mode: str
    xid: str
    object: str

    @property
    def is_write(self) -> bool:
        """Whether the relation may have changed under this lock."""
        return self.relation > 0 and self.mode in WRITE_MODES


@dataclass(frozen=True, slots=True)
class WalEnd:
    """Where the server's WAL ends.

    Attributes:
        position: In bytes since its beginning.
        is_shared: Whether transactions of others that write are under way, in whatever database.
    """

    position: int
    is_shared: bool


def held_locks(witness: Session, pid: int) -> tuple[HeldLock, ...]:
    """The locks of the backend `pid`, without those on system catalogs and virtual transaction ids."""
    return _locks(witness.fetch(_HELD, (pid,)))


def held_locks_and_wal(witness: Session, pid: int) -> tuple[tuple[HeldLock, ...], WalEnd | None]:
    """The locks of the backend `pid`, and where the WAL ends: None where the role may not ask, or nothing is held."""
    try:
        rows = witness.fetch(_HELD_AND_WAL, {"pid": pid})
    except ServerError as error:
        if error.sqlstate != _NOT_PERMITTED:
            raise
        return held_locks(witness, pid), None
    own = [row for *row, is_own, _ in rows if is_own]
    return _locks(own), WalEnd(_position(rows[0][-1]), len(own) < len(rows)) if rows else None


def _locks(rows: Iterable[Sequence[Any]]) -> tuple[HeldLock, ...]:
    return tuple(
        HeldLock(locktype, relation, mode, xid, _object(locktype, classid, objid, objsubid))
        for locktype, relation, mode, xid, classid, objid, objsubid in rows
    )


def _position(lsn: str) -> int:
    """Read an LSN, as `16/B374D848`."""
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) | int(low, 16)


def _object(locktype: str, classid: int, objid: int, objsubid: int) -> str:
    if locktype == "advisory":
        # With one bigint key objsubid is 1 and the key is split over classid and objid; with two integers it is 2.
        return f"advisory {(classid << 32) | objid}" if objsubid == 1 else f"advisory {classid}/{objid}"
    if locktype == "object" and objid >= FIRST_USER_OID:
        return f"object {classid}/{objid}"
    return ""
