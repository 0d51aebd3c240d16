"""Keeps the probes and marks of the probed pass in step with the catalogs, whatever the script does to tables.

Takes the names of relations; creates what is missing on them, drops what announces a trigger that is gone, and says
which probes the script had switched off. All of it stands in the stage. DDL runs while session_replication_role is
`replica`, so that the estate's own DDL event triggers stay silent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from pgrehearse.observe.catalog_state import CatalogState
from pgrehearse.observe.probe_text import (
    MarkedTrigger,
    ProbedRelation,
    ProbeNames,
    enabled_always,
    mark_ddl,
    probe_triggers,
)
from pgrehearse.observe.silent_ddl import refusal_of, silent_ddl
from pgrehearse.pg.identifiers import quote_identifier
from pgrehearse.pg.session import Session

_SQL = files("pgrehearse.observe") / "sql"
_FUNCTIONS, TARGETS, _TRIGGERS, _INSTALLED = (
    (_SQL / f"probe_{name}.sql").read_text() for name in ("functions", "targets", "triggers", "installed")
)

_CATALOG_CHANGES = """
SELECT sum(pg_stat_get_xact_tuples_inserted(c) + pg_stat_get_xact_tuples_updated(c)
           + pg_stat_get_xact_tuples_deleted(c))::bigint,
       pg_stat_get_xact_tuples_updated('pg_attribute'::regclass)
FROM unnest(ARRAY['pg_class', 'pg_trigger', 'pg_inherits']::regclass[]) AS c
"""

_WATCHED = ("pg_class", "pg_trigger", "pg_inherits")

_DEFINITIONS = "SELECT oid::bigint, pg_get_triggerdef(oid) FROM unnest(%s::oid[]) AS oid"

_NAMES = """
SELECT c.oid::bigint, format('%%I.%%I', n.nspname, c.relname)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY(%s::oid[])
"""

_IS_HEARD = """
SELECT NOT has_parameter_privilege('session_replication_role', 'SET')
       AND EXISTS (SELECT FROM pg_event_trigger WHERE evtenabled <> 'D')
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """A probe or mark that stands in the catalog: `number` is a mark's, 0 for a probe."""

    relid: int
    name: str
    enabled: str
    xmin: str
    number: int


