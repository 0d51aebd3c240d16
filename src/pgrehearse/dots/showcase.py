"""Both halves of the seed's verdict, shown: a registration that is rehearsed, and an execution out of the database.

Takes a tool, a clone, a production and a ledger; does all that the boundary allows, is refused the rest, and gives what
the ledger has of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pgrehearse.config import Config
from pgrehearse.dots.boundary import Action, Placement, Ruling, rule
from pgrehearse.dots.dot import Declared
from pgrehearse.dots.lease import held_leases
from pgrehearse.dots.ledger import LedgerRun, read_runs
from pgrehearse.dots.registration import rehearse_registration
from pgrehearse.dots.registry import Registry
from pgrehearse.dots.runner import Order, RunResult, execute, run_in_sandbox
from pgrehearse.dots.sandbox import place_target
from pgrehearse.dots.store import open_store
from pgrehearse.dots.verification import Verification, verify
from pgrehearse.errors import RefusedError
from pgrehearse.pg.target import Target
from pgrehearse.rehearsal import Options, Rehearsed


@dataclass(frozen=True, slots=True)
class Showcase:
    """What was shown.

    Attributes:
        registration: The rehearsal on the clone.
        boundary: What the boundary said of each attempt, in order.
        run: The one that was executed.
        runs: All that the ledger has, refusals among them.
        verification: Of the ledger, against the anchor of the run.
        leases: How many are held at the end.
    """

    registration: Rehearsed
    boundary: tuple[Ruling, ...]
    run: RunResult
    runs: tuple[LedgerRun, ...]
    verification: Verification
    leases: int

    def to_record(self) -> dict[str, object]:
        """The showcase as JSON types: `boundary`, `runs`, `ledger_verified` and `leases`, and the anchor."""
        anchor = self.run.anchor
        return {
            "registration": self.registration.evidence.verdict.word,
            "boundary": [
                {"action": one.action, "place": one.place, "word": one.word, "why": one.why}
                for one in self.boundary
            ],
            "runs": [
                {
                    "code": one.code,
                    "state": one.state,
                    "term": one.term,
                    "place": one.place,
                    "run_id": one.run_id,
                    "reason": one.reason,
                }
                for one in self.runs
            ],
            "ledger_verified": self.verification.is_sound,
            "leases": self.leases,
            "anchor": None if anchor is None else str(anchor),
        }


def showcase(
    declared: Declared,
    *,
    clone: Target,
    production: Target,
    ledger: str,
    config: Config,
    note: Callable[[str], None],
    options: Options | None = None,
) -> Showcase:
    """Rehearse the registration of a tool, and try to execute it everywhere.

    Args:
        declared: The tool.
        clone: A proven clone that nobody is connected to.
        production: A declared production; nothing is run there.
        ledger: Conninfo of the database that keeps leases and ledger.
        config: Declared productions.
        note: Told the tool's output, in whole lines.
        options: How to rehearse.

    Raises:
        RehearseError: Something went otherwise than the boundary says.
    """
    registration = rehearse_registration(
        declared, clone.conninfo, config=config, registry=Registry(), options=options
    )
    rehearsed = _rule("rehearse", place_target(clone, config))
    refused = [_refused(Order(declared, target, ledger, config)) for target in (clone, production)]
    run = run_in_sandbox(Order(declared, clone, ledger, config, shown=note))
    with open_store(ledger) as store:
        return Showcase(
            registration=registration,
            boundary=(rehearsed, *refused, rule("execute", "sandbox")),
            run=run,
            runs=read_runs(store),
            verification=verify(store, anchors=[] if run.anchor is None else [run.anchor]),
            leases=len(held_leases(store)),
        )


def _rule(action: Action, placement: Placement) -> Ruling:
    return rule(action, placement.place)


def _refused(order: Order) -> Ruling:
    """Try to execute in the target itself, which the boundary must refuse."""
    ruling = _rule("execute", place_target(order.target, order.config))
    try:
        execute(order)
    except RefusedError:
        return ruling
    raise RefusedError(f"the boundary let a tool run in {order.target.dbname}")
