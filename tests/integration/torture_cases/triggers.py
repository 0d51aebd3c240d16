"""Triggers of every kind, at every depth."""

from __future__ import annotations

from .case import Case

_BASE = """
    CREATE TABLE item (id int, note text, n int DEFAULT 0);
    CREATE TABLE diary (what text);
    CREATE TABLE total (sum int);
    INSERT INTO total VALUES (0);
    INSERT INTO item SELECT g FROM generate_series(1, 5) AS g;
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO diary VALUES (TG_NAME); RETURN COALESCE(NEW, OLD); END $$;
"""

TRIGGERS = (
    Case(
        "a BEFORE trigger that swallows rows",
        _BASE + "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RETURN CASE WHEN NEW.id % 2 = 0 THEN NEW END; END $$;"
        " CREATE TRIGGER swallows BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION swallow();",
        "INSERT INTO item SELECT generate_series(10, 14)",
        {"public.item": (3, 0, 0)},
    ),
    Case(
        "a BEFORE trigger that writes elsewhere and changes the row",
        _BASE + "CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.note := 'changed'; UPDATE total SET sum = sum + 1; RETURN NEW; END $$;"
        " CREATE TRIGGER changes BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION change();",
        "UPDATE item SET n = 1 WHERE id < 4",
        {"public.item": (0, 3, 0), "public.total": (0, 3, 0)},
        causes=(
            ("public.total", "UPDATE", 3, ("public.item: UPDATE", "trigger changes", "function public.change")),
        ),
    ),
    Case(
        "a BEFORE trigger that deletes another row of its own table",
        _BASE + "CREATE FUNCTION evict() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN DELETE FROM item WHERE id = NEW.id - 100; RETURN NEW; END $$;"
        " CREATE TRIGGER evicts BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION evict();",
        "INSERT INTO item VALUES (101), (102), (400)",
        {"public.item": (3, 0, 2)},
    ),
    Case(
        "rows that a role without rights on new functions changes",
        _BASE + "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;"
        " GRANT ALL ON item, diary TO pg_monitor;"
        " CREATE TRIGGER notes BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION note();",
        "SET ROLE pg_monitor; UPDATE item SET n = 1 WHERE id < 3; RESET ROLE",
        {"public.item": (0, 2, 0), "public.diary": (2, 0, 0)},
        causes=(
            ("public.diary", "INSERT", 2, ("public.item: UPDATE", "trigger notes", "function public.note")),
        ),
    ),
    Case(
        "recursion",
        "CREATE TABLE item (id int); CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.id > 0 THEN INSERT INTO item VALUES (NEW.id - 1); END IF; RETURN NULL; END $$;"
        " CREATE TRIGGER agains AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION again();",
        "INSERT INTO item VALUES (4)",
        {"public.item": (5, 0, 0)},
        causes=(
            (
                "public.item", "INSERT", 1,
                ("public.item: INSERT", "trigger agains", "function public.again") * 4,
            ),
        ),
    ),
    Case(
        "one function on two triggers",
        _BASE + "CREATE TRIGGER a_first AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();"
        " CREATE TRIGGER b_second AFTER INSERT ON item FOR EACH STATEMENT EXECUTE FUNCTION note();",
        "INSERT INTO item VALUES (8), (9)",
        {"public.item": (2, 0, 0), "public.diary": (3, 0, 0)},
        causes=(
            ("public.diary", "INSERT", 2, ("public.item: INSERT", "trigger a_first", "function public.note")),
            ("public.diary", "INSERT", 1, ("public.item: INSERT", "trigger b_second", "function public.note")),
        ),
    ),
    Case(
        "WHEN and UPDATE OF",
        _BASE + "CREATE TRIGGER when_big AFTER UPDATE ON item FOR EACH ROW WHEN (NEW.n > 3 AND OLD.n <> NEW.n)"
        " EXECUTE FUNCTION note();"
        " CREATE TRIGGER of_note AFTER UPDATE OF note ON item FOR EACH ROW EXECUTE FUNCTION note();",
        "UPDATE item SET n = id; UPDATE item SET note = 'x' WHERE id = 1",
        {"public.item": (0, 6, 0), "public.diary": (3, 0, 0)},
        causes=(
            ("public.diary", "INSERT", 2, ("public.item: UPDATE", "trigger when_big", "function public.note")),
            ("public.diary", "INSERT", 1, ("public.item: UPDATE", "trigger of_note", "function public.note")),
        ),
    ),
    Case(
        "transition tables",
        _BASE + "CREATE FUNCTION add_up() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN UPDATE total SET sum = sum + (SELECT sum(id) FROM fresh);"
        " INSERT INTO diary SELECT note FROM stale; RETURN NULL; END $$;"
        " CREATE TRIGGER adds AFTER UPDATE ON item REFERENCING OLD TABLE AS stale NEW TABLE AS fresh"
        " FOR EACH STATEMENT EXECUTE FUNCTION add_up();",
        "UPDATE item SET note = 'x'",
        {"public.item": (0, 5, 0), "public.total": (0, 1, 0), "public.diary": (5, 0, 0)},
    ),
    Case(
        "ALWAYS and REPLICA triggers, in both roles",
        _BASE + "CREATE TRIGGER always AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();"
        " CREATE TRIGGER only_replica AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();"
        " CREATE TRIGGER only_origin AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();"
        " CREATE TRIGGER never AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();"
        " ALTER TABLE item ENABLE ALWAYS TRIGGER always; ALTER TABLE item ENABLE REPLICA TRIGGER only_replica;"
        " ALTER TABLE item DISABLE TRIGGER never;",
        "INSERT INTO item VALUES (8); SET session_replication_role = replica; INSERT INTO item VALUES (9), (10)",
        {"public.item": (3, 0, 0), "public.diary": (6, 0, 0)},
        causes=(
            ("public.diary", "INSERT", 2, ("public.item: INSERT", "trigger only_replica", "function public.note")),
            ("public.diary", "INSERT", 1, ("public.item: INSERT", "trigger only_origin", "function public.note")),
        ),
    ),
    Case(
        "deferred triggers that write more than the statement",
        _BASE + "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO diary SELECT 'later' FROM generate_series(1, 10); RETURN NULL; END $$;"
        " CREATE CONSTRAINT TRIGGER at_the_end AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION later();",
        "BEGIN; INSERT INTO item VALUES (8), (9); COMMIT",
        {"public.item": (2, 0, 0), "public.diary": (20, 0, 0)},
        undone=False,
        causes=(
            ("public.diary", "INSERT", 20, ("public.item: INSERT", "trigger at_the_end", "function public.later")),
        ),
    ),
    Case(
        "a deferred trigger that one SET CONSTRAINTS calls early",
        _BASE + "CREATE CONSTRAINT TRIGGER late_a AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION note();"
        " CREATE CONSTRAINT TRIGGER late_b AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION note();",
        "BEGIN; INSERT INTO item VALUES (8), (9); SET CONSTRAINTS late_b IMMEDIATE; INSERT INTO total VALUES (3);"
        " COMMIT",
        {"public.item": (2, 0, 0), "public.diary": (4, 0, 0), "public.total": (1, 0, 0)},
        undone=False,
        causes=(
            ("public.diary", "INSERT", 2, ("public.item: INSERT", "trigger late_a", "function public.note")),
            ("public.diary", "INSERT", 2, ("public.item: INSERT", "trigger late_b", "function public.note")),
        ),
    ),
    Case(
        "deferred triggers that one SET CONSTRAINTS calls early by several names",
        _BASE + "CREATE CONSTRAINT TRIGGER late_a AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW WHEN (NEW.id < 9) EXECUTE FUNCTION note();"
        " CREATE CONSTRAINT TRIGGER late_b AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION note();",
        "BEGIN; INSERT INTO item VALUES (8), (9), (10); SET CONSTRAINTS late_b, public.late_a IMMEDIATE; COMMIT",
        {"public.item": (3, 0, 0), "public.diary": (4, 0, 0)},
        undone=False,
        causes=(
            ("public.diary", "INSERT", 1, ("public.item: INSERT", "trigger late_a", "function public.note")),
            ("public.diary", "INSERT", 3, ("public.item: INSERT", "trigger late_b", "function public.note")),
        ),
    ),
    Case(
        "a statement that drops every trigger before it changes rows",
        _BASE,
        "DO $$ DECLARE t record; BEGIN FOR t IN SELECT tgname FROM pg_trigger WHERE tgrelid = 'item'::regclass"
        " AND NOT tgisinternal LOOP EXECUTE format('DROP TRIGGER %I ON item', t.tgname); END LOOP;"
        " INSERT INTO item VALUES (8), (9); DELETE FROM item WHERE id = 8; END $$; INSERT INTO item VALUES (10)",
        {"public.item": (3, 0, 1)},
    ),
    Case(
        "triggers that read current_query()",
        _BASE + "CREATE FUNCTION reader() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF current_query() LIKE '%sesame%' THEN INSERT INTO diary VALUES ('open'); END IF;"
        " RETURN NULL; END $$;"
        " CREATE TRIGGER reads AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION reader();",
        "INSERT INTO item /* sesame */ VALUES (8); INSERT INTO item VALUES (9)",
        {"public.item": (2, 0, 0), "public.diary": (1, 0, 0)},
        undone=False,
    ),
    Case(
        "triggers that ask for their depth",
        _BASE + "CREATE FUNCTION deep() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF pg_trigger_depth() < 3 THEN INSERT INTO item VALUES (NEW.id + 1);"
        " INSERT INTO diary VALUES (pg_trigger_depth()); END IF; RETURN NULL; END $$;"
        " CREATE TRIGGER deeps AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION deep();",
        "INSERT INTO item VALUES (1)",
        {"public.item": (3, 0, 0), "public.diary": (2, 0, 0)},
    ),
    Case(
        "a trigger on TRUNCATE",
        _BASE + "CREATE TRIGGER emptied AFTER TRUNCATE ON item FOR EACH STATEMENT EXECUTE FUNCTION note();",
        "TRUNCATE item",
        {"public.item": (0, 0, 5), "public.diary": (1, 0, 0)},
        causes=(
            ("public.diary", "INSERT", 1, ("public.item: TRUNCATE", "trigger emptied", "function public.note")),
        ),
    ),
    Case(
        "a trigger that truncates another table",
        _BASE + "INSERT INTO diary SELECT 'x' FROM generate_series(1, 7);"
        " CREATE FUNCTION wipe() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN TRUNCATE diary; RETURN NULL; END $$;"
        " CREATE TRIGGER wipes AFTER DELETE ON item FOR EACH STATEMENT EXECUTE FUNCTION wipe();",
        "DELETE FROM item WHERE id = 1",
        {"public.item": (0, 0, 1), "public.diary": (0, 0, 7)},
        causes=(
            ("public.diary", "TRUNCATE", 7, ("public.item: DELETE", "trigger wipes", "function public.wipe")),
        ),
    ),
    Case(
        "all triggers disabled by the script",
        _BASE + "CREATE TRIGGER noted AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();",
        "ALTER TABLE item DISABLE TRIGGER ALL; INSERT INTO item VALUES (8); UPDATE item SET n = 4;"
        " ALTER TABLE item ENABLE TRIGGER ALL; INSERT INTO item VALUES (9)",
        {"public.item": (2, 6, 0), "public.diary": (1, 0, 0)},
    ),
    Case(
        "all triggers disabled and enabled inside one statement",
        _BASE + "CREATE TRIGGER noted AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();",
        "DO $$ BEGIN ALTER TABLE item DISABLE TRIGGER ALL; INSERT INTO item VALUES (8), (9);"
        " DELETE FROM item WHERE id = 1; UPDATE item SET n = 1; ALTER TABLE item ENABLE TRIGGER ALL; END $$;"
        " INSERT INTO item VALUES (10)",
        {"public.item": (3, 6, 1), "public.diary": (1, 0, 0)},
    ),
    Case(
        "a trigger that the script creates, and drops again",
        _BASE,
        "CREATE TRIGGER noted AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();"
        " INSERT INTO item VALUES (8); DROP TRIGGER noted ON item; INSERT INTO item VALUES (9)",
        {"public.item": (2, 0, 0), "public.diary": (1, 0, 0)},
        causes=(
            ("public.diary", "INSERT", 1, ("public.item: INSERT", "trigger noted", "function public.note")),
        ),
    ),
    Case(
        "names of triggers that leave no room before them",
        _BASE + 'CREATE TRIGGER "!" AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();'
        ' CREATE TRIGGER " " AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();'
        ' CREATE TRIGGER "é" AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();'
        f' CREATE TRIGGER "{"z" * 63}" AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION note();',
        "INSERT INTO item VALUES (8)",
        {"public.item": (1, 0, 0), "public.diary": (4, 0, 0)},
        causes=tuple(
            ("public.diary", "INSERT", 1, ("public.item: INSERT", f"trigger {name}", "function public.note"))
            for name in ("!", " ", "é", "z" * 63)
        ),
    ),
    Case(
        "event triggers stay silent to what is not the script's",
        _BASE + "CREATE FUNCTION ddl() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO diary VALUES (tg_tag); END $$;"
        " CREATE EVENT TRIGGER ddls ON ddl_command_end EXECUTE FUNCTION ddl();",
        "INSERT INTO item VALUES (8); COMMENT ON TABLE item IS 'x'; CREATE TABLE made (id int)",
        {"public.item": (1, 0, 0), "public.diary": (2, 0, 0)},
    ),
)  # fmt: skip
