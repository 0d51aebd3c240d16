"""The effects of a change on a terminal, a section a kind.

Takes a document and the ink to write with; gives lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from pgrehearse.evidence.document import Document, Notification, RowsEffect, ValueEffect
from pgrehearse.report.amounts import count_text, duration_text, folded
from pgrehearse.report.costs import costly_steps, costs_text
from pgrehearse.report.ink import Ink
from pgrehearse.report.locks import is_exclusive, stopped_by, strongest_locks
from pgrehearse.report.places import Places
from pgrehearse.report.visible import visible
from pgrehearse.report.wording import grouped_messages, no_rows_text, rows_total, severity_counts, split_text

_KEEP = 12
_KEEP_ROWS = 40
_KEEP_FUNCTIONS = 6
_KEEP_COSTS = 6
_SCHEMA_SIGN = {"create": "+", "alter": "~", "drop": "-"}


def _rows(document: Document, ink: Ink) -> list[str]:
    rows = document.effects.rows
    if not rows:
        return [*ink.heading("Rows", no_rows_text(document), "dim"), *_counted(document, ink)]
    lines = ink.heading("Rows", f"{count_text(len(rows), 'table')}, {rows_total(rows) or 'emptied'}")
    lines += _counted(document, ink)
    shown, left_out = folded(rows, _KEEP_ROWS)
    header, *entries = ink.table(
        [("", "inserted", "updated", "deleted"), *(_amounts(row, ink) for row in shown)], right=3
    )
    lines += [ink.paint(line, "dim") for line in header]
    for row, entry in zip(shown, entries, strict=True):
        lines += entry
        lines += [ink.paint("    truncated", "yellow")] if row.truncated else []
        lines += ink.wrapped(visible(split_text(row)), indent=6, first=4, style="dim") if row.split else []
    return lines + ink.rest(left_out)


def _counted(document: Document, ink: Ink) -> list[str]:
    counted = document.rehearsal.counted
    return ink.wrapped(visible(counted), indent=2, style="dim") if counted else []


def _amounts(row: RowsEffect, ink: Ink) -> tuple[str, ...]:
    amounts = (("+", row.inserted), ("~", row.updated), ("-", row.deleted))
    return visible(row.table), *(f"{sign}{n:,}" if n else ink.nothing for sign, n in amounts)


def _values(document: Document, ink: Ink) -> list[str]:
    values = document.effects.values
    if not values:
        return []
    changed = sum(value.before != value.inside for value in values)
    shown, left_out = folded(values, _KEEP)
    lines = ink.heading("Values", f"{changed} of {len(values)} changed inside")
    for entry in ink.table([(visible(value.name), _value(value, ink)) for value in shown]):
        lines += entry
    return lines + ink.rest(left_out)


def _value(value: ValueEffect, ink: Ink) -> str:
    before, inside, after = (
        "NULL" if v is None else visible(v) for v in (value.before, value.inside, value.after)
    )
    if before == inside == after:
        return f"{before}, unchanged"
    return f"{before} {ink.arrow} {inside} inside, {after} after"


def _messages(document: Document, ink: Ink) -> list[str]:
    messages = document.effects.messages
    if not messages:
        return ink.heading("Messages", "none", "dim")
    places = Places(document)
    shown, left_out = folded(grouped_messages(messages), _KEEP)
    lines = ink.heading("Messages", visible(severity_counts(messages)))
    for message, times in shown:
        often = f", {times:,} times" if times > 1 else ""
        head = visible(f"{message.severity} {message.sqlstate} at {places.of(message.step)}{often}")
        lines.append("  " + ink.paint(head, "yellow" if message.severity == "WARNING" else "dim"))
        for label, text in (("", message.text), ("DETAIL", message.detail), ("HINT", message.hint)):
            lines += ink.labelled(label, text)
    return lines + ink.rest(left_out)


def _notifications(document: Document, ink: Ink) -> list[str]:
    notifications = document.effects.notifications
    if not notifications:
        return ink.heading("Notifications", "none", "dim")
    places = Places(document)
    shown, left_out = folded(notifications, _KEEP)
    calls = count_text(sum(one.count for one in notifications), "call")
    lines = ink.heading("Notifications", f"{calls}, sent to nobody")
    for one in shown:
        lines += ink.item(_notification(one, places))
    return lines + ink.rest(left_out)


def _notification(one: Notification, places: Places) -> str:
    payload = "payload not known" if one.payload is None else f"payload {visible(one.payload)!r}"
    return f"{visible(one.channel)}: {count_text(one.count, 'call')} at {places.of(one.step)}, {payload}"


def _sequences(document: Document, ink: Ink) -> list[str]:
    sequences = document.effects.sequences
    if not sequences:
        return ink.heading("Sequences", "none moved", "dim")
    shown, left_out = folded(sequences, _KEEP)
    lines = ink.heading("Sequences", f"{len(sequences):,} moved; a rollback does not set them back")
    for entry in ink.table([(visible(one.sequence), f"{one.advanced_by:+,}") for one in shown], right=1):
        lines += entry
    return lines + ink.rest(left_out)


def _locks(document: Document, ink: Ink) -> list[str]:
    locks = strongest_locks(document.effects.locks)
    if not locks:
        return ink.heading("Locks", "none", "dim")
    places = Places(document)
    exclusive = sum(map(is_exclusive, locks))
    flag = f"; AccessExclusiveLock on {exclusive} of them" if exclusive else ""
    lines = ink.heading(
        "Locks", f"on {count_text(len(locks), 'object')}{flag}", "yellow" if exclusive else ""
    )
    shown, left_out = folded(locks, max(_KEEP, min(exclusive, _KEEP_ROWS)))
    entries = ink.table(
        [(visible(lock.relation), visible(lock.mode), places.of(lock.step)) for lock in shown]
    )
    for lock, entry in zip(shown, entries, strict=True):
        lines += [ink.paint(line, "yellow") for line in entry] if is_exclusive(lock) else entry
    heaviest = stopped_by(locks[0])
    if heaviest:
        lines += ink.wrapped(f"{locks[0].mode} stops {heaviest}, until the end.", indent=2, style="dim")
    lines += ink.rest(left_out)
    brief = sorted({lock.relation for lock in document.brief_locks if "INSERT" in lock.blocks})
    if brief:
        names = ", ".join(map(visible, brief[:_KEEP]))
        lines += ink.wrapped(f"seen to come and go within a statement, and stop writers: {names}", indent=2)
    return lines


def _samples(document: Document, ink: Ink) -> list[str]:
    if not document.samples:
        return []
    places = Places(document)
    lines = ink.heading("Rows shown", f"{count_text(len(document.samples), 'row')}, masked by policy")
    changed = sorted(document.columns, key=lambda one: (one.table, -one.rows, one.column))
    for one in changed:
        lines += ink.wrapped(
            visible(f"{one.table}.{one.column} changed in {count_text(one.rows, 'row')}"), indent=2
        )
    for sample in document.samples:
        lines += ink.wrapped(
            visible(f"{sample.operation} {sample.table} at {places.of(sample.step)}"), indent=2
        )
        for sign, row, other in (("-", sample.old, sample.new), ("+", sample.new, sample.old)):
            if row is not None:
                lines += ink.wrapped(visible(f"{sign} {_row_text(row, other)}"), indent=6, first=4)
    return lines


def _row_text(row: dict[str, object], other: dict[str, object] | None) -> str:
    """A row's values; of an UPDATE only those that are another in the `other` version."""
    shown = {k: v for k, v in row.items() if other is None or other.get(k) != v} or row
    return ", ".join(f"{column}: {json.dumps(value, ensure_ascii=False)}" for column, value in shown.items())


