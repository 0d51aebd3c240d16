"""Samples of changed rows: old and new, masked, undone with what undoes the rows, and only on request."""

from __future__ import annotations

import psycopg
import pytest

from pgrehearse.evidence.document import Document
from pgrehearse.plan.planfile import PlanFile, Policy
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.script.source import make_source

from .torture import cleared

SCHEMA = """
CREATE TABLE account (id int PRIMARY KEY, email text, balance int);
INSERT INTO account SELECT n, 'u' || n || '@example.org', n FROM generate_series(1, 9) AS n;
CREATE TABLE part (id int, what text) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
INSERT INTO part VALUES (1, 'one');
"""


@pytest.fixture
def database(plain_database: str) -> str:
    with psycopg.connect(plain_database, autocommit=True) as session:
        session.execute(SCHEMA)
    return plain_database


def rehearsed(conninfo: str, script: str, *, rows: int = 2, mask: tuple[str, ...] = ()) -> Document:
    plan = PlanFile(policy=Policy(mask=mask))
    source = make_source("s.sql", script.encode())
    return rehearse(source, plan, conninfo, cleared(conninfo), Options(rows=rows)).evidence


def test_no_value_is_looked_at_where_nobody_asks(database: str) -> None:
    document = rehearsed(database, "UPDATE account SET balance = 0;", rows=0)

    assert (document.samples, document.columns) == ((), ())


def test_old_and_new_versions_stand_side_by_side_up_to_the_number_asked_for(database: str) -> None:
    document = rehearsed(database, "UPDATE account SET balance = balance + 10 WHERE id > 2;")

    assert [(s.operation, s.step) for s in document.samples] == [("UPDATE", 1), ("UPDATE", 1)]
    for sample in document.samples:
        assert sample.old is not None
        assert sample.new is not None
        assert sample.old["id"] == sample.new["id"]
        assert sample.new["balance"] - sample.old["balance"] == 10
    assert [(c.table, c.column, c.rows) for c in document.columns] == [("public.account", "balance", 7)]


def test_inserts_have_no_old_and_deletes_no_new_version(database: str) -> None:
    document = rehearsed(
        database, "INSERT INTO account VALUES (10, NULL, 0); DELETE FROM account WHERE id = 1;"
    )

    seen = {s.operation: (s.old and s.old["id"], s.new and s.new["id"]) for s in document.samples}
    assert seen == {"INSERT": (None, 10), "DELETE": (1, None)}


def test_what_the_policy_hides_is_masked_and_a_null_is_not(database: str) -> None:
    script = "INSERT INTO account VALUES (10, NULL, 0), (11, 'secret@example.org', 0);"

    document = rehearsed(database, script, mask=("*.email",))

    assert [s.new and s.new["email"] for s in document.samples] == [None, "***"]
    assert "secret" not in str(document)


def test_rows_of_caught_exceptions_and_savepoints_are_not_shown(database: str) -> None:
    document = rehearsed(
        database,
        "BEGIN; SAVEPOINT a; DELETE FROM account; ROLLBACK TO a; UPDATE account SET balance = 1 WHERE id = 2; COMMIT;",
    )

    assert [s.operation for s in document.samples] == ["UPDATE"]


def test_a_row_that_moves_between_partitions_is_shown_on_both(database: str) -> None:
    document = rehearsed(database, "UPDATE part SET id = 2;")

    assert {(s.table, s.operation) for s in document.samples} == {
        ("public.part_1", "DELETE"),
        ("public.part_2", "INSERT"),
    }


def test_what_the_change_makes_itself_is_said_not_to_be_shown(database: str) -> None:
    document = rehearsed(database, "CREATE TABLE made (n int); INSERT INTO made VALUES (1);")

    assert document.samples == ()
    assert any("public.made" in limit for limit in document.limits)


def test_samples_leave_counts_and_their_digest_alone(database: str) -> None:
    script = "UPDATE account SET balance = 0; DELETE FROM account WHERE id = 3; UPDATE part SET what = 'x';"

    without, with_samples = rehearsed(database, script, rows=0), rehearsed(database, script, rows=3)

    assert with_samples.verdict.word == "GO"
    assert with_samples.effects.rows == without.effects.rows
    assert with_samples.effects_digest == without.effects_digest
