"""The checker itself: it finds each kind of violation, and none where there is none."""

from __future__ import annotations

import pytest

from .history import Event, Row, violations

SOUND_ROWS = [
    Row(1, "a", "planned", None, None),
    Row(2, "a", "running", "h1", 1),
    Row(3, "a", "lost", "h1", 1),
    Row(4, "b", "planned", None, None),
    Row(5, "b", "running", "h2", 2),
    Row(6, "b", "succeeded", "h2", 2),
    Row(7, "c", "planned", None, None),
]
SOUND_EVENTS = [
    Event("acquired", "h1", 1),
    Event("executed", "h1", 1, "a"),
    Event("stale", "h1", 1),
    Event("acquired", "h2", 2),
    Event("executed", "h2", 2, "b"),
    Event("ended", "h2", 2, "b"),
]


def test_a_sound_history_has_no_violation():
    assert violations(SOUND_ROWS, SOUND_EVENTS) == []


@pytest.mark.parametrize(
    ("rows", "events", "found"),
    [
        (
            [Row(8, "d", "running", "h1", 1), Row(9, "d", "lost", "h1", 1)],
            [],
            "row 8 was written in term 1, after",
        ),
        ([], [Event("acquired", "h3", 2)], "term 2 had 2 holders"),
        ([], [Event("executed", "h2", 2, "b")], "run b was executed 2 times"),
        (
            [],
            [Event("executed", "h2", 2, "x")],
            "run x was executed in term 2, of which the ledger knows nothing",
        ),
        ([], [Event("ended", "h2", 2, "c")], "run c was acknowledged as ended, and the ledger has no end"),
        ([Row(8, "d", "running", "h2", 2)], [], "run d was started and has not exactly one end"),
        ([Row(8, "b", "lost", "h2", 2)], [], "run b was started and has not exactly one end"),
    ],
)
def test_each_violation_is_found(rows: list[Row], events: list[Event], found: str):
    (violation,) = violations([*SOUND_ROWS, *rows], [*SOUND_EVENTS, *events])

    assert violation.startswith(found)
