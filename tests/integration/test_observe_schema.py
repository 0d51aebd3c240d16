"""Changes of the schema are told object by object, from the catalogs alone, net of what the script undoes."""

from __future__ import annotations

import pytest

from .torture import MAJORS, load, rehearsed

pytestmark = pytest.mark.majors(*MAJORS)

SCHEMA = """
    CREATE TABLE a (id int PRIMARY KEY, note text DEFAULT 'x', old int);
    CREATE TABLE b (a int);
    CREATE INDEX a_note ON a (note);
    CREATE SEQUENCE sq;
    CREATE TYPE color AS ENUM ('red');
    CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE VIEW v AS SELECT id FROM a;
    CREATE SCHEMA s;
    CREATE TABLE s.t (id int);
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE FUNCTION s.g(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
    CREATE TRIGGER tr AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
    INSERT INTO a VALUES (1);
"""

CHANGES = {
    "CREATE TABLE made (id int PRIMARY KEY, a int REFERENCES a, note text)": [
        ("create", "table", "public.made", "columns id integer, a integer, note text"),
    ],
    "CREATE TABLE made AS SELECT id FROM a": [("create", "table", "public.made", "columns id integer")],
    "ALTER TABLE a ADD COLUMN n bigint NOT NULL DEFAULT 5": [
        ("create", "column", "public.a.n", "bigint, with default, not null"),
    ],
    "ALTER TABLE a ALTER note TYPE varchar(20), ALTER note DROP DEFAULT": [
        ("alter", "column", "public.a.note", "default removed; type was text, is character varying(20)"),
        ("alter", "table", "public.a", "rewritten, row by row"),
    ],
    "ALTER TABLE a DROP COLUMN old": [("drop", "column", "public.a.old", "")],
    "ALTER TABLE a RENAME COLUMN old TO former": [
        ("alter", "column", "public.a.former", "name was old, is former"),
    ],
    "ALTER TABLE a RENAME TO c": [("alter", "table", "public.c", "name was public.a, is public.c")],
    "ALTER TABLE a ADD CONSTRAINT big CHECK (id > 0)": [
        ("alter", "table", "public.a", "scanned, to verify its rows"),
        ("create", "constraint", "big on public.a", "CHECK ((id > 0))"),
    ],
    "ALTER TABLE b ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES a": [
        ("alter", "table", "public.b", "scanned, to validate its rows"),
        ("create", "constraint", "fk on public.b", "FOREIGN KEY (a) REFERENCES a(id)"),
    ],
    "ALTER TABLE a DROP CONSTRAINT a_pkey": [("drop", "constraint", "a_pkey on public.a", "")],
    "CREATE UNIQUE INDEX a_old ON a (old)": [
        ("create", "index", "public.a_old", "CREATE UNIQUE INDEX a_old ON public.a USING btree (old)"),
    ],
    "ALTER INDEX a_note RENAME TO notes": [("alter", "index", "public.notes", "name was a_note, is notes")],
    "DROP INDEX a_note": [("drop", "index", "public.a_note", "")],
    "ALTER TABLE a DISABLE TRIGGER tr": [("alter", "trigger", "tr on public.a", "enabled set to disabled")],
    "DROP TRIGGER tr ON a": [("drop", "trigger", "tr on public.a", "")],
    "CREATE RULE r AS ON DELETE TO b DO NOTHING": [("create", "rule", "r on public.b", "")],
    "CREATE POLICY p ON b": [("create", "policy", "p on public.b", "")],
    "DROP TABLE b": [("drop", "table", "public.b", "")],
    "DROP SCHEMA s CASCADE": [
        ("drop", "function", "s.g(integer)", ""),
        ("drop", "schema", "s", ""),
        ("drop", "table", "s.t", ""),
    ],
    "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'": [
        ("alter", "function", "public.f()", "body changed"),
    ],
    "DROP FUNCTION s.g(int)": [("drop", "function", "s.g(integer)", "")],
    "CREATE OR REPLACE VIEW v AS SELECT id, 2 AS two FROM a": [
        ("alter", "view", "public.v", "query changed"),
        ("create", "column", "public.v.two", "integer"),
    ],
    "ALTER TYPE color ADD VALUE 'blue'": [("alter", "type", "public.color", "labels was red, is red, blue")],
    "DROP TYPE color": [("drop", "type", "public.color", "")],
    "ALTER DOMAIN positive SET NOT NULL": [("alter", "domain", "public.positive", "not null set")],
    "DROP SEQUENCE sq": [("drop", "sequence", "public.sq", "")],
    "CREATE SCHEMA more": [("create", "schema", "more", "")],
    "COMMENT ON COLUMN a.id IS 'key'": [("alter", "column", "public.a.id", "comment set to key")],
    "COMMENT ON FUNCTION f() IS 'work'": [("alter", "function", "public.f()", "comment set to work")],
    "CREATE CAST (color AS positive) WITH INOUT": [("alter", "catalog", "pg_cast", "rows written")],
    "CREATE ROLE pgrehearse_role_of_a_test": [("alter", "catalog", "pg_authid", "rows written")],
    "INSERT INTO a VALUES (2); TRUNCATE a": [],
    "CREATE TEMP TABLE scratch (id int)": [],
    "BEGIN; SAVEPOINT s; DROP TABLE b; ROLLBACK TO s; COMMIT": [],
    "BEGIN; ALTER TABLE a ADD x int; ALTER TABLE a DROP x; COMMIT": [],
    "DO $$ BEGIN DROP TABLE b; RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END $$": [],
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change[:50])
def test_each_changed_object_is_told_with_what_changed(plain_database: str, change: str) -> None:
    load(plain_database, SCHEMA)

    evidence = rehearsed(plain_database, change)

    assert [step.error for step in evidence.steps if step.error] == []
    told = [(one.action, one.type, one.object, one.detail) for one in evidence.effects.schema]
    assert sorted(told) == sorted(CHANGES[change])


def test_each_change_belongs_to_its_step_and_segments_are_told_apart(plain_database: str) -> None:
    load(plain_database, SCHEMA)
    change = """
        BEGIN; ALTER TABLE a ADD n int; CREATE INDEX n ON a (n); COMMIT;
        CREATE TABLE made (id int); DROP TABLE made; BEGIN; DROP TABLE b; ROLLBACK; DROP VIEW v;
    """

    evidence = rehearsed(plain_database, change)

    assert {(one.step, one.action, one.object) for one in evidence.effects.schema} == {
        (2, "create", "public.a.n"),
        (3, "create", "public.n"),
        (5, "create", "public.made"),
        (6, "drop", "public.made"),
        (10, "drop", "public.v"),
    }


def test_grants_are_told_by_what_they_leave(plain_database: str) -> None:
    load(plain_database, SCHEMA)

    evidence = rehearsed(plain_database, "GRANT SELECT ON a TO PUBLIC; GRANT UPDATE (note) ON a TO PUBLIC")

    told = {(one.type, one.object, one.detail.partition(" ")[0]) for one in evidence.effects.schema}
    assert told == {("table", "public.a", "access"), ("column", "public.a.note", "access")}
