"""The plan file's expectations, compared with what was observed: exact, and one finding each.

Takes the transcript and the plan file; gives findings. What the plan cannot be compared with (a split or a value that a
single pass does not tell) fails as INCONCLUSIVE: unknown is not as expected.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TypeVar

from pgrehearse.check.check import Case
from pgrehearse.check.finding import Finding, Word
from pgrehearse.observe.observation import MessageReceived, Notified, SequenceAdvanced, ValueRead
from pgrehearse.plan.planfile import ExpectedMessage, ExpectedRows
from pgrehearse.stage.net import TableRows, is_net, net_pass, of_counted, table_rows
from pgrehearse.stage.transcript import PassRecord

Kind = TypeVar("Kind")

_GRAVE = ("WARNING", "ERROR")


def plan_findings(case: Case) -> Iterator[Finding]:
    """One finding for each expectation of the plan file, and for what it says must not be."""
    if not case.transcript.passes:
        return
    yield from _rows(case)
    yield from _sequences(case)
    yield from _messages(case)
    yield from _notifications(case)
    yield from _values(case)


def _finding(id_: str, name: str, expected: object, actual: object, *, word: Word = Word.NO_GO) -> Finding:
    return Finding(
        id=id_,
        name=name,
        expected=str(expected),
        actual=str(actual),
        passed=str(expected) == str(actual),
        source="plan",
        word=word,
        reason=f"{name}: expected {expected}, found {actual}",
    )


# Rows ----------------------------------------------------------------------------------------------------------------


def _rows(case: Case) -> Iterator[Finding]:
    found = {rows.table: rows for rows in table_rows(case.transcript.passes)}
    expected = case.plan.expect.rows
    for table, rows in expected.items():
        seen = found.get(table, TableRows(table, 0, 0, 0))
        yield _finding(f"rows:{table}", f"Rows of {table}", _counts(rows), _counts(seen))
        for column, values in rows.split.items():
            yield _split(case, seen, column, values)
    if case.plan.expect.everything_else == "unchanged":
        others = [f"{t}: {_counts(rows)}" for t, rows in found.items() if t not in expected]
        yield _finding(
            "rows:else", "Rows of every other table", "unchanged", "; ".join(others) or "unchanged"
        )


def _counts(rows: TableRows | ExpectedRows) -> str:
    return f"{rows.inserted} inserted, {rows.updated} updated, {rows.deleted} deleted"


def _split(case: Case, rows: TableRows, column: str, values: Mapping[str, int]) -> Finding:
    name = f"Rows of {rows.table} by {column}"
    id_ = f"rows:{rows.table}:{column}"
    expected = _shares(values)
    if not is_net(net_pass(case.transcript.passes)):
        return _finding(
            id_, name, expected, "not known: only the probed pass tells it", word=Word.INCONCLUSIVE
        )
    found: Counter[str] = Counter()
    for _, value, count in rows.shares:
        found["NULL" if value is None else value] += count
    return _finding(id_, name, expected, _shares(found))


def _shares(values: Mapping[str, int]) -> str:
    return ", ".join(f"{value} {count}" for value, count in sorted(values.items()) if count) or "none"


# Sequences, messages, notifications, values --------------------------------------------------------------------------


def _or_none_allowed(case: Case, expected: Kind | None, nothing: Kind) -> Kind | None:
    """What is expected of one kind of effect; nothing at all where the plan allows only what it lists."""
    return nothing if expected is None and case.plan.expect.everything_else == "unchanged" else expected


def _sequences(case: Case) -> Iterator[Finding]:
    found = {o.sequence: o.advanced_by for o in _of(case, SequenceAdvanced)}
    expected = _or_none_allowed(case, case.plan.expect.sequences, {})
    if expected is None:
        return
    for sequence, by in expected.items():
        yield _finding(f"sequence:{sequence}", f"Advance of {sequence}", by, found.get(sequence, 0))
    if case.plan.expect.everything_else == "unchanged":
        others = [f"{s} by {by}" for s, by in found.items() if s not in expected]
        yield _finding("sequence:else", "Every other sequence", "unmoved", ", ".join(others) or "unmoved")


def _messages(case: Case) -> Iterator[Finding]:
    expected = _or_none_allowed(case, case.plan.expect.messages, ())
    if expected is None:
        return
    heard = list(_of(case, MessageReceived))
    for i, message in enumerate(expected, 1):
        matching = [m for m in heard if _matches(message, m)]
        heard = [m for m in heard if m not in matching]
        what = message.text or message.matches or "any text"
        yield _finding(
            f"message:{i}", f"{message.severity}: {what}", f"{message.count} times", f"{len(matching)} times"
        )
    if case.plan.expect.everything_else == "unchanged":
        others = [f"{m.severity}: {m.text}" for m in heard if m.severity in _GRAVE]
        yield _finding("message:else", "Every other warning", "none", "; ".join(others) or "none")


def _matches(expected: ExpectedMessage, message: MessageReceived) -> bool:
    if message.severity != expected.severity:
        return False
    if expected.text is not None:
        return message.text == expected.text
    return expected.matches is None or re.search(expected.matches, message.text) is not None


def _notifications(case: Case) -> Iterator[Finding]:
    expected = _or_none_allowed(case, case.plan.expect.notifications, ())
    if expected is None:
        return
    calls = Counter(
        o.channel for o in of_counted(case.transcript.passes, case.transcript.passes[0], Notified)
    )
    for notification in expected:
        name = f"Notifications on {notification.channel}"
        yield _finding(
            f"notify:{notification.channel}", name, notification.count, calls.pop(notification.channel, 0)
        )
    others = ", ".join(f"{channel} {count} times" for channel, count in sorted(calls.items()))
    yield _finding("notify:else", "Notifications on every other channel", "none", others or "none")


def _values(case: Case) -> Iterator[Finding]:
    read = {
        (o.name, o.moment): o.value for record in case.transcript.passes for o in _of_pass(record, ValueRead)
    }
    for value in case.plan.expect.values:
        for moment in ("before", "inside", "after"):
            expected = getattr(value, moment)
            if expected is not None:
                known = (value.name, moment) in read
                actual = read[value.name, moment] if known else "not read"
                word = Word.NO_GO if known else Word.INCONCLUSIVE
                yield _finding(
                    f"value:{value.name}:{moment}", f"{value.name} {moment}", expected, actual, word=word
                )


def _of(case: Case, kind: type) -> Iterator:  # type: ignore[type-arg]
    return _of_pass(case.transcript.passes[0], kind)


def _of_pass(record: PassRecord, kind: type) -> Iterator:  # type: ignore[type-arg]
    return (o for o in record.observations if isinstance(o, kind))
