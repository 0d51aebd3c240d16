"""Both passes did the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from pgrehearse.check.check import Case, Check
from pgrehearse.check.finding import Word
from pgrehearse.observe.observation import RowsCounted
from pgrehearse.stage.transcript import PassRecord


def _examine(case: Case) -> Iterator[str]:
    if len(case.transcript.passes) < 2 or any(record.broken for record in case.transcript.passes):
        return
    first, second = case.transcript.passes[:2]
    for one, other in zip_longest(first.steps, second.steps):
        if one is None or other is None:
            yield f"pass 1 took {len(first.steps)} steps, pass 2 {len(second.steps)}"
            return
        if (one.state, one.tag) != (other.state, other.tag):
            yield f"{one.location}: {one.tag or one.state.value} in pass 1, {other.tag or other.state.value} in pass 2"
    yield from _counters(first, second)


def _counters(first: PassRecord, second: PassRecord) -> Iterator[str]:
    one, other = (_sums(record) for record in (first, second))
    for table in sorted(one.keys() | other.keys()):
        a, b = one.get(table, (0, 0, 0)), other.get(table, (0, 0, 0))
        if a != b:
            yield f"{table}: {_words(a)} in pass 1, {_words(b)} in pass 2"


def _sums(record: PassRecord) -> dict[str, tuple[int, int, int]]:
    sums: dict[str, tuple[int, int, int]] = {}
    for o in record.observations:
        if isinstance(o, RowsCounted):
            i, u, d = sums.get(o.table, (0, 0, 0))
            sums[o.table] = (i + o.inserted, u + o.updated, d + o.deleted)
    return sums


def _words(counts: tuple[int, int, int]) -> str:
    return f"{counts[0]} inserted, {counts[1]} updated, {counts[2]} deleted"


CHECK = Check(
    id="passes-agree",
    title="Both passes did the same",
    word=Word.INCONCLUSIVE,
    condition="The same script gave other states of steps, command tags or row counters in its second pass.",
    effect="The change depends on chance, on the clock or on sequences: the next run may do something else again.",
    remedy="Take what differs out of the change, or rehearse with --passes 1 and judge the counters alone.",
    examine=_examine,
)
