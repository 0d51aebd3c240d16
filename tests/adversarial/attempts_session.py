"""Attempts to blind the observers, to leave something behind, and to wear the rehearsal out."""

from __future__ import annotations

from attempt import GO, INCONCLUSIVE, NO_GO, RESIDUE, Attempt

_INSERT = "INSERT INTO audit (what) VALUES ('stays');"
_LOW = "CREATE ROLE low_one; GRANT USAGE ON SCHEMA public TO low_one; GRANT ALL ON ALL TABLES IN SCHEMA public TO low_one;"


def _setting(setting: str) -> Attempt:
    return Attempt(f"{setting} is set", f"SET {setting};\n{_INSERT}\nBEGIN; {_INSERT} COMMIT;", GO)


BLINDING = (
    *(_setting(s) for s in (
        "client_min_messages = error", "bytea_output = escape",
        "quote_all_identifiers = on", "transform_null_equals = on", "standard_conforming_strings = off", "backslash_quote = on",
        "client_encoding = 'LATIN1'", "extra_float_digits = -15", "DateStyle = 'SQL, DMY'", "session_replication_role = replica",
        "default_transaction_read_only = off", "default_transaction_isolation = serializable", "default_transaction_deferrable = on",
        "lock_timeout = 1", "row_security = off", "default_tablespace = ''", "track_functions = none", "track_counts = off",
        "debug_print_parse = on", "log_min_messages = debug5", "plan_cache_mode = force_generic_plan", "jit = off",
        "xmloption = document", "array_nulls = off", "check_function_bodies = off", "work_mem = 64",
        "max_stack_depth = 100", "exit_on_error = off", "zero_damaged_pages = on",
    )),
    Attempt("temp_buffers is set, which the guard is in the way of", "SET temp_buffers = '1MB';", INCONCLUSIVE, "temp_buffers"),
    Attempt("search_path is empty", "SET search_path = ''; INSERT INTO public.audit (what) VALUES ('x');", GO),
    Attempt("the script takes another role", f"{_LOW} SET ROLE low_one;\n{_INSERT}\nRESET ROLE;", GO),
    Attempt("the script keeps another role", f"{_LOW} SET ROLE low_one;\n{_INSERT}\nBEGIN; {_INSERT} COMMIT;", GO),
    Attempt("the script is somebody else", f"{_LOW} SET SESSION AUTHORIZATION low_one;\n{_INSERT}\nBEGIN; {_INSERT} ROLLBACK;", GO),
    Attempt("a block has another role", f"{_LOW} BEGIN; SET LOCAL ROLE low_one; {_INSERT} COMMIT; {_INSERT}", GO),
    Attempt("a function takes another role", f"{_LOW} DO $$ BEGIN PERFORM set_config('role', 'low_one', false); END $$;\n{_INSERT}", GO),
    Attempt("another role may not do what the script asks", "CREATE ROLE low_one; SET ROLE low_one; DELETE FROM account;", NO_GO, "42501"),
    Attempt("another role may call no function at all",
            f"{_LOW} REVOKE ALL ON ALL FUNCTIONS IN SCHEMA pg_catalog FROM PUBLIC; SET ROLE low_one; {_INSERT}", INCONCLUSIVE, "42501"),
    Attempt("functions of the catalog are shadowed",
            "CREATE SCHEMA evil; CREATE FUNCTION evil.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT 'debug1' $$;"
            "CREATE FUNCTION evil.pg_stat_get_xact_tuples_inserted(oid) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';"
            f"SET search_path = evil, public, pg_catalog; {_INSERT} BEGIN; {_INSERT} COMMIT;", GO, '"table":"public.audit","inserted":2'),
    Attempt("operators of the catalog are shadowed",
            "CREATE SCHEMA evil; CREATE FUNCTION evil.never(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT false';"
            "CREATE OPERATOR evil.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = evil.never);"
            f"SET search_path = evil, public, pg_catalog; {_INSERT}", GO, '"table":"public.audit","inserted":1'),
    Attempt("dynamic SQL shadows the catalog that tells deferred work",
            "DO $$ BEGIN EXECUTE 'CREATE TE' || 'MP TABLE pg_constraint (LIKE pg_catalog.pg_constraint)'; END $$;"
            " INSERT INTO entry (account, amount) VALUES (99, 1);", NO_GO, "violates foreign key", sequences=("public.entry_id_seq",)),
    Attempt("dynamic SQL shadows it in the very statement",
            "DO $$ BEGIN EXECUTE 'CREATE TE' || 'MP TABLE pg_namespace (LIKE pg_catalog.pg_namespace)';"
            " INSERT INTO entry (account, amount) VALUES (99, 1); END $$;", NO_GO, "violates foreign key", sequences=("public.entry_id_seq",)),
    Attempt("a temporary table gets the name of a catalog later",
            "CREATE TEMP TABLE harmless (LIKE pg_catalog.pg_constraint); ALTER TABLE harmless RENAME TO pg_constraint;"
            " INSERT INTO entry (account, amount) VALUES (99, 1);", NO_GO, "violates foreign key", sequences=("public.entry_id_seq",)),
    Attempt("dynamic SQL puts another schema before the catalog",
            "CREATE SCHEMA evil; CREATE TABLE evil.pg_constraint (LIKE pg_catalog.pg_constraint);"
            "DO $$ BEGIN PERFORM set_config('search' || '_path', 'evil, public, pg_catalog', false); END $$;"
            " INSERT INTO entry (account, amount) VALUES (99, 1);", NO_GO, "violates foreign key", sequences=("public.entry_id_seq",)),
    Attempt("tables of the catalog are shadowed",
            f"CREATE TEMP TABLE pg_class (oid oid); CREATE TEMP TABLE pg_proc (oid oid); {_INSERT}", GO, '"table":"public.audit","inserted":1'),
    Attempt("views of the server are shadowed", f"CREATE TEMP VIEW pg_locks AS SELECT 1 AS pid; {_INSERT}", GO),
    Attempt("a function of the catalog is replaced",
            "CREATE OR REPLACE FUNCTION pg_catalog.pg_stat_get_xact_tuples_inserted(oid) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';"
            f"{_INSERT}", GO, '"table":"public.audit","inserted":1'),
    Attempt("the catalog loses a function that observers call", f"DELETE FROM pg_proc WHERE proname = 'set_config'; {_INSERT}", INCONCLUSIVE),
    Attempt("objects named like the stage's own",
            f"CREATE TABLE pgrehearse_log (i int); CREATE FUNCTION pgrehearse_probe() RETURNS int LANGUAGE sql AS 'SELECT 1'; {_INSERT}", GO),
    Attempt("notifications are hidden", "SET client_min_messages = error; NOTIFY hidden, 'x'; SELECT pg_notify('hidden', 'y');", GO, '"channel":"hidden"'),
    Attempt("the script listens", "LISTEN hidden; NOTIFY hidden; UNLISTEN *;", GO, '"channel":"hidden"'),
    Attempt("an event trigger forbids every change of the schema",
            "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;"
            f"CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f(); {_INSERT}", GO),
    Attempt("all triggers are disabled", f"ALTER TABLE account DISABLE TRIGGER ALL; DELETE FROM account WHERE id = 1; {_INSERT}", GO),
    Attempt("a rule turns writes into nothing", "CREATE RULE r AS ON INSERT TO child DO INSTEAD NOTHING; INSERT INTO child VALUES (1, 1);", GO),
    Attempt("a read-only block stays read-only", f"BEGIN READ ONLY; {_INSERT} COMMIT;", NO_GO, "25006"),
    Attempt("a read-only block ends with its COMMIT", f"BEGIN READ ONLY; COMMIT; {_INSERT}", GO),
)  # fmt: skip

