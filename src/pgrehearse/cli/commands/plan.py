"""`pgrehearse plan`: say what would become of each statement. Touches no database.

Takes names of scripts; gives their steps as text or JSON, and a summary.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pgrehearse.plan.planner import Plan
    from pgrehearse.plan.step import Step

SHOWN = 60
"""Characters of a statement that a line of text shows."""
FORMAT = "pgrehearse-plan/1"


@click.command()
@click.argument("scripts", nargs=-1, required=True, metavar="SCRIPT...")
@click.option(
    "-v",
    "--variable",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a psql variable; may repeat.",
)
@click.option(
    "--format", "format_name", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file.")
@click.pass_context
def plan(
    context: click.Context,
    scripts: tuple[str, ...],
    assignments: tuple[str, ...],
    format_name: str,
    output: Path | None,
) -> None:
    """Say what would become of each statement of a script; touches no database.

    A script may be - for standard input. Exit status 3 where a command would be refused, 5 where a statement cannot run
    in a transaction, 2 where a script cannot be read.
    """
    from pgrehearse.plan.planner import make_plan  # noqa: PLC0415 - keeps --help fast
    from pgrehearse.script.source import read_source  # noqa: PLC0415
    from pgrehearse.script.variables import Variables  # noqa: PLC0415

    variables = Variables(dict(map(split_assignment, assignments)))
    plans = [make_plan(read_source(script), variables) for script in scripts]
    text = to_json(plans) if format_name == "json" else "\n".join(map(to_text, plans))
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
    for one in plans:
        click.echo(summary(one), file=sys.stderr if format_name == "json" and output is None else None)
    context.exit(max(map(exit_status, plans), key=[0, 5, 3].index))


def split_assignment(assignment: str) -> tuple[str, str]:
    """`NAME=VALUE` to its parts, `NAME` alone to an empty value.

    Raises:
        UsageError: There is no name.
    """
    from pgrehearse.errors import UsageError  # noqa: PLC0415

    name, _, value = assignment.partition("=")
    if not name:
        raise UsageError(f'cannot use "{assignment}" as a variable', hint="Write -v NAME=VALUE.")
    return name, value


def exit_status(plan: Plan) -> int:
    """3 where something is refused, 5 where something cannot run in a transaction, else 0."""
    if plan.refusals:
        return 3
    return 5 if plan.cannot else 0


def to_text(plan: Plan) -> str:
    """One line a step: its number, place, what it is, what becomes of it, and how it begins."""
    rows = [
        (str(step.n), str(step.location), step.keyword, outcome(step), begins(step)) for step in plan.steps
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    for number, *cells, text in rows:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        lines.append("  ".join([number.rjust(widths[0]), *padded, text]).rstrip())
    return "\n".join(lines) + "\n"


def outcome(step: Step) -> str:
    """What becomes of a step, with `perhaps` where only a server can tell whether it is reached."""
    return step.outcome if step.is_certain else f"perhaps {step.outcome}"


def begins(step: Step) -> str:
    """How a step begins, on one line; why, where it will not be run."""
    if step.is_refused or step.cannot:
        return step.reason
    text = " ".join(step.text.split())
    text = text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
    return f"{text}  (only the server knows :{', :'.join(step.unknowns)})" if step.unknowns else text


def to_json(plans: list[Plan]) -> str:
    """All plans as one JSON document."""
    import msgspec  # noqa: PLC0415

    document = {"format": FORMAT, "scripts": [to_object(plan) for plan in plans]}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def to_object(plan: Plan) -> dict[str, object]:
    """One plan as JSON has it."""
    return {
        "path": plan.source.path,
        "sha256": plan.source.sha256,
        "statements": plan.statements,
        "exit_status": exit_status(plan),
        "steps": [
            {
                "n": step.n,
                "path": step.location.path,
                "line": step.location.line,
                "column": step.location.column,
                "kind": step.kind,
                "keyword": step.keyword,
                "disposition": step.outcome,
                "certain": step.is_certain,
                "unknowns": list(step.unknowns),
                "sent_by": step.sent_by,
                "reason": step.reason,
                "text": step.text,
            }
            for step in plan.steps
        ],
    }


def summary(plan: Plan) -> str:
    """One sentence on the whole script."""
    counts = Counter(step.kind for step in plan.steps)
    parts = [plural(counts["sql"], "statement"), plural(counts["meta"], "meta-command")]
    if plan.refusals:
        parts.append(f"{len(plan.refusals)} refused")
    if plan.cannot:
        parts.append(f"{len(plan.cannot)} cannot run in a transaction")
    if plan.unknowns:
        parts.append(f"{len(plan.unknowns)} known only at run time")
    word = {0: "can be rehearsed", 3: "REFUSED", 5: "INCONCLUSIVE"}[exit_status(plan)]
    return f"{plan.source.path}: {word}: {', '.join(parts)}"


def plural(count: int, noun: str) -> str:
    """`1 statement`, `2 statements`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
