"""The differences between two documents, as text.

Takes differences; gives lines, grouped by the kind of effect.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from pgrehearse.evidence.difference import Difference
from pgrehearse.report.visible import visible


def render(differences: Iterable[Difference]) -> str:
    """Return the differences: `-` only the first document has, `+` only the second, `~` both, unlike."""
    lines = []
    for kind, entries in groupby(differences, key=lambda one: one.kind):
        lines.append(visible(kind))
        lines += [f"  {one.sign} {visible(one.name)}{_fields(one)}" for one in entries]
    return "".join(f"{line}\n" for line in lines)


def _fields(difference: Difference) -> str:
    if not difference.fields:
        return ""
    if difference.sign == "~":
        shown = (f"{key} {before or 'none'} -> {after or 'none'}" for key, before, after in difference.fields)
    else:
        shown = (f"{key} {before or after}" for key, before, after in difference.fields)
    return ": " + visible(", ".join(shown))
