"""The effects of a change in Markdown, a table a kind.

Takes a document and how far to fold it; gives lines of a page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from pgrehearse.evidence.document import Document, RowsEffect
from pgrehearse.report.amounts import count_text, duration_text, folded
from pgrehearse.report.costs import costly_steps, costs_text
from pgrehearse.report.locks import stopped_by, strongest_locks
from pgrehearse.report.markdown_text import block, cell, code, table
from pgrehearse.report.places import Places
from pgrehearse.report.wording import grouped_messages, no_rows_text, rows_total, severity_counts, split_text

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Fold:
    """How much of a document a page shows: entries of a list, characters of a text."""

    entries: int
    characters: int

    def shown(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return the entries that are shown."""
        return folded(items, self.entries)[0]

    def rest(self, items: Sequence[Item]) -> list[str]:
        """Return the note on the entries that are not shown; none where all are."""
        left_out = folded(items, self.entries)[1]
        return [f"… and {left_out:,} more, which the document itself has.", ""] if left_out else []

    def code(self, text: str) -> str:
        """Return `text` as a code span."""
        return code(text, keep=self.characters)

    def cell(self, text: str) -> str:
        """Return `text` for a cell of a table."""
        return cell(text, keep=self.characters)


FOLDS: Final = (Fold(400, 4_000), Fold(120, 1_000), Fold(40, 400), Fold(12, 200), Fold(3, 80))
"""From a page that shows nearly all to one that fits whatever the document holds."""


def _rows(document: Document, fold: Fold) -> list[str]:
    rows = document.effects.rows
    if not rows:
        return ["## Rows", "", f"{no_rows_text(document).capitalize()}.", ""]
    return [
        "## Rows",
        "",
        f"{count_text(len(rows), 'table')}, {rows_total(rows) or 'emptied'}.",
        *table(
            ("table", "", "inserted", "updated", "deleted"),
            [
                (
                    fold.cell(row.table),
                    _remark(row, fold),
                    f"{row.inserted:,}",
                    f"{row.updated:,}",
                    f"{row.deleted:,}",
                )
                for row in fold.shown(rows)
            ],
            right=3,
        ),
        *fold.rest(rows),
    ]


def _remark(row: RowsEffect, fold: Fold) -> str:
    truncated = "truncated" if row.truncated else ""
    split = fold.cell(split_text(row)) if row.split else ""
    return "; ".join(filter(None, (truncated, split)))


def _values(document: Document, fold: Fold) -> list[str]:
    values = document.effects.values
    if not values:
        return []
    rows = [
        tuple(fold.cell("NULL" if text is None else text) for text in (v.name, v.before, v.inside, v.after))
        for v in fold.shown(values)
    ]
    return ["## Values", *table(("value", "before", "inside", "after"), rows), *fold.rest(values)]


def _messages(document: Document, fold: Fold) -> list[str]:
    messages = document.effects.messages
    if not messages:
        return ["## Messages", "", "None.", ""]
    places = Places(document)
    groups = grouped_messages(messages)
    lines = ["## Messages", "", fold.code(severity_counts(messages)), ""]
    for message, times in fold.shown(groups):
        often = f", {times:,} times" if times > 1 else ""
        head = f"{message.severity} {message.sqlstate} at {places.of(message.step)}{often}"
        parts = (message.text, *_labelled(DETAIL=message.detail, HINT=message.hint))
        lines += [fold.code(head), "", block("\n".join(parts), keep=fold.characters), ""]
    return lines + fold.rest(groups)


def _labelled(**texts: str) -> list[str]:
    return [f"{label}: {text}" for label, text in texts.items() if text]


def _notifications(document: Document, fold: Fold) -> list[str]:
    notifications = document.effects.notifications
    if not notifications:
        return ["## Notifications", "", "None.", ""]
    places = Places(document)
    rows = [
        (
            fold.cell(one.channel),
            "not known" if one.payload is None else fold.cell(one.payload),
            fold.cell(places.of(one.step)),
            f"{one.count:,}",
        )
        for one in fold.shown(notifications)
    ]
    return [
        "## Notifications",
        *table(("channel", "payload", "at", "calls"), rows, right=1),
        *fold.rest(notifications),
    ]


