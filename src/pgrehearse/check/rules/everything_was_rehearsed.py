"""Nothing had to be left out."""

from __future__ import annotations

from collections.abc import Iterator

from pgrehearse.check.check import Case, Check
from pgrehearse.check.finding import Word
from pgrehearse.stage.transcript import StepState


def _examine(case: Case) -> Iterator[str]:
    for record in case.transcript.passes[:1]:
        for step in record.steps:
            if step.state in (StepState.CANNOT, StepState.REFUSED):
                yield f"{step.location}: not run: {step.reason}"
            elif step.state is StepState.FAILED and step.reason and not record.broken.startswith(step.reason):
                yield f"{step.location}: could not be rehearsed: {step.reason}"


CHECK = Check(
    id="everything-was-rehearsed",
    title="Nothing had to be left out",
    word=Word.INCONCLUSIVE,
    condition="A statement cannot run inside a transaction, was not allowed to run, or failed by the stage's doing.",
    effect="What it would do, and what the steps behind it would do after it, is not known.",
    remedy="Rehearse such a statement on a throwaway copy, or move it to a script of its own.",
    examine=_examine,
)
