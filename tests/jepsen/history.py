"""The history of many holders of one lease, and the checker that looks for what must never have happened.

Takes the ledger's rows and what the holders noted; gives each violation as a sentence. Pure: it can be tested with
histories that were made up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# What a holder writes by right of its term. `planned` needs none here, and `lost` is written by whoever finds it.
FENCED = ("running", "succeeded", "failed")
ENDS = ("succeeded", "failed", "refused", "lost")


@dataclass(frozen=True)
class Row:
    """A row of the ledger."""

    seq: int
    run_id: str
    state: str
    holder: str | None
    term: int | None


@dataclass(frozen=True)
class Event:
    """What a holder noted at once: `acquired`, `executed`, `ended` (the ledger acknowledged), `stale` (it refused)."""

    kind: str
    holder: str
    term: int
    run_id: str = ""


def violations(rows: Sequence[Row], events: Sequence[Event]) -> list[str]:
    """Everything that must never have happened; empty where all is well."""
    return [
        *_overlaps(rows),
        *_shared_terms(rows, events),
        *_executed_twice(events),
        *_unaccounted(rows, events),
    ]


def _overlaps(rows: Sequence[Row]) -> Iterator[str]:
    newest = 0
    for row in sorted(rows, key=lambda row: row.seq):
        if row.state not in FENCED or row.term is None:
            continue
        if row.term < newest:
            yield f"row {row.seq} was written in term {row.term}, after a row of term {newest}"
        newest = max(newest, row.term)


def _shared_terms(rows: Sequence[Row], events: Sequence[Event]) -> Iterator[str]:
    holders: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        if row.state in FENCED and row.term is not None and row.holder is not None:
            holders[row.term].add(row.holder)
    for event in events:
        holders[event.term].add(event.holder)
    for term, names in sorted(holders.items()):
        if len(names) > 1:
            yield f"term {term} had {len(names)} holders"


def _executed_twice(events: Sequence[Event]) -> Iterator[str]:
    times = Counter(event.run_id for event in events if event.kind == "executed")
    for run_id, number in sorted(times.items()):
        if number > 1:
            yield f"run {run_id} was executed {number} times"


def _unaccounted(rows: Sequence[Row], events: Sequence[Event]) -> Iterator[str]:
    states: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        states[row.run_id][row.state] = row
    for event in events:
        running = states[event.run_id].get("running") if event.run_id else None
        if event.kind == "executed" and (running is None or running.term != event.term):
            yield f"run {event.run_id} was executed in term {event.term}, of which the ledger knows nothing"
        if event.kind == "ended" and "succeeded" not in states[event.run_id]:
            yield f"run {event.run_id} was acknowledged as ended, and the ledger has no end of it"
    for run_id, by_state in sorted(states.items()):
        if "running" in by_state and sum(state in ENDS for state in by_state) != 1:
            yield f"run {run_id} was started and has not exactly one end"
