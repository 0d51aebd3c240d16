"""What `pgrehearse dot` prints: records as aligned lines, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from pgrehearse.cli import terminal

if TYPE_CHECKING:
    from pgrehearse.dots.boundary import Placement, Ruling
    from pgrehearse.dots.drift import Drift
    from pgrehearse.dots.lease import HeldLease
    from pgrehearse.dots.ledger import LedgerRun
    from pgrehearse.dots.registry import RegisteredDot
    from pgrehearse.dots.runner import RunResult
    from pgrehearse.dots.verification import Verification

T = TypeVar("T")


def give(value: T, output_format: str, to_text: Callable[[T], str]) -> None:
    """Print `value` as asked."""
    terminal.write(to_json(value) if output_format == "json" else to_text(value))


def to_json(value: object) -> str:
    """Records as indented JSON."""
    return json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False)


def tools(rows: Sequence[RegisteredDot]) -> str:
    """One line a tool."""
    cells = [(one.code, one.tier, one.status, one.domain, one.operation, one.name) for one in rows]
    return _table(("code", "tier", "status", "domain", "operation", "name"), cells)


def drift(found: Sequence[Drift]) -> str:
    """One line a disagreement, and how many there are of each kind."""
    if not found:
        return "Registry and files agree."
    kinds = [one.kind for one in found]
    total = ", ".join(f"{kind}: {kinds.count(kind)}" for kind in dict.fromkeys(kinds))
    return (
        _table(("kind", "code", "what"), [(one.kind, one.code, one.text) for one in found]) + f"\n\n{total}"
    )


def boundary(placement: Placement | None, rulings: Sequence[Ruling]) -> str:
    """What the boundary says, and why the target is where it is."""
    cells = [(one.action, one.place, one.word, one.why) for one in rulings]
    table = _table(("action", "place", "word", "why"), cells)
    if placement is None:
        return table
    facts = "\n".join(f"  {fact}" for fact in placement.facts)
    return f"{placement.database}: {placement.place}\n{facts}\n\n{table}"


def runs(found: Sequence[LedgerRun]) -> str:
    """One line a run."""
    cells = [
        (
            one.began_at,
            one.code,
            one.state,
            one.term,
            one.place,
            one.exit_status,
            _duration(one.duration_ms),
            one.run_id,
        )
        for one in found
    ]
    titles = ("began", "code", "state", "term", "place", "exit", "took", "run")
    return _table(titles, cells) if cells else "No runs."


def verification(found: Verification) -> str:
    """Whether the ledger is sound, and what is wrong."""
    if found.is_sound:
        return f"The ledger is sound: {found.rows} rows, last {found.head or 'none'}"
    return "\n".join(["The ledger is not as it was written:", *(f"  {fault}" for fault in found.faults)])


def leases(held: Sequence[HeldLease]) -> str:
    """One line a lease."""
    cells = [(one.name, one.term, one.holder, one.expires_at) for one in held]
    return _table(("lease", "term", "holder", "expires"), cells) if cells else "No lease is held."


def result(ended: RunResult) -> str:
    """How a run ended, one line."""
    why = f": {ended.reason}" if ended.reason else ""
    anchor = f"\nanchor {ended.anchor}" if ended.anchor else ""
    return f"{ended.code}: {ended.state}{why} (term {ended.term}, {_duration(ended.duration_ms)}){anchor}"


def run_record(ended: RunResult) -> dict[str, object]:
    """A run as JSON types, with its evidence and its anchor."""
    record: dict[str, object] = msgspec.to_builtins(replace(ended, result=None))
    record["result"] = None if ended.result is None else json.loads(bytes(ended.result))
    record["anchor"] = None if ended.anchor is None else str(ended.anchor)
    return record


def _duration(duration_ms: int | None) -> str:
    return "" if duration_ms is None else f"{duration_ms / 1000:.2f} s"


def _table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    texts = [titles, *(["" if cell is None else str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(titles))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in texts
    )