TEMPORARY = (
    Attempt("ON COMMIT DROP drops", "BEGIN; CREATE TEMP TABLE t (i int) ON COMMIT DROP; COMMIT; CREATE TEMP TABLE t (j int);", GO),
    Attempt("ON COMMIT DROP of a query's table drops", "BEGIN; CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1; COMMIT; SELECT * FROM t;", NO_GO, "42P01"),
    Attempt("ON COMMIT DELETE ROWS deletes",
            "BEGIN; CREATE TEMP TABLE t (i int) ON COMMIT DELETE ROWS; INSERT INTO t VALUES (1); COMMIT;"
            "DO $$ BEGIN ASSERT (SELECT count(*) FROM t) = 0; END $$;", GO),
    Attempt("ON COMMIT DELETE ROWS deletes each time",
            "CREATE TEMP TABLE t (i int) ON COMMIT DELETE ROWS; INSERT INTO t VALUES (1);"
            "DO $$ BEGIN ASSERT (SELECT count(*) FROM t) = 0; END $$;", GO),
    Attempt("ON COMMIT PRESERVE ROWS keeps",
            "CREATE TEMP TABLE t (i int) ON COMMIT PRESERVE ROWS; INSERT INTO t VALUES (1);"
            "DO $$ BEGIN ASSERT (SELECT count(*) FROM t) = 1; END $$;", GO),
    Attempt("a rolled-back temporary table is gone", "BEGIN; CREATE TEMP TABLE t (i int) ON COMMIT DROP; ROLLBACK; CREATE TEMP TABLE t (i int); TABLE t;", GO),
    Attempt("SET LOCAL ends with its block", "BEGIN; SET LOCAL work_mem = '99MB'; COMMIT; DO $$ BEGIN ASSERT current_setting('work_mem') <> '99MB'; END $$;", GO),
    Attempt("a holdable cursor outlives its block", "BEGIN; DECLARE c CURSOR WITH HOLD FOR TABLE account; COMMIT; FETCH c; CLOSE c;", GO),
    Attempt("a key of now() is taken by a transaction before",
            "CREATE TABLE t (at timestamptz UNIQUE DEFAULT now()); SET timezone = 'Asia/Kathmandu'; INSERT INTO t DEFAULT VALUES;"
            "INSERT INTO t DEFAULT VALUES;", INCONCLUSIVE, "the same in all transactions"),
    Attempt("a key of the transaction's id is taken by a transaction before",
            "CREATE TABLE t (x bigint UNIQUE DEFAULT txid_current()); INSERT INTO t DEFAULT VALUES; INSERT INTO t DEFAULT VALUES;",
            INCONCLUSIVE, "the same in all transactions"),
    Attempt("a key of now() is taken in one transaction",
            "BEGIN; CREATE TABLE t (at timestamptz UNIQUE DEFAULT now()); INSERT INTO t DEFAULT VALUES; INSERT INTO t DEFAULT VALUES; COMMIT;",
            NO_GO, "23505"),
    Attempt("another key is taken by a transaction before",
            "CREATE TABLE t (i int UNIQUE); INSERT INTO t VALUES (4711); INSERT INTO t VALUES (4711);", NO_GO, "23505"),
    Attempt("a function makes the session read-only",
            "DO $$ BEGIN PERFORM set_config('default_transaction_read_only', 'on', false); END $$; DELETE FROM audit;", NO_GO, "25006"),
    Attempt("a cursor that would fail at COMMIT is told",
            "BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1 / (3 - g) FROM generate_series(1, 5) AS g; COMMIT;", GO,
            "was not read to its end"),
    Attempt("a cursor ends with its block", "BEGIN; DECLARE c CURSOR FOR TABLE account; COMMIT; FETCH c;", NO_GO, "34000"),
    Attempt("a cursor that a function opened ends with its block",
            "CREATE FUNCTION f() RETURNS refcursor LANGUAGE plpgsql AS"
            " $$ DECLARE c refcursor := 'mine'; BEGIN OPEN c FOR TABLE account; RETURN c; END $$;"
            "BEGIN; SELECT f(); FETCH mine; COMMIT; FETCH mine;", NO_GO, "34000"),
    Attempt("a cursor ends with its savepoint", "BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR TABLE account; ROLLBACK TO s; FETCH c; COMMIT;",
            NO_GO, "34000"),
    Attempt("a holdable cursor stands where a COMMIT would have made way",
            "BEGIN; DECLARE c CURSOR WITH HOLD FOR TABLE account; COMMIT; ALTER TABLE account ADD n int;", INCONCLUSIVE, "WITH HOLD"),
    Attempt("a cursor stands in its own block", "BEGIN; DECLARE c CURSOR FOR TABLE account; ALTER TABLE account ADD n int; COMMIT;",
            NO_GO, "55006"),
    Attempt("a value of a type is used that the script has committed",
            "CREATE TYPE mood AS ENUM ('a'); ALTER TYPE mood ADD VALUE 'b'; SELECT 'b'::mood;", INCONCLUSIVE, "55P04"),
    Attempt("a value of a type is used before it can be", "BEGIN; ALTER TYPE word ADD VALUE 'b'; SELECT 'b'::word; COMMIT;", NO_GO, "55P04"),
    Attempt("DECLARE outside a block fails", "DECLARE c CURSOR FOR TABLE account;", NO_GO, "25P01"),
    Attempt("DISCARD PLANS and SEQUENCES are harmless", f"DISCARD PLANS; DISCARD SEQUENCES; {_INSERT}", GO),
)  # fmt: skip

