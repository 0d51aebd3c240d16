"""Every statement ran."""

from __future__ import annotations

from collections.abc import Iterator

from pgrehearse.check.check import Case, Check
from pgrehearse.check.finding import Word
from pgrehearse.stage.transcript import StepResult, StepState


def _examine(case: Case) -> Iterator[str]:
    for record in case.transcript.passes[:1]:
        for step in record.steps:
            if step.state is StepState.FAILED and step.error and not _follows(step):
                code = f" (SQLSTATE {step.error.sqlstate})" if step.error.sqlstate else ""
                yield f"{step.location}: {step.error.text}{code}"


def _follows(step: StepResult) -> bool:
    """Whether the step failed by no doing of the script's, or only because one before it had failed."""
    return bool(step.reason) or (step.error is not None and step.error.sqlstate == _BLOCK_HAS_FAILED)


_BLOCK_HAS_FAILED = "25P02"

CHECK = Check(
    id="every-statement-ran",
    title="Every statement ran",
    word=Word.NO_GO,
    condition="A statement of the script failed.",
    effect="The change cannot be made as it is written.",
    remedy="Read the server's message at the line that is named, and mend the script.",
    examine=_examine,
)
