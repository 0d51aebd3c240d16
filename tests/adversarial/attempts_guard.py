"""Attempts on the commit guard: to fire it, disarm it, drop it."""

from __future__ import annotations

from attempt import GO, INCONCLUSIVE, NO_GO, Attempt

_INSERT = "INSERT INTO audit (what) VALUES ('stays');"
_GUARD = "(SELECT oid::regclass::text FROM pg_class WHERE relname LIKE 'pgrehearse_guard%' AND relkind = 'r')"
_NAME = "(SELECT conname FROM pg_constraint WHERE conname LIKE 'pgrehearse_cannot%')"


def _on_guard(command: str) -> str:
    return f"DO $$ BEGIN EXECUTE format({command}, {_GUARD}, {_NAME}); END $$;\nCOMMIT;\n{_INSERT}"


def _all(name: str, command: str, verdict: str = INCONCLUSIVE, says: str = "guard") -> Attempt:
    return Attempt(name, _on_guard(command), verdict, says)


GUARD = (
    _all("the guard's table is dropped", "'DROP TABLE %s'"),
    _all("the guard's table is dropped with all that depends", "'DROP TABLE %s CASCADE'"),
    _all("the guard's table is truncated", "'TRUNCATE %s'"),
    _all("the guard's rows are deleted", "'DELETE FROM %s'"),
    _all("one of the guard's rows is deleted", "'DELETE FROM %1$s WHERE ctid = (SELECT min(ctid) FROM %1$s)'"),
    _all("the guard's rows are made unlike", "'UPDATE %s SET armed = (random() * 1e9)::int'"),
    _all("the guard's constraint is dropped", "'ALTER TABLE %s DROP CONSTRAINT %I'"),
    _all("the guard's column is dropped", "'ALTER TABLE %s DROP COLUMN armed'"),
    _all("the guard's triggers are disabled", "'ALTER TABLE %s DISABLE TRIGGER ALL'"),
    _all("the guard's table is renamed", "'ALTER TABLE %s RENAME TO innocent'", GO, ""),
    _all("the guard's constraint is renamed", "'ALTER TABLE %s RENAME CONSTRAINT %I TO innocent'", NO_GO, "innocent"),
    _all("the guard's constraint is made immediate", "'SET CONSTRAINTS %2$I IMMEDIATE'"),
    _all("the guard's constraint is deferred once more", "'SET CONSTRAINTS %2$I DEFERRED'", GO, ""),
    _all("the guard's table is moved", "'ALTER TABLE %s SET SCHEMA public'", NO_GO, "0A000"),
    _all("the guard's table is clustered", "'CLUSTER %s USING %I'"),
    _all("the guard's index is rebuilt", "'REINDEX TABLE %s'"),
    Attempt("DISCARD TEMP drops all temporary tables", f"DISCARD TEMP;\nCOMMIT;\n{_INSERT}", INCONCLUSIVE, "guard"),
    Attempt("DISCARD ALL resets the session", f"DISCARD ALL;\n{_INSERT}", INCONCLUSIVE, "DISCARD ALL"),
    Attempt("a DO block discards temporary tables", "DO $$ BEGIN EXECUTE 'DISCARD TEMP'; END $$;", INCONCLUSIVE, "guard"),
    Attempt("DROP OWNED drops the guard", f"CREATE ROLE owner_of_nothing; DROP OWNED BY owner_of_nothing;\n{_INSERT}", GO),
    Attempt("the temporary schema is dropped",
            "DO $$ BEGIN EXECUTE format('DROP SCHEMA %I CASCADE', pg_my_temp_schema()::regnamespace); END $$;", INCONCLUSIVE, "guard"),
    Attempt("pg_constraint forgets the guard", f"DELETE FROM pg_constraint WHERE conname LIKE 'pgrehearse_cannot%';\nCOMMIT;\n{_INSERT}", INCONCLUSIVE, "guard"),
    Attempt("pg_trigger forgets the guard",
            f"DELETE FROM pg_trigger WHERE tgrelid = {_GUARD}::regclass;\nCOMMIT;\n{_INSERT}", INCONCLUSIVE, "guard"),
    Attempt("pg_class forgets the guard", f"DELETE FROM pg_class WHERE relname LIKE 'pgrehearse%';\nCOMMIT;\n{_INSERT}", NO_GO, "XX000"),
    Attempt("pg_index calls the guard's index valid and not unique",
            f"UPDATE pg_index SET indisunique = false, indimmediate = true WHERE indrelid = {_GUARD}::regclass;\nCOMMIT;\n{_INSERT}", GO),
    Attempt("allow_system_table_mods is switched on first",
            "SET allow_system_table_mods = on; DELETE FROM pg_trigger WHERE tgconstraint <> 0;", INCONCLUSIVE, "guard"),
    Attempt("session_replication_role keeps triggers from firing", f"SET session_replication_role = replica;\n{_INSERT}\nCOMMIT;\n{_INSERT}", GO),
    Attempt("all constraints are made immediate", f"BEGIN; {_INSERT} SET CONSTRAINTS ALL IMMEDIATE; COMMIT;", GO),
    Attempt("all constraints, spelt oddly", f"BEGIN; {_INSERT} set/**/constraints\nALL -- x\nIMMEDIATE; COMMIT;", GO),
    Attempt("all constraints, by \\gexec", "BEGIN; SELECT 'SET CONSTRAINTS ALL IMMEDIATE' \\gexec\nCOMMIT;", GO),
    Attempt("all constraints, in one message", f"BEGIN \\; SET CONSTRAINTS ALL IMMEDIATE \\; {_INSERT[:-1]} \\; COMMIT;", GO),
    Attempt("all constraints, outside a block", "SET CONSTRAINTS ALL IMMEDIATE;", GO),
    Attempt("a function makes all constraints immediate", "SELECT fires_all();", INCONCLUSIVE, "guard"),
    Attempt("a DO block makes all constraints immediate", f"DO $$ BEGIN {_INSERT} SET CONSTRAINTS ALL IMMEDIATE; END $$;", INCONCLUSIVE, "guard"),
    Attempt("a DO block in a block makes all constraints immediate",
            f"BEGIN; DO $$ BEGIN {_INSERT} SET CONSTRAINTS ALL IMMEDIATE; END $$; {_INSERT} COMMIT;", INCONCLUSIVE, "guard"),
    Attempt("dynamic SQL makes all constraints immediate", "DO $$ BEGIN EXECUTE 'SET CONSTR' || 'AINTS ALL IMMEDIATE'; END $$;", INCONCLUSIVE, "guard"),
    Attempt("a DO block catches the guard's refusal",
            f"DO $$ BEGIN SET CONSTRAINTS ALL IMMEDIATE; EXCEPTION WHEN OTHERS THEN {_INSERT} END $$;", INCONCLUSIVE, "guard"),
    Attempt("constraints are deferred for ever", "BEGIN; SET CONSTRAINTS ALL DEFERRED; INSERT INTO entry (account, amount) VALUES (999, 1); COMMIT;", NO_GO, "23503",
            sequences=("entry_id_seq",)),
    Attempt("a deferred violation is hidden by the script's own ROLLBACK",
            "BEGIN; INSERT INTO entry (account, amount) VALUES (999, 1); ROLLBACK;", NO_GO, "23503", sequences=("entry_id_seq",)),
    Attempt("the stage's own savepoint is rolled back to", "ROLLBACK TO pgrehearse;", NO_GO),
    Attempt("the stage's own savepoint is named in a block", "BEGIN; ROLLBACK TO pgrehearse; COMMIT;", NO_GO, "3B001"),
    Attempt("the segment's savepoint is released", "BEGIN; RELEASE pgrehearse_segment; COMMIT;", NO_GO, "3B001"),
    Attempt("savepoints named like the stage's own", f"BEGIN; SAVEPOINT pgrehearse; {_INSERT} ROLLBACK TO pgrehearse; RELEASE pgrehearse; COMMIT;", GO),
    Attempt("a savepoint named like psql's own", "\\set ON_ERROR_ROLLBACK on\nBEGIN; SAVEPOINT pg_psql_temporary_savepoint; COMMIT;", GO),
    Attempt("the session ends itself", "SELECT pg_terminate_backend(pg_backend_pid());", INCONCLUSIVE, "lost"),
    Attempt("the session cancels itself", "SELECT pg_cancel_backend(pg_backend_pid());", NO_GO, "57014"),
    Attempt("a table in the guard's clothes", "CREATE TEMP TABLE pgrehearse_guard (armed int); DROP TABLE pgrehearse_guard;", GO),
)  # fmt: skip
