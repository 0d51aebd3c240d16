"""Hand evidence over: render it, write it to standard output or a file, and name the exit status.

Takes documents; gives text and a status. Only the report goes to standard output; what is said beside it goes to
standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from pgrehearse.cli import terminal
from pgrehearse.evidence.document import Document
from pgrehearse.report import catalogue

GRAVEST_FIRST = (3, 4, 1, 5, 0)
"""Exit statuses in the order in which one outweighs another: REFUSED, RESIDUE, NO-GO, INCONCLUSIVE, GO."""

INTERRUPTED = 130


def hand_over(documents: Sequence[Document], format_name: str, output: Path | None) -> None:
    """Write the reports of `documents`, in order; several as JSON are one array.

    Raises:
        UsageError: The file cannot be written.
    """
    colour = output is None and terminal.has_colour(sys.stdout)
    if format_name == "json" and len(documents) > 1:
        text = msgspec.json.format(msgspec.json.encode(documents), indent=2).decode() + "\n"
    else:
        reports = (
            catalogue.render(one, format_name, width=terminal.width(), colour=colour) for one in documents
        )
        text = "\n".join(reports)
    terminal.write(text, to=output)
    for one in documents if output else ():
        terminal.note(f"{one.verdict.word}  {one.script.path}  written to {output}")


def exit_status(documents: Sequence[Document], *, interrupted: bool) -> int:
    """The status of the command: that of the gravest verdict; 130 where somebody interrupted."""
    if interrupted:
        return INTERRUPTED
    found = {one.verdict.exit_status for one in documents}
    return next(status for status in GRAVEST_FIRST if status in found)
