"""Scripts for hypothesis to make: a soup of tokens, and statements with meta-commands between them."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = ["v", "w", "x1", "é"]
EXPRESSIONS = ["true", "false", "1", "off", "maybe", ":v", ":{?v}", ":{?zz}", "t r", "", ":'v'", "'on'", '"on"']
VALUES = [
    "1", "'a b'", "a b", "'select 1;'", "'it''s'", r"'\'open'", r"'\n;\n'", "':v'", "':w'", "'--'", "'/*'", "'('", "''", '"q"', "on",
    r"'E\'a\'\n\'b\\\'c\''", r"'\\echo hi'", r"'1 \\g'", ":w", ":'w'", "$$", "'a;b'", "'begin'", "select",
]  # fmt: skip
TOKENS = [
    "select", "1", "'a;b'", "'it''s'", r"E'\''", r"e'x\\'", r"'\'", "$$ ; $$", "$t$ $$ ; $t$", '"a;""b"', "(", ")", ";", ";", ";",
    r"\;", r"\:", "-- c ; '\n", "/* ; /* ' */ */", "begin", "end", "case", "atomic", "create", "or", "replace", "function",
    "procedure", "CREATE FUNCTION f() BEGIN ATOMIC", ":v", ":'v'", ':"v"', ":{?v}", ":w", ":x1", ":é", "::", ":=", ":", "\n", "\n\n",
    "\n \n", " ", " ", "\t", "\r\n", "1.5e-3", "1e", "1e-", ".5", "1..2", "$1", "$1a", "a$b$", "é", "$é$ ; $é$", "U&'x'", "b'1'",
    "N'x'", "x'", "*/", "-", "--\n", "/", "*", "+", "@", "'", "''", "[", "]", ",", ".", "=", "<", "'a'\n'b;'", "e'a'\n'b\\'", "1a", "_1",
    "e", "E", "\f", "\v", "{", "}", "?", "/*", "*/", '"', "$", "$a", "$$",
]  # fmt: skip
STATEMENTS = [
    "select 1;", "select 1 as v, 'two' as w;", "select 1;select 2;", "select 1 \\; select 2;", "begin;", "commit;", "rollback;",
    "select :v;", "select :'v', :\"w\";", "select :{?v};", "select 1/0;", "selec 1;", "select $$a;b$$;", "select E'a\\';b';",
    "select 'a\n\n;b';", "select (1\n);", "select 1 -- c ; c\n;", "/* a */ select /* ; */ 2;", "-- lead\nselect 3;",
    "create or replace function pg_temp.f() returns int begin atomic select case when true then 1 end; select 2; end;",
    "create or replace procedure pg_temp.p() language sql begin atomic; end;",
    "create temp table t(a text);", "copy t from stdin;\none\ntwo\\\\n\n\\.\n", "copy t from stdin; select 5;\none\n\\.\n",
    "copy t to stdout;", "copy t from stdin (format csv);\n\"a\nb\"\n\\.\n", "\\copy t from stdin\nx\n\\.\n", "\\copy t from 'data.txt'\n",
    "\\copy t ( a ) from data.txt with (format  text)\n", "copy t from stdin \\; copy t from stdin;\nq\n\\.\nr\n\\.\n",
    "create rule r as on insert to t do (select 1; select 2);", "set standard_conforming_strings = off;", "select 'a\\';b';",
    "set standard_conforming_strings = on;", "select 'x' as \"ON_ERROR_STOP\", 5 as v", "select 'select 7', 'selec 8', null", "select 1",
    "savepoint s;", "rollback to s;", "end work;", "abort and chain;", "values (1),(2)", "prepare q as select 1;", ";", "  ",
]  # fmt: skip
COMMANDS = [
    "\\g", "\\gx", "\\gset", "\\gset v", "\\gset p_", "\\gexec", "\\r", "\\reset", "\\p", "\\echo a 'b' :v :'w'", "\\echo 'open", "\\unset v",
    "\\unset", "\\unset a-b", "\\else", "\\endif", "\\endif", "\\qecho x \\\\ select 3;", "\\warn -n hi", "\\i one.sql", "\\ir two.sql",
    "\\include one.sql;", "\\i missing.sql", "\\i", "\\q", "\\pset null x", "\\timing off", "\\x off", "\\a", "\\foo bar", "\\set ON_ERROR_STOP on",
    "\\set ON_ERROR_STOP on \\\\ select 1/0; select 4;", "\\set ON_ERROR_STOP off", "\\set ON_ERROR_STOP bad", "\\set", "\\set a!b 1",
    "\\restrict k1", "\\unrestrict k1", "\\unrestrict k2", "\\errverbose", "\\g (format=csv)", "\\if 1 \\elif 0", "\\t \\a", "\\encoding UTF8",
    "\\getenv v PGREHEARSE_TEST_UNSET", "\\conninfo \\\\", "\\C title;", "\\f ;", "\\h", "\\?",
]  # fmt: skip

settings = st.builds("\\set {} {}".format, st.sampled_from(NAMES), st.sampled_from(VALUES))
conditions = st.builds("\\{} {}".format, st.sampled_from(["if", "if", "elif"]), st.sampled_from(EXPRESSIONS))
commands = st.one_of(st.sampled_from(COMMANDS), settings, conditions)
command_lines = st.builds("{}{}\n".format, st.sampled_from(["", "\n", " "]), commands)
blocks = st.builds(
    "\\if {}\n{}\n\\else\n{}\n\\endif\n".format,
    st.sampled_from(EXPRESSIONS),
    st.sampled_from(STATEMENTS),
    st.sampled_from(STATEMENTS),
)
soups = st.lists(
    st.one_of(st.sampled_from(TOKENS), st.sampled_from(TOKENS), st.sampled_from(TOKENS), command_lines), max_size=40
)
separated = st.builds(lambda parts, blank: blank.join(parts), soups, st.sampled_from(["", " ", " ", "\n"]))
sequences = st.builds(
    "\n".join, st.lists(st.one_of(st.sampled_from(STATEMENTS), command_lines, blocks, settings, soups.map(" ".join)), max_size=12)
)
preludes = st.sampled_from(["", "\\set v 5\n\\set w 'a\"b'\n", "\\set ON_ERROR_STOP on\n", "create temp table t(a text);\n"])
scripts = st.builds(lambda *parts: "".join(parts).encode(), preludes, st.one_of(separated, sequences))
