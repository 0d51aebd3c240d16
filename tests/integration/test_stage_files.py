"""Files that a change leaves in the server's data folder, or in a tablespace, are residue; the server's own are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest

from pgrehearse.evidence.document import Document
from pgrehearse.plan.planfile import AllowedEscape, PlanFile, Policy
from pgrehearse.rehearsal import Options, rehearse
from pgrehearse.script.source import make_source

from .torture import MAJORS, cleared

pytestmark = pytest.mark.majors(*MAJORS)

ALLOWED = PlanFile(policy=Policy(allow_escapes=(AllowedEscape(kind="server file", reason="a test"),)))


@dataclass(frozen=True)
class Place:
    """A database in a tablespace of its own, inside the data folder."""

    conninfo: str
    folder: str
    version: str
    of_database: str

    def remove(self, path: str) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as session:
            session.execute(f"COPY (SELECT) TO PROGRAM 'cat > /dev/null; rm -f {self.folder}/{path}'")


@pytest.fixture
def place(plain_database: str) -> Iterator[Place]:
    with psycopg.connect(plain_database, autocommit=True) as session:
        session.execute("SET allow_in_place_tablespaces = on")
        session.execute("CREATE TABLESPACE beside LOCATION ''")
        session.execute("CREATE TABLE a (i int) TABLESPACE beside; INSERT INTO a VALUES (1)")
        folder, oid, of_database = session.execute(
            "SELECT current_setting('data_directory'), t.oid, d.oid FROM pg_tablespace AS t, pg_database AS d"
            " WHERE spcname = 'beside' AND datname = current_database()"
        ).fetchone() or ("", 0, 0)
        (version,) = session.execute("SELECT pg_ls_dir(%s)", [f"pg_tblspc/{oid}"]).fetchone() or ("",)
        root = f"pg_tblspc/{oid}"
        yield Place(plain_database, folder, f"{root}/{version}", f"{root}/{version}/{of_database}")
        session.execute("DROP TABLE IF EXISTS a")
        session.execute("CHECKPOINT")
        session.execute("DROP TABLESPACE beside")


def run(place: Place, change: str) -> Document:
    source = make_source("change.sql", change.encode())
    return rehearse(source, ALLOWED, place.conninfo, cleared(place.conninfo), Options()).evidence


@pytest.mark.parametrize(
    "where", ["", "base/", "pg_tblspc/", "{0.version}/../", "{0.version}/", "{0.of_database}/"]
)
def test_a_file_that_an_allowed_escape_left_is_residue(place: Place, where: str) -> None:
    path = where.format(place) + "left.csv"

    evidence = run(place, f"COPY a TO '{place.folder}/{path}';")
    place.remove(path)

    assert evidence.verdict.word == "RESIDUE"
    (residue,) = evidence.rollback.residue
    assert (residue.kind, residue.detail) == ("file", "appeared")
    assert residue.object.endswith("left.csv")


def test_files_of_tables_and_of_sorts_in_a_tablespace_are_none(place: Place) -> None:
    evidence = run(
        place,
        "COPY a TO '/dev/null'; SET temp_tablespaces = beside; SET work_mem = '64kB';"
        "INSERT INTO a SELECT g FROM generate_series(1, 50000) AS g ORDER BY random();"
        "CREATE TABLE b TABLESPACE beside AS SELECT * FROM a; CREATE TEMP TABLE c AS SELECT * FROM a; CHECKPOINT;",
    )

    assert evidence.rollback.residue == ()
    assert evidence.verdict.word != "RESIDUE"


def test_a_file_in_the_name_of_a_folder_of_the_servers_does_not_stop_the_look(place: Place) -> None:
    path = f"{place.version}/99999999"
    with psycopg.connect(place.conninfo, autocommit=True) as session:
        session.execute(f"COPY a TO '{place.folder}/{path}'")

    evidence = run(place, "INSERT INTO a VALUES (2);")
    place.remove(path)

    assert evidence.verdict.word == "GO"
