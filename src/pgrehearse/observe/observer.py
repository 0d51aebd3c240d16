"""What an observer is: something that looks at the stage at fixed moments and gives facts.

One observer object serves one pass. The moments come in this order: `begin`, then for each statement `before` and
`after`, at the end of each segment `end_segment` (before a rollback, after a fake commit), once `finish` before the
stage is rolled back, and `end` when the rollback is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pgrehearse.observe.catalog_state import NOTHING_WRITTEN, CatalogState
from pgrehearse.observe.held import HeldLock, WalEnd
from pgrehearse.observe.names import RelationNames
from pgrehearse.observe.observation import Observation
from pgrehearse.pg.result import ServerMessage
from pgrehearse.pg.session import Session


@dataclass(frozen=True, slots=True)
class Moment:
    """The stage as it stands: the step and segment, the stage's session, a witness, and what was just seen.

    `is_usable` tells whether the stage's session takes queries: its transaction has not failed. `wal` is where the WAL
    ended when `held` was read, just after the last statement; None where the role may not ask. `catalogs` is what was
    written to them up to the last statement that did not fail.
    """

    step: int
    segment: int
    session: Session
    witness: Session
    names: RelationNames
    held: tuple[HeldLock, ...] = ()
    messages: tuple[ServerMessage, ...] = ()
    text: str = ""
    tag: str = ""
    is_usable: bool = True
    wal: WalEnd | None = None
    catalogs: CatalogState = NOTHING_WRITTEN


class Observer(Protocol):
    """Gives the observations of one kind of fact."""

    @property
    def limits(self) -> frozenset[str]:
        """What could not be observed on this target, one sentence each; complete when the pass is over."""
        ...

    def begin(self, moment: Moment) -> None:
        """The stage is open, and no statement of the script has run."""

    def before(self, moment: Moment) -> None:
        """A statement is about to run."""

    def after(self, moment: Moment) -> Iterable[Observation]:
        """A statement has run, or failed."""
        ...

    def end_segment(self, moment: Moment) -> Iterable[Observation]:
        """A segment ends: its effects are still visible."""
        ...

    def finish(self, moment: Moment) -> Iterable[Observation]:
        """The script has ended, and the stage is about to be rolled back."""
        ...

    def end(self, witness: Session) -> Iterable[Observation]:
        """The stage is rolled back, and only the witness is left."""
        ...


class Quiet:
    """An observer that sees nothing: the others say only what differs from it."""

    @property
    def limits(self) -> frozenset[str]:
        """See `Observer`."""
        return frozenset()

    def begin(self, moment: Moment) -> None:
        """See `Observer`."""

    def before(self, moment: Moment) -> None:
        """See `Observer`."""

    def after(self, moment: Moment) -> Iterable[Observation]:  # noqa: ARG002 - a default of the protocol
        """See `Observer`."""
        return ()

    def end_segment(self, moment: Moment) -> Iterable[Observation]:  # noqa: ARG002 - a default of the protocol
        """See `Observer`."""
        return ()

    def finish(self, moment: Moment) -> Iterable[Observation]:  # noqa: ARG002 - a default of the protocol
        """See `Observer`."""
        return ()

    def end(self, witness: Session) -> Iterable[Observation]:  # noqa: ARG002 - a default of the protocol
        """See `Observer`."""
        return ()
