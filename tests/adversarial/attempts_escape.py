"""Attempts to do what no rollback undoes: openly, through functions and triggers, and hidden in dynamic SQL."""

from __future__ import annotations

from attempt import GO, INCONCLUSIVE, NO_GO, REFUSED, RESIDUE, Attempt

_INSERT = "INSERT INTO audit (what) VALUES ('stays');"
_FILE = "/tmp/pgrehearse_attempt"


def _open(kind: str, name: str, script: str, **more: object) -> Attempt:
    """An escape that stands in the text: refused before anything runs."""
    return Attempt(name, script, REFUSED, f"escape {kind}", **more)  # type: ignore[arg-type]


def _reached(kind: str, name: str, script: str, **more: object) -> Attempt:
    """An escape at the end of a cascade that the catalog knows before the stage opens."""
    return Attempt(name, script, REFUSED, f"escape {kind}", **more)  # type: ignore[arg-type]


def _met(kind: str, name: str, script: str, **more: object) -> Attempt:
    """An escape that only the stage itself can know: its step is refused."""
    return Attempt(name, script, INCONCLUSIVE, f"escape {kind}", **more)  # type: ignore[arg-type]


def _heard(kind: str, name: str, script: str, **more: object) -> Attempt:
    """An escape of which only the server's own word tells: it has happened, and is named."""
    return Attempt(name, script, RESIDUE, kind, leaves=True, **more)  # type: ignore[arg-type]


_EMIT = "pg_logical_emit_message(false, 'attempt', 'x')"

