"""Amounts as people read them: times, sizes, counts, lists that are too long.

Takes numbers and lists; gives text, or the part of a list that is shown with the number that is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")


def duration_text(ms: float) -> str:
    """Return a time as `0.42 ms`, `412 ms`, `1.42 s` or `2 min 3 s`."""
    if ms < 9.95:
        return f"{ms:.2g} ms" if ms >= 0.1 else f"{ms:.2f} ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 59_995:
        return f"{ms / 1000:.2f} s"
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes} min {seconds} s"


def bytes_text(size: int) -> str:
    """Return a size as `812 bytes`, `12 kB`, `4.5 MB`; a kB is 1,024 bytes, as PostgreSQL has it."""
    if size < 1024:
        return count_text(size, "byte")
    amount, unit = size / 1024, "kB"
    for larger in ("MB", "GB", "TB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:,.0f} {unit}"


def count_text(count: int, noun: str, plural: str = "") -> str:
    """Return `1 table`, `2 tables`, `12,000 tables`, `no tables`."""
    number = "no" if count == 0 else f"{count:,}"
    return f"{number} {noun if count == 1 else plural or noun + 's'}"


def folded(items: Sequence[Item], keep: int) -> tuple[Sequence[Item], int]:
    """Return what is shown of a list, and how many are left out; a single one is never left out."""
    if len(items) <= keep + 1:
        return items, 0
    return items[:keep], len(items) - keep
