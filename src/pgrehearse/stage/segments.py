"""The script's own transactions, as segments of the stage.

Takes what the script asks for (BEGIN, COMMIT, …); keeps what psql and the server would believe of it (`is_in_block`),
and records each segment with how it ended.
"""

from __future__ import annotations

from pgrehearse.pg.result import Result, ServerMessage
from pgrehearse.plan.words import words_of
from pgrehearse.stage.local_settings import LocalSettings
from pgrehearse.stage.on_commit import OnCommit
from pgrehearse.stage.transcript import Segment, SegmentEnd
from pgrehearse.stage.watch import Watch

READ_COMMITTED = "read committed"
_WITHOUT_SNAPSHOT = ("set", "reset", "show", "lock", "notify", "listen", "unlisten")


class Segments:
    """Opens and ends segments; one object serves one pass."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._stage = watch.stage
        self.ended: list[Segment] = []
        self.is_in_block = False
        self.local_settings = LocalSettings(watch.stage.session)
        self.on_commit = OnCommit(watch.stage.session)
        self._first_step = 0
        self._read_only: bool | None = None
        self.is_fresh = True
        """Whether nothing has run in the open block yet that takes a snapshot: until then SET TRANSACTION is heard."""
        self._is_untouched = True
        self.isolation = READ_COMMITTED
        """That the script's open block believes to have."""

    @property
    def current(self) -> int:
        """The number of the open segment, or of the next one."""
        return len(self.ended) + 1

    @property
    def has_committed(self) -> bool:
        """Whether the script believes that something is committed."""
        return any(segment.end is SegmentEnd.COMMITTED for segment in self.ended)

    def open(self, step: int, *, block: bool, read_only: bool | None = None, isolation: str = "") -> None:
        """Open a segment: a block that the script began, or a statement in autocommit."""
        self._stage.begin_segment(read_only=read_only)
        self.on_commit.begin()
        self._first_step = step
        self.is_in_block = block
        self._read_only = read_only
        self.is_fresh = self._is_untouched = True
        self.isolation = isolation or READ_COMMITTED

    def note(self, text: str) -> None:
        """Look at a statement of the block that is about to be sent."""
        first = next(words_of(text), None)
        self._is_untouched = False
        self.is_fresh &= first is not None and first.is_word(*_WITHOUT_SNAPSHOT)

    def open_like_the_last(self, step: int) -> None:
        """Open a block as COMMIT AND CHAIN does: with the modes of the one before."""
        self.open(step, block=True, read_only=self._read_only, isolation=self.isolation)

    def set_mode(self, *, read_only: bool) -> None:
        """Do as SET TRANSACTION READ ONLY or READ WRITE does in a fresh block."""
        self._read_only = read_only
        if self._is_untouched:
            self._stage.roll_segment_back()
            self._stage.begin_segment(read_only=read_only)
        else:
            self._stage.session.run(f"SET TRANSACTION READ {'ONLY' if read_only else 'WRITE'}")

    def commit(self, step: int) -> ServerMessage | None:
        """End the open segment as COMMIT would; give the error that the COMMIT would have met."""
        if self._stage.session.is_in_failed_transaction:
            self._roll_back(step, SegmentEnd.FAILED)
            return None
        was_block = self.is_in_block
        if was_block:
            self._watch.look_before("", step, self.current)
        error = self._stage.deferred.fire()
        if error is not None:
            self._roll_back(step, SegmentEnd.FAILED)
            return error
        if was_block or self._stage.deferred.has_any:
            self._watch.look_after("", Result(tag="COMMIT"), step, self.current)
        self._watch.end_segment(step, self.current)
        self.local_settings.end()
        with self._stage.footing.own():
            self.on_commit.act()
        self._stage.release_segment()
        self._record(step, SegmentEnd.COMMITTED)
        return None

    def roll_back(self, step: int) -> ServerMessage | None:
        """End the open segment as ROLLBACK would.

        What is deferred is fired first, and its work undone with the rest: so that a rehearsal that a COMMIT would have
        refused is told from one that it would have taken. Gives that refusal.
        """
        if self._stage.session.is_in_failed_transaction:
            self._roll_back(step, SegmentEnd.FAILED)
            return None
        self._watch.look_before("", step, self.current)
        refusal = self._stage.try_deferred()
        if refusal is None:
            self._watch.look_after("", Result(tag="ROLLBACK"), step, self.current)
        self._roll_back(step, SegmentEnd.ROLLED_BACK)
        return refusal

    def fail(self, step: int) -> None:
        """End the open segment because a statement failed, or may not be followed by another."""
        self._roll_back(step, SegmentEnd.FAILED)

    def _roll_back(self, step: int, end: SegmentEnd) -> None:
        self._watch.end_segment(step, self.current)
        self._stage.roll_segment_back()
        self.local_settings.forget()
        self.on_commit.undo()
        self._record(step, end)

    def _record(self, step: int, end: SegmentEnd) -> None:
        self.ended.append(Segment(self.current, self._first_step, step, end, self.is_in_block))
        self.is_in_block = False
