"""A session with a server: what hears its messages is never left behind in silence."""

from __future__ import annotations

import pytest

from pgrehearse.errors import ServerError
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
