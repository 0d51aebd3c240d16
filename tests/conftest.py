"""Real servers and databases for the tests: a server for each major version, a new database for each test.

Fixtures, each of which gives a connection string of the superuser unless it says otherwise:

- `server`: the `Server` itself, running. A test that uses it, or any fixture below, runs on 18 and on 16;
  `@pytest.mark.majors(18)` narrows that.
- `plain_database`: empty.
- `estate_database`: the reference estate of 2026-06-02, under a name that the seed takes for a clone's.
- `patched_estate_database`: the same, of 2026-06-05.
- `production_estate_database`: as of 2026-06-02, under a name that the seed's guard refuses.

After the test the database is dropped; a session that is still connected to it then fails the test.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from pgrehearse.estate import Version, load_estate
from pgrehearse.server import Server, private_server

MAJORS = (18, 16)
CLONE_PREFIX = "directus_gov_test_"

LEFT_CONNECTED = """
    SELECT format('%%s, %%s, last: %%s', application_name, state, query)
    FROM pg_stat_activity
    WHERE datname = %s
"""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "majors(*numbers): the PostgreSQL versions to run a test on")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("majors")
        majors = MAJORS if marker is None else marker.args
        metafunc.parametrize("server", majors, indirect=True, scope="session", ids=lambda major: f"pg{major}")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with private_server(wanted_major=request.param) as running:
        yield running


@pytest.fixture(scope="session")
def estate_template(server: Server) -> Callable[[Version], str]:
    """The name of a database to copy the estate from, built when first asked for."""
    names: dict[Version, str] = {}

    def template(version: Version) -> str:
        if version not in names:
            name = f"estate_{version.replace('-', '')}"
            _run(server, f'CREATE DATABASE "{name}"')
            with psycopg.connect(server.conninfo(name), autocommit=True) as session:
                load_estate(session.execute, version=version)
            names[version] = name
        return names[version]

    return template


@pytest.fixture
def plain_database(server: Server) -> Iterator[str]:
    with _database(server, "plain_", template="template0") as conninfo:
        yield conninfo


@pytest.fixture
def estate_database(server: Server, estate_template: Callable[[Version], str]) -> Iterator[str]:
    with _database(server, CLONE_PREFIX, template=estate_template(Version.BEFORE_PATCH)) as conninfo:
        yield conninfo


@pytest.fixture
def patched_estate_database(server: Server, estate_template: Callable[[Version], str]) -> Iterator[str]:
    with _database(server, CLONE_PREFIX, template=estate_template(Version.AFTER_PATCH)) as conninfo:
        yield conninfo


@pytest.fixture
def production_estate_database(server: Server, estate_template: Callable[[Version], str]) -> Iterator[str]:
    with _database(server, "directus_", template=estate_template(Version.BEFORE_PATCH)) as conninfo:
        yield conninfo


@contextmanager
def _database(server: Server, prefix: str, *, template: str) -> Iterator[str]:
    name = prefix + secrets.token_hex(4)
    _run(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield server.conninfo(name)
    finally:
        _drop(server, name)


def _drop(server: Server, name: str) -> None:
    """Drop a database; PostgreSQL itself waits some seconds for sessions that are just ending."""
    try:
        _run(server, f'DROP DATABASE "{name}"')
    except psycopg.errors.ObjectInUse:
        with psycopg.connect(server.conninfo(), autocommit=True) as session:
            left = [row[0] for row in session.execute(LEFT_CONNECTED, [name])]
            session.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        pytest.fail("sessions are still connected: " + "; ".join(left))


def _run(server: Server, statement: str) -> None:
    with psycopg.connect(server.conninfo(), autocommit=True) as session:
        session.execute(statement)
