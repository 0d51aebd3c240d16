"""Whether the ledger is as it was written.

Takes a session with the store, and anchors from evidence; gives every fault that was found. Digests are recomputed
here, from what the rows say now, by nothing that stands in the database but `to_jsonb`.

What it cannot find alone: who may do everything can remove the last rows, or write the whole chain anew. Both take away
a row that evidence names, which is what anchors are for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pgrehearse.dots.ledger import Anchor
from pgrehearse.dots.store import read_sql
from pgrehearse.errors import UsageError
from pgrehearse.pg.session import Session

_CHAIN = read_sql("chain")
_GUARDS = read_sql("guards")


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found.

    Attributes:
        rows: How many rows the ledger has.
        faults: What is wrong, one sentence each, in the order of the rows.
        head: The last row, to be kept as an anchor; None where there is none.
    """

    rows: int
    faults: tuple[str, ...]
    head: Anchor | None

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def verify(session: Session, *, anchors: Sequence[Anchor] = ()) -> Verification:
    """Recompute the whole chain, look for the guarding triggers, and for the rows that `anchors` name."""
    chain = session.fetch(_CHAIN)
    found = {int(seq): str(digest) for seq, _, digest, _ in chain}
    faults = (*_chain_faults(chain), *_guard_faults(session), *_anchor_faults(found, anchors))
    head = Anchor(int(chain[-1][0]), str(chain[-1][2])) if chain else None
    return Verification(len(chain), faults, head)


def read_anchor(text: str) -> Anchor:
    """The anchor that `text` writes as `SEQ:DIGEST`.

    Raises:
        UsageError: It is not of that form.
    """
    seq, _, digest = text.partition(":")
    if not seq.isdecimal() or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise UsageError(
            f'"{text}" is no anchor', hint="An anchor is SEQ:DIGEST, as `dot runs --format json` shows it."
        )
    return Anchor(int(seq), digest)


def _chain_faults(chain: Iterable[tuple[object, ...]]) -> Iterator[str]:
    before = ""
    for place, (seq, previous, digest, text) in enumerate(chain, start=1):
        if seq != place:
            yield f"Row {place} is missing: row {seq} stands in its place."
            return
        if hashlib.sha256(str(text).encode()).hexdigest() != digest:
            yield f"Row {seq} is not what was written: its digest is another."
        if previous != before:
            yield f"Row {seq} does not follow the row before it."
        before = str(digest)


def _guard_faults(session: Session) -> Iterator[str]:
    for (guard,) in session.fetch(_GUARDS):
        yield f"Trigger {guard} is missing or not enabled always."


def _anchor_faults(found: dict[int, str], anchors: Sequence[Anchor]) -> Iterator[str]:
    for anchor in anchors:
        if anchor.seq not in found:
            yield f"Row {anchor.seq}, which evidence names, is gone."
        elif found[anchor.seq] != anchor.digest:
            yield f"Row {anchor.seq} is another than the one that evidence names."
