"""What proves a rollback: how much is compared, sequences put back, and others on the same server."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from pgrehearse.errors import RefusedError
from pgrehearse.evidence.document import Document
from pgrehearse.pg.session import Session
from pgrehearse.plan.planfile import PlanFile, Policy
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.script.source import read_source
from pgrehearse.stage import witness
from pgrehearse.stage.limits import Limits
from pgrehearse.stage.witness import Entry, Prove

from .torture import cleared


@pytest.fixture
def database(plain_database: str) -> str:
    with psycopg.connect(plain_database, autocommit=True) as session:
        session.execute(
            "CREATE TABLE a (i int); CREATE TABLE b (i int); INSERT INTO a VALUES (1); CREATE SEQUENCE s"
        )
    return plain_database


def run(database: str, folder: Path, text: str, options: Options) -> Document:
    script = folder / "change.sql"
    script.write_text(text)
    return rehearse(read_source(str(script)), PlanFile(), database, cleared(database), options).evidence


def test_the_session_that_holds_the_entry_must_be_on_the_cleared_target_too(database: str) -> None:
    own = cleared(database)
    elsewhere = replace(own, database_oid=own.database_oid + 1)

    with Session(database) as session:
        with pytest.raises(RefusedError, match="not the one that was cleared"):
            Entry(database, elsewhere, Prove.TOUCHED, Limits.of(Policy()), lambda _: None)

        left = (
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgrehearse witness of the entry'"
        )
        while session.fetch(left) != [(0,)]:
            time.sleep(0.01)


def test_what_the_witness_has_read_keeps_no_script_from_locking_it(database: str, tmp_path: Path) -> None:
    catalogs = ("pg_trigger", "pg_attrdef", "pg_constraint", "pg_rewrite", "pg_foreign_table", "pg_language")
    script = "; ".join(f"REINDEX TABLE pg_catalog.{name}" for name in catalogs)

    evidence = run(database, tmp_path, f"INSERT INTO a VALUES (2); {script};", Options())

    assert evidence.verdict.word == "GO"


def test_a_script_that_locks_what_the_witness_asks_for_is_rolled_back_proved_and_told(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = [(name, value) for name, value in witness._SETTINGS if name != "lock_timeout"]
    monkeypatch.setattr(witness, "_SETTINGS", [*patient, ("lock_timeout", "200ms")])

    evidence = run(
        database, tmp_path, "BEGIN; LOCK TABLE pg_proc IN ACCESS EXCLUSIVE MODE; COMMIT;", Options()
    )

    assert evidence.verdict.word == "INCONCLUSIVE"
    assert "could not look at the stage" in " ".join(evidence.verdict.reasons)
    assert evidence.rollback.proved
    assert [step.n for step in evidence.steps] == [1, 2]


def test_touched_tables_are_compared_by_content(database: str, tmp_path: Path) -> None:
    evidence = run(database, tmp_path, "INSERT INTO a VALUES (2);", Options())

    assert evidence.rollback.proved
    assert evidence.rollback.fingerprint.of == ("public.a: definition and content",)


def test_all_tables_are_compared_on_request(database: str, tmp_path: Path) -> None:
    evidence = run(database, tmp_path, "INSERT INTO a VALUES (2);", Options(prove=Prove.FULL))

    assert {"public.a: definition and content", "public.b: definition and content"} <= set(
        evidence.rollback.fingerprint.of
    )


def test_rows_are_only_counted_on_request(database: str, tmp_path: Path) -> None:
    evidence = run(database, tmp_path, "INSERT INTO a VALUES (2);", Options(prove=Prove.COUNTS))

    assert evidence.rollback.fingerprint.of == ("public.a: definition and number of rows",)


def test_sequences_are_put_back_on_request_and_the_evidence_says_so(database: str, tmp_path: Path) -> None:
    evidence = run(database, tmp_path, "SELECT nextval('s');", Options(restore_sequences=True))

    with psycopg.connect(database) as session:
        standing = session.execute("SELECT last_value, is_called FROM s").fetchone()

    assert standing == (1, False)
    assert evidence.rollback.residue == ()
    assert any("put back" in limit for limit in evidence.limits)


def test_sequences_stay_where_they_are_without_it(database: str, tmp_path: Path) -> None:
    evidence = run(database, tmp_path, "SELECT nextval('s');", Options())

    assert [(one.kind, one.object) for one in evidence.rollback.residue] == [("sequence", "public.s")]


def test_what_others_do_elsewhere_on_the_server_is_no_residue(database: str, tmp_path: Path) -> None:
    def meanwhile(number: int, _: object) -> None:
        with psycopg.connect(database, autocommit=True) as session:
            session.execute("CREATE ROLE somebody" if number == 1 else "SELECT 1")

    evidence = run(database, tmp_path, "INSERT INTO a VALUES (2);", Options(shown=meanwhile))
    with psycopg.connect(database, autocommit=True) as session:
        session.execute("DROP ROLE somebody")

    assert evidence.verdict.word == "GO"
    assert any("role somebody appeared" in limit for limit in evidence.limits)


def test_what_others_commit_in_a_touched_table_is_seen(database: str, tmp_path: Path) -> None:
    def meanwhile(number: int, _: object) -> None:
        # Not in the probed pass, whose probes lock the table.
        with psycopg.connect(database, autocommit=True) as session:
            session.execute("INSERT INTO a VALUES (3)" if number == 1 else "SELECT 1")

    evidence = run(database, tmp_path, "INSERT INTO a VALUES (2);", Options(shown=meanwhile))

    assert evidence.verdict.word == "RESIDUE"
    assert not evidence.rollback.fingerprint.equal
