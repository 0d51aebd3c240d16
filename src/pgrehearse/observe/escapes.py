"""Observe effects that leave the transaction's reach: before a statement is sent, and while it runs.

Takes the text of statements, the catalog, and the server's own word on each query it analyses; gives `EscapeFound`.
What the text or a function in its cascade says openly is found before it runs, and can be refused; what dynamic SQL
hides is found as soon as the statement has run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pgrehearse.observe.catalog_state import CatalogState
from pgrehearse.observe.escape_names import FOREIGN_TABLE, SUSPECT, UNSEEN
from pgrehearse.observe.escape_reach import Reach, read_reach
from pgrehearse.observe.escape_text import Escape, TextFacts, facts_of_statement
from pgrehearse.observe.escape_trace import Trace
from pgrehearse.observe.observation import EscapeFound
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.pg.session import Session
from pgrehearse.plan.classify import Disposition, classify
from pgrehearse.plan.words import words_of

_DDL = frozenset(
    {"create", "alter", "drop", "grant", "revoke", "comment", "security", "refresh", "import", "reindex"}
)
_KEEPS_CATALOG = frozenset({
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "WITH", "TABLE", "COPY", "SET", "SHOW", "FETCH",
    "DECLARE", "CLOSE", "MOVE", "LOCK", "TRUNCATE", "EXPLAIN", "PREPARE", "DEALLOCATE", "NOTIFY", "LISTEN", "UNLISTEN",
    "ANALYZE", "RESET", "",
})  # fmt: skip
_OF_ROWS = "RowExclusiveLock"
"""What writing rows takes; defining a foreign table takes more."""

_NOT_TRACED = (
    "The role may not set log_min_messages, so the server was not asked for its query trees: what dynamic SQL does"
    " outside the transaction was not looked for."
)
_HIDES = "the statement changed it while it ran, or a setting whose name is not known: what it ran then was not told"
_FIRES_GUARD = (
    "a function made all constraints immediate, the commit guard's among them: it met an error of its own"
)
_ONLY_SETS = re.compile(
    r"\s*SELECT\s+(pg_catalog\.)?set_config\s*\(\s*'[^'\\]*'\s*,\s*'[^'\\]*'\s*,\s*\w+\s*\)\s*;?\s*\Z",
    re.IGNORECASE,
)
"""One call, of constants, and nothing else that could run unseen."""
_SETTING_WORDS = frozenset({"set", "reset", "discard", "rollback", "abort"})


def keeps_catalog(text: str) -> bool:
    """Whether the statement `text` says nothing that changes the catalog; what its functions do is not looked at."""
    kind = classify(text)
    return kind.disposition is not Disposition.RUN or kind.keyword in _KEEPS_CATALOG


DECIDING = (
    "pg_proc", "pg_trigger", "pg_rewrite", "pg_attrdef", "pg_constraint", "pg_policy", "pg_index", "pg_event_trigger",
    "pg_foreign_table", "pg_foreign_server", "pg_operator", "pg_cast", "pg_aggregate", "pg_language", "pg_extension",
    "pg_inherits", "pg_partitioned_table",
)  # fmt: skip
"""The catalogs that decide where a statement leads. A new relation or type alone leads nowhere, save where its own text
names what does; who renames one updates the type of its rows; and a TRUNCATE or REFRESH, which updates pg_class, leads
nowhere new."""


class EscapeFinder:
    """Finds the escapes that a statement leads to, by its text and the catalog; serves a whole rehearsal."""

    def __init__(self) -> None:
        self.reach = Reach()
        self._suspect = re.compile(SUSPECT, re.IGNORECASE)
        self._is_stale = False
        self._is_undone = False
        self._changes_unseen = False
        self._changes = -1
        self.settings_set: set[str] = set()
        """Settings that functions of the script have set; empty where a name is not known."""

    def learn(self, session: Session) -> None:
        """Read the catalog as `session` sees it; what was known before is forgotten."""
        self.reach = read_reach(session)
        self._is_stale = False
        names = {*self.reach.functions, *self.reach.reads, *self.reach.writes} - {""}
        known = "|".join(rf"\b{re.escape(name)}" for name in sorted(names))
        self._suspect = re.compile("|".join(filter(None, (SUSPECT, known))), re.IGNORECASE)

    def note_change(self, *, is_in_text: bool = True, is_undone: bool = False) -> None:
        """The script may have changed the catalog.

        Args:
            is_in_text: Whether the text of its statement says so; once functions changed it, it may change any time.
            is_undone: Whether a rollback took changes back, which the server's counters do not tell.
        """
        self._is_stale = True
        self._changes_unseen |= not is_in_text
        self._is_undone |= is_undone

    @property
    def may_be_stale(self) -> bool:
        """Whether what is known may be out of date."""
        return self._is_stale or self._changes_unseen

    def take_bearings(self, catalogs: CatalogState) -> None:
        """What the stage itself wrote to the catalog leads nowhere."""
        self._changes = _changes(catalogs)

    def learn_again(self, session: Session, catalogs: CatalogState) -> None:
        """Read the catalog anew where counters of the server say that it changed, or a rollback took changes back."""
        changes = _changes(catalogs)
        if self._is_undone or changes != self._changes:
            self.learn(session)
        self._changes = changes
        self._is_stale = self._is_undone = False

    def find(self, text: str) -> tuple[Escape, ...]:
        """The escapes that the statement `text` leads to."""
        if not self._suspect.search(text) and not self.reach.ddl:
            return ()
        facts = facts_of_statement(text)
        reached = list(self._reached(facts))
        if self.reach.ddl and (first := next(words_of(text), None)) and first.is_word(*_DDL):
            reached += self.reach.ddl
        return tuple({(e.kind, e.object): e for e in (*reached, *facts.escapes)}.values())

    def _reached(self, facts: TextFacts) -> Iterator[Escape]:
        for named, known, how in (
            (facts.calls, self.reach.functions, "by function {}"),
            (facts.writes, self.reach.writes, "by writing {}"),
            (facts.names, self.reach.reads, "by reading {}"),
        ):
            for name in sorted(named & known.keys()):
                for escape in known[name]:
                    detail = ", ".join(filter(None, (how.format(name), escape.detail)))
                    yield Escape(escape.kind, escape.object, detail)


def _changes(catalogs: CatalogState) -> int:
    return catalogs.rows(*DECIDING) + catalogs.types_updated


class EscapeObserver(Quiet):
    """Listens to the server's trace of query trees, and looks at the locks on foreign tables."""

    def __init__(self, finder: EscapeFinder) -> None:
        self.finder = finder
        self.trace = Trace()
        """What the server tells; it is off where the role may not keep it out of the server's log."""
        self._must_switch = True

    @property
    def limits(self) -> frozenset[str]:
        """What it could not tell."""
        return frozenset() if self.trace.is_on or self._must_switch else frozenset({_NOT_TRACED})

    def begin(self, moment: Moment) -> None:
        """Listen to all that the server says."""
        moment.session.hears = self.trace.keep

    def before(self, moment: Moment) -> None:
        """Listen for what the catalog holds by now, and see that the server still tells."""
        self.trace.know(self.finder.reach)
        if self._must_switch:
            self._must_switch = False
            self.trace.switch_on(moment.session)
        self.trace.is_listening = True

    def after(self, moment: Moment) -> Iterable[EscapeFound]:
        """Give what the statement did, and see that it did not switch the trace off."""
        yield from self._written_abroad(moment)
        yield from self._told(moment)

    def end_segment(self, moment: Moment) -> Iterable[EscapeFound]:
        """Give what deferred triggers did."""
        return self._told(moment)

    def _told(self, moment: Moment) -> Iterator[EscapeFound]:
        trace = self.trace
        touches, within, fires, sets = (
            trace.touches_settings, trace.resets_within, trace.fires_guard, set(trace.sets),
        )  # fmt: skip
        if trace.has_changed_catalog:
            self.finder.note_change(is_in_text=not keeps_catalog(moment.text))
        for escape in trace.take():
            yield EscapeFound(escape.kind, escape.object, moment.step, escape.detail)
        if fires:
            yield EscapeFound(UNSEEN, "SET CONSTRAINTS ALL", moment.step, _FIRES_GUARD)
        self.finder.settings_set |= sets
        yield from self._switched_off(moment, touches=touches, within=within)

    def _switched_off(self, moment: Moment, *, touches: bool, within: bool) -> Iterator[EscapeFound]:
        first = next(words_of(moment.text), None)
        is_own = first is not None and (first.is_word(*_SETTING_WORDS) or _ONLY_SETS.match(moment.text))
        # What was switched on again in a segment is undone with it.
        self._must_switch |= self.trace.is_on and (not moment.is_usable or moment.tag == "ROLLBACK")
        if not self.trace.is_on or not moment.is_usable or not (is_own or touches):
            return
        self._must_switch = True
        if not is_own and (within or not self.trace.stands(moment.session)):
            yield EscapeFound(UNSEEN, "client_min_messages", moment.step, _HIDES)

    def _written_abroad(self, moment: Moment) -> Iterator[EscapeFound]:
        unheard = self.finder.reach.unheard
        for relation in unheard.keys() & {lock.relation for lock in moment.held if lock.is_write}:
            yield EscapeFound(UNSEEN, unheard[relation].object, moment.step, unheard[relation].detail)
        for lock in moment.held:
            name = self.finder.reach.foreign.get(lock.relation)
            if name and lock.mode == _OF_ROWS:
                yield EscapeFound(FOREIGN_TABLE, name, moment.step)
