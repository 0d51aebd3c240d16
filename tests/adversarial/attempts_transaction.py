"""Attempts to end the transaction: every spelling, every way to smuggle it."""

from __future__ import annotations

from attempt import GO, INCONCLUSIVE, NO_GO, REFUSED, Attempt

_INSERT = "INSERT INTO audit (what) VALUES ('stays');"


def _spelt(*spellings: str) -> list[Attempt]:
    return [
        Attempt(
            f"{spelling!r} ends a transaction of its own", f"BEGIN; {_INSERT}\n{spelling};\n{_INSERT}", GO
        )
        for spelling in spellings
    ]


def _rolled_back(*spellings: str) -> list[Attempt]:
    return [
        Attempt(f"{spelling!r}, then a write in autocommit", f"{spelling};\n{_INSERT}", GO)
        for spelling in spellings
    ]


SPELLINGS = (
    *_spelt(
        "COMMIT", "commit", "CoMmIt", "COMMIT WORK", "COMMIT TRANSACTION", "COMMIT AND NO CHAIN", "END", "end work",
        "END TRANSACTION", "END AND NO CHAIN", "COMMIT WORK AND NO CHAIN", "/* no */ COMMIT", "-- no\nCOMMIT",
        "/* /* nested */ */ COMMIT", "COMMIT/**/", "COMMIT --", "\tCOMMIT\f", ";;COMMIT",
    ),
    *_rolled_back(
        "ROLLBACK", "rollback work", "ROLLBACK TRANSACTION", "ABORT", "abort work", "ABORT TRANSACTION",
        "BEGIN; ROLLBACK", "BEGIN; ABORT", "START TRANSACTION; ROLLBACK AND NO CHAIN",
        "ROLLBACK; BEGIN READ WRITE", "ROLLBACK; START TRANSACTION READ WRITE, ISOLATION LEVEL READ COMMITTED",
        "ROLLBACK; SET default_transaction_read_only = off",
        "SET default_transaction_read_only = off; ROLLBACK",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; ROLLBACK",
        "ROLLBACK; ROLLBACK; ROLLBACK", "COMMIT; COMMIT; COMMIT",
        "BEGIN; BEGIN; COMMIT; ROLLBACK", "BEGIN; SAVEPOINT a; RELEASE a; COMMIT",
        "BEGIN; SAVEPOINT a; ROLLBACK TO a; COMMIT",
    ),
)  # fmt: skip

CHAINED = (
    Attempt(
        "COMMIT AND CHAIN leaves a block open", f"BEGIN; {_INSERT} COMMIT AND CHAIN; {_INSERT} COMMIT;", GO
    ),
    Attempt("END AND CHAIN leaves a block open", f"BEGIN; {_INSERT} END AND CHAIN; {_INSERT} END;", GO),
    Attempt("ROLLBACK AND CHAIN leaves a block open", f"BEGIN; ROLLBACK AND CHAIN; {_INSERT} COMMIT;", GO),
    Attempt("ABORT AND CHAIN leaves a block open", f"BEGIN; ABORT AND CHAIN; {_INSERT} COMMIT;", GO),
    Attempt("COMMIT AND CHAIN outside a block fails", f"{_INSERT} COMMIT AND CHAIN;", NO_GO, "25P01"),
)

