"""A session with a server: what hears its messages is never left behind in silence."""

from __future__ import annotations

import time

import pytest

from pgrehearse.errors import ConnectionLostError, ServerError, TargetError
from pgrehearse.pg.result import ServerMessage
from pgrehearse.pg.session import Session


def test_an_error_of_what_hears_the_messages_is_raised_where_they_are_taken(plain_database: str) -> None:
    def fail(_message: ServerMessage) -> bool:
        raise LookupError("not foreseen")

    with Session(plain_database) as session:
        session.hears = fail
        session.execute("DO $$ BEGIN RAISE NOTICE 'hello'; END $$")

        with pytest.raises(LookupError, match="not foreseen"):
            session.take_messages()


def test_several_statements_in_one_message_give_the_rows_of_the_last(plain_database: str) -> None:
    with Session(plain_database) as session:
        assert session.fetch("SELECT 1; SELECT 2, 3") == [(2, 3)]
        assert session.fetch("SELECT 1; SET LOCAL lock_timeout = 0") == []


def test_parameters_are_given_by_place_or_by_name(plain_database: str) -> None:
    with Session(plain_database) as session:
        assert session.fetch("SELECT %s::int, %s::text, 5 %% 3", (1, "a")) == [(1, "a", 2)]
        assert session.fetch("SELECT %(n)s::int, %(t)s::text, %(n)s + 1", {"n": 1, "t": None}) == [
            (1, None, 2)
        ]
        assert session.fetch("SELECT unnest(%s::oid[])::bigint", ([2, 70_000],)) == [(2,), (70_000,)]


def test_an_error_of_our_own_query_has_its_code_and_leaves_the_session_usable(plain_database: str) -> None:
    with Session(plain_database) as session:
        for ask in (
            lambda: session.fetch("SELECT 1 / %s", (0,)),
            lambda: session.run("SELECT 1; SELECT 1 / 0"),
        ):
            with pytest.raises(ServerError, match="division by zero") as caught:
                ask()
            assert caught.value.sqlstate == "22012"
        assert session.fetch("SELECT 1") == [(1,)]


def test_why_a_session_is_lost_is_told_where_the_server_had_the_time_to_say_it(plain_database: str) -> None:
    with Session(plain_database) as other:
        for ask in (lambda s: s.fetch("SELECT 1"), lambda s: s.execute("SELECT 1")):
            with Session(plain_database) as session:
                other.fetch("SELECT pg_terminate_backend(%s, 5000)", (session.pid,))
                try:
                    told = ask(session).error.text
                except ConnectionLostError as error:
                    told = error.message
                assert told.endswith("was lost: terminating connection due to administrator command")


def test_a_session_that_was_closed_here_is_lost_without_a_word_of_the_server(plain_database: str) -> None:
    session = Session(plain_database)
    session.close()

    with pytest.raises(ConnectionLostError, match=r"was lost\Z"):
        session.fetch("SELECT 1")


def test_a_connection_that_comes_too_late_leaves_no_backend_behind(plain_database: str) -> None:
    with Session(plain_database) as session:
        session.run(
            "BEGIN; LOCK TABLE pg_catalog.pg_db_role_setting IN ACCESS EXCLUSIVE MODE"
        )  # each new one reads it

        with pytest.raises(TargetError, match="timeout"):
            Session(f"{plain_database} connect_timeout=2", application_name="late")

        session.run("ROLLBACK")
        left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'late'"
        for _ in range(200):
            if session.fetch(left) == [(0,)]:
                return
            time.sleep(0.01)
        pytest.fail("the backend of the attempt is still there")
