"""Statements of every shape, and rows that something undoes."""

from __future__ import annotations

from .case import Case

_ITEMS = """
    CREATE TABLE item (id int PRIMARY KEY, note text, twice int GENERATED ALWAYS AS (id * 2) STORED);
    CREATE TABLE other (id int PRIMARY KEY, note text);
    INSERT INTO item SELECT g FROM generate_series(1, 10) AS g;
    INSERT INTO other SELECT g FROM generate_series(1, 4) AS g;
"""

STATEMENTS = (
    Case("nothing", _ITEMS, "DELETE FROM item WHERE id > 100", {}),
    Case("a generated column", _ITEMS, "UPDATE item SET id = id + 100 WHERE id < 4", {"public.item": (0, 3, 0)}),
    Case("updates that change nothing", _ITEMS, "UPDATE item SET note = note", {"public.item": (0, 10, 0)}),
    Case(
        "MERGE with all its actions",
        _ITEMS,
        "MERGE INTO item AS i USING (SELECT generate_series(8, 13) AS id) AS s ON i.id = s.id"
        " WHEN MATCHED AND s.id = 8 THEN DELETE WHEN MATCHED THEN UPDATE SET note = 'm'"
        " WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)",
        {"public.item": (3, 2, 1)},
    ),
    Case(
        "ON CONFLICT DO UPDATE",
        _ITEMS,
        "INSERT INTO item SELECT generate_series(9, 14) ON CONFLICT (id) DO UPDATE SET note = 'again'",
        {"public.item": (4, 2, 0)},
    ),
    Case(
        "ON CONFLICT DO NOTHING",
        _ITEMS,
        "INSERT INTO item SELECT generate_series(9, 14) ON CONFLICT DO NOTHING",
        {"public.item": (4, 0, 0)},
    ),
    Case(
        "data-modifying CTEs on two tables",
        _ITEMS,
        "WITH gone AS (DELETE FROM item WHERE id < 4 RETURNING id),"
        " touched AS (UPDATE other SET note = 'x' WHERE id < 3 RETURNING id)"
        " INSERT INTO other SELECT id + 50 FROM gone",
        {"public.item": (0, 0, 3), "public.other": (3, 2, 0)},
    ),
    Case(
        "two CTEs that change one table",
        _ITEMS,
        "WITH gone AS (DELETE FROM item WHERE id < 4), more AS (INSERT INTO item VALUES (50), (51))"
        " UPDATE item SET note = 'x' WHERE id > 8",
        {"public.item": (2, 2, 3)},
    ),
    Case(
        "COPY",
        _ITEMS,
        "COPY other (id) FROM STDIN;\n20\n21\n22\n\\.\n",
        {"public.other": (3, 0, 0)},
        undone=False,
    ),
    Case("TRUNCATE", _ITEMS, "TRUNCATE item", {"public.item": (0, 0, 10)}),
    Case(
        "TRUNCATE CASCADE",
        "CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (parent int REFERENCES parent);"
        " INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1), (1), (2)",
        "TRUNCATE parent CASCADE",
        {"public.parent": (0, 0, 2), "public.child": (0, 0, 3)},
    ),
    Case(
        "a table emptied and refilled",
        _ITEMS,
        "BEGIN; TRUNCATE item; INSERT INTO item SELECT generate_series(1, 3);"
        " DELETE FROM other; INSERT INTO other VALUES (1); COMMIT",
        {"public.item": (3, 0, 10), "public.other": (1, 0, 4)},
        undone=False,
    ),
    Case(
        "filled, emptied and refilled in one statement",
        _ITEMS,
        "DO $$ BEGIN INSERT INTO item VALUES (60); TRUNCATE item; INSERT INTO item VALUES (1), (2); END $$",
        {"public.item": (3, 0, 11)},
    ),
    Case(
        "rows that a savepoint undoes",
        _ITEMS,
        "BEGIN; INSERT INTO item VALUES (20); SAVEPOINT s; DELETE FROM item; TRUNCATE other; ROLLBACK TO s;"
        " UPDATE other SET note = 'x' WHERE id = 1; COMMIT",
        {"public.item": (1, 0, 0), "public.other": (0, 1, 0)},
        undone=False,
    ),
    Case(
        "rows of a caught exception",
        _ITEMS,
        "DO $$ BEGIN INSERT INTO other VALUES (9); BEGIN DELETE FROM item; RAISE 'no';"
        " EXCEPTION WHEN raise_exception THEN NULL; END; END $$",
        {"public.other": (1, 0, 0)},
    ),
    Case(
        "a TRUNCATE of a caught exception",
        _ITEMS,
        "DO $$ BEGIN BEGIN TRUNCATE item; RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END;"
        " DELETE FROM item WHERE id = 1; END $$",
        {"public.item": (0, 0, 1)},
    ),
    Case(
        "inserted and deleted again",
        _ITEMS,
        "BEGIN; INSERT INTO item VALUES (20), (21); DELETE FROM item WHERE id > 10; COMMIT",
        {"public.item": (2, 0, 2)},
        undone=False,
    ),
    Case(
        "a transaction that the script rolls back, and one that it commits",
        _ITEMS,
        "BEGIN; DELETE FROM item; ROLLBACK; BEGIN; DELETE FROM other; COMMIT",
        {"public.other": (0, 0, 4)},
        undone=False,
    ),
    Case(
        "unlogged and temporary tables",
        "CREATE UNLOGGED TABLE quick (id int); CREATE TABLE slow (id int)",
        "CREATE TEMP TABLE scratch (id int); INSERT INTO scratch SELECT generate_series(1, 5);"
        " INSERT INTO quick SELECT id FROM scratch; INSERT INTO slow SELECT id FROM scratch WHERE id < 3",
        {"public.quick": (5, 0, 0), "public.slow": (2, 0, 0)},
    ),
    Case(
        "quoted and odd names",
        'CREATE SCHEMA "Odd. one"; CREATE TABLE "Odd. one"."a ""b"" %s" ("C d" int);'
        ' CREATE TABLE "Odd. one"."' + "é" * 31 + '" (id int);'
        " CREATE FUNCTION \"Odd. one\".\"f'n %\"() RETURNS trigger LANGUAGE plpgsql AS"
        ' $$ BEGIN INSERT INTO "Odd. one"."' + "é" * 31 + '" VALUES (1); RETURN NULL; END $$;'
        ' CREATE TRIGGER "t r\'""!" AFTER INSERT ON "Odd. one"."a ""b"" %s"'
        " FOR EACH ROW EXECUTE FUNCTION \"Odd. one\".\"f'n %\"('it''s', 'a EXECUTE FUNCTION b')",
        'INSERT INTO "Odd. one"."a ""b"" %s" VALUES (1), (2)',
        {'"Odd. one"."a ""b"" %s"': (2, 0, 0), '"Odd. one"."' + "é" * 31 + '"': (2, 0, 0)},
        causes=(
            (
                '"Odd. one"."' + "é" * 31 + '"', "INSERT", 2,
                ('"Odd. one"."a ""b"" %s": INSERT', 'trigger t r\'"!', "function \"Odd. one\".\"f'n %\""),
            ),
        ),
    ),
    Case(
        "session_replication_role, switched by the script",
        _ITEMS,
        "SET session_replication_role = replica; DELETE FROM item WHERE id < 3; INSERT INTO other VALUES (70)",
        {"public.item": (0, 0, 2), "public.other": (1, 0, 0)},
    ),
    Case(
        "a domain's check and a column that defaults",
        "CREATE SEQUENCE s; CREATE DOMAIN positive AS int CHECK (VALUE > 0);"
        " CREATE TABLE item (id int DEFAULT nextval('s'), p positive DEFAULT 1)",
        "INSERT INTO item DEFAULT VALUES; INSERT INTO item (p) SELECT generate_series(1, 3)",
        {"public.item": (4, 0, 0)},
    ),
    Case(
        "a function that the statement calls",
        _ITEMS + " CREATE FUNCTION work(n int) RETURNS int LANGUAGE sql AS"
        " 'WITH gone AS (DELETE FROM item WHERE id = n RETURNING 1) SELECT count(*)::int FROM gone';",
        "SELECT work(id) FROM other",
        {"public.item": (0, 0, 4)},
    ),
    Case(
        "a procedure",
        _ITEMS + " CREATE PROCEDURE work() LANGUAGE plpgsql AS $$ BEGIN DELETE FROM other; END $$;",
        "CALL work()",
        {"public.other": (0, 0, 4)},
    ),
    Case(
        "row-level security",
        _ITEMS + " ALTER TABLE other ENABLE ROW LEVEL SECURITY; ALTER TABLE other FORCE ROW LEVEL SECURITY;",
        "DELETE FROM other",
        {"public.other": (0, 0, 4)},
    ),
)  # fmt: skip