SMUGGLED = (
    Attempt("one message with a COMMIT in its midst", f"{_INSERT[:-1]} \\; COMMIT \\; {_INSERT}", GO),
    Attempt("one message that rolls back and begins anew",
            f"BEGIN \\; ROLLBACK \\; BEGIN READ WRITE \\; {_INSERT[:-1]} \\; COMMIT;", GO),
    Attempt("\\gexec runs a COMMIT", f"BEGIN; {_INSERT} SELECT 'COMMIT' \\gexec", GO),
    Attempt("\\gexec runs COMMIT AND CHAIN from pieces",
            f"BEGIN; {_INSERT} SELECT 'COM' || 'MIT AND CHAIN' \\gexec\n{_INSERT} COMMIT;", GO),
    Attempt("\\gexec leaves, writes and commits",
            f"SELECT unnest(ARRAY['ROLLBACK','BEGIN READ WRITE',$${_INSERT}$$,'COMMIT']) \\gexec", GO),
    Attempt("\\gexec with two statements in one value", f"SELECT 'ROLLBACK; {_INSERT.replace(chr(39), chr(39) * 2)}' \\gexec", GO),
    Attempt("a variable holds the COMMIT", f"\\set word 'COMMIT'\nBEGIN; {_INSERT} :word;", GO),
    Attempt("\\gset fetches the COMMIT", f"SELECT 'COMMIT' AS word \\gset\nBEGIN; {_INSERT} :word;", GO),
    Attempt("a variable holds the end of the line", f"\\set word 'MIT'\nBEGIN; {_INSERT} COM:word;", GO),
    Attempt("\\if decides by a query to COMMIT",
            f"SELECT true AS yes \\gset\nBEGIN; {_INSERT}\n\\if :yes\nCOMMIT;\n\\else\nROLLBACK;\n\\endif\n", GO),
    Attempt("COMMIT by the extended protocol", f"BEGIN; {_INSERT} COMMIT \\bind \\g", GO),
    Attempt("COMMIT prepared by name, then executed",
            f"COMMIT \\parse way_out\nBEGIN; {_INSERT}\n\\bind_named way_out \\g\n{_INSERT}", INCONCLUSIVE),
    Attempt("ROLLBACK prepared by name, then executed",
            f"ROLLBACK \\parse way_out\n\\bind_named way_out \\g\nBEGIN READ WRITE; {_INSERT} COMMIT;", INCONCLUSIVE),
    Attempt("COMMIT is only described", f"BEGIN; {_INSERT} COMMIT \\gdesc\nROLLBACK;", GO),
    Attempt("AUTOCOMMIT is off, and the end of the script is a COMMIT", f"\\set AUTOCOMMIT off\n{_INSERT}\nCOMMIT;\n{_INSERT}", GO),
    Attempt("ON_ERROR_ROLLBACK keeps a failed block alive for its COMMIT",
            f"\\set ON_ERROR_ROLLBACK on\nBEGIN; {_INSERT} SELECT 1/0; COMMIT;", NO_GO, "division by zero"),
    Attempt("the COMMIT of a failed block", f"BEGIN; {_INSERT} SELECT 1/0; COMMIT; {_INSERT}", NO_GO, "division by zero"),
    Attempt("no semicolon behind the last COMMIT", f"BEGIN; {_INSERT} COMMIT", GO),
    Attempt("COPY data that look like a COMMIT", "BEGIN;\nCOPY audit (what) FROM STDIN;\nCOMMIT;\n\\.\nROLLBACK;", GO),
    Attempt("a missed quote hides the COMMIT", f"BEGIN; {_INSERT} SELECT 'open; COMMIT; SELECT '; ROLLBACK;", GO),
    Attempt("a dollar quote hides the COMMIT", f"BEGIN; {_INSERT} SELECT $a$ COMMIT; $a$; ROLLBACK;", GO),
    Attempt("standard_conforming_strings off moves the end of a string",
            f"SET standard_conforming_strings = off;\nBEGIN; {_INSERT} SELECT 'a\\'; COMMIT; --';\nROLLBACK;", GO),
    Attempt("\\! runs a COMMIT elsewhere", "\\! psql -c COMMIT", REFUSED),
    Attempt("\\connect leaves the stage", f"\\connect postgres\n{_INSERT}", REFUSED),
    Attempt("\\i includes a file from elsewhere", "\\i /etc/passwd\n", NO_GO),
    Attempt("\\copy writes a file", "\\copy account TO '/tmp/x'\n", REFUSED),
    Attempt("\\o writes to a program", "\\o |cat\nSELECT 1;", REFUSED),
    Attempt("\\g writes to a program", "SELECT 1 \\g |cat\n", REFUSED),
    Attempt("\\watch repeats for ever", "SELECT 1 \\watch 1\n", REFUSED),
    Attempt("\\lo_export writes a file", "\\lo_export 1 /tmp/x\n", REFUSED),
    Attempt("backticks run a program", "\\set x `touch /tmp/x`\n", REFUSED),
)  # fmt: skip

TWO_PHASE = (
    Attempt("PREPARE TRANSACTION hands the transaction over", f"BEGIN; {_INSERT} PREPARE TRANSACTION 'x';", INCONCLUSIVE, "PREPARE TRANSACTION"),
    Attempt("PREPARE TRANSACTION outside a block", "PREPARE TRANSACTION 'x';", INCONCLUSIVE, "PREPARE TRANSACTION"),
    Attempt("COMMIT PREPARED of another's", "COMMIT PREPARED 'x';", INCONCLUSIVE, "COMMIT PREPARED"),
    Attempt("ROLLBACK PREPARED of another's", "ROLLBACK PREPARED 'x';", INCONCLUSIVE, "ROLLBACK PREPARED"),
    Attempt("\\gexec prepares a transaction", f"BEGIN; {_INSERT} SELECT $$PREPARE TRANSACTION 'x'$$ \\gexec", INCONCLUSIVE, "PREPARE TRANSACTION"),
)  # fmt: skip

