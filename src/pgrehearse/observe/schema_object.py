"""An object of the schema as the catalogs describe it, and what differs between two descriptions.

Takes oids by catalog; gives `SchemaObject` by key, and `SchemaChanged` for what two such sets differ in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files

from pgrehearse.observe.schema_catalogs import LISTING, Objects
from pgrehearse.pg.session import Session

_SQL = files("pgrehearse.observe") / "sql"
_RELATIONS = (_SQL / "schema_relations.sql").read_text()
_OBJECTS = (_SQL / "schema_objects.sql").read_text()

_OUTLINES = """
SELECT t.oid::bigint,
       md5(string_agg(ROW(c.relname, c.relnamespace, c.relowner, c.relacl, c.reloptions, c.relpersistence, c.relkind,
                          c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relpartbound,
                          CASE WHEN c.relkind = 'S' THEN c.relfilenode END)::text,
                      ',' ORDER BY c.oid))
FROM unnest(%s::oid[]) AS t(oid),
     LATERAL (SELECT t.oid UNION ALL SELECT x.indexrelid FROM pg_index AS x WHERE x.indrelid = t.oid) AS part(oid)
JOIN pg_class AS c ON c.oid = part.oid AND c.relpersistence <> 't'
GROUP BY t.oid
"""

_PART_OF_ITS_TABLE = {"column", "constraint"}
_SHOWN = 120
"""Characters of a value that a detail shows; a longer one is said to differ."""
_COLUMNS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class SchemaObject:
    """One object. `key` survives renaming; `parent` is the key of the relation it belongs to; parts are by name.

    `definition` is what the server would show, where the stage was asked; it is not compared.
    """

    key: str
    parent: str
    kind: str
    name: str
    parts: Mapping[str, object]
    definition: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of one object: created, altered, dropped; `detail` says how."""

    action: str
    key: str
    kind: str
    name: str
    detail: str


Described = dict[str, SchemaObject]


def describe(session: Session, objects: Objects, *, shows: bool) -> Described:
    """The objects as `session` sees them, with the columns, constraints, indexes and triggers of each relation.

    `shows` asks for definitions to show, which may wait for locks: for the stage, which holds them.
    """
    parameters: dict[str, object] = {listing: sorted(objects[listing]) for listing in LISTING}
    parameters["shows"] = shows
    rows = session.fetch(_RELATIONS, parameters) if objects["pg_class"] else []
    if any(oids for listing, oids in objects.items() if listing != "pg_class"):
        rows += session.fetch(_OBJECTS, parameters)
    return {row[0]: SchemaObject(*row) for row in rows}


def outlines(session: Session, relations: set[int]) -> dict[int, str]:
    """A digest of what pg_class says of relations and their indexes, files aside: TRUNCATE changes none of it.

    A sequence that is set anew has no other sign than its file.
    """
    return dict(session.fetch(_OUTLINES, (sorted(relations),))) if relations else {}


def differences(before: Described, after: Described) -> Iterator[Difference]:
    """What was created, altered and dropped; what comes and goes with its table is told with the table."""
    rebuilt = _rebuilt(before, after)
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        if (was or now) in rebuilt:
            continue
        if was is None and now is not None:
            if now.kind not in _PART_OF_ITS_TABLE or now.parent in before:
                yield Difference("create", key, now.kind, now.name, _created(now, after))
        elif now is None and was is not None:
            if not was.parent or was.parent in after:
                yield Difference("drop", key, was.kind, was.name, "")
        elif was and now and was.parts != now.parts:
            yield Difference("alter", key, now.kind, now.name, _altered(was, now))


def _rebuilt(before: Described, after: Described) -> list[SchemaObject]:
    """Indexes and constraints that an ALTER replaced by their like: both the old ones and the new ones."""
    gone = {(o.kind, o.name): o for key, o in before.items() if key not in after}
    new = {(o.kind, o.name): o for key, o in after.items() if key not in before}
    same = [what for what in gone.keys() & new.keys() if gone[what].parts == new[what].parts]
    return [one for what in same for one in (gone[what], new[what])]


def _created(now: SchemaObject, after: Described) -> str:
    if now.kind == "column":
        words = [
            str(now.parts["type"]),
            *(f"with {part}" for part in ("default", "identity") if now.parts[part]),
        ]
        return ", ".join([*words, "not null"] if now.parts["not null"] else words)
    columns = [one for one in after.values() if one.kind == "column" and one.parent == now.key]
    if columns:
        listed = [f"{one.parts['name']} {one.parts['type']}" for one in columns]
        more = [f"and {len(listed) - _COLUMNS_SHOWN} more"] if len(listed) > _COLUMNS_SHOWN else []
        return "columns " + ", ".join([*listed[:_COLUMNS_SHOWN], *more])
    return _shown(now.definition or now.parts.get("labels") or "")


def _altered(was: SchemaObject, now: SchemaObject) -> str:
    changes = [
        _changed(part, was.parts.get(part), now.parts.get(part))
        for part in sorted(now.parts.keys() | was.parts.keys())
        if was.parts.get(part) != now.parts.get(part)
    ]
    if was.parts.get("definition") != now.parts.get("definition") and _shown(now.definition):
        changes.append(f"is now {now.definition}")
    return "; ".join(changes)


def _changed(part: str, was: object, now: object) -> str:
    old, new = _shown(was), _shown(now)
    if was is not None and now is not None:
        return f"{part} was {old}, is {new}" if old and new else f"{part} changed"
    if now is not None:
        return f"{part} set to {new}" if new and now is not True else f"{part} set"
    return f"{part} removed, was {old}" if old and was is not True else f"{part} removed"


def _shown(value: object) -> str:
    """A value as people read it; nothing where it is a digest, or too long."""
    text = "" if value is None else str(value)
    is_digest = len(text) == 32 and not set(text) - set("0123456789abcdef")
    return "" if is_digest or len(text) > _SHOWN else text
