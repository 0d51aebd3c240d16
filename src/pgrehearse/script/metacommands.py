"""Every backslash command of psql 18: what becomes of it here, and how psql reads its arguments.

Takes a name; gives its rule. This table is the only one: the reader, the planner, the stage and the documentation
read it.
"""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pgrehearse.script.statement import MetaCommand
from pgrehearse.script.variables import VariableError, Variables


class Treatment(enum.Enum):
    """What becomes of a meta-command."""

    HONOURED = "honoured"
    IGNORED = "ignored"
    REFUSED = "refused"


class Syntax(enum.Enum):
    """How psql reads the arguments."""

    WORDS = "words"
    LINE = "the rest of the line"
    FILE_OR_PIPE = "a file, or a bar and the rest of the line"


@dataclass(frozen=True, slots=True)
class MetaRule:
    """What becomes of a command, and why.

    Attributes:
        name: Without the backslash.
        usage: The arguments, as psql's manual writes them.
        sends: Whether it sends the query (or the last one again).
        strips_semicolons: Whether psql takes semicolons off the end of its arguments.
        required: How many arguments psql insists on.
    """

    name: str
    treatment: Treatment
    reason: str
    usage: str = ""
    syntax: Syntax = Syntax.WORDS
    sends: bool = False
    strips_semicolons: bool = False
    required: int = 0


def honoured(name: str, reason: str, usage: str = "", **how: bool | int) -> MetaRule:
    """A command that does here what it does in psql."""
    return _make(name, Treatment.HONOURED, reason, usage, how)


def ignored(name: str, reason: str, usage: str = "", **how: bool | int) -> MetaRule:
    """A command that changes nothing that a rehearsal could see."""
    return _make(name, Treatment.IGNORED, reason, usage, how)


def refused(name: str, reason: str, usage: str = "", **how: bool | int) -> MetaRule:
    """A command that a rehearsal cannot allow."""
    return _make(name, Treatment.REFUSED, reason, usage, how)


def _make(
    name: str, treatment: Treatment, reason: str, usage: str, how: Mapping[str, bool | int]
) -> MetaRule:
    syntax = Syntax.LINE if how.get("line") else Syntax.FILE_OR_PIPE if how.get("pipe") else Syntax.WORDS
    return MetaRule(
        name,
        treatment,
        reason,
        usage,
        syntax,
        sends=bool(how.get("sends")),
        strips_semicolons=bool(how.get("strips")),
        required=int(how.get("required", 0)),
    )


FORMAT = "changes how psql prints, not what is sent"
LISTING = "describes the database; a short listing at most is printed"
INTERACTIVE = "needs a person at a terminal"
FILES = "writes outside the transaction"
SHELL = "runs a program outside the transaction"
SESSION = "leaves the session that is being rehearsed"
PIPELINE = "a pipeline sends statements before the answers to earlier ones are known"

