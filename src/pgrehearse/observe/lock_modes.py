"""PostgreSQL's eight lock modes of relations: which conflict, and what each one blocks. Data, and questions to it.

The table is that of the documentation, 13.3.1; a test asks the server for each of its 64 entries.
"""

from __future__ import annotations

MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
"""Weakest first, as pg_locks names them."""

_CONFLICTS = {
    "AccessShareLock": 0b1000_0000,
    "RowShareLock": 0b1100_0000,
    "RowExclusiveLock": 0b1111_0000,
    "ShareUpdateExclusiveLock": 0b1111_1000,
    "ShareLock": 0b1110_1100,
    "ShareRowExclusiveLock": 0b1111_1100,
    "ExclusiveLock": 0b1111_1110,
    "AccessExclusiveLock": 0b1111_1111,
}
"""Bit n is MODES[n]."""

NEEDED = {
    "SELECT": "AccessShareLock",
    "SELECT FOR UPDATE": "RowShareLock",
    "INSERT": "RowExclusiveLock",
    "UPDATE": "RowExclusiveLock",
    "DELETE": "RowExclusiveLock",
    "VACUUM": "ShareUpdateExclusiveLock",
    "CREATE INDEX": "ShareLock",
    "DDL": "AccessExclusiveLock",
}
"""The mode that each kind of work of other sessions asks for; DDL stands for the ALTER TABLE that asks for most."""


def strength(mode: str) -> int:
    """1 for the weakest mode to 8 for the strongest; 0 for a mode that relations do not have."""
    return MODES.index(mode) + 1 if mode in _CONFLICTS else 0


def conflict(one: str, other: str) -> bool:
    """Whether two sessions cannot hold these modes on one relation at the same time."""
    return bool(_CONFLICTS.get(one, 0) & (1 << MODES.index(other)))


def blocked_by(mode: str) -> tuple[str, ...]:
    """What must wait while `mode` is held, in the words of `NEEDED`; nothing for a mode that relations do not have."""
    return tuple(work for work, needed in NEEDED.items() if conflict(mode, needed))
