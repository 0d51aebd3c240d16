"""The DDL of the probed pass, as text: what is created on which relation. Pure.

Takes what the catalog says of relations and triggers; gives `CREATE TRIGGER` statements. Triggers of one kind fire in
the order of their names, so a probe sorts before all (`!`), and a mark just before the trigger that it announces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pgrehearse.pg.identifiers import quote_identifier, quote_literal

SEPARATOR = "\x1f"
"""Between the parts of a mark: operation, relation, trigger, function or constraint."""

_NAME_BYTES = 63


@dataclass(frozen=True, slots=True)
class ProbeNames:
    """The names of the objects of one pass in pg_temp; `token` makes them unguessable."""

    token: str

    def __getitem__(self, part: str) -> str:
        return f"pgrehearse_{part}_{self.token}"


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


def probe_ddl(relation: ProbedRelation, names: ProbeNames, split: str | None) -> Iterator[str]:
    """The statements that put probes on `relation`; `split` is the column to count by."""
    if relation.kind != "r":
        return
    argument = quote_literal(split) if split else ""
    call = f"EXECUTE FUNCTION pg_temp.{names['probe']}({argument})"
    table = relation.name
    made = []
    if relation.by_row:
        made.append(("row", f"AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW"))
    else:
        made += [
            ("ins", f"AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT"),
            ("upd", f"AFTER UPDATE ON {table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT"),
            ("del", f"AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT"),
        ]
    made.append(("tru", f"BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"))
    if relation.has_acting_key:
        made.append(("org", f"BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT"))
    for part, rest in made:
        trigger = quote_identifier("!" + names[part])
        yield f"CREATE TRIGGER {trigger} {rest} {call}"
        # Whatever session_replication_role the script chooses, a probe sees what happens.
        yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}"


def mark_ddl(
    trigger: MarkedTrigger, relation: ProbedRelation, names: ProbeNames, number: int
) -> Iterator[str]:
    """The statements that announce `trigger`: the same definition under a name just before its own."""
    head = "TRIGGER " + _as_quoted(trigger.name, trigger.definition)
    name = quote_identifier(name_just_before(trigger.name))
    body = trigger.definition[: _function_clause(trigger.definition)].replace(head, f"TRIGGER {name}", 1)
    what = SEPARATOR.join((relation.name, trigger.name, trigger.function, trigger.constraint))
    yield f"{body} EXECUTE FUNCTION pg_temp.{names['mark']}({quote_literal(what)}, '{number}')"
    if trigger.enabled in "AR":
        mode = "ALWAYS" if trigger.enabled == "A" else "REPLICA"
        yield f"ALTER TABLE {relation.name} ENABLE {mode} TRIGGER {name}"


def name_just_before(name: str) -> str:
    """A name that sorts before `name` byte by byte, with room for next to nothing in between."""
    head, last = name[:-1], name[-1]
    lower = chr(ord(last) - 1) if "!" < last <= "\x7f" else ""
    pad = "~" * min(4, _NAME_BYTES - len((head + lower).encode()))
    return head + lower + pad


def _as_quoted(name: str, definition: str) -> str:
    quoted = quote_identifier(name)
    return quoted if f"TRIGGER {quoted} " in definition else name


def _function_clause(definition: str) -> int:
    """Where the last `EXECUTE FUNCTION` outside quotes begins."""
    found, quote, i = -1, "", 0
    while i < len(definition):
        char = definition[i]
        if quote:
            if char == "\\" and quote == "'":
                i += 1
            elif char == quote:
                quote = ""
        elif char in "'\"":
            quote = char
        elif definition.startswith("EXECUTE FUNCTION", i):
            found = i
        i += 1
    return found
