"""Two documents compared: what one change does that the other does not.

Takes the JSON objects of two saved documents; gives the entries of their effects that differ, times left out.
Works on the raw JSON, so that kinds of effect which a later version added are compared too.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_NAMED_BY: Final[dict[str, tuple[str, ...]]] = {
    "rows": ("table",),
    "causes": ("table", "operation", "step", "path"),
    "triggers": ("table", "trigger"),
    "functions": ("function",),
    "notifications": ("channel", "payload", "step"),
    "locks": ("relation", "mode"),
    "sequences": ("sequence",),
    "values": ("name",),
}
"""The fields that name an entry; an entry of any other kind is named by all of its fields."""

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that differs.

    Attributes:
        kind: The kind of effect (`rows`, `locks`, …).
        sign: `-` where only the first document has it, `+` where only the second, `~` where both, unlike.
        name: What names the entry.
        fields: Per field that differs its value in the first document and in the second, as JSON; the side
        that has
            none is empty.
    """

    kind: str
    sign: str
    name: str
    fields: tuple[tuple[str, str, str], ...]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return what differs between the effects of two documents, sorted; empty where they do the same."""
    first, second = _effects(before), _effects(after)
    found = [
        difference
        for kind in {*first, *second}
        for difference in _compared(kind, first.get(kind, []), second.get(kind, []))
    ]
    return sorted(found, key=lambda d: (d.kind, d.name, d.sign, d.fields))


def _effects(document: Mapping[str, Any]) -> dict[str, list[Entry]]:
    effects = document.get("effects")
    kinds = effects if isinstance(effects, dict) else {}
    return {
        kind: [entry for entry in entries if isinstance(entry, dict)]
        for kind, entries in kinds.items()
        if isinstance(entries, list)
    }


def _compared(kind: str, before: list[Entry], after: list[Entry]) -> Iterator[Difference]:
    first, second = _by_name(kind, before), _by_name(kind, after)
    for name in {*first, *second}:
        lost = Counter(first.get(name, [])) - Counter(second.get(name, []))
        new = Counter(second.get(name, [])) - Counter(first.get(name, []))
        if lost.total() == new.total() == 1:
            yield Difference(kind, "~", name, _fields(next(iter(lost)), next(iter(new))))
            continue
        yield from (Difference(kind, "-", name, _fields(entry, ())) for entry in lost.elements())
        yield from (Difference(kind, "+", name, _fields((), entry)) for entry in new.elements())


Fields = tuple[tuple[str, str], ...]


def _by_name(kind: str, entries: list[Entry]) -> dict[str, list[Fields]]:
    named: dict[str, list[Fields]] = defaultdict(list)
    for entry in entries:
        naming = _NAMED_BY.get(kind) or tuple(key for key in entry if not key.endswith("_ms"))
        name = " ".join(_shown(entry[key]) for key in naming if key in entry)
        rest = sorted((k, v) for k, v in entry.items() if k not in naming and not k.endswith("_ms"))
        named[name].append(tuple((key, _shown(value)) for key, value in rest))
    return named


def _fields(before: Fields, after: Fields) -> tuple[tuple[str, str, str], ...]:
    first, second = dict(before), dict(after)
    return tuple(
        (key, first.get(key, ""), second.get(key, ""))
        for key in sorted({*first, *second})
        if first.get(key) != second.get(key)
    )


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