_MOVED = ("ticket",)
_STRICT = "[policy]\nallow_residue = []\n"

LEFT = (
    Attempt("nextval is not undone", "SELECT nextval('ticket');", GO, "public.ticket", sequences=_MOVED),
    Attempt("setval is not undone", "SELECT setval('ticket', 1000);", GO, "public.ticket", sequences=_MOVED),
    Attempt("nextval is not undone, and the plan forbids it", "SELECT nextval('ticket');", RESIDUE, "public.ticket", sequences=_MOVED, policy=_STRICT),
    Attempt("nextval hides in a rolled-back block", "BEGIN; SELECT nextval('ticket'); ROLLBACK;", GO, "public.ticket", sequences=_MOVED),
    Attempt("nextval hides in a caught exception",
            "DO $$ BEGIN PERFORM nextval('ticket'); RAISE EXCEPTION 'x'; EXCEPTION WHEN OTHERS THEN NULL; END $$;", GO, "public.ticket", sequences=_MOVED),
    Attempt("nextval hides in dynamic SQL", "DO $$ BEGIN EXECUTE 'SELECT next' || 'val(''tick' || 'et'')'; END $$;", GO, "public.ticket", sequences=_MOVED),
    Attempt("an identity column moves", "INSERT INTO entry (account, amount) VALUES (1, 5);", GO, "entry_id_seq", sequences=("entry_id_seq",)),
    Attempt("setval below where it stood", "SELECT nextval('ticket'), setval('ticket', 5), setval('ticket', 2);", GO, "public.ticket", sequences=_MOVED),
    Attempt("ALTER SEQUENCE RESTART rolls back", "ALTER SEQUENCE ticket RESTART 500; SELECT nextval('ticket');", GO),
    Attempt("a sequence with a cache", "ALTER SEQUENCE ticket CACHE 50; SELECT nextval('ticket');", GO),
    Attempt("TRUNCATE RESTART IDENTITY rolls back", "TRUNCATE entry RESTART IDENTITY; INSERT INTO entry (account, amount) VALUES (1, 1);", GO),
    Attempt("a sequence of the script's own", "CREATE SEQUENCE mine; SELECT nextval('mine');", GO),
    Attempt("a session lock outlives its transaction", "SELECT pg_advisory_lock(42);", RESIDUE, "advisory 42"),
    Attempt("a session lock with two keys", "SELECT pg_advisory_lock(4, 2);", RESIDUE, "advisory 4/2"),
    Attempt("a shared session lock", "SELECT pg_advisory_lock_shared(43);", RESIDUE, "advisory 43"),
    Attempt("a session lock that was tried for", "SELECT pg_try_advisory_lock(44);", RESIDUE, "advisory 44"),
    Attempt("a session lock in a rolled-back block", "BEGIN; SELECT pg_advisory_lock(45); ROLLBACK;", RESIDUE, "advisory 45"),
    Attempt("a session lock that the plan allows", "SELECT pg_advisory_lock(46);", GO, "advisory 46", policy='[policy]\nallow_residue = ["session lock"]\n'),
    Attempt("a session lock that is given back", "SELECT pg_advisory_lock(47); SELECT pg_advisory_unlock(47);", GO),
    Attempt("a transaction's lock goes with it", "SELECT pg_advisory_xact_lock(48);", GO),
)  # fmt: skip

