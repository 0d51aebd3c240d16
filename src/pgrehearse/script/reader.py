r"""A script as psql acts on it: queries and meta-commands, in order, read only when asked for.

Takes a source and the variables; gives one item at a time, so that what an item does to the variables (`\gset`,
`\set`) is seen by the text behind it, as in psql. Conditionals and included files are followed here; every other
meta-command is for the consumer to act on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from pgrehearse.errors import ScriptError
from pgrehearse.script.arguments import Argument, ArgumentReader
from pgrehearse.script.branching import BRANCHING, branch, evaluates
from pgrehearse.script.frame import Frame
from pgrehearse.script.lexer import Stop
from pgrehearse.script.metacommands import MetaRule, Syntax, find_rule
from pgrehearse.script.source import Source, read_source
from pgrehearse.script.statement import Item, Location, MetaCommand
from pgrehearse.script.variables import VariableError, Variables, parse_boolean

MOST_INCLUDES = 100
"""How deep files may include each other. psql has no limit but that of open files."""
INCLUDES = {"i": False, "include": False, "ir": True, "include_relative": True}
QUITS = {"q", "quit"}
RESETS = {"r", "reset"}
CHANGES_VARIABLES = {"set", "unset", "getenv"}

ReadInclude = Callable[[str, Path], Source]
"""Reads an included file: its path as it is written, and the folder to look in."""


class Reader(Iterator[Item]):
    r"""Reads one script and what it includes.

    Args:
        source: The script.
        variables: Shared with the consumer, which changes them.
        read_include: Reads included files; from disk where it is left out.

    Raises:
        ScriptError: While iterating: the text ends in the middle of something, an `\\\if` is not closed, files include
            each other without end, an included file cannot be read as text.
    """

    def __init__(
        self, source: Source, variables: Variables, *, read_include: ReadInclude | None = None
    ) -> None:
        self._variables = variables
        self._read_include = read_include or read_from_disk
        self._frames = [Frame(source, variables)]
        self._standard_strings = True
        self._restrict_key: str | None = None
        self._held: tuple[tuple[Frame, int] | None, bool] = (None, False)

    @property
    def is_certain(self) -> bool:
        r"""Whether the last item is reached for certain: no enclosing `\\\if` depends on an unknown variable."""
        return all(frame.conditionals.is_certain for frame in self._frames)

    @property
    def stops_on_error(self) -> bool:
        """Whether psql would stop at an error of the last item: ON_ERROR_STOP as it was where its line began."""
        frame = self._frames[-1] if self._frames else None
        if frame and self._held[0] == (frame, frame.locate(frame.lexer.position).line):
            return self._held[1]
        return self._variables.is_on("ON_ERROR_STOP")

    @property
    def query_text(self) -> str:
        r"""The query being gathered, or the last one sent: what `\\\p` prints."""
        return self._frames[-1].query_text if self._frames else ""

    @property
    def standard_strings(self) -> bool:
        """The server's `standard_conforming_strings`, for the consumer to keep in step."""
        return self._standard_strings

    @standard_strings.setter
    def standard_strings(self, value: bool) -> None:
        self._standard_strings = value
        for frame in self._frames:
            frame.lexer.standard_strings = value

    def copy_data(self) -> Iterator[bytes]:
        """The inline data of the COPY that was yielded last, in chunks; the script goes on behind them.

        To be called once for each COPY ... FROM STDIN of a query, in order.

        Raises:
            ScriptError: The data have no end.
        """
        return self._frames[-1].lexer.copy_data()

    def skip_line(self) -> None:
        """Pass over the rest of the line, as psql does after a backslash command that failed."""
        if self._frames:
            lexer = self._frames[-1].lexer
            lexer.consume(len(lexer.rest_of_line()))

    def __next__(self) -> Item:
        while self._frames:
            frame = self._frames[-1]
            if (item := self._end(frame) if frame.has_ended else self._read(frame)) is not None:
                return item
        raise StopIteration

    def _read(self, frame: Frame) -> Item | None:
        lexer = frame.lexer
        if lexer.is_active and (piece := lexer.scan_simple_statement()) is not None:
            return frame.send_simple(piece)
        stop = lexer.scan()
        if stop is Stop.BACKSLASH:
            return self._read_command(frame)
        if stop is Stop.END:
            frame.has_ended = True
            return None
        return frame.send() if frame.conditionals.is_active else None

    def _end(self, frame: Frame) -> Item | None:
        """Leave a file; what is left in the query is sent first."""
        if frame.lexer.query.length and frame.conditionals.is_active:
            return frame.send()
        if (conditional := frame.conditionals.innermost) and not frame.has_quit:
            raise ScriptError(f"{frame.locate(conditional.position)}: \\if without \\endif")
        self._frames.pop()
        return None

    def _hold_line(self, frame: Frame, command: MetaCommand) -> None:
        """Keep ON_ERROR_STOP as it was where the line began: psql looks at it once a line."""
        line = frame, frame.locate(frame.lexer.position).line
        if command.name in CHANGES_VARIABLES and self._held[0] != line:
            self._held = line, self._variables.is_on("ON_ERROR_STOP")

    def _read_command(self, frame: Frame) -> Item | None:
        line = frame.lexer.rest_of_line()
        arguments = ArgumentReader(line, self._variables, is_active=frame.conditionals.is_active)
        name = arguments.read_name()
        rule = find_rule(name)
        if rule is None and not arguments.is_active:
            # In a branch that is not taken, psql looks no further into these families.
            rule = find_rule("d" if name.startswith("d") else "lo_list" if name.startswith("lo_") else "")
        location = frame.locate(frame.lexer.stopped_at)
        problem = self._problem_with_name(name, rule)
        if rule is None or problem:
            frame.lexer.consume(len(line))
            raw = "\\" + line.decode(errors="replace")
            return MetaCommand(name, (), raw, location, problem=problem)
        if name in BRANCHING:
            return self._branch(frame, name, arguments, location)
        command = make_command(rule, name, arguments, location)
        frame.lexer.consume(len(line) if command.problem else arguments.position)
        return self._act(frame, rule, command) if frame.conditionals.is_active else None

    def _problem_with_name(self, name: str, rule: MetaRule | None) -> str:
        if self._restrict_key is not None and name != "unrestrict":
            return "backslash commands are restricted; only \\unrestrict is allowed"
        return f"invalid command \\{name}" if rule is None else ""

    def _branch(
        self, frame: Frame, name: str, arguments: ArgumentReader, location: Location
    ) -> MetaCommand | None:
        arguments.is_active = evaluates(name, frame)
        words = arguments.read_all(strips_semicolons=False)
        value, warning = truth_of(words, name) if arguments.is_active else (False, "")
        problem = branch(name, frame, None if arguments.unknowns else value)
        arguments.end()
        frame.lexer.consume(arguments.position)
        if problem:
            self.skip_line()
        if not problem and (not warning or arguments.unknowns):
            return None
        return make_meta(name, words, arguments, location, problem=problem, warning=warning)

    def _act(self, frame: Frame, rule: MetaRule, command: MetaCommand) -> Item | None:
        """Do what is the reader's to do; gives the item for the consumer, if any."""
        self._hold_line(frame, command)
        if command.problem:
            return command
        if command.name == "close_prepared":
            frame.send_by(command)
        elif rule.sends:
            return frame.send_by(command)
        elif command.name in INCLUDES:
            return self._include(frame, command)
        elif command.name in RESETS:
            frame.drop_query()
        elif command.name in QUITS and self.is_certain:
            frame.has_ended = frame.has_quit = True
        elif command.name == "restrict":
            self._restrict_key = command.arguments[0]
        elif command.name == "unrestrict":
            return self._unrestrict(command)
        return command

    def _unrestrict(self, command: MetaCommand) -> MetaCommand:
        if self._restrict_key is None:
            return replace(command, problem="\\unrestrict: not currently in restricted mode")
        if self._restrict_key != command.arguments[0]:
            return replace(command, problem="\\unrestrict: wrong key")
        self._restrict_key = None
        return command

    def _include(self, frame: Frame, command: MetaCommand) -> MetaCommand | None:
        """Go into an included file; gives the command back where that is not possible."""
        if command.unknowns or command.runs_shell:
            return command
        if len(self._frames) > MOST_INCLUDES:
            raise ScriptError(f"{command.location}: files include each other more than {MOST_INCLUDES} deep")
        folder = frame.source.folder if INCLUDES[command.name] else Path()
        try:
            source = self._read_include(command.arguments[0], folder)
        except OSError as error:
            return replace(command, problem=f"{command.arguments[0]}: {error.strerror}")
        included = Frame(source, self._variables)
        included.lexer.standard_strings = self._standard_strings
        self._frames.append(included)
        return None


