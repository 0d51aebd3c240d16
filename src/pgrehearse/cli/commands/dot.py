"""`pgrehearse dot`: the governed tools, their registry, their boundary, their runs.

Takes codes of tools and the files that declare them; gives what became of them, and exit status 3 where the boundary
has another word than GO.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pgrehearse.cli import options, terminal
from pgrehearse.cli.commands import dot_options, dot_text

if TYPE_CHECKING:
    from pgrehearse.config import Config
    from pgrehearse.dots.runner import RunResult


@click.group()
def dot() -> None:
    """Register tools in rehearsals, and run them in sandboxes.

    A DOT is a script with a row in a registry. Its registration is rehearsed on a clone. It runs outside of the
    database, in a throwaway copy of a clone, alone under a lease, and with every state of the run in a ledger.
    """


@dot.command("list")
@options.dbname
@dot_options.registry_map
@options.format_of("text", "json")
def list_tools(dbname: str | None, registry_map: Path | None, output_format: str) -> None:
    """List the tools that the registry of a database has."""
    from pgrehearse.dots.registry import read_registry, read_registry_map  # noqa: PLC0415 - keeps --help fast
    from pgrehearse.pg.session import Session  # noqa: PLC0415

    with Session(dot_options.required_target(dbname).conninfo) as session:
        rows = read_registry(session, read_registry_map(registry_map))
    dot_text.give(rows, output_format, dot_text.tools)


@dot.command()
@click.argument("code")
@options.dbname
@dot_options.registry_map
@dot_options.tools
def show(code: str, dbname: str | None, registry_map: Path | None, tools: Path) -> None:
    """Show one tool: what its file declares and, with a target, what the registry has."""
    from pgrehearse.dots.dot import find_dot, read_dots  # noqa: PLC0415
    from pgrehearse.dots.registry import find_registered, read_registry_map  # noqa: PLC0415
    from pgrehearse.errors import DotError  # noqa: PLC0415
    from pgrehearse.pg.session import Session  # noqa: PLC0415

    is_declared = code.endswith(".toml") or any(one.dot.code == code for one in read_dots(tools))
    declared = find_dot(code, tools) if is_declared else None
    target, row = options.target_from(dbname), None
    if target is not None:
        with Session(target.conninfo) as session:
            wanted = declared.dot.code if declared else code
            row = find_registered(session, read_registry_map(registry_map), wanted)
    if declared is None and row is None:
        raise DotError(
            f'no tool has the code "{code}"', hint="Name the folder with --tools, or a database with -d."
        )
    dot_text.give({"declared": declared and declared.dot, "registered": row}, "json", str)


@dot.command()
@options.dbname
@dot_options.registry_map
@dot_options.tools
@options.format_of("text", "json")
@click.pass_context
def verify(
    context: click.Context, dbname: str | None, registry_map: Path | None, tools: Path, output_format: str
) -> None:
    """Say where registry and declared tools disagree: exit status 0 where they agree, else 1."""
    from pgrehearse.dots.dot import read_dots  # noqa: PLC0415
    from pgrehearse.dots.drift import find_drift  # noqa: PLC0415
    from pgrehearse.dots.registry import read_registry, read_registry_map  # noqa: PLC0415
    from pgrehearse.pg.session import Session  # noqa: PLC0415

    with Session(dot_options.required_target(dbname).conninfo) as session:
        rows = read_registry(session, read_registry_map(registry_map))
    drift = find_drift(rows, read_dots(tools))
    dot_text.give(drift, output_format, dot_text.drift)
    context.exit(1 if drift else 0)


@dot.command()
@click.argument("tool", metavar="TOOL.toml", type=click.Path(path_type=Path))
@options.dbname
@dot_options.registry_map
@options.plan_file
@options.passes
@options.format_of("text", "json", "markdown")
@options.output
@options.config
@click.pass_context
def register(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: click.Context,
    tool: Path,
    dbname: str | None,
    registry_map: Path | None,
    plan_file: Path | None,
    passes: int,
    output_format: str,
    output: Path | None,
    config: Config,
) -> None:
    """Rehearse the registration of a tool on a clone: what it would write, warn of, block and announce.

    Expectations stand in --plan, else in the file beside TOOL.toml with the ending .rehearsal.toml. Nothing stays.
    Exit status: that of the rehearsal, as `pgrehearse run` has it.
    """
    from pgrehearse.cli.handing_over import exit_status, hand_over  # noqa: PLC0415
    from pgrehearse.dots.dot import read_dot  # noqa: PLC0415
    from pgrehearse.dots.registration import rehearse_registration  # noqa: PLC0415
    from pgrehearse.dots.registry import read_registry_map  # noqa: PLC0415
    from pgrehearse.rehearsal import Options  # noqa: PLC0415

    rehearsed = rehearse_registration(
        read_dot(tool),
        dot_options.required_target(dbname).conninfo,
        config=config,
        registry=read_registry_map(registry_map),
        plan_file=plan_file,
        options=Options(passes=passes),
    )
    hand_over([rehearsed.evidence], output_format, output)
    context.exit(exit_status([rehearsed.evidence], interrupted=rehearsed.interrupted))


@dot.command()
@options.dbname
@options.format_of("text", "json")
@options.config
def boundary(dbname: str | None, output_format: str, config: Config) -> None:
    """Say what may be done with tools in a target, and which facts place it; without a target, the whole table."""
    from pgrehearse.dots.boundary import ACTIONS, PLACES, rule  # noqa: PLC0415
    from pgrehearse.dots.sandbox import place_target  # noqa: PLC0415

    target = options.target_from(dbname)
    placement = None if target is None else place_target(target, config)
    places = PLACES if placement is None else (placement.place,)
    rulings = [rule(action, place) for action in ACTIONS for place in places]
    record = {"placement": placement, "boundary": rulings}
    dot_text.give(record, output_format, lambda _: dot_text.boundary(placement, rulings))


@dot.command()
@click.argument("code")
@options.dbname
@dot_options.ledger
@dot_options.registry_map
@dot_options.tools
@dot_options.parameters
@click.option(
    "--here", is_flag=True, help="Run in the target itself, if it is a sandbox, and make none of it."
)
@click.option("--enqueue", is_flag=True, help="Leave the run to a worker, and tell its name.")
@options.format_of("text", "json")
@options.output
@options.config
@click.pass_context
def run(  # noqa: PLR0913, PLR0917 - one parameter an option
    context: click.Context,
    code: str,
    dbname: str | None,
    ledger: str | None,
    registry_map: Path | None,
    tools: Path,
    parameters: dict[str, str],
    here: bool,  # noqa: FBT001 - click's
    enqueue: bool,  # noqa: FBT001 - click's
    output_format: str,
    output: Path | None,
    config: Config,
) -> None:
    r"""Run a tool in a sandbox of the clone that -d names.

    CODE is the code of a tool that a file below --tools declares, or that file itself. The sandbox is a copy of the
    clone as it is now, and is dropped after the run.

    \b
    Exit status:
      0  the tool ended with status 0
      1  it failed, or its run was lost
      2  usage error; the tool, its lease or its gates stand in the way
      3  the boundary forbids it; nothing was run
    """
    from pgrehearse.dots.dot import find_dot  # noqa: PLC0415
    from pgrehearse.dots.registry import read_registry_map  # noqa: PLC0415
    from pgrehearse.dots.runner import Order, execute, run_in_sandbox  # noqa: PLC0415

    order = Order(
        declared=find_dot(code, tools),
        target=dot_options.required_target(dbname),
        ledger=dot_options.ledger_conninfo(ledger),
        config=config,
        registry=read_registry_map(registry_map),
        parameters=parameters,
        shown=lambda line: click.echo(line, nl=False, err=output_format == "json"),
    )
    if enqueue:
        from pgrehearse.fleet.queue import enqueue_run  # noqa: PLC0415

        terminal.write(enqueue_run(order))
        return
    result = execute(order) if here else run_in_sandbox(order)
    _hand_over(result, output_format, output)
    context.exit(0 if result.state == "succeeded" else 1)


def _hand_over(result: RunResult, output_format: str, output: Path | None) -> None:
    if output is not None:
        terminal.write(dot_text.to_json(dot_text.run_record(result)), to=output)
    if output_format == "json":
        terminal.write(dot_text.to_json(dot_text.run_record(result)))
    else:
        terminal.note(dot_text.result(result))


@dot.command()
@click.argument("code", required=False)
@dot_options.ledger
@click.option(
    "--verify",
    "is_verified",
    is_flag=True,
    help="Recompute the whole ledger: exit status 1 where it is not sound.",
)
@click.option(
    "--anchor",
    "anchors",
    metavar="SEQ:DIGEST",
    multiple=True,
    help="A row that evidence names; with --verify.",
)
@options.format_of("text", "json")
@click.pass_context
def runs(
    context: click.Context,
    code: str | None,
    ledger: str | None,
    is_verified: bool,  # noqa: FBT001 - click's
    anchors: Sequence[str],
    output_format: str,
) -> None:
    """List the runs of all tools, or of CODE, each in its last state; find those whose holder is gone."""
    from pgrehearse.dots.ledger import mark_lost, read_runs  # noqa: PLC0415
    from pgrehearse.dots.store import open_store  # noqa: PLC0415
    from pgrehearse.dots.verification import read_anchor  # noqa: PLC0415
    from pgrehearse.dots.verification import verify as verify_ledger  # noqa: PLC0415

    known = [read_anchor(text) for text in anchors]
    with open_store(dot_options.ledger_conninfo(ledger)) as store:
        # Looked at before anything is added: what was tampered with must not be built upon.
        verification = verify_ledger(store, anchors=known) if is_verified or known else None
        if verification is None:
            mark_lost(store)
        found = read_runs(store, code=code)
    if verification is None:
        dot_text.give(found, output_format, dot_text.runs)
        return
    record = {"runs": found, "verification": verification, "ledger_verified": verification.is_sound}
    dot_text.give(record, output_format, lambda _: dot_text.verification(verification))
    context.exit(0 if verification.is_sound else 1)


@dot.command()
@dot_options.ledger
@options.format_of("text", "json")
def leases(ledger: str | None, output_format: str) -> None:
    """List the leases that are held now."""
    from pgrehearse.dots.lease import held_leases  # noqa: PLC0415
    from pgrehearse.dots.store import open_store  # noqa: PLC0415

    with open_store(dot_options.ledger_conninfo(ledger)) as store:
        held = held_leases(store)
    dot_text.give(held, output_format, dot_text.leases)