TRANSACTIONAL = tuple(
    Attempt(f"rolls back: {statement[:60]}", statement, GO)
    for statement in (
        "SELECT lo_create(4242);", "SELECT lo_from_bytea(4243, 'x');", "SELECT lo_put(lo_create(0), 0, 'x');",
        "CREATE ROLE stays LOGIN PASSWORD 'x'; ALTER ROLE stays SET work_mem = '1MB';",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET work_mem = ''1MB''', current_database()); END $$;",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 5', current_database()); END $$;",
        "ALTER ROLE CURRENT_USER SET work_mem = '1MB';", "CREATE SCHEMA stays; CREATE TABLE stays.t (i int);",
        "DROP SCHEMA public CASCADE;", "TRUNCATE account, entry, audit CASCADE;", "DELETE FROM account; DELETE FROM audit;",
        "ALTER TABLE account ALTER COLUMN balance TYPE numeric;", "ALTER TABLE account ADD COLUMN stays int DEFAULT 1;",
        "DROP TABLE entry; CREATE TABLE entry (id int);", "ALTER TABLE audit RENAME TO stays;", "DROP FUNCTION emit_hidden(text);",
        "CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; UPDATE account SET balance = 0;",
        "CREATE PUBLICATION stays FOR ALL TABLES;", "GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;",
        "COMMENT ON TABLE account IS 'stays';", "CREATE INDEX stays ON audit (what);", "CLUSTER account USING account_pkey;",
        "REINDEX TABLE account;", "BEGIN; LOCK TABLE account; COMMIT;", "CREATE MATERIALIZED VIEW stays AS TABLE account; REFRESH MATERIALIZED VIEW stays;",
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;", "CREATE TYPE stays AS ENUM ('a'); ALTER TYPE stays ADD VALUE 'b';",
        "ALTER TABLE audit SET UNLOGGED;", "CREATE STATISTICS stays ON id, owner FROM account;",
        "UPDATE pg_class SET relname = 'stays' WHERE relname = 'audit';", "ALTER TABLE account REPLICA IDENTITY FULL;",
        "CREATE RULE stays AS ON INSERT TO audit DO NOTHING;",
        "COPY account FROM STDIN;\n99\tnew\t5\n\\.\n", "SELECT * INTO stays FROM account;",
        "ALTER USER CURRENT_USER PASSWORD NULL;", "CREATE DOMAIN stays AS int CHECK (VALUE > 0);", "CREATE COLLATION stays FROM \"C\";",
    )
)  # fmt: skip

WEARING_OUT = (
    Attempt("more rows than are kept", "SELECT generate_series(1, 200000);", GO),
    Attempt("one value that is too large to keep", "SELECT repeat('x', 30000000);", GO),
    Attempt("more messages than are kept", "DO $$ BEGIN FOR i IN 1..60000 LOOP RAISE NOTICE 'message %', i; END LOOP; END $$;", GO, "messages"),
    Attempt("COPY of much", "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 20000)) TO STDOUT;", GO),
    Attempt("much dynamic SQL", "DO $$ BEGIN FOR i IN 1..3000 LOOP EXECUTE 'SELECT ' || i; END LOOP; END $$;", GO),
    Attempt("a loop without end", "DO $$ BEGIN LOOP PERFORM 1; END LOOP; END $$;", INCONCLUSIVE, "deadline", policy="[policy]\ndeadline_s = 0.3\n"),
    Attempt("a long sleep", "SELECT pg_sleep(60);", INCONCLUSIVE, "deadline", policy="[policy]\ndeadline_s = 0.3\n"),
    Attempt("a sleep that hides in a caught exception",
            "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;", INCONCLUSIVE, "deadline",
            policy="[policy]\ndeadline_s = 0.3\n"),
    Attempt("a statement longer than the plan allows", "SELECT pg_sleep(60);", INCONCLUSIVE, "statement_timeout", policy="[policy]\nstatement_timeout_s = 0.2\n"),
    Attempt("the script's own statement_timeout", f"SET statement_timeout = '1ms'; {_INSERT} SELECT pg_sleep(1);", INCONCLUSIVE, "statement_timeout"),
    Attempt("the script's own idle timeout", "SET idle_in_transaction_session_timeout = '1ms';" + ' SELECT 1;' * 300, INCONCLUSIVE, "lost"),
    Attempt("a recursion without end", "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN f(); END'; SELECT f();", NO_GO, "54001"),
    Attempt("a value beyond the server's limit", "SELECT repeat(repeat('x', 100000000), 20);", NO_GO, "54000"),
    Attempt("temporary files beyond a limit", "SET temp_file_limit = '1MB'; SET work_mem = '64kB'; SELECT count(*) FROM (SELECT i FROM generate_series(1, 1000000) AS i ORDER BY i DESC) AS x;",
            INCONCLUSIVE, "53400"),
    Attempt("a character that no text may hold", "SELECT E'a\\000b';", NO_GO, "22021"),
    Attempt("bytes that are no UTF-8 in the answer", "SET client_encoding = 'LATIN1'; SELECT chr(228);", GO),
    Attempt("a statement of a million characters", f"SELECT length('{'x' * 1000000}');", GO),
    Attempt("a thousand statements", "SELECT 1;\n" * 200, GO),
)  # fmt: skip

SESSION = (*BLINDING, *TEMPORARY, *LEFT, *TRANSACTIONAL, *WEARING_OUT)
