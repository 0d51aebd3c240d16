"""Observe which sequences moved: they do not roll back, so an entry and an exit reading tell.

Takes the witness before and after the stage; gives `SequenceAdvanced`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from pgrehearse.observe.observation import Observation, SequenceAdvanced
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.pg.session import Session

_POSITIONS = """
SELECT s.seqrelid::bigint, format('%%I.%%I', n.nspname, c.relname), {last}, {is_called}, s.seqincrement, s.seqstart
FROM pg_sequence AS s
JOIN pg_class AS c ON c.oid = s.seqrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
{source}
WHERE c.relpersistence <> 't'
  AND has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
"""

_FROM_18 = _POSITIONS.format(
    last="COALESCE(d.last_value, pg_sequence_last_value(s.seqrelid))",
    is_called="COALESCE(d.is_called, pg_sequence_last_value(s.seqrelid) IS NOT NULL)",
    source="CROSS JOIN LATERAL pg_get_sequence_data(s.seqrelid) AS d",
)
"""From PostgreSQL 18 on; needs the privilege to SELECT, else the other function says what it can."""

_BEFORE_18 = _POSITIONS.format(
    last="v.last_value",
    is_called="v.last_value IS NOT NULL",
    source="CROSS JOIN LATERAL pg_sequence_last_value(s.seqrelid) AS v (last_value)",
)
"""Without the last value of a sequence that gave none yet: it has one all the same, the first to come."""

_OF_THESE = "  AND s.seqrelid = ANY(%s::oid[])"

_READABLE = """
SELECT c.oid::bigint, format('%%I.%%I', n.nspname, c.relname)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY(%s::oid[])
  AND has_table_privilege(c.oid, 'SELECT')
  AND has_schema_privilege(n.oid, 'USAGE')
"""

_PORTIONS = """
SELECT min(seqrelid)::bigint, max(seqrelid)::bigint, count(*)::int
FROM (SELECT seqrelid, row_number() OVER (ORDER BY seqrelid) / %s AS portion FROM pg_sequence) AS listed
GROUP BY portion
ORDER BY 1
"""

_STANDINGS_FROM_18 = """
SELECT string_agg(oid::text, ','), string_agg(COALESCE((told).last_value::text, ''), ','),
       string_agg(COALESCE((told).is_called, false)::integer::text, ',')
FROM (
    SELECT seqrelid AS oid, pg_get_sequence_data(seqrelid) AS told
    FROM pg_sequence
    WHERE seqrelid BETWEEN %s AND %s
    OFFSET 0
) AS x
"""
"""No more than oid and standing, and no row for each, for there may be thousands; nothing of what the role may not
SELECT."""

_STANDINGS = """
SELECT string_agg(oid::text, ','), string_agg(COALESCE(last_value::text, ''), ','),
       string_agg((last_value IS NOT NULL)::integer::text, ',')
