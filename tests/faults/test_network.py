"""A network that breaks at a known moment: told at once, or never told."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stand import STAGE, UNTOUCHED, Stand

from pgrehearse.errors import ConnectionLostError
from pgrehearse.pg.session import Session

SLOW = "SET idle_in_transaction_session_timeout = '1s';\nDELETE FROM account;\nSELECT pg_sleep(1);\n"


@contextmanager
def whole_again(stand: Stand) -> Iterator[None]:
    try:
        yield
    finally:
        stand.cable.mend()
        assert stand.stuck_sessions() == 0


def test_a_reset_in_a_statement_is_inconclusive_and_ends_all_sessions_at_once(
    stand: Stand, tmp_path: Path
) -> None:
    with whole_again(stand):
        process = stand.start(tmp_path, script=SLOW, conninfo=stand.far_conninfo)
        stand.await_stage()

        stand.cable.reset()
        ended = stand.wait(process, tmp_path)

        assert ended.status == 5, ended.said
        assert ended.evidence is not None
        assert not ended.evidence["rollback"]["proved"]
        assert "the server was lost" in str(ended.evidence["verdict"]["reasons"])
        assert stand.stuck_sessions() == 0


def test_a_network_that_falls_silent_is_noticed_and_the_server_ends_the_stage_by_itself(
    stand: Stand, tmp_path: Path
) -> None:
    with whole_again(stand):
        process = stand.start(tmp_path, script=SLOW, conninfo=stand.far_conninfo)
        stand.await_stage()

        stand.cable.fall_silent()
        ended = stand.wait(process, tmp_path)

        assert ended.status == 5, ended.said
        assert ended.evidence is not None
        assert not ended.evidence["rollback"]["proved"]
        with stand.connect() as session:  # the idle timeout is shorter than what the tool needs to find out
            assert session.execute(f"{STAGE} AND xact_start IS NOT NULL").fetchone() is None
        assert stand.content() == UNTOUCHED


@pytest.mark.majors(18)
def test_ctrl_c_ends_a_tool_whose_network_is_silent(stand: Stand, tmp_path: Path) -> None:
    with whole_again(stand):
        process = stand.start(
            tmp_path,
            script="DELETE FROM account;\nSELECT pg_sleep(30);\n",
            conninfo=stand.far_conninfo.replace("connect_timeout=1", "connect_timeout=2"),
        )
        stand.await_stage()
        stand.cable.fall_silent()

        process.send_signal(signal.SIGINT)
        ended = stand.wait(process, tmp_path)

        assert ended.status == 130, ended.said
        assert ended.evidence is None or ended.evidence["verdict"]["word"] == "INCONCLUSIVE"


def test_a_rehearsal_by_way_of_the_cable_is_go(stand: Stand, tmp_path: Path) -> None:
    ended = stand.wait(stand.start(tmp_path, conninfo=stand.far_conninfo), tmp_path)

    assert ended.status == 0, ended.said
    assert ended.evidence is not None
    assert ended.evidence["rollback"]["proved"]


# A session -----------------------------------------------------------------------------------------------------------


def test_a_server_that_is_long_at_work_is_waited_for(stand: Stand) -> None:
    with Session(stand.far_conninfo) as session:
        assert session.fetch("SELECT 7, pg_sleep(1.5)") == [(7, "")]
        assert session.execute("SELECT 8, pg_sleep(1.5)").rows == (("8", ""),)


def test_a_connection_that_something_in_between_has_forgotten_is_given_up(stand: Stand) -> None:
    with whole_again(stand), Session(stand.far_conninfo) as own, Session(stand.far_conninfo) as script:
        stand.cable.forget()

        with pytest.raises(ConnectionLostError, match="lost") as caught:
            own.fetch("SELECT 1")
        result = script.execute("COPY (SELECT 1) TO STDOUT")

        assert "no word from the server for 1 s" in caught.value.detail
        assert result.error is not None
        assert result.error.sqlstate == "08006"
        assert own.is_lost
        assert script.is_lost


def test_a_statement_that_must_end_is_cancelled_while_data_are_copied_out(stand: Stand) -> None:
    with Session(stand.conninfo) as session:
        began = time.monotonic()

        session.must_end = lambda: time.monotonic() > began + 0.3

        result = session.execute("COPY (SELECT pg_sleep(30)) TO STDOUT")

        assert result.error is not None
        assert result.error.sqlstate == "57014"
        assert time.monotonic() - began < 10
        assert not session.is_lost


def test_both_sides_of_a_session_look_whether_the_other_is_there(stand: Stand) -> None:
    with Session(stand.far_conninfo) as session:
        ours = socket.socket(fileno=session._connection.fileno())
        try:
            asked_after_s = ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        finally:
            ours.detach()

        theirs = session.fetch("SELECT reset_val FROM pg_settings WHERE name = 'tcp_keepalives_idle'")

    assert asked_after_s == 30
    assert theirs == [("30",)]
