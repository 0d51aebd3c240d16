"""Locks by weight: the strongest one of each relation, and what it stops.

Takes the locks of a document; gives those that matter to a reader. The table is PostgreSQL's own (13.3.1,
conflicting lock modes).
"""

from __future__ import annotations

from collections.abc import Iterable

from pgrehearse.evidence.document import Lock

_STOPS = {
    "AccessShareLock": "only DROP, TRUNCATE and rewriting DDL",
    "RowShareLock": "only exclusive locks",
    "RowExclusiveLock": "CREATE INDEX and most DDL, no reader and no writer",
    "ShareUpdateExclusiveLock": "VACUUM and most DDL, no reader and no writer",
    "ShareLock": "every writer",
    "ShareRowExclusiveLock": "every writer",
    "ExclusiveLock": "every writer",
    "AccessExclusiveLock": "every reader and every writer",
}
_STRENGTH = {mode: rank for rank, mode in enumerate(_STOPS, 1)}


def strongest_locks(locks: Iterable[Lock]) -> list[Lock]:
    """Return the strongest lock of each relation, the heaviest first, then by name."""
    strongest: dict[str, Lock] = {}
    for lock in locks:
        held = strongest.get(lock.relation)
        if held is None or strength_of(lock) > strength_of(held):
            strongest[lock.relation] = lock
    return sorted(strongest.values(), key=lambda lock: (-strength_of(lock), lock.relation))


def strength_of(lock: Lock) -> int:
    """Return the rank of a lock's mode, 1 to 8; 0 for a mode that we do not know."""
    return _STRENGTH.get(lock.mode, 0)


def is_exclusive(lock: Lock) -> bool:
    """Whether nobody else can even read the relation while the lock is held."""
    return lock.mode == "AccessExclusiveLock"


def stopped_by(lock: Lock) -> str:
    """Return what must wait while the lock is held, in a few words; empty where the mode is unknown."""
    return _STOPS.get(lock.mode, "")
