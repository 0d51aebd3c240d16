"""What is public is what `__all__` says, and every name of it is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pgrehearse
from pgrehearse import errors

SOURCES = Path(__file__).parents[2] / "src" / "pgrehearse"


@pytest.mark.parametrize("name", pgrehearse.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(pgrehearse, name).__doc__


def test_a_name_that_is_not_public_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = pgrehearse.no_such_name


def all_errors(base: type[errors.RehearseError]) -> list[type[errors.RehearseError]]:
    return [base, *(found for child in base.__subclasses__() for found in all_errors(child))]


def test_every_error_has_a_code_of_its_own_a_docstring_and_a_place_in_the_tree() -> None:
    found = [error for error in all_errors(errors.RehearseError) if error.__module__ == errors.__name__]

    assert len({error.code for error in found}) == len(found)
    for error in found:
        assert error.__doc__
        assert error.__name__ in (errors.__doc__ or "")


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    long = {p.name: n for p in SOURCES.rglob("*.py") if (n := len(p.read_text().splitlines())) > 400}

    assert long == {}


def test_only_the_command_line_prints() -> None:
    printing = [p for p in SOURCES.rglob("*.py") if re.search(r"\bprint\(|click\.echo", p.read_text())]

    assert {p.relative_to(SOURCES).parts[0] for p in printing} <= {"cli"}
