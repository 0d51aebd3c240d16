"""A session with a server: what hears its messages is never left behind in silence."""

from __future__ import annotations

import pytest

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
