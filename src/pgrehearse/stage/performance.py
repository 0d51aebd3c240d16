"""What is performed: the script, the target, and how; the record that the stage works from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pgrehearse.pg.session import never
from pgrehearse.plan.planfile import Policy
from pgrehearse.script.source import Source
from pgrehearse.script.statement import Statement
from pgrehearse.stage.clearance import Clearance
from pgrehearse.stage.limits import Limits
from pgrehearse.stage.transcript import StepResult
from pgrehearse.stage.witness import Prove


@dataclass(frozen=True, slots=True)
class Performance:
    """What is performed, where, and how.

    Attributes:
        source: The script.
        variables: psql variables to start with.
        conninfo: The target.
        clearance: The proof that it may be rehearsed on.
        limits: Bounds in time.
        values: Queries of the plan, by name.
        splits: A column to count rows by, per table.
        passes: 1 or 2.
        isolation: The isolation level that the script's transactions ask for; empty for the default.
        policy: What the plan allows.
        prove: How much is compared after the rollback.
        rows: How many rows of each operation on each table are shown; 0 shows none.
        restore_sequences: Whether sequences are put back afterwards, where nobody else has moved them.
        foreknown: The statements of the script that run for certain, as far as they are known beforehand.
        shown: Told each step as it ends, with the number of the pass.
        is_interrupted: Asked again and again whether somebody wants the rehearsal to end now.
    """

    source: Source
    variables: Mapping[str, str]
    conninfo: str
    clearance: Clearance
    limits: Limits
    values: Mapping[str, str]
    splits: Mapping[str, str]
    passes: int
    isolation: str
    policy: Policy
    shown: Callable[[int, StepResult], None]
    foreknown: Sequence[Statement] = ()
    prove: Prove = Prove.TOUCHED
    rows: int = 0
    restore_sequences: bool = False
    is_interrupted: Callable[[], bool] = never
