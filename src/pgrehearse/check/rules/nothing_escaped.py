"""Nothing left the transaction's reach that the plan does not allow."""

from __future__ import annotations

from collections.abc import Iterator

from pgrehearse.check.check import Case, Check
from pgrehearse.check.finding import Word
from pgrehearse.observe.escape_names import UNSEEN
from pgrehearse.observe.observation import EscapeFound
from pgrehearse.stage.transcript import StepState


def _examine(case: Case) -> Iterator[str]:
    told = set()
    for record in case.transcript.passes:
        refused = {step.n for step in record.steps if step.state is StepState.REFUSED}
        for o in record.observations:
            if not isinstance(o, EscapeFound) or o.step in refused or o.kind == UNSEEN:
                continue
            if (o.kind, o.object) not in told and not case.plan.policy.allowance_for(o.kind, o.object):
                told.add((o.kind, o.object))
                yield f"step {o.step}: {o.kind} {o.object}"


CHECK = Check(
    id="nothing-escaped",
    title="Nothing left the transaction's reach",
    word=Word.RESIDUE,
    condition="A statement did something that no rollback undoes, found only when the server had analysed it.",
    effect="What it did outside the transaction stays, wherever it did it.",
    remedy="Undo it by hand; then take it out of the script, or allow it by kind and object in policy.allow_escapes.",
    examine=_examine,
)
