"""Observe what each step costs the server: WAL, blocks of tables and indexes, temporary files.

Takes where the WAL ended after each statement, the server's counters of the relations that are locked, and its word on
each temporary file as it is closed; gives `StepCost`. Nothing is added to the database: one query a step that touched a
relation, and one setting, which is gone with the transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from pgrehearse.observe.held import WalEnd
from pgrehearse.observe.observation import StepCost
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.pg.result import ServerMessage
from pgrehearse.pg.session import Session

OTHERS_WROTE = "Others wrote meanwhile: the WAL of a step is the whole server's, and theirs is in it."
_NO_WAL = "The role may not call pg_current_wal_insert_lsn: the WAL that steps write is not told."
_NO_FILES = "The role may not set log_temp_files and log_min_messages: temporary files of steps are not told."

_OF_LOCKED = """
SELECT oid::bigint, pg_stat_get_xact_blocks_fetched(oid), pg_stat_get_xact_blocks_hit(oid)
FROM unnest(%s::oid[]) AS oid
WHERE pg_stat_get_xact_blocks_fetched(oid) > 0
"""

_OF_ALL = """
SELECT oid::bigint, pg_stat_get_xact_blocks_fetched(oid), pg_stat_get_xact_blocks_hit(oid)
FROM pg_class
WHERE oid >= 16384
  AND pg_stat_get_xact_blocks_fetched(oid) > 0
"""

_LISTEN = """
SELECT pg_size_bytes(current_setting('log_temp_files')),
       CASE WHEN has_parameter_privilege('log_temp_files', 'SET')
                 AND has_parameter_privilege('log_min_messages', 'SET')
            THEN set_config('log_min_messages', 'fatal', true) = 'fatal'
                 AND set_config('log_temp_files', '0', true) = '0'
            ELSE false END
"""


class CostObserver(Quiet):
    """Gives the cost of each step. Follows the observer of escapes in the list: both hear what the server says."""

    def __init__(self) -> None:
        self._files = TemporaryFiles()
        self._wal: WalEnd | None = None
        self._has_missed_wal = False
        self._others_wrote = False
        self._counted: dict[int, tuple[int, int]] = {}
        self._is_behind = False

    @property
    def limits(self) -> frozenset[str]:
        """What could not be told, and whose WAL may be in it."""
        told = {
            _NO_WAL: self._has_missed_wal,
            _NO_FILES: not self._files.is_told,
            OTHERS_WROTE: self._others_wrote,
        }
        return frozenset(sentence for sentence, holds in told.items() if holds)

    def begin(self, moment: Moment) -> None:
        """Ask to be told of temporary files."""
        self._files.listen(moment.session)

    def before(self, moment: Moment) -> None:
        """See where the statement starts from."""
        self._note_wal(moment)
        if self._is_behind and moment.is_usable:
            # What a failed statement has read nobody could ask for: it must not be the next one's.
            self._counted |= _counts(moment.session.fetch(_OF_ALL))
            self._is_behind = False
        self._files.begin()

    def after(self, moment: Moment) -> Iterable[StepCost]:
        """Give what the statement, or the fake commit after it, cost."""
        wal_bytes = self._note_wal(moment)
        hit, read = self._blocks(moment, is_still=not moment.text and wal_bytes == 0)
        # Only now: the server keeps a query's files until the next message, which the one above is.
        files, size = self._files.take()
        yield StepCost(moment.step, wal_bytes, hit, read, files, size)
        self._files.see(moment)

    def _note_wal(self, moment: Moment) -> int | None:
        """Remember where the WAL ends; give how much it is since the last time."""
        was, self._wal = self._wal, moment.wal
        if moment.wal is None:
            self._has_missed_wal = True
            return None
        self._others_wrote |= moment.wal.is_shared
        return moment.wal.position - was.position if was else None

    def _blocks(self, moment: Moment, *, is_still: bool) -> tuple[int | None, int | None]:
        """Blocks hit and read since the last time, in the relations that are locked now.

        `is_still` is a fake commit that wrote nothing, nearly all of them: it is not worth a query. What deferred
        triggers have read then stands with the next step.
        """
        if not moment.is_usable:
            self._is_behind = True
            return None, None
        locked = {lock.relation for lock in moment.held if lock.relation}
        if is_still or (not locked and not moment.tag.startswith("SELECT")):
            return 0, 0
        now = _counts(moment.session.fetch(_OF_LOCKED, (sorted(locked),)))
        then = {oid: self._counted.get(oid, (0, 0)) for oid in now}
        self._counted |= now
        fetched = sum(now[oid][0] - then[oid][0] for oid in now)
        hit = sum(now[oid][1] - then[oid][1] for oid in now)
        return hit, fetched - hit


def _counts(rows: Iterable[tuple[int, int, int]]) -> dict[int, tuple[int, int]]:
    return {oid: (fetched, hit) for oid, fetched, hit in rows}


class TemporaryFiles:
    """Hears of each temporary file as the server closes it, and keeps that from those whom it does not concern."""

    _SAID_BY = "ReportTemporaryFileUsage"
    """The server's function that says it: the words themselves are translated."""

    _SIZE = re.compile(r"(\d+)\D*\Z")
    _SETS = re.compile(r"\bset(_config)?\b.*\blog_temp_files\b", re.IGNORECASE | re.DOTALL)
    _RESETS = ("RESET", "DISCARD ALL", "ROLLBACK")

    def __init__(self) -> None:
        self.is_told = True
        self._is_running = False
        self._shown_from = -1
        """Bytes from which on the script would be told of a file; -1 where it would not be."""
        self._others: Callable[[ServerMessage], bool] | None = None
        self._sizes: list[int] = []

    def listen(self, session: Session) -> None:
        """Ask the server to tell, and hear it first; what others hear they still hear."""
        self._others, session.hears = session.hears, self.hear
        self._ask(session, was_set=True)

    def hear(self, message: ServerMessage) -> bool:
        """Take in a message; tell whether it is one for others too."""
        if message.source_function == self._SAID_BY and (size := self._SIZE.search(message.text)):
            self._note(int(size[1]), message)
            if not 0 <= self._shown_from <= int(size[1]):
                return False
        return self._others is None or self._others(message)

    def _note(self, size: int, message: ServerMessage) -> None:
        # A fake commit runs no statement of the script's, but functions; and pgrehearse's own queries call none.
        if self._is_running or message.context:
            self._sizes.append(size)

    def begin(self) -> None:
        """A statement of the script is about to run: before it, files are those of pgrehearse's own queries."""
        self._is_running = True

    def take(self) -> tuple[int, int] | tuple[None, None]:
        """The statement is over: how many files it needed, and their size in bytes; None where that is not told."""
        sizes, self._sizes = self._sizes, []
        self._is_running = False
        return (len(sizes), sum(sizes)) if self.is_told else (None, None)

    def see(self, moment: Moment) -> None:
        """See that the script did not switch it off, and remember what it wants to be told itself."""
        sets = self._SETS.search(moment.text) is not None
        if self.is_told and moment.is_usable and (sets or moment.tag in self._RESETS):
            self._ask(moment.session, was_set=sets)

    def _ask(self, session: Session, *, was_set: bool) -> None:
        shown_from, self.is_told = session.fetch(_LISTEN)[0]
        # 0 is what pgrehearse sets, too: it is the script's only where the script has just set it.
        if was_set or shown_from:
            self._shown_from = shown_from
