"""`pgrehearse dot`, as installed: what it prints, and what it exits with."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from pgrehearse.clones.lifecycle import adopt
from pgrehearse.clones.mark import declare_production
from pgrehearse.config import Config
from pgrehearse.dots.dot import read_dot
from pgrehearse.dots.showcase import showcase
from pgrehearse.pg.session import Session
from pgrehearse.pg.target import make_target

EXAMPLES = Path(__file__).parents[2] / "examples/dots"
TOOL = EXAMPLES / "coverage_scan.dot.toml"
COMMAND = (
    "from pgrehearse.cli import main\nmain.COMMANDS.setdefault('dot', ('dot:dot', 'Tools.'))\nmain.main()"
)
pytestmark = pytest.mark.majors(18)


@dataclass
class Command:
    clone: str
    ledger: str

    def __call__(self, *arguments: str | Path, on: str | None = None) -> subprocess.CompletedProcess[str]:
        target = [] if on == "" else ["-d", on or self.clone]
        return subprocess.run(
            [sys.executable, "-c", COMMAND, "dot", *map(str, arguments), *target],
            env={"PGREHEARSE_LEDGER": self.ledger, "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def dot(estate_database: str, plain_database: str) -> Command:
    target = make_target(estate_database)
    adopt(target, target.dbname, config=Config())
    return Command(estate_database, plain_database)


def test_the_showcase_tells_both_halves_of_the_seeds_verdict(dot: Command, production_estate_database: str):
    with Session(production_estate_database) as session:
        declare_production(session)
    lines: list[str] = []

    shown = showcase(
        read_dot(TOOL),
        clone=make_target(dot.clone),
        production=make_target(production_estate_database),
        ledger=dot.ledger,
        config=Config(),
        note=lines.append,
    )

    record = shown.to_record()
    assert json.loads(json.dumps(record)) == record
    assert record["registration"] == "GO"
    assert [(one.action, one.place, one.word) for one in shown.boundary] == [
        ("rehearse", "clone", "GO"),
        ("execute", "clone", "NO-GO"),
        ("execute", "production", "FORBIDDEN"),
        ("execute", "sandbox", "GO"),
    ]
    assert [(run.code, run.state, run.term) for run in shown.runs] == [
        ("DOT-COVERAGE-SCAN", "refused", None),
        ("DOT-COVERAGE-SCAN", "refused", None),
        ("DOT-COVERAGE-SCAN", "succeeded", 1),
    ]
    assert (record["ledger_verified"], record["leases"]) == (True, 0)
    assert "duties met" in lines[0]


def test_a_registration_is_rehearsed_against_its_plan(dot: Command):
    done = dot("register", TOOL, "--format", "json")

    evidence = json.loads(done.stdout)
    assert (done.returncode, evidence["verdict"]["word"]) == (0, "GO")
    assert all(check["passed"] for check in evidence["checks"])
    with psycopg.connect(dot.clone) as session:
        assert session.execute("SELECT count(*) FROM dot_tools").fetchone() == (309,)


def test_a_run_prints_what_the_tool_says_and_the_ledger_has_it(dot: Command):
    done = dot("run", "DOT-COVERAGE-SCAN", "--tools", EXAMPLES)
    runs = dot("runs", "--format", "json", on="")
    verified = dot("runs", "--verify", on="")

    assert done.returncode == 0
    assert "of 11 duties met" in done.stdout
    assert "DOT-COVERAGE-SCAN: succeeded (term 1" in done.stderr
    assert [(run["state"], run["term"]) for run in json.loads(runs.stdout)] == [("succeeded", 1)]
    assert (verified.returncode, verified.stdout[:23]) == (0, "The ledger is sound: 3 ")
    assert dot("leases", on="").stdout == "No lease is held.\n"


def test_a_run_as_json_is_one_document_with_result_and_anchor(dot: Command, tmp_path: Path):
    done = dot("run", TOOL, "--format", "json", "-o", tmp_path / "run.json")

    record = json.loads(done.stdout)
    assert json.loads((tmp_path / "run.json").read_text()) == record
    assert record["result"]["required"] == 11
    assert dot("runs", "--verify", "--anchor", record["anchor"], on="").returncode == 0
    assert dot("runs", "--verify", "--anchor", "9:" + "0" * 64, on="").returncode == 1


def test_a_tampered_ledger_ends_with_status_1_and_names_the_row(dot: Command):
    dot("run", TOOL)
    with psycopg.connect(dot.ledger, autocommit=True) as session:
        session.execute("ALTER TABLE pgrehearse_dots.ledger DISABLE TRIGGER keep")
        session.execute("UPDATE pgrehearse_dots.ledger SET exit_status = 1 WHERE state = 'succeeded'")
        session.execute("ALTER TABLE pgrehearse_dots.ledger ENABLE ALWAYS TRIGGER keep")

    done = dot("runs", "--verify", on="")

    assert done.returncode == 1
    assert "Row 3 is not what was written" in done.stdout


def test_execution_on_the_clone_itself_ends_with_status_3(dot: Command):
    done = dot("run", TOOL, "--here")

    assert done.returncode == 3
    assert "NO-GO: execute in clone" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("run", "DOT-NOBODY", "--tools", EXAMPLES), 2, 'no tool has the code "DOT-NOBODY"'),
        (("run", TOOL, "-p", "fail_under=much"), 2, "is no integer"),
        (("run", TOOL, "-p", "fail_under=101"), 1, "failed: exit status 1"),
        (("run", "nowhere.toml"), 2, "cannot read tool nowhere.toml"),
        (("show", "DOT-NOBODY"), 2, "no tool has the code"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_status(
    dot: Command, arguments: tuple[str | Path, ...], status: int, said: str
):
    done = dot(*arguments)

    assert (done.returncode, said in done.stderr) == (status, True), done.stderr


def test_the_boundary_of_a_target_is_shown_with_its_facts(dot: Command):
    done = dot("boundary")
    table = dot("boundary", "--format", "json", on="")

    assert (done.returncode, "carries the mark of a clone" in done.stdout) == (0, True)
    assert len(json.loads(table.stdout)["boundary"]) == 12


def test_list_show_and_verify_read_the_registry(dot: Command):
    listed = dot("list", "--format", "json")
    shown = dot("show", "DOT-COVERAGE-SCAN", "--tools", EXAMPLES)
    verified = dot("verify", "--tools", EXAMPLES)

    assert len(json.loads(listed.stdout)) == 309
    assert json.loads(shown.stdout)["declared"]["code"] == "DOT-COVERAGE-SCAN"
    assert verified.returncode == 1
    assert "missing file: 309, missing row: 1" in verified.stdout
    assert "duplicate name: 90" in verified.stdout


def test_a_registry_of_another_layout_is_read_by_its_map(dot: Command, tmp_path: Path):
    with psycopg.connect(dot.ledger, autocommit=True) as session:
        session.execute("CREATE SCHEMA ops; CREATE TABLE ops.jobs (job text, title text)")
        session.execute("INSERT INTO ops.jobs VALUES ('J-1', 'First')")
    layout = tmp_path / "registry.toml"
    layout.write_text('table = "ops.jobs"\n[columns]\ncode = "job"\nname = "title"\n')

    done = dot("list", "--registry", layout, "--format", "json", on=dot.ledger)

    assert [(one["code"], one["name"], one["tier"]) for one in json.loads(done.stdout)] == [
        ("J-1", "First", None)
    ]
