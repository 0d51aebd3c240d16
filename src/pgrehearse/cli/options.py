"""The options that several commands share, and what becomes of their values.

Takes what click parsed; gives targets, variables and a configuration.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from pgrehearse.cli import terminal
from pgrehearse.config import Config, load_config
from pgrehearse.pg.target import Target, make_target
from pgrehearse.server import shared_server

F = TypeVar("F", bound=Callable[..., Any])

MODES = ("rollback",)

# One of these says where to connect to; the others, like PGSSLMODE, only say how.
_PLACE_VARIABLES = (
    "PGHOST",
    "PGHOSTADDR",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGSERVICE",
    "PGSERVICEFILE",
)

_VARIABLE_NAME = re.compile(r"[A-Za-z0-9_\x80-\U0010ffff]+")


def _read_variables(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    variables: dict[str, str] = {}
    for assignment in given:
        name, equals, value = assignment.partition("=")
        if not _VARIABLE_NAME.fullmatch(name):
            raise click.BadParameter(f'"{name}" cannot be the name of a psql variable.')
        if equals:
            variables[name] = value
        else:  # as in psql, where a name alone unsets
            variables.pop(name, None)
    return variables


def _read_config(_context: click.Context, _option: click.Parameter, named: Path | None) -> Config:
    return load_config(named)


def _read_quiet(_context: click.Context, _option: click.Parameter, is_quiet: bool) -> None:  # noqa: FBT001 - click's
    if is_quiet:
        terminal.be_quiet()


dbname = click.option(
    "-d",
    "--dbname",
    metavar="CONNINFO",
    help="What to connect to: a database, key=value pairs or a postgresql:// URI, as for psql.",
)
"""`dbname`, a text or None; see `target_from`."""

variables = click.option(
    "-v",
    "--set",
    "--variable",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_read_variables,
    help="Set a psql variable; may be given several times.",
)
"""`variables`, a dict of texts."""

plan_file = click.option(
    "--plan",
    "plan_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Expectations and policy; else SCRIPT with the ending .rehearsal.toml, where it exists.",
)
"""`plan_file`, a path or None."""

mode = click.option(
    "--mode",
    type=click.Choice(MODES),
    default="rollback",
    show_default=True,
    help="How the rehearsal is kept from having effects.",
)
"""`mode`, always `rollback`."""

passes = click.option(
    "--passes",
    type=click.IntRange(1, 2),
    default=2,
    show_default=True,
    help="1 only counts; 2 also finds the cause of every row, and compares.",
)
"""`passes`, 1 or 2."""

prove = click.option(
    "--prove",
    type=click.Choice(["touched", "full", "counts"]),
    default="touched",
    show_default=True,
    help="What is compared after the rollback: the tables that were touched, all tables, or numbers of rows alone.",
)
"""`prove`, a text."""

restore_sequences = click.option(
    "--restore-sequences",
    is_flag=True,
    help="Put sequences back afterwards, where nobody else moved them.",
)
"""`restore_sequences`, a flag."""

rows = click.option(
    "--rows",
    type=click.IntRange(0, 1000),
    default=0,
    metavar="N",
    help="Show up to N rows of each operation on each table, old and new; the plan's policy.mask hides values.",
)
"""`rows`, a number."""

cascade = click.option("--cascade", is_flag=True, help="Show as a tree which trigger wrote what.")
"""`cascade`, a flag; goes with the text report."""

output = click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the report to a file, whole or not at all.",
)
"""`output`, a path or None; see `terminal.write`."""

schema_file = click.option(
    "--schema",
    "schema_file",
    metavar="FILE",
    type=click.Path(exists=True, path_type=Path),
    help="A dump to load first into the fresh database of the embedded server.",
)
"""`schema_file`, a path that exists, or None."""

quiet = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    expose_value=False,
    callback=_read_quiet,
    help="Tell only results, warnings and errors.",
)
"""Gives no value; `terminal.note` minds it."""

config = click.option(
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_read_config,
    help="The configuration; else PGREHEARSE_CONFIG, else pgrehearse.toml here or in a folder above.",
)
"""`config`, a Config, read already."""


def format_of(*names: str) -> Callable[[F], F]:
    """`--format` with these choices, the first by default; gives `output_format`."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(names),
        default=names[0],
        show_default=True,
        help="What to write.",
    )


def target_from(dbname: str | None, environ: Mapping[str, str] = os.environ) -> Target | None:
    """What psql would connect to; None where neither -d nor a PG* variable names any place.

    Raises:
        UsageError: libpq cannot read the connection string.
    """
    if not dbname and not any(environ.get(name) for name in _PLACE_VARIABLES):
        return None
    return make_target(dbname or "")


def server_target(dbname: str | None) -> Target:
    """The server that -d or the PG* variables name, else the embedded server, started where it does not run.

    Raises:
        UsageError: libpq cannot read the connection string.
        LaunchError: The embedded server cannot be started.
    """
    named = target_from(dbname)
    if named is not None:
        return named
    with terminal.working("starting the embedded server"):
        return make_target(shared_server().conninfo())
