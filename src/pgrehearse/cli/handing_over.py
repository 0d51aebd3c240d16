"""Hand evidence over: render it, write it to standard output or a file, and name the exit status.

Takes documents; gives text and a status. Only the report goes to standard output; what is said beside it goes to
standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from pgrehearse.cli import terminal
from pgrehearse.dots.showcase import Showcase
from pgrehearse.evidence.digest import digest_of
from pgrehearse.evidence.document import Document
from pgrehearse.report import catalogue
from pgrehearse.report.cascade import render_cascade

GRAVEST_FIRST = (3, 4, 1, 5, 0)
"""Exit statuses in the order in which one outweighs another: REFUSED, RESIDUE, NO-GO, INCONCLUSIVE, GO."""

INTERRUPTED = 130


def hand_over(
    documents: Sequence[Document], format_name: str, output: Path | None, *, cascade: bool = False
) -> None:
    """Write the reports of `documents`, in order; several as JSON are one array, and a cascade goes with text.

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
        trees = (render_cascade(one, width=terminal.width(), colour=colour) for one in documents)
        with_trees = cascade and format_name == "text"
        text = "\n".join(map("\n".join, zip(reports, trees, strict=True)) if with_trees else reports)
    terminal.write(text, to=output)
    for one in documents if output else ():
        terminal.note(f"{one.verdict.word}  {one.script.path}  written to {output}")


def hand_over_with(
    document: Document, shown: Showcase, format_name: str, output: Path | None, *, cascade: bool = False
) -> None:
    """Write one report, and what was shown of tools behind it; as JSON they are one sealed object.

    Raises:
        UsageError: The file cannot be written.
    """
    if format_name == "json":
        whole = {**msgspec.to_builtins(document), **shown.to_record()}
        whole["digest"] = digest_of(whole)
        terminal.write(msgspec.json.format(msgspec.json.encode(whole), indent=2).decode(), to=output)
        return
    hand_over([document], format_name, output, cascade=cascade)
    if output is None:
        terminal.write("\n".join(_dots_lines(shown)))


def _dots_lines(shown: Showcase) -> Iterator[str]:
    yield "\nTools  what may be done with one, and what was done"
    for ruling in shown.boundary:
        yield f"  {ruling.word:10} {ruling.action} on {ruling.place}: {ruling.why}"
    sound = "verifies" if shown.verification.is_sound else "DOES NOT VERIFY"
    yield f"\nRuns  {len(shown.runs)} in the ledger, which {sound}; leases held at the end: {shown.leases}"
    for run in shown.runs:
        term = f", lease term {run.term}" if run.term else ""
        yield f"  {run.state:10} {run.code} in a {run.place}{term}"


def exit_status(documents: Sequence[Document], *, interrupted: bool) -> int:
    """The status of the command: that of the gravest verdict; 130 where somebody interrupted."""
    if interrupted:
        return INTERRUPTED
    found = {one.verdict.exit_status for one in documents}
    return next(status for status in GRAVEST_FIRST if status in found)
