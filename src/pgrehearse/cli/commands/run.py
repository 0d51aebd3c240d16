"""`pgrehearse run`: rehearse scripts on a proven clone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgrehearse.cli import options, terminal
from pgrehearse.cli.commands import dot_options

if TYPE_CHECKING:
    from pgrehearse.config import Config
    from pgrehearse.pg.target import Target
    from pgrehearse.plan.planfile import PlanFile
    from pgrehearse.rehearsal import Options, Rehearsed
    from pgrehearse.script.source import Source


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options ask for."""

    scripts: tuple[str, ...]
    dbname: str | None
    variables: Mapping[str, str]
    plan_file: Path | None
    schema_file: Path | None
    mode: str
    passes: int
    prove: str
    rows: int
    restore_sequences: bool
    cascade: bool
    output_format: str
    output: Path | None
    config: Config
    enqueue: bool
    ledger: str | None


@click.command()
@click.argument("scripts", nargs=-1, required=True, metavar="SCRIPT...")
@options.dbname
@options.variables
@options.plan_file
@options.schema_file
@options.mode
@options.passes
@options.prove
@options.rows
@options.restore_sequences
@options.cascade
@options.format_of("text", "json", "markdown")
@options.output
@click.option(
    "--enqueue", is_flag=True, help="Leave it to the workers of the ledger, and tell the names of the runs."
)
@dot_options.ledger
@options.config
@options.quiet
@click.pass_context
def run(context: click.Context, /, **given: Any) -> None:
    """Rehearse SCRIPT in a transaction that the server refuses to commit.

    SCRIPT is a psql script; - is standard input. The target must be a proven clone (`pgrehearse clone create` or
    `adopt`). Without -d and without PG* variables, the embedded server is used: SCRIPT is then rehearsed on a fresh
    throwaway clone, of an empty database or of --schema.

    \b
    Exit status:
      0    GO            every statement ran, every check passed, rollback proved
      1    NO-GO         the script or a check failed
      2                  usage, configuration or input error
      3    REFUSED       the target is not proven to be a clone; nothing was run
      4    RESIDUE       rollback was not proved, or something stayed
      5    INCONCLUSIVE  something could not be rehearsed
      130                interrupted
    """  # noqa: D301 - \b is click's, and means: leave these lines as they are
    asked = Asked(**given)
    try:
        from pgrehearse.cli.handing_over import exit_status, hand_over  # noqa: PLC0415 - keeps --help fast
        from pgrehearse.script.source import read_source  # noqa: PLC0415

        sources = [read_source(script) for script in asked.scripts]
        if asked.enqueue:
            _enqueue(asked, sources)
            return
        rehearsed = _rehearse_all(asked, sources)
    except KeyboardInterrupt:
        terminal.warn("no evidence was written")
        raise
    documents = [one.evidence for one in rehearsed]
    hand_over(documents, asked.output_format, asked.output, cascade=asked.cascade)
    context.exit(exit_status(documents, interrupted=any(one.interrupted for one in rehearsed)))


def _rehearse_all(asked: Asked, sources: Sequence[Source]) -> list[Rehearsed]:
    """Rehearse one script after the other, up to an interruption."""
    from pgrehearse.cli.interrupts import Interrupts  # noqa: PLC0415 - keeps --help fast
    from pgrehearse.rehearsal import Options  # noqa: PLC0415
    from pgrehearse.stage.witness import Prove  # noqa: PLC0415

    plan_files = [_plan_file(source, asked.plan_file) for source in sources]
    rehearsed: list[Rehearsed] = []
    with _target(asked.dbname, asked.schema_file) as target, Interrupts() as interrupts:
        for source, terms in zip(sources, plan_files, strict=True):
            how = Options(
                variables=asked.variables,
                passes=asked.passes,
                prove=Prove(asked.prove),
                rows=asked.rows,
                restore_sequences=asked.restore_sequences,
                is_interrupted=interrupts.is_asked,
            )
            rehearsed.append(_rehearse(source, terms, target, asked.config, how))
            if rehearsed[-1].interrupted:
                break
    return rehearsed


def _enqueue(asked: Asked, sources: Sequence[Source]) -> None:
    """Leave the scripts, with the text of their plan files, to workers, whose clones they run on."""
    from pgrehearse.fleet.queue import enqueue_scripts  # noqa: PLC0415 - needs the extra

    scripts = [(source, _plan_text(source, asked.plan_file)) for source in sources]
    ledger = dot_options.ledger_conninfo(asked.ledger)
    names = enqueue_scripts(ledger, scripts, variables=asked.variables, passes=asked.passes)
    terminal.write("\n".join(names))


def _plan_text(source: Source, named: Path | None) -> str:
    from pgrehearse.plan.planfile import plan_file_for, read_plan_file  # noqa: PLC0415 - keeps --help fast

    path = named or plan_file_for(source.path)
    if path is None:
        return ""
    read_plan_file(path)  # a fault is told here, not by a worker far away
    return path.read_text(encoding="utf-8")


def _plan_file(source: Source, named: Path | None) -> PlanFile:
    from pgrehearse.plan.planfile import PlanFile, plan_file_for, read_plan_file  # noqa: PLC0415

    path = named or plan_file_for(source.path)
    return read_plan_file(path) if path else PlanFile()


@contextmanager
def _target(dbname: str | None, schema_file: Path | None) -> Iterator[Target]:
    """The target that was named, or a throwaway clone on the embedded server."""
    from pgrehearse.clones.throwaway import throwaway_clone  # noqa: PLC0415
    from pgrehearse.errors import UsageError  # noqa: PLC0415
    from pgrehearse.server import shared_server  # noqa: PLC0415

    named = options.target_from(dbname)
    if named is not None:
        if schema_file is not None:
            raise UsageError(
                "--schema goes with the embedded server only",
                hint="Leave -d and the PG* variables out, or load the dump into a clone of your own.",
            )
        yield named
        return
    server = shared_server()
    terminal.note(f"PostgreSQL {server.binaries.version} ({server.binaries.origin}), on a throwaway clone")
    with throwaway_clone(server.conninfo(), schema_file=schema_file) as clone:
        yield clone


def _rehearse(
    source: Source, plan_file: PlanFile, target: Target, config: Config, options: Options
) -> Rehearsed:
    """Clear the target and rehearse; a refusal is told as evidence, too."""
    from pgrehearse.clones.guard import clear  # noqa: PLC0415
    from pgrehearse.errors import RefusedError  # noqa: PLC0415
    from pgrehearse.pg.session import Session  # noqa: PLC0415
    from pgrehearse.rehearsal import Rehearsed, refuse, rehearse  # noqa: PLC0415
    from pgrehearse.stage.transcript import TargetFacts  # noqa: PLC0415

    version = ""
    try:
        with Session(target.conninfo) as session:
            version = session.parameter("server_version").split()[0]
            clearance = clear(session, name_like=plan_file.target.name_like, config=config)
        return rehearse(source, plan_file, target.conninfo, clearance, options)
    except RefusedError as error:
        facts = TargetFacts(target.dbname, version, "", "unknown", ())
        return Rehearsed(refuse(source, facts, error, options), interrupted=False)
