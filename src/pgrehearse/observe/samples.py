"""Observe samples of the rows that change, old and new, where somebody asks for them; and the columns that changed.

Takes the relations that the clean pass foresaw; gives `RowSampled` and `ColumnChanged`. Values are masked here, before
they can stand anywhere else.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from importlib.resources import files

from pgrehearse.observe.observation import ColumnChanged, Observation, RowSampled
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.observe.probe_setup import TARGETS
from pgrehearse.observe.probe_text import ProbedRelation, ProbeNames
from pgrehearse.observe.silent_ddl import refusal_of, silent_ddl
from pgrehearse.pg.identifiers import quote_identifier
from pgrehearse.pg.session import Session

MASKED = "***"

_FUNCTIONS = (files(__package__) / "sql" / "sample_functions.sql").read_text()
_BY_ROW = ("AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW",)
_BY_STATEMENT = (
    "AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT",
    "AFTER UPDATE ON {table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT",
    "AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT",
)


class SampleObserver(Quiet):
    """Takes up to `most` rows of each operation on each table; `mask` holds patterns for `schema.table.column`."""

    def __init__(self, touched: Iterable[str], *, most: int, mask: Sequence[str], token: str) -> None:
        self._touched = sorted(touched)
        self._most = most
        self._mask = tuple(mask)
        self._names = ProbeNames(token)
        self._tables: dict[int, str] = {}
        self._taken: Counter[tuple[int, str]] = Counter()
        self._limits: set[str] = set()

    @property
    def limits(self) -> frozenset[str]:
        """Whose rows could not be shown, one sentence each."""
        return frozenset(self._limits)

    def begin(self, moment: Moment) -> None:
        """Put samplers on the tables that are there."""
        text = self._names.put_into(_FUNCTIONS, "rows", "columns", "sampler")
        session = moment.session
        session.run(";\n".join(silent_ddl(session, [text])))
        for relation in self._relations(session):
            self._install(session, relation)

    def end_segment(self, moment: Moment) -> Iterable[Observation]:
        """Take what savepoints and caught exceptions have not undone."""
        if not moment.is_usable:
            return ()
        rows = moment.session.fetch(
            f"DELETE FROM pg_temp.{self._names['rows']} RETURNING step, relid::bigint, op, old_row, new_row"
        )
        columns = moment.session.fetch(
            f"DELETE FROM pg_temp.{self._names['columns']} RETURNING relid::bigint, column_name, n"
        )
        return [*self._sampled(moment.segment, rows), *self._changed(moment.segment, columns)]

    def _sampled(
        self,
        segment: int,
        rows: Iterable[tuple[int, int, str, Mapping[str, object] | None, Mapping[str, object] | None]],
    ) -> Iterator[RowSampled]:
        for step, relid, operation, old, new in rows:
            self._taken[relid, operation] += 1
            if self._taken[relid, operation] <= self._most:
                table = self._tables[relid]
                yield RowSampled(
                    table, operation, step, segment, self._shown(table, old), self._shown(table, new)
                )

    def _changed(self, segment: int, columns: Iterable[tuple[int, str, int]]) -> Iterator[ColumnChanged]:
        counted: Counter[tuple[str, str]] = Counter()
        for relid, column, n in columns:
            counted[self._tables[relid], column] += n
        for (table, column), n in sorted(counted.items()):
            yield ColumnChanged(table, column, n, segment)

    def _shown(self, table: str, row: Mapping[str, object] | None) -> str | None:
        """The row as JSON text, with what the policy hides masked; a NULL has nothing to hide."""
        if row is None:
            return None
        shown = {
            column: MASKED if value is not None and self._is_hidden(f"{table}.{column}") else value
            for column, value in row.items()
        }
        return json.dumps(shown, ensure_ascii=False, sort_keys=True)

    def _is_hidden(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self._mask)

    # Putting samplers in place ---------------------------------------------------------------------------------------

    def _relations(self, session: Session) -> list[ProbedRelation]:
        missing = session.fetch(
            "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL", (self._touched,)
        )
        if made := [name for (name,) in missing]:
            self._limits.add(f"No rows are shown of what the change itself makes: {', '.join(made)}.")
        rows = session.fetch(TARGETS, {"oids": [], "names": list(self._touched)})
        found = [ProbedRelation(*row) for row in rows]
        return [relation for relation in found if relation.kind == "r"]

    def _install(self, session: Session, relation: ProbedRelation) -> None:
        call = f"EXECUTE FUNCTION pg_temp.{self._names['sampler']}('{self._most}')"
        ddl = []
        for part, events in enumerate(_BY_ROW if relation.by_row else _BY_STATEMENT):
            name = quote_identifier(f"!{self._names['sample']}_{part}")
            ddl.append(f"CREATE TRIGGER {name} {events.format(table=relation.name)} {call}")
            ddl.append(f"ALTER TABLE {relation.name} ENABLE ALWAYS TRIGGER {name}")
        if refusal := refusal_of(session, ddl):
            self._limits.add(f"No rows of {relation.name} are shown: {refusal}.")
        else:
            self._tables[relation.oid] = relation.name
