"""Each pass came to its end."""

from __future__ import annotations

from collections.abc import Iterator

from pgrehearse.check.check import Case, Check
from pgrehearse.check.finding import Word


def _examine(case: Case) -> Iterator[str]:
    for record in case.transcript.passes:
        if record.broken:
            yield f"pass {record.number}: {record.broken}"


CHECK = Check(
    id="rehearsal-came-to-its-end",
    title="Each pass came to its end",
    word=Word.INCONCLUSIVE,
    condition="The server was lost, the stage's transaction was ended, time was up, or somebody interrupted.",
    effect="What the rest of the script would do is not known.",
    remedy="Look into the server's log, and rehearse again; a longer deadline_s may be set in the plan.",
    examine=_examine,
)
