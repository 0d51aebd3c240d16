"""Rows hashed by their versions: what a rollback leaves as it was, and what any commit changes."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from pgrehearse.observe.names import RelationName
from pgrehearse.pg.session import Session
from pgrehearse.stage.fingerprint import Rows, TableReadings, tables_of


@pytest.fixture
def session(plain_database: str) -> Iterator[Session]:
    with Session(plain_database) as session:
        session.run("CREATE TABLE a (i int, t text); INSERT INTO a VALUES (1, 'x'), (2, 'y')")
        yield session


def fingerprint(session: Session, rows: Rows) -> str:
    tables = [table for table in tables_of(session) if table.name == "public.a"]
    return TableReadings(session, rows).fingerprint(tables, tables)


@pytest.mark.parametrize("rows", [Rows.VERSIONS, Rows.VALUES])
def test_a_rolled_back_change_leaves_the_hash_and_a_committed_one_does_not(
    session: Session, rows: Rows
) -> None:
    before = fingerprint(session, rows)

    session.run("BEGIN; UPDATE a SET t = 'z'; DELETE FROM a WHERE i = 1; TRUNCATE a; ROLLBACK")
    assert fingerprint(session, rows) == before
    session.run("VACUUM (FREEZE) a")
    assert fingerprint(session, rows) == before
    session.run("UPDATE a SET t = 'z' WHERE i = 1")
    assert fingerprint(session, rows) != before


def test_an_update_to_the_same_values_is_another_version(session: Session) -> None:
    versions, values = fingerprint(session, Rows.VERSIONS), fingerprint(session, Rows.VALUES)

    session.run("UPDATE a SET t = t")

    assert fingerprint(session, Rows.VERSIONS) != versions
    assert fingerprint(session, Rows.VALUES) == values


def test_rows_without_versions_are_hashed_by_their_values(session: Session) -> None:
    # A view has no versions, as a table of another access method may not have them.
    session.run("CREATE VIEW v AS SELECT * FROM a")
    (oid,) = session.fetch("SELECT 'v'::regclass::oid::bigint")[0]
    view = RelationName(oid, "public.v", "v", "p", False)

    before = TableReadings(session).fingerprint([], [view])
    session.run("UPDATE a SET t = t")
    assert TableReadings(session).fingerprint([], [view]) == before
    session.run("UPDATE a SET t = 'z' WHERE i = 1")
    assert TableReadings(session).fingerprint([], [view]) != before


def test_what_a_snapshot_shows_has_the_hash_of_its_moment(session: Session, plain_database: str) -> None:
    session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    before = fingerprint(session, Rows.VERSIONS)

    with psycopg.connect(plain_database, autocommit=True) as other:
        other.execute("INSERT INTO a VALUES (3, 'z')")

    assert fingerprint(session, Rows.VERSIONS) == before
    session.run("ROLLBACK")
    assert fingerprint(session, Rows.VERSIONS) != before
