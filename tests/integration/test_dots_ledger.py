"""The run ledger, on real servers: only appended to, by the present holder only, and every tampering is found."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import psycopg
import pytest

from pgrehearse.dots.lease import Lease, acquire, release
from pgrehearse.dots.ledger import (
    Anchor,
    Outcome,
    Run,
    RunStateError,
    StaleTermError,
    State,
    append,
    mark_lost,
    read_runs,
)
from pgrehearse.dots.store import open_store
from pgrehearse.dots.verification import read_anchor, verify
from pgrehearse.errors import DotError, ServerError, UsageError
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import make_target
from pgrehearse.server import Server

EXPIRE = "UPDATE pgrehearse_dots.lease SET expires_at = clock_timestamp() - interval '1 s'"
COLUMNS = """
    SELECT attname::text, format_type(atttypid, atttypmod)
    FROM pg_attribute
    WHERE attrelid = 'pgrehearse_dots.ledger'::regclass
      AND attnum > 0
"""
OTHER_VALUES = {
    "bigint": "77",
    "integer": "77",
    "jsonb": "'{\"x\": null}'",
    "timestamp with time zone": "now()",
}


@pytest.fixture
def store(plain_database: str) -> Iterator[Session]:
    with open_store(plain_database) as session:
        yield session


def make_run(run_id: str = "r1") -> Run:
    return Run(run_id, "DOT-1", "execute", "sandbox", "dbname=x", "ab" * 32, "cd" * 32)


def take(session: Session, holder: str = "a") -> Lease:
    lease = acquire(session, "DOT-1", holder, ttl_s=60.0, clock=lambda: 0.0)
    assert lease is not None
    return lease


def write_whole_run(session: Session, run: Run) -> Anchor:
    lease = take(session, f"holder of {run.run_id}")
    append(session, run, "planned", lease=lease)
    append(session, run, "running", lease=lease, outcome=Outcome(gates={"gate": False}))
    end = Outcome(exit_status=0, duration_ms=12, output_tail="é\n", evidence_digest="ef" * 32)
    anchor = append(session, run, "succeeded", lease=lease, outcome=end)
    release(session, lease)
    return anchor


def test_a_run_goes_through_its_states_and_the_ledger_verifies(store: Session):
    anchor = write_whole_run(store, make_run())

    verification = verify(store, anchors=[anchor])

    assert verification.is_sound
    assert (verification.rows, verification.head) == (3, anchor)
    assert [(run.state, run.term, run.exit_status) for run in read_runs(store)] == [("succeeded", 1, 0)]


@pytest.mark.parametrize("state", ["planned", "running", "succeeded", "failed", "refused"])
def test_who_lost_the_lease_writes_no_row_of_any_state(store: Session, state: State):
    stale = take(store)
    if state != "planned":
        append(store, make_run(), "planned", lease=stale)
    if state in {"succeeded", "failed"}:
        append(store, make_run(), "running", lease=stale)
    store.run(EXPIRE)
    take(store, "b")
    before = verify(store).head

    with pytest.raises(StaleTermError):
        append(store, make_run(), state, lease=stale)

    assert verify(store).head == before


def test_an_expired_lease_is_lost_even_where_nobody_took_it(store: Session):
    stale = take(store)
    append(store, make_run(), "planned", lease=stale)
    store.run(EXPIRE)

    with pytest.raises(StaleTermError):
        append(store, make_run(), "running", lease=stale)


def test_one_term_starts_one_run(store: Session):
    lease = take(store)
    for run_id in ("r1", "r2"):
        append(store, make_run(run_id), "planned", lease=lease)
    append(store, make_run("r1"), "running", lease=lease)

    with pytest.raises(RunStateError):
        append(store, make_run("r2"), "running", lease=lease)


def test_a_run_starts_once_and_ends_once(store: Session):
    write_whole_run(store, make_run())
    lease = take(store)

    for state in ("planned", "running", "failed", "lost"):
        with pytest.raises((RunStateError, StaleTermError)):
            append(store, make_run(), state, lease=lease)

    assert len(read_runs(store)) == 1


def test_a_run_whose_holder_is_gone_is_marked_lost_and_one_whose_holder_lives_is_not(store: Session):
    dead = take(store)
    append(store, make_run("dead"), "planned", lease=dead)
    append(store, make_run("dead"), "running", lease=dead)
    store.run(EXPIRE)
    alive = take(store, "b")
    append(store, make_run("alive"), "planned", lease=alive)
    append(store, make_run("alive"), "running", lease=alive)

    marked = mark_lost(store)

    assert marked == ("dead",)
    assert mark_lost(store) == ()
    assert [(run.run_id, run.state) for run in read_runs(store)] == [("dead", "lost"), ("alive", "running")]
    with pytest.raises(ServerError, match="is not lost"):
        append(store, make_run("alive"), "lost", lease=alive)


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pgrehearse_dots.ledger SET reason = 'x'",
        "DELETE FROM pgrehearse_dots.ledger",
        "TRUNCATE pgrehearse_dots.ledger",
        "TRUNCATE pgrehearse_dots.ledger CASCADE",
        "UPDATE pgrehearse_dots.ledger SET reason = reason WHERE false",
    ],
)
def test_a_row_is_neither_changed_nor_removed_by_a_superuser_either(
    store: Session, statement: str, role: str
):
    write_whole_run(store, make_run())
    store.run(f"SET session_replication_role = {role}")

    with pytest.raises(ServerError) as caught:
        store.run(statement)

    assert caught.value.sqlstate == "RH703"
    assert verify(store).is_sound


def test_any_changed_column_of_any_row_is_found(store: Session):
    for run_id in ("r1", "r2"):
        write_whole_run(store, make_run(run_id))
    columns = store.fetch(COLUMNS)
    assert len(columns) == 22

    for column, kind in columns:
        for seq in range(1, 7):
            store.run("BEGIN; ALTER TABLE pgrehearse_dots.ledger DISABLE TRIGGER USER")
            drop_constraints(store)
            other = OTHER_VALUES.get(kind, f"'tampered {column}'")
            store.run(f"UPDATE pgrehearse_dots.ledger SET {column} = {other} WHERE seq = {seq}")
            store.run(
                "ALTER TABLE pgrehearse_dots.ledger ENABLE ALWAYS TRIGGER enter, ENABLE ALWAYS TRIGGER keep"
            )
            faults = verify(store).faults
            store.run("ROLLBACK")
            assert faults, (column, seq)
            assert not any(fault.startswith("Trigger") for fault in faults)


def drop_constraints(store: Session) -> None:
    names = store.fetch(
        "SELECT conname::text FROM pg_constraint WHERE conrelid = 'pgrehearse_dots.ledger'::regclass AND contype <> 'n'"
    )
    dropped = ", ".join(f'DROP CONSTRAINT "{name}"' for (name,) in names)
    store.run(f"ALTER TABLE pgrehearse_dots.ledger {dropped}")
    store.run("DROP INDEX pgrehearse_dots.ledger_one_run_a_term_idx")


def test_a_removed_row_is_found_and_the_last_one_by_its_anchor(store: Session):
    anchor = write_whole_run(store, make_run())
    store.run("ALTER TABLE pgrehearse_dots.ledger DISABLE TRIGGER keep")

    store.run("BEGIN; DELETE FROM pgrehearse_dots.ledger WHERE seq = 2")
    in_the_middle = verify(store).faults
    store.run("ROLLBACK")
    store.run("DELETE FROM pgrehearse_dots.ledger WHERE seq = 3")
    store.run("ALTER TABLE pgrehearse_dots.ledger ENABLE ALWAYS TRIGGER keep")

    assert in_the_middle[0] == "Row 2 is missing: row 3 stands in its place."
    assert verify(store).is_sound
    assert verify(store, anchors=[anchor]).faults == ("Row 3, which evidence names, is gone.",)


def test_a_last_row_written_anew_is_found_by_its_anchor(store: Session):
    anchor = write_whole_run(store, make_run())
    store.run("BEGIN; ALTER TABLE pgrehearse_dots.ledger DISABLE TRIGGER keep")
    store.run("DELETE FROM pgrehearse_dots.ledger WHERE seq = 3")
    store.run("ALTER TABLE pgrehearse_dots.ledger ENABLE ALWAYS TRIGGER keep; COMMIT; " + EXPIRE)
    mark_lost(store)

    assert verify(store).is_sound
    assert verify(store, anchors=[anchor]).faults == ("Row 3 is another than the one that evidence names.",)


def test_a_guard_that_was_switched_off_is_found(store: Session):
    store.run("ALTER TABLE pgrehearse_dots.ledger ENABLE TRIGGER keep")

    assert verify(store).faults == (
        "Trigger keep on pgrehearse_dots.ledger is missing or not enabled always.",
    )


def test_what_a_writer_claims_of_place_time_and_digest_does_not_count(store: Session):
    store.run(
        "INSERT INTO pgrehearse_dots.ledger (seq, run_id, state, code, action, place, target, gates, reason, actor,"
        " recorded_at, previous, digest) VALUES (9, 'r', 'planned', 'c', 'a', 'p', 't', '{}', '', 'nobody',"
        " '2001-01-01', 'x', 'y')"
    )

    ((seq, actor, year),) = store.fetch(
        "SELECT seq, actor, extract(year FROM recorded_at) FROM pgrehearse_dots.ledger"
    )
    assert (seq, actor) == (1, "postgres")
    assert year > 2001
    assert verify(store).is_sound


def test_a_clone_keeps_no_ledger(plain_database: str):
    with Session(plain_database) as session:
        ((name,),) = session.fetch("SELECT current_database()")
        session.run(f'ALTER DATABASE "{name}" SET "pgrehearse.clone" = \'whatever\'')

    with pytest.raises(DotError, match="cannot be kept"):
        open_store(plain_database)


def test_an_anchor_is_read_as_it_is_written():
    anchor = Anchor(7, "ab" * 32)

    assert read_anchor(str(anchor)) == anchor
    for text in ("", "7", "x:" + "ab" * 32, "7:" + "AB" * 32, "7:ab"):
        with pytest.raises(UsageError):
            read_anchor(text)


def test_a_ledger_that_was_dumped_and_restored_still_verifies(
    server: Server, plain_database: str, store: Session
):
    anchor = write_whole_run(store, make_run())
    copy = f"{make_target(plain_database).dbname}_restored"
    programs = server.binaries.program
    dump = subprocess.run([programs("pg_dump"), "-d", plain_database], capture_output=True, check=True).stdout

    with psycopg.connect(server.conninfo(), autocommit=True) as session:
        session.execute(f'CREATE DATABASE "{copy}"')
        try:
            psql = [programs("psql"), "-Xq", "-v", "ON_ERROR_STOP=1", "-d", server.conninfo(copy)]
            subprocess.run(psql, input=dump, check=True)
            with open_store(server.conninfo(copy)) as restored:
                verification = verify(restored, anchors=[anchor])
                append(restored, make_run("r2"), "planned")
                verification_of_more = verify(restored, anchors=[anchor])
        finally:
            session.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')

    assert (verification.is_sound, verification.rows, verification.head) == (True, 3, anchor)
    assert (verification_of_more.is_sound, verification_of_more.rows) == (True, 4)