OPEN = (
    _open("logical message", "a message to logical decoding", f"SELECT {_EMIT};"),
    _open("logical message", "a message, behind a comment", f"SELECT /* a */ {_EMIT};"),
    _open("logical message", "a message, with its schema", f"SELECT pg_catalog.{_EMIT};"),
    _open("logical message", "a message, by a quoted name", 'SELECT "pg_logical_emit_message"(false, \'a\', \'b\');'),
    _open("logical message", "a message, in odd capitals", "SELECT PG_Logical_Emit_Message(false, 'a', 'b');"),
    _open("logical message", "a message, with space before its parenthesis", "SELECT pg_logical_emit_message\n(false, 'a', 'b');"),
    _open("logical message", "a message by named arguments", "SELECT pg_logical_emit_message(transactional => false, prefix => 'a', content => 'b'::text);"),
    Attempt("a message that rolls back with its transaction", "SELECT pg_logical_emit_message(true, 'a', 'b');", GO),
    _open("logical message", "a message in a DO block", f"DO $$ BEGIN PERFORM {_EMIT}; END $$;"),
    _open("logical message", "a message in a DO block's dynamic SQL", f"DO $$ BEGIN EXECUTE 'SELECT {_EMIT.replace(chr(39), chr(39) * 2)}'; END $$;"),
    _open("logical message", "a message in a default", f"CREATE TABLE t (i int DEFAULT length({_EMIT}::text));"),
    _open("logical message", "a message in a query that COPY runs", f"COPY (SELECT {_EMIT}) TO STDOUT;"),
    _open("logical message", "a message that EXPLAIN ANALYZE sends", f"EXPLAIN ANALYZE SELECT {_EMIT};"),
    _open("logical message", "a message in a prepared statement", f"PREPARE p AS SELECT {_EMIT}; EXECUTE p;"),
    _open("logical message", "a message in a cursor", f"BEGIN; DECLARE c CURSOR FOR SELECT {_EMIT}; FETCH c; ROLLBACK;"),
    _open("logical message", "a message behind a rollback", f"BEGIN; ROLLBACK; SELECT {_EMIT};"),
    _open("program", "COPY to a program", "COPY account TO PROGRAM 'cat > /dev/null';"),
    _open("program", "COPY from a program", "COPY audit (what) FROM PROGRAM 'echo stays';"),
    _open("program", "COPY of a query to a program", "COPY (SELECT ')' FROM account) TO PROGRAM 'cat > /dev/null';"),
    _open("program", "COPY to a program, in a DO block", "DO $$ BEGIN COPY account TO PROGRAM 'cat > /dev/null'; END $$;"),
    _open("server file", "COPY to a file", f"COPY account TO '{_FILE}';"),
    _open("server file", "COPY of columns to a file", f"COPY public.account (id, owner) TO '{_FILE}' (FORMAT csv);"),
    _open("server file", "lo_export writes a file", f"SELECT lo_export(1, '{_FILE}');"),
    Attempt("COPY from a file only reads", "COPY audit (what) FROM '/etc/hostname';", GO),
    Attempt("pg_read_file only reads", "SELECT length(pg_read_file('/etc/hostname')) > 0;", GO),
    _open("untrusted language", "a function in C", "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'nothing', 'f';"),
    _open("untrusted language", "a function over an internal one",
          "CREATE FUNCTION f(oid, text) RETURNS int LANGUAGE internal AS 'be_lo_export'; SELECT f(1, '/tmp/x');"),
    _open("untrusted language", "a DO block in an untrusted language", "DO $$ import os $$ LANGUAGE plpython3u;"),
    _open("untrusted language", "a DO block, its language first", "DO LANGUAGE plperlu $$ system('true') $$;"),
    _open("untrusted language", "a function in an untrusted language", "CREATE FUNCTION f() RETURNS int LANGUAGE 'plperlu' AS $$ 1 $$;"),
    _open("library", "LOAD brings foreign code", "LOAD '/tmp/foreign';"),
    _open("subscription", "CREATE SUBSCRIPTION connects elsewhere",
          "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p WITH (create_slot = false);"),
    Attempt("CREATE SUBSCRIPTION that does not connect",
            "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=1' PUBLICATION p WITH (connect = false);", GO),
    _open("subscription", "ALTER SUBSCRIPTION turns a stream on", "ALTER SUBSCRIPTION s ENABLE;"),
    _open("replication slot", "a slot is created", "SELECT pg_create_physical_replication_slot('attempt', true);"),
    _open("replication slot", "a slot is dropped", "SELECT pg_drop_replication_slot('attempt');"),
    _open("replication slot", "a slot is advanced", "SELECT pg_replication_slot_advance('attempt', '0/1');"),
    _open("other session", "another session is ended", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = 0;"),
    _open("other session", "another session is cancelled", "SELECT pg_cancel_backend(1);"),
    _open("server", "the configuration is reloaded", "SELECT pg_reload_conf();"),
    _open("server", "the log is rotated", "SELECT pg_rotate_logfile();"),
    _open("server", "the WAL is switched", "SELECT pg_switch_wal();"),
    _open("server", "a restore point is written", "SELECT pg_create_restore_point('attempt');"),
    _open("server", "a backup is begun", "SELECT pg_backup_start('attempt');"),
    _open("statistics", "statistics are reset", "SELECT pg_stat_reset();"),
    _open("dblink", "dblink is named, whether it is there or not", "SELECT dblink_exec('dbname=x', 'SELECT 1');"),
)  # fmt: skip

REACHED = (
    _reached("logical message", "a function of SQL leads out", "SELECT emit('x');"),
    _reached("logical message", "a function that calls another leads out", "SELECT emit_far('x');"),
    _reached("logical message", "a trigger leads out", "INSERT INTO exported VALUES (1, 'x');"),
    _reached("logical message", "a trigger leads out of a data-modifying CTE", "WITH i AS (INSERT INTO exported VALUES (1, 'x') RETURNING 1) SELECT * FROM i;"),
    *(
        _reached("logical message", f"a stored expression leads out, {table}", f"INSERT INTO {table} VALUES (1);")
        for table in ("by_one", "by_two", "by_many", "by_check")
    ),
    Attempt("reading a table whose default leads out", "SELECT count(*) FROM by_many;", GO),
    _reached("logical message", "a trigger leads out of a COPY", "COPY exported FROM STDIN;\n1\tx\n\\.\n"),
    _reached("logical message", "a trigger leads out of a MERGE",
             "MERGE INTO exported AS e USING (VALUES (1)) AS v (id) ON e.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (1, 'x');"),
    _reached("logical message", "a view leads out when it is read", "SELECT * FROM emitted;"),
    _reached("logical message", "a view leads out when it is read with its schema", "TABLE public.emitted;"),
    Attempt("reading a table whose trigger leads out", "SELECT count(*) FROM exported;", GO),
    Attempt("the name of an escape in a text", "INSERT INTO audit (what) VALUES ('call pg_logical_emit_message(false, 1)');", GO),
    Attempt("the name of an escape in a comment", "-- pg_reload_conf()\nSELECT 1 /* lo_export(1) */;", GO),
    Attempt("a function that leads out is defined, not called",
            f"CREATE FUNCTION f() RETURNS pg_lsn LANGUAGE sql AS $$ SELECT {_EMIT} $$;", GO),
    Attempt("a function that leads out is commented on", "COMMENT ON FUNCTION emit(text) IS 'leads out';", GO),
    _met("logical message", "a function that the script has made leads out",
         f"CREATE FUNCTION f() RETURNS pg_lsn LANGUAGE sql AS $$ SELECT {_EMIT} $$; SELECT f();"),
    _met("logical message", "a function that the script has replaced leads out",
         "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';"
         f"CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT {_EMIT}; SELECT 1 $$; SELECT f();"),
    _met("logical message", "a function whose body says it in odd capitals",
         f"CREATE FUNCTION f() RETURNS pg_lsn LANGUAGE sql AS $$ SELECT {_EMIT.swapcase()} $$; SELECT f();".replace("FALSE, 'ATTEMPT', 'X'", "false, 'a', 'b'")),
    _met("logical message", "a trigger that the script has made leads out",
         f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {_EMIT}; RETURN NULL; END $$;"
         f"CREATE TRIGGER t AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION f(); {_INSERT}"),
    _met("logical message", "a foreign key cascades to a trigger that leads out",
         f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {_EMIT}; RETURN NULL; END $$;"
         "CREATE TRIGGER t AFTER DELETE ON entry FOR EACH ROW EXECUTE FUNCTION f(); DELETE FROM account WHERE id = 1;"),
    _met("logical message", "an existing function calls what the script has replaced",
         f"CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {_EMIT}; RETURN NULL; END $$;"
         "UPDATE account SET balance = 1 WHERE id = 1;"),
    _met("logical message", "a rollback brings back the function that leads out",
         f"CREATE FUNCTION f() RETURNS pg_lsn LANGUAGE sql AS $$ SELECT {_EMIT} $$;"
         "BEGIN; CREATE OR REPLACE FUNCTION f() RETURNS pg_lsn LANGUAGE sql AS $$ SELECT NULL::pg_lsn $$; ROLLBACK; SELECT f();"),
    _met("logical message", "an event trigger leads out",
         f"CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM {_EMIT}; END $$;"
         "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f(); CREATE TABLE t (i int);"),
    _met("logical message", "a rule leads out",
         "CREATE RULE r AS ON UPDATE TO child DO ALSO SELECT emit('x'); UPDATE public.child SET exported = 1;"),
    _met("logical message", "\\gexec makes the call", "SELECT 'SELECT ' || $$pg_logical_emit_message(false, 'a', 'b')$$ \\gexec"),
    _met("program", "\\gexec makes the COPY", "SELECT $$COPY account TO PROG$$ || $$RAM 'cat > /dev/null'$$ \\gexec"),
    _met("server", "a variable from the server holds the call", "SELECT 'pg_reload_conf()' AS call \\gset\nSELECT :call;"),
    Attempt("a branch that is not taken leads out", f"\\if false\nSELECT {_EMIT};\n\\endif\nSELECT 1;", GO),
    Attempt("a branch that the server decides leads out",
            f"SELECT false AS go \\gset\n\\if :go\nSELECT {_EMIT};\n\\endif\nSELECT 1;", GO),
)  # fmt: skip

HIDDEN = (
    _heard("logical message", "dynamic SQL puts the call together",
           "DO $$ BEGIN EXECUTE 'SELECT pg_logical_em' || 'it_message(false, ''a'', ''b'')'; END $$;"),
    _heard("logical message", "an existing function puts the call together", "SELECT emit_hidden('x');"),
    _heard("logical message", "a call put together by format()",
           "DO $$ BEGIN EXECUTE format('SELECT %I(false, ''a'', ''b'')', 'pg_logical_' || 'emit_message'); END $$;"),
    _heard("logical message", "a call put together of characters",
           "DO $$ DECLARE n text := 'pg_logical_emit_messag' || chr(101); BEGIN EXECUTE 'SELECT ' || n || '(false, ''a'', ''b'')'; END $$;"),
    _heard("logical message", "a call whose name is escaped", "SELECT U&\"pg_logical_emit_messag\\0065\"(false, 'a', 'b');"),
    _heard("logical message", "a call fetched from a table",
           "INSERT INTO audit (what) VALUES ('SELECT           pg_logical_emit_mess'), ('age(false, ''a'', ''b'')');"
           "DO $$ DECLARE s text; BEGIN SELECT string_agg(what, '' ORDER BY length(what) DESC) INTO s FROM audit; EXECUTE s; END $$;"),
    _heard("logical message", "a call by query_to_xml", "SELECT query_to_xml('SELECT pg_logical_em' || 'it_message(false, ''a'', ''b'')', true, true, '');"),
    _heard("logical message", "a deferred trigger puts the call together",
           "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
           " EXECUTE 'SELECT pg_logical_em' || 'it_message(false, ''a'', ''b'')'; RETURN NULL; END $$;"
           f"CREATE CONSTRAINT TRIGGER t AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f(); {_INSERT}"),
    _heard("logical message", "a caught exception does not hide the call",
           "DO $$ BEGIN EXECUTE 'SELECT pg_logical_em' || 'it_message(false, ''a'', ''b'')'; RAISE EXCEPTION 'x';"
           " EXCEPTION WHEN OTHERS THEN NULL; END $$;"),
    _heard("logical message", "a failing statement does not hide the call",
           "DO $$ BEGIN EXECUTE 'SELECT pg_logical_em' || 'it_message(false, ''a'', ''b'')'; RAISE EXCEPTION 'x'; END $$;"),
    _heard("logical message", "a rolled-back block does not hide the call",
           "BEGIN; DO $$ BEGIN EXECUTE 'SELECT pg_logical_em' || 'it_message(false, ''a'', ''b'')'; END $$; ROLLBACK;"),
    _heard("program", "dynamic SQL puts COPY to a program together",
           "DO $$ BEGIN EXECUTE 'COPY account TO PROG' || 'RAM ''cat > /dev/null'''; END $$;"),
    _heard("server file", "dynamic SQL puts COPY to a file together",
           "DO $$ BEGIN EXECUTE 'COPY account T' || 'O ''/dev/null'''; END $$;"),
    _heard("server", "dynamic SQL reloads the configuration", "DO $$ BEGIN EXECUTE 'SELECT pg_reload' || '_conf()'; END $$;"),
    _heard("replication slot", "dynamic SQL drops a slot that is not there",
           "DO $$ BEGIN EXECUTE 'SELECT pg_drop_repl' || 'ication_slot(''none'')'; EXCEPTION WHEN OTHERS THEN NULL; END $$;"),
    _heard("untrusted language", "dynamic SQL makes an alias of an internal function",
           "DO $$ BEGIN EXECUTE 'CREATE FUNCTION f(oid, text) RETURNS int LANGUAGE int' || 'ernal AS ''be_lo_export'''; END $$;"),
    _heard("logical message", "dynamic SQL makes a domain whose check leads out",
           "DO $$ BEGIN EXECUTE 'CREATE DOMAIN d AS int CHECK (pg_logical_em' || 'it_message(false, ''a'', ''b'') IS NOT NULL)'; END $$;"
           "SELECT 1::d;"),
    Attempt("dynamic SQL that only works", "DO $$ BEGIN EXECUTE 'INSERT INTO aud' || 'it (what) VALUES (''x'')'; END $$;", GO),
    Attempt("a function switches the trace off first",
            "DO $$ BEGIN SET LOCAL client_min_messages = error; EXECUTE 'SELECT pg_logical_em' || 'it_message(false, ''a'', ''b'')'; END $$;",
            INCONCLUSIVE, "client_min_messages", leaves=True),
    Attempt("a function switches the trace off and on again",
            "DO $$ BEGIN PERFORM set_config('client_min_messages', 'error', true); EXECUTE 'SELECT pg_logical_em' || 'it_message(false, ''a'', ''b'')';"
            " PERFORM set_config('client_min_messages', 'debug1', true); END $$;", INCONCLUSIVE, "client_min_messages", leaves=True),
    Attempt("a function resets all settings",
            "DO $$ BEGIN EXECUTE 'RESET ALL'; EXECUTE 'SELECT pg_logical_em' || 'it_message(false, ''a'', ''b'')'; END $$;",
            INCONCLUSIVE, "client_min_messages", leaves=True),
    _heard("logical message", "the script itself is quiet, as dumps are",
           "SET client_min_messages = error; DO $$ BEGIN EXECUTE 'SELECT pg_logical_em' || 'it_message(false, ''a'', ''b'')'; END $$;"),
    _heard("logical message", "the script resets all settings",
           "RESET ALL; DO $$ BEGIN EXECUTE 'SELECT pg_logical_em' || 'it_message(false, ''a'', ''b'')'; END $$;"),
)  # fmt: skip

_EMIT_HIDDEN = "EXECUTE 'SELECT pg_logical_em' || 'it_message(false, ''a'', ''b'')';"
_QUIET = "RETURNS {} LANGUAGE plpgsql SET client_min_messages = warning AS $$ BEGIN {} END $$;"


def _unseen(name: str, script: str, says: str = "client_min_messages", **more: object) -> Attempt:
    """What keeps the server from telling what it ran: nobody knows, and the verdict says so."""
    return Attempt(name, script, INCONCLUSIVE, says, leaves=True, **more)  # type: ignore[arg-type]


SILENT = (
    _unseen("a function is silent by its own SET clause",
            f"CREATE FUNCTION hush() {_QUIET.format('void', _EMIT_HIDDEN)} SELECT hush();", "hush"),
    _unseen("a function switches the trace itself off by its SET clause",
            f"CREATE FUNCTION hush() RETURNS void LANGUAGE plpgsql SET debug_print_rewritten = off AS $$ BEGIN {_EMIT_HIDDEN} END $$; SELECT hush();", "hush"),
    _unseen("a function is made silent afterwards",
            f"CREATE FUNCTION hush() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {_EMIT_HIDDEN} END $$;"
            "ALTER FUNCTION hush() SET client_min_messages = error; SELECT hush();", "hush"),
    _unseen("a silent function calls one that puts the call together",
            f"CREATE FUNCTION hush() {_QUIET.format('void', 'PERFORM emit_hidden(1::text);')} SELECT hush();", "hush"),
    _unseen("a silent function is called by dynamic SQL",
            f"CREATE FUNCTION hush() {_QUIET.format('void', _EMIT_HIDDEN)} DO $$ BEGIN EXECUTE 'SELECT hu' || 'sh()'; END $$;", "hush"),
    _unseen("a silent trigger",
            f"CREATE FUNCTION hush() {_QUIET.format('trigger', _EMIT_HIDDEN + ' RETURN NULL;')}"
            f"CREATE TRIGGER t AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION hush(); {_INSERT}", "hush"),
    _unseen("a silent trigger of a table that dynamic SQL writes",
            f"CREATE FUNCTION hush() {_QUIET.format('trigger', _EMIT_HIDDEN + ' RETURN NULL;')}"
            "CREATE TRIGGER t AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION hush();"
            "DO $$ BEGIN EXECUTE 'INSERT INTO aud' || 'it (what) VALUES (''x'')'; END $$;", "hush"),
    _unseen("dynamic SQL makes a silent function and calls it",
            "DO $x$ BEGIN EXECUTE 'CREATE FUNCTION hush() RETURNS void LANGUAGE plpgsql SET client_min' || '_messages = warning AS $$ BEGIN"
            " EXECUTE ''SELECT pg_logical_em'' || ''it_message(false, ''''a'''', ''''b'''')''; END $$'; PERFORM hush(); END $x$;"),
    _unseen("the name of the setting is put together, and the setting put back",
            "DO $$ DECLARE n text := 'client_min' || '_messages'; o text := current_setting(n); BEGIN PERFORM set_config(n, 'error', true);"
            f" {_EMIT_HIDDEN} PERFORM set_config(n, o, true); END $$;"),
    _unseen("a caught exception puts the setting back",
            "DO $$ DECLARE n text := 'client_min' || '_messages'; BEGIN PERFORM set_config(n, 'error', true);"
            f" {_EMIT_HIDDEN} RAISE 'x'; EXCEPTION WHEN OTHERS THEN END $$;"),
    _unseen("pg_settings is updated, and an exception puts it back",
            "DO $$ BEGIN UPDATE pg_settings SET setting = 'error' WHERE name = 'client_min_messages';"
            f" {_EMIT_HIDDEN} RAISE 'x'; EXCEPTION WHEN OTHERS THEN END $$;"),
    _unseen("the setting is changed and put back around a call in one SELECT",
            f"CREATE FUNCTION loud() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {_EMIT_HIDDEN} END $$;"
            "SELECT set_config('client_min' || '_messages', 'error', false), loud(), set_config('client_min' || '_messages', 'debug1', false);"),
    Attempt("a silent function that the plan allows",
            f"CREATE FUNCTION hush() {_QUIET.format('void', _EMIT_HIDDEN)} SELECT hush();", GO, leaves=True,
            policy='[[policy.allow_escapes]]\nkind = "unseen"\nobject = "hush"\nreason = "read by hand"\n'),
    Attempt("a silent function without dynamic SQL",
            f"CREATE FUNCTION hush() {_QUIET.format('void', 'UPDATE audit SET what = what;')} SELECT hush(), hush();", GO),
    Attempt("a silent trigger without dynamic SQL",
            f"CREATE FUNCTION hush() {_QUIET.format('trigger', 'RETURN NEW;')}"
            f"CREATE TRIGGER t BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION hush(); {_INSERT}", GO),
    Attempt("a silent function that nobody calls",
            f"CREATE FUNCTION hush() {_QUIET.format('void', _EMIT_HIDDEN)} {_INSERT}", GO),
    Attempt("a function sets what is not ours",
            "DO $$ DECLARE k text := 'user'; BEGIN PERFORM set_config('app.' || k, '1', true), set_config(format('app.%s', k), '2', true);"
            " SET LOCAL work_mem = '1MB'; END $$;", GO),
    Attempt("the script is quiet by set_config",
            "SELECT pg_catalog.set_config('client_min_messages', 'warning', false); DO $$ BEGIN PERFORM 1; END $$;", GO),
    _heard("logical message", "the script is quiet by set_config, and hides a call",
           f"SELECT set_config('client_min_messages', 'error', false); DO $$ BEGIN {_EMIT_HIDDEN} END $$;"),
    Attempt("a savepoint is quiet, and rolled back",
            "BEGIN; SAVEPOINT a; SET client_min_messages = warning; UPDATE audit SET what = what; ROLLBACK TO a; UPDATE audit SET what = what;"
            "DO $$ BEGIN PERFORM 1; END $$; SAVEPOINT b; SET LOCAL client_min_messages = error; RELEASE b; DO $$ BEGIN PERFORM 1; END $$; COMMIT;", GO),
    _heard("logical message", "a savepoint is quiet and rolled back, and a call hidden behind it",
           f"BEGIN; SAVEPOINT a; SET client_min_messages = error; ROLLBACK TO a; DO $$ BEGIN {_EMIT_HIDDEN} END $$; COMMIT;"),
    _heard("logical message", "a call behind a rollback to a quiet point",
           f"BEGIN; SET client_min_messages = error; SAVEPOINT a; SELECT 1; ROLLBACK TO a; DO $$ BEGIN {_EMIT_HIDDEN} END $$; COMMIT;"),
)  # fmt: skip

_SELF = "'dbname=' || current_database() || ' port=' || current_setting('port') || ' host=' || btrim(split_part(current_setting('unix_socket_directories'), ',', 1), chr(34))"
_DBLINK = ("dblink",)
_FDW = ("postgres_fdw",)
_SERVER = (
    "DO $$ BEGIN EXECUTE format('CREATE SERVER myself FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, port %L, host %L)',"
    " current_database(), current_setting('port'), btrim(split_part(current_setting('unix_socket_directories'), ',', 1), chr(34))); END $$;"
    "CREATE USER MAPPING FOR CURRENT_USER SERVER myself;"
    "CREATE FOREIGN TABLE far (what text) SERVER myself OPTIONS (table_name 'audit');"
)

CONTRIB = (
    _open("dblink", "dblink to itself", f"SELECT dblink_exec({_SELF}, $${_INSERT}$$);", contrib=_DBLINK),
    _open("dblink", "dblink over an open connection", f"SELECT dblink_connect('c', {_SELF}); SELECT dblink_exec('c', $${_INSERT}$$);", contrib=_DBLINK),
    _open("dblink", "dblink in a query", f"SELECT * FROM dblink({_SELF}, $${_INSERT[:-1]} RETURNING what$$) AS t (what text);", contrib=_DBLINK),
    _met("dblink", "dblink in a trigger of the script",
         f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM dblink_exec({_SELF}, 'SELECT 1'); RETURN NULL; END $$;"
         f"CREATE TRIGGER t AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION f(); {_INSERT}", contrib=_DBLINK),
    Attempt("dblink under another name",
            "CREATE FUNCTION far_away(text, text) RETURNS text LANGUAGE c AS '$libdir/dblink', 'dblink_exec';", REFUSED, "untrusted language", contrib=_DBLINK),
    _heard("dblink", "dynamic SQL puts dblink together", f"DO $$ BEGIN EXECUTE 'SELECT dbl' || 'ink_exec($1, $2)' USING {_SELF}, 'SELECT 1'; END $$;", contrib=_DBLINK),
    Attempt("dblink that the plan allows by name", f"SELECT dblink_exec({_SELF}, 'SELECT 1 WHERE false');", NO_GO, contrib=_DBLINK, leaves=True,
            policy='[[policy.allow_escapes]]\nkind = "dblink"\nobject = "dblink_exec"\nreason = "asks only"\n'),
    Attempt("only another escape is allowed", f"SELECT dblink_exec({_SELF}, 'SELECT 1');", REFUSED, "dblink", contrib=_DBLINK,
            policy='[[policy.allow_escapes]]\nkind = "dblink"\nobject = "dblink_connect"\nreason = "only connects"\n'),
    _met("foreign table", "a foreign table of the script is written", f"{_SERVER} INSERT INTO far VALUES ('stays');", contrib=_FDW),
    _met("foreign table", "a foreign table is deleted from", f"{_SERVER} DELETE FROM far;", contrib=_FDW),
    _heard("foreign table", "dynamic SQL writes a foreign table",
           f"{_SERVER} DO $$ BEGIN EXECUTE 'INSERT INTO fa' || 'r VALUES (''stays'')'; END $$;", contrib=_FDW),
    Attempt("a foreign table is read", f"{_SERVER} SELECT count(*) FROM far;", GO, contrib=_FDW),
    _open("server file", "adminpack writes a file", f"SELECT pg_file_write('{_FILE}', 'x', false);", contrib=("adminpack",)),
    _open("server file", "adminpack removes a file", f"SELECT pg_file_unlink('{_FILE}');", contrib=("adminpack",)),
    _heard("server file", "dynamic SQL puts adminpack together",
           f"DO $$ BEGIN EXECUTE 'SELECT pg_file_un' || 'link(''{_FILE}'')'; END $$;", contrib=("adminpack",)),
)  # fmt: skip

_HIDDEN_EMIT = "DO $$ BEGIN EXECUTE 'SELECT pg_'||'logical_emit_message(false, ''a'', ''b'')'; END $$;"

TYPES = (
    _reached("logical message", "a value of a domain is made, whose check sends", "SELECT 'x'::shouted;"),
    _reached("logical message", "a value of a domain over such a domain", "SELECT 'x'::shouted_twice;"),
    _reached("logical message", "an array of such a domain", "SELECT '{x}'::shouted[];"),
    _reached("logical message", "a row that holds such a domain", "SELECT ROW('x', 1)::pair;"),
    _reached("logical message", "a column of such a domain is written", "INSERT INTO speech VALUES ('x');"),
    _reached("logical message", "a new table has a column of such a domain", "CREATE TABLE t (word shouted); INSERT INTO t VALUES ('x');"),
    _reached("logical message", "an argument is of such a domain", "SELECT say('x');"),
    _reached("logical message", "a trigger has a variable of such a domain", "INSERT INTO hall VALUES (1);"),
    _reached("logical message", "a variable of such a domain", "DO $$ DECLARE word shouted := 'x'; BEGIN END $$;"),
    _heard("logical message", "dynamic SQL puts the name of the domain together", "DO $$ BEGIN EXECUTE 'SELECT ''x''::sho' || 'uted'; END $$;"),
    _heard("logical message", "dynamic SQL makes such a domain and a value of it",
           "DO $$ BEGIN EXECUTE 'CREATE DOMAIN quiet AS text CHECK (pg_' || 'logical_emit_message(false, ''x'', VALUE) IS NOT NULL)';"
           " EXECUTE 'SELECT ''x''::quiet'; END $$;"),
    _heard("logical message", "dynamic SQL makes a row type that holds such a domain, and a row of it",
           "DO $$ BEGIN EXECUTE 'CREATE TYPE hint AS (word sho' || 'uted)'; EXECUTE 'SELECT ''(x)''::hint'; END $$;"),
    _heard("logical message", "dynamic SQL makes a domain over such a domain, and a value of it",
           "DO $$ BEGIN EXECUTE 'CREATE DOMAIN hint AS sho' || 'uted'; EXECUTE 'SELECT ''x''::hint'; END $$;"),
    _heard("logical message", "dynamic SQL names the type of a column of JSON",
           "DO $$ BEGIN EXECUTE 'SELECT * FROM json_to_record(''{\"a\": \"b\"}'') AS x (a sho' || 'uted)'; END $$;"),
    _met("logical message", "a table whose trigger sends gets another name",
         "ALTER TABLE exported RENAME TO renamed; INSERT INTO renamed VALUES (1, 'x');"),
    _met("logical message", "a view that sends gets another name", "ALTER VIEW emitted RENAME TO renamed; SELECT * FROM renamed;"),
    _met("logical message", "a function that sends gets another name", "ALTER FUNCTION emit(text) RENAME TO renamed; SELECT renamed('x');"),
    _heard("logical message", "dynamic SQL adds such a check",
           "DO $$ BEGIN EXECUTE 'ALTER TABLE audit ADD CHECK (pg_' || 'logical_emit_message(false, ''x'', what) IS NOT NULL)';"
           " INSERT INTO audit (what) VALUES ('x'); END $$;"),
)  # fmt: skip

AFTER_ROLLBACK = (
    _heard("logical message", "hidden, after a first statement that fails", f"SELECT 1/0; {_HIDDEN_EMIT}"),
    _heard("logical message", "hidden, after a level of messages was set and a block rolled back",
           f"SET client_min_messages = warning; BEGIN; SELECT 1; ROLLBACK; {_HIDDEN_EMIT}"),
    _heard("logical message", "hidden, after a level of messages was set and a block failed",
           f"SET client_min_messages = warning; BEGIN; SELECT 1/0; COMMIT; {_HIDDEN_EMIT}"),
    _heard("logical message", "hidden, after a rollback to a savepoint",
           f"BEGIN; SAVEPOINT a; SET client_min_messages = error; SELECT 1; ROLLBACK TO a; {_HIDDEN_EMIT} COMMIT;"),
)  # fmt: skip

ALLOWED = (
    Attempt("a message that the plan allows", f"SELECT {_EMIT};", GO,
            policy='[[policy.allow_escapes]]\nkind = "logical message"\nreason = "nobody decodes the clone"\n'),
    Attempt("a hidden message that the plan allows", "SELECT emit_hidden('x');", GO,
            policy='[[policy.allow_escapes]]\nkind = "logical message"\nobject = "pg_logical_*"\nreason = "nobody decodes the clone"\n'),
    Attempt("an escape of another kind is allowed", f"SELECT {_EMIT};", REFUSED, "logical message",
            policy='[[policy.allow_escapes]]\nkind = "program"\nreason = "no"\n'),
)  # fmt: skip

ESCAPE = (*OPEN, *REACHED, *HIDDEN, *SILENT, *CONTRIB, *TYPES, *AFTER_ROLLBACK, *ALLOWED)
