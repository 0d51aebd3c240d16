"""Signs and styles of one terminal, and text laid out in its columns.

Takes text that is already visible; gives lines. Without colour every sign is ASCII, so that a pipe, a log and
a terminal of any encoding show the same; with colour the styles are rich's.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from pgrehearse.report.amounts import folded
from pgrehearse.report.visible import visible_lines


@dataclass(frozen=True, slots=True)
class Ink:
    """How one terminal is written to. `width` is in columns."""

    width: int
    colour: bool

    @property
    def passed(self) -> str:
        """The sign of a check that passed."""
        return self.paint("✓", "green") if self.colour else "ok  "

    @property
    def failed(self) -> str:
        """The sign of a check that did not pass."""
        return self.paint("✗", "bold red") if self.colour else "FAIL"

    @property
    def bullet(self) -> str:
        """What stands before an item of a list."""
        return "•" if self.colour else "-"

    @property
    def nothing(self) -> str:
        """What stands in a table for zero."""
        return "·" if self.colour else "."

    @property
    def arrow(self) -> str:
        """What leads from one value to the next."""
        return "→" if self.colour else "->"

    def paint(self, text: str, style: str) -> str:
        """Return `text` in a style, where there are colours and there is text."""
        if not self.colour or not text:
            return text
        from rich.style import Style  # noqa: PLC0415 - costs 20 ms, which a pipe need not pay

        return Style.parse(style).render(text)

    def heading(self, name: str, summary: str, style: str = "") -> list[str]:
        """Return the opening lines of a section: its name, and the one thing to know of it."""
        lines = self.wrapped(summary, indent=2, first=len(name) + 2)
        lines[0] = self.paint(name, "bold") + "  " + self.paint(lines[0].strip(), style)
        return ["", *(lines if lines[0].strip() else lines[1:])]

    def wrapped(self, text: str, *, indent: int, first: int | None = None, style: str = "") -> list[str]:
        """Return `text` in lines as wide as the terminal; longer words are cut, nothing is lost."""
        lines = textwrap.wrap(
            text,
            width=max(self.width, indent + 20),
            initial_indent=" " * (indent if first is None else first),
            subsequent_indent=" " * indent,
            break_on_hyphens=False,
        )
        return [self.paint(line, style) for line in lines] or [""]

    def item(self, text: str, *, indent: int = 2) -> list[str]:
        """Return an item of a list, its sign hanging."""
        lines = self.wrapped(text, indent=indent + 2)
        lines[0] = f"{' ' * indent}{self.bullet} {lines[0].lstrip()}"
        return lines

    def rest(self, left_out: int, *, indent: int = 2) -> list[str]:
        """Return the line that says how many entries are not shown; none where all are."""
        dots = "…" if self.colour else "..."
        text = f"{' ' * indent}{dots} and {left_out:,} more; --format json has all"
        return [self.paint(text, "dim")] if left_out else []

    def labelled(self, label: str, text: str, *, indent: int = 4, keep: int = 12) -> list[str]:
        """Return `LABEL  text`, its further lines below the first; nothing where there is no text."""
        if not text:
            return []
        hanging = indent + (len(label) + 2 if label else 0)
        shown, left_out = folded(visible_lines(text), keep)
        lines = [line for part in shown for line in self.wrapped(part, indent=hanging)]
        lines[0] = f"{' ' * indent}{self.paint(label, 'dim')}{'  ' if label else ''}{lines[0].lstrip()}"
        return lines + self.rest(left_out, indent=hanging)

    def table(self, rows: Sequence[tuple[str, ...]], *, right: int = 0, indent: int = 2) -> list[list[str]]:
        """Return each row's lines, cells in columns; the last `right` columns are flush right.

        A first cell that leaves no room for the others stands on a line of its own.
        """
        if not rows:
            return []
        widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
        others = sum(width + 2 for width in widths[1:])
        widths[0] = min(widths[0], max(self.width - indent - others, 12))
        return [self._row(row, widths, right, " " * indent) for row in rows]

    def _row(self, row: tuple[str, ...], widths: list[int], right: int, margin: str) -> list[str]:
        alone = [margin + row[0]] if cell_len(row[0]) > widths[0] else []
        row = ("", *row[1:]) if alone else row
        cells = [
            " " * (width - cell_len(cell)) + cell if i >= len(row) - right else set_cell_size(cell, width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return [*alone, (margin + "  ".join(cells)).rstrip()]
