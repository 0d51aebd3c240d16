"""The run ledger: the append-only list of what became of each run.

Takes a session with the store; gives runs. The database itself keeps the order of states, the chain of digests and the
fence: a row that bears a term is taken from the present holder of that lease only.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from pgrehearse.dots.lease import Lease
from pgrehearse.dots.store import read_sql
from pgrehearse.errors import DotError, ServerError
from pgrehearse.pg.session import Session

_APPEND = read_sql("append")
_RUNS = read_sql("runs")
_ABANDONED = read_sql("abandoned")
_MARK_LOST = read_sql("mark_lost")

State = Literal["planned", "running", "succeeded", "failed", "refused", "lost"]

_STALE_TERM = "RH701"
_NOT_LOST = "RH704"
_OUT_OF_ORDER = {"RH702", "23505"}


class StaleTermError(DotError):
    """The lease was lost: who held it writes nothing any more."""

    code = "RH710"


class RunStateError(DotError):
    """The run is in another state than was thought: somebody else has started it, or it is at its end."""

    code = "RH711"


@dataclass(frozen=True, slots=True)
class Run:
    """What all rows of one run have in common.

    Attributes:
        run_id: Its name; see `make_run_id`.
        code: The tool.
        action: What was to be done: an action of the boundary.
        place: Where: a place of the boundary.
        target: The database, without secrets.
        script_sha256: Of the script; None where it was not read.
        parameters_digest: See `digest_parameters`.
    """

    run_id: str
    code: str
    action: str
    place: str
    target: str
    script_sha256: str | None = None
    parameters_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a row says beside its state; an end says most."""

    reason: str = ""
    gates: Mapping[str, object] = field(default_factory=dict)
    exit_status: int | None = None
    duration_ms: int | None = None
    output_tail: str | None = None
    evidence_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """The place and digest of a row, kept outside of the ledger: with it, a removed last row is found."""

    seq: int
    digest: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest}"


@dataclass(frozen=True, slots=True)
class LedgerRun:
    """A run in its last state. Times are the server's; `gates` is JSON text; `anchor` is its last row."""

    run_id: str
    code: str
    state: State
    action: str
    place: str
    target: str
    lease: str | None
    holder: str | None
    term: int | None
    script_sha256: str | None
    exit_status: int | None
    duration_ms: int | None
    output_tail: str | None
    evidence_digest: str | None
    reason: str
    gates: str
    began_at: str
    recorded_at: str
    anchor: Anchor


def make_run_id() -> str:
    """A name for a run: 16 hexadecimal digits of chance."""
    return secrets.token_hex(8)


def append(
    session: Session, run: Run, state: State, *, lease: Lease | None = None, outcome: Outcome | None = None
) -> Anchor:
    """Add one state of a run; give the new row's place and digest.

    Raises:
        StaleTermError: `lease` is not held any more in its term.
        RunStateError: The run is not in a state before `state`.
        ConnectionLostError: The server went away; whether the row was written is not known.
    """
    said = outcome or Outcome()
    row = {name: getattr(run, name) for name in Run.__slots__} | {
        "state": state,
        "lease": lease and lease.name,
        "holder": lease and lease.holder,
        "term": lease and lease.term,
        "gates": msgspec.json.encode(dict(said.gates)).decode(),
        "exit_status": said.exit_status,
        "duration_ms": said.duration_ms,
        "output_tail": said.output_tail,
        "evidence_digest": said.evidence_digest,
        "reason": said.reason,
    }
    try:
        ((seq, digest),) = session.fetch(_APPEND, row)
    except ServerError as error:
        raise _translated(error, run, state) from error
    return Anchor(seq, digest)


def read_runs(
    session: Session, *, code: str | None = None, run_id: str | None = None
) -> tuple[LedgerRun, ...]:
    """The runs, each in its last state, oldest first: all, those of one tool, or the one named."""
    rows = session.fetch(_RUNS, {"code": code, "run_id": run_id})
    return tuple(LedgerRun(*(*row[:-2], Anchor(*row[-2:]))) for row in rows)


def mark_lost(session: Session, *, reason: str = "its holder was gone") -> tuple[str, ...]:
    """Find the runs whose holder is gone, and mark them lost; give their names. None is ever run again by itself."""
    found = [str(run_id) for (run_id,) in session.fetch(_ABANDONED)]
    return tuple(run_id for run_id in found if _mark_lost(session, run_id, reason))


def _mark_lost(session: Session, run_id: str, reason: str) -> bool:
    try:
        session.fetch(_MARK_LOST, {"run_id": run_id, "reason": reason})
    except ServerError as error:
        # Somebody else has marked it, or it came to its end, between the two statements.
        if error.sqlstate in {_NOT_LOST, *_OUT_OF_ORDER}:
            return False
        raise
    return True


def _translated(error: ServerError, run: Run, state: State) -> DotError | ServerError:
    if error.sqlstate == _STALE_TERM:
        return StaleTermError(
            f"{run.code}: the lease was lost before the run could be recorded as {state}",
            detail=error.message,
            hint="The run is marked lost. See what it did before you run the tool again.",
        )
    if error.sqlstate in _OUT_OF_ORDER:
        return RunStateError(
            f"{run.code}: run {run.run_id} cannot be recorded as {state}",
            detail=error.message,
            hint="`pgrehearse dot runs` shows the state it is in.",
        )
    return error
