"""PostgreSQL's own parser splits pure SQL where the reader does.

`postgast` wraps the parser of PostgreSQL 18. Where a script has a syntax error it cannot split at all, so the scripts
are made of valid statements. Explained differences: none but white space and comments around a statement, which are
stripped from both sides before they are compared (psql keeps block comments before a statement, the parser does not).
"""

from __future__ import annotations

import os

import postgast
from hypothesis import given, settings
from hypothesis import strategies as st

from pgrehearse.script.query_buffer import skip_comments
from pgrehearse.script.reader import Reader
from pgrehearse.script.source import make_source
from pgrehearse.script.statement import Query
from pgrehearse.script.variables import Variables

VALID = [
    "select 1",
    "select 'a;b', 'it''s', E'\\';', e'\\\\', U&'\\0041;', b'1', x'ab', N'x;'",
    "select $$;$$, $a$ ; $$ $a$, $é$;$é$",
    'select 1 as ";", 2 as "a"";b"',
    "select /* ; /* ; */ ' */ 1",
    "select 1 -- ; '\n + 1",
    "select (1), ((2)), array[1,2]",
    "create rule r as on insert to t do (select 1; select 2)",
    "select 1::int, a[1:2] from t",
    "do $do$ begin perform 1; end $do$",
    "create function f() returns int begin atomic select 1; select case when true then 1 end; end",
    "create or replace procedure p() begin atomic; insert into t values (1); end",
    "create function g(a int = (select case 1 when 1 then 2 end)) returns int language sql return a",
    "create function h() returns int language sql as 'select 1;'",
    "begin",
    "commit and chain",
    "select 'a\n\n;b'\n'c;'",
    "select a$b$, b from t",
    "select $1, $2",
    "select 1.5e-3, .5, 1., 0x1F, 1_000",
    "select a<b, a<>b, a|/b, a- -b, a@-b",
    "create table \"T;\" (a int check (a > 0), b text default ';')",
    "insert into t values (1, ';'), (2, null)",
    'create view v as select 1 as "end"',
    "select case when 1=1 then 'x;' end",
    "values (1),(2)",
]
GAPS = [";", " ; ", ";\n", ";\n\n", "; -- x;\n", ";/* ; */", ";;", ";\r\n", ";\t/* /* ' */ */\n"]


def bare(text: str) -> str:
    data = text.encode()
    return data[skip_comments(data) :].decode().strip().rstrip(";").strip()


def by_parser(script: str) -> list[str]:
    return [bare(part) for part in postgast.split(script)]


def by_reader(script: str) -> list[str]:
    reader = Reader(make_source("x.sql", script.encode()), Variables())
    return [bare(s.text) for item in reader if isinstance(item, Query) for s in item.statements]


@settings(max_examples=int(os.environ.get("PGREHEARSE_ORACLE_SCRIPTS", "300")), deadline=None, database=None)
@given(st.lists(st.tuples(st.sampled_from(VALID), st.sampled_from(GAPS)), max_size=8))
def test_the_parser_of_postgresql_splits_where_the_reader_does(parts: list[tuple[str, str]]) -> None:
    script = "".join(statement + gap for statement, gap in parts)
    # psql drops empty lines between tokens, the parser is shown them: compare without.
    assert [s.replace("\n\n", "\n") for s in by_reader(script)] == [
        s.replace("\n\n", "\n") for s in by_parser(script)
    ]
