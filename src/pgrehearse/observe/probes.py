"""Observe the net rows and their causes: the probed pass.

Takes the relations that the clean pass saw touched; puts probes and marks on them, inside the stage; gives
`RowsChanged` and `TriggerFired`. Changes nothing that a commit could keep: every object stands in the stage, and most
of them in pg_temp. Created while session_replication_role is `replica`, so that the estate's own DDL event triggers
stay silent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files

from pgrehearse.errors import ServerError
from pgrehearse.observe.observation import Observation, RowsChanged, TriggerFired
from pgrehearse.observe.observer import Moment, Quiet
from pgrehearse.observe.probe_text import (
    SEPARATOR,
    MarkedTrigger,
    ProbedRelation,
    ProbeNames,
    mark_ddl,
    probe_ddl,
)
from pgrehearse.pg.session import Session

_SQL = files("pgrehearse.observe") / "sql"
_LEVEL = "\x1e"

_CATALOG_CHANGES = """
SELECT sum(pg_stat_get_xact_tuples_inserted(c) + pg_stat_get_xact_tuples_updated(c)
           + pg_stat_get_xact_tuples_deleted(c))::bigint
FROM unnest(ARRAY['pg_class', 'pg_trigger', 'pg_inherits']::regclass[]) AS c
"""

_TAKE_CALLS = """
SELECT n, calls, set_config('pgrehearse.calls' || n, '', true)
FROM (
    SELECT n, current_setting('pgrehearse.calls' || n, true) AS calls
    FROM generate_series(1, %s) AS n
) AS counted
WHERE calls <> ''
"""

_MAY_BE_SILENT = """
SELECT current_setting('session_replication_role'),
       has_parameter_privilege('session_replication_role', 'SET')
"""

Path = tuple[str, ...]


class ProbeObserver(Quiet):
    """Counts net rows by probes on the relations called `touched`; `splits` names a column to count by, per table."""

    def __init__(self, touched: Iterable[str], splits: Mapping[str, str], *, token: str) -> None:
        self._touched = sorted(set(touched))
        self._splits = splits
        self._names = ProbeNames(token)
        self._relations: dict[int, ProbedRelation] = {}
        self._marks: list[MarkedTrigger] = []
        self._changes = -1
        self.blind: dict[str, str] = {}
        """Relations without probes, and why."""

    def begin(self, moment: Moment) -> None:
        """Create the functions, and probe what is there."""
        text = (_SQL / "probe_functions.sql").read_text()
        for part in ("log", "path", "probe", "mark"):
            text = text.replace("{" + part + "}", self._names[part])
        _run_silently(moment.session, [text])
        self._install(moment.session)

    def before(self, moment: Moment) -> None:
        """Tell the probes which step they will see."""
        moment.session.fetch("SELECT set_config('pgrehearse.step', %s, true)", (str(moment.step),))

    def after(self, moment: Moment) -> Iterable[Observation]:
        """Probe what the statement created."""
        if moment.is_usable and moment.session.fetch(_CATALOG_CHANGES)[0][0] != self._changes:
            self._install(moment.session)
        return ()

    def end_segment(self, moment: Moment) -> Iterable[Observation]:
        """Give what is still in the log: what savepoints and caught exceptions undid is no longer there."""
        if not moment.is_usable:
            return
        rows = moment.session.fetch(
            f"DELETE FROM pg_temp.{self._names['log']} RETURNING step, relid::bigint, op, n, path, groups"
        )
        yield from self._changed(moment, rows)
        for number, calls, _ in moment.session.fetch(_TAKE_CALLS, (len(self._marks),)):
            mark = self._marks[number - 1]
            if not mark.constraint:
                table = self._relations[mark.relid].name
                yield TriggerFired(table, mark.name, mark.function, int(calls), moment.segment)

    def _changed(
        self, moment: Moment, rows: list[tuple[int, int, str, int, str, list[list[object]] | None]]
    ) -> Iterator[RowsChanged]:
        seen = [
            (step, self._relations[relid].name, op, n, _path_of(path), groups)
            for step, relid, op, n, path, groups in rows
        ]
        origins: dict[tuple[int, str], set[Path]] = defaultdict(set)
        for step, table, op, _, path, _ in seen:
            origins[step, f"{table}: {op}"].add(path)
        for step, table, op, n, path, groups in seen:
            yield RowsChanged(
                table, op, n, step, moment.segment, _whole_path(path, step, origins),
                tuple((None if v is None else str(v), int(str(c))) for v, c in groups or ()),
            )  # fmt: skip

    # Putting probes in place -----------------------------------------------------------------------------------------

    def _install(self, session: Session) -> None:
        oids = session.fetch(
            "SELECT to_regclass(name)::bigint FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL",
            (self._touched,),
        )
        found = session.fetch((_SQL / "probe_targets.sql").read_text(), ([oid for (oid,) in oids],))
        relations = {row[0]: ProbedRelation(*row) for row in found}
        for relation in relations.values():
            if relation.oid not in self._relations:
                ddl = list(probe_ddl(relation, self._names, self._splits.get(relation.name)))
                self._create(session, relation, ddl)
        self._relations |= relations
        self._install_marks(session, relations)
        self._changes = session.fetch(_CATALOG_CHANGES)[0][0]

    def _install_marks(self, session: Session, relations: Mapping[int, ProbedRelation]) -> None:
        marked = {mark.oid for mark in self._marks}
        by_relation: dict[int, list[str]] = defaultdict(list)
        for row in session.fetch((_SQL / "probe_triggers.sql").read_text(), (sorted(relations),)):
            mark = MarkedTrigger(*row)
            if mark.oid not in marked:
                self._marks.append(mark)
                by_relation[mark.relid] += mark_ddl(
                    mark, relations[mark.relid], self._names, len(self._marks)
                )
        for relid, ddl in by_relation.items():
            self._create(session, relations[relid], ddl)

    def _create(self, session: Session, relation: ProbedRelation, ddl: list[str]) -> None:
        if not ddl:
            return
        session.run("SAVEPOINT pgrehearse")
        try:
            _run_silently(session, ddl)
            session.run("RELEASE pgrehearse")
        except ServerError as error:
            session.run("ROLLBACK TO pgrehearse; RELEASE pgrehearse")
            self.blind[relation.name] = error.message


def _run_silently(session: Session, ddl: Iterable[str]) -> None:
    """Run DDL without waking the estate's event triggers, where the role may; else run it all the same."""
    mode, is_allowed = session.fetch(_MAY_BE_SILENT)[0]
    statements = list(ddl)
    if is_allowed:
        statements.insert(0, "SET LOCAL session_replication_role = replica")
        statements.append(f"SET LOCAL session_replication_role = {mode}")
    session.run(";\n".join(statements))


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
