"""The one table of meta-commands: complete, in order, and in step with the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgrehearse.script.metacommands import RULES, Treatment, find_rule, refusal_of
from pgrehearse.script.reader import Reader
from pgrehearse.script.reference import to_markdown
from pgrehearse.script.source import make_source
from pgrehearse.script.statement import MetaCommand, Query
from pgrehearse.script.variables import Variables

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "meta-commands.md"
HONOURED = [
    "echo",
    "qecho",
    "warn",
    "set",
    "unset",
    "if",
    "elif",
    "else",
    "endif",
    "gset",
    "gexec",
    "g",
    "gx",
    "gdesc",
    "i",
    "ir",
    "include",
    "include_relative",
    "copy",
    "bind",
    "parse",
    "bind_named",
    "close_prepared",
    "errverbose",
    "q",
    "r",
    "p",
    "getenv",
    "restrict",
    "unrestrict",
    "encoding",
    "crosstabview",
    "d",
    "dt",
    "dt+",
    "dS+",
    "df",
    "dx",
    "dRp+",
    "dAc",
    "l",
    "l+",
    "lx",
    "sf",
    "sf+",
    "sv",
    "z",
]
REFUSED = [
    "!",
    "c",
    "connect",
    "o",
    "out",
    "w",
    "write",
    "password",
    "watch",
    "e",
    "edit",
    "ef",
    "ev",
    "setenv",
    "lo_import",
    "lo_export",
    "prompt",
    "cd",
    "s",
    "startpipeline",
]
UNKNOWN = ["foo", "dq", "ll", "G", "echos", "selec", "d!", "seT", "lo_"]


def command_of(text: str) -> MetaCommand:
    item = next(iter(Reader(make_source("x.sql", text.encode()), Variables())))
    command = item.sent_by if isinstance(item, Query) else item
    assert isinstance(command, MetaCommand)
    return command


def test_the_page_of_the_documentation_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == to_markdown()


def test_the_table_is_sorted_and_names_each_command_once() -> None:
    names = [rule.name for rule in RULES]
    assert names == sorted(set(names))
    assert all(rule.reason for rule in RULES)


@pytest.mark.parametrize("name", HONOURED)
def test_a_command_that_scripts_need_is_honoured(name: str) -> None:
    rule = find_rule(name)
    assert rule is not None
    assert rule.treatment is Treatment.HONOURED


@pytest.mark.parametrize("name", REFUSED)
def test_a_command_that_leaves_the_transaction_is_refused(name: str) -> None:
    rule = find_rule(name)
    assert rule is not None
    assert rule.treatment is Treatment.REFUSED


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_command_that_psql_does_not_know_is_refused_by_name(name: str) -> None:
    assert find_rule(name) is None
    command = command_of(f"\\{name} x")
    assert command.problem == f"invalid command \\{name}"
    assert refusal_of(command) == "psql has no such command"


@pytest.mark.parametrize(
    "text",
    [
        "select 1 \\g out.txt",
        "select 1 \\g |cat",
        "select 1 \\gx (format=csv) out",
        "\\echo `date`",
        "\\set x `id`",
        "\\encoding LATIN1",
        "\\set SINGLELINE on",
    ],
)
def test_what_the_arguments_ask_for_may_be_refused(text: str) -> None:
    assert refusal_of(command_of(text))


@pytest.mark.parametrize(
    "text", ["select 1 \\g", "select 1 \\g (format=csv null=x)", "\\encoding utf-8", "\\set X on"]
)
def test_the_same_commands_without_it_are_not(text: str) -> None:
    assert not refusal_of(command_of(text))
