"""The boundary's table: whole, the same in code and docs, and GO for execution in a sandbox only."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from pgrehearse.dots.boundary import ACTIONS, BOUNDARY, PLACES, Action, Place, Placement, require_go, rule
from pgrehearse.errors import RefusedError

PAGE = Path(__file__).parents[2] / "docs/reference/boundary.md"


def table_of_the_page() -> dict[tuple[str, str], str]:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    places = rows[0][1:]
    return {(row[0], place): word for row in rows[2:] for place, word in zip(places, row[1:], strict=True)}


def test_the_page_shows_the_table_of_the_code():
    assert table_of_the_page() == {key: word for key, (word, _) in BOUNDARY.items()}


def test_every_action_has_a_word_in_every_place():
    assert set(BOUNDARY) == set(itertools.product(ACTIONS, PLACES))


def test_only_a_sandbox_is_executed_or_registered_in():
    assert {key for key, (word, _) in BOUNDARY.items() if word == "GO"} == {
        ("rehearse", "clone"),
        ("rehearse", "sandbox"),
        ("register", "sandbox"),
        ("execute", "sandbox"),
    }
    assert rule("execute", "production").word == "FORBIDDEN"
    assert rule("execute", "clone").word == "NO-GO"


@pytest.mark.parametrize(("action", "place"), [key for key, (word, _) in BOUNDARY.items() if word != "GO"])
def test_what_is_not_go_is_refused_with_its_word_and_the_facts(action: Action, place: Place):
    with pytest.raises(RefusedError) as caught:
        require_go(action, Placement(place, "db", ("db is what it is.",)))

    assert caught.value.exit_status == 3
    assert caught.value.message.startswith(f"{rule(action, place).word}: {action} in {place} db: ")
    assert caught.value.detail == "db is what it is."
