"""`pgrehearse demo`: the seed's rehearsal, end to end, on a server of its own."""

from __future__ import annotations

from pathlib import Path

import click

from pgrehearse.cli import options, terminal


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
@options.passes
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
) -> None:
    """Rehearse the registration of a tool on the reference estate.

    Starts a PostgreSQL server of its own, builds the estate in a database that is declared a production, clones it, and
    rehearses the example script on the clone in a transaction that cannot commit. The server and all it holds are gone
    afterwards.

    Exit status: that of the rehearsal, as `pgrehearse run` has it.
    """
    from pgrehearse.cli.handing_over import exit_status, hand_over  # noqa: PLC0415 - keeps --help fast
    from pgrehearse.demo import demonstrate  # noqa: PLC0415
    from pgrehearse.estate import Version  # noqa: PLC0415
    from pgrehearse.rehearsal import Options  # noqa: PLC0415

    shown = demonstrate(terminal.note, version=Version(estate), scale=scale, options=Options(passes=passes))
    documents = [shown.rehearsed.evidence]
    terminal.note("")
    hand_over(documents, output_format, output)
    context.exit(exit_status(documents, interrupted=shown.rehearsed.interrupted))
