"""Where a server is reached, told from its folder alone."""

from __future__ import annotations

from pathlib import Path

import psycopg.conninfo
import pytest

from pgrehearse.server import Binaries, Server
from pgrehearse.server.processes import Processes

BINARIES = Binaries(Path("/nowhere/bin"), "18.4", 18, "named", "the bin folder that was named")


@pytest.mark.parametrize("database", ["plain", "", "two words", "it's", r"back\slash", r"\'"])
def test_any_database_name_survives_the_connection_string(database: str) -> None:
    server = Server(Path("/home/o'neil/a b"), BINARIES)

    told = psycopg.conninfo.conninfo_to_dict(server.conninfo(database))

    assert told == {"host": "/home/o'neil/a b/socket", "port": "5432", "user": "postgres", "dbname": database}


@pytest.mark.parametrize("folder", [f"/home/{'long' * 20}/18", "/home/one,two/18", f"/home/{'ü' * 40}/18"])
def test_a_folder_that_no_socket_can_be_in_gets_a_short_one_elsewhere(folder: str) -> None:
    server = Server(Path(folder), BINARIES)

    assert len(bytes(server.socket_dir / ".s.PGSQL.5432")) < 104
    assert "," not in str(server.socket_dir)


def test_servers_in_different_folders_have_different_names() -> None:
    names = {Server(Path(folder), BINARIES).cluster_name for folder in ("/a/18", "/b/18", "/a/16")}

    assert len(names) == 3


def test_only_clients_count_as_sessions() -> None:
    processes = Processes(
        postmaster=1,
        children={
            2: "postgres: pgrehearse-x: checkpointer",
            3: "postgres: pgrehearse-x: postgres postgres [local] idle",
            4: "postgres: pgrehearse-x: autovacuum worker directus",
        },
    )

    assert processes.sessions == 1
