"""The estate's lease and run ledger: who may run a tool, and what is written down about it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

ACQUIRE = "SELECT fn_dot_iu_lease_acquire('runner', %s, 60)"
RELEASE = "SELECT fn_dot_iu_lease_release('runner', %s, %s)"
LOG = "SELECT fn_dot_iu_command_log(%s, 'apply', 'refused', md5('x'), '{}', '{}', 'tester')"


@pytest.fixture
def estate(estate_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(estate_database, autocommit=True) as session:
        yield session


def value(session: psycopg.Connection, query: str, *params: object) -> object:
    return session.execute(query, params).fetchone()[0]


def test_a_held_lease_is_not_given_to_another_holder(estate: psycopg.Connection):
    first = value(estate, ACQUIRE, "one")

    second = value(estate, ACQUIRE, "two")

    assert first is not None
    assert second is None
    assert value(estate, "SELECT lease_holder FROM dot_iu_runtime_lease") == "one"


def test_an_expired_lease_is_given_to_another_holder(estate: psycopg.Connection):
    value(estate, ACQUIRE, "one")
    estate.execute(
        """
        UPDATE dot_iu_runtime_lease
        SET acquired_at = now() - interval '62 s',
            expires_at = now() - interval '2 s'
        """
    )

    second = value(estate, ACQUIRE, "two")

    assert second is not None
    assert value(estate, "SELECT lease_holder FROM dot_iu_runtime_lease") == "two"


def test_the_same_holder_renews_its_lease_under_a_new_token(estate: psycopg.Connection):
    first = value(estate, ACQUIRE, "one")

    again = value(estate, ACQUIRE, "one")

    assert again not in {None, first}
    assert value(estate, "SELECT count(*) FROM dot_iu_runtime_lease") == 1


def test_a_foreign_holder_or_token_releases_nothing(estate: psycopg.Connection):
    token = value(estate, ACQUIRE, "one")

    released = [
        value(estate, RELEASE, "two", token),
        value(estate, RELEASE, "one", "00000000-0000-0000-0000-000000000000"),
    ]

    assert released == [False, False]
    assert value(estate, "SELECT count(*) FROM dot_iu_runtime_lease") == 1
    assert value(estate, RELEASE, "one", token) is True
    assert value(estate, "SELECT count(*) FROM dot_iu_runtime_lease") == 0


def test_a_refused_command_is_entered_in_the_ledger(estate: psycopg.Connection):
    run_id = value(estate, LOG, "piece.edit")

    assert (
        value(estate, "SELECT run_status FROM dot_iu_command_run WHERE id = %s AND mutating", run_id)
        == "refused"
    )


def test_a_command_that_is_not_in_the_catalogue_is_not_entered(estate: psycopg.Connection):
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="is not in dot_iu_command_catalog"):
        value(estate, LOG, "piece.explode")

    assert value(estate, "SELECT count(*) FROM dot_iu_command_run") == 55
