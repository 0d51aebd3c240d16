"""What the observations amount to: the effects of the change.

Takes the passes with their observations; gives `Effects`, sorted, and the limits of what they could tell. The
probed pass tells rows, causes and triggers, for its numbers are net; the clean pass tells all else, for
nothing was added to the database there. What belongs to a segment counts where the segment counts; messages
and locks count in all of them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from pgrehearse.evidence import document as doc
from pgrehearse.observe.held import WRITE_MODES
from pgrehearse.observe.lock_modes import blocked_by
from pgrehearse.observe.observation import (
    ColumnChanged,
    EscapeFound,
    FunctionCalled,
    LockTaken,
    MessageReceived,
    Notified,
    RowSampled,
    RowsChanged,
    SchemaChanged,
    SequenceAdvanced,
    TriggerFired,
    ValueRead,
)
from pgrehearse.stage.net import TableRows, is_net, net_pass, of_counted, table_rows
from pgrehearse.stage.transcript import PassRecord

_ATTEMPTED = (
    "The rows are those that the server's counters saw attempted: rows undone by savepoints and caught "
    "exceptions are counted; rows lost to TRUNCATE, DROP and rewriting ALTERs, and those of foreign tables, are not; "
    "and no cause is known."
)

Fact = TypeVar("Fact", EscapeFound, LockTaken, MessageReceived, SequenceAdvanced, ValueRead)


def effects_of(
    passes: tuple[PassRecord, ...], *, split_by: Mapping[str, str]
) -> tuple[doc.Effects, tuple[str, ...]]:
    """Return the effects, and sentences on what they cannot tell.

    Args:
        passes: The clean pass first; a probed pass that broke is not counted from.
        split_by: Per table the column that `RowsChanged.groups` were counted by.
    """
    clean, net = passes[:1], net_pass(passes)
    first = passes[0] if passes else None
    rows = table_rows(passes)
    effects = doc.Effects(
        rows=tuple(_rows(one, split_by) for one in rows),
        causes=_causes(of_counted(passes, net, RowsChanged)),
        triggers=_triggers(of_counted(passes, net, TriggerFired)),
        functions=_functions(of_counted(passes, first, FunctionCalled)),
        notifications=_notifications(of_counted(passes, first, Notified)),
        locks=_locks(lock for lock in _of(clean, LockTaken) if not lock.is_brief),
        sequences=_sequences(_of(clean, SequenceAdvanced)),
        schema=_schema(of_counted(passes, first, SchemaChanged)),
        messages=_messages(_of(clean, MessageReceived)),
        escapes=_escapes(_of(passes, EscapeFound)),
        values=_values(_of(passes, ValueRead)),
    )
    may_have_written = rows or any(lock.mode in WRITE_MODES for lock in _of(clean, LockTaken))
    return effects, (_ATTEMPTED,) if may_have_written and not is_net(net) else ()


def _rows(rows: TableRows, split_by: Mapping[str, str]) -> doc.RowsEffect:
    return doc.RowsEffect(
        table=rows.table,
        inserted=rows.inserted,
        updated=rows.updated,
        deleted=rows.deleted,
        truncated=rows.truncated,
        split_by=split_by.get(rows.table, "") if rows.shares else "",
        split=tuple(doc.Share(*share) for share in rows.shares),
    )


def _of(passes: Iterable[PassRecord], kind: type[Fact]) -> Iterator[Fact]:
    for record in passes:
        yield from (o for o in record.observations if isinstance(o, kind))


def _causes(changes: Iterable[RowsChanged]) -> tuple[doc.Cause, ...]:
    rows: Counter[tuple[str, str, int, tuple[str, ...]]] = Counter()
    for change in changes:
        if change.rows or change.operation == "TRUNCATE":
            rows[change.table, change.operation, change.step, change.path] += change.rows
    return tuple(
        doc.Cause(table, operation, rows[table, operation, step, path], step, path)
        for table, operation, step, path in sorted(rows)
    )


def _triggers(fired: Iterable[TriggerFired]) -> tuple[doc.TriggerEffect, ...]:
    calls: Counter[tuple[str, str, str]] = Counter()
    for one in fired:
        calls[one.table, one.trigger, one.function] += one.calls
    return tuple(doc.TriggerEffect(*key, calls[key]) for key in sorted(calls) if calls[key])


def _functions(called: Iterable[FunctionCalled]) -> tuple[doc.FunctionEffect, ...]:
    calls: Counter[str] = Counter()
    total_ms: dict[str, float] = defaultdict(float)
    for one in called:
        calls[one.function] += one.calls
        total_ms[one.function] += one.total_ms
    return tuple(doc.FunctionEffect(name, calls[name], round(total_ms[name], 3)) for name in sorted(calls))


def _notifications(notified: Iterable[Notified]) -> tuple[doc.Notification, ...]:
    calls: Counter[tuple[str, str | None, int]] = Counter()
    contexts: dict[tuple[str, str | None, int], set[str]] = defaultdict(set)
    for one in notified:
        key = (one.channel, one.payload, one.step)
        calls[key] += 1
        contexts[key] |= {one.context} - {""}
    return tuple(
        doc.Notification(
            channel,
            payload,
            calls[channel, payload, step],
            step,
            tuple(sorted(contexts[channel, payload, step])),
        )
        for channel, payload, step in sorted(calls, key=lambda k: (k[0], k[1] is not None, k[1] or "", k[2]))
    )


def samples_of(passes: tuple[PassRecord, ...]) -> tuple[doc.Sample, ...]:
    """Return the rows that were sampled in the segments that count, by table, operation and step."""
    sampled = sorted(
        of_counted(passes, net_pass(passes), RowSampled), key=lambda s: (s.table, s.operation, s.step)
    )
    return tuple(doc.Sample(s.table, s.operation, s.step, _row(s.old), _row(s.new)) for s in sampled)


def _row(text: str | None) -> dict[str, object] | None:
    return None if text is None else msgspec.json.decode(text, type=dict[str, object])


def columns_of(passes: tuple[PassRecord, ...]) -> tuple[doc.ColumnEffect, ...]:
    """Return the columns that changed in the segments that count."""
    rows: Counter[tuple[str, str]] = Counter()
    for changed in of_counted(passes, net_pass(passes), ColumnChanged):
        rows[changed.table, changed.column] += changed.rows
    return tuple(doc.ColumnEffect(table, column, rows[table, column]) for table, column in sorted(rows))


def brief_locks_of(passes: tuple[PassRecord, ...]) -> tuple[doc.Lock, ...]:
    """Return the locks that were gone when their statement ended and are not among those that were held longer."""
    taken = tuple(_of(passes[:1], LockTaken))
    lasting = {(lock.relation, lock.mode) for lock in taken if not lock.is_brief}
    return _locks(lock for lock in taken if lock.is_brief and (lock.relation, lock.mode) not in lasting)


def _locks(taken: Iterable[LockTaken]) -> tuple[doc.Lock, ...]:
    first: dict[tuple[str, str], int] = {}
    longest: dict[tuple[str, str], float] = defaultdict(float)
    for lock in taken:
        key = (lock.relation, lock.mode)
        first[key] = min(lock.step, first.get(key, lock.step))
        longest[key] = max(longest[key], lock.held_ms)
    return tuple(
        doc.Lock(
            relation, mode, first[relation, mode], round(longest[relation, mode], 3), _blocked(relation, mode)
        )
        for relation, mode in sorted(first)
    )


def _blocked(relation: str, mode: str) -> tuple[str, ...]:
    """What the lock blocks; one on something else than a relation blocks those who ask for the same."""
    return () if " " in relation.partition('"')[0] else blocked_by(mode)


def _sequences(advanced: Iterable[SequenceAdvanced]) -> tuple[doc.SequenceEffect, ...]:
    by: Counter[str] = Counter()
    for one in advanced:
        by[one.sequence] += one.advanced_by
    return tuple(doc.SequenceEffect(name, by[name]) for name in sorted(by))


def _schema(changed: Iterable[SchemaChanged]) -> tuple[doc.SchemaEffect, ...]:
    entries = {(c.object, c.type, c.step, c.action, c.detail) for c in changed}
    return tuple(
        doc.SchemaEffect(action, kind, name, step, detail)
        for name, kind, step, action, detail in sorted(entries)
    )


def _messages(received: Iterable[MessageReceived]) -> tuple[doc.Message, ...]:
    """Messages of one step stay in the order in which the server sent them."""
    return tuple(
        doc.Message(m.severity, m.sqlstate, m.text, m.step, m.detail, m.hint, m.context)
        for m in sorted(received, key=lambda m: m.step)
    )


def _escapes(found: Iterable[EscapeFound]) -> tuple[doc.Escape, ...]:
    entries = {(e.kind, e.object, e.step, e.detail) for e in found}
    return tuple(doc.Escape(*entry) for entry in sorted(entries))


def _values(read: Iterable[ValueRead]) -> tuple[doc.ValueEffect, ...]:
    moments: dict[str, dict[str, str | None]] = defaultdict(dict)
    for one in read:
        moments[one.name][one.moment] = one.value
    return tuple(
        doc.ValueEffect(name, *(moments[name].get(moment) for moment in ("before", "inside", "after")))
        for name in sorted(moments)
    )
