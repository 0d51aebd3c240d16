r"""A walk through a script without a server: every statement and meta-command, and what will become of it.

Takes a source and the variables; gives a plan. A variable that only a server can set is unknown here: the statements
that use it are marked, and an `\if` that depends on it is walked through in all its branches.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pgrehearse.errors import ScriptError
from pgrehearse.plan.classify import Disposition, classify
from pgrehearse.plan.step import Step
from pgrehearse.script.copy_command import CopyEnd, parse_copy
from pgrehearse.script.metacommands import Treatment, apply_variable_command, find_rule, refusal_of
from pgrehearse.script.reader import INCLUDES, Reader, ReadInclude
from pgrehearse.script.source import Source
from pgrehearse.script.statement import Item, MetaCommand, Query
from pgrehearse.script.variables import SET_BY_SERVER, Variables

SENT_ELSEWHERE = frozenset({"parse", "gdesc"})
"""Commands that send a query to be looked at, not run."""
COLUMN_NAME = re.compile(r'"((?:[^"]|"")+)"|([A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)|(\*)')
VARIABLE_COMMANDS = frozenset({"set", "unset", "getenv"})


@dataclass(frozen=True, slots=True)
class Plan:
    """A script and what will become of it."""

    source: Source
    steps: tuple[Step, ...]

    @property
    def refusals(self) -> tuple[Step, ...]:
        """The steps that are refused for certain; nothing of the script is run where there is one."""
        return tuple(step for step in self.steps if step.is_refused and step.is_certain)

    @property
    def cannot(self) -> tuple[Step, ...]:
        """The statements that cannot run in a transaction."""
        return tuple(step for step in self.steps if step.cannot)

    @property
    def unknowns(self) -> tuple[Step, ...]:
        """The steps of which only a server can tell the text, or whether they are reached."""
        return tuple(step for step in self.steps if step.unknowns or not step.is_certain)

    @property
    def statements(self) -> int:
        """How many SQL statements there are."""
        return sum(step.kind == "sql" for step in self.steps)


def make_plan(
    source: Source,
    variables: Variables | None = None,
    *,
    read_include: ReadInclude | None = None,
    environment: Mapping[str, str] | None = None,
) -> Plan:
    r"""Plan `source`.

    Args:
        source: The script.
        variables: As psql would start with; left as they are.
        read_include: Reads included files; from disk where it is left out.
        environment: What `\getenv` may read; nothing where it is left out.

    Raises:
        ScriptError: The script cannot be read as psql would read it, or holds neither statement nor meta-command.
    """
    planner = _Planner(source, copy.deepcopy(variables or Variables()), read_include, environment or {})
    for item in planner.reader:
        planner.add(item)
    if not planner.steps:
        raise ScriptError(
            f"{source.path}: the script is empty", detail="It holds no statement and no meta-command."
        )
    return Plan(source, tuple(planner.steps))


class _Planner:
    """Gathers the steps of one script."""

    def __init__(
        self,
        source: Source,
        variables: Variables,
        read_include: ReadInclude | None,
        environment: Mapping[str, str],
    ) -> None:
        for name in SET_BY_SERVER - variables.keys():
            variables.forget(name)
        self.variables = variables
        self.reader = Reader(source, variables, read_include=read_include)
        self.steps: list[Step] = []
        self._environment = environment

    def add(self, item: Item) -> None:
        """Take the next item of the script."""
        if isinstance(item, Query):
            self._add_query(item)
        else:
            self._add_command(item)

    def _add_query(self, query: Query) -> None:
        command = query.sent_by
        for statement in query.statements:
            kind = classify(statement.text)
            self.steps.append(
                Step(
                    n=len(self.steps) + 1,
                    location=statement.location,
                    kind="sql",
                    text=statement.text,
                    keyword=kind.keyword,
                    disposition=kind.disposition,
                    reason=kind.reason,
                    is_certain=self.reader.is_certain,
                    unknowns=statement.unknowns,
                    sent_by=f"\\{command.name}" if command else "",
                )
            )
            if kind.disposition is Disposition.COPY_IN and not (command and command.name in SENT_ELSEWHERE):
                self._pass_copy_data()
        if command is not None:
            self._add_sender(query, command)

    def _add_sender(self, query: Query, command: MetaCommand) -> None:
        r"""The meta-command that sends a query is a step where it is refused; a \gset changes variables."""
        if refusal_of(command) or command.problem:
            self._add_command(command)
        elif command.name == "gset":
            self._forget_columns(query.text, command)

    def _forget_columns(self, text: str, command: MetaCommand) -> None:
        r"""Forget the variables that a \gset may set: the server names the columns, the text hints at them."""
        prefix = command.arguments[0] if command.arguments else ""
        names = set()
        for quoted, plain, star in COLUMN_NAME.findall(text):
            if star:
                names |= {name for name in self.variables if name.startswith(prefix)}
            else:
                names.add(prefix + (quoted.replace('""', '"') or plain.lower()))
        for name in names & self.variables.keys():
            if not self.variables.is_special(name):
                self.variables.forget(name)
        self.variables.forget_unset(prefix)

    def _add_command(self, command: MetaCommand) -> None:
        rule = find_rule(command.name)
        if command.problem and self.reader.is_certain and command.name in INCLUDES:
            raise ScriptError(f"{command.location}: {command.problem}")
        refusal = self._refusal(command)
        treatment = Treatment.REFUSED if refusal or rule is None else rule.treatment
        self.steps.append(
            Step(
                n=len(self.steps) + 1,
                location=command.location,
                kind="meta",
                text=command.raw,
                keyword=f"\\{command.name}",
                treatment=treatment,
                reason=refusal or command.problem or command.warning or (rule.reason if rule else ""),
                is_certain=self.reader.is_certain,
                unknowns=command.unknowns,
            )
        )
        if not refusal and not command.problem:
            self._act(command)

    def _refusal(self, command: MetaCommand) -> str:
        if command.name == "copy" and not command.problem:
            copied = parse_copy(command)
            if not copied.is_from:
                return "writes outside the transaction"
            if copied.end is CopyEnd.PROGRAM:
                return "runs a program outside the transaction"
            if copied.end is CopyEnd.STDIN:
                return "reads standard input, which a rehearsal does not give to a script"
        return refusal_of(command)

    def _act(self, command: MetaCommand) -> None:
        if command.name == "copy" and parse_copy(command).end is CopyEnd.SCRIPT:
            self._pass_copy_data()
        if command.name not in VARIABLE_COMMANDS or not command.arguments:
            return
        if command.unknowns or not self.reader.is_certain:
            self.variables.forget(command.arguments[0])
            return
        environment = self._environment
        if apply_variable_command(
            command, self.variables, environment=environment, allowed=frozenset(environment)
        ):
            self.reader.skip_line()

    def _pass_copy_data(self) -> None:
        for _ in self.reader.copy_data():
            pass
