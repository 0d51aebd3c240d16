r"""psql's part of a pass: reads the script item by item, and acts as psql would.

Takes a reader and the stage; gives the steps as they happened. Variables live here, because a later statement may be
made of what an earlier one gave (`\gset`, `\gexec`, `\if`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from pgrehearse.pg.result import Result, ServerMessage
from pgrehearse.pg.session import ROW_CAP
from pgrehearse.plan.classify import Disposition, classify
from pgrehearse.script.copy_command import CopyEnd, parse_copy
from pgrehearse.script.metacommands import refusal_of
from pgrehearse.script.reader import Reader
from pgrehearse.script.split import split_statements
from pgrehearse.script.statement import MetaCommand, Query, Statement
from pgrehearse.script.variables import VariableError, Variables
from pgrehearse.stage.meta import MetaOutcome, NextQuery, play_meta
from pgrehearse.stage.statements import Played, Sending, Statements
from pgrehearse.stage.transcript import ResultSet, StepResult, StepState
from pgrehearse.stage.watch import StageEnded

_PIECE_BYTES = 65_536
GEXEC_ROWS = 100_000
r"""Rows of a \gexec that are run; a script that makes more is refused rather than rehearsed in part."""


@dataclass(slots=True)
class Interpreter:
    r"""Plays one script once.

    `shown` is told each step as it ends: progress, or a listing. `folder` is where `\copy` may read.
    """

    reader: Reader
    variables: Variables
    statements: Statements
    shown: Callable[[StepResult], None]
    folder: Path
    steps: list[StepResult] = field(default_factory=list)
    refused_at_commit: list[tuple[int, ServerMessage]] = field(default_factory=list)
    _following: NextQuery = field(default_factory=NextQuery)
    _last_error: ServerMessage | None = None
    _has_failed: bool = False

    def play(self) -> None:
        """Play to the end, or to the first error under ON_ERROR_STOP.

        Raises:
            StageEnded: The stage is gone; the steps so far stand.
            ScriptError: The text cannot be read on.
        """
        for item in self.reader:
            self._has_failed = False
            if isinstance(item, Query):
                self._play_query(item)
            else:
                self._play_meta(item)
            if self._must_stop:
                break
        self.statements.end_of_script(len(self.steps))

    @property
    def _must_stop(self) -> bool:
        return self._has_failed and self.reader.stops_on_error

    # Queries ---------------------------------------------------------------------------------------------------------

    def _play_query(self, query: Query) -> None:
        self.statements.autocommit = self.variables.is_on("AUTOCOMMIT")
        self.statements.rolls_back_on_error = self.variables.is_on("ON_ERROR_ROLLBACK")
        following, self._following = self._following, NextQuery()
        sender = query.sent_by
        if len(query.statements) > 1 and sender is None:
            self._play_group(query.statements)
            return
        for statement in query.statements:
            played = self._play(statement, self._sending(statement, sender, following))
            if sender and played.state is StepState.OK:
                self._use_result(played.result, sender, statement)

    def _sending(self, statement: Statement, sender: MetaCommand | None, following: NextQuery) -> Sending:
        session, text = self.statements.session, statement.text
        name = sender.name if sender else ""
        if name == "gdesc":
            return Sending(act=lambda: session.describe(text))
        if name == "parse" and sender:
            prepared = sender.arguments[0]
            return Sending(act=lambda: session.prepare(prepared, text))
        if following.prepared is not None:
            used, values = following.prepared, following.parameters or ()
            return Sending(act=lambda: session.execute_prepared(used, values))
        row_cap = GEXEC_ROWS if name == "gexec" else ROW_CAP
        return Sending(following.parameters, row_cap, self.reader.copy_data)

    def _use_result(self, result: Result, sender: MetaCommand, statement: Statement) -> None:
        if sender.name == "gset":
            self._set_from(result, sender)
        elif sender.name == "gexec":
            self._execute_results(result, statement)

    def _play_group(self, statements: Sequence[Statement]) -> None:
        """Statements that psql sends in one message run in one transaction, unless they say otherwise.

        A BEGIN among them makes the implicit transaction an explicit one, a COMMIT or ROLLBACK ends it, and what
        follows opens the next. The first error ends the message.
        """
        segments = self.statements.segments
        is_implicit = False
        for statement in statements:
            disposition = classify(statement.text).disposition
            if not segments.is_in_block and disposition is not Disposition.BEGIN:
                segments.open(len(self.steps) + 1, block=True)
                is_implicit = True
            if is_implicit and disposition is Disposition.BEGIN:
                is_implicit = False
                self._remember(statement, Played(StepState.OK, Result(tag="BEGIN"), segment=segments.current))
            elif self._play(statement, Sending(copy_data=self.reader.copy_data)).state is not StepState.OK:
                break
        if is_implicit and segments.is_in_block and (error := segments.commit(len(self.steps))):
            self._fail_last(error)

    def _execute_results(self, result: Result, statement: Statement) -> None:
        if result.row_count > len(result.rows):
            raise StageEnded(f"\\gexec has more than {len(result.rows)} rows to run")
        for value in (value for row in result.rows for value in row if value is not None):
            for made in split_statements(value, statement.location):
                self._play(made, Sending())
                if self._must_stop:
                    return

    def _set_from(self, result: Result, meta: MetaCommand) -> None:
        prefix = meta.arguments[0] if meta.arguments else ""
        if result.row_count != 1:
            number = "no rows" if not result.row_count else "more than one row"
            self._fail_last(ServerMessage("ERROR", "", f"{number} returned for \\gset"))
            return
        try:
            for column, value in zip(result.columns, result.rows[0], strict=True):
                self._set_variable(prefix + column.name, value)
        except VariableError as error:
            self._fail_last(ServerMessage("ERROR", "", error.message))

    def _set_variable(self, name: str, value: str | None) -> None:
        if self.variables.is_special(name):
            return  # as psql, which warns and goes on
        if value is None:
            self.variables.unset(name)
        else:
            self.variables.set(name, value)

    # One statement as one step ---------------------------------------------------------------------------------------

    def _play(self, statement: Statement, sending: Sending) -> Played:
        step = len(self.steps) + 1
        segment = self.statements.segments.current
        try:
            played = self.statements.play(statement, step, sending)
        except StageEnded as end:
            self._remember(statement, Played(StepState.FAILED, end.result, reason=str(end), segment=segment))
            raise
        for complaint in played.complaints:
            self.statements.hear(complaint, step, played.segment)
        if played.refused_at_commit:
            self.refused_at_commit.append((step, played.refused_at_commit))
        self._remember(statement, played)
        if played.state is StepState.FAILED:
            self._last_error = played.result.error
            self._has_failed = True
        self._tell_variables(played.result)
        strings = self.statements.session.parameter("standard_conforming_strings")
        self.reader.standard_strings = strings != "off"
        return played

    def _remember(self, statement: Statement, played: Played) -> None:
        result = played.result
        location = statement.location
        if result.error and result.error.position:
            location = statement.location_at(result.error.position)
        sets: tuple[ResultSet, ...] = ()
        if result.columns or result.copy == "out":
            sets = (ResultSet(result.columns, result.rows, result.row_count > len(result.rows)),)
        self._add(
            StepResult(
                n=len(self.steps) + 1,
                kind="sql",
                text=statement.text,
                location=location,
                state=played.state,
                segment=played.segment,
                tag=result.tag,
                error=result.error,
                reason=played.reason,
                duration_ms=played.took_ms,
                result_sets=sets,
            )
        )

    def _add(self, step: StepResult) -> None:
        self.steps.append(step)
        self.shown(step)

    def _fail_last(self, error: ServerMessage) -> None:
        self.steps[-1] = replace(self.steps[-1], state=StepState.FAILED, error=error)
        self._has_failed = True

    def _tell_variables(self, result: Result) -> None:
        """Set what psql sets after each statement."""
        error = result.error
        self.variables.set("ERROR", "true" if error else "false")
        self.variables.set("SQLSTATE", error.sqlstate if error else "00000")
        self.variables.set("ROW_COUNT", "0" if error else str(result.row_count))
        if error:
            self.variables.set("LAST_ERROR_MESSAGE", error.text)
            self.variables.set("LAST_ERROR_SQLSTATE", error.sqlstate)

    # Meta-commands ---------------------------------------------------------------------------------------------------

    def _play_meta(self, item: MetaCommand) -> None:
        state, output, reason = StepState.OK, "", refusal_of(item)
        if item.problem:
            state, reason = StepState.FAILED, item.problem
        elif reason:
            state = StepState.REFUSED
        elif item.name == "copy":
            self._copy(item)
            return
        else:
            outcome = self._outcome_of(item)
            output, reason = outcome.output, outcome.problem
            state = StepState.FAILED if reason else StepState.OK
        self._add_meta(item, state, reason, output)

    def _add_meta(self, item: MetaCommand, state: StepState, reason: str, output: str = "") -> None:
        error = ServerMessage("ERROR", "", reason) if state is StepState.FAILED else None
        self._add(
            StepResult(
                n=len(self.steps) + 1,
                kind="meta",
                text=item.raw,
                location=item.location,
                state=state,
                segment=self.statements.segments.current,
                error=error,
                reason=reason,
                output=output,
            )
        )
        if error:
            self._has_failed = True
            self.reader.skip_line()

    def _outcome_of(self, item: MetaCommand) -> MetaOutcome:
        if item.name in {"p", "print"}:
            return MetaOutcome(self.reader.query_text + "\n")
        if item.name == "close_prepared":
            closed = self.statements.session.close_prepared(item.arguments[0])
            return MetaOutcome(problem=closed.error.text if closed.error else "")
        return play_meta(item, self.variables, self._following, self._last_error)

    def _copy(self, item: MetaCommand) -> None:
        r"""Load a local file, or the lines that follow in the script, as psql's `\copy` does."""
        copied = parse_copy(item)
        if not copied.is_from or copied.end in (CopyEnd.PROGRAM, CopyEnd.STDIN):
            self._add_meta(item, StepState.REFUSED, "only \\copy … from a file or the script is allowed")
            return
        data: Callable[[], Iterator[bytes]] = self.reader.copy_data
        if copied.end is CopyEnd.FILE:
            path = self._find_beside_script(copied.path)
            if path is None:
                reason = f"{copied.path}: no such file in the script's folder, nor below it"
                self._add_meta(item, StepState.FAILED, reason)
                return
            data = partial(_pieces_of, path)
        self._play(Statement(copied.sql, item.location), Sending(copy_data=data))

    def _find_beside_script(self, name: str) -> Path | None:
        """The file as psql would find it from here, else beside the script; never one outside the script's folder."""
        folder = self.folder.resolve()
        for path in (Path(name).resolve(), (folder / name).resolve()):
            if path.is_file() and path.is_relative_to(folder):
                return path
        return None


def _pieces_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