def make_command(rule: MetaRule, name: str, arguments: ArgumentReader, location: Location) -> MetaCommand:
    """Read the arguments of a command as `rule` says."""
    if rule.syntax is Syntax.LINE:
        rest = arguments.read_rest()
        rest = rest.rstrip("; \t\r\f\v\n") if name not in {"!", "copy"} else rest
        words = [Argument(rest, " ")] if rest else []
    else:
        words = []
        if rule.syntax is Syntax.FILE_OR_PIPE and (
            first := arguments.read_file_or_pipe(strips_semicolons=rule.strips_semicolons)
        ):
            words.append(first)
        words += arguments.read_all(strips_semicolons=rule.strips_semicolons)
        arguments.end()
    problem = f"\\{name}: missing required argument" if len(words) < rule.required else ""
    return make_meta(name, words, arguments, location, problem=problem)


def make_meta(
    name: str,
    words: list[Argument],
    arguments: ArgumentReader,
    location: Location,
    *,
    problem: str = "",
    warning: str = "",
) -> MetaCommand:
    """Make the record of a command that has been read."""
    return MetaCommand(
        name,
        tuple(word.value for word in words),
        "\\" + arguments.line[: arguments.position].decode(errors="replace").rstrip(),
        location,
        quotes="".join(word.quote for word in words),
        problem=problem,
        warning="; ".join([*arguments.warnings, *([warning] if warning else [])]),
        unknowns=tuple(arguments.unknowns),
    )


def truth_of(words: list[Argument], name: str) -> tuple[bool, str]:
    """The value of an expression, and psql's complaint where it is no boolean: it then counts as false."""
    try:
        return parse_boolean(" ".join(word.value for word in words), f"\\{name} expression"), ""
    except VariableError as error:
        return False, error.message


def read_from_disk(path: str, folder: Path) -> Source:
    """Read an included file.

    Raises:
        OSError: It cannot be read.
        ScriptError: It is no text.
    """
    name = str(folder / Path(path).expanduser())
    with Path(name).open("rb"):
        return read_source(name)
