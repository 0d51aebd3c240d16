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
from pgrehearse.check.verdict import decide, run_checks
from pgrehearse.evidence.assemble import RehearsalFacts, ScriptFacts, assemble
from pgrehearse.evidence.document import Document
from pgrehearse.plan.planfile import PlanFile
from pgrehearse.script.source import Source
from pgrehearse.stage.clearance import Clearance
from pgrehearse.stage.limits import Limits
from pgrehearse.stage.perform import Performance, perform
from pgrehearse.stage.transcript import StepResult, Transcript


def _show_nothing(number: int, step: StepResult) -> None:
    """The default of `Options.shown`."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to rehearse.

    Attributes:
        variables: psql variables to start with.
        passes: 1, or 2: the probed pass tells net rows and causes.
        isolation: The isolation level of the stage; empty for the target's default.
        shown: Told each step as it ends, with the number of the pass.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    passes: int = 2
    isolation: str = ""
    shown: Callable[[int, StepResult], None] = _show_nothing


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A rehearsal that is over: its evidence, and whether somebody interrupted it."""

    evidence: Document
    interrupted: bool


def rehearse(
    source: Source, plan: PlanFile, conninfo: str, clearance: Clearance, options: Options
) -> Rehearsed:
    """Rehearse a script on a target in a transaction that is always rolled back.

    Args:
        source: The script.
        plan: What it must show, and what it may do.
        conninfo: The target.
        clearance: The proof that the target may be rehearsed on.
        options: How to rehearse.

    Returns:
        The evidence, whatever the verdict: a script that fails is a result, not an error.

    Raises:
        ScriptError: The text of the script cannot be read.
        RefusedError: The target is not the one that was cleared, or cannot be made rollback-only.
        TargetError: The target cannot be reached.
    """
    began, started_at = time.perf_counter(), datetime.now(UTC)
    splits = {table: next(iter(rows.split), "") for table, rows in plan.expect.rows.items() if rows.split}
    transcript = perform(
        Performance(
            source=source,
            variables=options.variables,
            conninfo=conninfo,
            clearance=clearance,
            limits=Limits.of(plan.policy),
            values={value.name: value.sql for value in plan.expect.values},
            splits=splits,
            passes=options.passes,
            isolation=options.isolation,
            refuse=lambda text, step: "",  # noqa: ARG005
            shown=options.shown,
        )
    )
    findings = run_checks(Case(transcript, plan))
    evidence = assemble(
        transcript=transcript,
        checks=findings,
        verdict=decide(findings),
        script=ScriptFacts(source.path, source.sha256, _statements(transcript)),
        rehearsal=RehearsalFacts(
            secrets.token_hex(8), started_at, (time.perf_counter() - began) * 1000, "rollback", options.passes
        ),
        split_by=splits,
    )
    return Rehearsed(evidence, any(record.interrupted for record in transcript.passes))


def _statements(transcript: Transcript) -> int:
    return sum(1 for record in transcript.passes[:1] for step in record.steps if step.kind == "sql")
