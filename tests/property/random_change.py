"""Random schemas with random triggers, and random changes to them: SQL text from a seeded source of chance."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

_ACTIONS = ("CASCADE", "CASCADE", "CASCADE", "SET NULL", "SET NULL", "SET DEFAULT", "NO ACTION")
_DEPTH = 4
"""Triggers stop writing here, for two of them may call each other."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What is there: its SQL, the relations that take DML, and those that take TRUNCATE and DROP."""

    sql: str
    targets: tuple[str, ...]
    tables: tuple[str, ...]


def make_schema(chance: Random) -> Schema:
    """Some tables of each kind, keys that act between them, rules, a view, and triggers on all of them."""
    tables = [f"t{n}" for n in range(chance.randint(3, 5))]
    parts = [_table(chance, name, tables[:n]) for n, name in enumerate(tables)]
    parts += [
        f"INSERT INTO {name} (id, v) SELECT g, g % 4 FROM generate_series(1, 8) AS g;" for name in tables
    ]
    parts += [f"UPDATE {name} SET ref = 1 + id % 5 WHERE id % 3 > 0;" for name in tables]
    parts += ["SET CONSTRAINTS ALL IMMEDIATE;"]
    parts += [_view(tables[0]), _rule(chance, tables)]
    parts += [_trigger(chance, n, tables) for n in range(chance.randint(4, 9))]
    return Schema("\n".join(parts), (*tables, "seen"), tuple(tables))


def make_change(chance: Random, schema: Schema) -> str:
    """A few statements, some of them in savepoints that are undone, some with their errors caught."""
    return ";\n".join(_step(chance, schema) for _ in range(chance.randint(2, 5)))


# Schemas -------------------------------------------------------------------------------------------------------------


def _table(chance: Random, name: str, earlier: list[str]) -> str:
    plain = "id int, v int DEFAULT 0, ref int DEFAULT 2, twice int GENERATED ALWAYS AS (id * 2) STORED"
    key = ""
    if earlier and chance.random() < 0.7:
        delete, update = chance.choice(_ACTIONS), chance.choice(_ACTIONS)
        key = f", FOREIGN KEY (ref) REFERENCES {chance.choice(earlier)} ON DELETE {delete} ON UPDATE {update}"
        key += chance.choice(["", " DEFERRABLE INITIALLY DEFERRED"])
    kind = chance.choice(["plain", "plain", "plain", "partitioned", "inherited", "unlogged"])
    if kind == "partitioned":
        return (
            f"CREATE TABLE {name} ({plain}, PRIMARY KEY (id){key}) PARTITION BY RANGE (id);"
            f"CREATE TABLE {name}_low PARTITION OF {name} FOR VALUES FROM (MINVALUE) TO (5);"
            f"CREATE TABLE {name}_high PARTITION OF {name} FOR VALUES FROM (5) TO (MAXVALUE);"
        )
    if kind == "inherited":
        return (
            f"CREATE TABLE {name} ({plain}, PRIMARY KEY (id){key});"
            f"CREATE TABLE {name}_kin () INHERITS ({name});"
            f"INSERT INTO {name}_kin (id, v) SELECT g, g FROM generate_series(20, 24) AS g;"
        )
    # A logged table may not refer to an unlogged one; the first table is the one that all may refer to.
    unlogged = "UNLOGGED " if kind == "unlogged" and not key and not name.endswith(("0", "1", "2")) else ""
    return f"CREATE {unlogged}TABLE {name} ({plain}, PRIMARY KEY (id){key});"


def _view(table: str) -> str:
    return f"""
        CREATE VIEW seen AS SELECT id, v, ref FROM {table};
        CREATE FUNCTION seen_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF TG_OP = 'DELETE' THEN DELETE FROM {table} WHERE id = OLD.id; RETURN OLD; END IF;
            IF TG_OP = 'INSERT' THEN INSERT INTO {table} (id, v) VALUES (NEW.id, NEW.v); RETURN NEW; END IF;
            UPDATE {table} SET v = NEW.v WHERE id = OLD.id; RETURN NEW;
        END $$;
        CREATE TRIGGER seen_changes INSTEAD OF INSERT OR UPDATE OR DELETE ON seen
            FOR EACH ROW EXECUTE FUNCTION seen_change();
    """


def _rule(chance: Random, tables: list[str]) -> str:
    if chance.random() < 0.7:
        return ""
    table, other = chance.choice(tables), chance.choice(tables)
    return (
        f"CREATE RULE beside AS ON UPDATE TO {table} DO ALSO DELETE FROM {other} WHERE id = OLD.id + 1;"
        * (table != other)
    )


