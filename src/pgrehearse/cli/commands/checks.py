"""`pgrehearse checks`: list the built-in checks, or explain one."""

from __future__ import annotations

import click

from pgrehearse.cli import options, terminal


@click.command()
@click.argument("check_id", metavar="[ID]", required=False)
@options.format_of("text", "json")
def checks(check_id: str | None, output_format: str) -> None:
    """List the built-in checks, or explain the one called ID: condition, effect, remedy.

    The checks of a script's own result tables and of a plan file come on top of these.

    Exit status: 0; 2 where there is no check of that ID.
    """
    from pgrehearse.check.catalogue import BUILT_IN  # noqa: PLC0415 - keeps --help fast
    from pgrehearse.errors import UsageError  # noqa: PLC0415

    found = [check for check in BUILT_IN if check_id in (None, check.id)]
    if not found:
        raise UsageError(f'there is no check "{check_id}"', hint="`pgrehearse checks` lists them.")
    if output_format == "json":
        fields = ("id", "title", "condition", "effect", "remedy")
        terminal.write_json([{**{f: getattr(c, f) for f in fields}, "verdict": c.word.value} for c in found])
    elif check_id is None:
        width = max(len(check.id) for check in found)
        terminal.write("\n".join(f"{c.id:{width}}  {c.word.value:12}  {c.title}" for c in found))
    else:
        (check,) = found
        terminal.write(
            f"{check.id}: {check.title}\n\nFails when  {check.condition}\nIt means    {check.effect}\n"
            f"To do       {check.remedy}\nVerdict     {check.word.value}"
        )
