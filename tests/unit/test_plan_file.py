"""Plan files: what is read, and that nothing misspelt goes unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgrehearse.errors import PlanError
from pgrehearse.plan.planfile import plan_file_for, read_plan_file

EXAMPLE = next((Path(__file__).parents[2] / "examples" / "dot_register").glob("*.sql"))


def test_the_example_has_its_plan_file_beside_it_and_it_is_exact() -> None:
    beside = plan_file_for(str(EXAMPLE))
    assert beside is not None

    plan = read_plan_file(beside)

    assert plan.target.name_like == "directus_gov_test_%"
    assert plan.expect.everything_else == "unchanged"
    assert plan.expect.notifications == ()
    assert plan.expect.rows["public.birth_registry"].split == {
        "collection_name": {"dot_tools": 1, "entity_labels": 4}
    }


def test_standard_input_has_no_plan_file_beside_it() -> None:
    assert plan_file_for("-") is None


@pytest.mark.parametrize(
    "text",
    [
        "[expect]\nrow = {}\n",
        "[target]\nname_lik = 'x'\n",
        "[expect.rows.t]\ninserted = 'five'\n",
        "[expect]\neverything_else = 'unchnged'\n",
        "[expect\n",
        "[[policy.allow_escapes]]\nkind = 'dblink'\n",
    ],
    ids=["unknown key", "misspelt key", "wrong type", "unknown word", "no TOML", "escape without reason"],
)
def test_a_plan_file_with_a_fault_is_an_error_that_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.rehearsal.toml"
    path.write_text(text)

    with pytest.raises(PlanError) as caught:
        read_plan_file(path)

    assert "p.rehearsal.toml" in caught.value.message


def test_a_plan_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot read plan file"):
        read_plan_file(tmp_path / "none.toml")
