"""What the steps cost the server, and what cannot be told of it.

Takes the clean pass; gives a `Cost` a step that ran. Such amounts differ from run to run: they stand with the steps, as
their times do, and neither in the effects nor in `effects_digest`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pgrehearse.evidence.document import Cost
from pgrehearse.observe.cost import OTHERS_WROTE
from pgrehearse.observe.observation import StepCost
from pgrehearse.stage.transcript import PassRecord


def costs_of(clean: PassRecord) -> dict[int, Cost]:
    """Return the cost of each step, by its number, its fake commit's work included."""
    parts: dict[int, list[StepCost]] = defaultdict(list)
    for one in clean.observations:
        if isinstance(one, StepCost):
            parts[one.step].append(one)
    return {step: _sum(costs) for step, costs in parts.items()}


def limits_of_costs(clean: PassRecord | None) -> tuple[str, ...]:
    """Return a sentence where transactions of others committed meanwhile: their WAL is counted too."""
    if clean is None or clean.rollback is None or clean.rollback.foreign_commits < 1:
        return ()
    return (OTHERS_WROTE,) if any(cost.wal_bytes for cost in costs_of(clean).values()) else ()


def _sum(parts: Iterable[StepCost]) -> Cost:
    wal, hit, read, files, size = zip(
        *((p.wal_bytes, p.blocks_hit, p.blocks_read, p.temp_files, p.temp_bytes) for p in parts), strict=True
    )
    return Cost(_known(wal), _known(hit), _known(read), _known(files), _known(size))


def _known(amounts: tuple[int | None, ...]) -> int | None:
    """Return the sum; None where a part of it is not known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if len(known) == len(amounts) else None
