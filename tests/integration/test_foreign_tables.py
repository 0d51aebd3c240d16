"""A foreign table is written only where the plan allows it; then its rows are counted, and what is not known is said."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgrehearse.errors import RefusedError
from pgrehearse.evidence.document import Document
from pgrehearse.plan.planfile import AllowedEscape, PlanFile, Policy
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.script.source import make_source

from .torture import MAJORS, cleared, load, rows_of
from .torture_cases.case import Rows

pytestmark = pytest.mark.majors(*MAJORS)

ALLOWED = PlanFile(
    policy=Policy(allow_escapes=(AllowedEscape(kind="foreign table", object="far*", reason="a test"),))
)

SCHEMA = """
    CREATE TABLE remote (i int, t text); INSERT INTO remote VALUES (1, 'a'), (2, 'b');
    CREATE TABLE remote_leaf (i int, t text); INSERT INTO remote_leaf VALUES (101, 'y');
    CREATE FOREIGN TABLE far (i int, t text) SERVER myself OPTIONS (table_name 'remote');
    CREATE TABLE near (i int);
    CREATE FUNCTION send() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO far VALUES (NEW.i, 'sent'); RETURN NULL; END $$;
    CREATE TRIGGER send AFTER INSERT ON near FOR EACH ROW EXECUTE FUNCTION send();
    CREATE TABLE parted (i int, t text) PARTITION BY RANGE (i);
    CREATE TABLE leaf PARTITION OF parted FOR VALUES FROM (0) TO (100);
    CREATE FOREIGN TABLE far_leaf PARTITION OF parted FOR VALUES FROM (100) TO (200)
        SERVER myself OPTIONS (table_name 'remote_leaf');
    INSERT INTO leaf VALUES (1, 'x');
"""


@pytest.fixture
def database(plain_database: str) -> str:
    """A database with foreign tables that lead to itself."""
    with psycopg.connect(plain_database, autocommit=True) as session:
        available = "SELECT 1 FROM pg_available_extensions WHERE name = 'postgres_fdw'"
        if session.execute(available).fetchone() is None:
            pytest.skip("postgres_fdw is not here")
        session.execute("CREATE EXTENSION postgres_fdw")
    target = conninfo_to_dict(plain_database)
    options = ", ".join(f"{name} '{target[name]}'" for name in ("host", "port", "dbname") if target.get(name))
    load(plain_database, f"CREATE SERVER myself FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({options})")
    load(
        plain_database,
        f"CREATE USER MAPPING FOR CURRENT_USER SERVER myself OPTIONS (user '{target['user']}')",
    )
    load(plain_database, SCHEMA)
    return plain_database


def run(conninfo: str, change: str, plan: PlanFile, options: Options | None = None) -> Document:
    source = make_source("change.sql", change.encode())
    return rehearse(source, plan, conninfo, cleared(conninfo), options or Options()).evidence


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        ("INSERT INTO far VALUES (3, 'c'), (4, 'd')", {"public.far": (2, 0, 0)}),
        ("UPDATE far SET t = 'z' WHERE i = 1; DELETE FROM far WHERE i = 2", {"public.far": (0, 1, 1)}),
        ("COPY far FROM STDIN;\n5\tx\n6\ty\n7\tz\n\\.\n", {"public.far": (3, 0, 0)}),
        ("INSERT INTO near VALUES (7), (8)", {"public.far": (2, 0, 0), "public.near": (2, 0, 0)}),
        ("INSERT INTO parted VALUES (2, 'k'), (150, 'l')", {"public.far_leaf": (1, 0, 0), "public.leaf": (1, 0, 0)}),
        ("UPDATE parted SET i = 160 WHERE i = 1", {"public.far_leaf": (1, 0, 0), "public.leaf": (0, 0, 1)}),
        ("UPDATE parted SET t = 'q'; DELETE FROM parted", {"public.far_leaf": (0, 1, 1), "public.leaf": (0, 1, 1)}),
    ],
)  # fmt: skip
def test_rows_of_a_foreign_table_are_counted_where_the_plan_allows_to_write_it(
    database: str, change: str, rows: dict[str, Rows]
) -> None:
    evidence = run(database, change, ALLOWED)

    assert evidence.verdict.word == "GO"
    assert rows_of(evidence) == rows
    assert {one.kind for one in evidence.effects.escapes} == {"foreign table"}
    assert any(
        "is a foreign table: what its rows cause on the other server" in one for one in evidence.limits
    )


def test_the_trigger_that_writes_a_foreign_table_is_the_cause(database: str) -> None:
    evidence = run(database, "INSERT INTO near VALUES (7)", ALLOWED)

    causes = {(cause.table, cause.path) for cause in evidence.effects.causes}
    assert ("public.far", ("public.near: INSERT", "trigger send", "function public.send")) in causes


@pytest.mark.parametrize(
    ("change", "how"),
    [
        ("INSERT INTO far VALUES (3, 'c')", "by writing far"),
        ("TRUNCATE far", "by writing far"),
        ("INSERT INTO near VALUES (7)", "by writing near, by trigger send, by writing far"),
        ("INSERT INTO parted VALUES (2, 'k')", "by writing parted, by inheritance"),
    ],
)
def test_without_the_plans_word_nothing_is_run(database: str, change: str, how: str) -> None:
    with pytest.raises(RefusedError) as refused:
        run(database, change, PlanFile())

    assert how in refused.value.message


def test_one_pass_says_that_it_does_not_count_rows_of_foreign_tables(database: str) -> None:
    evidence = run(database, "INSERT INTO far VALUES (3, 'c')", ALLOWED, Options(passes=1))

    assert rows_of(evidence) == {}
    assert any("those of foreign tables, are not" in limit for limit in evidence.limits)


@pytest.mark.majors(15)
def test_before_16_rows_that_truncate_takes_from_a_foreign_table_are_said_to_be_unknown(
    database: str,
) -> None:
    evidence = run(database, "TRUNCATE far", ALLOWED)

    assert evidence.verdict.word == "GO"
    assert any("before PostgreSQL 16, what a TRUNCATE takes" in limit for limit in evidence.limits)
