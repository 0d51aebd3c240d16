"""Hand evidence over: render it, write it to standard output or a file, and name the exit status.

Takes documents; gives text and a status. Only the report goes to standard output; what is said beside it goes to
standard error.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from pgrehearse.errors import UsageError
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
    to_terminal = output is None and sys.stdout.isatty()
    colour = to_terminal and not os.environ.get("NO_COLOR")
    width = min(shutil.get_terminal_size((100, 24)).columns, 110) if to_terminal else 100
    if format_name == "json" and len(documents) > 1:
        text = msgspec.json.format(msgspec.json.encode(documents), indent=2).decode() + "\n"
    else:
        text = "\n".join(catalogue.render(one, format_name, width=width, colour=colour) for one in documents)
    if output is None:
        click.echo(text, nl=False, color=colour)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}") from error


def say_where(documents: Sequence[Document], output: Path | None) -> None:
    """Say the word of each document on standard error, where the report itself went to a file."""
    for one in documents if output else ():
        click.echo(f"{one.verdict.word}  {one.script.path}  written to {output}", err=True)


def exit_status(documents: Sequence[Document], *, interrupted: bool) -> int:
    """The status of the command: that of the gravest verdict; 130 where somebody interrupted."""
    if interrupted:
        return INTERRUPTED
    found = {one.verdict.exit_status for one in documents}
    return next(status for status in GRAVEST_FIRST if status in found)
