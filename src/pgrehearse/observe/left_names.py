"""What relations are called in the end: the change may rename a table after it has changed its rows.

Takes the names at the end of each segment and at the beginning of the next; gives the name that a table is left with.
Where a rollback took a segment back, its own last names count, for they are what the script saw.
"""

from __future__ import annotations

from pgrehearse.observe.observer import Moment
from pgrehearse.observe.probe_setup import ProbeSetup

Names = dict[int, str]


class LeftNames:
    """The names of one pass, by segment."""

    def __init__(self) -> None:
        self._at_end: dict[int, Names] = {}
        self._after: dict[int, Names] = {}
        self._last: Names = {}
        self._ended = 0

    def end_segment(self, moment: Moment, setup: ProbeSetup) -> None:
        """Note the names that the segment leaves, if it is not undone."""
        last = {oid: relation.name for oid, relation in setup.relations.items() if oid not in self._last}
        self._last = {**self._last, **last, **setup.names_now(moment.session)}
        self._at_end[moment.segment] = self._last
        self._ended = moment.segment

    def begin_segment(self, moment: Moment, setup: ProbeSetup) -> None:
        """Note what is left of the segment before."""
        if self._ended:
            now = setup.names_now(moment.session)
            self._after[self._ended] = now
            self._last = self._last | now
            self._ended = 0

    def of(self, oid: int, segment: int) -> str:
        """What the relation is called in the end, or was called last, seen from `segment`."""
        name = self._at_end[segment][oid]
        is_undone = self._after.get(segment, {}).get(oid, "") != name
        return name if is_undone else self._last[oid]
