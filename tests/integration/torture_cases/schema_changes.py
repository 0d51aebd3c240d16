"""Rows that come, go or stay with changes of the schema."""

from __future__ import annotations

from .case import Case

_ITEMS = """
    CREATE TABLE item (id int PRIMARY KEY, note text);
    CREATE TABLE other (id int);
    INSERT INTO item SELECT g FROM generate_series(1, 10) AS g;
    INSERT INTO other SELECT g FROM generate_series(1, 4) AS g;
"""

SCHEMA_CHANGES = (
    Case(
        "a rewriting ALTER between changes of rows",
        _ITEMS,
        "BEGIN; DELETE FROM item WHERE id < 3; ALTER TABLE item ALTER id TYPE bigint;"
        " UPDATE item SET note = 'x' WHERE id = 5; COMMIT",
        {"public.item": (0, 1, 2)},
        undone=False,
    ),
    Case(
        "a column with a volatile default",
        _ITEMS,
        "ALTER TABLE item ADD COLUMN r float DEFAULT random()",
        {},
        undone=False,
    ),
    Case("a column that is dropped", _ITEMS, "ALTER TABLE item DROP COLUMN note", {}, reshaped=("public.item",)),
    Case("DROP TABLE", _ITEMS, "DROP TABLE item", {"public.item": (0, 0, 10)}),
    Case(
        "DROP TABLE after changes",
        _ITEMS,
        "BEGIN; INSERT INTO item VALUES (11); DELETE FROM item WHERE id < 3; DROP TABLE item; COMMIT",
        {"public.item": (1, 0, 11)},
        undone=False,
    ),
    Case(
        "DROP SCHEMA CASCADE",
        "CREATE SCHEMA s; CREATE TABLE s.a (id int); CREATE TABLE s.b (id int); INSERT INTO s.a VALUES (1), (2);"
        " INSERT INTO s.b VALUES (1)",
        "DROP SCHEMA s CASCADE",
        {"s.a": (0, 0, 2), "s.b": (0, 0, 1)},
    ),
    Case(
        "changed and dropped in one statement",
        _ITEMS,
        "DO $$ BEGIN INSERT INTO item VALUES (11), (12); DROP TABLE item; END $$",
        {"public.item": (2, 0, 12)},
    ),
    Case(
        "dropped in a caught exception",
        _ITEMS,
        "DO $$ BEGIN BEGIN DROP TABLE item; RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END;"
        " INSERT INTO item VALUES (12); END $$",
        {"public.item": (1, 0, 0)},
    ),
    Case(
        "CREATE TABLE AS",
        _ITEMS,
        "CREATE TABLE copied AS SELECT * FROM item; DELETE FROM copied WHERE id = 1",
        {"public.copied": (10, 0, 1)},
    ),
    Case("SELECT INTO", _ITEMS, "SELECT id INTO copied FROM item WHERE id < 4", {"public.copied": (3, 0, 0)}),
    Case(
        "created and filled in one statement",
        _ITEMS,
        "DO $$ BEGIN CREATE TABLE made (id int); INSERT INTO made SELECT generate_series(1, 7);"
        " DELETE FROM made WHERE id = 1; END $$",
        {"public.made": (7, 0, 1)},
    ),
    Case(
        "created, filled, renamed and moved",
        _ITEMS + "CREATE SCHEMA s;",
        "CREATE TABLE made (id int); INSERT INTO made VALUES (1), (2); ALTER TABLE made RENAME TO kept;"
        " ALTER TABLE kept SET SCHEMA s; INSERT INTO s.kept VALUES (3)",
        {"s.kept": (3, 0, 0)},
    ),
    Case(
        "a table that is renamed between changes",
        _ITEMS,
        "INSERT INTO item VALUES (11); ALTER TABLE item RENAME TO thing; DELETE FROM thing WHERE id < 3",
        {"public.thing": (1, 0, 2)},
    ),
    Case(
        "two tables that swap their names",
        _ITEMS,
        "BEGIN; DELETE FROM item WHERE id < 4; ALTER TABLE item RENAME TO x; ALTER TABLE other RENAME TO item;"
        " ALTER TABLE x RENAME TO other; INSERT INTO item VALUES (50); COMMIT",
        {"public.item": (1, 0, 0), "public.other": (0, 0, 3)},
        undone=False,
    ),
    Case(
        "created and dropped again",
        _ITEMS,
        "CREATE TABLE made AS SELECT * FROM item; DROP TABLE made",
        {"public.made": (10, 0, 10)},
    ),
    Case(
        "filled in a savepoint that is undone",
        _ITEMS,
        "BEGIN; SAVEPOINT s; CREATE TABLE made AS SELECT * FROM item; ROLLBACK TO s; DROP TABLE other; COMMIT",
        {"public.other": (0, 0, 4)},
        undone=False,
    ),
    Case(
        "a dropped table that comes back",
        _ITEMS,
        "DROP TABLE other; CREATE TABLE other (id int); INSERT INTO other VALUES (1)",
        {"public.other": (1, 0, 4)},
        undone=False,
    ),
    Case(
        "a materialized view that is refreshed",
        _ITEMS + "CREATE MATERIALIZED VIEW summary AS SELECT id FROM item;",
        "DELETE FROM item WHERE id < 4; REFRESH MATERIALIZED VIEW summary",
        {"public.item": (0, 0, 3), "public.summary": (7, 0, 10)},
    ),
    Case(
        "a materialized view that is refreshed concurrently",
        _ITEMS + "CREATE MATERIALIZED VIEW summary AS SELECT id FROM item; CREATE UNIQUE INDEX ON summary (id);",
        "DELETE FROM item WHERE id < 4; INSERT INTO item VALUES (30); REFRESH MATERIALIZED VIEW CONCURRENTLY summary",
        {"public.item": (1, 0, 3), "public.summary": (1, 0, 3)},
    ),
    Case(
        "a materialized view that is created and dropped",
        _ITEMS + "CREATE MATERIALIZED VIEW old AS SELECT id FROM other;",
        "CREATE MATERIALIZED VIEW summary AS SELECT id FROM item; DROP MATERIALIZED VIEW old",
        {"public.summary": (10, 0, 0), "public.old": (0, 0, 4)},
    ),
    Case(
        "CLUSTER and REINDEX, which move rows without changing them",
        _ITEMS,
        "CLUSTER item USING item_pkey; REINDEX TABLE item",
        {},
    ),
)  # fmt: skip
