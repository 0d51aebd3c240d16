"""Observe what becomes of the relations themselves in the clean pass, so that the probed pass knows what to count.

Takes the locks after each step; gives every name that a touched relation had, and by step the relations whose rows no
trigger will see go: those that the step drops, and the materialized views that it refreshes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pgrehearse.observe.observation import Observation
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.pg.session import Session

_SHAPES = """
SELECT c.oid::bigint, format('%%I.%%I', n.nspname, c.relname), c.relkind::text, c.relfilenode::bigint
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY(%s::oid[])
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """A relation as it stands: its name, its relkind, and the file that holds its rows."""

    name: str
    kind: str
    file: int


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What the clean pass tells the probed one.

    Attributes:
        names: Every name that a touched relation had.
        replaced: By step the tables that it drops and the materialized views whose rows it replaces.
    """

    names: frozenset[str]
    replaced: Mapping[int, frozenset[str]] = field(default_factory=dict)


class ShapeObserver(Quiet):
    """Follows the relations that the stage holds a writer's lock on."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._replaced: dict[int, set[str]] = defaultdict(set)
        self._known: dict[int, Shape | None] = {}
        self._changes = 0
        self._is_stale = False

    @property
    def foreseen(self) -> Foreseen:
        """What was seen, once the pass is over."""
        replaced = {step: frozenset(names) for step, names in self._replaced.items()}
        return Foreseen(frozenset(self._names), replaced)

    def begin(self, moment: Moment) -> None:
        """Take the bearings: what the stage itself made is none of the script's."""
        self._changes = moment.catalogs.rows("pg_class")

    def before(self, moment: Moment) -> None:
        """Look again at what the end of a segment may have undone."""
        if self._is_stale and self._known:
            found = _shapes(moment.session, self._known)
            self._known = {oid: found.get(oid) for oid in self._known}
        self._is_stale = False

    def after(self, moment: Moment) -> Iterable[Observation]:
        """See what is new under the locks, and what the step made of the others."""
        if moment.is_usable:
            fresh = {lock.relation for lock in moment.held if lock.is_write} - self._known.keys()
            changes = moment.catalogs.rows("pg_class")
            if fresh:
                committed = _shapes(moment.witness, fresh)
                self._known |= {oid: committed.get(oid) for oid in fresh}
            if fresh or changes != self._changes or moment.tag == "ROLLBACK":
                self._look(moment)
            self._changes = changes
        return ()

    def end_segment(self, moment: Moment) -> Iterable[Observation]:  # noqa: ARG002 - what was seen is enough
        """A rollback of the segment takes back what it did to relations."""
        self._is_stale = True
        return ()

    def _look(self, moment: Moment) -> None:
        now = _shapes(moment.session, self._known)
        for oid, was in self._known.items():
            shape = now.get(oid)
            self._names.update(one.name for one in (was, shape) if one)
            is_undone = moment.tag == "ROLLBACK"
            if was and not is_undone and (shape is None or (was.kind == "m" and was.file != shape.file)):
                self._replaced[moment.step].add(was.name)
            self._known[oid] = shape


def _shapes(session: Session, oids: Iterable[int]) -> dict[int, Shape]:
    return {oid: Shape(*rest) for oid, *rest in session.fetch(_SHAPES, (sorted(oids),))}