FROM (
    SELECT s.seqrelid AS oid, pg_sequence_last_value(s.seqrelid) AS last_value
    FROM pg_sequence AS s
    WHERE s.seqrelid BETWEEN %s AND %s
      AND has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
      AND (SELECT c.relpersistence <> 't' FROM pg_class AS c WHERE c.oid = s.seqrelid)
    OFFSET 0
) AS x
"""
"""On any version, with USAGE as well; nothing of a sequence that gave no value yet."""

_HIDDEN = """
SELECT count(*)
FROM pg_sequence AS s
WHERE NOT has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
"""

_PORTION = 500
"""Sequences that are read at a time, by whoever has nothing else to do."""

_TOGETHER = 40
"""Sequences that one query reads by name: past it, planning costs more than another round trip."""

Standing = tuple[int | None, bool]
"""A sequence's last value and whether it was called, as `Position` has them."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a sequence stands: its last value, or, where that was not called yet, its first one to come.

    `last` is None where the role may not read it.
    """

    oid: int
    name: str
    last: int | None
    is_called: bool
    increment: int
    start: int

    @property
    def standing(self) -> Standing:
        """The two parts that change."""
        return self.last, self.is_called

    @property
    def following(self) -> int:
        """The value that comes next, bounds left aside."""
        if self.last is None:
            return self.start
        return self.last + self.increment if self.is_called else self.last

    def steps_to(self, later: Position) -> int:
        """How many values lie between this reading and a `later` one; negative where it was set back, or cycled."""
        return (later.following - self.following) // self.increment


def read_positions(session: Session, oids: Iterable[int] | None = None) -> dict[int, Position]:
    """Where every sequence stands that the session may read, by oid; of `oids`, those that are sequences."""
    sql = _FROM_18 if session.server_version >= 180_000 else _BEFORE_18
    if oids is None:
        rows = session.fetch(sql.replace("%%", "%"))
    else:
        wanted = sorted(oids)
        rows = session.fetch(sql + _OF_THESE, (wanted,)) if wanted else []
    positions = {row[0]: Position(*row) for row in rows}
    uncalled = _read_uncalled(session, [oid for oid, position in positions.items() if position.last is None])
    for oid, (last, is_called) in uncalled.items():
        positions[oid] = replace(positions[oid], last=last, is_called=is_called)
    return positions


def read_standings(session: Session, first: int, last: int) -> dict[int, Standing]:
    """Where the sequences with an oid from `first` to `last` stand, of those that the session may read."""
    told = _standings(session, _STANDINGS_FROM_18, first, last) if session.server_version >= 180_000 else {}
    if not told or any(value is None for value, _ in told.values()):
        known = {oid: standing for oid, standing in told.items() if standing[0] is not None}
        told = _standings(session, _STANDINGS, first, last) | known
    return told | _read_uncalled(session, [oid for oid, (value, _) in told.items() if value is None])


def _standings(session: Session, sql: str, first: int, last: int) -> dict[int, Standing]:
    oids, values, called = session.fetch(sql, (first, last))[0]
    if oids is None:
        return {}
    told = zip(oids.split(","), values.split(","), called.split(","), strict=True)
    return {int(oid): (int(value) if value else None, is_called == "1") for oid, value, is_called in told}


def _read_uncalled(session: Session, oids: Sequence[int]) -> dict[int, Standing]:
    """Read sequences that gave no value yet themselves, for no function of the server tells where they stand."""
    names = session.fetch(_READABLE, (oids,)) if oids else []
    standings: dict[int, Standing] = {}
    for some in (names[i : i + _TOGETHER] for i in range(0, len(names), _TOGETHER)):
        sql = " UNION ALL ".join(f"SELECT {oid}, last_value, is_called FROM {name}" for oid, name in some)
        standings |= {oid: (last, is_called) for oid, last, is_called in session.fetch(sql)}
    return standings


def moved(
    before: Mapping[int, Standing], after: Mapping[int, Position]
) -> tuple[tuple[Position, Position], ...]:
    """The sequences that stand elsewhere than before, by name."""
    elsewhere = (now for oid, now in after.items() if oid in before and before[oid] != now.standing)
    pairs = ((replace(now, last=before[now.oid][0], is_called=before[now.oid][1]), now) for now in elsewhere)
    return tuple(sorted(pairs, key=lambda pair: pair[1].name))


class FirstReading:
    """Where all sequences stand before anything of the script runs, read by several sessions together.

    To read a sequence opens it, which takes a new backend more than all else in a database of many tables.
    """

    def __init__(self) -> None:
        self.standings: dict[int, Standing] = {}
        self._listed = 0
        self._portions: SimpleQueue[tuple[int, int]] = SimpleQueue()

    def begin(self, session: Session) -> None:
        """Find what there is to read, and read until nothing is left."""
        for first, last, listed in session.fetch(_PORTIONS, (_PORTION,)):
            self._listed += listed
            self._portions.put((first, last))
        self.help(session)

    def help(self, session: Session) -> None:
        """Read what is left; nothing where it is not known yet what there is."""
        with suppress(Empty):
            while True:
                self.standings |= read_standings(session, *self._portions.get_nowait())

    def hidden(self, session: Session) -> int:
        """How many sequences the role may not read; asked when all have read."""
        return int(session.fetch(_HIDDEN)[0][0]) if len(self.standings) < self._listed else 0


class SequenceObserver(Quiet):
    """Reads at the end of the pass the sequences that the stage locked.

    One that moves is locked until the end of the transaction, even where an exception was caught.

    Args:
        at_begin: Where all of them stood.
    """

    def __init__(self, at_begin: Mapping[int, Standing]) -> None:
        self.at_begin = at_begin
        self.at_end: Mapping[int, Position] = {}
        self.touched: set[int] = set()
        self.hidden = 0
        """How many the role may not read."""
        self._is_finished = False

    def again(self, witness: Session) -> SequenceObserver:
        """The observer of the next pass: what this one did not see locked still stands where it stood."""
        now = {oid: position.standing for oid, position in read_positions(witness, self.touched).items()}
        return SequenceObserver({**self.at_begin, **now})

    @property
    def limits(self) -> frozenset[str]:
        """How many sequences nobody showed us."""
        told = set()
        if self.hidden:
            told.add(
                f"The role may not read {self.hidden} of the sequences: whether they moved is not known."
            )
        if fresh := sum(last is None for last, _ in self.at_begin.values()):
            told.add(
                f"The role may not read where {fresh} of the sequences begin: whether they were set to another value "
                "before their first is not known."
            )
        return frozenset(told)

    def after(self, moment: Moment) -> Iterable[Observation]:
        """Remember what may have moved."""
        self.touched.update(lock.relation for lock in moment.held if lock.is_write)
        return ()

    def finish(self, moment: Moment) -> Iterable[Observation]:  # noqa: ARG002 - that it comes is enough
        """No step was missed."""
        self._is_finished = True
        return ()

    def end(self, witness: Session) -> Iterable[SequenceAdvanced]:
        """Read them again, and give those that moved."""
        self.at_end = read_positions(witness, self.touched if self._is_finished else None)
        for before, after in moved(self.at_begin, self.at_end):
            yield SequenceAdvanced(before.name, before.steps_to(after))