RULES: tuple[MetaRule, ...] = (
    refused("!", SHELL, "[ command ]", line=True),
    ignored("?", "prints help", "[ topic ]"),
    ignored("C", FORMAT, "[ title ]", strips=True),
    ignored("H", FORMAT),
    ignored("T", FORMAT, "table_options"),
    ignored("a", FORMAT),
    honoured("bind", "gives the next query its parameters", "[ parameter ] ..."),
    honoured(
        "bind_named",
        "runs a prepared statement with parameters",
        "statement_name [ parameter ] ...",
        required=1,
    ),
    refused("c", SESSION, "[ dbname [ username ] [ host ] [ port ] | conninfo ]", strips=True),
    refused("cd", "changes where files are looked for", "[ directory ]", strips=True),
    honoured(
        "close_prepared", "closes a prepared statement", "prepared_statement_name", sends=True, required=1
    ),
    refused("connect", SESSION, "[ dbname [ username ] [ host ] [ port ] | conninfo ]", strips=True),
    ignored("conninfo", "prints how psql is connected"),
    honoured(
        "copy", "loads a local file or inline data; to a file or a program is refused", "...", line=True
    ),
    ignored("copyright", "prints psql's licence"),
    honoured(
        "crosstabview",
        "sends the query; its result is not turned",
        "[ colV [ colH [ colD [ sortcolH ] ] ] ]",
        sends=True,
        strips=True,
    ),
    honoured("d", LISTING, "[ pattern ]", strips=True),
    refused("e", INTERACTIVE, "[ filename ] [ line_number ]", strips=True),
    honoured("echo", "prints its arguments", "text [ ... ]"),
    refused("edit", INTERACTIVE, "[ filename ] [ line_number ]", strips=True),
    refused("ef", INTERACTIVE, "[ function_description [ line_number ] ]", line=True),
    honoured("elif", "a branch of \\if", "expression"),
    honoured("else", "a branch of \\if"),
    honoured("encoding", "UTF8 is accepted, any other encoding refused", "[ encoding ]"),
    honoured("endif", "the end of \\if"),
    refused("endpipeline", PIPELINE),
    honoured("errverbose", "prints the last error in full"),
    refused("ev", INTERACTIVE, "[ view_name [ line_number ] ]", line=True),
    ignored("f", FORMAT, "[ string ]"),
    refused("flush", PIPELINE),
    refused("flushrequest", PIPELINE),
    honoured(
        "g",
        "sends the query; to a file or a program is refused",
        "[ (option=value [...]) ] [ filename | |command ]",
        pipe=True,
        sends=True,
    ),
    honoured("gdesc", "describes the result of the query without running it", sends=True),
    honoured(
        "getenv", "reads an environment variable that the caller allows", "psql_var env_var", required=2
    ),
    refused("getresults", PIPELINE, "[ number_results ]"),
    honoured("gexec", "sends the query, then each value of its result as a statement", sends=True),
    honoured("gset", "sends the query and keeps its row in variables", "[ prefix ]", sends=True),
    honoured(
        "gx",
        "sends the query; to a file or a program is refused",
        "[ (option=value [...]) ] [ filename | |command ]",
        pipe=True,
        sends=True,
    ),
    ignored("h", "prints help", "[ command ]", line=True),
    ignored("help", "prints help", "[ command ]", line=True),
    ignored("html", FORMAT),
    honoured("i", "reads another script", "filename", strips=True, required=1),
    honoured("if", "opens a conditional", "expression"),
    honoured("include", "reads another script", "filename", strips=True, required=1),
    honoured(
        "include_relative",
        "reads another script, looked for beside this one",
        "filename",
        strips=True,
        required=1,
    ),
    honoured("ir", "reads another script, looked for beside this one", "filename", strips=True, required=1),
    honoured("l", LISTING, "[ pattern ]", strips=True),
    honoured("list", LISTING, "[ pattern ]", strips=True),
    refused("lo_export", FILES, "loid filename", strips=True),
    refused(
        "lo_import", "reads a file of the client into a large object", "filename [ comment ]", strips=True
    ),
    ignored("lo_list", LISTING, strips=True),
    refused("lo_unlink", "deletes a large object in a transaction of psql's own", "loid", strips=True),
    refused("o", FILES, "[ filename | |command ]", pipe=True, strips=True),
    refused("out", FILES, "[ filename | |command ]", pipe=True, strips=True),
    honoured("p", "prints the query buffer"),
    honoured("parse", "prepares the query", "statement_name", sends=True, required=1),
    refused("password", INTERACTIVE, "[ username ]", strips=True),
    honoured("print", "prints the query buffer"),
    refused("prompt", INTERACTIVE, "[ text ] name"),
    ignored("pset", FORMAT, "[ option [ value ] ]"),
    honoured("q", "ends this file"),
    honoured("qecho", "prints its arguments", "text [ ... ]"),
    honoured("quit", "ends this file"),
    honoured("r", "empties the query buffer"),
    honoured("reset", "empties the query buffer"),
    honoured(
        "restrict",
        "allows no backslash command until \\unrestrict with the same key",
        "restrict_key",
        strips=True,
        required=1,
    ),
    refused("s", "reads or writes the history of commands", "[ filename ]", strips=True),
    refused("sendpipeline", PIPELINE, sends=True),
    honoured("set", "sets a variable", "[ name [ value [ ... ] ] ]"),
    refused("setenv", "changes the environment of programs", "name [ value ]"),
    honoured("sf", LISTING, "function_description", line=True),
    refused("startpipeline", PIPELINE),
    honoured("sv", LISTING, "view_name", line=True),
    refused("syncpipeline", PIPELINE),
    ignored("t", FORMAT, strips=True),
    ignored("timing", "prints times; the evidence has them", "[ on | off ]"),
    honoured("unrestrict", "ends what \\restrict began", "restrict_key", strips=True, required=1),
    honoured("unset", "unsets a variable", "name", required=1),
    refused("w", FILES, "filename | |command", pipe=True, strips=True),
    honoured("warn", "prints its arguments to standard error", "text [ ... ]"),
    refused(
        "watch", "repeats a query until somebody stops it", "[ interval ] [ count ] [ min_rows ]", strips=True
    ),
    refused("write", FILES, "filename | |command", pipe=True, strips=True),
    ignored("x", FORMAT, "[ on | off | auto ]", strips=True),
    honoured("z", LISTING, "[ pattern ]", strips=True),
)
"""Sorted by name. The families `\\d…`, `\\l…`, `\\sf+` and the like are found by `find_rule`."""