def _sequences(document: Document, fold: Fold) -> list[str]:
    sequences = document.effects.sequences
    if not sequences:
        return []
    rows = [(fold.cell(one.sequence), f"{one.advanced_by:+,}") for one in fold.shown(sequences)]
    return ["## Sequences", *table(("sequence", "advanced by"), rows, right=1), *fold.rest(sequences)]


def _locks(document: Document, fold: Fold) -> list[str]:
    locks = strongest_locks(document.effects.locks)
    if not locks:
        return []
    places = Places(document)
    rows = [
        (fold.cell(lock.relation), fold.cell(lock.mode), fold.cell(places.of(lock.step)), stopped_by(lock))
        for lock in fold.shown(locks)
    ]
    header = ("relation", "strongest lock", "at", "stops")
    return ["## Locks", *table(header, rows), *fold.rest(locks)]


def _schema(document: Document, fold: Fold) -> list[str]:
    changes = document.effects.schema
    if not changes:
        return []
    places = Places(document)
    rows = [
        (
            fold.cell(f"{one.action} {one.type}"),
            fold.cell(one.object),
            fold.cell(places.of(one.step)),
            fold.cell(one.detail),
        )
        for one in fold.shown(changes)
    ]
    return ["## Schema", *table(("change", "object", "at", "detail"), rows), *fold.rest(changes)]


def _escapes(document: Document, fold: Fold) -> list[str]:
    escapes = document.effects.escapes
    if not escapes:
        return []
    places = Places(document)
    rows = [
        tuple(map(fold.cell, (one.kind, one.object, places.of(one.step), one.detail)))
        for one in fold.shown(escapes)
    ]
    return [
        "## Escapes",
        "",
        "Effects beyond the transaction's reach.",
        *table(("kind", "object", "at", "detail"), rows),
        *fold.rest(escapes),
    ]


def _causes(document: Document, fold: Fold) -> list[str]:
    causes = document.effects.causes
    if not causes:
        return []
    places = Places(document)
    rows = [
        (
            fold.cell(one.table),
            fold.cell(one.operation),
            fold.cell(places.of(one.step)),
            fold.cell(" > ".join(one.path) or "the statement itself"),
            f"{one.rows:,}",
        )
        for one in fold.shown(causes)
    ]
    header = ("table", "operation", "at", "because of", "rows")
    return ["## Causes", *table(header, rows, right=1), *fold.rest(causes)]


def _triggers(document: Document, fold: Fold) -> list[str]:
    triggers = document.effects.triggers
    if not triggers:
        return []
    rows = [
        (*map(fold.cell, (one.table, one.trigger, one.function)), f"{one.calls:,}")
        for one in fold.shown(triggers)
    ]
    header = ("table", "trigger", "function", "calls")
    return ["## Triggers", *table(header, rows, right=1), *fold.rest(triggers)]


def _functions(document: Document, fold: Fold) -> list[str]:
    functions = sorted(document.effects.functions, key=lambda one: (-one.total_ms, one.function))
    if not functions:
        return []
    rows = [
        (fold.cell(one.function), f"{one.calls:,}", duration_text(one.total_ms))
        for one in fold.shown(functions)
    ]
    return ["## Functions", *table(("function", "calls", "time"), rows, right=2), *fold.rest(functions)]


def _costs(document: Document, fold: Fold) -> list[str]:
    costly = costly_steps(document.steps)
    if not costly:
        return []
    places = Places(document)
    rows = [
        (fold.cell(places.of(step.n)), costs_text([cost]), duration_text(step.duration_ms))
        for step, cost in fold.shown(costly)
    ]
    total = costs_text(step.cost for step in document.steps if step.cost)
    header = ("at", "cost", "time")
    return ["## Costs", "", f"{total}.", *table(header, rows, right=1), *fold.rest(costly)]


SECTIONS: Final[tuple[Callable[[Document, Fold], list[str]], ...]] = (
    _rows,
    _values,
    _messages,
    _notifications,
    _sequences,
    _locks,
    _schema,
    _escapes,
    _causes,
    _triggers,
    _functions,
    _costs,
)
"""The kinds of effect in the order of a page; a new kind is one function and one line here."""
