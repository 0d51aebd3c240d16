"""Observe which locks each step takes: relations, advisory locks, other objects.

Takes what the second session read after each step; gives `LockTaken`. Names are resolved where the segment ends,
because only the stage itself sees a table that the script has just made.
"""

from __future__ import annotations

from collections.abc import Iterable

from pgrehearse.observe.held import HeldLock
from pgrehearse.observe.observation import LockTaken
from pgrehearse.observe.observer import Moment, Quiet

_KINDS = "rpvmfSi"


class LockObserver(Quiet):
    """Gives each lock once: at the step after which it was first held."""

    def __init__(self) -> None:
        self._held: frozenset[HeldLock] = frozenset()
        self._taken: list[tuple[HeldLock, int]] = []

    def begin(self, moment: Moment) -> None:
        """Locks of the stage itself (its guard) are none of the script's."""
        self._held = frozenset(moment.held)

    def after(self, moment: Moment) -> Iterable[LockTaken]:
        """Remember what is new; what a rollback released may be taken anew."""
        now = frozenset(moment.held)
        self._taken.extend((lock, moment.step) for lock in now - self._held)
        self._held = now
        return ()

    def end_segment(self, moment: Moment) -> Iterable[LockTaken]:
        """Name what the segment took."""
        taken, self._taken = self._taken, []
        moment.names.learn(
            moment.session if moment.is_usable else moment.witness, (lock.relation for lock, _ in taken)
        )
        for lock, step in taken:
            name = lock.object
            if lock.relation:
                relation = moment.names.get(lock.relation)
                name = relation.name if relation and relation.is_reported and relation.kind in _KINDS else ""
            if name:
                yield LockTaken(name, lock.mode, step, moment.segment)
