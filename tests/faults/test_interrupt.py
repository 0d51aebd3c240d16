"""Ctrl-C in a statement: it is cancelled, everything is rolled back, and the evidence says so."""

from __future__ import annotations

import signal
from pathlib import Path

from stand import UNTOUCHED, Stand


def test_ctrl_c_in_a_statement_rolls_back_writes_evidence_and_exits_130(stand: Stand, tmp_path: Path) -> None:
    process = stand.start(tmp_path, script="DELETE FROM account;\nSELECT pg_sleep(60);\n")
    stand.await_stage()

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
    stand.await_stage()

    process.send_signal(signal.SIGINT)
    ended = stand.wait(process, tmp_path)

    assert ended.status == 130
    assert stand.stuck_sessions() == 0
    assert stand.content() == UNTOUCHED
