"""What is printed, and where: what was asked for to standard output, all else to standard error.

Takes text and errors; gives nothing. Colour only on a terminal and never with NO_COLOR. Rich is imported when something
is first drawn with it.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from pgrehearse.errors import RehearseError, UsageError

_QUIET = "pgrehearse.quiet"
_WIDEST = 100


def be_quiet() -> None:
    """Print no notes from now on; results, warnings and errors stay."""
    click.get_current_context().meta[_QUIET] = True


def is_quiet() -> bool:
    """Whether --quiet was given."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.meta.get(_QUIET))


def has_colour(stream: TextIO) -> bool:
    """Whether to colour what is written to `stream`."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int:
    """Columns to write in: those of the terminal, at most 100."""
    return min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)


def write(text: str, *, to: Path | None = None) -> None:
    """Give what was asked for: to standard output as it stands, or to the file `to`, whole or not at all.

    Raises:
        UsageError: The file cannot be written.
    """
    if to is None or str(to) == "-":
        click.echo(text, nl=not text.endswith("\n"), color=True)
        return
    whole = text if text.endswith("\n") else f"{text}\n"
    try:
        _write_file(to.resolve(), whole)
    except OSError as error:
        raise UsageError(
            f"cannot write {to}: {error.strerror}", hint="Give --output a file that can be made."
        ) from error


def _write_file(file: Path, text: str) -> None:
    """Write a file whole or not at all; a device or a pipe is written to, never replaced."""
    if file.exists() and not file.is_file():
        file.write_text(text, encoding="utf-8")
        return
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(file)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def write_json(value: object) -> None:
    """Give a value of JSON types to standard output."""
    write(json.dumps(value, indent=2, ensure_ascii=False))


def note(text: str) -> None:
    """Tell how things go, unless --quiet was given."""
    if not is_quiet():
        click.echo(text, err=True)


def warn(text: str) -> None:
    """Tell what the user should know, whatever was asked for."""
    click.echo(f"{_styled('WARNING:', 'yellow')} {text}", err=True)


def tell_error(error: RehearseError) -> None:
    """Tell an error in PostgreSQL's grammar: message, detail, hint."""
    lines = [f"pgrehearse: {_styled('error:', 'red')} {error.message} ({error.code})"]
    if error.detail:
        lines.append(f"DETAIL:  {_indented(error.detail)}")
    if error.hint:
        lines.append(f"HINT:  {_indented(error.hint)}")
    click.echo("\n".join(lines), err=True)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that something is going on, where somebody watches."""
    if is_quiet() or not has_colour(sys.stderr):
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - where nobody watches, nothing is drawn

    with Console(stderr=True).status(what):
        yield


def _styled(text: str, colour: str) -> str:
    return click.style(text, fg=colour, bold=True) if has_colour(sys.stderr) else text


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")
