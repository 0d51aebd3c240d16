"""psql is the oracle of the stage: the same script gives the same tags, errors and rows, in psql for good, on the stage not.

Each script runs twice on databases of the same content: through real psql, which commits, and through a rehearsal. Compared
are the command tags and SQLSTATEs in order, and the rows that psql left with those that the rehearsal says it would leave.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from pgrehearse.evidence.document import Document
from pgrehearse.pg.session import Session
from pgrehearse.plan.planfile import PlanFile
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.script.source import make_source
from pgrehearse.server import Server
from pgrehearse.stage.clearance import IDENTITY, Clearance

SCHEMA = """
CREATE TABLE parent (id int PRIMARY KEY, note text);
CREATE TABLE child (
    id int PRIMARY KEY,
    parent int CONSTRAINT child_parent_fkey REFERENCES parent DEFERRABLE INITIALLY DEFERRED,
    now_parent int CONSTRAINT child_now_fkey REFERENCES parent DEFERRABLE INITIALLY IMMEDIATE
);
CREATE TABLE log (what text);
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.note = 'forbidden' THEN RAISE EXCEPTION 'forbidden at commit' USING ERRCODE = 'P0042'; END IF;
    INSERT INTO log VALUES ('late ' || NEW.id);
    RETURN NULL;
