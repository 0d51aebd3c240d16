"""The life of clones on real servers: complete and marked, or not there at all."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest

from pgrehearse.clones import lifecycle, throwaway
from pgrehearse.clones.guard import clear
from pgrehearse.clones.mark import declare_production
from pgrehearse.clones.programs import running
from pgrehearse.config import Config, Production
from pgrehearse.errors import CloneError, RefusedError, UsageError
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import Target, make_target
from pgrehearse.server import Server, private_server

NOTHING = Config()
CLONE = "life_clone"


@pytest.fixture
def source(server: Server, plain_database: str) -> Iterator[Target]:
    """A database with three rows, and its server cleared of clones before and after."""
    run(plain_database, "CREATE TABLE t AS SELECT g FROM generate_series(1, 3) AS g")
    yield make_target(plain_database)
    with Session(server.conninfo()) as session:
        for name in (CLONE, f"{lifecycle.SNAPSHOT_PREFIX}{CLONE}"):
            session.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def place(server: Server) -> Target:
    """The server, by its maintenance database."""
    return make_target(server.conninfo())


def run(conninfo: str, *statements: str) -> None:
    with Session(conninfo) as session:
        for statement in statements:
            session.run(statement)


def value(conninfo: str, sql: str) -> object:
    with Session(conninfo) as session:
        return session.fetch(sql)[0][0]


def databases(server: Target) -> set[str]:
    with Session(server.conninfo) as session:
        return {name for (name,) in session.fetch("SELECT datname::text FROM pg_database")}


def rows(server: Target, name: str = CLONE) -> object:
    return value(server.for_database(name).conninfo, "SELECT array_agg(g ORDER BY g) FROM t")


def is_cleared(server: Target, name: str) -> bool:
    with Session(server.for_database(name).conninfo) as session:
        return clear(session, name_like="%", config=NOTHING).kind == "clone"


def wait_for(conninfo: str, sql: str) -> None:
    """Ask until the server says yes."""
    deadline = monotonic() + 30
    with Session(conninfo) as session:
        while not session.fetch(sql)[0][0]:
            assert monotonic() < deadline, sql


def test_a_source_without_sessions_is_copied_by_the_server(place: Target, source: Target) -> None:
    made = lifecycle.create(place, source, CLONE, config=NOTHING)

    assert (made.strategy, made.fault) == ("template", "")
    assert made.mark is not None
    assert (made.mark.source, made.mark.kind) == (source.dbname, "clone")
    assert rows(place) == [1, 2, 3]
    assert is_cleared(place, CLONE)


def test_a_source_in_use_is_copied_by_dump_and_restore(place: Target, source: Target) -> None:
    with Session(source.conninfo) as user:
        user.run("BEGIN; INSERT INTO t VALUES (4)")

        made = lifecycle.create(place, source, CLONE, config=NOTHING)

    assert made.strategy == "dump"
    assert rows(place) == [1, 2, 3]
    assert is_cleared(place, CLONE)


@pytest.mark.parametrize("strategy", ["template", "dump"])
def test_what_decides_the_meaning_of_sql_comes_along_and_marks_do_not(
    place: Target, source: Target, strategy: str
) -> None:
    database = f'"{source.dbname}"'
    run(
        source.conninfo,
        f"ALTER DATABASE {database} SET timezone = 'Asia/Ho_Chi_Minh'",
        f'ALTER DATABASE {database} SET search_path = "$user", app, public',
        f"ALTER ROLE postgres IN DATABASE {database} SET work_mem = '5MB'",
    )
    with Session(source.conninfo) as session:
        declare_production(session)

    lifecycle.create(place, source, CLONE, config=NOTHING, strategy=strategy)

    clone = place.for_database(CLONE).conninfo
    assert value(clone, "SHOW timezone") == "Asia/Ho_Chi_Minh"
    assert value(clone, "SHOW search_path") == '"$user", app, public'
    assert value(clone, "SHOW work_mem") == "5MB"
    assert is_cleared(place, CLONE)


@pytest.mark.majors(18)
def test_a_dump_sorts_as_its_source_does(place: Target, source: Target) -> None:
    locale = "SELECT (datlocprovider, encoding, datcollate, datctype)::text FROM pg_database WHERE datname = "
    before = databases(place)
    run(
        place.conninfo,
        "CREATE DATABASE life_latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0",
    )

    lifecycle.create(place, place.for_database("life_latin"), CLONE, config=NOTHING, strategy="dump")

    assert value(place.conninfo, f"{locale}'{CLONE}'") == value(place.conninfo, f"{locale}'life_latin'")
    run(place.conninfo, "DROP DATABASE life_latin")
    assert databases(place) == before | {CLONE}


def test_a_production_may_be_a_source_but_never_a_clone(place: Target, source: Target) -> None:
    config = Config(productions=(Production(database=source.dbname), Production(database="life_shop")))

    made = lifecycle.create(place, source, CLONE, config=config)
    with pytest.raises(RefusedError, match='"life_shop" is a declared production'):
        lifecycle.create(place, source, "life_shop", config=config)
    with pytest.raises(RefusedError):
        lifecycle.adopt(place, source.dbname, config=config)

    assert made.fault == ""
    assert "life_shop" not in databases(place)


def test_an_existing_database_is_never_replaced_by_create(place: Target, source: Target) -> None:
    run(place.conninfo, f"CREATE DATABASE {CLONE}")
    before = databases(place)

    with pytest.raises(CloneError, match="already exists"):
        lifecycle.create(place, source, CLONE, config=NOTHING)

    assert databases(place) == before


@pytest.mark.parametrize("name", ["", "x" * 64, "ư" * 32])
def test_a_name_that_the_server_would_cut_is_refused(place: Target, source: Target, name: str) -> None:
    with pytest.raises(CloneError, match="cannot be the name of a database"):
        lifecycle.create(place, source, name, config=NOTHING)


def test_a_restore_that_fails_is_told_and_leaves_nothing(place: Target, source: Target) -> None:
    run(
        source.conninfo,
        "CREATE FUNCTION known(int) RETURNS bool LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM t WHERE g = $1)'",
        "CREATE TABLE checked (g int CHECK (known(g)))",
        "INSERT INTO checked VALUES (1)",
    )
    before = databases(place)

    with pytest.raises(CloneError) as failed:
        lifecycle.create(place, source, CLONE, config=NOTHING, strategy="dump")

    assert 'relation "t" does not exist' in failed.value.detail
    assert databases(place) == before


def test_a_source_that_is_not_there_is_told_and_leaves_nothing(place: Target) -> None:
    before = databases(place)

    with pytest.raises(CloneError, match='"life_nowhere" does not exist'):
        lifecycle.create(place, place.for_database("life_nowhere"), CLONE, config=NOTHING)

    assert databases(place) == before


@pytest.mark.majors(18)
def test_a_database_is_copied_from_another_server_even_with_the_same_identifier(source: Target) -> None:
    with private_server(wanted_major=18) as elsewhere:
        there = make_target(elsewhere.conninfo())
        # A database of the same name, which must not be taken for the source.
        run(there.conninfo, f'CREATE DATABASE "{source.dbname}"')

        made = lifecycle.create(there, source, CLONE, config=NOTHING)

        assert made.strategy == "dump"
        assert made.mark is not None
        assert f"dbname={source.dbname}" in made.mark.source
        assert rows(there) == [1, 2, 3]
        with pytest.raises(CloneError, match="nothing to reset"):
            lifecycle.reset(there, CLONE, config=NOTHING)


@pytest.mark.majors(18)
def test_a_newer_server_takes_a_database_from_an_older_one(source: Target) -> None:
    with private_server(wanted_major=16) as older:
        run(
            older.conninfo(),
            "CREATE TABLE t AS SELECT 16 AS g",
            "CREATE ROLE nobody_here",
            "ALTER TABLE t OWNER TO nobody_here",
        )
        here = source.for_database("postgres")

        with pytest.raises(CloneError, match="cannot be copied") as failed:
            lifecycle.create(here, make_target(older.conninfo()), CLONE, config=NOTHING)
        lifecycle.create(here, make_target(older.conninfo()), CLONE, config=NOTHING, keeps_owners=False)

    assert 'role "nobody_here" does not exist' in failed.value.detail
    assert "--no-owner" in failed.value.hint
    assert rows(here) == [16]


def test_an_ordinary_role_clones_its_own_database_once_it_may_mark(
    server: Server, place: Target, source: Target
) -> None:
    run(place.conninfo, "DROP ROLE IF EXISTS life_joe", "CREATE ROLE life_joe LOGIN CREATEDB")
    run(place.conninfo, f'ALTER DATABASE "{source.dbname}" OWNER TO life_joe')
    as_joe = make_target(f"{server.conninfo()} user=life_joe")

    with pytest.raises(CloneError) as denied:
        lifecycle.create(as_joe, as_joe.for_database(source.dbname), CLONE, config=NOTHING)
    run(place.conninfo, denied.value.hint.partition(": ")[2])
    made = lifecycle.create(as_joe, as_joe.for_database(source.dbname), CLONE, config=NOTHING)
    owner = value(place.conninfo, f"SELECT datdba::regrole::text FROM pg_database WHERE datname = '{CLONE}'")
    lifecycle.drop(as_joe, CLONE, config=NOTHING)
    run(
        place.conninfo,
        f'ALTER DATABASE "{source.dbname}" OWNER TO postgres',
        'REVOKE SET ON PARAMETER "pgrehearse.clone" FROM life_joe',
        "DROP ROLE life_joe",
    )

    assert (made.strategy, made.fault, owner) == ("template", "", "life_joe")


def test_only_what_carries_a_mark_that_holds_is_dropped(place: Target, source: Target) -> None:
    lifecycle.create(place, source, CLONE, config=NOTHING)
    production = Config(productions=(Production(database=CLONE),))

    with pytest.raises(RefusedError, match="not proven to be a clone: it was not dropped"):
        lifecycle.drop(place, source.dbname, config=NOTHING)
    with pytest.raises(RefusedError, match="declared production"):
        lifecycle.drop(place, CLONE, config=production)
    run(place.conninfo, f'ALTER DATABASE {CLONE} RENAME TO "{CLONE}_renamed"')
    with pytest.raises(RefusedError):
        lifecycle.drop(place, f"{CLONE}_renamed", config=NOTHING)
    run(place.conninfo, f'ALTER DATABASE "{CLONE}_renamed" RENAME TO {CLONE}')
    mark = lifecycle.drop(place, CLONE, config=NOTHING)

    assert mark.source == source.dbname
    assert CLONE not in databases(place)
    assert source.dbname in databases(place)


def test_reset_makes_a_clone_anew_from_its_source(place: Target, source: Target) -> None:
    lifecycle.create(place, source, CLONE, config=NOTHING)
    run(place.for_database(CLONE).conninfo, "DROP TABLE t")

    again = lifecycle.reset(place.for_database(CLONE), CLONE, config=NOTHING)

    assert again.mark is not None
    assert again.mark.source == source.dbname
    assert rows(place) == [1, 2, 3]
    assert is_cleared(place, CLONE)


def test_reset_prefers_the_snapshot_and_nobody_can_connect_to_that(place: Target, source: Target) -> None:
    lifecycle.create(place, source, CLONE, config=NOTHING)
    run(place.for_database(CLONE).conninfo, "DELETE FROM t WHERE g > 1")
    lifecycle.snapshot(place, CLONE, config=NOTHING)
    run(place.for_database(CLONE).conninfo, "DELETE FROM t WHERE g > 2")
    kept = lifecycle.snapshot(place, CLONE, config=NOTHING)
    run(place.for_database(CLONE).conninfo, "DROP TABLE t")
    before = databases(place)

    lifecycle.reset(place, CLONE, config=NOTHING)

    assert rows(place) == [1]
    assert databases(place) == before
    assert kept.mark is not None
    assert kept.mark.kind == "snapshot"
    assert not value(place.conninfo, f"SELECT datallowconn FROM pg_database WHERE datname = '{kept.name}'")
    lifecycle.drop(place, kept.name, config=NOTHING)


@pytest.mark.majors(18)  # PostgreSQL itself waits 5 s for the sessions to end
def test_a_clone_in_use_stays_until_its_sessions_are_ended(place: Target, source: Target) -> None:
    lifecycle.create(place, source, CLONE, config=NOTHING)
    before = databases(place)

    with Session(place.for_database(CLONE).conninfo) as user:
        user.run("INSERT INTO t VALUES (4)")
        with pytest.raises(CloneError, match="is in use: it stays"):
            lifecycle.reset(place, CLONE, config=NOTHING)
        assert databases(place) == before
        assert rows(place) == [1, 2, 3, 4]
        lifecycle.reset(place, CLONE, config=NOTHING, ends_sessions=True)

    assert databases(place) == before
    assert rows(place) == [1, 2, 3]


def test_the_list_shows_marks_that_hold_and_marks_that_do_not(place: Target, source: Target) -> None:
    lifecycle.create(place, source, CLONE, config=NOTHING)
    run(place.conninfo, f"""ALTER DATABASE "{source.dbname}" SET "pgrehearse.clone" = 'no mark'""")

    listed = {one.name: one for one in lifecycle.list_clones(place)}

    assert listed[CLONE].fault == ""
    assert (listed[CLONE].size_bytes or 0) > 1_000_000
    assert "cannot be read" in listed[source.dbname].fault
    assert "postgres" not in listed


def test_a_throwaway_clone_is_fresh_cleared_and_gone_afterwards(place: Target) -> None:
    before = databases(place)

    with throwaway.throwaway_clone(place.conninfo) as clone:
        assert is_cleared(place, clone.dbname)
        assert databases(place) == before | {clone.dbname}
        assert throwaway.left_behind(place) == ()

    assert databases(place) == before


def test_many_throwaway_clones_at_once_do_not_meet(place: Target) -> None:
    before = databases(place)

    def use_one(_: int) -> str:
        with throwaway.throwaway_clone(place.conninfo) as clone:
            run(clone.conninfo, "CREATE TABLE mine ()")
            return clone.dbname

    with ThreadPoolExecutor(max_workers=4) as pool:
        names = list(pool.map(use_one, range(8)))

    assert len(set(names)) == 8
    assert databases(place) == before


def test_a_password_stands_on_no_command_line(server: Server, place: Target) -> None:
    with_password = make_target(f"{place.conninfo} password=hunter2")

    with running(server.binaries, "psql", with_password, ["--command=SELECT 1"]) as program:
        arguments = program.process.args
        problem = program.wait()

    assert problem == ""
    assert "hunter2" not in str(arguments)


@pytest.mark.parametrize("dump_format", ["plain", "custom", "tar", "directory"])
def test_a_throwaway_clone_is_loaded_from_any_dump(
    server: Server, place: Target, source: Target, tmp_path: Path, dump_format: str
) -> None:
    file = tmp_path / "app.dump"
    pg_dump = server.binaries.program("pg_dump")
    subprocess.run([pg_dump, "-d", source.conninfo, f"--format={dump_format}", f"--file={file}"], check=True)

    with throwaway.throwaway_clone(place.conninfo, schema_file=file) as clone:
        assert rows(place, clone.dbname) == [1, 2, 3]


def test_a_dump_that_cannot_be_loaded_leaves_nothing(place: Target, tmp_path: Path) -> None:
    before = databases(place)
    (tmp_path / "bad.sql").write_text("CREATE TABLE t (g int);\nSELECT * FROM nowhere;\n")

    with (
        pytest.raises(CloneError, match="cannot be loaded") as failed,
        throwaway.throwaway_clone(place.conninfo, schema_file=tmp_path / "bad.sql"),
    ):
        pytest.fail("it was loaded")
    with (
        pytest.raises(UsageError, match="No such file"),
        throwaway.throwaway_clone(place.conninfo, schema_file=tmp_path / "gone.sql"),
    ):
        pytest.fail("it was loaded")

    assert 'bad.sql:2: ERROR:  relation "nowhere" does not exist' in failed.value.detail
    assert databases(place) == before


# A test run in the background has SIGINT ignored, and its children would inherit that.
COMMAND = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from pgrehearse.cli.main import main; main()"
)


def creating(place: Target, source: Target) -> subprocess.Popen[str]:
    arguments = ["clone", "create", source.dbname, CLONE, "--strategy", "dump", "-d", place.conninfo]
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def while_pg_dump_waits(
    place: Target, source: Target, act: Callable[[subprocess.Popen[str]], None]
) -> tuple[int, str]:
    with Session(source.conninfo) as holder:
        holder.run("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        process = creating(place, source)
        wait_for(
            place.conninfo,
            f"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '{source.dbname}'"
            " AND application_name = 'pg_dump' AND wait_event_type = 'Lock')",
        )
        act(process)
        _, said = process.communicate(timeout=30)
    return process.returncode, said


def test_an_interrupted_copy_leaves_nothing(place: Target, source: Target) -> None:
    before = databases(place)

    status, said = while_pg_dump_waits(place, source, lambda process: process.send_signal(signal.SIGINT))

    assert status == 130, said
    assert databases(place) == before
    assert throwaway.left_behind(place) == ()


def test_what_a_killed_copy_left_is_swept_but_not_while_its_maker_lives(
    place: Target, source: Target
) -> None:
    before = databases(place)
    seen_alive: list[object] = []

    def kill(process: subprocess.Popen[str]) -> None:
        seen_alive.extend(throwaway.left_behind(place))
        process.kill()

    while_pg_dump_waits(place, source, kill)
    wait_for(place.conninfo, "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory')")
    found = throwaway.left_behind(place)
    too_young = throwaway.left_behind(place, older_than_s=3600)
    wait_for(
        place.conninfo, f"SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '{found[0].name}')"
    )
    dropped = throwaway.sweep(place, [one.name for one in found])

    assert seen_alive == []
    assert too_young == ()
    assert [one.mark.kind for one in found if one.mark] == ["unfinished"]
    assert dropped == (found[0].name,)
    assert databases(place) == before


def test_sweeping_knows_its_own_by_their_marks_not_by_their_names(place: Target) -> None:
    run(place.conninfo, "CREATE DATABASE pgrehearse_tmp_0badcafe")

    found = throwaway.left_behind(place)
    swept = throwaway.sweep(place, ["pgrehearse_tmp_0badcafe"])
    run(place.conninfo, "DROP DATABASE pgrehearse_tmp_0badcafe")

    assert (found, swept) == ((), ())
