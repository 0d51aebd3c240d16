"""The ways to copy a database: one file each in `strategies/`, one line each here."""

from __future__ import annotations

from pgrehearse.clones.strategies import dump, template
from pgrehearse.clones.strategies.strategy import Strategy

STRATEGIES: dict[str, Strategy] = {
    "template": template.copy,
    "dump": dump.copy,
}
