"""Foreign keys that act, rules, and views that triggers stand in for."""

from __future__ import annotations

from .case import Case

_FAMILY = """
    CREATE TABLE parent (id int PRIMARY KEY, tag text);
    CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
    CREATE TABLE grandchild (id int PRIMARY KEY, child int REFERENCES child ON DELETE CASCADE);
    CREATE TABLE diary (what text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO diary VALUES (TG_TABLE_NAME || TG_OP); RETURN COALESCE(NEW, OLD); END $$;
    CREATE TRIGGER noted AFTER DELETE ON grandchild FOR EACH ROW EXECUTE FUNCTION note();
    INSERT INTO parent SELECT g FROM generate_series(1, 3) AS g;
    INSERT INTO child SELECT g, 1 + g % 3 FROM generate_series(1, 6) AS g;
    INSERT INTO grandchild SELECT g, 1 + g % 6 FROM generate_series(1, 12) AS g;
"""

_CHILD_OF = """
    CREATE TABLE parent (id int PRIMARY KEY);
    CREATE TABLE child (id int, parent int DEFAULT 2 REFERENCES parent {action});
    CREATE TABLE diary (what text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO diary VALUES (TG_OP); RETURN NULL; END $$;
    CREATE TRIGGER noted AFTER UPDATE OF parent ON child FOR EACH ROW EXECUTE FUNCTION note();
    INSERT INTO parent VALUES (1), (2);
    INSERT INTO child VALUES (1, 1), (2, 1), (3, 2);
"""

