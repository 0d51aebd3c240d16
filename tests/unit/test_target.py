"""A target is what psql would connect to, and never shows a password."""

from __future__ import annotations

import pytest

from pgrehearse.cli.options import target_from
from pgrehearse.errors import UsageError
from pgrehearse.pg.target import make_target


@pytest.fixture(autouse=True)
def without_pg_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGSERVICE", "PGPASSWORD"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "given",
    [
        "host=db port=99 user=joe password=secret dbname=app",
        "postgresql://joe:secret@db:99/app",
        "postgres://db:99/app?user=joe&password=secret",
    ],
)
def test_every_form_that_psql_takes_is_the_same_target(given: str) -> None:
    target = make_target(given)

    assert (target.host, target.port, target.user, target.dbname) == ("db", "99", "joe", "app")
    assert "secret" not in target.redacted + repr(target) + target.without_password()[0]
    assert target.without_password()[1] == "secret"


def test_a_bare_name_is_a_database_whatever_signs_it_has() -> None:
    target = make_target("it's an \\app")

    assert target.dbname == "it's an \\app"
    assert make_target(target.conninfo).dbname == target.dbname


def test_the_variables_fill_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db")
    monkeypatch.setenv("PGUSER", "joe")

    target = make_target("port=99")

    assert (target.host, target.port, target.user, target.dbname) == ("db", "99", "joe", "joe")


def test_another_database_of_the_server_keeps_all_else() -> None:
    target = make_target("postgresql://joe:secret@db:99/app?sslmode=require").for_database("other db")

    assert (target.host, target.port, target.dbname) == ("db", "99", "other db")
    assert "sslmode=require" in target.conninfo
    assert target.without_password()[1] == "secret"


def test_without_a_place_there_is_no_target() -> None:
    assert target_from(None, {}) is None
    assert target_from(None, {"PGSSLMODE": "require", "PGPASSWORD": "secret"}) is None


@pytest.mark.parametrize("name", ["PGHOST", "PGDATABASE", "PGSERVICE", "PGPORT", "PGUSER", "PGHOSTADDR"])
def test_one_variable_that_names_a_place_is_enough(name: str) -> None:
    assert target_from(None, {name: "x"}) is not None


def test_what_libpq_cannot_read_is_told_without_the_password() -> None:
    with pytest.raises(UsageError) as refused:
        make_target("hots=db password=secret")

    assert 'invalid connection option "hots"' in refused.value.message
    assert "secret" not in refused.value.message
