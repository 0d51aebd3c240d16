"""The DDL of the probed pass, as text: what is created on which relation. Pure.

Takes what the catalog says of relations and triggers; gives `CREATE TRIGGER` statements. Triggers of one kind fire in
the order of their names, so a probe sorts before all (`!`), and a mark just before the trigger that it announces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pgrehearse.pg.identifiers import quote_identifier, quote_literal

SEPARATOR = "\x1f"
"""Between the parts of a mark: operation, relation, trigger, function or constraint."""

_NAME_BYTES = 63

_CLAUSE = "EXECUTE FUNCTION"
_QUOTED_OR_CLAUSE = re.compile(rf"""'(?:[^'\\]|\\.)*'|"[^"]*"|{_CLAUSE}""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ProbeNames:
    """The names of the objects of one pass in pg_temp; `token` makes them unguessable."""

    token: str

    def __getitem__(self, part: str) -> str:
        return f"pgrehearse_{part}_{self.token}"

    def put_into(self, text: str, *parts: str) -> str:
        """`text` with the names of these parts where it says `{part}`."""
        for part in parts:
            text = text.replace("{" + part + "}", self[part])
        return text


@dataclass(frozen=True, slots=True)
class ProbedRelation:
    """A relation to probe. `by_row`: partitions and inheritance trees, whose rows only row triggers attribute."""

    oid: int
    name: str
    kind: str
    by_row: bool
    has_acting_key: bool


@dataclass(frozen=True, slots=True)
class MarkedTrigger:
    """A trigger to announce; `enabled` is pg_trigger's letter, `definition` what pg_get_triggerdef says."""

    oid: int
    relid: int
    name: str
    function: str
    enabled: str
    is_internal: bool
    constraint: str
    definition: str


def probe_triggers(relation: ProbedRelation, names: ProbeNames, split: str | None) -> dict[str, str]:
    """The probes that `relation` wants, the text of each by its name; `split` is the column to count by."""
    if relation.kind not in "rf":
        return {}
    call = f"pg_temp.{names['probe']}({quote_literal(split) if split else ''})"
    calls = {} if split else {"row": f"pg_temp.{names['each']}()"}
    return {
        "!" + names[part]: f"CREATE TRIGGER {quote_identifier('!' + names[part])} {rest} EXECUTE FUNCTION"
        f" {calls.get(part, call)}"
        for part, rest in _events(relation)
    }


def _events(relation: ProbedRelation) -> Iterator[tuple[str, str]]:
    table = relation.name
    if relation.by_row:
        yield "row", f"AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW"
    else:
        yield "ins", f"AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT"
        yield "upd", f"AFTER UPDATE ON {table} REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT"
        yield "del", f"AFTER DELETE ON {table} REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT"
    if relation.kind == "r":
        yield "tru", f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
    if relation.has_acting_key:
        yield "org", f"BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT"


def enabled_always(relation: ProbedRelation, trigger: str) -> str:
    """The statement after which a probe sees what happens, whatever session_replication_role the script chooses."""
    return f"ALTER TABLE {relation.name} ENABLE ALWAYS TRIGGER {quote_identifier(trigger)}"


def mark_ddl(
    trigger: MarkedTrigger, relation: ProbedRelation, names: ProbeNames, number: int
) -> Iterator[str]:
    """The statements that announce `trigger`: the same definition under a name just before its own."""
    head = "TRIGGER " + _as_quoted(trigger.name, trigger.definition)
    name = quote_identifier(name_just_before(trigger.name))
    body = trigger.definition[: _function_clause(trigger.definition)].replace(head, f"TRIGGER {name}", 1)
    what = SEPARATOR.join((relation.name, trigger.name, trigger.function, trigger.constraint))
    yield f"{body} EXECUTE FUNCTION pg_temp.{names['mark']}('{number}', {quote_literal(what)})"
    if trigger.enabled in "AR":
        mode = "ALWAYS" if trigger.enabled == "A" else "REPLICA"
        yield f"ALTER TABLE {relation.name} ENABLE {mode} TRIGGER {name}"


def name_just_before(name: str) -> str:
    """A name that sorts before `name` byte by byte, with room for next to nothing in between."""
    head, last = name[:-1], name[-1]
    lower = chr(ord(last) - 1) if "\x01" < last <= "\x7f" else ""
    pad = "~" * min(4, _NAME_BYTES - len((head + lower).encode()))
    return head + lower + pad


def _as_quoted(name: str, definition: str) -> str:
    quoted = quote_identifier(name)
    return quoted if f"TRIGGER {quoted} " in definition else name


def _function_clause(definition: str) -> int:
    """Where the last `EXECUTE FUNCTION` outside quotes begins."""
    clauses = (found.start() for found in _QUOTED_OR_CLAUSE.finditer(definition) if found[0] == _CLAUSE)
    return max(clauses, default=-1)
