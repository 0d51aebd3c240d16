"""Text of others inside Markdown: it is shown, and never read as Markdown or HTML.

Takes any text; gives a code span, a fenced block, a table or plain words, which no reader of Markdown takes
for more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pgrehearse.report.visible import visible, visible_lines

# An underscore inside a word is none of Markdown's business: names stay readable in the source too.
_SPECIAL = re.compile(r"[\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_BACKTICKS = re.compile(r"`+")


def plain(text: str, *, keep: int) -> str:
    """Return `text` as words on one line, at most `keep` characters of it; never the first of a line."""
    escaped = _SPECIAL.sub(r"\\\g<0>", clipped(visible(text), keep).strip())
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("@", "@<!-- -->")  # else a code host calls for whoever bears that name


def code(text: str, *, keep: int) -> str:
    """Return `text` as a code span, at most `keep` characters of it; nothing where it is empty."""
    shown = clipped(visible(text), keep)
    if not shown.strip():
        return ""
    fence = "`" * (_longest_run(shown) + 1)
    pad = " " if "`" in (shown[0], shown[-1]) or (shown[0] == shown[-1] == " ") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str, *, keep: int) -> str:
    """Return `text` as a code span for a cell of a table, where a bar needs a backslash even in code."""
    return code(text, keep=keep).replace("|", "\\|")


def block(text: str, *, keep: int) -> str:
    """Return `text` as one fenced block, its lines kept, at most `keep` characters of it."""
    lines = clipped("\n".join(visible_lines(text)), keep).split("\n")
    fence = "`" * max(3, _longest_run("\n".join(lines)) + 1)
    return "\n".join([f"{fence}text", *lines, fence])


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: int = 0) -> list[str]:
    """Return a table of cells that are already safe; the last `right` columns are flush right."""
    left = len(header) - right
    rule = ["---"] * left + ["---:"] * right
    return ["", *(f"| {' | '.join(cells)} |" for cells in (header, rule, *rows)), ""]


def clipped(text: str, keep: int) -> str:
    """Return at most `keep` characters, the cut marked."""
    return text if len(text) <= keep else text[: keep - 1] + "…"


def _longest_run(text: str) -> int:
    return max(map(len, _BACKTICKS.findall(text)), default=0)
