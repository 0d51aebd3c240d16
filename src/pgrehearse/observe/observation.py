"""The facts that observers give: one frozen record a kind of fact. `step` counts from 1; 0 is before the first step.

Tables, sequences and functions are named as `schema.name`, quoted where SQL needs quotes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowsChanged:
    """Rows that one statement changed in one table: the net truth, told by a probe.

    Rows undone by a savepoint, a caught exception or a rolled-back segment are not here.

    Attributes:
        table: The table that holds the rows; the leaf of a partitioned table.
        operation: INSERT, UPDATE, DELETE or TRUNCATE.
        rows: How many; for TRUNCATE the rows that were lost.
        step: The step whose statement, or whose fake commit, did it.
        segment: The segment of the stage it belongs to.
        path: The cause, outermost first: `public.a: INSERT`, `trigger t`, `function f`, `public.b: INSERT`, …
            Empty where the script's own statement changed the rows.
        groups: Rows by the value of the column that the plan asks to split by.
    """

    table: str
    operation: str
    rows: int
    step: int
    segment: int
    path: tuple[str, ...] = ()
    groups: tuple[tuple[str | None, int], ...] = ()


@dataclass(frozen=True, slots=True)
class RowsCounted:
    """Rows of a table as the server's own counters tell them in the clean pass: attempted, not net."""

    table: str
    inserted: int
    updated: int
    deleted: int
    segment: int


@dataclass(frozen=True, slots=True)
class TriggerFired:
    """A user trigger that fired, how many times, in one segment; net of rolled-back savepoints."""

    table: str
    trigger: str
    function: str
    calls: int
    segment: int


@dataclass(frozen=True, slots=True)
class FunctionCalled:
    """A function that was called, and the time spent in it with all it called."""

    function: str
    calls: int
    total_ms: float
    segment: int


@dataclass(frozen=True, slots=True)
class Notified:
    """One call of NOTIFY or pg_notify. `payload` is None where rollback mode cannot know it."""

    channel: str
    payload: str | None
    step: int
    segment: int
    context: str = ""


@dataclass(frozen=True, slots=True)
class LockTaken:
    """A lock that the stage holds after a step and did not hold before it.

    Attributes:
        relation: The relation, or another lock's object as `advisory 1/2`, `object …`.
        held_ms: How long it was held until the end of its segment: the time of the script's own statements from the
            beginning of the step that took it. For a brief lock the time between its first and last sample.
        is_brief: It was gone when its step ended, as what a caught exception had locked.
    """

    relation: str
    mode: str
    step: int
    segment: int
    held_ms: float = 0.0
    is_brief: bool = False


@dataclass(frozen=True, slots=True)
class SequenceAdvanced:
    """A sequence that moved. Sequences do not roll back."""

    sequence: str
    advanced_by: int


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """A NOTICE, WARNING, INFO or LOG message that psql would have shown."""

    severity: str
    sqlstate: str
    text: str
    step: int
    segment: int
    detail: str = ""
    hint: str = ""
    context: str = ""


@dataclass(frozen=True, slots=True)
class SchemaChanged:
    """An object of the schema that a step created, altered or dropped."""

    action: str
    type: str
    object: str
    step: int
    segment: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StepCost:
    """What a step cost the server; a step has several where its fake commit did work of its own. None is not known.

    Attributes:
        step: The step.
        wal_bytes: WAL that the whole server wrote meanwhile: the step's, where nobody else writes.
        blocks_hit: Blocks of tables and indexes that were found in the server's buffers; a block counts each time.
        blocks_read: Blocks that had to be read.
        temp_files: Temporary files that were closed, as those of a sort that exceeds work_mem.
        temp_bytes: Their size.
    """

    step: int
    wal_bytes: int | None
    blocks_hit: int | None
    blocks_read: int | None
    temp_files: int | None
    temp_bytes: int | None


@dataclass(frozen=True, slots=True)
class EscapeFound:
    """An effect that would leave the transaction's reach."""

    kind: str
    object: str
    step: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RowSampled:
    """One of the rows that changed, as JSON text, masked by policy; None where there is no old or no new version."""

    table: str
    operation: str
    step: int
    segment: int
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True)
class ColumnChanged:
    """A column that UPDATEs gave another value, and in how many rows."""

    table: str
    column: str
    rows: int
    segment: int


@dataclass(frozen=True, slots=True)
class ValueRead:
    """The answer to a query of the plan, at one of three moments: before, inside, after."""

    name: str
    moment: str
    value: str | None


Observation = (
    RowsChanged
    | RowsCounted
    | TriggerFired
    | FunctionCalled
    | Notified
    | LockTaken
    | SequenceAdvanced
    | MessageReceived
    | SchemaChanged
    | StepCost
    | EscapeFound
    | RowSampled
    | ColumnChanged
    | ValueRead
)