def _schema(document: Document, ink: Ink) -> list[str]:
    changes = document.effects.schema
    if not changes:
        return []
    places = Places(document)
    shown, left_out = folded(changes, _KEEP)
    lines = ink.heading("Schema", count_text(len(changes), "change"))
    for change in shown:
        detail = f": {change.detail}" if change.detail else ""
        text = f"{change.action} {change.type} {change.object} at {places.of(change.step)}{detail}"
        lines += ink.wrapped(f"{_SCHEMA_SIGN.get(change.action, '?')} {visible(text)}", indent=4, first=2)
    return lines + ink.rest(left_out)


def _escapes(document: Document, ink: Ink) -> list[str]:
    escapes = document.effects.escapes
    if not escapes:
        return []
    places = Places(document)
    shown, left_out = folded(escapes, _KEEP)
    count = count_text(len(escapes), "effect")
    lines = ink.heading("Escapes", f"{count} beyond the transaction's reach", "bold red")
    for escape in shown:
        detail = f": {escape.detail}" if escape.detail else ""
        lines += ink.item(visible(f"{escape.kind} {escape.object} at {places.of(escape.step)}{detail}"))
    return lines + ink.rest(left_out)


def _triggers(document: Document, ink: Ink) -> list[str]:
    triggers = document.effects.triggers
    if not triggers:
        return []
    shown, left_out = folded(triggers, _KEEP)
    lines = ink.heading("Triggers", f"{len(triggers):,} fired")
    rows = [(f"{visible(one.table)}: {visible(one.trigger)}", count_text(one.calls, "call")) for one in shown]
    for entry in ink.table(rows, right=1):
        lines += entry
    return lines + ink.rest(left_out)


def _functions(document: Document, ink: Ink) -> list[str]:
    functions = sorted(document.effects.functions, key=lambda one: (-one.total_ms, one.function))
    if not functions:
        return []
    shown, left_out = folded(functions, _KEEP_FUNCTIONS)
    lines = ink.heading("Functions", f"{len(functions):,} called, the slowest first")
    rows = [
        (visible(one.function), count_text(one.calls, "call"), duration_text(one.total_ms)) for one in shown
    ]
    for entry in ink.table(rows, right=2):
        lines += entry
    return lines + ink.rest(left_out)


def _costs(document: Document, ink: Ink) -> list[str]:
    costly = costly_steps(document.steps)
    if not costly:
        return []
    places = Places(document)
    shown, left_out = folded(costly, _KEEP_COSTS)
    lines = ink.heading("Costs", costs_text(step.cost for step in document.steps if step.cost))
    if len(costly) == 1 == sum(step.kind == "sql" for step in document.steps):
        return lines
    rows = [(places.of(step.n), duration_text(step.duration_ms), costs_text([cost])) for step, cost in shown]
    for entry in ink.table(rows):
        lines += entry
    return lines + ink.rest(left_out)


SECTIONS: Final[tuple[Callable[[Document, Ink], list[str]], ...]] = (
    _rows,
    _samples,
    _values,
    _messages,
    _notifications,
    _sequences,
    _locks,
    _schema,
    _escapes,
    _triggers,
    _functions,
    _costs,
)
"""The kinds of effect in the order of a report; a new kind is one function and one line here."""