END; $$;
CREATE CONSTRAINT TRIGGER parent_late AFTER INSERT ON parent DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION late();
INSERT INTO parent VALUES (1, 'one');
TRUNCATE log;
"""

SCRIPTS = {
    "autocommit": "INSERT INTO parent VALUES (2); INSERT INTO parent VALUES (3);",
    "a block": "BEGIN; INSERT INTO parent VALUES (2); INSERT INTO child VALUES (1, 2); COMMIT;",
    "a deferred key that is met in time": "BEGIN; INSERT INTO child VALUES (1, 7); INSERT INTO parent VALUES (7); COMMIT;",
    "a deferred key that fails at commit": (
        "BEGIN; INSERT INTO child VALUES (1, 7); COMMIT; INSERT INTO parent VALUES (8);"
    ),
    "a deferred key that fails in autocommit": "INSERT INTO child VALUES (1, 7); INSERT INTO parent VALUES (8);",
    "a deferred trigger that refuses": "BEGIN; INSERT INTO parent VALUES (2, 'forbidden'); COMMIT; SELECT 1;",
    "a deferred trigger in autocommit": "INSERT INTO parent VALUES (2, 'forbidden'); INSERT INTO parent VALUES (3);",
    "what a deferred trigger wrote is seen behind it": (
        "INSERT INTO parent VALUES (2); INSERT INTO log SELECT 'seen ' || count(*) FROM log;"
    ),
    "an error in a block": "BEGIN; INSERT INTO parent VALUES (2); SELECT 1/0; INSERT INTO parent VALUES (3); COMMIT; SELECT 1;",
    "an error that stops": "\\set ON_ERROR_STOP on\nINSERT INTO parent VALUES (2); SELECT 1/0; INSERT INTO parent VALUES (3);",
    "an error that does not stop": "INSERT INTO parent VALUES (2); SELECT 1/0; INSERT INTO parent VALUES (3);",
    "on_error_rollback": (
        "\\set ON_ERROR_ROLLBACK on\nBEGIN; INSERT INTO parent VALUES (2); SELECT 1/0; INSERT INTO parent VALUES (3); COMMIT;"
    ),
    "on_error_rollback and the script's own savepoints": (
        "\\set ON_ERROR_ROLLBACK on\nBEGIN; SAVEPOINT a; INSERT INTO parent VALUES (2); ROLLBACK TO a; SELECT 1/0;"
        " RELEASE a; INSERT INTO parent VALUES (3); COMMIT;"
    ),
    "savepoints": (
        "BEGIN; INSERT INTO parent VALUES (2); SAVEPOINT a; INSERT INTO parent VALUES (3); ROLLBACK TO a;"
        " INSERT INTO parent VALUES (4); RELEASE a; COMMIT;"
    ),
    "a savepoint outside a block": "SAVEPOINT a; INSERT INTO parent VALUES (2); ROLLBACK TO a; RELEASE a;",
    "lock and cursor outside a block": (
        "LOCK TABLE parent; DECLARE c CURSOR FOR SELECT 1; DECLARE d CURSOR WITH HOLD FOR SELECT 1; INSERT INTO parent VALUES (2);"
    ),
    "isolation after a query": "BEGIN; SELECT 1; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; INSERT INTO parent VALUES (2); COMMIT;",
    "isolation after a query, the same": (
        "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; INSERT INTO parent VALUES (2); COMMIT;"
        " BEGIN; SELECT 1; SET TRANSACTION ISOLATION LEVEL READ COMMITTED; INSERT INTO parent VALUES (3); COMMIT;"
    ),
    "isolation before any query": (
        "BEGIN; SET LOCAL work_mem = '1MB'; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; INSERT INTO parent VALUES (2); COMMIT;"
    ),
    "isolation in a savepoint": "BEGIN; SAVEPOINT s; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; COMMIT;",
    "isolation in a failed block": "BEGIN; SELECT 1/0; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; COMMIT;",
    "isolation and read-only at once": (
        "BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; INSERT INTO parent VALUES (2); COMMIT;"
    ),
    "read-only, then not": "BEGIN READ ONLY; SET TRANSACTION READ WRITE; INSERT INTO parent VALUES (2); COMMIT;",
    "read-only, then a query, then not": "BEGIN READ ONLY; SELECT 1; SET TRANSACTION READ WRITE; INSERT INTO parent VALUES (2); COMMIT;",
    "read-only in a savepoint": "BEGIN; SAVEPOINT s; SET TRANSACTION READ ONLY; RELEASE s; INSERT INTO parent VALUES (2); COMMIT;",
    "read-only and chained": "BEGIN READ ONLY; COMMIT AND CHAIN; INSERT INTO parent VALUES (2); COMMIT; INSERT INTO parent VALUES (3);",
    "read-only by SET and chained": (
        "BEGIN; SET TRANSACTION READ ONLY; ROLLBACK AND CHAIN; INSERT INTO parent VALUES (2); ROLLBACK;"
    ),
    "deferrable": "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE; SELECT 1; COMMIT; BEGIN; SET TRANSACTION DEFERRABLE; COMMIT;",
    "read-only by default": (
        "SET default_transaction_read_only = on; INSERT INTO parent VALUES (2); BEGIN; INSERT INTO parent VALUES (2); COMMIT;"
        " BEGIN READ WRITE; INSERT INTO parent VALUES (3); COMMIT; RESET default_transaction_read_only;"
        " INSERT INTO parent VALUES (4);"
    ),
    "read-only by characteristics": (
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; INSERT INTO parent VALUES (2);"
        " SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; INSERT INTO parent VALUES (3);"
    ),
    "a default that is rolled back": (
        "BEGIN; SET default_transaction_read_only = on; ROLLBACK; INSERT INTO parent VALUES (2); RESET ALL;"
        " INSERT INTO parent VALUES (3); SET default_transaction_read_only TO DEFAULT; INSERT INTO parent VALUES (4);"
    ),
    "a default that a block sets": (
        "BEGIN; SET default_transaction_read_only = on; INSERT INTO parent VALUES (2); COMMIT; INSERT INTO parent VALUES (3);"
        " SELECT current_setting('default_transaction_read_only');"
    ),
    "the default that a script sees": "SELECT current_setting('default_transaction_read_only'), current_setting('transaction_read_only');",
    "a cursor after its block": "BEGIN; DECLARE c CURSOR FOR SELECT 1; FETCH c; COMMIT; FETCH c; SELECT 2;",
    "a cursor with hold after its block": "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1; DECLARE d CURSOR FOR SELECT 2; COMMIT; FETCH c; FETCH d; CLOSE c;",
    "lock and cursor in a block": "BEGIN; LOCK TABLE parent; DECLARE c CURSOR FOR SELECT 1; FETCH c; CLOSE c; COMMIT;",
    "commit and rollback outside": "COMMIT; ROLLBACK; END; ABORT; INSERT INTO parent VALUES (2);",
    "begin twice": "BEGIN; BEGIN; INSERT INTO parent VALUES (2); COMMIT; COMMIT;",
    "chain": "BEGIN; INSERT INTO parent VALUES (2); COMMIT AND CHAIN; INSERT INTO parent VALUES (3); ROLLBACK AND CHAIN; INSERT INTO parent VALUES (4); COMMIT;",
    "a block that is left open": "INSERT INTO parent VALUES (2); BEGIN; INSERT INTO parent VALUES (3);",
    "set constraints all immediate": (
        "BEGIN; SET CONSTRAINTS ALL IMMEDIATE; INSERT INTO parent VALUES (2); INSERT INTO child VALUES (1, 7); COMMIT; INSERT INTO parent VALUES (3);"
    ),
    "set constraints all immediate, too late": (
        "BEGIN; INSERT INTO child VALUES (1, 7); SET CONSTRAINTS ALL IMMEDIATE; COMMIT; INSERT INTO parent VALUES (3);"
    ),
    "set constraints by name, and forgotten after the block": (
        "BEGIN; SET CONSTRAINTS child_now_fkey DEFERRED; INSERT INTO child VALUES (1, NULL, 9); INSERT INTO parent VALUES (9); COMMIT;"
        " INSERT INTO child VALUES (2, NULL, 10);"
    ),
    "set constraints outside": "SET CONSTRAINTS ALL IMMEDIATE; INSERT INTO parent VALUES (2);",
    "read only": "BEGIN READ ONLY; SELECT 1; INSERT INTO parent VALUES (2); ROLLBACK; INSERT INTO parent VALUES (3);",
    "start transaction": "START TRANSACTION; INSERT INTO parent VALUES (2); END WORK;",
    "a group": "INSERT INTO parent VALUES (2) \\; INSERT INTO parent VALUES (3);",
    "a group that fails is undone whole": "INSERT INTO parent VALUES (2) \\; SELECT 1/0 \\; INSERT INTO parent VALUES (3); INSERT INTO parent VALUES (4);",
    "a group that commits in its middle": (
        "INSERT INTO parent VALUES (2) \\; COMMIT \\; INSERT INTO parent VALUES (3) \\; SELECT 1/0; INSERT INTO parent VALUES (4);"
    ),
    "a group that begins behind a statement": (
        "INSERT INTO parent VALUES (2) \\; /* now */ BEGIN \\; INSERT INTO parent VALUES (3); INSERT INTO parent VALUES (4); COMMIT;"
    ),
    "gset of a special variable": "SELECT 'off' AS \"AUTOCOMMIT\", 1 AS n \\gset\nINSERT INTO parent VALUES (:n + 1);\n",
    "gset without a row": "SELECT 1 AS n WHERE false \\gset\nINSERT INTO parent VALUES (2);\n",
    "close_prepared": (
        "INSERT INTO parent VALUES ($1) \\parse ins\n\\bind_named ins 2 \\g\n\\close_prepared ins\n\\bind_named ins 3 \\g\n"
    ),
    "a group that begins": "BEGIN \\; INSERT INTO parent VALUES (2); INSERT INTO parent VALUES (3); ROLLBACK;",
    "autocommit off": "\\set AUTOCOMMIT off\nINSERT INTO parent VALUES (2); COMMIT; INSERT INTO parent VALUES (3);",
    "gset and gexec": (
        "SELECT 5 AS n \\gset\nINSERT INTO parent VALUES (:n);\n"
        "SELECT format('INSERT INTO parent VALUES (%s)', g) FROM generate_series(20, 22) AS g \\gexec\n"
    ),
    "gexec that holds transaction control": (
        "SELECT unnest(ARRAY['BEGIN', 'INSERT INTO parent VALUES (2)', 'ROLLBACK', 'INSERT INTO parent VALUES (3)']) \\gexec\n"
    ),
    "a variable that holds transaction control": "\\set end COMMIT\nBEGIN; INSERT INTO parent VALUES (2); :end; INSERT INTO parent VALUES (3);",
    "conditions on what a statement gave": (
        "SELECT 1/0;\n\\if :ERROR\nINSERT INTO log VALUES (:'SQLSTATE');\n\\else\nINSERT INTO log VALUES ('fine');\n\\endif\n"
        "INSERT INTO parent VALUES (2), (3);\nINSERT INTO log VALUES (:'ROW_COUNT');\n"
    ),
    "bind": "INSERT INTO parent VALUES ($1, $2) \\bind 2 two \\g\n",
    "parse and bind_named": "INSERT INTO parent VALUES ($1, $2) \\parse ins\n\\bind_named ins 2 two \\g\n\\bind_named ins 3 three \\g\n",
    "copy": "COPY parent FROM STDIN;\n2\ttwo\n3\t\\N\n\\.\nINSERT INTO parent VALUES (4);\n",
    "copy with bad data": "COPY parent FROM STDIN;\n2\ttwo\nx\ty\n\\.\nINSERT INTO parent VALUES (4);\n",
    "copy that fails before its data": "CREATE VIEW v AS TABLE parent;\nCOPY v FROM STDIN;\n2\ttwo\n3\tthree\n\\.\n"
    "INSERT INTO parent VALUES (4) RETURNING id;\nSELECT count(*) FROM parent;\n",
    "copy that a trigger refuses": "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;\n"
    "CREATE TRIGGER t BEFORE INSERT ON parent EXECUTE FUNCTION f();\n/* a */ COPY parent FROM STDIN;\n2\ttwo\n\\.\n"
    "SELECT count(*) FROM parent;\n",
    "copy in a failed block": "BEGIN; SELECT 1/0; ROLLBACK; COPY parent FROM STDIN;\n2\ttwo\n\\.\n",
    "temporary tables": "CREATE TEMP TABLE t AS SELECT 1 AS a; INSERT INTO parent SELECT a + 1 FROM t; DROP TABLE t;",
    "ddl": "CREATE TABLE made (n int); INSERT INTO made VALUES (1); ALTER TABLE made ADD COLUMN m int; DROP TABLE made; INSERT INTO parent VALUES (2);",
    "settings of a block end with it": (
        "CREATE SCHEMA s; CREATE TABLE s.log (what text); BEGIN; SET LOCAL search_path = s; INSERT INTO log VALUES ('in s'); COMMIT;"
        " INSERT INTO log VALUES ('in public');"
    ),
    "a setting of the session stays": (
        "CREATE SCHEMA s; CREATE TABLE s.log (what text); SET search_path = s, public; INSERT INTO log VALUES ('in s');"
    ),
    "quit": "INSERT INTO parent VALUES (2);\n\\q\nINSERT INTO parent VALUES (3);\n",
}

TAKEN_BACK = ("autocommit off", "a block that is left open", "a group that begins")

TAG = re.compile(r"^[A-Z][A-Z ]*( \d+)*$")
ERROR = re.compile(r"ERROR:\s+(\w{5}):", re.MULTILINE)


@pytest.fixture
def prepared(plain_database: str) -> str:
    with psycopg.connect(plain_database, autocommit=True) as session:
        session.execute(SCHEMA)
    return plain_database


def by_psql(server: Server, conninfo: str, script: Path) -> tuple[list[str], list[str]]:
    """The tags and SQLSTATEs that psql shows."""
    psql = server.binaries.program("psql")
    if server.binaries.major < 18 and any(word in script.read_text() for word in ("\\bind", "\\parse")):
        pytest.skip("psql before 18 does not know all of it")
    ended = subprocess.run(
        [psql, "-X", "-f", script, "-v", "VERBOSITY=verbose", "-P", "footer=off", "-t", conninfo],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    tags = [line for line in ended.stdout.splitlines() if TAG.match(line)]
    return tags, ERROR.findall(ended.stderr)


def by_rehearsal(conninfo: str, script: Path) -> tuple[list[str], list[str], Document]:
    """The same of a rehearsal, and its evidence."""
    with Session(conninfo) as session:
        database, oid, identifier, _ = session.fetch(IDENTITY)[0]
    clearance = Clearance(database, oid, identifier, "clone", ("a database of this test",))
    text = script.read_text()
    source = make_source(str(script), text.encode(), folder=script.parent)
    document = rehearse(source, PlanFile(), conninfo, clearance, Options()).evidence
    steps = [step for step in document.steps if step.kind == "sql"]
    tags = [
        step.tag for step in steps if TAG.match(step.tag) and not step.tag.startswith(("SELECT", "FETCH"))
    ]
    errors = [step.sqlstate for step in steps if step.sqlstate]
    return tags, errors, document


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_stage_does_what_psql_does(server: Server, prepared: str, tmp_path: Path, name: str) -> None:
    script = tmp_path / "script.sql"
    script.write_text(SCRIPTS[name])
    before = _rows(prepared)

    rehearsed_tags, rehearsed_errors, document = by_rehearsal(prepared, script)
    assert _rows(prepared) == before
    psql_tags, psql_errors = by_psql(server, prepared, script)

    assert rehearsed_errors == psql_errors
    assert rehearsed_tags == [tag for tag in psql_tags if not tag.startswith(("SELECT", "FETCH"))]
    after = _rows(prepared)
    grown = {
        table: after[table] - before.get(table, 0) for table in after if after[table] != before.get(table, 0)
    }
    would_leave = {
        rows.table: rows.inserted - rows.deleted
        for rows in document.effects.rows
        if rows.inserted != rows.deleted and rows.table in after
    }
    # What the script itself takes back counts where it commits nothing else (ADR 0003): psql leaves nothing of it.
    assert would_leave == grown or name in TAKEN_BACK
    assert document.rollback.proved


def _rows(conninfo: str) -> dict[str, int]:
    with psycopg.connect(conninfo) as session:
        tables = session.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('public', 's')"
        ).fetchall()
        return {t: session.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for (t,) in tables}  # type: ignore[index,call-overload]
