"""The script's own checks: rows of its result tables, which decide whatever its summary says.

Takes result sets; gives a finding a row. A result table names what is checked (`check_name`, `check`, `test`) and says
how it went (`pass`, `passed`, `ok`, `verdict`, `result`, `status`). Only an answer that clearly says yes passes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pgrehearse.check.finding import Finding, Word
from pgrehearse.stage.transcript import ResultSet, StepResult, Transcript

_NAMES = ("check_name", "check", "test_name", "test")
_ANSWERS = ("pass", "passed", "ok", "verdict", "result", "status")
_YES = re.compile(r"t|true|yes|y|1|on|ok|go|pass|passed|success|succeeded", re.IGNORECASE)
_NO_IN_SUMMARY = re.compile(r"\b(fail|failed|failure|no-go|error)\b", re.IGNORECASE)
_ID = re.compile(r"(?P<id>[A-Z]{1,6}[-_.]?\d[\w.]*)[\s:.)\u2013-]+(?P<rest>.+)", re.DOTALL)
_COUNTS = ("failed", "failures")


def script_findings(transcript: Transcript) -> Iterator[Finding]:
    """The findings of all result tables of the clean pass.

    A summary without rows of its own decides nothing when it is good, nor when it repeats that a row has failed.
    """
    tables = [(s, r) for record in transcript.passes[:1] for s in record.steps for r in s.result_sets]
    rows = [finding for step, result_set in tables for finding in _of_result_set(step, result_set)]
    yield from rows
    if all(finding.passed for finding in rows):
        for step, result_set in tables:
            yield from _of_summary(step, result_set)


def _positions(result_set: ResultSet) -> dict[str, int]:
    return {column.name.lower(): i for i, column in reversed(list(enumerate(result_set.columns)))}


def _of_result_set(step: StepResult, result_set: ResultSet) -> Iterator[Finding]:
    columns = _positions(result_set)
    name = next((columns[c] for c in _NAMES if c in columns), None)
    answer = next((columns[c] for c in _ANSWERS if c in columns), None)
    if name is None or answer is None:
        return
    for row in result_set.rows:
        yield _of_row(row, columns, name, answer)
    if result_set.truncated:
        yield _problem(step, "all rows of the result table are read", "the table has more rows than are kept")


def _of_row(row: tuple[str | None, ...], columns: Mapping[str, int], name: int, answer: int) -> Finding:
    said = (row[answer] or "").strip()
    full_name = (row[name] or "").strip()
    parts = _ID.fullmatch(full_name)
    id_, title = (parts["id"], parts["rest"].strip()) if parts else (full_name, full_name)
    expected = row[columns["expected"]] if "expected" in columns else "PASS"
    actual = row[columns["actual"]] if "actual" in columns else said
    return Finding(
        id=id_,
        name=title,
        expected=_shown(expected),
        actual=_shown(actual),
        passed=bool(_YES.fullmatch(said)),
        source="script",
        reason=f"check {id_} of the script failed: expected {_shown(expected)}, found {_shown(actual)}",
    )


def _of_summary(step: StepResult, result_set: ResultSet) -> Iterator[Finding]:
    columns = _positions(result_set)
    if any(name in columns for name in _NAMES):
        return
    failed = next((columns[c] for c in _COUNTS if c in columns), None)
    verdict = next((columns[c] for c in ("verdict", "result", "status") if c in columns), None)
    if failed is None:
        return
    for row in result_set.rows:
        count, word = row[failed] or "", (row[verdict] or "") if verdict is not None else ""
        if count.strip() != "0" or _NO_IN_SUMMARY.search(word):
            yield _problem(step, "the script's summary counts no failure", f"failed: {count} {word}".strip())


def _problem(step: StepResult, expected: str, actual: str) -> Finding:
    return Finding(
        id=f"step-{step.n}",
        name=f"Summary at {step.location}",
        expected=expected,
        actual=actual,
        passed=False,
        source="script",
        word=Word.NO_GO,
        reason=f"{step.location}: {actual}",
    )


def _shown(value: str | None) -> str:
    return "NULL" if value is None else value
