"""One rehearsal: a script and a cleared target in, evidence out. Read this file first.

::

    source ─▶ plan ─▶ perform ─▶ transcript ─▶ checks ─▶ verdict ─▶ assemble ─▶ evidence
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pgrehearse.check.check import Case
from pgrehearse.check.finding import Verdict, Word
from pgrehearse.check.verdict import decide, run_checks
from pgrehearse.errors import RefusedError
from pgrehearse.evidence.assemble import RehearsalFacts, ScriptFacts, assemble
from pgrehearse.evidence.document import Document
from pgrehearse.pg.session import never
from pgrehearse.plan.classify import Disposition, classify
from pgrehearse.plan.planfile import PlanFile
from pgrehearse.plan.planner import Plan, make_plan
from pgrehearse.script.source import Source
from pgrehearse.script.statement import Statement
from pgrehearse.script.variables import Variables
from pgrehearse.stage.clearance import Clearance
from pgrehearse.stage.limits import Limits
from pgrehearse.stage.perform import perform
from pgrehearse.stage.performance import Performance
from pgrehearse.stage.transcript import StepResult, TargetFacts, Transcript
from pgrehearse.stage.witness import Prove

_SETS_ISOLATION = (Disposition.BEGIN, Disposition.SET_TRANSACTION)
_NOT_RUN = ("\\gdesc", "\\parse")


def _show_nothing(number: int, step: StepResult) -> None:
    """The default of `Options.shown`."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to rehearse.

    Attributes:
        variables: psql variables to start with.
        passes: 1, or 2: the probed pass tells net rows and causes.
        shown: Told each step as it ends, with the number of the pass.
        prove: How much is compared after the rollback.
        rows: How many rows of each operation on each table are shown, old and new; 0 shows none.
        restore_sequences: Whether sequences are put back afterwards.
        is_interrupted: Asked again and again, also while a statement runs: where it says so, the statement is
            cancelled, everything is rolled back and proved, and the evidence says it.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    passes: int = 2
    shown: Callable[[int, StepResult], None] = _show_nothing
    prove: Prove = Prove.TOUCHED
    rows: int = 0
    restore_sequences: bool = False
    is_interrupted: Callable[[], bool] = never


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A rehearsal that is over: its evidence, and whether somebody interrupted it."""

    evidence: Document
    interrupted: bool


def rehearse(
    source: Source, plan_file: PlanFile, conninfo: str, clearance: Clearance, options: Options
) -> Rehearsed:
    """Rehearse a script on a target in a transaction that is always rolled back.

    Args:
        source: The script.
        plan_file: What it must show, and what it may do.
        conninfo: The target.
        clearance: The proof that the target may be rehearsed on.
        options: How to rehearse.

    Returns:
        The evidence, whatever the verdict: a script that fails is a result, not an error.

    Raises:
        ScriptError: The text of the script cannot be read.
        RefusedError: The script holds what is refused by its text alone, or the target is not the one that was
            cleared, or cannot be made rollback-only: nothing was run.
        TargetError: The target cannot be reached.
    """
    began, started_at = time.perf_counter(), datetime.now(UTC)
    plan = make_plan(source, Variables(options.variables))
    refuse_by_text(plan)
    splits = {table: next(iter(rows.split)) for table, rows in plan_file.expect.rows.items() if rows.split}
    transcript = perform(
        Performance(
            source=source,
            variables=options.variables,
            conninfo=conninfo,
            clearance=clearance,
            limits=Limits.of(plan_file.policy),
            values={value.name: value.sql for value in plan_file.expect.values},
            splits=splits,
            passes=options.passes,
            isolation=_isolation(plan),
            policy=plan_file.policy,
            shown=options.shown,
            foreknown=_foreknown(plan),
            prove=options.prove,
            rows=options.rows,
            restore_sequences=options.restore_sequences,
            is_interrupted=options.is_interrupted,
        )
    )
    findings = run_checks(Case(transcript, plan_file))
    evidence = assemble(
        transcript=transcript,
        checks=findings,
        verdict=decide(findings),
        script=ScriptFacts(source.path, source.sha256, plan.statements),
        rehearsal=RehearsalFacts(
            secrets.token_hex(8), started_at, (time.perf_counter() - began) * 1000, "rollback", options.passes
        ),
        split_by=splits,
    )
    interrupted = options.is_interrupted() or any(record.interrupted for record in transcript.passes)
    return Rehearsed(evidence, interrupted)


def refuse(source: Source, target: TargetFacts, error: RefusedError, options: Options) -> Document:
    """The evidence of a rehearsal that was refused: nothing was run."""
    return assemble(
        transcript=Transcript(target, (), ()),
        checks=(),
        verdict=Verdict(Word.REFUSED, tuple(filter(None, (error.message, error.detail, error.hint)))),
        script=ScriptFacts(source.path, source.sha256, 0),
        rehearsal=RehearsalFacts(secrets.token_hex(8), datetime.now(UTC), 0.0, "rollback", options.passes),
    )


def refuse_by_text(plan: Plan) -> None:
    """Refuse a script that holds what no rehearsal can allow.

    Raises:
        RefusedError: The steps, by name and line.
    """
    if refused := plan.refusals:
        raise RefusedError(
            f"{refused[0].location}: {refused[0].keyword} is refused: {refused[0].reason}",
            detail="; ".join(f"{step.location}: {step.keyword}: {step.reason}" for step in refused[1:]),
            hint="docs/reference/meta-commands.md says what becomes of every meta-command, and why.",
        )


def _foreknown(plan: Plan) -> tuple[Statement, ...]:
    """The statements that are sent whatever the server says."""
    certain = (step for step in plan.steps if step.kind == "sql" and step.is_certain)
    return tuple(Statement(step.text, step.location) for step in certain if step.sent_by not in _NOT_RUN)


def _isolation(plan: Plan) -> str:
    """The isolation level that the script's first transaction asks for: the stage is one transaction, and has one."""
    asked = (classify(step.text).isolation for step in plan.steps if step.disposition in _SETS_ISOLATION)
    return next((level for level in asked if level), "")
