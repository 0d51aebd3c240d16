"""The locks that the stage holds at this moment, read by a second session.

Takes no lock on a table of the user's. The lock on the transaction id is among them, which is how a step that ended
the transaction is noticed without a word to the stage itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from pgrehearse.pg.session import Session

FIRST_USER_OID = 16_384
"""Objects below it belong to the system (FirstNormalObjectId)."""

WRITE_MODES = frozenset(
    {"RowExclusiveLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"},
)
"""Modes under which a relation may change."""

_HELD = """
SELECT locktype, COALESCE(relation, 0)::bigint, mode, COALESCE(transactionid::text, ''),
       COALESCE(classid, 0)::bigint, COALESCE(objid, 0)::bigint, COALESCE(objsubid, 0)::int, granted
FROM pg_locks
WHERE pid = %s
  AND locktype <> 'virtualxid'
  AND (relation IS NULL OR relation >= 16384)
"""


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


def held_locks(witness: Session, pid: int) -> tuple[HeldLock, ...]:
    """The locks of the backend `pid`, without those on system catalogs and virtual transaction ids."""
    return tuple(
        HeldLock(locktype, relation, mode, xid, _object(locktype, classid, objid, objsubid))
        for locktype, relation, mode, xid, classid, objid, objsubid, granted in witness.fetch(_HELD, (pid,))
        if granted
    )


def _object(locktype: str, classid: int, objid: int, objsubid: int) -> str:
    if locktype == "advisory":
        # With one bigint key objsubid is 1 and the key is split over classid and objid; with two integers it is 2.
        return f"advisory {(classid << 32) | objid}" if objsubid == 1 else f"advisory {classid}/{objid}"
    if locktype == "object" and objid >= FIRST_USER_OID:
        return f"object {classid}/{objid}"
    return ""
