"""docs/reference/commands.md is the help of every command: a changed option shows in the diff.

Write it anew with: PGREHEARSE_WRITE_DOCS=1 python -m pytest tests/architecture/test_command_reference.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import click

from pgrehearse.cli.main import pgrehearse

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
HEAD = "# Commands\n\nThe help of every command, as the command prints it.\n"


def helps(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=80, max_content_width=80)
    yield f"\n## {context.command_path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None, child
            yield from helps(found, child, context)


def test_the_reference_of_commands_is_what_the_commands_print() -> None:
    page = HEAD + "".join(helps(pgrehearse, "pgrehearse"))
    if os.environ.get("PGREHEARSE_WRITE_DOCS"):
        PAGE.write_text(page, encoding="utf-8")

    assert PAGE.read_text(encoding="utf-8") == page
