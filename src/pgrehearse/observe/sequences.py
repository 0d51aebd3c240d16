"""Observe which sequences moved: they do not roll back, so an entry and an exit reading tell.

Takes the witness before and after the stage; gives `SequenceAdvanced`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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
SELECT c.oid::bigint
FROM pg_class AS c
WHERE c.oid = ANY(%s::oid[])
  AND has_table_privilege(c.oid, 'SELECT')
  AND has_schema_privilege(c.relnamespace, 'USAGE')
"""

_HIDDEN = """
SELECT count(*)
FROM pg_sequence AS s
WHERE NOT has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
"""

_TOGETHER = 40
"""Sequences that one query reads: past it, planning costs more than another round trip."""


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
    positions.update(_read_uncalled(session, [p for p in positions.values() if p.last is None]))
    return positions


def _read_uncalled(session: Session, uncalled: Sequence[Position]) -> Iterator[tuple[int, Position]]:
    """Read sequences that gave no value yet themselves, for no function of the server tells where they stand."""
    oids = [position.oid for position in uncalled]
    readable = {oid for (oid,) in session.fetch(_READABLE, (oids,))} if oids else set()
    asked = [position for position in uncalled if position.oid in readable]
    for some in (asked[i : i + _TOGETHER] for i in range(0, len(asked), _TOGETHER)):
        sql = " UNION ALL ".join(f"SELECT {p.oid}, last_value, is_called FROM {p.name}" for p in some)
        standing = {oid: (last, is_called) for oid, last, is_called in session.fetch(sql)}
        for position in some:
            last, is_called = standing[position.oid]
            yield position.oid, replace(position, last=last, is_called=is_called)


def moved(
    before: Mapping[int, Position], after: Mapping[int, Position]
) -> tuple[tuple[Position, Position], ...]:
    """The sequences that stand elsewhere than before, by name."""
    pairs = ((was, after.get(oid)) for oid, was in before.items())
    read_again = ((was, now) for was, now in pairs if now is not None and now is not was)
    elsewhere = (p for p in read_again if (p[0].last, p[0].is_called) != (p[1].last, p[1].is_called))
    return tuple(sorted(elsewhere, key=lambda p: p[0].name))


class SequenceObserver(Quiet):
    """Reads all positions once, and at the end of the pass those of the sequences that the stage locked.

    To read a sequence opens it, which costs more than all else in a database of many tables; and a sequence that moves
    is locked until the end of the transaction, even where an exception was caught. `stand` comes before the pass, so
    that it can be done where nobody waits for it. `earlier` is the observer of the pass before: what it did not see
    locked still stands where it read it.
    """

    def __init__(self, earlier: SequenceObserver | None = None) -> None:
        self.at_begin: dict[int, Position] = {}
        self.at_end: dict[int, Position] = {}
        self.touched: set[int] = set()
        self._earlier = earlier
        self._is_finished = False
        self._hidden = 0

    @property
    def limits(self) -> frozenset[str]:
        """How many sequences nobody showed us."""
        told = set()
        if self._hidden:
            told.add(
                f"The role may not read {self._hidden} of the sequences: whether they moved is not known."
            )
        if fresh := sum(position.last is None for position in self.at_begin.values()):
            told.add(
                f"The role may not read where {fresh} of the sequences begin: whether they were set to another value "
                "before their first is not known."
            )
        return frozenset(told)

    def stand(self, witness: Session) -> None:
        """Read where the sequences stand; nothing of the script may have run."""
        if self._earlier is None:
            self.at_begin = read_positions(witness)
            self._hidden = witness.fetch(_HIDDEN)[0][0]
        else:
            again = read_positions(witness, self._earlier.touched)
            self.at_begin = {**self._earlier.at_begin, **again}

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
        again = read_positions(witness, self.touched if self._is_finished else None)
        self.at_end = {**self.at_begin, **again}
        for before, after in moved(self.at_begin, self.at_end):
            yield SequenceAdvanced(before.name, before.steps_to(after))
