"""The tool, its sessions, the server or the network is cut off at a random moment: nothing is committed, nothing hangs."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

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


def reset_network(stand: Stand, process: subprocess.Popen[str]) -> bool:
    was_used = stand.cable.connections > 0
    stand.cable.reset()
    return was_used


def silence_network(stand: Stand, process: subprocess.Popen[str]) -> bool:
    was_used = stand.cable.connections > 0
    stand.cable.fall_silent()
    return was_used


KINDS: dict[str, Kill] = {
    "tool killed": kill_tool,
    "tool interrupted": interrupt_tool,
    "sessions terminated": terminate_backend,
    "server crashed": crash_server,
    "network reset": reset_network,
    "network silent": silence_network,
}


REFUSED, INCONCLUSIVE, INTERRUPTED = 3, 5, 130
EARLY = 1  # Python itself was still starting: not a line of the tool had run

CUT_OFF = {2, REFUSED, INCONCLUSIVE}
"""Not connected, not examined, or not to its end. That something stayed, or that the script failed, would be wrong."""

STATUSES: dict[str, set[int]] = {
    "tool killed": {-signal.SIGKILL},
    "tool interrupted": {INTERRUPTED, -signal.SIGINT, EARLY},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_at_any_moment_commits_nothing_and_leaves_no_session(
    kind: str, stand: Stand, tmp_path: Path
) -> None:
    rounds = int(os.environ.get("PGREHEARSE_FAULT_ROUNDS", "2"))
    if kind == "network silent":
        rounds = max(1, rounds // 4)  # the tool takes its seconds to find out
    version = stand.server.binaries.version
    chance = random.Random(f"{os.environ.get('PGREHEARSE_FAULT_SEED', '1')} {version} {kind}")
    whole_s = _undisturbed_s(stand, tmp_path)
    ends: Counter[str] = Counter()
    missed = 0

    while ends.total() < rounds:
        started = time.monotonic()
        process = stand.start(tmp_path, conninfo=stand.far_conninfo)
        _sleep_unless_ended(process, chance.uniform(0.0, whole_s))
        was_over = process.poll() is not None
        has_hit = not was_over and KINDS[kind](stand, process)
        took_s = time.monotonic() - started
        ended = stand.wait(process, tmp_path)

        if has_hit:
            ends[_word_of(ended)] += 1
        else:
            # It was over, or had no session yet: the next moments are drawn from a truer span.
            missed += 1
            whole_s = min(whole_s, took_s) if was_over else whole_s
        assert stand.content() == UNTOUCHED
        stand.cable.mend()
        assert stand.stuck_sessions() == 0
        _judge(ended, kind, was_over=was_over)

    _tell(f"{version} {kind}: {rounds} hits, {missed} misses: {dict(sorted(ends.items()))}")
    assert stand.wait(stand.start(tmp_path, conninfo=stand.far_conninfo), tmp_path).status == 0


def _tell(line: str) -> None:
    if table := os.environ.get("PGREHEARSE_FAULT_TABLE"):
        with Path(table).open("a") as lines:
            lines.write(line + "\n")


def _undisturbed_s(stand: Stand, folder: Path) -> float:
    started = time.monotonic()
    ended = stand.wait(stand.start(folder, conninfo=stand.far_conninfo), folder)
    assert ended.status == 0, ended.said
    return time.monotonic() - started


def _sleep_unless_ended(process: subprocess.Popen[str], delay_s: float) -> None:
    try:
        process.wait(delay_s)
    except subprocess.TimeoutExpired:
        return


def _word_of(ended: Ended) -> str:
    word = "no evidence" if ended.evidence is None else ended.evidence["verdict"]["word"]
    return f"{word} {ended.status}"


def _judge(ended: Ended, kind: str, *, was_over: bool) -> None:
    """A GO is one only where both passes came to their end and were proved; else the reason stands there."""
    if ended.evidence is not None and ended.evidence["verdict"]["word"] == "GO":
        assert ended.evidence["rollback"]["proved"]
        assert [one.get("broken", "") for one in ended.evidence["rollback"]["passes"]] == ["", ""]
    if ended.status == 0:
        assert ended.evidence is not None
        assert ended.evidence["verdict"]["word"] == "GO"
        return
    assert not was_over
    assert ended.status in STATUSES.get(kind, CUT_OFF), (ended.status, ended.said)
    if ended.status == EARLY:
        assert ended.said.rstrip().endswith("KeyboardInterrupt"), ended.said
    if ended.status == REFUSED:
        assert ended.evidence is not None
        assert ended.evidence["steps"] == []  # the target could not be examined: nothing was run
    if ended.status == INTERRUPTED:
        assert "interrupted" in ended.said
    if ended.evidence is None:
        assert ended.said.strip() or ended.status < 0  # why there is none, but for one whom a signal ended
    elif ended.status == INCONCLUSIVE:
        assert ended.evidence["verdict"]["reasons"]
