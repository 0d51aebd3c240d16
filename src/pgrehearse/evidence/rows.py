"""Rows by table: what the change would have left, or what the server's counters saw attempted.

Takes observations of rows; gives one sorted entry a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from pgrehearse.evidence.document import RowsEffect, Share
from pgrehearse.observe.observation import RowsChanged, RowsCounted


def net_rows(changes: Iterable[RowsChanged], split_by: Mapping[str, str]) -> tuple[RowsEffect, ...]:
    """Sum what the probes told; rows lost to TRUNCATE are in `deleted`, and their table is `truncated`."""
    rows: Counter[tuple[str, str]] = Counter()
    shares: dict[str, Counter[tuple[str, str | None]]] = {}
    for change in changes:
        rows[change.table, change.operation] += change.rows
        for value, count in change.groups:
            shares.setdefault(change.table, Counter())[change.operation, value] += count
    effects = (
        RowsEffect(
            table=table,
            inserted=rows[table, "INSERT"],
            updated=rows[table, "UPDATE"],
            deleted=rows[table, "DELETE"] + rows[table, "TRUNCATE"],
            truncated=(table, "TRUNCATE") in rows,
            split_by=split_by.get(table, "") if table in shares else "",
            split=_split(shares.get(table, Counter())),
        )
        for table in sorted({table for table, _ in rows})
    )
    return tuple(effect for effect in effects if _is_change(effect))


def counted_rows(counts: Iterable[RowsCounted]) -> tuple[RowsEffect, ...]:
    """Sum what the counters told, segment by segment."""
    rows: Counter[tuple[str, str]] = Counter()
    for count in counts:
        rows[count.table, "inserted"] += count.inserted
        rows[count.table, "updated"] += count.updated
        rows[count.table, "deleted"] += count.deleted
    effects = (
        RowsEffect(
            table=table,
            inserted=rows[table, "inserted"],
            updated=rows[table, "updated"],
            deleted=rows[table, "deleted"],
            truncated=False,
        )
        for table in sorted({table for table, _ in rows})
    )
    return tuple(effect for effect in effects if _is_change(effect))


def _is_change(effect: RowsEffect) -> bool:
    return bool(effect.inserted or effect.updated or effect.deleted or effect.truncated)


def _split(shares: Counter[tuple[str, str | None]]) -> tuple[Share, ...]:
    ordered = sorted(shares, key=lambda key: (key[0], key[1] is not None, key[1] or ""))
    return tuple(Share(operation, value, shares[operation, value]) for operation, value in ordered)
