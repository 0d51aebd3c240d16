"""The guard against databases that only look like clones, on real servers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from pgrehearse.clones.guard import clear
from pgrehearse.clones.lifecycle import adopt
from pgrehearse.clones.mark import declare_production
from pgrehearse.config import Clones, Config, Production
from pgrehearse.errors import RefusedError
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import make_target
from pgrehearse.server import Server, private_server
from pgrehearse.stage.clearance import Clearance

MARK = """
SELECT split_part(setting, '=', 2)
  FROM pg_db_role_setting, unnest(setconfig) AS setting
 WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND setting LIKE 'pgrehearse.clone=%'
"""


@pytest.fixture
def clone(plain_database: str) -> str:
    """A database with a mark that holds."""
    target = make_target(plain_database)
    adopt(target, target.dbname, config=Config())
    return plain_database


@pytest.fixture
def other_database(server: Server) -> Iterator[str]:
    """A name that a test may give to a database, which is dropped after it."""
    name = "guard_other"
    yield name
    with Session(server.conninfo()) as session:
        session.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def cleared(conninfo: str, *, name_like: str = "%", config: Config | None = None) -> Clearance:
    with Session(conninfo) as session:
        clearance = clear(session, name_like=name_like, config=config or Config())
        clearance.verify(session)
        assert not session.is_in_transaction
        return clearance


def refusal(conninfo: str, *, name_like: str = "%", config: Config | None = None) -> RefusedError:
    with pytest.raises(RefusedError) as refused:
        cleared(conninfo, name_like=name_like, config=config)
    return refused.value


def run(conninfo: str, *statements: str) -> None:
    with Session(conninfo) as session:
        for statement in statements:
            session.run(statement)


def name_of(conninfo: str) -> str:
    return make_target(conninfo).dbname


def mark_of(conninfo: str) -> str:
    with Session(conninfo) as session:
        return str(session.fetch(MARK)[0][0])


def pipe(server: Server, source: str, into: str, *dump_options: str) -> None:
    programs = server.binaries
    dump = subprocess.run(
        [programs.program("pg_dump"), "-d", source, *dump_options], capture_output=True, check=True
    )
    subprocess.run(
        [programs.program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", into],
        input=dump.stdout,
        capture_output=True,
        check=True,
    )


def test_a_marked_database_is_cleared_with_its_proofs(clone: str) -> None:
    clearance = cleared(clone, name_like="plain\\_%")

    assert (clearance.database, clearance.kind) == (name_of(clone), "clone")
    assert any(
        f"oid {clearance.database_oid} of system {clearance.system_identifier}" in p for p in clearance.proof
    )
    assert clearance.warnings == ()


def test_a_database_that_nobody_marked_is_refused_and_the_way_is_shown(plain_database: str) -> None:
    refused = refusal(plain_database)

    assert refused.exit_status == 3
    assert "does not carry the mark of a clone" in refused.message
    assert f"pgrehearse clone adopt {name_of(plain_database)} --yes" in refused.hint


@pytest.mark.parametrize(
    "forgery",
    [
        'ALTER ROLE ALL SET "pgrehearse.clone" = %s',
        'ALTER ROLE postgres SET "pgrehearse.clone" = %s',
        'ALTER ROLE postgres IN DATABASE {database} SET "pgrehearse.clone" = %s',
    ],
)
def test_a_mark_set_for_a_role_is_no_mark(clone: str, plain_database: str, forgery: str) -> None:
    mark, database = mark_of(clone), f'"{name_of(plain_database)}"'
    undo = forgery.partition(" SET ")[0].format(database=database) + ' RESET "pgrehearse.clone"'
    run(clone, f'ALTER DATABASE {database} RESET "pgrehearse.clone"')
    run(clone, forgery.format(database=database) % f"'{mark}'")

    try:
        with Session(clone) as session:
            assert session.fetch('SHOW "pgrehearse.clone"') == [(mark,)]
        refused = refusal(clone)
    finally:
        run(clone, undo)

    assert "does not carry the mark" in refused.message


def test_a_mark_set_by_the_session_is_no_mark(plain_database: str, clone: str) -> None:
    mark = mark_of(clone)
    run(clone, f'ALTER DATABASE "{name_of(clone)}" RESET "pgrehearse.clone"')

    with Session(plain_database, settings=[("pgrehearse.clone", mark)]) as session:
        session.run(f"""SET "pgrehearse.clone" = '{mark}'""")
        with pytest.raises(RefusedError, match="does not carry the mark"):
            clear(session, name_like="%", config=Config())


def test_the_mark_does_not_travel_by_a_template_copy(server: Server, clone: str, other_database: str) -> None:
    run(server.conninfo(), f'CREATE DATABASE {other_database} TEMPLATE "{name_of(clone)}"')

    refused = refusal(server.conninfo(other_database))

    assert "does not carry the mark" in refused.message


def test_the_mark_of_another_database_does_not_hold(server: Server, clone: str, other_database: str) -> None:
    mark = mark_of(clone)
    run(server.conninfo(), f"CREATE DATABASE {other_database}")
    run(server.conninfo(), f"""ALTER DATABASE {other_database} SET "pgrehearse.clone" = '{mark}'""")

    refused = refusal(server.conninfo(other_database))

    assert "is not what its mark was made for" in refused.message


def test_a_restored_dump_has_no_mark(server: Server, clone: str, other_database: str) -> None:
    run(server.conninfo(), f"CREATE DATABASE {other_database} TEMPLATE template0")
    pipe(server, clone, server.conninfo(other_database))

    refused = refusal(server.conninfo(other_database))

    assert "does not carry the mark" in refused.message


def test_a_dump_that_makes_the_database_anew_brings_a_mark_that_does_not_hold(
    server: Server, clone: str
) -> None:
    pipe(server, clone, server.conninfo(), "--create", "--clean")

    refused = refusal(clone)

    assert mark_of(clone)
    assert "another database (oid" in refused.message


def test_a_clone_that_was_renamed_into_service_is_a_clone_no_more(
    server: Server, clone: str, other_database: str
) -> None:
    run(server.conninfo(), f'ALTER DATABASE "{name_of(clone)}" RENAME TO {other_database}')

    refused = refusal(server.conninfo(other_database))
    run(server.conninfo(), f'ALTER DATABASE {other_database} RENAME TO "{name_of(clone)}"')

    assert f'under another name ("{name_of(clone)}")' in refused.message


def test_a_production_is_refused_whatever_it_carries(server: Server, clone: str) -> None:
    with Session(clone) as session:
        ((system,),) = session.fetch("SELECT system_identifier::text FROM pg_control_system()")
    facts = (
        Production(name="the shop", database=name_of(clone)),
        Production(system_identifier=system),
        Production(host=str(server.socket_dir)),
        Production(port=server.port, database=name_of(clone)),
    )

    refused = [refusal(clone, config=Config(productions=(one,))) for one in facts]

    assert all("is the declared production" in one.message and one.exit_status == 3 for one in refused)
    assert "the shop" in refused[0].message
    assert "pgrehearse clone create" in refused[0].hint


def test_a_production_declared_in_the_database_itself_is_refused(clone: str) -> None:
    with Session(clone) as session:
        declare_production(session)

    refused = refusal(clone)

    assert "declared a production by its own settings" in refused.message


@pytest.mark.parametrize("whose", ["ROLE postgres IN DATABASE {database}", "ROLE ALL IN DATABASE {database}"])
def test_a_production_declared_for_a_role_is_refused_too(clone: str, whose: str) -> None:
    whose = whose.format(database=f'"{name_of(clone)}"')
    run(clone, f"""ALTER {whose} SET "PgRehearse.Production" = 'yes'""")

    refused = refusal(clone)

    assert "declared a production" in refused.message


def test_a_production_declared_for_all_roles_is_every_database_of_the_server(clone: str) -> None:
    run(clone, """ALTER ROLE ALL SET "pgrehearse.production" = 'yes'""")

    refused = refusal(clone)
    run(clone, 'ALTER ROLE ALL RESET "pgrehearse.production"')

    assert "declared a production" in refused.message


def test_a_server_may_declare_all_its_databases_productions() -> None:
    with private_server(wanted_major=18, settings={"pgrehearse.production": "yes"}) as server:
        adopt(make_target(server.conninfo()), "postgres", config=Config())

        refused = refusal(server.conninfo())

    assert "declared a production" in refused.message


def test_the_name_must_satisfy_the_plan_and_the_configuration(clone: str) -> None:
    strict = Config(clones=Clones(name_like="plain@_%"))

    by_plan = refusal(clone, name_like="directus\\_gov\\_test\\_%")
    by_config = refusal(clone, config=strict)

    assert "the plan is only for names like 'directus\\_gov\\_test\\_%'" in by_plan.message
    assert "the configuration is only for names like 'plain@_%'" in by_config.message


def test_a_pattern_that_the_server_cannot_read_is_refused(clone: str) -> None:
    refused = refusal(clone, name_like="plain\\")

    assert refused.exit_status == 3


def test_a_template_is_refused(clone: str) -> None:
    name = name_of(clone)
    run(clone, f'ALTER DATABASE "{name}" IS_TEMPLATE true')

    refused = refusal(clone)
    run(clone, f'ALTER DATABASE "{name}" IS_TEMPLATE false')

    assert "is a template" in refused.message


def test_a_database_with_an_enabled_subscription_is_refused(clone: str) -> None:
    run(
        clone,
        "CREATE SUBSCRIPTION orders CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)",
        "UPDATE pg_subscription SET subenabled = true WHERE subname = 'orders'",
    )

    refused = refusal(clone)
    run(clone, "ALTER SUBSCRIPTION orders DISABLE", "DROP SUBSCRIPTION orders")

    assert "subscription orders" in refused.message
    assert cleared(clone).kind == "clone"


def test_a_database_whose_changes_are_being_decoded_is_refused() -> None:
    with private_server(wanted_major=18, settings={"wal_level": "logical"}) as server:
        adopt(make_target(server.conninfo()), "postgres", config=Config())
        with Session(server.conninfo()) as reader:
            reader.fetch("SELECT pg_create_logical_replication_slot('cdc', 'pgoutput', temporary => true)")

            refused = refusal(server.conninfo())

    assert "slot cdc" in refused.message


def test_other_sessions_are_told_or_refused(clone: str) -> None:
    strict = Config(clones=Clones(other_sessions="refuse"))

    with Session(clone, application_name="web shop"):
        warned = cleared(clone)
        refused = refusal(clone, config=strict)

    assert "web shop" in warned.warnings[0]
    assert "is in use by postgres" in refused.message


def test_an_ordinary_role_can_prove_its_clone(server: Server, clone: str) -> None:
    run(server.conninfo(), "DROP ROLE IF EXISTS plain_joe", "CREATE ROLE plain_joe LOGIN")
    as_joe = f"{clone} user=plain_joe"

    with Session(clone, application_name="hidden from joe"):
        clearance = cleared(as_joe)
    run(server.conninfo(), "DROP ROLE plain_joe")

    assert clearance.kind == "clone"
    assert "postgres" in clearance.warnings[0]


def test_a_server_that_does_not_tell_who_it_is_is_refused(server: Server, clone: str) -> None:
    run(
        clone,
        "DROP ROLE IF EXISTS plain_joe",
        "CREATE ROLE plain_joe LOGIN",
        "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC",
    )

    refused = refusal(f"{clone} user=plain_joe")
    run(clone, "DROP ROLE plain_joe")

    assert refused.message == "the server does not tell who it is"
    assert "GRANT EXECUTE" in refused.hint


def test_objects_of_the_database_cannot_stand_in_for_catalogs(clone: str, plain_database: str) -> None:
    name = name_of(plain_database)
    run(clone, f'ALTER DATABASE "{name}" RESET "pgrehearse.clone"')
    with Session(clone) as session:
        ((oid,),) = session.fetch("SELECT oid::bigint FROM pg_database WHERE datname = current_database()")
        ((system,),) = session.fetch("SELECT system_identifier::text FROM pg_control_system()")
    forged = (
        f'{{"kind":"clone","system_identifier":"{system}","database_oid":{oid},"name":"{name}",'
        '"source":"","created_at":"2026-06-02T10:00:00Z"}'
    )
    run(
        clone,
        "CREATE SCHEMA evil",
        f"""CREATE VIEW evil.pg_db_role_setting AS
            SELECT {oid}::oid AS setdatabase, 0::oid AS setrole, ARRAY['pgrehearse.clone={forged}'] AS setconfig""",
        f'ALTER DATABASE "{name}" SET search_path = evil, pg_catalog, public',
    )

    refused = refusal(clone)

    assert "does not carry the mark" in refused.message
