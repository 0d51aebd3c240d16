"""Observe the values that a plan asks for: before the change, inside the stage, after the rollback.

Takes queries by name; gives `ValueRead`. A query runs in a read-only savepoint, so that it cannot change what it asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pgrehearse.errors import PlanError, ServerError
from pgrehearse.observe.held import HeldLock
from pgrehearse.observe.observation import ValueRead
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.pg.session import Session

_MODE_OF_PROBES = "ShareRowExclusiveLock"
_OPEN = "SAVEPOINT pgrehearse; SET TRANSACTION READ ONLY"
_CLOSE = "ROLLBACK TO pgrehearse; RELEASE pgrehearse"


class ValueObserver(Quiet):
    """Reads each value three times; inside, at the end of the last segment that may have written something."""

    def __init__(self, queries: Mapping[str, str]) -> None:
        self._queries = dict(queries)
        self._written: set[int] = set()
        self._of_the_stage: frozenset[HeldLock] | None = None
        self._before: list[ValueRead] = []
        self._inside: list[ValueRead] = []

    def begin(self, moment: Moment) -> None:
        """Read the values as the script will find them."""
        self._before = list(self._read(moment.session, "before", opened=True))

    def before(self, moment: Moment) -> None:
        """Remember what the stage holds for itself: its guard, its probes."""
        if self._of_the_stage is None:
            self._of_the_stage = frozenset(moment.held)

    def after(self, moment: Moment) -> Iterable[ValueRead]:
        """Remember what may have been written since the segment began."""
        own = self._of_the_stage or frozenset()
        self._written |= {
            lock.relation
            for lock in moment.held
            if lock.is_write and lock.mode != _MODE_OF_PROBES and lock not in own
        }
        return ()

    def end_segment(self, moment: Moment) -> Iterable[ValueRead]:
        """Read the values as the segment leaves them, if it may have written a table."""
        if moment.is_usable and self._written:
            moment.names.learn(moment.session, self._written)
            # A sequence stays locked until the end of the stage, whoever rolls back.
            if moment.names.reported(self._written, "rpmv"):
                self._inside = list(self._read(moment.session, "inside", opened=True))
        self._written = set()
        return ()

    def end(self, witness: Session) -> Iterable[ValueRead]:
        """Read the values as the rollback left them, and give all."""
        yield from self._before
        yield from self._inside
        yield from self._read(witness, "after", opened=False)

    def _read(self, session: Session, moment: str, *, opened: bool) -> Iterator[ValueRead]:
        for name, sql in self._queries.items():
            try:
                session.run(_OPEN if opened else "BEGIN READ ONLY")
                rows = session.fetch(sql)
            except ServerError as error:
                raise PlanError(
                    f'value "{name}" of the plan cannot be read: {error.message}', detail=sql
                ) from error
            finally:
                if not session.is_lost:
                    session.run(_CLOSE if opened else "ROLLBACK")
            if len(rows) > 1 or (rows and len(rows[0]) != 1):
                raise PlanError(f'value "{name}" of the plan is not one value', detail=sql)
            value = rows[0][0] if rows else None
            yield ValueRead(name, moment, None if value is None else str(value))