def _trigger(chance: Random, number: int, tables: list[str]) -> str:
    table = chance.choice(tables)
    level, timing = chance.choice(["ROW", "STATEMENT"]), chance.choice(["BEFORE", "AFTER", "AFTER"])
    events = chance.sample(["INSERT", "UPDATE", "DELETE"], chance.randint(1, 3))
    constraint, deferred = "", ""
    if level == "ROW" and timing == "AFTER" and chance.random() < 0.4:
        constraint, deferred = "CONSTRAINT ", "DEFERRABLE INITIALLY DEFERRED "
    body = _effect(chance, tables)
    result = "NULL"
    if level == "ROW" and timing == "BEFORE":
        swallow = f"IF COALESCE(NEW.id, OLD.id) % {chance.randint(3, 6)} = 0 THEN RETURN NULL; END IF;"
        body += swallow if chance.random() < 0.4 else ""
        result = "COALESCE(NEW, OLD)"
    name = chance.choice([f"trigger_{number}", f'"Ä {number}"', f'"{number}!"', f'"{number} "'])
    return f"""
        CREATE FUNCTION f{number}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF pg_trigger_depth() < {_DEPTH} THEN {body} END IF;
            RETURN {result};
        END $$;
        CREATE {constraint}TRIGGER {name} {timing} {" OR ".join(events)} ON {table}
            {deferred}FOR EACH {level} EXECUTE FUNCTION f{number}();
        {chance.choice(["", "", f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name};"])}
    """


def _effect(chance: Random, tables: list[str]) -> str:
    """What the body of a trigger does: one or two changes, each of which may fail and be caught."""
    effects = []
    for _ in range(chance.randint(1, 2)):
        change = _simple(chance, chance.choice(tables))
        caught = f"BEGIN {change}; {chance.choice(['', 'RAISE EXCEPTION $q$no$q$;'])}"
        caught += " EXCEPTION WHEN OTHERS THEN NULL; END;"
        effects.append(caught)
    return " ".join(effects)


# Changes -------------------------------------------------------------------------------------------------------------


def _simple(chance: Random, target: str) -> str:
    low = chance.randint(1, 12)
    where = f"id BETWEEN {low} AND {low + chance.randint(0, 4)}"
    first = chance.choice([chance.randint(1, 12), chance.randint(100, 10**6)])
    rows = f"SELECT g, g % 3 FROM generate_series({first}, {first + chance.randint(0, 4)}) AS g"
    return chance.choice(
        [
            f"INSERT INTO {target} (id, v) {rows}",
            f"UPDATE {target} SET v = COALESCE(v, 0) + 1 WHERE {where}",
            f"UPDATE {target} SET v = v WHERE {where}",
            f"DELETE FROM {target} WHERE {where}",
        ]
    )


def _statement(chance: Random, schema: Schema) -> str:
    table, other = chance.choice(schema.tables), chance.choice(schema.tables)
    first = chance.randint(1, 12)
    rows = f"SELECT g AS id, 1 AS v FROM generate_series({first}, {first + 5}) AS g"
    made = f"made_{chance.randint(1, 10**9)}"
    return chance.choice(
        [
            *[_simple(chance, chance.choice(schema.targets)) for _ in range(12)],
            f"UPDATE {table} SET id = id + 30 WHERE id < {first}",
            f"INSERT INTO {table} (id, v) {rows} ON CONFLICT (id) DO UPDATE SET v = 9",
            f"INSERT INTO {table} (id, v) {rows} ON CONFLICT DO NOTHING",
            (
                f"MERGE INTO {table} AS m USING ({rows}) AS s ON m.id = s.id WHEN MATCHED AND s.id % 2 = 0 THEN DELETE"
                " WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)"
            ),
            (
                f"WITH gone AS (DELETE FROM {table} WHERE id < {first} RETURNING id)"
                f" INSERT INTO {other} (id) SELECT id + 70 FROM gone"
            ),
            f"TRUNCATE {table} CASCADE",
            f"CREATE TABLE {made} AS SELECT * FROM {table}",
            (
                f"DO $do$ BEGIN CREATE TABLE {made} AS SELECT id FROM {table}; DELETE FROM {made} WHERE id < 5;"
                f" UPDATE {made} SET id = 0; END $do$"
            ),
            f"DROP TABLE {table} CASCADE",
            f"ALTER TABLE {table} ALTER v TYPE bigint",
            f"ALTER TABLE {table} RENAME TO {made}",
            f"ALTER TABLE {table} DISABLE TRIGGER USER",
        ]
    )


def _step(chance: Random, schema: Schema) -> str:
    statement = _statement(chance, schema)
    match chance.randint(1, 10):
        case 1 | 2:
            return f"SAVEPOINT s;\n{statement};\nROLLBACK TO s"
        case 3 | 4:
            return f"SAVEPOINT s;\n{statement};\nRELEASE s"
        case 5:
            return f"DO $try$ BEGIN {statement}; RAISE 'no'; EXCEPTION WHEN OTHERS THEN NULL; END $try$"
        case 6 | 7 | 8:
            return f"DO $try$ BEGIN {statement}; EXCEPTION WHEN OTHERS THEN NULL; END $try$"
        case _:
            return statement
