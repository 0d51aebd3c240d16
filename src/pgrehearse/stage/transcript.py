"""What happened on the stage, in order: steps, segments, passes, and the proof of the rollback."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from pgrehearse.observe.observation import Observation
from pgrehearse.pg.result import Column, ServerMessage
from pgrehearse.script.statement import Location


class StepState(enum.Enum):
    """What became of a step."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not reached: an earlier error or `\\q` ended the script, or a condition was false."""
    CANNOT = "cannot"
    """Cannot be rehearsed in a transaction, and was not run."""
    REFUSED = "refused"
    """Refused by a policy or by the front end, and not run."""


class SegmentEnd(enum.Enum):
    """How a segment of the script ended."""

    COMMITTED = "committed"
    """By the script's COMMIT, or by itself in autocommit: a fake commit."""
    ROLLED_BACK = "rolled back"
    """By the script's own ROLLBACK."""
    FAILED = "failed"
    """By an error, or because the script ended inside it."""


@dataclass(frozen=True, slots=True)
class ResultSet:
    """Rows that a step gave back, text as the server wrote it; `truncated` where the cap cut rows off."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str | None, ...], ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step as it happened. `n` counts from 1; `kind` is `sql` or `meta`; `duration_ms` is the server's part."""

    n: int
    kind: str
    text: str
    location: Location
    state: StepState
    segment: int
    tag: str = ""
    error: ServerMessage | None = None
    reason: str = ""
    duration_ms: float = 0.0
    result_sets: tuple[ResultSet, ...] = ()
    output: str = ""


@dataclass(frozen=True, slots=True)
class Segment:
    """One transaction of the script inside the stage. `n` counts from 1."""

    n: int
    first_step: int
    last_step: int
    end: SegmentEnd
    explicit: bool
    """Whether the script opened it with BEGIN; else a statement in autocommit."""


@dataclass(frozen=True, slots=True)
class Residue:
    """Something that outlived the rollback."""

    kind: str
    object: str
    detail: str


UNREACHABLE = "unreachable"
"""In place of a transaction's status: the server is gone, and could not be asked."""


@dataclass(frozen=True, slots=True)
class Rollback:
    """The proof that nothing stayed.

    Attributes:
        xid: The transaction id of the stage.
        xid_status: What a second session read of it afterwards: `aborted`, `in progress`, `committed`, `unknown`,
            or `unreachable` where the server is gone.
        residue: What outlived the rollback, sorted.
        fingerprint_before, fingerprint_after: SHA-256 over what was compared; `fingerprint_of` says what that is.
        status_during: What a second session read of the transaction just before the rollback: `in progress`, which
            means that nothing of it was visible outside; empty where it could not ask.
        foreign_commits: Transactions of others that committed on the server in the meantime; -1 where unknown.
    """

    xid: str
    xid_status: str
    residue: tuple[Residue, ...]
    fingerprint_before: str
    fingerprint_after: str
    fingerprint_of: tuple[str, ...]
    foreign_commits: int
    status_during: str = ""

    @property
    def is_proved(self) -> bool:
        """Whether the server itself says that the transaction was aborted and what was compared is equal."""
        return (
            self.xid_status == "aborted"
            and self.status_during != "committed"
            and self.fingerprint_before == self.fingerprint_after
        )


@dataclass(frozen=True, slots=True)
class PassRecord:
    """One pass over the script: 1 is clean, 2 is probed.

    `broken` says why the pass could not be ended as planned (a lost server, a timeout); empty else.
    """

    number: int
    steps: tuple[StepResult, ...]
    segments: tuple[Segment, ...]
    observations: tuple[Observation, ...]
    rollback: Rollback | None
    broken: str = ""
    interrupted: bool = False
    refused_at_commit: tuple[tuple[int, ServerMessage], ...] = ()
    """What the server would have refused a COMMIT for, by step, where the script itself rolls back."""


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What the target is, read from the server itself. `proof` holds the guard's facts, one sentence each."""

    database: str
    server_version: str
    system_identifier: str
    kind: str
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything that one rehearsal saw. `limits` are the sentences of what it could not tell."""

    target: TargetFacts
    passes: tuple[PassRecord, ...]
    limits: tuple[str, ...]
