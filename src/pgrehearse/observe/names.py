"""Relations by oid: their names as SQL writes them, and what kind they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pgrehearse.pg.session import Session

_RELATIONS = """
SELECT c.oid::bigint, format('%%I.%%I', n.nspname, c.relname), c.relkind::text, c.relpersistence::text,
       n.nspname LIKE 'pg\\_toast%%' OR n.nspname IN ('pg_catalog', 'information_schema')
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY(%s::oid[])
"""


@dataclass(frozen=True, slots=True)
class RelationName:
    """What a relation is called, and its `relkind` and `relpersistence` as pg_class has them."""

    oid: int
    name: str
    kind: str
    persistence: str
    is_system: bool

    @property
    def is_reported(self) -> bool:
        """Whether the evidence speaks of it: temporary tables, toast and the system's own are left out."""
        return self.persistence != "t" and not self.is_system


class RelationNames:
    """Names already asked for, so that each oid is looked up once; lives for one pass."""

    def __init__(self) -> None:
        self._known: dict[int, RelationName] = {}

    def learn(self, session: Session, oids: Iterable[int]) -> None:
        """Look up those of `oids` that are not known yet, as `session` sees them."""
        unknown = sorted(set(oids) - self._known.keys())
        if unknown:
            for row in session.fetch(_RELATIONS, (unknown,)):
                self._known[row[0]] = RelationName(*row)

    def get(self, oid: int) -> RelationName | None:
        """The relation, or None where no lookup found it."""
        return self._known.get(oid)

    def reported(self, oids: Iterable[int], kinds: str) -> tuple[RelationName, ...]:
        """Those of `oids` that the evidence speaks of and whose relkind is in `kinds`, by name."""
        found = (self._known.get(oid) for oid in set(oids))
        return tuple(
            sorted((r for r in found if r and r.is_reported and r.kind in kinds), key=lambda r: r.name)
        )
