"""Findings to one word: the gravest of those that did not pass."""

from __future__ import annotations

from collections.abc import Sequence

from pgrehearse.check.catalogue import BUILT_IN
from pgrehearse.check.check import Case
from pgrehearse.check.expectations import plan_findings
from pgrehearse.check.finding import Finding, Verdict, Word
from pgrehearse.check.results_table import script_findings

GRAVEST_FIRST = (Word.REFUSED, Word.RESIDUE, Word.NO_GO, Word.INCONCLUSIVE)


def run_checks(case: Case) -> tuple[Finding, ...]:
    """Run the script's own checks, those of the plan file, and the built-in ones, in this order."""
    return (
        *script_findings(case.transcript),
        *plan_findings(case),
        *(check.run(case) for check in BUILT_IN),
    )


def decide(findings: Sequence[Finding]) -> Verdict:
    """The verdict that the findings amount to; GO needs every one of them to pass."""
    failed = [finding for finding in findings if not finding.passed]
    words = {finding.word for finding in failed}
    word = next((word for word in GRAVEST_FIRST if word in words), Word.GO)
    ordered = sorted(failed, key=lambda finding: GRAVEST_FIRST.index(finding.word))
    return Verdict(word, tuple(finding.reason for finding in ordered))
