"""What a reader gives: places, splitting, conditionals, ON_ERROR_STOP, and values that change between two items."""

from __future__ import annotations

import pytest

from pgrehearse.script.copy_command import CopyEnd, parse_copy
from pgrehearse.script.metacommands import apply_variable_command, echo_text
from pgrehearse.script.reader import Reader
from pgrehearse.script.source import make_source
from pgrehearse.script.split import split_statements
from pgrehearse.script.statement import Location, MetaCommand, Query
from pgrehearse.script.variables import VariableError, Variables


def items_of(text: str, variables: Variables | None = None) -> list[Query | MetaCommand]:
    variables = variables or Variables()
    items = []
    for item in Reader(make_source("x.sql", text.encode()), variables):
        if isinstance(item, MetaCommand):
            apply_variable_command(item, variables)
        items.append(item)
    return items


def texts_of(text: str) -> list[str]:
    return [item.text for item in items_of(text) if isinstance(item, Query)]


def test_a_statement_stands_where_its_first_word_does() -> None:
    items = items_of("-- a\n/* b\n*/  select 1;  /* é */ select\n2;\n")
    assert [str(item.location) for item in items] == ["x.sql:3:5", "x.sql:3:24"]


def test_an_error_position_leads_back_to_its_place_in_the_script() -> None:
    (query,) = (i for i in items_of("\\set v abcdef\n  select é,\n\n\n :v, wrong\n;") if isinstance(i, Query))
    statement = query.statements[0]
    assert statement.text == "select é,\n abcdef, wrong\n;"
    assert str(statement.location_at(statement.text.index("é") + 1)) == "x.sql:2:10"
    assert str(statement.location_at(statement.text.index("def") + 1)) == "x.sql:5:2"
    assert str(statement.location_at(statement.text.index("wrong") + 1)) == "x.sql:5:6"


def test_a_group_is_one_query_of_several_statements_with_a_place_each() -> None:
    (query,) = items_of("select 1\\; -- c\n select (2;3)\\;\n;")
    assert isinstance(query, Query)
    assert query.text == "select 1; -- c\n select (2;3);\n;"
    assert [s.text for s in query.statements] == ["select 1;", "select (2;3);"]
    assert [str(s.location) for s in query.statements] == ["x.sql:1:1", "x.sql:2:2"]


def test_a_query_of_comments_alone_has_no_statement() -> None:
    (query,) = items_of("/* nothing */ ;")
    assert isinstance(query, Query)
    assert query.statements == ()


def test_a_value_set_between_two_items_is_seen_by_the_next() -> None:
    variables = Variables()
    reader = Reader(
        make_source("x.sql", b"select 1 \\gset\nselect :v; \\if :v\nselect 2;\n\\endif\n"), variables
    )
    next(reader)
    variables.set("v", "1")
    assert [item.text for item in reader if isinstance(item, Query)] == ["select 1;", "select 2;"]


def test_copy_data_are_given_without_their_end_and_reading_goes_on_behind_them() -> None:
    reader = Reader(
        make_source("x.sql", b"copy t from stdin; select 1;\na\n\\\\.\n\n\\.\r\nselect 2;"), Variables()
    )
    next(reader)
    assert b"".join(reader.copy_data()) == b"a\n\\\\.\n\n"
    assert [(item.text, item.location.line) for item in reader if isinstance(item, Query)] == [
        ("select 1;", 1),
        ("select 2;", 6),
    ]


def test_on_error_stop_counts_from_the_next_line() -> None:
    variables = Variables()
    reader = Reader(make_source("x.sql", b"\\set ON_ERROR_STOP on \\\\ select 1;\nselect 2;\n"), variables)
    stops = []
    for item in reader:
        if isinstance(item, MetaCommand):
            apply_variable_command(item, variables)
        stops.append(reader.stops_on_error)
    assert stops == [False, False, True]


def test_a_bad_expression_is_false_and_complained_of() -> None:
    items = items_of("\\if maybe\nselect 1;\n\\else\nselect 2;\n\\endif\n")
    assert isinstance(items[0], MetaCommand)
    assert items[0].warning == 'unrecognized value "maybe" for "\\if expression": Boolean expected'
    assert [item.text for item in items[1:] if isinstance(item, Query)] == ["select 2;"]


@pytest.mark.parametrize("name", ["elif", "else", "endif"])
def test_a_branch_without_an_if_is_psqls_error(name: str) -> None:
    (item,) = items_of(f"\\{name} 1")
    assert isinstance(item, MetaCommand)
    assert item.problem == f"\\{name}: no matching \\if"


def test_restricted_scripts_run_no_meta_command_until_the_key_comes() -> None:
    items = items_of("\\restrict k\n\\echo a\n\\unrestrict x\nselect 1;\n\\unrestrict k\n\\echo b\n")
    assert [i.problem for i in items if isinstance(i, MetaCommand)] == [
        "",
        "backslash commands are restricted; only \\unrestrict is allowed",
        "\\unrestrict: wrong key",
        "",
        "",
    ]


def test_with_standard_strings_off_a_backslash_escapes() -> None:
    reader = Reader(
        make_source("x.sql", b"set x = off; select 'a\\';b'; select b'\\'; select 1;"), Variables()
    )
    next(reader)
    reader.standard_strings = False
    assert [i.text for i in reader if isinstance(i, Query)] == [
        "select 'a\\';b';",
        "select b'\\';",
        "select 1;",
    ]


def test_echo_prints_what_psql_prints() -> None:
    printed = [
        echo_text(i)
        for i in items_of("\\echo a  'b c' \"d\"\n\\echo -n a\n\\echo '-n' a\n")
        if isinstance(i, MetaCommand)
    ]
    assert printed == ['a b c "d"\n', "a", "-n a\n"]


def test_a_copy_command_becomes_the_statement_that_psql_sends() -> None:
    (item,) = items_of("\\copy \"S\".t(a,b) from 'it''s.csv' with (format csv)\n")
    assert isinstance(item, MetaCommand)
    copy = parse_copy(item)
    assert (copy.sql, copy.end, copy.path) == (
        'COPY  "S".t ( a,b ) FROM STDIN with (format csv)',
        CopyEnd.FILE,
        "it's.csv",
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("select 1", ["select 1"]),
        (" select 1; ", [" select 1; "]),
        ("select 1; select ';';", ["select 1;", "select ';';"]),
        ("do $$ begin; end $$; create function f() returns int begin atomic select 1; end", None),
        ("select 'open; select 1", ["select 'open; select 1"]),
        ("-- nothing", []),
    ],
)
def test_a_text_made_at_run_time_is_split_as_the_server_would(text: str, parts: list[str] | None) -> None:
    made = [statement.text for statement in split_statements(text, Location("x.sql", 1, 1))]
    assert made == (parts if parts is not None else ["do $$ begin; end $$;", text[21:]])


@pytest.mark.parametrize(
    ("value", "truth"), [("tr", True), ("ON", True), ("of", False), ("0", False), ("n", False)]
)
def test_booleans_are_read_as_psql_reads_them(value: str, *, truth: bool) -> None:
    assert Variables({"ON_ERROR_STOP": value}).is_on("ON_ERROR_STOP") is truth


@pytest.mark.parametrize(
    ("name", "value"), [("ON_ERROR_STOP", "o"), ("ECHO", "x"), ("HISTSIZE", "y"), ("a b", "1"), ("", "1")]
)
def test_what_psql_would_not_set_is_an_error(name: str, value: str) -> None:
    with pytest.raises(VariableError):
        Variables().set(name, value)
