"""A plan file: what a rehearsal must show, and what it may do.

Takes TOML; gives a `PlanFile`. An unknown key is an error: a misspelt expectation must not pass unnoticed.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from pgrehearse.errors import PlanError

ENDING = ".rehearsal.toml"


class TargetPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which targets the plan is for. `name_like` is an SQL LIKE pattern for the name of the database."""

    name_like: str = "%"


class AllowedEscape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An escape that the plan allows by its kind and object, and why."""

    kind: str
    reason: str
    object: str = "*"


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a rehearsal may leave, and how long it may take.

    Attributes:
        allow_residue: Kinds of residue that are reported but do not make the verdict RESIDUE.
        allow_escapes: Escapes that are allowed, each with its reason.
        mask: Patterns for `schema.table.column` whose values `--rows` must not show, as `*.password`.
        lock_timeout_s, statement_timeout_s, deadline_s: Seconds; 0 switches the statement's timeout off.
    """

    allow_residue: tuple[str, ...] = ("sequence",)
    allow_escapes: tuple[AllowedEscape, ...] = ()
    mask: tuple[str, ...] = ()
    lock_timeout_s: float = 10.0
    statement_timeout_s: float = 0.0
    deadline_s: float = 900.0

    def allowance_for(self, kind: str, name: str) -> AllowedEscape | None:
        """The entry of `allow_escapes` that covers the escape `kind` of the object `name`; `*` and `?` match any."""
        covering = (one for one in self.allow_escapes if one.kind == kind and fnmatchcase(name, one.object))
        return next(covering, None)


class ExpectedRows(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rows of one table, by operation; `split` gives rows by the value of one column: `{column = {value = rows}}`."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    split: dict[str, dict[str, int]] = {}


class ExpectedMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A message: its severity, its exact text or a regular expression for it, and how often it comes."""

    severity: str = "WARNING"
    text: str | None = None
    matches: str | None = None
    count: int = 1


class ExpectedNotification(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Calls of NOTIFY on one channel."""

    channel: str
    count: int = 1


class ExpectedValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A query of one value, and what it must give before the change, inside the stage, and after the rollback."""

    name: str
    sql: str
    before: str | int | None = None
    inside: str | int | None = None
    after: str | int | None = None


class Expectations(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that the rehearsal must show. What is None is not checked.

    `everything_else`: `unchanged` makes every table, sequence, message of WARNING or above and notification that is
    not listed a failed check.
    """

    rows: dict[str, ExpectedRows] = {}
    messages: tuple[ExpectedMessage, ...] | None = None
    notifications: tuple[ExpectedNotification, ...] | None = None
    sequences: dict[str, int] | None = None
    values: tuple[ExpectedValue, ...] = ()
    everything_else: str = "any"


class PlanFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole plan file."""

    target: TargetPolicy = TargetPolicy()
    policy: Policy = Policy()
    expect: Expectations = Expectations()


def read_plan_file(path: Path) -> PlanFile:
    """Read a plan file.

    Raises:
        PlanError: There is no such file, it is no TOML, or a key or value is not what it should be.
    """
    try:
        plan = msgspec.toml.decode(path.read_bytes(), type=PlanFile)
    except OSError as error:
        raise PlanError(f"cannot read plan file {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"{path}: {error}", hint="docs/reference/plan-file.md lists every key.") from error
    if plan.expect.everything_else not in ("any", "unchanged"):
        raise PlanError(
            f'{path}: "everything_else" is "{plan.expect.everything_else}"', hint='Say "any" or "unchanged".'
        )
    return plan


def plan_file_for(script: str) -> Path | None:
    """The plan file that stands beside `script`, where there is one: the same name with `.rehearsal.toml`."""
    if script == "-":
        return None
    beside = Path(script).with_suffix(ENDING)
    return beside if beside.is_file() else None
