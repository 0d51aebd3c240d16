"""Small changes of the schema are told as well: settings, comments, owners and positions, each by the object it is on."""

from __future__ import annotations

import pytest

from .torture import MAJORS, load, rehearsed

pytestmark = pytest.mark.majors(*MAJORS)

SCHEMA = """
    CREATE TABLE a (id int PRIMARY KEY, note text);
    CREATE INDEX a_note ON a (note);
    CREATE TABLE with_serial (id serial);
    CREATE SEQUENCE sq;
    CREATE VIEW v AS SELECT id FROM a;
    CREATE RULE r AS ON DELETE TO v DO INSTEAD NOTHING;
    CREATE POLICY p ON a USING (true);
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER tr AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION f();
    CREATE STATISTICS st ON id, note FROM a;
    CREATE PUBLICATION pub FOR TABLE a;
    CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
    CREATE EVENT TRIGGER ev ON ddl_command_end EXECUTE FUNCTION e();
    SELECT lo_create(4242);
"""

CHANGES = {
    "ALTER TABLE a CLUSTER ON a_pkey": ("table", "public.a", "clustered by set to a_pkey"),
    "ALTER TABLE a REPLICA IDENTITY USING INDEX a_pkey": ("table", "public.a", "replica identity index set to a_pkey"),
    "ALTER TABLE a ALTER note SET STATISTICS 500": ("column", "public.a.note", "statistics set to 500"),
    "ALTER TABLE a ALTER note SET (n_distinct = 5)": ("column", "public.a.note", "options set to n_distinct=5"),
    "ALTER TABLE a ALTER note SET COMPRESSION pglz": ("column", "public.a.note", "compression set to p"),
    "ALTER SEQUENCE sq RESTART WITH 99": ("sequence", "public.sq", "numbering changed"),
    "TRUNCATE with_serial RESTART IDENTITY": ("sequence", "public.with_serial_id_seq", "numbering changed"),
    "ALTER SEQUENCE sq OWNED BY a.id": ("sequence", "public.sq", "owned by set to public.a.id"),
    "ALTER STATISTICS st SET STATISTICS 10": ("statistics", "public.st", "target set to 10"),
    "ALTER PUBLICATION pub SET (publish = 'insert')": ("publication", "pub", "is insert"),
    "COMMENT ON INDEX a_note IS 'why'": ("index", "public.a_note", "comment set to why"),
    "COMMENT ON CONSTRAINT a_pkey ON a IS 'why'": ("constraint", "a_pkey on public.a", "comment set to why"),
    "COMMENT ON TRIGGER tr ON a IS 'why'": ("trigger", "tr on public.a", "comment set to why"),
    "COMMENT ON POLICY p ON a IS 'why'": ("policy", "p on public.a", "comment set to why"),
    "COMMENT ON RULE r ON v IS 'why'": ("rule", "r on public.v", "comment set to why"),
    "COMMENT ON PUBLICATION pub IS 'why'": ("publication", "pub", "comment set to why"),
    "COMMENT ON EVENT TRIGGER ev IS 'why'": ("event trigger", "ev", "comment set to why"),
    "COMMENT ON STATISTICS st IS 'why'": ("statistics", "public.st", "comment set to why"),
    "COMMENT ON ROLE postgres IS 'why'": ("catalog", "pg_shdescription", "rows written"),
    "SELECT lo_put(4242, 0, 'abc')": ("catalog", "pg_largeobject", "rows written"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_small_change_is_told(plain_database: str, change: str) -> None:
    load(plain_database, SCHEMA)

    evidence = rehearsed(plain_database, change, passes=1)

    kind, name, detail = CHANGES[change]
    (told,) = evidence.effects.schema
    assert (told.action, told.type, told.object) == ("alter", kind, name)
    assert detail in told.detail
