"""Count the rows that no trigger sees: of tables that a step creates or drops, and past probes that it switched off.

Takes the stage before and after a step; adds what it counted to the probes' log, where it is undone with the rows.
Tables are counted themselves; where that says too little, the server's own counters of the transaction help.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pgrehearse.errors import ServerError
from pgrehearse.observe.counters import Counts, row_counts
from pgrehearse.observe.observer import Moment
from pgrehearse.observe.probe_setup import Renewal
from pgrehearse.observe.probe_text import ProbedRelation
from pgrehearse.pg.session import Session

_RELATION = """
SELECT c.oid::bigint, c.relkind::text, pg_relation_filenode(c.oid)::bigint
FROM pg_class AS c
WHERE c.oid = to_regclass(%s) AND c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
"""

_STILL_THERE = (
    "SELECT oid::bigint, pg_relation_filenode(oid)::bigint FROM pg_class WHERE oid = ANY(%s::oid[])"
)

_LOGGED = """
SELECT COALESCE(sum(n) FILTER (WHERE op = 'INSERT'), 0)::bigint,
       COALESCE(sum(n) FILTER (WHERE op = 'UPDATE'), 0)::bigint,
       COALESCE(sum(n) FILTER (WHERE op IN ('DELETE', 'TRUNCATE')), 0)::bigint
FROM {log}
WHERE relid = %s AND step = %s
"""


_NOT_POPULATED = "55000"
"""What the server says of a materialized view that holds nothing, not even no rows."""


class UnprobedRows:
    """Counts beside the probes of one pass."""

    def __init__(self, log: str) -> None:
        self._log = log
        self.replaced: Mapping[int, frozenset[str]] = {}
        """The relations to count before each step, by name."""
        self._before: dict[int, tuple[int, int]] = {}
        """Of what the step may replace: its rows, and the file that holds them."""
        self._counters: dict[int, Counts] = {}
        self.limits: set[str] = set()

    def before(self, moment: Moment, relations: Mapping[int, ProbedRelation]) -> None:
        """Count what this step replaced in the clean pass, and read the counters of all that is probed."""
        self._before = {}
        for name in sorted(self.replaced.get(moment.step, ())):
            for oid, _, file in moment.session.fetch(_RELATION, (name,)):
                count = self._count(moment.session, name)
                if count is not None:
                    self._before[oid] = (count, file)
        self._counters = row_counts(moment.session, relations)

    def after(
        self,
        moment: Moment,
        relations: Mapping[int, ProbedRelation],
        renewal: Renewal,
        blind: Iterable[int],
    ) -> None:
        """Add what the step did unseen to the log; `blind` are the relations that have no probes."""
        if self._before:
            self._add_replaced(moment, relations)
        for oid in renewal.created:
            if relations[oid].kind in "rm":
                self._add_created(moment, relations[oid])
        for oid in renewal.grown:
            self._note_grown(moment, relations[oid])
        for oid in renewal.unwatched:
            self._add_unwatched(moment, relations[oid])
        for oid, relation in relations.items():
            if relation.kind == "m" or oid in blind:
                self._add_beyond_log(moment, oid)

    def _add_replaced(self, moment: Moment, relations: Mapping[int, ProbedRelation]) -> None:
        now = dict(moment.session.fetch(_STILL_THERE, (sorted(self._before),)))
        for oid, (count, file) in self._before.items():
            if oid not in now:
                inserted, _, deleted = self._logged(moment, oid)
                self._add(moment, oid, "DELETE", count + inserted - deleted)
            elif now[oid] != file:
                self._add(moment, oid, "TRUNCATE", count)
                self._add(moment, oid, "INSERT", self._count(moment.session, relations[oid].name) or 0)
        self._before = {}

    def _add_created(self, moment: Moment, relation: ProbedRelation) -> None:
        """A new table: its counters tell what was done to it, where they agree with what is in it."""
        count = self._count(moment.session, relation.name) or 0
        inserted, updated, deleted = row_counts(moment.session, [relation.oid])[relation.oid]
        if inserted - deleted != count:
            inserted, updated, deleted = count, 0, 0
        self._add(moment, relation.oid, "INSERT", inserted)
        self._add(moment, relation.oid, "UPDATE", updated)
        self._add(moment, relation.oid, "DELETE", deleted)

    def _note_grown(self, moment: Moment, relation: ProbedRelation) -> None:
        """A probe on a parent counts rows of children that came after it, too: more then than there were."""
        now = row_counts(moment.session, [relation.oid])[relation.oid]
        was = self._counters.get(relation.oid, (0, 0, 0))
        logged = self._logged(moment, relation.oid)
        if any(n - w < s for n, w, s in zip(now, was, logged, strict=True)):
            self.limits.add(
                f"Step {moment.step} gave {relation.name} children while it changed rows: "
                "rows of theirs are counted at it."
            )

    def _add_unwatched(self, moment: Moment, relation: ProbedRelation) -> None:
        """Probes that the step itself had switched off: the counters tell what they missed."""
        if any(self._add_beyond_log(moment, relation.oid)):
            self.limits.add(
                f"Step {moment.step} switched off the triggers of {relation.name} while it changed rows: "
                "those rows are counted as attempted, by the server's counters, and their cause is not known."
            )

    def _add_beyond_log(self, moment: Moment, oid: int) -> Counts:
        """What the counters tell beyond the log; of a materialized view they tell all, for only REFRESH writes it."""
        added = self._beyond_log(moment, oid)
        for operation, n in zip(("INSERT", "UPDATE", "DELETE"), added, strict=True):
            self._add(moment, oid, operation, n)
        return added

    def _beyond_log(self, moment: Moment, oid: int) -> Counts:
        """How far the counters moved in this step beyond what stands in the log for it."""
        now = row_counts(moment.session, [oid])[oid]
        was = self._counters.get(oid, (0, 0, 0))
        logged = self._logged(moment, oid)
        inserted, updated, deleted = (max(n - w - s, 0) for n, w, s in zip(now, was, logged, strict=True))
        return inserted, updated, deleted

    def _logged(self, moment: Moment, oid: int) -> Counts:
        inserted, updated, deleted = moment.session.fetch(_LOGGED.format(log=self._log), (oid, moment.step))[
            0
        ]
        return inserted, updated, deleted

    def _add(self, moment: Moment, oid: int, operation: str, n: int) -> None:
        if n > 0 or operation == "TRUNCATE":
            moment.session.fetch(
                f"INSERT INTO {self._log} VALUES (%s, %s, %s, %s, '', NULL)", (moment.step, oid, operation, n)
            )

    def _count(self, session: Session, name: str) -> int | None:
        """The rows of one table; None where the role may not read all of them."""
        session.run("SAVEPOINT pgrehearse; SET LOCAL row_security = off")
        try:
            return int(session.fetch(f"SELECT count(*) FROM ONLY {name}")[0][0])
        except ServerError as error:
            if error.sqlstate == _NOT_POPULATED:
                return 0
            self.limits.add(f"The rows of {name} could not be counted: {error.message}.")
            return None
        finally:
            session.run("ROLLBACK TO pgrehearse; RELEASE pgrehearse")
