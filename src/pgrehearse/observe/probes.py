"""Observe the net rows and their causes: the probed pass.

Takes what the clean pass foresaw; puts probes and marks on the relations, inside the stage, and counts what no trigger
can see; gives `RowsChanged` and `TriggerFired`. Changes nothing that a commit could keep. What is counted stands in a
log in pg_temp, so that savepoints, caught exceptions and rollbacks undo it together with the rows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from pgrehearse.errors import ServerError
from pgrehearse.observe.left_names import LeftNames
from pgrehearse.observe.observation import Observation, RowsChanged, TriggerFired
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.observe.probe_setup import ProbeSetup, Renewal
from pgrehearse.observe.probe_text import SEPARATOR, MarkedTrigger, ProbeNames, name_just_before
from pgrehearse.observe.shapes import Foreseen
from pgrehearse.observe.unprobed import UnprobedRows
from pgrehearse.pg.identifiers import quote_identifier
from pgrehearse.pg.session import Session

_LEVEL = "\x1e"

_TAKE_CALLS = """
SELECT n, calls, set_config('pgrehearse.calls' || n, '', true)
FROM (
    SELECT n, current_setting('pgrehearse.calls' || n, true) AS calls
    FROM generate_series(1, %s) AS n
) AS counted
WHERE calls <> ''
"""

_CALLS_EARLY = re.compile(r"\s*SET\s+CONSTRAINTS\s+(?!ALL\b)(.+?)\s+IMMEDIATE\b", re.IGNORECASE | re.DOTALL)

_SCHEMA = re.compile(r'("([^"]|"")*"|[^".]+)\.')

_TAKE_LOG = """
WITH taken AS (DELETE FROM {log} RETURNING ctid AS place, *)
SELECT step, relid::bigint, op, n, path, groups, count(*)
FROM taken
GROUP BY step, relid, op, n, path, groups
ORDER BY min(place)
"""
"""Equal entries as one, in the order in which they came: where rows are counted one by one there may be millions."""

Path = tuple[str, ...]

LogRow = tuple[int, int, str, int, str, list[list[object]] | None, int]
"""Step, oid of the relation, operation, rows, marks, rows by value; and how often just this was logged."""


class ProbeObserver(Quiet):
    """Counts net rows on the relations that were foreseen; `splits` names a column to count by, per table.

    `prepare` and `foresee` come before the pass, in this order, on the session of its stage.
    """

    def __init__(self, splits: Mapping[str, str], *, token: str) -> None:
        names = ProbeNames(token)
        self._log = f"pg_temp.{names['log']}"
        self._setup = ProbeSetup(names, splits)
        self._unprobed = UnprobedRows(self._log)
        self._names = LeftNames()
        self._segments: list[tuple[int, list[LogRow], list[tuple[int, int]]]] = []

    @property
    def limits(self) -> frozenset[str]:
        """What could not be counted, or not exactly: one sentence each."""
        setup = self._setup
        told = {
            f"{setup.relations[oid].name} could not be probed ({why}): its rows are counted as attempted, by the "
            "server's counters, and their causes are not known."
            for oid, why in setup.blind.items()
        }
        told |= {
            f"The triggers of {setup.relations[oid].name} could not be told apart ({why}): what they change may be "
            "told without them."
            for oid, why in setup.unmarked.items()
        }
        told |= {
            f"{relation.name} is a foreign table: what its rows cause on the other server is not seen, nor, before "
            "PostgreSQL 16, what a TRUNCATE takes from it."
            for relation in setup.relations.values()
            if relation.kind == "f"
        }
        if setup.is_heard:
            told.add(
                "The role may not set session_replication_role: the target's event triggers saw the probes being made, "
                "in the second pass."
            )
        return frozenset(told) | self._unprobed.limits

    def warm(self, session: Session) -> None:
        """Have a new backend read the catalogs that it will be asked for, while nobody waits for it."""
        self._setup.foresee(session, ())

    def prepare(self, session: Session) -> None:
        """Create the log and the functions."""
        self._setup.create_functions(session)

    def foresee(self, session: Session, foreseen: Foreseen) -> None:
        """Take in what the clean pass tells, and read what there is of it."""
        self._unprobed.replaced = foreseen.replaced
        self._setup.foresee(session, foreseen.names)

    def begin(self, moment: Moment) -> None:
        """Probe what is there."""
        self._setup.renew(moment.session, moment.catalogs)

    def before(self, moment: Moment) -> None:
        """Tell the probes which step they will see, and count what the step will take away."""
        self._names.begin_segment(moment, self._setup)
        moment.session.fetch("SELECT set_config('pgrehearse.step', %s, true)", (str(moment.step),))
        self._unprobed.before(moment, self._setup.relations)
        early = _CALLS_EARLY.match(moment.text)
        if early:
            self._announce_early(moment, early[1])

    def after(self, moment: Moment) -> Iterable[Observation]:
        """Probe what the statement created, and count what no probe saw."""
        if not moment.is_usable:
            return ()
        if moment.tag == "ROLLBACK":
            self._setup.forget()
        renewal = Renewal()
        if self._setup.is_outdated(moment.catalogs):
            renewal = self._setup.renew(moment.session, moment.catalogs)
        self._unprobed.after(moment, self._setup.relations, renewal, self._setup.blind)
        return ()

    def end_segment(self, moment: Moment) -> Iterable[Observation]:
        """Take what is still in the log: what savepoints and caught exceptions undid is no longer there."""
        self._setup.end_segment()
        if not moment.is_usable:
            return ()
        rows = moment.session.fetch(_TAKE_LOG.format(log=self._log))
        calls = moment.session.fetch(_TAKE_CALLS, (len(self._setup.marks),))
        self._names.end_segment(moment, self._setup)
        self._segments.append((moment.segment, rows, [(number, int(n)) for number, n, _ in calls]))
        return ()

    def finish(self, moment: Moment) -> Iterable[Observation]:
        """Give all of it, under the names that the change leaves."""
        self._names.begin_segment(moment, self._setup)
        for segment, rows, calls in self._segments:
            yield from self._changed(segment, rows)
            for number, n in calls:
                mark = self._setup.marks[number - 1]
                if not mark.constraint:
                    table = self._names.of(mark.relid, segment)
                    yield TriggerFired(table, mark.name, mark.function, n, segment)

    def _changed(self, segment: int, rows: Iterable[LogRow]) -> Iterator[RowsChanged]:
        seen = [
            (step, self._names.of(relid, segment), op, n * times, _path_of(path), groups, times)
            for step, relid, op, n, path, groups, times in rows
        ]
        origins: dict[tuple[int, str], set[Path]] = defaultdict(set)
        for step, table, op, _, path, *_ in seen:
            origins[step, f"{table}: {op}"].add(path)
        for step, table, op, n, path, groups, times in seen:
            yield RowsChanged(
                table, op, n, step, segment, _whole_path(path, step, origins),
                tuple((None if v is None else str(v), int(str(c)) * times) for v, c in groups or ()),
            )  # fmt: skip

    def _announce_early(self, moment: Moment, listed: str) -> None:
        """A deferred trigger that is called by its name is announced before it: its mark has another name.

        Several are called in the order of their rows, each behind its mark: so all of them at once, or, where that
        fails, by the script's own statement, which then tells the error.
        """
        names = {part.strip().rpartition(".")[2].strip('"').lower() for part in listed.split(",")}
        marks = {m for m in self._setup.marks if m.name.lower() in names and " DEFERRABLE " in m.definition}
        if not marks:
            return
        announced = sorted({self._constraint_of(mark) for mark in marks})
        if len({mark.name for mark in marks}) > 1:
            announced.append(listed)
        try:
            moment.session.run(
                f"SAVEPOINT pgrehearse; SET CONSTRAINTS {', '.join(announced)} IMMEDIATE; RELEASE pgrehearse"
            )
        except ServerError:
            moment.session.run("ROLLBACK TO pgrehearse; RELEASE pgrehearse")

    def _constraint_of(self, mark: MarkedTrigger) -> str:
        schema = _SCHEMA.match(self._setup.relations[mark.relid].name)
        return f"{schema[0] if schema else ''}{quote_identifier(name_just_before(mark.name))}"


def _path_of(text: str) -> Path:
    """The path that a probe logged, as words."""
    path: list[str] = []
    for mark in filter(None, text.split(_LEVEL)):
        operation, relation, trigger, function, constraint = mark.split(SEPARATOR)
        path.append(f"{relation}: {operation}")
        path += (
            [f"foreign key {constraint}"] if constraint else [f"trigger {trigger}", f"function {function}"]
        )
    return tuple(path)


def _whole_path(path: Path, step: int, origins: Mapping[tuple[int, str], set[Path]]) -> Path:
    """`path` with what caused its first change in front, where that is known without doubt.

    The triggers on rows that a foreign key changed fire as if the script had changed those rows itself.
    """
    while path:
        causes = origins.get((step, path[0]), set())
        if len(causes) != 1:
            return path
        (cause,) = causes
        if not cause or path[0] in cause:
            return path
        path = (*cause, *path)
    return path
