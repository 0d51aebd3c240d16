"""What a target does not let us observe is said in a sentence, never left out in silence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from pgrehearse.errors import RefusedError

from .torture import MAJORS, load, rehearsed, rows_of

pytestmark = pytest.mark.majors(*MAJORS)

OWNER = "pgrehearse_owner_of_a_test"

SCHEMA = f"""
    ALTER SCHEMA public OWNER TO {OWNER};
    CREATE TABLE foreign_owned (id int);
    GRANT ALL ON foreign_owned TO {OWNER};
    SET ROLE {OWNER};
    CREATE TABLE item (id int);
    CREATE TABLE diary (id int);
    INSERT INTO item VALUES (1), (2), (3);
    CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO diary VALUES (OLD.id); RETURN NULL; END $$;
    CREATE TRIGGER noted AFTER DELETE ON item FOR EACH ROW EXECUTE FUNCTION note();
"""


@pytest.fixture
def owned_database(plain_database: str) -> Iterator[str]:
    """The conninfo of an owner that is no superuser; roles belong to the server, so this one goes with the test."""
    with suppress(psycopg.errors.DuplicateObject):
        load(plain_database, f"CREATE ROLE {OWNER} LOGIN")
    load(plain_database, SCHEMA)
    yield psycopg.conninfo.make_conninfo(plain_database, user=OWNER)
    load(plain_database, f"DROP OWNED BY {OWNER} CASCADE")


def test_an_owner_without_superuser_sees_rows_and_causes_and_is_told_what_is_missing(
    owned_database: str,
) -> None:
    change = "DELETE FROM item WHERE id < 3; CREATE TABLE made AS SELECT 1 AS one"

    evidence = rehearsed(owned_database, change)

    assert rows_of(evidence) == {
        "public.item": (0, 0, 2),
        "public.diary": (2, 0, 0),
        "public.made": (1, 0, 0),
    }
    causes = {(c.table, c.path[1:2]) for c in evidence.effects.causes if c.path}
    assert causes == {("public.diary", ("trigger noted",))}
    assert any("track_functions" in sentence for sentence in evidence.limits)
    assert not any("event triggers" in sentence for sentence in evidence.limits)


def test_event_triggers_that_cannot_be_kept_silent_are_named(
    plain_database: str, owned_database: str
) -> None:
    load(
        plain_database,
        "CREATE FUNCTION ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        " CREATE EVENT TRIGGER ddls ON ddl_command_end EXECUTE FUNCTION ddl()",
    )

    evidence = rehearsed(owned_database, "DELETE FROM item")

    assert any("event triggers saw the probes" in sentence for sentence in evidence.limits)


def test_a_table_that_may_not_be_probed_is_named(owned_database: str) -> None:
    evidence = rehearsed(owned_database, "INSERT INTO foreign_owned VALUES (1), (2)")

    assert any("public.foreign_owned could not be probed" in sentence for sentence in evidence.limits)
    assert rows_of(evidence) == {"public.foreign_owned": (2, 0, 0)}


def test_rows_are_counted_under_another_role(owned_database: str, plain_database: str) -> None:
    change = f"SET ROLE {OWNER}; DELETE FROM item; CREATE TABLE made AS SELECT 1 AS one; DROP TABLE diary; RESET ROLE"

    evidence = rehearsed(plain_database, change)

    assert [step.error for step in evidence.steps if step.error] == []
    assert rows_of(evidence)["public.item"] == (0, 0, 3)
    assert rows_of(evidence)["public.made"] == (1, 0, 0)
    assert rows_of(evidence)["public.diary"] == (3, 0, 3)


def test_without_the_privilege_to_make_temporary_tables_nothing_is_run(
    owned_database: str, plain_database: str
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(plain_database)["dbname"]
    load(plain_database, f'REVOKE TEMPORARY ON DATABASE "{name}" FROM PUBLIC')

    with pytest.raises(RefusedError, match="cannot be made rollback-only"):
        rehearsed(owned_database, "DELETE FROM item")


def test_rows_of_a_child_that_came_within_the_statement_are_said_to_be_counted_at_its_parent(
    plain_database: str,
) -> None:
    load(plain_database, "CREATE TABLE parent (i int); INSERT INTO parent VALUES (1), (2)")

    evidence = rehearsed(
        plain_database,
        "DO $$ BEGIN CREATE TABLE child () INHERITS (parent); INSERT INTO child VALUES (3);"
        " UPDATE parent SET i = i + 1; END $$",
    )

    assert rows_of(evidence)["public.parent"] == (0, 3, 0)
    assert any("gave public.parent children while it changed rows" in one for one in evidence.limits)
