"""Costs by weight: the steps that moved the most, and what they cost in words.

Takes the steps of a document; gives those that matter to a reader, and short phrases.
"""

from __future__ import annotations

from collections.abc import Iterable

from pgrehearse.evidence.document import Cost, Step
from pgrehearse.report.amounts import bytes_text, count_text

_BLOCK = 8_192
_FEW_BLOCKS = 128
"""Below it, which is a megabyte of buffers, blocks alone are not worth a line."""


def costly_steps(steps: Iterable[Step]) -> list[tuple[Step, Cost]]:
    """Return the steps whose costs are worth a line, those that moved the most bytes first."""
    known = [(step, step.cost) for step in steps if step.cost is not None and _says_something(step.cost)]
    return sorted(known, key=lambda pair: (-_moved(pair[1]), pair[0].n))


def costs_text(costs: Iterable[Cost]) -> str:
    """Return `WAL 12 kB, 812 blocks (5 read), 3 temporary files of 4.5 MB` over all of `costs`."""
    costs = tuple(costs)
    wal = sum(cost.wal_bytes or 0 for cost in costs)
    read = sum(cost.blocks_read or 0 for cost in costs)
    blocks = sum(cost.blocks_hit or 0 for cost in costs) + read
    files = sum(cost.temp_files or 0 for cost in costs)
    size = bytes_text(sum(cost.temp_bytes or 0 for cost in costs))
    parts = (
        f"WAL {bytes_text(wal)}" if wal else "",
        count_text(blocks, "block") + (f" ({read:,} read)" if read else "") if blocks else "",
        f"{count_text(files, 'temporary file')} of {size}" if files else "",
    )
    return ", ".join(filter(None, parts))


def _says_something(cost: Cost) -> bool:
    return bool(cost.temp_files) or (cost.wal_bytes or 0) >= _BLOCK or _blocks(cost) >= _FEW_BLOCKS


def _moved(cost: Cost) -> int:
    return (cost.wal_bytes or 0) + (cost.temp_bytes or 0) + _BLOCK * _blocks(cost)


def _blocks(cost: Cost) -> int:
    return (cost.blocks_hit or 0) + (cost.blocks_read or 0)
