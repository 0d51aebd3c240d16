"""A COMMIT in place of the script's ROLLBACK would be accepted."""

from __future__ import annotations

from collections.abc import Iterator

from pgrehearse.check.check import Case, Check
from pgrehearse.check.finding import Word


def _examine(case: Case) -> Iterator[str]:
    for record in case.transcript.passes[:1]:
        for step, error in record.refused_at_commit:
            yield f"step {step}: COMMIT would fail: {error.text} (SQLSTATE {error.sqlstate})"


CHECK = Check(
    id="commit-would-be-accepted",
    title="A COMMIT in place of the script's ROLLBACK would be accepted",
    word=Word.NO_GO,
    condition="The script rolls its own transaction back; deferred constraints or triggers would refuse a COMMIT.",
    effect="The rehearsal looks sound, and the same change fails when it is committed.",
    remedy="Mend the change, or declare the constraint NOT DEFERRABLE to see the error at its statement.",
    examine=_examine,
)
