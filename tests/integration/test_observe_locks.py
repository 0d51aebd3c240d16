"""Locks are told by step, with what they block and for how long; also those that are gone when a statement ends."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import product

import psycopg
import pytest

from pgrehearse.observe.lock_modes import MODES, blocked_by, conflict
from pgrehearse.observe.observation import LockTaken

from .torture import load, observed, rehearsed, transcript_of

SCHEMA = (
    "CREATE TABLE item (id int); CREATE TABLE other (id int); INSERT INTO item SELECT generate_series(1, 10)"
)


@pytest.mark.majors(18)
def test_the_server_agrees_to_each_entry_of_the_table_of_conflicts(plain_database: str) -> None:
    load(plain_database, SCHEMA)

    with psycopg.connect(plain_database) as one, psycopg.connect(plain_database) as other:
        found = {(a, b) for a, b in product(MODES, MODES) if _wait_for_each_other(one, other, a, b)}

    assert found == {(a, b) for a, b in product(MODES, MODES) if conflict(a, b)}


def test_what_a_mode_blocks_is_what_asks_for_a_mode_in_conflict() -> None:
    assert blocked_by("AccessExclusiveLock")[:1] == ("SELECT",)
    assert blocked_by("ShareLock") == ("INSERT", "UPDATE", "DELETE", "VACUUM", "DDL")
    assert blocked_by("AccessShareLock") == ("DDL",)
    assert blocked_by("ExclusiveAdvisory") == ()


def test_a_lock_of_a_caught_exception_is_seen(plain_database: str) -> None:
    load(plain_database, SCHEMA)
    change = """
        DO $$ BEGIN
            BEGIN LOCK TABLE item; PERFORM pg_sleep(0.3); RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END;
        END $$
    """

    locks = observed(transcript_of(plain_database, change), LockTaken)

    brief = {(lock.relation, lock.mode, lock.step) for lock in locks if lock.is_brief}
    assert ("public.item", "AccessExclusiveLock", 1) in brief
    held = [lock.held_ms for lock in locks if lock.is_brief and lock.mode == "AccessExclusiveLock"]
    assert 50 < held[0] < 400


def test_a_lock_is_held_until_the_end_of_its_segment(plain_database: str) -> None:
    load(plain_database, SCHEMA)
    change = "BEGIN; LOCK TABLE item; SELECT pg_sleep(0.1); LOCK TABLE other; SELECT pg_sleep(0.05); COMMIT"

    locks = observed(transcript_of(plain_database, change), LockTaken)
    held = {lock.relation: lock.held_ms for lock in locks}

    assert 140 < held["public.item"] < 1000
    assert 45 < held["public.other"] < held["public.item"] - 90


def test_locks_of_a_dropped_and_of_a_renamed_table_have_their_committed_names(plain_database: str) -> None:
    load(plain_database, SCHEMA)

    evidence = rehearsed(plain_database, "BEGIN; DROP TABLE item; ALTER TABLE other RENAME TO thing; COMMIT")

    assert {lock.relation for lock in evidence.effects.locks if lock.mode == "AccessExclusiveLock"} == {
        "public.item",
        "public.other",
        "type public.item",
        "type public.item[]",
    }


def _wait_for_each_other(one: psycopg.Connection, other: psycopg.Connection, a: str, b: str) -> bool:
    one.execute(f"LOCK TABLE item IN {_in_sql(a)} MODE")
    waits = True
    with suppress(psycopg.errors.LockNotAvailable):
        other.execute(f"LOCK TABLE item IN {_in_sql(b)} MODE NOWAIT")
        waits = False
    one.rollback()
    other.rollback()
    return waits


def _in_sql(mode: str) -> str:
    """`ShareRowExclusiveLock` as LOCK TABLE spells it."""
    words = "".join(f" {char}" if char.isupper() else char for char in mode.removesuffix("Lock"))
    return words.strip().upper()


def test_a_renamed_and_a_dropped_table_do_not_set_the_passes_at_odds(plain_database: str) -> None:
    load(plain_database, SCHEMA)
    change = (
        "BEGIN; INSERT INTO item VALUES (1); ALTER TABLE item RENAME TO thing; DELETE FROM other; DROP TABLE other;"
        " COMMIT"
    )

    evidence = rehearsed(plain_database, change)

    assert (evidence.verdict.word, evidence.verdict.reasons) == ("GO", ())


def test_a_sampler_that_the_change_locks_out_is_not_waited_for_and_told(plain_database: str) -> None:
    script = (
        "BEGIN; LOCK TABLE pg_catalog.pg_db_role_setting IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(0.3);"
        " SELECT pg_sleep(0.3); COMMIT"
    )

    began = time.monotonic()
    transcript = transcript_of(plain_database, script)

    assert time.monotonic() - began < 8  # the sampler's connect_timeout is 10 s
    assert any("could not be watched: no session could be opened" in limit for limit in transcript.limits)
