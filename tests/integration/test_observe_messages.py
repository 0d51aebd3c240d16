"""The messages that psql would show: by the level that the script has set, and that rollbacks take back."""

from __future__ import annotations

import pytest

from pgrehearse.plan.planfile import PlanFile
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.script.source import make_source

from .torture import cleared

HELLO = "DO $$ BEGIN RAISE NOTICE 'hello'; END $$;"


def messages_of(conninfo: str, script: str) -> list[tuple[str, str]]:
    source = make_source("change.sql", script.encode())
    evidence = rehearse(source, PlanFile(), conninfo, cleared(conninfo), Options()).evidence
    assert evidence.verdict.word in ("GO", "NO-GO"), evidence.verdict
    return [(message.severity, message.text) for message in evidence.effects.messages]


@pytest.mark.parametrize(
    "before",
    [
        "",
        "BEGIN; SET client_min_messages = error; ROLLBACK;",
        "BEGIN; SET client_min_messages = error; SELECT 1/0; ROLLBACK;",
        "BEGIN; SAVEPOINT a; SET client_min_messages = error; ROLLBACK TO a; COMMIT;",
        "BEGIN; SET LOCAL client_min_messages = error; COMMIT;",
        "SET client_min_messages = error; RESET client_min_messages;",
        "SET client_min_messages = warning; BEGIN; SET client_min_messages = notice; COMMIT;",
    ],
)
def test_what_the_script_no_longer_hides_is_told(plain_database: str, before: str) -> None:
    assert messages_of(plain_database, f"{before} {HELLO}") == [("NOTICE", "hello")]


@pytest.mark.parametrize(
    "before",
    [
        "SET client_min_messages = warning;",
        "BEGIN; SET client_min_messages = warning; COMMIT; BEGIN; SET client_min_messages = notice; ROLLBACK;",
        "SET client_min_messages = error; BEGIN; SELECT 1/0; ROLLBACK;",
    ],
)
def test_what_the_script_hides_is_not_told(plain_database: str, before: str) -> None:
    assert messages_of(plain_database, f"{before} {HELLO}") == []


def test_what_the_server_is_asked_to_say_to_us_alone_is_not_told(plain_database: str) -> None:
    change = "CREATE TABLE t (i int PRIMARY KEY, word text); INSERT INTO t VALUES (1, 'a'); TRUNCATE t;"

    assert messages_of(plain_database, change) == []
