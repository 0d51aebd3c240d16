"""The rollback is proved."""

from __future__ import annotations

from collections.abc import Iterator

from pgrehearse.check.check import Case, Check
from pgrehearse.check.finding import Word
from pgrehearse.stage.transcript import UNREACHABLE


def _examine(case: Case) -> Iterator[str]:
    if not case.transcript.passes:
        yield "no pass was begun"
    for record in case.transcript.passes:
        rollback = record.rollback
        if rollback is None:
            yield f"pass {record.number}: there is no proof"
        elif rollback.xid_status == UNREACHABLE:
            yield f"pass {record.number}: the server is gone; transaction {rollback.xid} ends when it comes back"
        elif rollback.xid_status != "aborted":
            yield f"pass {record.number}: transaction {rollback.xid} is {rollback.xid_status}"
        elif not rollback.is_proved:
            yield f"pass {record.number}: the touched tables are not what they were at entry"


def _word(case: Case) -> Word:
    """A server that cannot be asked has committed nothing: without a proof, but without a suspicion either."""
    rollbacks = [record.rollback for record in case.transcript.passes]
    unproved = [rollback for rollback in rollbacks if rollback is None or not rollback.is_proved]
    unasked = all(rollback is not None and rollback.xid_status == UNREACHABLE for rollback in unproved)
    return Word.INCONCLUSIVE if unproved and unasked else Word.RESIDUE


CHECK = Check(
    id="rollback-is-proved",
    title="The rollback is proved",
    word=Word.RESIDUE,
    condition="The server does not call the stage's transaction aborted, or what was compared differs afterwards.",
    effect="Something of the rehearsal may have stayed in the database.",
    remedy="Drop the clone and make a new one; report it with the evidence, for this must never happen.",
    examine=_examine,
    word_for=_word,
)
