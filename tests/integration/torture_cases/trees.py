"""Partitions and inheritance: rows are on the leaf that holds them."""

from __future__ import annotations

from .case import Case

_MONTHS = """
    CREATE TABLE event (id int, month int, note text) PARTITION BY LIST (month);
    CREATE TABLE event_1 PARTITION OF event FOR VALUES IN (1);
    CREATE TABLE event_2 PARTITION OF event FOR VALUES IN (2) PARTITION BY RANGE (id);
    CREATE TABLE event_2_low PARTITION OF event_2 FOR VALUES FROM (0) TO (100);
    CREATE TABLE event_2_high PARTITION OF event_2 FOR VALUES FROM (100) TO (200);
    CREATE TABLE diary (what text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO diary VALUES (TG_TABLE_NAME || TG_OP); RETURN NULL; END $$;
    INSERT INTO event VALUES (1, 1), (2, 1), (3, 2), (103, 2);
"""

_KIN = """
    CREATE TABLE base (id int, note text);
    CREATE TABLE derived (extra int) INHERITS (base);
    INSERT INTO base VALUES (1), (2);
    INSERT INTO derived VALUES (3), (4), (5);
"""

TREES = (
    Case(
        "rows of a leaf that a role without rights changes, where operators lie",
        "CREATE TABLE item (id int, n int) PARTITION BY LIST (id);"
        " CREATE TABLE item_1 PARTITION OF item FOR VALUES IN (1); CREATE TABLE item_2 PARTITION OF item DEFAULT;"
        " INSERT INTO item VALUES (1, 0), (1, 0), (2, 0); CREATE TABLE diary (what text);"
        " CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO public.diary VALUES (TG_TABLE_NAME); RETURN NULL; END $$;"
        " CREATE TRIGGER notes AFTER UPDATE ON item FOR EACH ROW EXECUTE FUNCTION note();"
        " CREATE SCHEMA liars; GRANT USAGE ON SCHEMA liars TO pg_monitor;"
        " CREATE FUNCTION liars.lies(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';"
        " CREATE OPERATOR liars.= (LEFTARG = text, RIGHTARG = text, FUNCTION = liars.lies);"
        " CREATE OPERATOR liars.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = liars.lies);"
        " ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; GRANT ALL ON item, diary TO pg_monitor;",
        "SET search_path = liars, pg_catalog; SET ROLE pg_monitor; UPDATE public.item SET n = 1; RESET ROLE;"
        " RESET search_path",
        {"public.item_1": (0, 2, 0), "public.item_2": (0, 1, 0), "public.diary": (3, 0, 0)},
        causes=(
            ("public.diary", "INSERT", 2, ("public.item_1: UPDATE", "trigger notes", "function public.note")),
            ("public.diary", "INSERT", 1, ("public.item_2: UPDATE", "trigger notes", "function public.note")),
        ),
    ),
    Case(
        "rows that a partitioned table hands to its leaves",
        _MONTHS,
        "INSERT INTO event VALUES (5, 1), (6, 2), (7, 2), (120, 2)",
        {"public.event_1": (1, 0, 0), "public.event_2_low": (2, 0, 0), "public.event_2_high": (1, 0, 0)},
    ),
    Case(
        "rows that move between leaves",
        _MONTHS,
        "UPDATE event SET month = 2 WHERE month = 1",
        {"public.event_1": (0, 0, 2), "public.event_2_low": (2, 0, 0)},
    ),
    Case(
        "a row trigger of a partitioned table fires on the leaves",
        _MONTHS + "CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON event"
        " FOR EACH ROW EXECUTE FUNCTION note();",
        "UPDATE event SET note = 'x'",
        {
            "public.event_1": (0, 2, 0), "public.event_2_low": (0, 1, 0), "public.event_2_high": (0, 1, 0),
            "public.diary": (4, 0, 0),
        },
        causes=(
            ("public.diary", "INSERT", 2, ("public.event_1: UPDATE", "trigger noted", "function public.note")),
        ),
    ),
    Case(
        "a statement trigger of a partitioned table fires once",
        _MONTHS + "CREATE TRIGGER noted AFTER DELETE ON event FOR EACH STATEMENT EXECUTE FUNCTION note();",
        "DELETE FROM event",
        {
            "public.event_1": (0, 0, 2), "public.event_2_low": (0, 0, 1), "public.event_2_high": (0, 0, 1),
            "public.diary": (1, 0, 0),
        },
        causes=(
            ("public.diary", "INSERT", 1, ("public.event: DELETE", "trigger noted", "function public.note")),
        ),
    ),
    Case(
        "a truncated partitioned table",
        _MONTHS,
        "TRUNCATE event",
        {"public.event_1": (0, 0, 2), "public.event_2_low": (0, 0, 1), "public.event_2_high": (0, 0, 1)},
    ),
    Case(
        "COPY into a partitioned table",
        _MONTHS,
        "COPY event (id, month) FROM STDIN;\n8\t1\n9\t2\n\\.\n",
        {"public.event_1": (1, 0, 0), "public.event_2_low": (1, 0, 0)},
        undone=False,
    ),
    Case(
        "a new partition that is filled at once",
        _MONTHS,
        "CREATE TABLE event_3 PARTITION OF event FOR VALUES IN (3); INSERT INTO event VALUES (1, 3), (2, 3)",
        {"public.event_3": (2, 0, 0)},
    ),
    Case(
        "a leaf that is detached, emptied and dropped",
        _MONTHS,
        "ALTER TABLE event DETACH PARTITION event_1; DELETE FROM event_1 WHERE id = 1; DROP TABLE event_1",
        {"public.event_1": (0, 0, 2)},
    ),
    Case(
        "a table that becomes a leaf",
        _MONTHS + "CREATE TABLE other (id int, month int, note text); INSERT INTO other VALUES (1, 4);",
        "ALTER TABLE event ATTACH PARTITION other FOR VALUES IN (4); INSERT INTO event VALUES (2, 4), (3, 4)",
        {"public.other": (2, 0, 0)},
    ),
    Case(
        "an update through an inheritance tree",
        _KIN,
        "UPDATE base SET note = 'x' WHERE id > 1",
        {"public.base": (0, 1, 0), "public.derived": (0, 3, 0)},
    ),
    Case(
        "a delete of the parent's own rows only",
        _KIN,
        "DELETE FROM ONLY base",
        {"public.base": (0, 0, 2)},
    ),
    Case(
        "a truncated inheritance tree",
        _KIN,
        "TRUNCATE base",
        {"public.base": (0, 0, 2), "public.derived": (0, 0, 3)},
    ),
    Case(
        "MERGE over an inheritance tree",
        _KIN,
        "MERGE INTO base AS b USING (VALUES (1), (3), (9)) AS s(id) ON b.id = s.id"
        " WHEN MATCHED THEN UPDATE SET note = 'm' WHEN NOT MATCHED THEN INSERT VALUES (s.id)",
        {"public.base": (1, 1, 0), "public.derived": (0, 1, 0)},
    ),
)  # fmt: skip
