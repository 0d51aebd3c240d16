"""The document of evidence, format 1: every field of the contract, in its order.

Takes nothing, gives records. Fields with a default are additions to the contract: a reader must not depend on
them, and a document without them is still of format 1. Tables, sequences and functions are named
`schema.name`, quoted where SQL needs quotes. Times end in `_ms` and are milliseconds; steps count from 1, 0
is before the first.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from msgspec import Struct

FORMAT: Final = "pgrehearse-evidence/1"


class Tool(Struct, frozen=True):
    """What wrote the document."""

    name: str
    version: str


class SegmentSpan(Struct, frozen=True):
    """One transaction of the script inside the stage; `explicit` where the script opened it with BEGIN."""

    n: int
    first_step: int
    last_step: int
    end: str
    explicit: bool


class Rehearsal(Struct, frozen=True):
    """One rehearsal. `started_at` is RFC 3339 in UTC; `counted` says which segments the effects count."""

    id: str
    started_at: str
    duration_ms: float
    mode: str
    passes: int
    counted: str = ""
    segments: tuple[SegmentSpan, ...] = ()


class Script(Struct, frozen=True):
    """What was rehearsed: SHA-256 (hex) of its bytes, and its number of SQL statements."""

    path: str
    sha256: str
    statements: int


class Identity(Struct, frozen=True):
    """What the target proved to be, and the facts that prove it, one sentence each."""

    kind: str
    proof: tuple[str, ...]


class Target(Struct, frozen=True):
    """The database rehearsed against, as it names itself. A conninfo never stands here."""

    database: str
    server_version: str
    system_identifier: str
    identity: Identity


class Verdict(Struct, frozen=True):
    """What the rehearsal amounts to, with the exit status of the command."""

    word: str
    exit_status: int
    reasons: tuple[str, ...]


class Check(Struct, frozen=True, omit_defaults=True):
    """A check, what it expected and what it found; `source` is `script`, `plan` or `built-in`."""

    id: str
    name: str
    expected: str
    actual: str
    passed: bool
    source: str
    reason: str = ""


class StepError(Struct, frozen=True, omit_defaults=True):
    """The server's error. `line` is the script's line that it points at; 0 where it points at none."""

    sqlstate: str
    message: str
    detail: str = ""
    hint: str = ""
    context: str = ""
    line: int = 0


class Cost(Struct, frozen=True, omit_defaults=True):
    """What a step cost the server in the clean pass; what is not known is left out.

    `wal_bytes` is what the whole server wrote meanwhile. Blocks are those of tables and indexes, found in the server's
    buffers (`hit`) or not (`read`); temporary files are those that were closed.
    """

    wal_bytes: int | None = None
    blocks_hit: int | None = None
    blocks_read: int | None = None
    temp_files: int | None = None
    temp_bytes: int | None = None


class Step(Struct, frozen=True, omit_defaults=True):
    """A step as it happened. `path` stands where the step comes from another file than the script."""

    n: int
    line: int
    kind: str
    tag: str
    state: str
    sqlstate: str | None
    duration_ms: float
    reason: str = ""
    error: StepError | None = None
    output: str = ""
    path: str = ""
    cost: Cost | None = None


class Share(Struct, frozen=True):
    """How many rows of an operation have `value` in the column that the table is split by; None is NULL."""

    operation: str
    value: str | None
    rows: int


class RowsEffect(Struct, frozen=True, omit_defaults=True):
    """Rows that the change would have left changed in one table."""

    table: str
    inserted: int
    updated: int
    deleted: int
    truncated: bool
    split_by: str = ""
    split: tuple[Share, ...] = ()


class Cause(Struct, frozen=True):
    """Why rows changed: the path, outermost first; empty where the script's own statement did it."""

    table: str
    operation: str
    rows: int
    step: int
    path: tuple[str, ...]


class TriggerEffect(Struct, frozen=True):
    """A trigger that fired, and how many times."""

    table: str
    trigger: str
    function: str
    calls: int


class FunctionEffect(Struct, frozen=True):
    """A function that was called, and the time spent in it with all it called."""

    function: str
    calls: int
    total_ms: float


class Notification(Struct, frozen=True, omit_defaults=True):
    """Calls of NOTIFY for one channel, payload and step; `payload` is None where it cannot be known."""

    channel: str
    payload: str | None
    count: int
    step: int
    contexts: tuple[str, ...] = ()


