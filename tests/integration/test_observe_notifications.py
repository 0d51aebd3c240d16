"""Notifications are told with their channel, their count, and their payload where the statement says it in full."""

from __future__ import annotations

import pytest

from .torture import MAJORS, load, rehearsed

pytestmark = pytest.mark.majors(*MAJORS)

SCHEMA = """
    CREATE TABLE item (id int);
    CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_notify('fixed', 'always "this"');
        PERFORM pg_notify('computed', NEW.id::text);
        NOTIFY plain;
        NOTIFY spoken, 'words';
        RETURN NULL;
    END $$;
    CREATE TRIGGER says AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION say();
"""


@pytest.mark.parametrize(
    ("change", "channel", "payload"),
    [
        ("NOTIFY alone", "alone", ""),
        ("NOTIFY \"My channel\", 'it''s'", "My channel", "it's"),
        ("SELECT pg_notify('a', 'b')", "a", "b"),
        ("SELECT pg_catalog.pg_notify('a', $$b$$) -- pg_notify('a', 'c')", "a", "b"),
        ("SELECT pg_notify('a', 'b' || 'c')", "a", None),
        ("SELECT pg_notify('a', 'b'), pg_notify('a', 'c')", "a", None),
        ("SELECT pg_notify('a', 'b'), pg_notify('d', 'c')", "a", "b"),
        ("SELECT pg_notify('a', E'b\\n')", "a", None),
        ("SELECT pg_notify(lower('A'), 'b')", "a", None),
    ],
)
def test_a_payload_is_known_where_the_statement_says_it(
    plain_database: str, change: str, channel: str, payload: str | None
) -> None:
    evidence = rehearsed(plain_database, change)

    assert {one.payload for one in evidence.effects.notifications if one.channel == channel} == {payload}


def test_the_statement_inside_a_function_says_it_as_well(plain_database: str) -> None:
    load(plain_database, SCHEMA)

    evidence = rehearsed(plain_database, "INSERT INTO item VALUES (1), (2)")

    assert {(one.channel, one.payload, one.count) for one in evidence.effects.notifications} == {
        ("fixed", 'always "this"', 2),
        ("computed", None, 2),
        ("plain", "", 2),
        ("spoken", "words", 2),
    }
