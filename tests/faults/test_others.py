"""Others at work on the same server: they hold locks, take all connections, or the tool itself is held up."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psycopg
from stand import UNTOUCHED, Ended, Stand


def judge_inconclusive(stand: Stand, ended: Ended, why: str) -> None:
    assert ended.status == 5, (ended.status, ended.said)
    assert ended.evidence is not None
    assert re.search(why, str(ended.evidence["verdict"]["reasons"]))
    assert ended.evidence["rollback"]["proved"]
    assert stand.stuck_sessions() == 0
    assert stand.content() == UNTOUCHED


# Locks ---------------------------------------------------------------------------------------------------------------


def test_a_lock_that_another_session_holds_is_inconclusive(stand: Stand, tmp_path: Path) -> None:
    with psycopg.connect(stand.conninfo) as other:
        other.execute("LOCK TABLE audit IN ACCESS EXCLUSIVE MODE")

        process = stand.start(
            tmp_path, script="SET lock_timeout = '100ms';\nINSERT INTO audit VALUES ('x');\n"
        )
        ended = stand.wait(process, tmp_path)

    judge_inconclusive(stand, ended, "55P03")


def test_the_lock_timeout_of_the_policy_bounds_the_wait_for_another_session(
    stand: Stand, tmp_path: Path
) -> None:
    with psycopg.connect(stand.conninfo) as other:
        other.execute("SELECT 1 FROM account WHERE id = 7 FOR UPDATE")

        script = "DELETE FROM account WHERE id < 5;\nDELETE FROM account WHERE id = 7;\n"
        ended = stand.wait(stand.start(tmp_path, script=script, policy="lock_timeout_s = 0.1"), tmp_path)

    judge_inconclusive(stand, ended, "55P03")


def test_a_deadlock_with_another_session_is_inconclusive(stand: Stand, tmp_path: Path) -> None:
    with psycopg.connect(stand.conninfo) as other:
        other.execute("SET deadlock_timeout = '20s'")
        other.execute("LOCK TABLE audit")
        process = stand.start(tmp_path, script="BEGIN;\nLOCK TABLE account;\nLOCK TABLE audit;\nCOMMIT;\n")
        stand.await_stage("wait_event_type = 'Lock'")
        other.execute("LOCK TABLE account")  # the stage is the first to look for a deadlock, and gives in

        other.rollback()
        ended = stand.wait(process, tmp_path)

    judge_inconclusive(stand, ended, "40P01")


# Connections ---------------------------------------------------------------------------------------------------------


@contextmanager
def all_connections_taken(stand: Stand) -> Iterator[None]:
    with stand.connect() as session:
        most = int(session.execute("SHOW max_connections").fetchone()[0])  # type: ignore[index]
    with ExitStack() as others:
        with suppress(psycopg.OperationalError):
            for _ in range(most):
                others.enter_context(psycopg.connect(stand.conninfo))
        yield


def test_a_server_without_connections_left_is_told(stand: Stand, tmp_path: Path) -> None:
    with all_connections_taken(stand):
        ended = stand.wait(stand.start(tmp_path), tmp_path)

    assert ended.status == 2, ended.said
    assert ended.evidence is None
    assert "too many clients" in ended.said or "connection slots" in ended.said
    assert stand.stuck_sessions() == 0
    assert stand.content() == UNTOUCHED


def test_a_server_that_runs_out_of_connections_meanwhile_never_leads_to_a_wrong_go(
    stand: Stand, tmp_path: Path
) -> None:
    process = stand.start(tmp_path, script="DELETE FROM account;\nSELECT pg_sleep(1.5);\n")
    stand.await_stage()

    with all_connections_taken(stand):
        ended = stand.wait(process, tmp_path)

    if ended.status == 0:  # all sessions were there already
        assert ended.evidence is not None
        assert ended.evidence["rollback"]["proved"]
    else:
        assert ended.status in (2, 5), ended.said
        assert ended.evidence is not None or "too many clients" in ended.said
    assert stand.stuck_sessions() == 0
    assert stand.content() == UNTOUCHED
    assert stand.wait(stand.start(tmp_path), tmp_path).status == 0


# Time ----------------------------------------------------------------------------------------------------------------


def test_a_tool_that_is_held_up_loses_its_stage_to_the_idle_timeout(stand: Stand, tmp_path: Path) -> None:
    script = (
        "SET idle_in_transaction_session_timeout = '300ms';\nDELETE FROM account;\nSELECT pg_sleep(0.3);\n"
    )
    process = stand.start(tmp_path, script=script)
    pid = stand.await_stage()

    os.kill(process.pid, signal.SIGSTOP)
    with stand.connect() as session:
        until = time.monotonic() + 20
        while session.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
            assert time.monotonic() < until, "the stage outlived its idle timeout"
            time.sleep(0.01)
    os.kill(process.pid, signal.SIGCONT)

    judge_inconclusive(stand, stand.wait(process, tmp_path), "server was lost|no longer the one")


def test_a_statement_beyond_the_deadline_is_cancelled(stand: Stand, tmp_path: Path) -> None:
    script = "DELETE FROM account;\nSELECT pg_sleep(60);\n"

    ended = stand.wait(stand.start(tmp_path, script=script, policy="deadline_s = 0.5"), tmp_path)

    judge_inconclusive(stand, ended, "deadline")
