"""The cascade as a tree: which step changed rows, which trigger or foreign key changed more, at any depth, with counts.

Takes a document; gives text. A branch is a table with the rows that changed in it, below it the triggers and keys that
acted on that change, below each of them what it changed. Triggers that fired and changed no row stand at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pgrehearse.evidence.document import Document, TriggerEffect
from pgrehearse.report.amounts import count_text
from pgrehearse.report.ink import Ink
from pgrehearse.report.places import Places
from pgrehearse.report.visible import visible

_SIGNS = {"INSERT": "+", "UPDATE": "~", "DELETE": "-", "TRUNCATE": "-"}


@dataclass(slots=True)
class Branch:
    """One line of the tree, and what is below it. `rows` is None for what changed no row itself, as a view."""

    label: str
    operation: str = ""
    rows: int | None = None
    below: dict[str, Branch] = field(default_factory=dict)

    def down(self, key: str, label: str, operation: str = "") -> Branch:
        """The branch `key` below this one, grown where there is none yet."""
        return self.below.setdefault(key, Branch(label, operation))


def make_tree(document: Document) -> dict[int, Branch]:
    """The branches of each step that changed rows, by the number of the step."""
    steps: dict[int, Branch] = {}
    for cause in document.effects.causes:
        branch = steps.setdefault(cause.step, Branch(""))
        for change, actor in _links(cause.path):
            table, _, operation = change.rpartition(": ")
            branch = branch.down(change, table, operation).down(actor, actor)
        branch = branch.down(f"{cause.table}: {cause.operation}", cause.table, cause.operation)
        branch.rows = (branch.rows or 0) + cause.rows
    return dict(sorted(steps.items()))


def render_cascade(document: Document, *, width: int = 80, colour: bool = False) -> str:
    """Return the cascade as text that ends in a newline.

    Args:
        document: The evidence of a rehearsal in two passes; one pass tells no causes.
        width: Columns of the terminal; a longer line is not cut, for a name may be what it ends in.
        colour: Colours, and lines of a box for branches; without it, all but names is ASCII.
    """
    ink = Ink(max(width, 48), colour)
    places = Places(document)
    lines: list[str] = []
    for step, root in make_tree(document).items():
        lines.append(ink.paint(places.of(step), "bold"))
        lines += _drawn(list(root.below.values()), "", ink)
    lines += _idle(document, ink)
    return "\n".join(lines or ["No row changed, or one pass only: causes are not known."]) + "\n"


def _links(path: Sequence[str]) -> Iterator[tuple[str, str]]:
    """`(change, actor)` for each level of a path: a trigger with its function, or a foreign key."""
    i = 0
    while i + 1 < len(path):
        change, actor = path[i], path[i + 1]
        i += 2
        if i < len(path) and path[i].startswith("function "):
            actor += f", {path[i]}"
            i += 1
        yield change, actor


def _drawn(branches: Sequence[Branch], margin: str, ink: Ink) -> Iterator[str]:
    for branch in branches:
        is_last = branch is branches[-1]
        yield margin + _fork(ink, is_last=is_last) + _line(branch, ink)
        below = "   " if is_last else ("│  " if ink.colour else "|  ")
        yield from _drawn(list(branch.below.values()), margin + below, ink)


def _fork(ink: Ink, *, is_last: bool) -> str:
    if ink.colour:
        return "└─ " if is_last else "├─ "
    return "`- " if is_last else "|- "


def _line(branch: Branch, ink: Ink) -> str:
    if not branch.operation:
        return ink.paint(visible(branch.label), "dim")
    rows = (
        f"{_SIGNS.get(branch.operation, '')}{branch.rows:,}" if branch.rows is not None else branch.operation
    )
    truncated = " truncated" if branch.operation == "TRUNCATE" else ""
    return f"{visible(branch.label)}  {rows}{truncated}"


def _idle(document: Document, ink: Ink) -> Iterator[str]:
    """The triggers that fired and are in no path."""
    seen = {
        (change.rpartition(": ")[0], actor)
        for cause in document.effects.causes
        for change, actor in _links(cause.path)
    }
    idle = [one for one in document.effects.triggers if (one.table, _actor(one)) not in seen]
    if idle:
        yield ink.paint("Fired, and changed no other row", "bold")
    for one in idle:
        calls = count_text(one.calls, "call")
        yield f"  {visible(f'{_actor(one)} on {one.table}')}: {calls}"


def _actor(one: TriggerEffect) -> str:
    return f"trigger {one.trigger}, function {one.function}"
