"""Sequences do not roll back: every way to move one is seen, and is undone where that is asked for."""

from __future__ import annotations

import psycopg
import pytest

from pgrehearse.evidence.document import Document
from pgrehearse.plan.planfile import PlanFile
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.script.source import make_source

from .torture import MAJORS, cleared, load

pytestmark = pytest.mark.majors(*MAJORS)

Standing = tuple[int, bool]

FRESH = "CREATE SEQUENCE s"
AHEAD = "CREATE SEQUENCE s; SELECT setval('s', 42, false)"
USED = "CREATE SEQUENCE s; SELECT setval('s', 42)"
DOWN = "CREATE SEQUENCE s INCREMENT -5 START -10"
CYCLING = "CREATE SEQUENCE s MAXVALUE 3 CYCLE; SELECT setval('s', 3)"


def run(conninfo: str, change: str, *, restore: bool = False) -> Document:
    options = Options(restore_sequences=restore)
    source = make_source("change.sql", change.encode())
    return rehearse(source, PlanFile(), conninfo, cleared(conninfo), options).evidence


def standing(conninfo: str) -> Standing:
    with psycopg.connect(conninfo) as session:
        last, is_called = session.execute("SELECT last_value, is_called FROM s").fetchone() or (0, False)
    return last, is_called


@pytest.mark.parametrize(
    ("schema", "change", "advanced", "left"),
    [
        (FRESH, "SELECT nextval('s')", 1, (1, True)),
        (FRESH, "SELECT setval('s', 5, false)", 4, (5, False)),
        (FRESH, "SELECT setval('s', 1, true)", 1, (1, True)),
        (AHEAD, "SELECT nextval('s')", 1, (42, True)),
        (AHEAD, "SELECT setval('s', 1, false)", -41, (1, False)),
        (USED, "SELECT setval('s', 42, false)", -1, (42, False)),
        (USED, "SELECT setval('s', 43, false)", 0, (43, False)),
        (USED, "SELECT setval('s', 42, false); SELECT nextval('s'), nextval('s')", 1, (43, True)),
        (DOWN, "SELECT nextval('s'), nextval('s')", 2, (-15, True)),
        (DOWN, "SELECT setval('s', -30, false)", 4, (-30, False)),
        (CYCLING, "SELECT nextval('s')", -2, (1, True)),
        (USED, "DO $$ BEGIN PERFORM setval('s', 9, false); RAISE 'x'; EXCEPTION WHEN OTHERS THEN END $$", -34, (9, False)),
    ],
)  # fmt: skip
def test_a_sequence_that_moved_is_left_where_one_run_would_leave_it_and_told(
    plain_database: str, schema: str, change: str, advanced: int, left: Standing
) -> None:
    load(plain_database, schema)

    evidence = run(plain_database, change)

    assert [(one.sequence, one.advanced_by) for one in evidence.effects.sequences] == [("public.s", advanced)]
    assert [one.object for one in evidence.rollback.residue] == ["public.s"]
    assert standing(plain_database) == left


@pytest.mark.parametrize("schema", [FRESH, AHEAD, USED, DOWN, CYCLING])
@pytest.mark.parametrize(
    "change", ["SELECT nextval('s')", "SELECT setval('s', s.last_value, NOT s.is_called) FROM s"]
)
def test_a_sequence_is_put_back_as_it_stood_called_or_not(
    plain_database: str, schema: str, change: str
) -> None:
    load(plain_database, schema)
    before = standing(plain_database)

    evidence = run(plain_database, change, restore=True)

    assert standing(plain_database) == before
    assert evidence.rollback.residue == ()
    assert evidence.effects.sequences != ()


@pytest.mark.parametrize(
    "change", ["ALTER SEQUENCE s RESTART WITH 7", "ALTER SEQUENCE s RESTART; SELECT nextval('s')"]
)
def test_what_a_restart_does_to_a_sequence_is_rolled_back_with_it(plain_database: str, change: str) -> None:
    load(plain_database, USED)

    evidence = run(plain_database, change)

    assert evidence.rollback.residue == ()
    assert standing(plain_database) == (42, True)


def test_many_sequences_that_gave_no_value_are_read_beside_one_that_moved(plain_database: str) -> None:
    load(
        plain_database,
        "DO $$ BEGIN FOR i IN 1..200 LOOP EXECUTE 'CREATE SEQUENCE \"% ' || i || '\"'; END LOOP; END $$",
    )
    load(plain_database, FRESH)

    evidence = run(plain_database, "SELECT setval('s', 5, false), setval('\"% 100\"', 3, false)")

    assert [one.object for one in evidence.rollback.residue] == ['public."% 100"', "public.s"]


def test_a_role_that_may_not_read_where_a_sequence_begins_is_told_so(plain_database: str) -> None:
    load(
        plain_database,
        "CREATE SEQUENCE s; DO $$ BEGIN CREATE ROLE counting LOGIN; EXCEPTION WHEN duplicate_object THEN END $$; "
        "GRANT USAGE ON SEQUENCE s TO counting",
    )

    evidence = run(plain_database + " user=counting", "SELECT nextval('s')")

    assert [one.advanced_by for one in evidence.effects.sequences] == [1]
    assert any("where 1 of the sequences begin" in limit for limit in evidence.limits)
