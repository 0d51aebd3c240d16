"""Declarations of tools and their parameters: what is read, and what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pgrehearse.dots.dot import Dot, Parameter, Script, find_dot, read_dot, read_dots
from pgrehearse.dots.parameters import bind, digest_parameters, secrets_of
from pgrehearse.dots.registry import Registry, read_registry_map, registration_sql
from pgrehearse.errors import DotError, UsageError

EXAMPLE = Path(__file__).parents[2] / "examples/dots/coverage_scan.dot.toml"
REQUIRED = 'code = "{code}"\nname = "n"\ndescription = "d"\ndomain = "x"\noperation = "o"\n{more}\n[script]\n'


def write(
    folder: Path, name: str = "t.dot.toml", *, code: str = "DOT-1", more: str = "", sha: str = "a" * 64
) -> Path:
    file = folder / name
    file.write_text(REQUIRED.format(code=code, more=more) + f'path = "t.sh"\nsha256 = "{sha}"\n')
    return file


def make_dot(**parameters: Parameter) -> Dot:
    script = Script(path="t.sh", sha256="a" * 64)
    return Dot(
        code="D-1", name="n", description="d", domain="x", operation="o", script=script, parameters=parameters
    )


def test_the_example_declares_the_script_that_stands_beside_it():
    declared = read_dot(EXAMPLE)

    assert hashlib.sha256(declared.read_script()).hexdigest() == declared.dot.script.sha256


@pytest.mark.parametrize(
    "faulty",
    [
        {"code": "DOT 1"},
        {"code": "../x"},
        {"code": ""},
        {"sha": "A" * 64},
        {"sha": "abc"},
        {"more": "colour = 1"},
        {"more": 'tier = "C"'},
        {"more": "[lease]\nttl_s = 0.01"},
        {"more": "[limits]\noutput_mb = 0"},
        {"more": "[limits]\ntimeout_s = -1"},
        {"more": "["},
    ],
)
def test_a_declaration_that_is_not_sound_is_refused_with_its_file(tmp_path: Path, faulty: dict[str, str]):
    file = write(tmp_path, **faulty)

    with pytest.raises(UsageError) as caught:
        read_dot(file)

    assert caught.value.message.startswith(f"{file}: ")


def test_tools_are_found_by_code_in_a_folder_and_below_it(tmp_path: Path):
    (tmp_path / "deep").mkdir()
    write(tmp_path, "b.dot.toml", code="DOT-2")
    write(tmp_path / "deep", "a.dot.toml", code="DOT-1")
    (tmp_path / "other.toml").write_text("anything = true")

    assert [one.dot.code for one in read_dots(tmp_path)] == ["DOT-1", "DOT-2"]
    assert find_dot("DOT-2", tmp_path).file == tmp_path / "b.dot.toml"
    with pytest.raises(DotError, match='no tool has the code "DOT-3"'):
        find_dot("DOT-3", tmp_path)


def test_a_code_that_is_declared_twice_is_refused(tmp_path: Path):
    write(tmp_path, "a.dot.toml")
    write(tmp_path, "b.dot.toml")

    with pytest.raises(UsageError, match="declared twice"):
        read_dots(tmp_path)


def test_parameters_take_their_types_and_defaults():
    dot = make_dot(
        n=Parameter(type="integer"), flag=Parameter(type="boolean", default=True), word=Parameter(default="")
    )

    assert bind(dot, {"n": "-7"}) == {"flag": True, "n": -7, "word": ""}
    assert bind(dot, {"n": "7", "flag": "false", "word": "é"}) == {"flag": False, "n": 7, "word": "é"}


@pytest.mark.parametrize(
    "given", [{}, {"n": ""}, {"n": "1.5"}, {"n": "--1"}, {"n": "9" * 5000}, {"n": "1", "other": "2"}]
)
def test_parameters_that_do_not_fit_are_refused(given: dict[str, str]):
    with pytest.raises(UsageError):
        bind(make_dot(n=Parameter(type="integer")), given)


def test_a_secret_is_in_no_message_and_changes_no_digest():
    dot = make_dot(key=Parameter(secret=True), n=Parameter(type="integer", secret=True, default=1))

    with pytest.raises(UsageError) as caught:
        bind(dot, {"key": "k", "n": "hunter2"})

    assert "hunter2" not in caught.value.message
    assert digest_parameters(dot, {"key": "a", "n": 1}) == digest_parameters(dot, {"key": "b", "n": 1})
    assert secrets_of(dot, {"key": "a", "n": 1}) == ("a", "1")


def test_a_registration_quotes_whatever_a_declaration_holds(tmp_path: Path):
    declared = read_dot(write(tmp_path, more='owner = "O\'Hara; DROP TABLE x; \\\\"'))
    registry = Registry(table='odd."name', columns={"code": 'co"de', "owner": "owner"})

    text = registration_sql(declared, registry)

    assert 'INSERT INTO "odd"."""name" ("co""de", "owner")' in text
    assert "E'O''Hara; DROP TABLE x; \\\\'" in text


def test_a_map_of_a_registry_knows_its_fields_only(tmp_path: Path):
    file = tmp_path / "registry.toml"
    file.write_text('[columns]\ncode = "c"\ncolour = "x"\n')

    with pytest.raises(UsageError, match="unknown field colour"):
        read_registry_map(file)
