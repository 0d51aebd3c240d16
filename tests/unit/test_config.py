"""The configuration: what declares a production, and what is no configuration at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgrehearse.config import Config, Place, Production, load_config, read_config
from pgrehearse.errors import UsageError

HERE = Place("app", "7001", frozenset({"db.example.org", "192.0.2.7"}), 5432)


def written(folder: Path, text: str) -> Path:
    file = folder / "pgrehearse.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    "declared",
    [
        Production(database="app"),
        Production(system_identifier="7001"),
        Production(host="192.0.2.7"),
        Production(host="DB.example.org"),
        Production(name="the shop", port=5432),
        Production(database="app", system_identifier="7001", host="db.example.org", port=5432),
    ],
)
def test_a_production_is_known_by_whatever_facts_are_declared(declared: Production) -> None:
    config = Config(productions=(Production(database="other"), declared))

    found = config.production_at(HERE)

    assert found is declared


@pytest.mark.parametrize(
    "declared",
    [
        Production(database="App"),
        Production(database="app", port=5433),
        Production(database="app", host="db2.example.org"),
        Production(system_identifier="7002"),
    ],
)
def test_all_the_facts_that_are_declared_must_hold(declared: Production) -> None:
    config = Config(productions=(declared,))

    found = config.production_at(HERE)

    assert found is None


def test_what_is_not_known_of_a_place_counts_against_it() -> None:
    nowhere = Place("app", None, frozenset(), None)
    declared = Production(database="app", system_identifier="7002", host="db2", port=1)

    assert declared.matches(nowhere)


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        '[[productions]]\nname = "shop"\ndatabase = "app"\nport = 5432\n'
        '[clones]\nname_like = "app_test%"\nother_sessions = "refuse"\n',
    )

    config = read_config(file)

    assert config.productions == (Production(name="shop", database="app", port=5432),)
    assert (config.clones.name_like, config.clones.other_sessions) == ("app_test%", "refuse")
    assert str(config.productions[0]) == "shop"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[clones]\nname_liek = 'x'\n", "`name_liek` - at `$.clones`"),
        ("[[production]]\ndatabase = 'app'\n", "`production`"),
        ("[[productions]]\ndatabase = 'app'\noverride = true\n", "`override`"),
        ("[clones]\nother_sessions = 'ignore'\n", "'ignore'"),
        ("[[productions]]\nname = 'shop'\n", "production 1 (shop) declares nothing"),
        ("[[productions]]\nport = '5432'\n", "$.productions[0].port"),
        ("no toml", "line 1"),
    ],
)
def test_a_file_with_a_mistake_is_refused_by_name_and_key(tmp_path: Path, text: str, told: str) -> None:
    file = written(tmp_path, text)

    with pytest.raises(UsageError) as refused:
        read_config(file)

    assert str(file) in refused.value.message
    assert told in refused.value.message


def test_the_nearest_file_upwards_is_taken(tmp_path: Path) -> None:
    written(tmp_path, "[clones]\nname_like = 'far'\n")
    (tmp_path / "a" / "b").mkdir(parents=True)
    written(tmp_path / "a", "[clones]\nname_like = 'near'\n")

    config = load_config(start=tmp_path / "a" / "b", environ={})

    assert config.clones.name_like == "near"


def test_a_named_file_goes_before_the_variable_and_the_variable_before_the_folder(tmp_path: Path) -> None:
    for name in ("named", "variable", "folder"):
        (tmp_path / name).mkdir()
        written(tmp_path / name, f"[clones]\nname_like = '{name}'\n")
    environ = {"PGREHEARSE_CONFIG": str(tmp_path / "variable" / "pgrehearse.toml")}

    from_variable = load_config(start=tmp_path / "folder", environ=environ)
    from_name = load_config(
        tmp_path / "named" / "pgrehearse.toml", start=tmp_path / "folder", environ=environ
    )

    assert from_variable.clones.name_like == "variable"
    assert from_name.clones.name_like == "named"


def test_a_named_file_that_is_not_there_is_an_error_not_an_empty_configuration(tmp_path: Path) -> None:
    environ = {"PGREHEARSE_CONFIG": str(tmp_path / "gone.toml")}

    with pytest.raises(UsageError) as refused:
        load_config(start=tmp_path, environ=environ)

    assert "gone.toml: No such file" in refused.value.message
