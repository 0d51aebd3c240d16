"""Where a target is, found out on real servers: by marks and declarations, and unknown where nothing is proven."""

from __future__ import annotations

import pytest

from pgrehearse.clones.lifecycle import adopt
from pgrehearse.clones.mark import declare_production
from pgrehearse.config import Config, Production
from pgrehearse.dots.boundary import Placement, place_of
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import make_target
from pgrehearse.server import Server


def place(conninfo: str, config: Config | None = None) -> Placement:
    with Session(conninfo) as session:
        return place_of(session, config or Config())


@pytest.mark.parametrize("kind", ["clone", "sandbox"])
def test_a_marked_copy_is_what_its_mark_says(plain_database: str, kind: str):
    target = make_target(plain_database)
    adopt(target, target.dbname, config=Config(), kind=kind)

    found = place(plain_database)

    assert (found.place, found.database) == (kind, target.dbname)
    assert any(f"carries the mark of a {kind}" in fact for fact in found.facts)


def test_a_database_without_a_mark_is_unknown(plain_database: str):
    found = place(plain_database)

    assert found.place == "unknown"
    assert "does not carry the mark of a clone" in found.facts[0]


def test_a_declared_production_is_one_whatever_mark_it_carries(plain_database: str):
    target = make_target(plain_database)
    adopt(target, target.dbname, config=Config())
    declared = Config(productions=(Production(database=target.dbname),))

    by_configuration = place(plain_database, declared)
    with Session(plain_database) as session:
        declare_production(session)
    by_itself = place(plain_database)

    assert (by_configuration.place, by_itself.place) == ("production", "production")


def test_a_copy_of_a_clone_carries_no_mark_and_is_unknown(server: Server, plain_database: str):
    target = make_target(plain_database)
    adopt(target, target.dbname, config=Config())
    copy = f"{target.dbname}_copy"

    with Session(server.conninfo()) as session:
        session.run(f'CREATE DATABASE "{copy}" TEMPLATE "{target.dbname}"')
        try:
            found = place(server.conninfo(copy))
        finally:
            session.run(f'DROP DATABASE "{copy}" WITH (FORCE)')

    assert found.place == "unknown"
