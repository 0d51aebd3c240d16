"""One mechanism that changes rows, and what it amounts to."""

from __future__ import annotations

from dataclasses import dataclass

Rows = tuple[int, int, int]
"""Inserted, updated, deleted."""


@dataclass(frozen=True, slots=True)
class Case:
    """A mechanism: what is there, what changes, and the operations that this amounts to, table by table.

    `reshaped` names the tables whose rows look different although no row was changed.
    """

    title: str
    schema: str
    change: str
    rows: dict[str, Rows]
    reshaped: tuple[str, ...] = ()
    causes: tuple[tuple[str, str, int, tuple[str, ...]], ...] = ()
    undone: bool = True
    """Whether the truth is read where the change stands in one transaction; else it has transactions of its own."""
