"""`pgrehearse demo`: the seed's rehearsal, end to end, on a server of its own."""

from __future__ import annotations

from pathlib import Path

import click

from pgrehearse.cli.options import format_option, output_option, passes_option, quiet_option


@click.command()
@click.option(
    "--estate",
    type=click.Choice(["2026-06-02", "2026-06-05"]),
    default="2026-06-02",
    show_default=True,
    help="The estate before or after the patch of its birth gateway: one births +5, the other +1.",
)
@click.option("--scale", type=click.IntRange(min=1), default=1, show_default=True,
              help="Multiply the estate's background rows; 1000 makes 1.2 million births.")  # fmt: skip
@passes_option
@format_option
@output_option
@quiet_option
@click.pass_context
def demo(
    context: click.Context,
    estate: str,
    scale: int,
    passes: int,
    format_name: str,
    output: Path | None,
    *,
    quiet: bool,
) -> None:
    """Rehearse the registration of a tool on the reference estate.

    Starts a PostgreSQL server of its own, builds the estate in a database that is declared a production, clones it, and
    rehearses the example script on the clone in a transaction that cannot commit. The server and all it holds are gone
    afterwards.

    Exit status: that of the rehearsal, as `pgrehearse run` has it.
    """
    from pgrehearse.cli.handing_over import exit_status, hand_over, say_where  # noqa: PLC0415 - keeps --help fast
    from pgrehearse.demo import demonstrate  # noqa: PLC0415
    from pgrehearse.estate import Version  # noqa: PLC0415
    from pgrehearse.rehearsal import Options  # noqa: PLC0415

    def say(text: str) -> None:
        if not quiet:
            click.echo(text, err=True)

    shown = demonstrate(say, version=Version(estate), scale=scale, options=Options(passes=passes))
    documents = [shown.rehearsed.evidence]
    if format_name == "text" and output is None and not quiet:
        click.echo(err=True)
    hand_over(documents, format_name, output)
    say_where(documents, output)
    context.exit(exit_status(documents, interrupted=shown.rehearsed.interrupted))
