"""psql's backslash commands that a rehearsal acts on; what they print is kept as output.

Takes a command that the table in `script.metacommands` honours; changes the variables or what the next query is sent
with; gives what psql would print.
"""

from __future__ import annotations

from dataclasses import dataclass

from pgrehearse.pg.result import ServerMessage
from pgrehearse.script.metacommands import apply_variable_command, echo_text
from pgrehearse.script.statement import MetaCommand
from pgrehearse.script.variables import Variables


@dataclass(slots=True)
class NextQuery:
    r"""What psql keeps for the next query that is sent: the values of \bind, the statement of \bind_named."""

    parameters: tuple[str, ...] | None = None
    prepared: str | None = None


@dataclass(slots=True)
class MetaOutcome:
    """What a backslash command printed, or psql's error message."""

    output: str = ""
    problem: str = ""


def play_meta(
    command: MetaCommand, variables: Variables, following: NextQuery, last_error: ServerMessage | None
) -> MetaOutcome:
    """Act on one command that needs no server."""
    match command.name:
        case "set" | "unset" | "getenv":
            return MetaOutcome(_listing(variables) if command.name == "set" and not command.arguments else "",
                               apply_variable_command(command, variables))  # fmt: skip
        case "echo" | "qecho" | "warn":
            return MetaOutcome(echo_text(command))
        case "bind":
            following.parameters = command.arguments
            following.prepared = None
        case "bind_named":
            following.prepared = command.arguments[0]
            following.parameters = command.arguments[1:]
        case "errverbose":
            return MetaOutcome(_verbose(last_error))
        case _:
            pass
    return MetaOutcome()


def _listing(variables: Variables) -> str:
    return "".join(f"{name} = '{value}'\n" for name, value in variables.items())


def _verbose(error: ServerMessage | None) -> str:
    if error is None:
        return "There is no previous error.\n"
    lines = [f"{error.severity}:  {error.sqlstate}: {error.text}"]
    lines += [f"DETAIL:  {error.detail}"] if error.detail else []
    lines += [f"HINT:  {error.hint}"] if error.hint else []
    lines += [f"CONTEXT:  {error.context}"] if error.context else []
    return "\n".join(lines) + "\n"
