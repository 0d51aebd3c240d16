"""An interruption is granted at once where something runs, and never costs the proof of what has run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from pgrehearse.plan.planfile import PlanFile
from pgrehearse.rehearsal import Options, Rehearsed, rehearse
from pgrehearse.script.source import read_source
from pgrehearse.stage.transcript import StepResult

from .torture import cleared


@pytest.fixture
def database(plain_database: str) -> str:
    with psycopg.connect(plain_database, autocommit=True) as session:
        session.execute("CREATE TABLE a (i int); INSERT INTO a VALUES (1)")
    return plain_database


def run(database: str, folder: Path, text: str, options: Options) -> Rehearsed:
    script = folder / "change.sql"
    script.write_text(text)
    return rehearse(read_source(str(script)), PlanFile(), database, cleared(database), options)


def after_step(pass_number: int, step: int) -> tuple[Callable[[int, StepResult], None], Callable[[], bool]]:
    """What is shown each step, and what asks to end once that one was shown."""
    seen: set[tuple[int, int]] = set()
    return lambda number, result: seen.add((number, result.n)), lambda: (pass_number, step) in seen


def test_before_the_first_statement_nothing_runs_and_the_evidence_says_why(
    database: str, tmp_path: Path
) -> None:
    rehearsed = run(database, tmp_path, "DELETE FROM a;", Options(is_interrupted=lambda: True))

    assert rehearsed.interrupted
    assert rehearsed.evidence.verdict.word == "INCONCLUSIVE"
    assert "interrupted" in " ".join(rehearsed.evidence.verdict.reasons)
    assert [step for step in rehearsed.evidence.steps if step.state == "ok"] == []
    assert rehearsed.evidence.rollback.proved


def test_a_statement_that_runs_is_cancelled(database: str, tmp_path: Path) -> None:
    until = time.monotonic() + 0.3

    rehearsed = run(
        database,
        tmp_path,
        "DELETE FROM a; SELECT pg_sleep(600);",
        Options(is_interrupted=lambda: time.monotonic() > until),
    )

    assert rehearsed.interrupted
    assert rehearsed.evidence.verdict.word == "INCONCLUSIVE"
    assert rehearsed.evidence.rollback.proved
    assert rehearsed.evidence.rehearsal.duration_ms < 60_000


@pytest.mark.parametrize("text", [r"SELECT $1 \bind 600 \g", r"SELECT pg_sleep($1) \bind 600 \g"])
def test_a_statement_with_bound_values_is_cancelled_as_well(database: str, tmp_path: Path, text: str) -> None:
    until = time.monotonic() + 0.3

    rehearsed = run(
        database,
        tmp_path,
        f"{text}\nSELECT pg_sleep(600) \\parse slow\n\\bind_named slow \\g\n",
        Options(is_interrupted=lambda: time.monotonic() > until),
    )

    assert rehearsed.interrupted
    assert rehearsed.evidence.rollback.proved


def test_between_the_passes_both_are_proved(database: str, tmp_path: Path) -> None:
    shown, is_interrupted = after_step(1, 1)

    rehearsed = run(database, tmp_path, "DELETE FROM a;", Options(shown=shown, is_interrupted=is_interrupted))

    assert rehearsed.interrupted
    assert rehearsed.evidence.verdict.word == "INCONCLUSIVE"
    assert rehearsed.evidence.rollback.proved
    assert [proof.number for proof in rehearsed.evidence.rollback.passes] == [1, 2]


def test_while_the_rollback_is_proved_the_proof_is_brought_to_its_end(database: str, tmp_path: Path) -> None:
    shown, is_interrupted = after_step(2, 1)

    rehearsed = run(database, tmp_path, "DELETE FROM a;", Options(shown=shown, is_interrupted=is_interrupted))

    assert rehearsed.interrupted
    assert rehearsed.evidence.verdict.word == "GO"
    assert rehearsed.evidence.rollback.proved
    assert rehearsed.evidence.effects.rows[0].deleted == 1
