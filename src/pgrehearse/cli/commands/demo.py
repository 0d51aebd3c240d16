"""`pgrehearse demo`: the seed's rehearsal, end to end, on a server of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pgrehearse.cli import options, terminal

if TYPE_CHECKING:
    from pgrehearse.demo import DemoEstate
    from pgrehearse.dots.showcase import Showcase
    from pgrehearse.rehearsal import Options


@click.command()
@click.option(
    "--estate",
    type=click.Choice(["2026-06-02", "2026-06-05"]),
    default="2026-06-02",
    show_default=True,
    help="The estate before or after the patch of its birth gateway: one births +5, the other +1.",
)
@click.option(
    "--scale",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Multiply the estate's background rows; 1000 makes 1.2 million births.",
)
@click.option("--dots", is_flag=True, help="Show also what becomes of a tool's execution, place by place.")
@options.passes
@options.cascade
@options.format_of("text", "json", "markdown")
@options.output
@options.quiet
@click.pass_context
def demo(
    context: click.Context,
    estate: str,
    scale: int,
    passes: int,
    output_format: str,
    output: Path | None,
    *,
    dots: bool,
    cascade: bool,
) -> None:
    """Rehearse the registration of a tool on the reference estate.

    Starts a PostgreSQL server of its own, builds the estate in a database that is declared a production, clones it, and
    rehearses the example script on the clone in a transaction that cannot commit. The server and all it holds are gone
    afterwards.

    With --dots, a tool is registered and executed too: NO-GO on the clone, FORBIDDEN on the production, run once in a
    sandbox under its lease, with a ledger that verifies.

    Exit status: that of the rehearsal, as `pgrehearse run` has it.
    """
    from pgrehearse.cli.handing_over import exit_status, hand_over, hand_over_with  # noqa: PLC0415 - keeps --help fast
    from pgrehearse.demo import demo_estate, demonstrate  # noqa: PLC0415
    from pgrehearse.estate import Version  # noqa: PLC0415
    from pgrehearse.rehearsal import Options as Rehearsing  # noqa: PLC0415

    how = Rehearsing(passes=passes)
    with demo_estate(terminal.note, version=Version(estate), scale=scale) as built:
        rehearsed = demonstrate(terminal.note, built, how)
        shown = _show_dots(built, how) if dots else None
    terminal.note("")
    if shown is None:
        hand_over([rehearsed.evidence], output_format, output, cascade=cascade)
    else:
        hand_over_with(rehearsed.evidence, shown, output_format, output, cascade=cascade)
    context.exit(exit_status([rehearsed.evidence], interrupted=rehearsed.interrupted))


def _show_dots(built: DemoEstate, how: Options) -> Showcase:
    from pgrehearse.config import Config  # noqa: PLC0415 - keeps --help fast
    from pgrehearse.demo import example_folder  # noqa: PLC0415
    from pgrehearse.dots.dot import read_dots  # noqa: PLC0415
    from pgrehearse.dots.showcase import showcase  # noqa: PLC0415
    from pgrehearse.dots.store import create_database  # noqa: PLC0415
    from pgrehearse.pg.target import make_target  # noqa: PLC0415

    quiet = terminal.is_quiet()

    def tell(line: str) -> None:  # by a thread, which knows nothing of --quiet
        if not quiet:
            terminal.note(f"{declared.dot.code}: {line.rstrip()}")

    ledger = create_database(make_target(built.server.conninfo()))
    with example_folder("dots") as folder:
        (declared,) = read_dots(folder)
        return showcase(
            declared,
            clone=built.clone,
            production=built.production,
            ledger=ledger.conninfo,
            config=Config(),
            note=tell,
            options=how,
        )