class Lock(Struct, frozen=True):
    """A lock taken, and the first step that took it.

    `held_ms` is the time until the end of its segment; `blocks` what others cannot do on the relation meanwhile.
    """

    relation: str
    mode: str
    step: int
    held_ms: float = 0.0
    blocks: tuple[str, ...] = ()


class SequenceEffect(Struct, frozen=True):
    """A sequence that moved, in the clean pass."""

    sequence: str
    advanced_by: int


class SchemaEffect(Struct, frozen=True, omit_defaults=True):
    """An object created, altered or dropped."""

    action: str
    type: str
    object: str
    step: int
    detail: str = ""


class Message(Struct, frozen=True, omit_defaults=True):
    """A message that psql would have shown."""

    severity: str
    sqlstate: str
    text: str
    step: int
    detail: str = ""
    hint: str = ""
    context: str = ""


class Escape(Struct, frozen=True, omit_defaults=True):
    """An effect that would leave the transaction's reach."""

    kind: str
    object: str
    step: int
    detail: str = ""


class ValueEffect(Struct, frozen=True):
    """A query of the plan, read before the change, inside the stage and after the rollback."""

    name: str
    before: str | None
    inside: str | None
    after: str | None


class Effects(Struct, frozen=True):
    """What the change does: all that `effects_digest` covers, save the times."""

    rows: tuple[RowsEffect, ...]
    causes: tuple[Cause, ...]
    triggers: tuple[TriggerEffect, ...]
    functions: tuple[FunctionEffect, ...]
    notifications: tuple[Notification, ...]
    locks: tuple[Lock, ...]
    sequences: tuple[SequenceEffect, ...]
    schema: tuple[SchemaEffect, ...]
    messages: tuple[Message, ...]
    escapes: tuple[Escape, ...]
    values: tuple[ValueEffect, ...] = ()


class Residue(Struct, frozen=True, omit_defaults=True):
    """Something that outlived the rollback, and the passes that left it (each one adds its own)."""

    kind: str
    object: str
    detail: str
    passes: tuple[int, ...] = ()


class Fingerprint(Struct, frozen=True):
    """SHA-256 before and after, and what it was taken `of`."""

    before: str
    after: str
    equal: bool
    of: tuple[str, ...] = ()


class PassProof(Struct, frozen=True, omit_defaults=True):
    """The proof of one pass.

    `broken` says why it could not be ended as planned; `status_during` is what a second session read of the
    transaction just before its rollback: `in progress`, so that nothing of it was visible outside.
    """

    number: int
    proved: bool
    xid: str | None
    xid_status: str
    broken: str = ""
    status_during: str = ""


class Rollback(Struct, frozen=True):
    """The proof that nothing stayed: true only where every pass proved it.

    `xid`, `xid_status` and `fingerprint` are those of the first pass, or of the first one that did not prove
    its rollback. `foreign_commits` counts transactions of others meanwhile; -1 where unknown.
    """

    proved: bool
    xid: str | None
    xid_status: str
    residue: tuple[Residue, ...]
    fingerprint: Fingerprint
    foreign_commits: int = -1
    passes: tuple[PassProof, ...] = ()


class Sample(Struct, frozen=True):
    """A row that changed, masked by policy; None where there is no old or no new version."""

    table: str
    operation: str
    step: int
    old: dict[str, Any] | None
    new: dict[str, Any] | None


class ColumnEffect(Struct, frozen=True):
    """A column that UPDATEs gave another value, and in how many rows."""

    table: str
    column: str
    rows: int


class Document(Struct, frozen=True, kw_only=True):
    """One rehearsal, whole."""

    format: Literal["pgrehearse-evidence/1"] = FORMAT
    tool: Tool
    rehearsal: Rehearsal
    script: Script
    target: Target
    verdict: Verdict
    checks: tuple[Check, ...]
    steps: tuple[Step, ...]
    effects: Effects
    rollback: Rollback
    limits: tuple[str, ...]
    brief_locks: tuple[Lock, ...] = ()
    """Locks that a sampler saw come and go within a statement; which ones it sees is a matter of time, so they stand
    beside the effects."""
    samples: tuple[Sample, ...] = ()
    """Rows, only where `--rows` asks for them; beside the effects, because values depend on clock and sequences."""
    columns: tuple[ColumnEffect, ...] = ()
    """Columns that changed, only where `--rows` asks for samples."""
    effects_digest: str = ""
    digest: str = ""
