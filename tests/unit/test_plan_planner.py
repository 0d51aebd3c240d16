"""What the text alone tells of a script: its steps, what is refused, what cannot be run, what only a server knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pgrehearse.cli.commands.plan import plan
from pgrehearse.plan.planner import Plan, make_plan
from pgrehearse.script.source import make_source
from pgrehearse.script.variables import Variables


def plan_of(text: str, **variables: str) -> Plan:
    return make_plan(make_source("x.sql", text.encode()), Variables(variables))


def outcomes(text: str, **variables: str) -> list[tuple[str, str, bool]]:
    return [(step.keyword, step.outcome, step.is_certain) for step in plan_of(text, **variables).steps]


def test_a_branch_that_hangs_on_an_unknown_is_walked_both_ways() -> None:
    text = "select 1 as n \\gset\n\\if :n\nvacuum;\n\\else\n\\! rm\n\\endif\nselect 2;"
    assert outcomes(text) == [
        ("SELECT", "run", True),
        ("VACUUM", "cannot", False),
        ("\\!", "refused", False),
        ("SELECT", "run", True),
    ]
    assert plan_of(text).refusals == ()


def test_a_branch_that_the_text_decides_is_walked_one_way() -> None:
    text = "\\if :{?really}\ndrop table t;\n\\elif false\n\\! rm\n\\else\nselect 1;\n\\endif"
    assert outcomes(text) == [("SELECT", "run", True)]
    assert outcomes(text, really="1") == [("DROP TABLE", "run", True)]


def test_a_statement_that_uses_what_gset_set_is_marked() -> None:
    steps = plan_of(
        "\\set keep 1\nselect max(id) as \"Top\", 2 as low from t \\gset p_\nselect :p_low, :keep, :'p_Top';"
    ).steps
    assert steps[2].unknowns == ("p_low", "p_Top")
    assert steps[1].sent_by == "\\gset"


def test_what_gset_may_have_overwritten_is_unknown_too() -> None:
    steps = plan_of("\\set a 1\n\\set b 2\nselect 1 as a \\gset\nselect :a; select :b;").steps
    assert [step.unknowns for step in steps[3:]] == [("a",), ()]


def test_the_data_of_a_copy_are_no_statements() -> None:
    assert outcomes(
        "copy t from stdin;\ndrop table t;\n\\.\n\\copy t from stdin\n\\! rm\n\\.\nselect 1;"
    ) == [
        ("COPY", "copy in", True),
        ("\\copy", "honoured", True),
        ("SELECT", "run", True),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\\o x",
        "\\copy t to 'x'",
        "\\copy t from program 'x'",
        "\\copy t from pstdin",
        "select 1 \\g x",
        "\\nonsense",
        "\\echo `id`",
    ],
)
def test_what_the_text_alone_refuses_is_refused_before_anything_runs(text: str) -> None:
    (refusal,) = plan_of(text).refusals
    assert refusal.reason


def test_the_variables_given_are_left_as_they_are() -> None:
    variables = Variables({"v": "1"})
    make_plan(make_source("x.sql", b"\\set v 2\nselect 1 as w \\gset\nselect :w;"), variables)
    assert variables["v"] == "1"
    assert not variables.is_unknown("w")


@pytest.mark.parametrize(
    ("text", "status"),
    [("select 1;", 0), ("vacuum;", 5), ("\\! x", 3), ("vacuum;\n\\! x", 3), ("select :n;", 0)],
)
def test_the_command_tells_by_its_exit_status(tmp_path: Path, text: str, status: int) -> None:
    script = tmp_path / "x.sql"
    script.write_text(text)
    assert CliRunner().invoke(plan, [str(script)]).exit_code == status


def test_the_command_gives_json_with_each_place_and_reason(tmp_path: Path) -> None:
    script = tmp_path / "x.sql"
    script.write_text("select :v;\n create index concurrently i on t (a);")
    result = CliRunner().invoke(plan, ["--format", "json", "-v", "v=5", str(script)])
    document = json.loads(result.stdout)
    first, second = document["scripts"][0]["steps"]
    assert first["text"] == "select 5;"
    assert (second["line"], second["column"], second["disposition"]) == (2, 2, "cannot")
    assert second["reason"] == "CREATE INDEX CONCURRENTLY cannot run inside a transaction block"
