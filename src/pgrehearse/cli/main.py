"""The command `pgrehearse`: argv in, exit status out.

Takes the arguments of the process; imports only the command that is asked for, and turns every way that a command can
end into the exit status that the contract names.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import TracebackType
from typing import Any

import click

from pgrehearse.cli import terminal
from pgrehearse.errors import RehearseError

BUG = 70
INTERRUPTED = 130
BROKEN_PIPE = 141  # what a shell says of a program that a closed pipe ended

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

# Command → where it is, and its line in the help, which must not cost an import.
COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("demo:demo", "See a rehearsal, end to end, on an embedded server."),
    "run": ("run:run", "Rehearse scripts in a transaction that cannot commit."),
    "plan": ("plan:plan", "Say what would become of each statement; touches no database."),
    "checks": ("checks:checks", "List the built-in checks, or explain one."),
    "clone": ("clone:clone", "Create, adopt, list, verify, reset, keep and drop clones."),
    "dot": ("dot:dot", "Register operational tools and run them, behind a boundary."),
    "evidence": ("evidence:evidence", "Show, verify and compare saved evidence."),
    "server": ("server:server", "Start the embedded server, look at it, stop it."),
    "worker": ("worker:worker", "Take rehearsals and tool runs from the queue."),
    "doctor": ("doctor:doctor", "Say what is here, what is missing, and what that costs you."),
    "completion": ("completion:completion", "Print the completion script of a shell."),
}

_EPILOG = """
Exit status: 0 GO, 1 NO-GO, 2 usage or input error, 3 REFUSED, 4 RESIDUE, 5 INCONCLUSIVE, 70 bug, 130 interrupted.
"""


class _Commands(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(f"pgrehearse.cli.commands.{module}"), attribute)
        return command if isinstance(command, click.Command) else None

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # click would end with 1, which means NO-GO here.
            _let_go_of_output()
            ctx.exit(BROKEN_PIPE)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, short_help) for name, (_, short_help) in COMMANDS.items()])


def _print_version(context: click.Context, _option: click.Parameter, is_asked: bool) -> None:  # noqa: FBT001
    if is_asked:
        from importlib.metadata import version  # noqa: PLC0415 - --help must not wait for it

        click.echo(f"pgrehearse {version('pgrehearse')}")
        context.exit()


@click.command(cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def pgrehearse() -> None:
    """See everything that a change would do to your PostgreSQL database, in a transaction that cannot commit."""


class _Ending:
    """Turns the way in which a command ends into an exit status, and tells the user of it."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._argv = argv
        self.status = 0

    def __enter__(self) -> _Ending:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        match error:
            case None:
                return True
            case RehearseError():
                terminal.tell_error(error)
                self.status = error.exit_status
            case click.Abort() | KeyboardInterrupt():
                click.echo("pgrehearse: interrupted", err=True)
                self.status = INTERRUPTED
            case click.ClickException():
                error.show()
                self.status = error.exit_code
            case BrokenPipeError():
                _let_go_of_output()
                self.status = BROKEN_PIPE
            case OSError() if error.errno in _NO_ROOM:
                _let_go_of_output()
                terminal.tell_error(
                    RehearseError(f"cannot write: {error.strerror}", hint="Make room, and run it again.")
                )
                self.status = RehearseError.exit_status
            case Exception():
                self._tell_bug(error)
                self.status = BUG
            case _:
                return False
        return True

    def _tell_bug(self, error: Exception) -> None:
        from pgrehearse.cli.crash_report import one_line, write_crash_report  # noqa: PLC0415 - seldom needed

        report = write_crash_report(error, self._argv)
        lines = [f"pgrehearse: bug: {one_line(error)}"]
        lines.append(f"DETAIL:  Written to {report}." if report else "DETAIL:  No report could be written.")
        lines.append("HINT:  Please report it, with that file.")
        click.echo("\n".join(lines), err=True)


def run(argv: Sequence[str]) -> int:
    """Run one command; give its exit status."""
    with _Ending(argv) as ending:
        result: Any = pgrehearse.main(args=list(argv), prog_name="pgrehearse", standalone_mode=False)
        ending.status = result if isinstance(result, int) else 0
        sys.stdout.flush()
    return ending.status


def main() -> None:
    """Entry point of the installed command."""
    status = run(sys.argv[1:])
    # All is said and written: a Ctrl-C that comes now must not change how it ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(status)


def _let_go_of_output() -> None:
    """Keep the interpreter from complaining, when it ends, of output that nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
