"""Every statement ran."""

from __future__ import annotations

from collections.abc import Iterator

from pgrehearse.check.check import Case, Check
from pgrehearse.check.finding import Word
from pgrehearse.stage.transcript import StepState


def _examine(case: Case) -> Iterator[str]:
    for record in case.transcript.passes[:1]:
        for step in record.steps:
            if step.state is StepState.FAILED and step.error:
                code = f" (SQLSTATE {step.error.sqlstate})" if step.error.sqlstate else ""
                yield f"{step.location}: {step.error.text}{code}"


CHECK = Check(
    id="every-statement-ran",
    title="Every statement ran",
    word=Word.NO_GO,
    condition="A statement of the script failed.",
    effect="The change cannot be made as it is written.",
    remedy="Read the server's message at the line that is named, and mend the script.",
    examine=_examine,
)
