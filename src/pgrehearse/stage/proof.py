"""The proof that nothing of a rehearsal stayed: what the server says after the rollback of all passes.

Takes the passes as they ended; gives each its `Rollback`, and the sentences on what others did meanwhile.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace

from pgrehearse.errors import RehearseError
from pgrehearse.observe.observation import EscapeFound, SequenceAdvanced
from pgrehearse.stage.inventory import Inventory, differences
from pgrehearse.stage.playing import Played
from pgrehearse.stage.transcript import UNREACHABLE, PassRecord, Residue, Rollback, StepState
from pgrehearse.stage.witness import NO_FINGERPRINT, Fingerprint, Witness


@dataclass(frozen=True, slots=True)
class Proof:
    """What the server says after all passes: of their transactions, of what they touched, of what else is there.

    Attributes:
        statuses: What it says of each transaction, by id.
        fingerprint: What was touched, then and now.
        left: What is there that was not, in the target.
        others: Differences elsewhere on the server, which are others' doing.
        lost: Why nothing of this could be asked; empty where it could.
    """

    statuses: dict[str, str]
    fingerprint: Fingerprint = NO_FINGERPRINT
    left: tuple[Residue, ...] = ()
    others: tuple[Residue, ...] = ()
    lost: str = ""


def prove(passes: Sequence[Played], witness: Witness, before: Inventory) -> Proof:
    """Ask the server, and compare with the inventory of `before`; where it cannot be asked, the proof says so."""
    touched = {table.oid: table for one in passes for table in one.touched}
    try:
        witness.see_again()
        fingerprint, inventory = witness.compare(touched.values())
        statuses = {one.xid: witness.status_of(one.xid) for one in passes}
    except RehearseError as error:
        return Proof({}, lost=error.message)
    found = differences(before, inventory)
    if any(_has_escaped(one.record) for one in passes):
        return Proof(statuses, fingerprint, (*found.here, *found.elsewhere))
    return Proof(statuses, fingerprint, found.here, found.elsewhere)


def _has_escaped(record: PassRecord) -> bool:
    """Whether something left the transaction: then what changed elsewhere on the server may be its doing."""
    refused = {step.n for step in record.steps if step.state is StepState.REFUSED}
    return any(isinstance(o, EscapeFound) and o.step not in refused for o in record.observations)


def proved(passes: Sequence[Played], proof: Proof, stuck: Container[str] | None) -> tuple[PassRecord, ...]:
    """The records of the passes with their proofs; what is left over is that of the last one.

    `stuck` are the sequences that could not be put back, None where none was to be.
    """
    return tuple(
        replace(
            one.record,
            broken=one.record.broken or proof.lost,
            rollback=_rollback(one, proof, stuck, is_last=one is passes[-1]),
        )
        for one in passes
    )


def _rollback(one: Played, proof: Proof, stuck: Container[str] | None, *, is_last: bool) -> Rollback:
    sequences = [
        Residue("sequence", o.sequence, f"advanced by {o.advanced_by}" + _why_still(o.sequence, stuck))
        for o in one.record.observations
        if is_last and isinstance(o, SequenceAdvanced) and (stuck is None or o.sequence in stuck)
    ]
    left = proof.left if is_last else ()
    return Rollback(
        xid=one.xid,
        xid_status=UNREACHABLE if proof.lost else proof.statuses[one.xid],
        residue=tuple(sorted([*one.residue, *left, *sequences], key=lambda r: (r.kind, r.object))),
        fingerprint_before=proof.fingerprint.before,
        fingerprint_after=proof.fingerprint.after,
        fingerprint_of=proof.fingerprint.of,
        foreign_commits=proof.fingerprint.foreign_commits,
        status_during=one.status_during,
    )


def _why_still(sequence: str, stuck: Container[str] | None) -> str:
    return ", and not put back: somebody else has moved it" if stuck and sequence in stuck else ""
