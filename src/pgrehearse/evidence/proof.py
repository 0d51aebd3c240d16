"""The proof of every pass becomes one proof of rollback.

Takes pass records; gives a `Rollback`, proved only where each pass proved its own.
"""

from __future__ import annotations

from collections import defaultdict

from pgrehearse.evidence import document as doc
from pgrehearse.stage.transcript import PassRecord

_NOTHING_RUN = doc.Rollback(
    proved=False,
    xid=None,
    xid_status="not begun",
    residue=(),
    fingerprint=doc.Fingerprint(before="", after="", equal=True),
)


def rollback_of(passes: tuple[PassRecord, ...]) -> doc.Rollback:
    """Return one proof for all passes; where none was begun, nothing was run and nothing is proved."""
    if not passes:
        return _NOTHING_RUN
    proofs = tuple(map(_proof, passes))
    shown = next((i for i, proof in enumerate(proofs) if not proof.proved), 0)
    of_shown = passes[shown].rollback
    return doc.Rollback(
        proved=all(proof.proved for proof in proofs),
        xid=proofs[shown].xid,
        xid_status=proofs[shown].xid_status,
        residue=_residue(passes),
        fingerprint=doc.Fingerprint(
            before=of_shown.fingerprint_before if of_shown else "",
            after=of_shown.fingerprint_after if of_shown else "",
            equal=of_shown is not None and of_shown.fingerprint_before == of_shown.fingerprint_after,
            of=of_shown.fingerprint_of if of_shown else (),
        ),
        foreign_commits=_foreign_commits(passes),
        passes=proofs,
    )


def _proof(record: PassRecord) -> doc.PassProof:
    rollback = record.rollback
    if rollback is None:
        return doc.PassProof(
            record.number, proved=False, xid=None, xid_status="unknown", broken=record.broken
        )
    return doc.PassProof(
        record.number,
        rollback.is_proved,
        rollback.xid or None,
        rollback.xid_status,
        broken=record.broken,
        status_during=rollback.status_during,
    )


def _residue(passes: tuple[PassRecord, ...]) -> tuple[doc.Residue, ...]:
    """Equal residue of several passes is one entry that names them: every pass leaves its own."""
    left_by: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for record in passes:
        for item in record.rollback.residue if record.rollback else ():
            left_by[item.kind, item.object, item.detail].append(record.number)
    return tuple(doc.Residue(*item, tuple(numbers)) for item, numbers in sorted(left_by.items()))


def _foreign_commits(passes: tuple[PassRecord, ...]) -> int:
    counts = [record.rollback.foreign_commits if record.rollback else -1 for record in passes]
    return -1 if -1 in counts else sum(counts)
