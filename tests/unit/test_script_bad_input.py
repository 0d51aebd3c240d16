"""Scripts that cannot be read as psql would read them: a clear error at file:line:column, and nothing run."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from pgrehearse.cli.commands.plan import plan
from pgrehearse.errors import ScriptError
from pgrehearse.plan.planner import make_plan
from pgrehearse.script.source import make_source, read_source

BAD = {
    "an open string": (b"select 1;\n  select 'abc;\n", "x.sql:2:10: unterminated quoted string"),
    "an open escape string": (b"select E'abc\\';\n", "x.sql:1:8: unterminated escape string"),
    "an open quoted identifier": (b'select "abc;\n', "x.sql:1:8: unterminated quoted identifier"),
    "an open comment": (b"select 1;\n\xc3\xa9 /* a /* b */ ;\n", "x.sql:2:3: unterminated comment"),
    "an open dollar quote": (b"do $x$ begin end $y$;\n", "x.sql:1:4: unterminated dollar-quoted string"),
    "an open parenthesis": (b"select (1, (2);\n", "x.sql:1:8: unclosed parenthesis"),
    "an open body": (
        b"create function f() begin atomic select 1;\n",
        "x.sql:1:21: BEGIN without END in the body",
    ),
    "an open quote out of a variable": (
        b"\\set v '\\'a'\nselect :v;\n",
        "x.sql:2:8: unterminated quoted string",
    ),
    "an open \\if": (b"select 1;\n\\if true\nselect 2;\n", "x.sql:2:1: \\if without \\endif"),
    "an open \\if that is not taken": (b" \\if false\n\\if 1\n\\endif\n", "x.sql:1:2: \\if without \\endif"),
    "COPY data without an end": (b"copy t from stdin;\n1\n2\n", "x.sql:4:1: COPY data without an end"),
    "\\copy data without an end": (b"\\copy t from stdin\n1\n", "x.sql:3:1: COPY data without an end"),
    "a \\copy that psql does not understand": (b"\\copy t frm x\n", "x.sql:1:1: \\copy: parse error"),
    "a missing include": (
        b"select 1;\n  \\i nothing.sql\n",
        "x.sql:2:3: nothing.sql: No such file or directory",
    ),
    "nothing": (b"", "x.sql: the script is empty"),
    "comments alone": (b"-- nothing\n/* at all */ ;\n", "x.sql: the script is empty"),
    "a NUL byte": (b"select 1;\nselect '\0';", "x.sql:2:9: NUL byte"),
    "invalid UTF-8": (b"select 1;\nselect '\xc3\xa9\xff';", "x.sql:2:10: invalid UTF-8: ff"),
    "half a character at the end": (b"select 1;\n-- \xc3", "x.sql:2:4: invalid UTF-8"),
    "a lone surrogate": (b"select '\xed\xa0\x80';", "x.sql:1:9: invalid UTF-8: a lone surrogate"),
    "a custom-format dump": (b"PGDMP\x01\x02", "x.sql:1:1: this is a dump in pg_dump's custom format"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_with_its_place(name: str) -> None:
    data, message = BAD[name]
    with pytest.raises(ScriptError) as caught:
        make_plan(make_source("x.sql", data))
    assert caught.value.message.startswith(message)
    assert caught.value.exit_status == 2


def test_a_missing_file_and_a_folder_are_told_by_name(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.sql", tmp_path):
        with pytest.raises(ScriptError, match="could not read script"):
            read_source(str(path))


def test_a_byte_order_mark_is_passed_over_and_counts_in_the_digest() -> None:
    source = read_source("-", stdin=io.BytesIO(b"\xef\xbb\xbfselect 1;"))
    assert source.data == b"select 1;"
    assert (
        source.sha256
        == make_source("-", b"\xef\xbb\xbfselect 1;").sha256
        != make_source("-", b"select 1;").sha256
    )
    assert str(make_plan(source).steps[0].location) == "-:1:1"


def test_files_that_include_each_other_without_end_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("select 'a';\n\\ir b.sql\n")
    (tmp_path / "b.sql").write_text("\\ir a.sql\n")
    with pytest.raises(ScriptError, match=r"a\.sql:2:1: files include each other more than 100 deep"):
        make_plan(read_source(str(tmp_path / "a.sql")))


def test_a_bad_included_file_is_told_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("\\ir sub/b.sql\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.sql").write_text("select 1;\nselect 'open\n")
    with pytest.raises(ScriptError, match=r"sub/b\.sql:2:8: unterminated quoted string"):
        make_plan(read_source(str(tmp_path / "a.sql")))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"(" * 1_000_000, id="a million open parentheses"),
        pytest.param(b"/*" * 1_000_000, id="a million open comments"),
        pytest.param(b"select " + b"'" * 1_000_001, id="a million quotes and one"),
        pytest.param(b"$a$" + b"$b$" * 1_000_000, id="a million other dollar quotes"),
        pytest.param(b"select 1, " * 1_000_000 + b"'open", id="a line of ten megabytes with an open quote"),
        pytest.param(b"\\if true\n" * 100_000, id="a hundred thousand open conditionals"),
    ],
)
def test_a_long_bad_script_is_found_bad_in_linear_time(data: bytes) -> None:
    started = time.process_time()
    with pytest.raises(ScriptError):
        make_plan(make_source("x.sql", data))
    assert time.process_time() - started < 30


@pytest.mark.parametrize(
    ("data", "steps"),
    [
        pytest.param(b"select " + b"1," * 5_000_000 + b"1;", 1, id="a single line of ten megabytes"),
        pytest.param(b"select 1;" * 100_000, 100_000, id="a hundred thousand statements on a line"),
        pytest.param(b"\\set v 1\nselect " + b":v," * 100_000 + b":v;", 2, id="a hundred thousand variables"),
        pytest.param(b"select " + b"(" * 300_000 + b"1" + b")" * 300_000 + b";", 1, id="deep parentheses"),
        pytest.param(b"select 1 " + b"\n" * 5_000_000 + b";", 1, id="five million empty lines"),
    ],
)
def test_a_long_good_script_is_read(data: bytes, steps: int) -> None:
    assert len(make_plan(make_source("x.sql", data)).steps) == steps


def test_the_command_exits_with_2_and_prints_nothing_of_the_plan(tmp_path: Path) -> None:
    script = tmp_path / "x.sql"
    script.write_bytes(b"select 1;\nselect 'open")
    result = CliRunner().invoke(plan, [str(script)])
    assert isinstance(result.exception, ScriptError)
    assert "x.sql:2:8" in result.exception.message
    assert not result.output
