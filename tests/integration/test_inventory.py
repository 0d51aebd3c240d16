"""What outlives a rollback besides sequences: every kind of it, as it appears and goes."""

from __future__ import annotations

import psycopg
import pytest

from pgrehearse.pg.session import Session
from pgrehearse.stage.clearance import IDENTITY
from pgrehearse.stage.inventory import Differences, Inventory, differences, take_inventory

HERE, ELSEWHERE = "here", "elsewhere"

KINDS = (
    ("BEGIN; CREATE TABLE t (i int); PREPARE TRANSACTION 'gone'", "ROLLBACK PREPARED 'gone'", "prepared transaction gone", HERE),
    ("SELECT pg_create_physical_replication_slot('gone')", "SELECT pg_drop_replication_slot('gone')",
     "replication slot gone", ELSEWHERE),
    ("CREATE SUBSCRIPTION gone CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)",
     "DROP SUBSCRIPTION gone", "subscription gone", HERE),
    ("ALTER DATABASE {database} SET work_mem = '7MB'", "ALTER DATABASE {database} RESET ALL",
     "setting {database} all roles", HERE),
    ("ALTER ROLE CURRENT_USER SET work_mem = '7MB'", "ALTER ROLE CURRENT_USER RESET ALL", "setting all databases {user}",
     ELSEWHERE),
    ("CREATE ROLE gone", "DROP ROLE gone", "role gone", ELSEWHERE),
    ("CREATE DATABASE gone", "DROP DATABASE gone", "database gone", ELSEWHERE),
    ("SET allow_in_place_tablespaces = on; CREATE TABLESPACE gone LOCATION ''", "DROP TABLESPACE gone", "tablespace gone",
     ELSEWHERE),
    ("SELECT lo_create(4711)", "SELECT lo_unlink(4711)", "large objects all", HERE),
    ("ALTER SYSTEM SET work_mem = '7MB'", "ALTER SYSTEM RESET work_mem", "configuration {folder}/postgresql.auto.conf work_mem",
     ELSEWHERE),
)  # fmt: skip


@pytest.mark.parametrize(("act", "undo", "object_", "where"), KINDS, ids=[kind[2] for kind in KINDS])
def test_each_kind_is_noticed(plain_database: str, act: str, undo: str, object_: str, where: str) -> None:
    with Session(plain_database) as witness:
        name, oid, *_ = witness.fetch(IDENTITY)[0]
        ((user, folder),) = witness.fetch("SELECT current_user::text, current_setting('data_directory')")
        names = {"database": name, "folder": folder, "user": user}

        def look() -> Inventory:
            return take_inventory(witness, oid)

        before = look()
        _send(plain_database, act.format(**names))
        try:
            found = differences(before, look())
        finally:
            _send(plain_database, undo.format(**names))

        told = {HERE: found.here, ELSEWHERE: found.elsewhere}
        detail = "changed" if object_ == "large objects all" else "appeared"
        assert [f"{one.kind} {one.object}" for one in told.pop(where)] == [object_.format(**names)]
        assert [one.detail for one in found.here + found.elsewhere] == [detail]
        assert told.popitem()[1] == ()
        assert differences(before, look()) == Differences()


def _send(conninfo: str, statements: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as session:
        for statement in statements.split("; "):
            session.execute(statement)
