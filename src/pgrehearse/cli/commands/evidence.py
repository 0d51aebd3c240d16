"""`pgrehearse evidence`: show, verify and compare saved documents.

Takes the names of files; gives reports on standard output. Touches no database.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pgrehearse.cli import options, terminal
from pgrehearse.errors import EvidenceError, UsageError
from pgrehearse.evidence.difference import differences
from pgrehearse.evidence.digest import verify
from pgrehearse.evidence.saved import read_document, read_object
from pgrehearse.report import catalogue, difference, json
from pgrehearse.report.cascade import render_cascade

_file = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def evidence() -> None:
    """Show, verify and compare saved evidence."""


@evidence.command()
@_file
@click.option(
    "--format",
    "format_name",
    type=click.Choice(catalogue.FORMATS),
    default=catalogue.DEFAULT_FORMAT,
    show_default=True,
    help="The report to render.",
)
@options.cascade
def show(file: Path, format_name: str, *, cascade: bool) -> None:
    """Render a saved document.

    A document whose digests do not hold is shown all the same, then told of: exit status 1.
    """
    saved = _bytes_of(file)
    if format_name == "json":  # as it was saved, with what a later version may have added
        text = json.render(read_object(saved))
    else:
        document, how = read_document(saved), (terminal.width(), terminal.has_colour(sys.stdout))
        text = catalogue.render(document, format_name, width=how[0], colour=how[1])
        if cascade and format_name == "text":
            text += "\n" + render_cascade(document, width=how[0], colour=how[1])
    terminal.write(text)
    _require_sound(file, saved)


@evidence.command("verify")
@_file
def verify_file(file: Path) -> None:
    """Recompute the digests of a saved document: exit status 0 where they hold, else 1."""
    saved = _bytes_of(file)
    _require_sound(file, saved)
    click.echo(f"{file}: both digests hold, {read_document(saved).digest}")


@evidence.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@click.pass_context
def diff(context: click.Context, before: Path, after: Path) -> None:
    """Compare the effects of two documents: exit status 0 where they are the same, else 1."""
    documents = []
    for file in (before, after):
        saved = _bytes_of(file)
        _require_sound(file, saved)
        documents.append(read_object(saved))
    found = differences(*documents)
    click.echo(difference.render(found) or "the effects are the same\n", nl=False)
    context.exit(1 if found else 0)


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f'could not read "{file}": {error.strerror}', hint="Give a file of evidence that exists."
        ) from error


def _require_sound(file: Path, saved: bytes) -> None:
    problems = verify(saved)
    if problems:
        raise EvidenceError(
            f'"{file}" is not as it was written',
            detail="\n".join(problems),
            hint="Do not rely on it; rehearse again, or take it from where it was first kept.",
        )
