"""The options of `pgrehearse dot` and `pgrehearse worker`, and what becomes of their values."""

from __future__ import annotations

from pathlib import Path

import click

from pgrehearse.cli import options, terminal
from pgrehearse.errors import UsageError
from pgrehearse.pg.target import Target, make_target

LEDGER_VARIABLE = "PGREHEARSE_LEDGER"


def _read_parameters(
    _context: click.Context, _option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    pairs = (one.partition("=") for one in given)
    parameters = {}
    for name, equals, value in pairs:
        if not name or not equals:
            raise click.BadParameter(f'"{name}" is not of the form NAME=VALUE.')
        parameters[name] = value
    return parameters


ledger = click.option(
    "--ledger",
    metavar="CONNINFO",
    envvar=LEDGER_VARIABLE,
    help=f"The database that keeps leases and ledger; else {LEDGER_VARIABLE}, else one of the embedded server.",
)
"""`ledger`, a text or None; see `ledger_conninfo`."""

registry_map = click.option(
    "--registry",
    "registry_map",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The layout of the registry, TOML: its table and columns. By default the estate's dot_tools.",
)
"""`registry_map`, a path or None."""

tools = click.option(
    "--tools",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    envvar="PGREHEARSE_TOOLS",
    help="Where tools are declared, in files that end in .dot.toml.",
)
"""`tools`, the path of a folder."""

parameters = click.option(
    "-p",
    "--parameter",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_read_parameters,
    help="A parameter of the tool; may be given several times.",
)
"""`parameters`, a dict of texts."""


def required_target(dbname: str | None) -> Target:
    """What -d or the PG* variables name.

    Raises:
        UsageError: They name nothing.
    """
    target = options.target_from(dbname)
    if target is None:
        raise UsageError("no target was named", hint="Name a clone with -d, as for psql.")
    return target


def ledger_conninfo(named: str | None) -> str:
    """The database that keeps the ledger: the one named, else one of the embedded server, made where missing."""
    from pgrehearse.dots.store import create_database  # noqa: PLC0415 - keeps --help fast
    from pgrehearse.server import shared_server  # noqa: PLC0415

    if named:
        return make_target(named).conninfo
    with terminal.working("starting the embedded server"):
        return create_database(make_target(shared_server().conninfo())).conninfo
