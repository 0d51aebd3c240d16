"""From where in the catalog an escape can be reached: functions, tables to write, views to read.

Takes a session; gives a `Reach`. Searched backwards from the escapes: where there are none, two cheap queries tell so.
Bodies of functions are searched by the names in them, for the catalog does not know what PL/pgSQL calls.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from pgrehearse.observe.escape_names import (
    FOREIGN_TABLE,
    FUNCTIONS,
    IN_BODIES,
    LANGUAGE,
    LIBRARIES,
    QUIET,
    RUNS_TEXT,
    UNSEEN,
    kind_of_function,
)
from pgrehearse.observe.escape_text import Escape, facts_of_body
from pgrehearse.pg.session import Session

_SQL = files("pgrehearse.observe") / "sql"
_FUNCTIONS, _FOREIGN, _EXPRESSIONS, _EDGES, _BODIES, _NAMES, _DYNAMIC = (
    (_SQL / f"escapes_{name}.sql").read_text()
    for name in ("functions", "foreign", "expressions", "edges", "bodies", "names", "dynamic")
)

Node = tuple[str, int]
"""(f)unction called, relation (r)ead, relation (w)ritten, value of a (t)ype made, (e) DDL under an event trigger; and
the oid."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What leads to an escape, by the names that a text may say.

    Attributes:
        functions: By name of the function that is called.
        reads, writes: By name of the relation that is read, or written; or of the type, wherever it is named.
        ddl: Those that event triggers lead to.
        oids: By oid of the function: what the server's own query trees name.
        types: By oid of the type, a value of which is checked by what is no part of those trees.
        foreign: Foreign tables by oid.
        unheard: By oid of the relation, where what its writing starts keeps the server from telling what it runs.
    """

    functions: Mapping[str, tuple[Escape, ...]] = field(default_factory=dict)
    reads: Mapping[str, tuple[Escape, ...]] = field(default_factory=dict)
    writes: Mapping[str, tuple[Escape, ...]] = field(default_factory=dict)
    ddl: tuple[Escape, ...] = ()
    oids: Mapping[int, Escape] = field(default_factory=dict)
    types: Mapping[int, Escape] = field(default_factory=dict)
    foreign: Mapping[int, str] = field(default_factory=dict)
    unheard: Mapping[int, Escape] = field(default_factory=dict)


def read_reach(session: Session) -> Reach:
    """What leads to an escape in the catalog as `session` sees it."""
    found = session.fetch(
        _FUNCTIONS,
        {
            "functions": list(FUNCTIONS),
            "libraries": rf"(^|/)({'|'.join(LIBRARIES)})(\.so)?$",
            "bodies": IN_BODIES,
            "quiet": QUIET,
        },
    )
    quiet = _quiet_and_dynamic(session, [row[0] for row in found if row[-2]])
    foreign = dict(session.fetch(_FOREIGN)) if any(row[-1] for row in found) else {}
    search = _Search()
    oids: dict[int, Escape] = {}
    for oid, name, language, library, body, is_untrusted, is_built_in, *_ in found:
        kind = _kind_of(name, language, library, is_untrusted=is_untrusted, is_built_in=is_built_in)
        if kind:
            oids[oid] = Escape(kind, name)
        elif oid in quiet:
            oids[oid] = Escape(UNSEEN, name, _BY_ITS_OWN_CLAUSE)
        escapes = (oids[oid],) if kind else facts_of_body(body).escapes
        search.add(("f", oid), {*escapes, oids[oid]} if oid in quiet else escapes, "", name)
    for oid, name in foreign.items():
        search.add(("w", oid), (Escape(FOREIGN_TABLE, name),), "", name)
    search.add_expressions(session, oids)
    if any(oid >= _FIRST_USER_OID for _, oid in search.escapes):
        search.spread(session)
    return search.reach(oids, foreign)


_FIRST_USER_OID = 16_384

_BY_ITS_OWN_CLAUSE = "by its own SET clause it kept the server from telling what it ran"


def _quiet_and_dynamic(session: Session, quiet: Sequence[int]) -> set[int]:
    """Of the functions `quiet`, those that may run dynamic SQL, themselves or by what they lead to."""
    if not quiet:
        return set()
    search = _Search()
    for oid, name in session.fetch(_DYNAMIC, {"dynamic": RUNS_TEXT}):
        search.add(("f", oid), (Escape(UNSEEN, ""),), "", name)
    search.spread(session)
    return {oid for oid in quiet if ("f", oid) in search.escapes}


def _kind_of(name: str, language: str, library: str, *, is_untrusted: bool, is_built_in: bool) -> str:
    if is_untrusted:
        return LANGUAGE
    if language == "c":
        by_name = kind_of_function(name)
        return (
            LIBRARIES[library.rpartition("/")[2].removesuffix(".so")]
            if by_name or "dblink" not in library
            else ""
        )
    return kind_of_function(name) or (LANGUAGE if is_built_in else "")


class _Search:
    """A search from the escapes back to everything that leads to them."""

    def __init__(self) -> None:
        self.escapes: dict[Node, dict[tuple[str, str], Escape]] = defaultdict(dict)
        self._names: dict[Node, str] = {}
        self._edges: dict[Node, list[tuple[Node, str]]] = defaultdict(list)

    def add(self, node: Node, escapes: Iterable[Escape], via: str, name: str = "") -> bool:
        """Note that `node` leads to `escapes`; tell whether that was new."""
        known = self.escapes.get(node, {})
        new = {(e.kind, e.object): e for e in escapes if (e.kind, e.object) not in known}
        for key, escape in new.items():
            detail = ", ".join(filter(None, (via, escape.detail)))
            self.escapes[node][key] = Escape(escape.kind, escape.object, detail)
        if name:
            self._names[node] = name
        return bool(new)

    def add_expressions(self, session: Session, oids: Mapping[int, Escape]) -> None:
        """Note the relations whose stored expressions call one of the functions `oids`."""
        if not oids:
            return
        texts = [str(oid) for oid in oids]
        wanted = {"pattern": rf":(?:op)?funcid ({'|'.join(texts)}) ", "oids": texts}
        for kind, relation, oid in session.fetch(_EXPRESSIONS, wanted):
            self.add((kind, relation), (oids[oid],), "a stored expression")
            if kind == "r":
                self.add(("w", relation), (oids[oid],), "a stored expression")

    def spread(self, session: Session) -> None:
        """Follow the catalog and the bodies of functions back until nothing new leads to an escape."""
        for from_kind, from_oid, to_kind, to_oid, how in session.fetch(_EDGES):
            self._edges[to_kind, to_oid].append(((from_kind, from_oid), how))
        fresh = set(self.escapes)
        while fresh:
            self._name(session)
            fresh = self._along_edges(fresh) | self._along_bodies(session, fresh)

    def _along_edges(self, fresh: set[Node]) -> set[Node]:
        return {
            before
            for node in fresh
            for before, how in self._edges.get(node, ())
            if self.add(before, self.escapes[node].values(), f"by {how}")
        }

    def _along_bodies(self, session: Session, fresh: set[Node]) -> set[Node]:
        by_name: dict[str, list[Node]] = defaultdict(list)
        for node in fresh:
            if name := self._names.get(node):
                by_name[name].append(node)
        if not by_name:
            return set()
        pattern = rf"\m({'|'.join(re.escape(name) for name in by_name)})\M"
        new: set[Node] = set()
        for oid, body in session.fetch(_BODIES, {"names": pattern}):
            facts = facts_of_body(body)
            said = {
                "f": facts.calls, "w": facts.writes, "r": facts.names, "t": facts.names, "e": frozenset[str](),
            }  # fmt: skip
            for name, nodes in by_name.items():
                for node in nodes:
                    if name in said[node[0]] and self.add(
                        ("f", oid), self.escapes[node].values(), _BY[node[0]].format(name)
                    ):
                        new.add(("f", oid))
        return new

    def _name(self, session: Session) -> None:
        unnamed = [node for node in self.escapes if node not in self._names and node[0] != "e"]
        if not unnamed:
            return
        asked = {
            "functions": [oid for kind, oid in unnamed if kind == "f"],
            "relations": [oid for kind, oid in unnamed if kind in "rw"],
            "types": [oid for kind, oid in unnamed if kind == "t"],
        }
        for kind, oid, name in session.fetch(_NAMES, asked):
            for one in ("r", "w") if kind == "r" else (kind,):
                self._names[one, oid] = name

    def reach(self, oids: Mapping[int, Escape], foreign: Mapping[int, str]) -> Reach:
        """What was found, by name."""
        by: dict[str, dict[str, tuple[Escape, ...]]] = {"f": {}, "r": {}, "w": {}, "t": {}, "e": {}}
        for node, escapes in self.escapes.items():
            name = self._names.get(node, "")
            told = tuple(escapes.values())
            by[node[0]][name] = by[node[0]].get(name, ()) + told
        functions = {name: told for name, told in by["f"].items() if not kind_of_function(name)}
        unheard = {
            oid: escape
            for (kind, oid), escapes in self.escapes.items()
            for escape in escapes.values()
            if kind == "w" and escape.kind == UNSEEN
        }
        types = {oid: next(iter(told.values())) for (kind, oid), told in self.escapes.items() if kind == "t"}
        reads = {
            name: by["r"].get(name, ()) + by["t"].get(name, ()) for name in by["r"].keys() | by["t"].keys()
        }
        return Reach(
            functions,
            reads,
            by["w"],
            by["e"].get("", ()),
            oids,
            types=types,
            foreign=foreign,
            unheard=unheard,
        )


_BY = {"f": "by function {}", "w": "by writing {}", "r": "by reading {}", "t": "by type {}"}
