"""Observe what a change does to the schema, from the catalogs alone: objects created, altered and dropped.

Takes the stage after each step; gives `SchemaChanged` where a segment ends, net of what savepoints took back. A change
of rows pays for one look at the counters of the catalogs. What was there before is read by the witness, who sees
what is committed; what is dropped is among the locks, for the server locks each object that it drops.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from pgrehearse.observe.observation import Observation, SchemaChanged
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.observe.schema_catalogs import (
    LISTING,
    NAMES,
    UNDESCRIBED,
    Objects,
    merged,
    no_objects,
    temporary,
    written_objects,
)
from pgrehearse.observe.schema_object import Described, describe, differences, outlines

_DDL_MODES = {
    "ShareUpdateExclusiveLock", "ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
}  # fmt: skip

_WORK = re.compile(
    r'(rewriting|verifying) table "(.*)"\Z|(validating) foreign key constraint "(.*)"\Z', re.DOTALL
)
_WORDS = {
    "rewriting": "rewritten, row by row",
    "verifying": "scanned, to verify its rows",
    "validating": "scanned, to validate its rows",
}


class SchemaObserver(Quiet):
    """Describes what the catalogs say was touched, and compares it with what was there when the segment began."""

    def __init__(self, catalog_oids: Mapping[str, int]) -> None:
        self._catalogs = {oid: name for name, oid in catalog_oids.items()}
        """By oid, as pg_locks names the class of an object."""
        self._written: Mapping[str, int] = {}
        self._seen = no_objects()
        self._base: Described = {}
        self._last: Described = {}
        self._steps: dict[str, int] = {}
        self._work: dict[tuple[str, str], int] = {}
        self._is_stale = False

    def begin(self, moment: Moment) -> None:
        """What the stage itself wrote to the catalogs is none of the script's."""
        self._written = moment.catalogs.written

    def before(self, moment: Moment) -> None:
        """See what is left of the segment before."""
        if self._is_stale:
            self._base = self._last = describe(moment.session, self._seen, shows=True)
            self._steps, self._work = {}, {}
        self._is_stale = False

    def after(self, moment: Moment) -> Iterable[Observation]:
        """Look at what the step touched, where it touched a catalog at all."""
        if not moment.is_usable:
            return ()
        self._note_work(moment)
        now = moment.catalogs.written
        moved = frozenset(name for name in NAMES if now[name] != self._written[name])
        self._written = now
        self._work |= {("catalog", name): moment.step for name in moved & UNDESCRIBED}
        if moved - UNDESCRIBED or (moment.tag == "ROLLBACK" and self._base):
            self._look(moment, moved)
        return ()

    def end_segment(self, moment: Moment) -> Iterable[SchemaChanged]:
        """Give what the segment leaves changed."""
        if not moment.is_usable:
            self._is_stale = True
            return
        if self._steps or self._work:
            yield from self._changed(moment)
            self._is_stale = True

    def _look(self, moment: Moment, moved: frozenset[str]) -> None:
        touched = merged(written_objects(moment.session, moved), self._locked(moment))
        fresh: Objects = {listing: touched[listing] - self._seen[listing] for listing in LISTING}
        if moved == {"pg_class"}:
            fresh["pg_class"] = _outlined_anew(moment, fresh["pg_class"])
        fresh["pg_class"] -= temporary(moment.session, fresh["pg_class"])
        if not any(fresh.values()) and not any(self._seen.values()):
            return
        before = describe(moment.witness, fresh, shows=False)
        self._base, self._last = self._base | before, self._last | before
        self._seen = merged(self._seen, fresh)
        now = describe(moment.session, self._seen, shows=True)
        for key in now.keys() | self._last.keys():
            if now.get(key) != self._last.get(key):
                self._steps[key] = moment.step
        self._last = now

    def _locked(self, moment: Moment) -> Objects:
        """What is held under a lock that DDL takes: what was dropped is told by nothing else."""
        objects = no_objects()
        for lock in moment.held:
            if lock.relation and lock.mode in _DDL_MODES:
                objects["pg_class"].add(lock.relation)
            elif lock.object.startswith("object ") and lock.mode == "AccessExclusiveLock":
                classid, _, oid = lock.object.removeprefix("object ").partition("/")
                listing = self._catalogs.get(int(classid), "")
                if listing in objects:
                    objects[listing].add(int(oid))
        return objects

    def _changed(self, moment: Moment) -> Iterator[SchemaChanged]:
        for one in differences(self._base, self._last):
            step = self._steps.get(one.key, moment.step)
            yield SchemaChanged(one.action, one.kind, one.name, step, moment.segment, one.detail)
        for (work, name), step in self._work.items():
            if work == "catalog":
                yield SchemaChanged("alter", "catalog", name, step, moment.segment, "rows written")
                continue
            for table in self._tables_of(work, name):
                yield SchemaChanged("alter", "table", table, step, moment.segment, _WORDS[work])

    # What the server says at DEBUG1 --------------------------------------------------------------------------------

    def _note_work(self, moment: Moment) -> None:
        for message in moment.messages:
            found = _WORK.match(message.text) if message.severity == "DEBUG" else None
            if found:
                self._work[found[1] or found[3], found[2] or found[4]] = moment.step

    def _tables_of(self, work: str, name: str) -> Iterator[str]:
        """The tables that were there before and that a message means: it gives a name without its schema."""
        wanted = "constraint" if work == "validating" else "table"
        for key, one in self._last.items():
            if one.kind == wanted and str(one.parts["name"]).rpartition(".")[2].strip('"') == name:
                table = self._last.get(one.parent) if one.parent else one
                if table and (one.parent or key) in self._base:
                    yield table.name


def _outlined_anew(moment: Moment, relations: set[int]) -> set[int]:
    """Those whose entries say something else than what is committed: a TRUNCATE or REFRESH need not be described."""
    committed, now = outlines(moment.witness, relations), outlines(moment.session, relations)
    return {oid for oid in relations if committed.get(oid) != now.get(oid)}