CASCADES = (
    Case(
        "a delete that cascades over two levels into a trigger",
        _FAMILY,
        "DELETE FROM parent WHERE id = 1",
        {
            "public.parent": (0, 0, 1), "public.child": (0, 0, 2), "public.grandchild": (0, 0, 4),
            "public.diary": (4, 0, 0),
        },
        causes=(
            ("public.child", "DELETE", 2, ("public.parent: DELETE", "foreign key child_parent_fkey")),
            (
                "public.grandchild", "DELETE", 4,
                ("public.parent: DELETE", "foreign key child_parent_fkey",
                 "public.child: DELETE", "foreign key grandchild_child_fkey"),
            ),
            (
                "public.diary", "INSERT", 4,
                ("public.parent: DELETE", "foreign key child_parent_fkey",
                 "public.child: DELETE", "foreign key grandchild_child_fkey",
                 "public.grandchild: DELETE", "trigger noted", "function public.note"),
            ),
        ),
    ),
    Case(
        "an update of a key that cascades",
        _FAMILY,
        "UPDATE parent SET id = 10 WHERE id = 2",
        {"public.parent": (0, 1, 0), "public.child": (0, 2, 0)},
        causes=(("public.child", "UPDATE", 2, ("public.parent: UPDATE", "foreign key child_parent_fkey")),),
    ),
    Case(
        "ON DELETE SET NULL",
        _CHILD_OF.format(action="ON DELETE SET NULL"),
        "DELETE FROM parent WHERE id = 1",
        {"public.parent": (0, 0, 1), "public.child": (0, 2, 0), "public.diary": (2, 0, 0)},
    ),
    Case(
        "ON DELETE SET DEFAULT",
        _CHILD_OF.format(action="ON DELETE SET DEFAULT"),
        "DELETE FROM parent WHERE id = 1",
        {"public.parent": (0, 0, 1), "public.child": (0, 2, 0), "public.diary": (2, 0, 0)},
    ),
    Case(
        "ON UPDATE SET NULL",
        _CHILD_OF.format(action="ON UPDATE SET NULL"),
        "UPDATE parent SET id = 7 WHERE id = 1",
        {"public.parent": (0, 1, 0), "public.child": (0, 2, 0), "public.diary": (2, 0, 0)},
    ),
    Case(
        "a deferred foreign key whose action comes with its statement",
        _CHILD_OF.format(action="ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"),
        "BEGIN; DELETE FROM parent; COMMIT",
        {"public.parent": (0, 0, 2), "public.child": (0, 0, 3)},
        undone=False,
    ),
    Case(
        "a table that refers to itself",
        """
        CREATE TABLE node (id int PRIMARY KEY, up int REFERENCES node ON DELETE CASCADE);
        INSERT INTO node SELECT g, NULLIF(g / 2, 0) FROM generate_series(1, 15) AS g;
        """,
        "DELETE FROM node WHERE id = 2",
        {"public.node": (0, 0, 7)},
    ),
    Case(
        "two children of one parent, one of which restricts nothing",
        """
        CREATE TABLE parent (id int PRIMARY KEY);
        CREATE TABLE one (parent int REFERENCES parent ON DELETE CASCADE);
        CREATE TABLE two (parent int REFERENCES parent ON DELETE SET NULL);
        INSERT INTO parent VALUES (1), (2);
        INSERT INTO one VALUES (1), (1), (2);
        INSERT INTO two VALUES (1), (2), (2);
        """,
        "DELETE FROM parent WHERE id = 1",
        {"public.parent": (0, 0, 1), "public.one": (0, 0, 2), "public.two": (0, 1, 0)},
        causes=(
            ("public.one", "DELETE", 2, ("public.parent: DELETE", "foreign key one_parent_fkey")),
            ("public.two", "UPDATE", 1, ("public.parent: DELETE", "foreign key two_parent_fkey")),
        ),
    ),
    Case(
        "a partitioned parent and a partitioned child",
        """
        CREATE TABLE parent (id int PRIMARY KEY) PARTITION BY RANGE (id);
        CREATE TABLE parent_low PARTITION OF parent FOR VALUES FROM (0) TO (10);
        CREATE TABLE parent_high PARTITION OF parent FOR VALUES FROM (10) TO (20);
        CREATE TABLE child (id int, parent int REFERENCES parent ON DELETE CASCADE) PARTITION BY LIST (parent);
        CREATE TABLE child_1 PARTITION OF child FOR VALUES IN (1);
        CREATE TABLE child_rest PARTITION OF child DEFAULT;
        INSERT INTO parent VALUES (1), (2), (11);
        INSERT INTO child VALUES (1, 1), (2, 1), (3, 2), (4, 11);
        """,
        "DELETE FROM parent WHERE id IN (1, 11)",
        {
            "public.parent_low": (0, 0, 1), "public.parent_high": (0, 0, 1), "public.child_1": (0, 0, 2),
            "public.child_rest": (0, 0, 1),
        },
    ),
    Case(
        "a rule that writes beside",
        """
        CREATE TABLE item (id int);
        CREATE TABLE diary (id int);
        CREATE RULE beside AS ON INSERT TO item DO ALSO INSERT INTO diary VALUES (NEW.id), (NEW.id);
        """,
        "INSERT INTO item SELECT generate_series(1, 3)",
        {"public.item": (3, 0, 0), "public.diary": (6, 0, 0)},
    ),
    Case(
        "a rule that writes instead",
        """
        CREATE TABLE item (id int, gone bool DEFAULT false);
        CREATE RULE keeps AS ON DELETE TO item DO INSTEAD UPDATE item SET gone = true WHERE id = OLD.id;
        INSERT INTO item SELECT generate_series(1, 4);
        """,
        "DELETE FROM item WHERE id < 3",
        {"public.item": (0, 2, 0)},
    ),
    Case(
        "a view whose trigger writes two tables",
        """
        CREATE TABLE a (id int);
        CREATE TABLE b (id int);
        CREATE VIEW a_and_b AS SELECT id FROM a;
        CREATE FUNCTION split() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO a VALUES (NEW.id); INSERT INTO b VALUES (NEW.id), (-NEW.id); RETURN NEW; END $$;
        CREATE TRIGGER splits INSTEAD OF INSERT ON a_and_b FOR EACH ROW EXECUTE FUNCTION split();
        """,
        "INSERT INTO a_and_b VALUES (1), (2)",
        {"public.a": (2, 0, 0), "public.b": (4, 0, 0)},
        causes=(
            ("public.b", "INSERT", 4, ("public.a_and_b: INSERT", "trigger splits", "function public.split")),
        ),
    ),
    Case(
        "a view that writes through",
        """
        CREATE TABLE item (id int, kind text DEFAULT 'x');
        CREATE VIEW v AS SELECT * FROM item WHERE kind = 'x';
        INSERT INTO item VALUES (1), (2); INSERT INTO item VALUES (3, 'y');
        """,
        "UPDATE v SET kind = 'z'",
        {"public.item": (0, 2, 0)},
    ),
)  # fmt: skip
