"""Which observations are the effects of the change, and what they amount to by table.

Takes the passes; gives sums. The probed pass tells rows, for its numbers are net; where there is none, the counters of
the clean pass tell what was attempted. What belongs to a segment counts where the segment counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pgrehearse.observe.observation import (
    ColumnChanged,
    FunctionCalled,
    Notified,
    RowSampled,
    RowsChanged,
    RowsCounted,
    SchemaChanged,
    TriggerFired,
)
from pgrehearse.stage.transcript import PassRecord, SegmentEnd

InSegment = TypeVar(
    "InSegment",
    RowsChanged,
    RowsCounted,
    RowSampled,
    ColumnChanged,
    TriggerFired,
    FunctionCalled,
    Notified,
    SchemaChanged,
)


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows of one table by operation; those lost to TRUNCATE are in `deleted`. `shares`: operation, value, rows."""

    table: str
    inserted: int
    updated: int
    deleted: int
    truncated: bool = False
    shares: tuple[tuple[str, str | None, int], ...] = ()


def net_pass(passes: Sequence[PassRecord]) -> PassRecord | None:
    """The pass whose rows count: the probed one where it came to its end, else the clean one."""
    sound = [record for record in passes[1:] if not record.broken] or passes[:1]
    return sound[0] if sound else None


def is_net(record: PassRecord | None) -> bool:
    """Whether the rows of the pass were told by probes."""
    return record is not None and record.number > 1


def counted_segments(passes: Sequence[PassRecord]) -> frozenset[int]:
    """The segments whose effects are the effects of the change.

    Those that the script commits; or, where it commits no change (a rehearsal script, which ends its own transaction
    with ROLLBACK), those that it rolled back itself, as they stood at that moment.
    """
    net = net_pass(passes)
    if net is None:
        return frozenset()
    committed = frozenset(s.n for s in net.segments if s.end is SegmentEnd.COMMITTED)
    if committed & _changing_segments(passes[0], net):
        return committed
    return frozenset(s.n for s in net.segments if s.end is not SegmentEnd.FAILED)


def _changing_segments(clean: PassRecord, net: PassRecord) -> frozenset[int]:
    rows = RowsChanged if is_net(net) else RowsCounted
    changed = {o.segment for o in net.observations if isinstance(o, rows)}
    sent = {o.segment for o in clean.observations if isinstance(o, Notified | SchemaChanged)}
    return frozenset(changed | sent)


def of_counted(
    passes: Sequence[PassRecord], record: PassRecord | None, kind: type[InSegment]
) -> Iterator[InSegment]:
    """The observations of `kind` that `record` holds in the segments that count, and those of no segment."""
    if record is None:
        return
    counted = counted_segments(passes) | {0}
    for observation in record.observations:
        if isinstance(observation, kind) and observation.segment in counted:
            yield observation


def table_rows(passes: Sequence[PassRecord]) -> tuple[TableRows, ...]:
    """Rows by table, sorted; tables without a change are left out."""
    record = net_pass(passes)
    if is_net(record):
        return _summed(of_counted(passes, record, RowsChanged))
    return _counted(of_counted(passes, record, RowsCounted))


def _summed(changes: Iterable[RowsChanged]) -> tuple[TableRows, ...]:
    rows: Counter[tuple[str, str]] = Counter()
    shares: dict[str, Counter[tuple[str, str | None]]] = {}
    for change in changes:
        rows[change.table, change.operation] += change.rows
        for value, count in change.groups:
            shares.setdefault(change.table, Counter())[change.operation, value] += count
    summed = (
        TableRows(
            table,
            rows[table, "INSERT"],
            rows[table, "UPDATE"],
            rows[table, "DELETE"] + rows[table, "TRUNCATE"],
            (table, "TRUNCATE") in rows,
            _ordered(shares.get(table, Counter())),
        )
        for table in sorted({table for table, _ in rows})
    )
    return tuple(one for one in summed if one.inserted or one.updated or one.deleted or one.truncated)


def _ordered(shares: Counter[tuple[str, str | None]]) -> tuple[tuple[str, str | None, int], ...]:
    keys = sorted(shares, key=lambda key: (key[0], key[1] is not None, key[1] or ""))
    return tuple((operation, value, shares[operation, value]) for operation, value in keys)


def _counted(counts: Iterable[RowsCounted]) -> tuple[TableRows, ...]:
    rows: dict[str, list[int]] = {}
    for count in counts:
        sums = rows.setdefault(count.table, [0, 0, 0])
        for i, n in enumerate((count.inserted, count.updated, count.deleted)):
            sums[i] += n
    return tuple(TableRows(table, i, u, d) for table, (i, u, d) in sorted(rows.items()) if i or u or d)
