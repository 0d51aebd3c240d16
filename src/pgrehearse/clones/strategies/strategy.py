"""What a way to copy a database is: a function of a `Copying`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pgrehearse.clones.source import Source
from pgrehearse.clones.unfinished import Unfinished


@dataclass(frozen=True, slots=True)
class Copying:
    """What a strategy is asked.

    Attributes:
        source: The database to copy.
        into: The database to make and fill.
        owner: The role that is to own the copy; None for the one that makes it.
        keeps_owners: Whether the objects in it keep their owners and privileges.
    """

    source: Source
    into: Unfinished
    owner: str | None
    keeps_owners: bool = True


Strategy = Callable[[Copying], None]
"""Makes and fills `into`; raises ServerError where the server refuses, CloneError where a program fails."""
