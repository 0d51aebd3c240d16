"""Observe which sequences moved: they do not roll back, so an entry and an exit reading tell.

Takes the witness before and after the stage; gives `SequenceAdvanced`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pgrehearse.observe.observation import Observation, SequenceAdvanced
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.pg.session import Session

_POSITIONS = """
SELECT s.seqrelid::bigint, format('%%I.%%I', n.nspname, c.relname), pg_sequence_last_value(s.seqrelid), s.seqincrement,
       s.seqstart
FROM pg_sequence AS s
JOIN pg_class AS c ON c.oid = s.seqrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't'
  AND has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
"""

_OF_THESE = "  AND s.seqrelid = ANY(%s::oid[])"

_HIDDEN = """
SELECT count(*)
FROM pg_sequence AS s
WHERE NOT has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
"""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a sequence stands. `last` is None before its first value."""

    oid: int
    name: str
    last: int | None
    increment: int
    start: int

    def steps_to(self, later: Position) -> int:
        """How many values lie between this reading and a `later` one; negative where it was set back."""
        before = self.start - self.increment if self.last is None else self.last
        after = self.start - self.increment if later.last is None else later.last
        return (after - before) // self.increment


def read_positions(session: Session, oids: Iterable[int] | None = None) -> dict[int, Position]:
    """Where every sequence stands that the session may read, by oid; of `oids`, those that are sequences."""
    if oids is None:
        rows = session.fetch(_POSITIONS.replace("%%", "%"))
    else:
        wanted = sorted(oids)
        rows = session.fetch(_POSITIONS + _OF_THESE, (wanted,)) if wanted else []
    return {row[0]: Position(*row) for row in rows}


def moved(
    before: Mapping[int, Position], after: Mapping[int, Position]
) -> tuple[tuple[Position, Position], ...]:
    """The sequences that stand elsewhere than before, by name."""
    pairs = ((position, after[oid]) for oid, position in before.items() if oid in after)
    return tuple(sorted((p for p in pairs if p[0].last != p[1].last), key=lambda p: p[0].name))


class SequenceObserver(Quiet):
    """Reads all positions once, and at the end of the pass those of the sequences that the stage locked.

    To read a sequence opens it, which costs more than all else in a database of many tables; and a sequence that moves
    is locked until the end of the transaction, even where an exception was caught. `earlier` is the observer of the
    pass before: what it did not see locked still stands where it read it.
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
        text = f"The role may not read {self._hidden} of the sequences: whether they moved is not known."
        return frozenset({text} if self._hidden else ())

    def begin(self, moment: Moment) -> None:
        """Read where the sequences stand."""
        if self._earlier is None:
            self.at_begin = read_positions(moment.witness)
            self._hidden = moment.witness.fetch(_HIDDEN)[0][0]
        else:
            again = read_positions(moment.witness, self._earlier.touched)
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
