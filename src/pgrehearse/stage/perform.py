"""Perform a script: one or two passes on the stage, and the proof that nothing of them stayed.

Takes a script and a cleared target; gives the transcript. The clean pass adds nothing to the database; the probed
pass repeats it with probes on the tables that the clean pass touched. Sequences that the clean pass moved are put back
before the probed one, so that both see the same state, and what is left over is that of one run.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pgrehearse.errors import ConnectionLostError, RehearseError, ServerError
from pgrehearse.observe.catalog_state import catalog_oids
from pgrehearse.observe.cost import CostObserver
from pgrehearse.observe.counters import CounterObserver
from pgrehearse.observe.escapes import DECIDING, EscapeFinder, EscapeObserver
from pgrehearse.observe.lock_sampler import LockSampler
from pgrehearse.observe.locks import LockObserver
from pgrehearse.observe.messages import MessageObserver
from pgrehearse.observe.observer import Observer
from pgrehearse.observe.probes import ProbeObserver
from pgrehearse.observe.samples import SampleObserver
from pgrehearse.observe.schema import SchemaObserver
from pgrehearse.observe.schema_catalogs import NAMES as CATALOG_NAMES
from pgrehearse.observe.sequences import FirstReading, SequenceObserver
from pgrehearse.observe.shapes import ShapeObserver
from pgrehearse.observe.values import ValueObserver
from pgrehearse.pg.session import Session
from pgrehearse.stage.beside import Beside
from pgrehearse.stage.gate import refuse_escapes
from pgrehearse.stage.inventory import take_inventory
from pgrehearse.stage.performance import Performance
from pgrehearse.stage.playing import Played, Surroundings, begin_stage, open_session, play
from pgrehearse.stage.probed_stage import ProbedStage
from pgrehearse.stage.proof import Proof, prove, proved
from pgrehearse.stage.sequence_reset import put_back
from pgrehearse.stage.transaction import RollbackOnly
from pgrehearse.stage.transcript import TargetFacts, Transcript
from pgrehearse.stage.witness import Witness


def perform(performance: Performance) -> Transcript:
    """Perform a script and prove the rollback.

    Raises:
        RefusedError: The clearance is for another database, or the stage cannot be made rollback-only.
        TargetError: The target cannot be reached.
    """
    clearance = performance.clearance
    with Beside() as beside:
        finder, reading = EscapeFinder(), FirstReading()

        def learn(entry: Session) -> None:
            finder.learn(entry)
            reading.help(entry)

        witness = Witness(
            performance.conninfo, clearance, beside,
            prove=performance.prove, limits=performance.limits, learn=learn,
        )  # fmt: skip
        session = beside.open(lambda: open_session(performance))
        begun = beside.start(lambda: begin_stage(session.take(), performance))
        witness.open()
        version = witness.now.parameter("server_version").split()[0]
        oids = catalog_oids(witness.now, {*CATALOG_NAMES, *DECIDING})
        reading.begin(witness.now)
        before = take_inventory(witness.now, clearance.database_oid)
        passing = Passing(Surroundings(performance, witness, finder, oids), beside, reading)
        passes = list(passing.play(begun.result()))
        proof = prove(passes, witness, before)
        stuck = None if proof.lost else passing.restored()
    facts = TargetFacts(
        clearance.database, version, clearance.system_identifier, clearance.kind, clearance.proof
    )
    return Transcript(facts, proved(passes, proof, stuck), _limits(passes, performance, proof, stuck))


class Passing:
    """The passes of one rehearsal, one after the other."""

    def __init__(self, surroundings: Surroundings, beside: Beside, reading: FirstReading) -> None:
        self._surroundings = surroundings
        self._performance = surroundings.performance
        self._witness = surroundings.witness
        self._beside = beside
        # Some of it may still be read beside, until `_enter`.
        self._reading = reading
        self._sequences = SequenceObserver(reading.standings)
        """Of the pass that is played, or was last."""

    def play(self, stage: RollbackOnly) -> Iterator[Played]:
        """Play the clean pass on `stage`, and the probed one on its own where it is asked for and of use.

        Raises:
            RefusedError: The script holds an escape that is not allowed; nothing of it was run.
            TargetError: The target cannot be reached.
        """
        if self._performance.passes == 1:
            yield self._play_clean(stage, ShapeObserver(), None)
            return
        shapes, second = ShapeObserver(), ProbedStage(self._performance, self._beside)
        clean = self._play_clean(stage, shapes, second)
        if clean.record.broken:
            yield clean
            return
        try:
            self._witness.read_ahead(clean.touched)
            unmoved = self._put_back_between()
            self._sequences = self._sequences.again(self._witness.now)
            stage, probes = second.take(shapes.foreseen)
        except RehearseError as error:
            # Something has run: whatever stops us now, its rollback is to be proved, and told.
            broken = f"the probed pass could not begin: {error.message}"
            yield replace(clean, record=replace(clean.record, broken=broken))
            return
        yield replace(clean, limits=clean.limits | unmoved)
        yield self._play_probed(stage, probes, shapes.foreseen.names)

    def _play_clean(self, stage: RollbackOnly, shapes: ShapeObserver, second: ProbedStage | None) -> Played:
        observers: list[Observer] = [
            EscapeObserver(self._surroundings.finder),
            CostObserver(),
            MessageObserver(),
            LockObserver(LockSampler(self._performance.conninfo)),
            CounterObserver(functions=True),
            shapes,
            SchemaObserver(self._surroundings.catalog_oids),
            self._sequences,
        ]
        if second is None:
            observers.append(ValueObserver(self._performance.values))
        over = (lambda: second.foresee(shapes.foreseen)) if second else None
        return play(
            1, stage, self._surroundings, observers, when_ready=lambda: self._enter(second), when_over=over
        )

    def _enter(self, second: ProbedStage | None) -> None:
        """The last thing before the script: the snapshot of the entry is taken, and nothing in the text leads out."""
        self._witness.wait_for_entry()
        self._sequences.hidden = self._reading.hidden(self._witness.now)
        finder, policy = self._surroundings.finder, self._performance.policy
        refuse_escapes(finder, policy, self._performance.foreknown)
        if second:
            second.open()

    def _play_probed(self, stage: RollbackOnly, probes: ProbeObserver, touched: Iterable[str]) -> Played:
        observers: list[Observer] = [
            probes,
            MessageObserver(),
            CounterObserver(),
            self._sequences,
            ValueObserver(self._performance.values),
        ]
        if self._performance.rows:
            observers.append(self._samples(touched))
        return play(2, stage, self._surroundings, observers, when_ready=self._witness.read_ahead_done)

    def _samples(self, touched: Iterable[str]) -> SampleObserver:
        """Row values are looked at only where somebody asks for them."""
        mask, most = self._performance.policy.mask, self._performance.rows
        return SampleObserver(touched, most=most, mask=mask, token=secrets.token_hex(4))

    # Sequences -------------------------------------------------------------------------------------------------------

    def _put_back_between(self) -> frozenset[str]:
        """Put back what the clean pass moved; give a sentence for each sequence that stays where it is."""
        left = put_back(self._witness.now, self._sequences.at_begin, self._sequences.at_end)
        return frozenset(
            f"Sequence {name} could not be put back between the passes: the second pass saw other values."
            for name in left
        )

    def restored(self) -> tuple[str, ...] | None:
        """Put the sequences back where that is asked for; the names of those that somebody else has moved since."""
        if not self._performance.restore_sequences:
            return None
        try:
            return put_back(self._witness.now, self._sequences.at_begin, self._sequences.at_end)
        except (ConnectionLostError, ServerError):
            return None  # the evidence names what has moved, and says of none that it was put back


def _limits(
    passes: Sequence[Played], performance: Performance, proof: Proof, stuck: tuple[str, ...] | None
) -> tuple[str, ...]:
    meanwhile = {
        f"Meanwhile, by others, elsewhere on the server: {r.kind} {r.object} {r.detail}."
        for r in proof.others
    }
    limits = sorted({*performance.clearance.warnings, *meanwhile}.union(*(one.limits for one in passes)))
    if stuck is not None:
        limits.append("Sequences that moved were put back after the rehearsal, as it was asked to.")
    return tuple(limits)
