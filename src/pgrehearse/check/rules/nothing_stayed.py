"""Nothing stayed that the policy does not allow."""

from __future__ import annotations

from collections.abc import Iterator

from pgrehearse.check.check import Case, Check
from pgrehearse.check.finding import Word


def _examine(case: Case) -> Iterator[str]:
    allowed = case.plan.policy.allow_residue
    seen = set()
    for record in case.transcript.passes:
        for residue in record.rollback.residue if record.rollback else ():
            if residue.kind not in allowed and residue not in seen:
                seen.add(residue)
                yield f"{residue.kind} {residue.object}: {residue.detail}"


CHECK = Check(
    id="nothing-stayed",
    title="Nothing stayed that the policy does not allow",
    word=Word.RESIDUE,
    condition="Something outlived the rollback whose kind is not in the policy's allow_residue.",
    effect="The next rehearsal, or the next user of the clone, meets it.",
    remedy="Reset the clone; or allow the kind in the plan file, where it does no harm.",
    examine=_examine,
)
