"""`pgrehearse worker`: take rehearsals and runs of tools from the queue, until stopped."""

from __future__ import annotations

from pathlib import Path

import click

from pgrehearse.cli import options, terminal
from pgrehearse.cli.commands import dot_options
from pgrehearse.config import Config


@click.command()
@options.dbname
@dot_options.ledger
@dot_options.registry_map
@dot_options.tools
@click.option(
    "--evidence",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    help="Where to write the evidence of rehearsals, one file each.",
)
@click.option("--drain", is_flag=True, help="End when the queue is empty.")
@click.option(
    "--stall",
    "stall_s",
    type=click.FloatRange(min=1.0),
    default=30.0,
    show_default=True,
    help="Seconds without a sign of life after which a worker counts as gone.",
)
@options.config
@options.quiet
def worker(
    dbname: str | None,
    ledger: str | None,
    registry_map: Path | None,
    tools: Path,
    evidence: Path | None,
    drain: bool,  # noqa: FBT001 - click's
    stall_s: float,
    config: Config,
) -> None:
    """Take rehearsals and runs of tools from the queue, one at a time, and do them on the clone that -d names.

    Start as many as you like, on as many machines, each with a clone of its own and all with the same --ledger. SIGINT
    and SIGTERM let the present job end. What a worker had in hand when it died is found by the others.
    """
    from pgrehearse.dots.registry import read_registry_map  # noqa: PLC0415 - keeps --help fast
    from pgrehearse.fleet.worker import Setting, work  # noqa: PLC0415

    setting = Setting(
        ledger=dot_options.ledger_conninfo(ledger),
        clone=dot_options.required_target(dbname),
        config=config,
        tools=tools,
        registry=read_registry_map(registry_map),
        evidence=evidence,
        lease_s=stall_s,
        stall_s=stall_s,
    )
    terminal.note(f"{setting.holder} works on {setting.clone.redacted}")
    work(setting, waits=not drain)
