"""The tool, its backend or the whole server is killed at a random moment: nothing is committed, and nothing hangs."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest
from stand import STUCK, UNTOUCHED, Ended, Stand

Kill = Callable[[Stand, "subprocess.Popen[str]"], bool]
"""Tells whether there was something to kill."""


def kill_tool(stand: Stand, process: subprocess.Popen[str]) -> bool:
    process.kill()
    return True


def interrupt_tool(stand: Stand, process: subprocess.Popen[str]) -> bool:
    process.send_signal(signal.SIGINT)
    return True


def terminate_backend(stand: Stand, process: subprocess.Popen[str]) -> bool:
    with stand.connect() as session:
        ended = session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> ''"
        )
        return bool(ended.fetchall())


def crash_server(stand: Stand, process: subprocess.Popen[str]) -> bool:
    """A killed backend makes the server end all others and recover, as a crash does."""
    with stand.connect() as session:
        others = session.execute(STUCK).fetchone()
        if others is None or not others[0]:
            return False
        os.kill(session.info.backend_pid, signal.SIGKILL)
    return True


KINDS: dict[str, Kill] = {
    "tool killed": kill_tool,
    "tool interrupted": interrupt_tool,
    "sessions terminated": terminate_backend,
    "server crashed": crash_server,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_at_any_moment_commits_nothing_and_leaves_no_session(
    kind: str, stand: Stand, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    rounds = int(os.environ.get("PGREHEARSE_FAULT_ROUNDS", "5"))
    chance = random.Random(f"{os.environ.get('PGREHEARSE_FAULT_SEED', '1')} {kind}")
    whole_s = _undisturbed_s(stand, tmp_path)
    ends: Counter[str] = Counter()
    missed = 0

    while ends.total() < rounds:
        started = time.monotonic()
        process = stand.start(tmp_path)
        _sleep_unless_ended(process, chance.uniform(0.0, whole_s))
        was_over = process.poll() is not None
        has_hit = not was_over and KINDS[kind](stand, process)
        ended = stand.wait(process, tmp_path)

        if has_hit:
            ends[_word_of(ended)] += 1
        else:
            # It was over, or had no session yet: the next moments are drawn from a truer span.
            missed += 1
            whole_s = min(whole_s, time.monotonic() - started)
        assert stand.content() == UNTOUCHED
        assert stand.stuck_sessions() == 0
        _judge(ended, was_over=was_over)

    record_property(kind, f"{rounds} hits, {missed} misses: {dict(sorted(ends.items()))}")
    assert stand.wait(stand.start(tmp_path), tmp_path).status == 0


def _undisturbed_s(stand: Stand, folder: Path) -> float:
    started = time.monotonic()
    ended = stand.wait(stand.start(folder), folder)
    assert ended.status == 0, ended.said
    return time.monotonic() - started


def _sleep_unless_ended(process: subprocess.Popen[str], delay_s: float) -> None:
    try:
        process.wait(delay_s)
    except subprocess.TimeoutExpired:
        return


def _word_of(ended: Ended) -> str:
    if ended.evidence is not None:
        return str(ended.evidence["verdict"]["word"])
    return f"no evidence, status {ended.status}"


def _judge(ended: Ended, *, was_over: bool) -> None:
    """A GO is one only where both passes came to their end and were proved; else the reason stands there."""
    if ended.status == 0:
        assert ended.evidence is not None
        assert ended.evidence["rollback"]["proved"]
        assert [one.get("broken", "") for one in ended.evidence["rollback"]["passes"]] == ["", ""]
    else:
        assert not was_over
        if ended.status == 1 and ended.said.rstrip().endswith("KeyboardInterrupt"):
            return  # Python itself was still starting: not a line of the tool had run
        if ended.status == 3:
            assert ended.evidence is not None
            assert ended.evidence["steps"] == []  # the target could not be examined: nothing was run
            return
        # Killed; interrupted; not connected; residue must never be claimed; inconclusive with its reason.
        assert ended.status in (-signal.SIGKILL, -signal.SIGINT, 130, 2, 5), (ended.status, ended.said)
        assert ended.status != 5 or ended.evidence is None or ended.evidence["verdict"]["reasons"]


def test_ctrl_c_in_a_statement_rolls_back_writes_evidence_and_exits_130(stand: Stand, tmp_path: Path) -> None:
    process = stand.start(tmp_path, script="DELETE FROM account;\nSELECT pg_sleep(60);\n")
    with stand.connect() as session:
        while not session.execute(SLEEPS).fetchone():
            time.sleep(0.01)

    process.send_signal(signal.SIGINT)
    ended = stand.wait(process, tmp_path)

    assert ended.status == 130
    assert ended.evidence is not None
    assert ended.evidence["verdict"]["word"] == "INCONCLUSIVE"
    assert "interrupted" in "".join(ended.evidence["verdict"]["reasons"])
    assert ended.evidence["rollback"]["proved"]
    assert stand.content() == UNTOUCHED


def test_ctrl_c_ends_a_statement_that_catches_its_cancellation(stand: Stand, tmp_path: Path) -> None:
    process = stand.start(
        tmp_path,
        script="DELETE FROM account;\nDO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60);"
        " EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$;\n",
    )
    with stand.connect() as session:
        while not session.execute(SLEEPS).fetchone():
            time.sleep(0.01)

    process.send_signal(signal.SIGINT)
    ended = stand.wait(process, tmp_path)

    assert ended.status == 130
    assert stand.stuck_sessions() == 0
    assert stand.content() == UNTOUCHED


SLEEPS = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name = 'psql'"


def test_a_lock_that_another_session_holds_is_inconclusive(stand: Stand, tmp_path: Path) -> None:
    with psycopg.connect(stand.conninfo) as other:
        other.execute("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE")

        ended = stand.wait(
            stand.start(tmp_path, script="SET lock_timeout = '100ms';\nINSERT INTO audit VALUES ('x');\n"),
            tmp_path,
        )

    assert ended.status == 5, ended.said
    assert stand.content() == UNTOUCHED


def test_a_deadlock_with_another_session_is_inconclusive(stand: Stand, tmp_path: Path) -> None:
    with psycopg.connect(stand.conninfo) as other:
        other.execute("SET deadlock_timeout = '20s'")
        other.execute("LOCK TABLE audit")
        process = stand.start(tmp_path, script="BEGIN;\nLOCK TABLE account;\nLOCK TABLE audit;\nCOMMIT;\n")
        with stand.connect() as watch:
            while not watch.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone():
                time.sleep(0.01)
        other.execute("LOCK TABLE account")  # the stage is the first to look for a deadlock, and gives in

        other.rollback()
        ended = stand.wait(process, tmp_path)

    assert ended.status == 5, ended.said
    assert "40P01" in str(ended.evidence)
    assert stand.content() == UNTOUCHED


def test_a_server_without_connections_left_is_told(stand: Stand, tmp_path: Path) -> None:
    with stand.connect() as session:
        most = int(session.execute("SHOW max_connections").fetchone()[0])  # type: ignore[index]
    with ExitStack() as others:
        with suppress(psycopg.OperationalError):
            for _ in range(most):
                others.enter_context(psycopg.connect(stand.conninfo))

        ended = stand.wait(stand.start(tmp_path), tmp_path)

    assert ended.status == 2, ended.said
    assert "too many clients" in ended.said or "connection slots" in ended.said
    assert stand.stuck_sessions() == 0
    assert stand.content() == UNTOUCHED
