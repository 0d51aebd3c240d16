"""Observe rows and functions by the server's own counters of the transaction: attempted, not net.

Takes the relations that the stage may have written, as its locks tell; gives `RowsCounted` and `FunctionCalled`.
Blind spots: TRUNCATE, DROP and rewrites count nothing, rows of caught exceptions count although they are gone.
"""

from __future__ import annotations

from collections.abc import Iterable

from pgrehearse.errors import ServerError
from pgrehearse.observe.observation import FunctionCalled, Observation, RowsCounted
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.pg.session import Session

_COUNTS = """
SELECT oid::bigint, pg_stat_get_xact_tuples_inserted(oid), pg_stat_get_xact_tuples_updated(oid),
       pg_stat_get_xact_tuples_deleted(oid)
FROM unnest(%s::oid[]) AS oid
"""

Counts = tuple[int, int, int]
"""Inserted, updated, deleted."""

_FUNCTIONS = """
SELECT format('%I.%I', n.nspname, p.proname), sum(pg_stat_get_xact_function_calls(p.oid))::bigint,
       sum(pg_stat_get_xact_function_total_time(p.oid))
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
WHERE p.oid >= 16384
  AND n.oid <> pg_my_temp_schema()
  AND pg_stat_get_xact_function_calls(p.oid) IS NOT NULL
GROUP BY 1
ORDER BY 1
"""


def row_counts(session: Session, oids: Iterable[int]) -> dict[int, Counts]:
    """What the transaction of `session` has attempted so far on each of the relations `oids`."""
    return {oid: (i, u, d) for oid, i, u, d in session.fetch(_COUNTS, (sorted(oids),))}


class CounterObserver(Quiet):
    """Reads the counters of touched tables where a segment ends, and, where asked for, those of `functions` once."""

    def __init__(self, *, functions: bool = False) -> None:
        self._wants_functions = functions
        self.touched: set[int] = set()
        self._counted: dict[int, Counts] = {}
        self.tracks_functions = False

    @property
    def limits(self) -> frozenset[str]:
        """Why functions are not counted."""
        text = "The role may not set track_functions: calls of functions and their times are not counted."
        return frozenset({text} if self._wants_functions and not self.tracks_functions else ())

    def begin(self, moment: Moment) -> None:
        """Ask for function counters, which takes a superuser or the privilege to SET the parameter."""
        if not self._wants_functions:
            return
        try:
            moment.session.run("SAVEPOINT pgrehearse; SET LOCAL track_functions = 'all'; RELEASE pgrehearse")
            self.tracks_functions = True
        except ServerError:
            moment.session.run("ROLLBACK TO pgrehearse; RELEASE pgrehearse")

    def after(self, moment: Moment) -> Iterable[Observation]:
        """Remember what may have been written."""
        self.touched.update(lock.relation for lock in moment.held if lock.is_write)
        return ()

    def end_segment(self, moment: Moment) -> Iterable[Observation]:
        """Give what the counters say more than at the end of the segment before."""
        if not moment.is_usable or not self.touched:
            return
        # Under the names that others know: a table that this change renames has another in each pass else.
        moment.names.learn(moment.witness, self.touched)
        moment.names.learn(moment.session, self.touched)
        tables = {r.oid: r.name for r in moment.names.reported(self.touched, "rm")}
        for oid, counts in row_counts(moment.session, tables).items():
            last = self._counted.get(oid, (0, 0, 0))
            self._counted[oid] = counts
            # A rollback to a savepoint takes back what a TRUNCATE had reset: then a counter falls.
            inserted, updated, deleted = (max(now - then, 0) for now, then in zip(counts, last, strict=True))
            if inserted or updated or deleted:
                yield RowsCounted(tables[oid], inserted, updated, deleted, moment.segment)

    def finish(self, moment: Moment) -> Iterable[Observation]:
        """Give the functions that were called in the whole pass."""
        if self.tracks_functions and moment.is_usable:
            for name, calls, total_ms in moment.session.fetch(_FUNCTIONS):
                yield FunctionCalled(name, calls, total_ms, 0)