@dataclass(slots=True)
class Renewal:
    """What a look at the catalogs found.

    Attributes:
        created: Relations that were not there at the last look.
        unwatched: Relations whose probes the script switched off or dropped, or that rows reached past them.
        grown: Relations that became part of an inheritance tree.
    """

    created: list[int] = field(default_factory=list)
    unwatched: list[int] = field(default_factory=list)
    grown: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What the catalogs say now: the relations to probe, what stands on them, and the triggers to announce."""

    relations: Mapping[int, ProbedRelation]
    installed: Mapping[int, list[Installed]]
    triggers: frozenset[MarkedTrigger]


class ProbeSetup:
    """The probes of one pass; `splits` names a column to count by, per table."""

    def __init__(self, names: ProbeNames, splits: Mapping[str, str]) -> None:
        self.relations: dict[int, ProbedRelation] = {}
        """Every relation ever probed, by oid, with its last name."""
        self.marks: list[MarkedTrigger] = []
        """Every trigger ever announced; mark number n is at n - 1."""
        self.blind: dict[int, str] = {}
        """Relations without probes, by oid, and why."""
        self.unmarked: dict[int, str] = {}
        """Relations with triggers that could not be announced, by oid, and why."""
        self.is_heard = False
        """Whether the target's own event triggers saw the probes being made."""
        self._names = names
        self._touched: list[str] = []
        self._splits = splits
        self._xmin: dict[tuple[int, str], str] = {}
        self._definitions: dict[str, str] = {}
        """What pg_get_triggerdef says, by the version of the trigger's row."""
        self._foreseen: Catalog | None = None
        self._changes = self._columns_changed = -1
        self._is_forgotten = True
        self._may_be_undone = False

    def create_functions(self, session: Session) -> None:
        """Create the log and the functions, once."""
        parts = ("log", "path", "cause", "note", "each", "probe", "at", "mark")
        text = self._names.put_into(_FUNCTIONS, *parts)
        self.is_heard = session.fetch(_IS_HEARD)[0][0]
        session.run(";\n".join(silent_ddl(session, [text])))

    def foresee(self, session: Session, touched: Iterable[str]) -> None:
        """Take in the names of what is to be probed, and read what the catalogs say of it; nothing is done yet."""
        self._touched = sorted(set(touched))
        self._foreseen = self._read(session)

    def is_outdated(self, catalogs: CatalogState) -> bool:
        """Whether the catalogs changed since the last look, or may have."""
        if catalogs.attributes_updated != self._columns_changed:
            self._definitions.clear()
        return self._is_forgotten or catalogs.rows(*_WATCHED) != self._changes

    def forget(self) -> None:
        """Have the next look be a thorough one: something may have been undone."""
        self._is_forgotten = True

    def end_segment(self) -> None:
        """What was put in place in a segment may be undone with it."""
        self._is_forgotten |= self._may_be_undone
        self._may_be_undone = False

    def names_now(self, session: Session) -> dict[int, str]:
        """What the relations are called at this moment, by oid; those that are gone are left out."""
        return dict(session.fetch(_NAMES, (sorted(self.relations),)))

    def renew(self, session: Session, catalogs: CatalogState) -> Renewal:
        """Put in place what is missing now; `catalogs` is what was written to them before."""
        renewal = Renewal()
        found, self._foreseen = self._foreseen or self._read(session), None
        ddl: dict[int, list[str]] = {}
        for relation in found.relations.values():
            known = self.relations.get(relation.oid)
            if known is None:
                renewal.created.append(relation.oid)
            elif relation.by_row and not known.by_row:
                renewal.grown.append(relation.oid)
            wanted, is_unwatched = self._probes_to_renew(relation, found.installed.get(relation.oid, ()))
            ddl[relation.oid] = wanted
            if is_unwatched:
                renewal.unwatched.append(relation.oid)
        marks = self._marks_to_renew(found)
        self._create(session, ddl, marks)
        self.relations |= found.relations
        has_changed = any(ddl.values()) or any(marks.values())
        installed = self._installed(session, found.relations) if has_changed else found.installed
        self._xmin = {
            (one.relid, one.name): one.xmin for ones in installed.values() for one in ones if not one.number
        }
        changes, self._columns_changed = catalogs.rows(*_WATCHED), catalogs.attributes_updated
        if has_changed:
            changes, self._columns_changed = session.fetch(_CATALOG_CHANGES)[0]
        self._may_be_undone |= changes != self._changes and self._changes >= 0
        self._changes, self._is_forgotten = changes, False
        return renewal

    def _read(self, session: Session) -> Catalog:
        wanted = {"oids": sorted(self.relations), "names": self._touched}
        rows = session.fetch(TARGETS, wanted)
        relations = {row[0]: ProbedRelation(*row) for row in rows}
        has_probes = bool(self.marks or self._xmin)
        installed = self._installed(session, relations) if has_probes else {}
        return Catalog(relations, installed, self._triggers(session, relations))

    def _installed(self, session: Session, oids: Iterable[int]) -> dict[int, list[Installed]]:
        probes = [self._names["probe"], self._names["each"]]
        rows = session.fetch(
            _INSTALLED, {"relations": sorted(oids), "probes": probes, "mark": self._names["mark"]}
        )
        by_relation: dict[int, list[Installed]] = defaultdict(list)
        for row in rows:
            by_relation[row[0]].append(Installed(*row))
        return by_relation

    def _triggers(self, session: Session, oids: Iterable[int]) -> frozenset[MarkedTrigger]:
        """The triggers to announce; the definition of each version is asked for once, for it takes the server long."""
        if self._is_forgotten:
            self._definitions.clear()
        rows = session.fetch(_TRIGGERS, (sorted(oids),))
        unknown = {oid: version for version, oid, *_ in rows if version not in self._definitions}
        if unknown:
            told = session.fetch(_DEFINITIONS, (sorted(unknown),))
            self._definitions |= {unknown[oid]: definition for oid, definition in told if definition}
        return frozenset(
            MarkedTrigger(*(*row, self._definitions[version]))
            for version, *row in rows
            if version in self._definitions
        )

    def _create(
        self, session: Session, probes: Mapping[int, list[str]], marks: Mapping[int, list[str]]
    ) -> None:
        """Create all in one message, because refusals are rare and messages are what takes time; else one by one."""
        together = [statement for ddl in (probes, marks) for part in ddl.values() for statement in part]
        if together and refusal_of(session, together):
            self.blind |= _each(session, probes)
            self.unmarked |= _each(session, marks)

    # Probes ----------------------------------------------------------------------------------------------------------

    def _probes_to_renew(
        self, relation: ProbedRelation, installed: Iterable[Installed]
    ) -> tuple[list[str], bool]:
        """What makes the probes of one relation what they should be; whether rows may have passed them unseen."""
        probes = {one.name: one for one in installed if not one.number}
        wanted = probe_triggers(relation, self._names, self._splits.get(relation.name))
        by_row = "!" + self._names["row"]
        if by_row in probes and by_row not in wanted:
            # No leaf any more: what counts row by row goes on to do so.
            return [], False
        ddl = [text for name, text in wanted.items() if name not in probes]
        ddl += [
            enabled_always(relation, name)
            for name in wanted
            if name not in probes or probes[name].enabled != "A"
        ]
        became_leaf = bool(probes) and by_row in wanted and by_row not in probes
        if became_leaf:
            ddl += [_dropped(relation, name) for name in probes if name not in wanted]
        # What a rollback undid has counted nothing that stays; what is gone else, the script has dropped.
        stood = () if self._is_forgotten else (name for oid, name in self._xmin if oid == relation.oid)
        is_dropped = any(name not in probes for name in stood)
        known = ((one.xmin, self._xmin.get((one.relid, name))) for name, one in probes.items())
        return ddl, became_leaf or is_dropped or any(xmin != last for xmin, last in known if last)

    # Marks -----------------------------------------------------------------------------------------------------------

    def _marks_to_renew(self, found: Catalog) -> dict[int, list[str]]:
        """What makes the marks what they should be, by relation."""
        wanted = set(found.triggers)
        ddl: dict[int, list[str]] = defaultdict(list)
        for one in (one for ones in found.installed.values() for one in ones if one.number):
            mark = self.marks[one.number - 1]
            if mark in wanted and one.enabled == mark.enabled:
                wanted.discard(mark)
            else:
                ddl[one.relid].append(_dropped(found.relations[one.relid], one.name))
        for mark in sorted(wanted, key=lambda mark: (mark.relid, mark.name)):
            self.marks.append(mark)
            ddl[mark.relid] += mark_ddl(mark, found.relations[mark.relid], self._names, len(self.marks))
        return ddl


def _each(session: Session, ddl: Mapping[int, list[str]]) -> dict[int, str]:
    """Run DDL relation by relation; give the server's refusals, each of which leaves nothing of that relation's."""
    tried = {relid: refusal_of(session, statements) for relid, statements in ddl.items() if statements}
    return {relid: refusal for relid, refusal in tried.items() if refusal}


def _dropped(relation: ProbedRelation, trigger: str) -> str:
    return f"DROP TRIGGER {quote_identifier(trigger)} ON {relation.name}"
