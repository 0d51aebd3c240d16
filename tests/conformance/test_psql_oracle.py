"""The reader sends what psql sends: the same script through both, told by the server's own log."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

sys.path.insert(0, str(Path(__file__).parent))

from script_strategies import scripts

SCRIPTS = int(os.environ.get("PGREHEARSE_ORACLE_SCRIPTS", "150"))
CORPUS = (Path(__file__).parent / "psql_corpus.txt").read_text(encoding="utf-8").split("=====\n")
ENDS_EARLY = re.compile("unterminated|unclosed|BEGIN without END|COPY data without an end")


def assert_equal(oracle, script: bytes) -> None:
    """Both sent the same; where the script breaks off, psql sends what is left of it, and the reader refuses to."""
    by_psql = oracle.sent_by_psql(script)
    by_reader = oracle.sent_by_reader(script)
    breaks_off = any(ENDS_EARLY.search(problem) for problem in oracle.problems)
    if breaks_off and len(by_psql) == len(by_reader) + 1:
        by_psql.pop()
    assert by_reader == by_psql


@pytest.fixture(scope="module", autouse=True)
def included_files(oracle):
    (oracle.folder / "one.sql").write_text("select 'one' \\echo one\n;\n\\set v 7\nselect 'rest of one'")
    (oracle.folder / "two.sql").write_text(
        "\\if :{?w}\n\\q\n\\endif\nselect 1/0;\nselect 'two';\n\\ir one.sql\n"
    )
    (oracle.folder / "data.txt").write_text("a\n\\\\.\nb\n")


@pytest.mark.parametrize("script", CORPUS, ids=range(len(CORPUS)))
def test_a_script_of_the_corpus_sends_what_psql_sends(oracle, script: str) -> None:
    assert_equal(oracle, script.replace("<CR>", "\r").replace("<NOEOL>\n", "").encode())


@settings(
    max_examples=SCRIPTS,
    deadline=None,
    database=None,
    derandomize="PGREHEARSE_ORACLE_SCRIPTS" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
@given(script=scripts)
def test_a_generated_script_sends_what_psql_sends(oracle, script: bytes) -> None:
    assert_equal(oracle, script)