BY_NAME = {rule.name: rule for rule in RULES}
# psql looks at the first letters alone, and lets anything follow most of them.
DESCRIBE = re.compile(
    r"d(?:[abcCdDEgilLmnoOpstTuvxXyS+].*|A(?:[cfopx+].*)?|e[stuw].*|f(?:[anptwSx+].*)?|F(?:[dptx+].*)?"
    r"|P(?:[itnx+].*)?|r(?:ds|g).*|R[ps].*)?"
)
FAMILIES = (
    (DESCRIBE, "d"),
    (re.compile(r"l(?:ist)?(?:x|\+|x\+|\+x)?"), "l"),
    (re.compile(r"z(?:S|x|Sx|xS)?"), "z"),
    (re.compile(r"lo_list[x+]*"), "lo_list"),
    (re.compile(r"sf\+?"), "sf"),
    (re.compile(r"sv\+?"), "sv"),
)


def find_rule(name: str) -> MetaRule | None:
    """The rule of the command `name`, None for a command that psql does not know."""
    if rule := BY_NAME.get(name):
        return rule
    for pattern, member in FAMILIES:
        if pattern.fullmatch(name):
            return BY_NAME[member]
    return None


def refusal_of(command: MetaCommand) -> str:
    """Why `command` is refused, where its text alone decides; empty else."""
    rule = find_rule(command.name)
    if rule is None:
        return "psql has no such command"
    if command.runs_shell:
        return SHELL
    if rule.treatment is Treatment.REFUSED:
        return rule.reason
    return _refusal_by_argument(command)


def _refusal_by_argument(command: MetaCommand) -> str:
    arguments = command.arguments
    if command.name in ("g", "gx") and arguments and not command.unknowns:
        return SHELL if arguments[-1].startswith("|") else FILES if not arguments[-1].endswith(")") else ""
    if (
        command.name == "encoding"
        and arguments
        and arguments[0].lower().replace("-", "") not in ("utf8", "unicode")
    ):
        return "only UTF-8 is read"
    if command.name == "set" and arguments and arguments[0] in ("SINGLELINE", "SINGLESTEP"):
        return f"{arguments[0]} is for a person at a terminal"
    return ""


def apply_variable_command(
    command: MetaCommand,
    variables: Variables,
    *,
    environment: Mapping[str, str] = os.environ,
    allowed: frozenset[str] = frozenset(),
) -> str:
    r"""Do what `\set`, `\unset` or `\getenv` does to `variables`; any other command does nothing.

    Args:
        command: As it was read.
        variables: Changed in place.
        environment: Where `\getenv` reads.
        allowed: The names that `\getenv` may read; any other counts as not set.

    Returns:
        psql's error message, where the command failed; empty else.
    """
    arguments = command.arguments
    try:
        if command.name == "set" and arguments:
            variables.set(arguments[0], "".join(arguments[1:]))
        elif command.name == "unset" and arguments:
            variables.unset(arguments[0])
        elif command.name == "getenv" and len(arguments) > 1 and arguments[1] in allowed & environment.keys():
            variables.set(arguments[0], environment[arguments[1]])
    except VariableError as error:
        return error.message
    return ""


def echo_text(command: MetaCommand) -> str:
    r"""What `\echo`, `\qecho` or `\warn` prints, its line end included."""
    arguments = command.arguments
    if arguments and arguments[0] == "-n" and command.quotes[:1] == " ":
        return " ".join(arguments[1:])
    return " ".join(arguments) + "\n"
