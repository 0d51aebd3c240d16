"""Observe which sequences moved: they do not roll back, so an entry and an exit reading tell.

Takes the witness before and after the stage; gives `SequenceAdvanced`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pgrehearse.observe.observation import SequenceAdvanced
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.pg.session import Session

_POSITIONS = """
SELECT s.seqrelid::bigint, format('%I.%I', n.nspname, c.relname), pg_sequence_last_value(s.seqrelid), s.seqincrement,
       s.seqstart
FROM pg_sequence AS s
JOIN pg_class AS c ON c.oid = s.seqrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't'
  AND has_sequence_privilege(s.seqrelid, 'SELECT, USAGE')
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


def read_positions(session: Session) -> dict[int, Position]:
    """Where every sequence stands that the session may read, by oid."""
    return {row[0]: Position(*row) for row in session.fetch(_POSITIONS)}


def moved(
    before: Mapping[int, Position], after: Mapping[int, Position]
) -> tuple[tuple[Position, Position], ...]:
    """The sequences that stand elsewhere than before, by name."""
    pairs = ((position, after[oid]) for oid, position in before.items() if oid in after)
    return tuple(sorted((p for p in pairs if p[0].last != p[1].last), key=lambda p: p[0].name))


class SequenceObserver(Quiet):
    """Reads all positions at the beginning and at the end of the pass."""

    def __init__(self) -> None:
        self.at_begin: dict[int, Position] = {}
        self.at_end: dict[int, Position] = {}

    def begin(self, moment: Moment) -> None:
        """Read where the sequences stand."""
        self.at_begin = read_positions(moment.witness)

    def end(self, witness: Session) -> Iterable[SequenceAdvanced]:
        """Read them again, and give those that moved."""
        self.at_end = read_positions(witness)
        for before, after in moved(self.at_begin, self.at_end):
            yield SequenceAdvanced(before.name, before.steps_to(after))
