"""Observe which locks each step takes: relations, advisory locks, other objects; and how long they are held.

Takes what the second session read after each step, and what the sampler saw during it; gives `LockTaken`. Names are
resolved where the segment ends, because only the stage itself sees a table that the script has just made.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from pgrehearse.observe.held import HeldLock
from pgrehearse.observe.lock_sampler import LockSampler
from pgrehearse.observe.observation import LockTaken
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.pg.session import Session

_KINDS = "rpvmfSi"

_IDENTITIES = """
SELECT format('object %%s/%%s', classid, objid), i.type || ' ' || i.identity
FROM unnest(%s::oid[], %s::oid[]) AS o(classid, objid), pg_identify_object(classid, objid, 0) AS i
WHERE i.identity IS NOT NULL AND COALESCE(i.schema, '') !~ '^pg_(temp|toast)'
"""


@dataclass(frozen=True, slots=True)
class _Taken:
    """A lock, the step that took it, and the script's time then; `brief_ms` where it was gone when the step ended."""

    lock: HeldLock
    step: int
    at_ms: float
    brief_ms: float | None = None


class LockObserver(Quiet):
    """Gives each lock once: at the step after which it was first held, or in which the sampler saw it come and go."""

    def __init__(self, sampler: LockSampler | None = None) -> None:
        self._sampler = sampler
        self._held: frozenset[HeldLock] = frozenset()
        self._taken: list[_Taken] = []
        self._script_ms = 0.0
        """Time that the script's own statements took so far: what the observers need is none of the change's."""
        self._began: float | None = None

    @property
    def limits(self) -> frozenset[str]:
        """Why locks may be missing, one sentence each."""
        problem = self._sampler.problem if self._sampler else ""
        text = f"Locks that were given back inside a statement could not be watched: {problem}."
        return frozenset({text} if problem else ())

    def begin(self, moment: Moment) -> None:
        """Locks of the stage itself (its guard) are none of the script's."""
        self._held = frozenset(moment.held)

    def before(self, moment: Moment) -> None:
        """Watch the statement while it runs."""
        if self._sampler:
            self._sampler.start(moment.session.pid)
        self._began = time.perf_counter()

    def after(self, moment: Moment) -> Iterable[LockTaken]:
        """Remember what is new; what a rollback released may be taken anew."""
        at_ms = self._script_ms
        if self._began is not None:
            self._script_ms += (time.perf_counter() - self._began) * 1000
            self._began = None
        now = frozenset(moment.held)
        self._taken.extend(_Taken(lock, moment.step, at_ms) for lock in now - self._held)
        for lock, brief_ms in (self._sampler.stop() if self._sampler else {}).items():
            if lock not in now | self._held:
                self._taken.append(_Taken(lock, moment.step, at_ms, brief_ms))
        self._held = now
        return ()

    def end_segment(self, moment: Moment) -> Iterable[LockTaken]:
        """Name what the segment took."""
        taken, self._taken = self._taken, []
        relations = [one.lock.relation for one in taken]
        moment.names.learn(moment.witness, relations)
        if moment.is_usable:
            moment.names.learn(moment.session, relations)
        objects = _identities(
            moment, {one.lock.object for one in taken if one.lock.object.startswith("object ")}
        )
        for one in taken:
            name = (
                objects.get(one.lock.object, "") if one.lock.locktype == "object" else _name(moment, one.lock)
            )
            if name:
                held_ms = self._script_ms - one.at_ms if one.brief_ms is None else one.brief_ms
                brief = one.brief_ms is not None
                yield LockTaken(name, one.lock.mode, one.step, moment.segment, held_ms, is_brief=brief)

    def end(self, witness: Session) -> Iterable[LockTaken]:  # noqa: ARG002 - only the sampler is left to stop
        """Let the sampler go, whatever ended the pass."""
        if self._sampler:
            self._sampler.end()
        return ()


def _name(moment: Moment, lock: HeldLock) -> str:
    if not lock.relation:
        return lock.object
    relation = moment.names.get(lock.relation)
    return relation.name if relation and relation.is_reported and relation.kind in _KINDS else ""


def _identities(moment: Moment, objects: set[str]) -> dict[str, str]:
    """What locked objects are, as `type public.color`, for oids differ between servers; else left out."""
    found: dict[str, str] = {}
    for session in (moment.witness, moment.session) if moment.is_usable else (moment.witness,):
        left = [one.removeprefix("object ").split("/") for one in sorted(objects - found.keys())]
        if left:
            found |= dict(session.fetch(_IDENTITIES, tuple(map(list, zip(*left, strict=True)))))
    return found
