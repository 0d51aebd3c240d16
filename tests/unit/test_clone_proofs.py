"""The proofs that need a standby, a publisher or a busy database to be seen, from facts alone."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from pgrehearse.clones.identity import Database
from pgrehearse.clones.mark import Kind, Mark
from pgrehearse.clones.proofs import Surroundings, proofs_of, warnings_of
from pgrehearse.clones.source import Setting
from pgrehearse.config import Clones, Config, Place

PLACE = Place("app_clone", "7001", frozenset(), 5432)
QUIET = Surroundings(
    in_recovery=False,
    fits_plan=True,
    fits_config=True,
    is_set_production=False,
    subscriptions=[],
    slots=[],
    sessions=[],
)


def marked(
    kind: Kind = "clone", *, system: str = "7001", oid: int = 16400, name: str = "app_clone"
) -> Database:
    mark = Mark(
        kind=kind,
        system_identifier=system,
        database_oid=oid,
        name=name,
        source="app",
        created_at="2026-06-02T10:00:00Z",
    )
    setting = f"pgrehearse.clone={msgspec.json.encode(mark).decode()}"
    return Database(
        "app_clone",
        16400,
        is_template=False,
        allows_connections=True,
        settings=(setting,),
        is_production=False,
    )


def missing(database: Database, around: Surroundings = QUIET, config: Config | None = None) -> list[str]:
    proofs = proofs_of(database, PLACE, around, config or Config(), name_like="%")
    return [proof.name for proof in proofs if proof.missing]


def test_a_marked_database_in_quiet_surroundings_lacks_nothing() -> None:
    assert missing(marked("clone")) == []
    assert missing(marked("sandbox")) == []


@pytest.mark.parametrize(
    ("database", "lacking"),
    [
        (marked(system="7002"), ["binding"]),
        (marked(oid=16401), ["binding"]),
        (marked(name="app"), ["binding"]),
        (marked("snapshot"), ["kind"]),
        (marked("unfinished"), ["kind"]),
        (replace(marked(), settings=("pgrehearse.clone=yes",)), ["mark"]),
        (replace(marked(), settings=('pgrehearse.clone={"kind":"clone"}',)), ["mark"]),
        (replace(marked(), is_template=True), ["template"]),
        (replace(marked(), is_production=True), ["production"]),
    ],
)
def test_a_mark_that_does_not_hold_is_missing(database: Database, lacking: list[str]) -> None:
    assert missing(database) == lacking


@pytest.mark.parametrize(
    ("around", "lacking"),
    [
        (replace(QUIET, in_recovery=True), ["standby"]),
        (replace(QUIET, subscriptions=["orders"]), ["replication"]),
        (replace(QUIET, slots=["cdc"]), ["replication"]),
        (replace(QUIET, is_set_production=True), ["production"]),
        (replace(QUIET, fits_plan=False), ["name"]),
        (replace(QUIET, fits_config=False), ["name"]),
    ],
)
def test_surroundings_that_a_clone_does_not_have_are_refused(
    around: Surroundings, lacking: list[str]
) -> None:
    assert missing(marked(), around) == lacking


def test_other_sessions_are_told_or_refused_as_the_configuration_says() -> None:
    busy = replace(QUIET, sessions=["web (pid 7, app)"])
    strict = Clones(other_sessions="refuse")

    assert missing(marked(), busy) == []
    assert warnings_of(busy, Clones()) == ("Others are connected to the target: web (pid 7, app).",)
    assert missing(marked(), busy, Config(clones=strict)) == ["sessions"]
    assert warnings_of(busy, strict) == ()


@pytest.mark.parametrize(
    ("setting", "sql"),
    [
        (Setting(None, "TimeZone", "Asia/Ho_Chi_Minh"), """SET "TimeZone" = 'Asia/Ho_Chi_Minh'"""),
        (
            Setting(None, "search_path", '"$user", public, "a ""b"'),
            """SET "search_path" = '$user', 'public', 'a "b'""",
        ),
        (Setting(None, "search_path", '""'), """SET "search_path" = ''"""),
        (Setting(None, "app.motto", "it's"), """SET "app.motto" = 'it''s'"""),
    ],
)
def test_a_setting_is_written_as_it_was_kept(setting: Setting, sql: str) -> None:
    assert setting.to_sql("c") == f'ALTER DATABASE "c" {sql}'
