"""`pgrehearse completion`: print the completion script of a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from pgrehearse.cli import terminal
from pgrehearse.cli.main import pgrehearse
from pgrehearse.errors import UsageError

_VARIABLE = "_PGREHEARSE_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    For bash: eval "$(pgrehearse completion bash)"
    """
    made_for = get_completion_class(shell)
    if made_for is None:
        raise UsageError(f"there is no completion for {shell}")
    terminal.write(made_for(pgrehearse, {}, "pgrehearse", _VARIABLE).source())