IN_CODE = (
    Attempt("a DO block commits, as real migrations do", f"DO $$ BEGIN {_INSERT} COMMIT; {_INSERT} END $$;", INCONCLUSIVE, "2D000"),
    Attempt("a DO block rolls back and writes", f"DO $$ BEGIN ROLLBACK; {_INSERT} END $$;", INCONCLUSIVE, "2D000"),
    Attempt("a DO block commits in a loop", f"DO $$ BEGIN FOR i IN 1..3 LOOP {_INSERT} COMMIT; END LOOP; END $$;", INCONCLUSIVE, "2D000"),
    Attempt("a DO block commits and catches the refusal",
            f"DO $$ BEGIN {_INSERT} BEGIN COMMIT; EXCEPTION WHEN OTHERS THEN {_INSERT} END; END $$;", GO),
    Attempt("a DO block commits and chains", "DO $$ BEGIN COMMIT AND CHAIN; END $$;", INCONCLUSIVE, "2D000"),
    Attempt("a DO block in a block commits: psql would fail, too", "BEGIN; DO $$ BEGIN COMMIT; END $$; ROLLBACK;", NO_GO, "2D000"),
    Attempt("a DO block executes COMMIT", "DO $$ BEGIN EXECUTE 'COMMIT'; END $$;", NO_GO, "0A000"),
    Attempt("a DO block executes PREPARE TRANSACTION", "DO $$ BEGIN EXECUTE $x$PREPARE TRANSACTION 'x'$x$; END $$;", NO_GO, "0A000"),
    Attempt("a DO block opens a savepoint", "DO $$ BEGIN EXECUTE 'SAVEPOINT a'; END $$;", NO_GO, "0A000"),
    Attempt("a procedure commits", "CALL commits();", INCONCLUSIVE, "2D000"),
    Attempt("a procedure rolls back, then writes", "CALL rolls_back();", INCONCLUSIVE, "2D000"),
    Attempt("a procedure is called in a block: psql would fail, too", "BEGIN; CALL commits(); COMMIT;", NO_GO, "2D000"),
    Attempt("a procedure is called by \\gexec", "SELECT 'CALL commits()' \\gexec", INCONCLUSIVE, "2D000"),
    Attempt("a procedure is called by a DO block", "DO $$ BEGIN CALL commits(); END $$;", INCONCLUSIVE, "2D000"),
    Attempt("a function commits", "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$; SELECT f();", NO_GO, "2D000"),
    Attempt("a trigger commits",
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN COMMIT; RETURN NEW; END $$;"
            "CREATE TRIGGER t BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION f();" + _INSERT, NO_GO, "2D000"),
    Attempt("a deferred trigger commits",
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN COMMIT; RETURN NEW; END $$;"
            "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON audit DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION f();" + _INSERT, NO_GO, "2D000"),
    Attempt("a procedure with SET commits",
            "CREATE PROCEDURE p() LANGUAGE plpgsql SET work_mem = '1MB' AS $$ BEGIN COMMIT; END $$; CALL p();", INCONCLUSIVE, "2D000"),
    Attempt("a cursor loop commits", "DO $$ DECLARE r record; BEGIN FOR r IN SELECT 1 LOOP COMMIT; END LOOP; END $$;", INCONCLUSIVE, "2D000"),
)  # fmt: skip

ALONE = (
    Attempt("CREATE INDEX CONCURRENTLY commits by itself", "CREATE INDEX CONCURRENTLY ON audit (what);", INCONCLUSIVE, "CONCURRENTLY"),
    Attempt("VACUUM commits by itself", "VACUUM audit;", INCONCLUSIVE, "VACUUM"),
    Attempt("CREATE DATABASE outlives everything", "CREATE DATABASE stays;", INCONCLUSIVE, "CREATE DATABASE"),
    Attempt("DROP DATABASE cannot be undone", "DROP DATABASE stays;", INCONCLUSIVE, "DROP DATABASE"),
    Attempt("CREATE TABLESPACE writes a folder", "CREATE TABLESPACE stays LOCATION '/tmp';", INCONCLUSIVE, "CREATE TABLESPACE"),
    Attempt("ALTER SYSTEM writes a file", "ALTER SYSTEM SET work_mem = '8MB';", INCONCLUSIVE, "ALTER SYSTEM"),
    Attempt("REINDEX CONCURRENTLY commits by itself", "REINDEX TABLE CONCURRENTLY audit;", INCONCLUSIVE, "REINDEX"),
    Attempt("a DO block executes VACUUM", "DO $$ BEGIN EXECUTE 'VACUUM audit'; END $$;", NO_GO, "25001"),
    Attempt("\\gexec runs VACUUM", "SELECT 'VACUUM audit' \\gexec", INCONCLUSIVE, "VACUUM"),
    Attempt("\\gexec runs ALTER SYSTEM", "SELECT 'ALTER SYSTEM RESET ALL' \\gexec", INCONCLUSIVE, "ALTER SYSTEM"),
    Attempt("CLUSTER of everything commits by itself", "CLUSTER;", INCONCLUSIVE, "CLUSTER"),
)  # fmt: skip

TRANSACTION = (*SPELLINGS, *CHAINED, *SMUGGLED, *TWO_PHASE, *IN_CODE, *ALONE)
