"""What a step cost stands with the step, and nowhere where two rehearsals are compared."""

from __future__ import annotations

import msgspec
import pytest

from pgrehearse.evidence.difference import differences
from pgrehearse.evidence.document import Cost, Document
from pgrehearse.observe.observation import StepCost
from pgrehearse.report import markdown, terminal
from pgrehearse.report.amounts import bytes_text
from pgrehearse.report.costs import costs_text

from .evidence_builders import CLEAN, PROBED, make_document, make_pass, make_rollback, make_transcript

LARGE = StepCost(5, 2_000_000, 800, 12, 3, 4_718_592)
SMALL = StepCost(6, 120, 4, 0, 0, 0)


def test_a_fake_commit_costs_with_its_step() -> None:
    document = _document(StepCost(5, 100, 10, 1, 0, 0), StepCost(5, 20, 2, 0, 1, 8_192), SMALL)

    assert document.steps[4].cost == Cost(120, 12, 1, 1, 8_192)
    assert document.steps[5].cost == Cost(120, 4, 0, 0, 0)
    assert document.steps[6].cost is None


def test_what_is_not_known_is_left_out_and_no_zero() -> None:
    document = _document(StepCost(5, 100, None, None, None, None), StepCost(5, 20, 2, 0, None, None))

    assert msgspec.to_builtins(document)["steps"][4]["cost"] == {"wal_bytes": 120}


def test_costs_are_neither_an_effect_nor_a_difference() -> None:
    one, other = _document(LARGE), _document(SMALL)

    assert one.effects_digest == other.effects_digest
    assert one.digest != other.digest
    assert differences(msgspec.to_builtins(one), msgspec.to_builtins(other)) == []


@pytest.mark.parametrize(("foreign_commits", "is_said"), [(0, False), (2, True), (-1, False)])
def test_commits_of_others_are_said_to_have_written_wal(foreign_commits: int, is_said: bool) -> None:
    clean = make_pass(1, (*CLEAN, LARGE), rollback=make_rollback(foreign_commits=foreign_commits))

    limits = make_document(make_transcript(clean)).limits

    assert any("Others wrote meanwhile" in limit for limit in limits) is is_said


def test_reports_name_the_steps_that_moved_the_most() -> None:
    document = _document(SMALL, StepCost(2, 9_000, 0, 0, 0, 0), LARGE)

    text = terminal.render(document, width=100)
    page = markdown.render(document)

    costs = text.partition("\nCosts  ")[2].partition("\n\n")[0].splitlines()
    assert costs == [
        "WAL 1.9 MB, 816 blocks (12 read), 3 temporary files of 4.5 MB",
        "  line 50  1.2 ms  WAL 1.9 MB, 812 blocks (12 read), 3 temporary files of 4.5 MB",
        "  line 20  0.5 ms  WAL 8.8 kB",
    ]
    assert "| `line 50` | WAL 1.9 MB, 812 blocks (12 read), 3 temporary files of 4.5 MB | 1.2 ms |" in page


def test_reports_are_silent_about_small_costs() -> None:
    document = _document(SMALL)

    assert "Costs" not in terminal.render(document)
    assert "Costs" not in markdown.render(document)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (1, "1 byte"),
        (1_023, "1,023 bytes"),
        (1_024, "1.0 kB"),
        (10_188, "9.9 kB"),
        (10_189, "10 kB"),
        (1_023_487, "999 kB"),
        (1_023_488, "1.0 MB"),
        (4_718_592, "4.5 MB"),
        (5 * 2**30, "5.0 GB"),
        (2_000 * 2**40, "2,000 TB"),
    ],
)
def test_sizes_read_as_postgresql_writes_them(size: int, text: str) -> None:
    assert bytes_text(size) == text


def test_a_cost_says_only_what_there_is() -> None:
    assert costs_text([Cost(wal_bytes=8_192, blocks_hit=0, temp_files=0)]) == "WAL 8.0 kB"
    assert costs_text([Cost(blocks_hit=1), Cost(temp_files=1, temp_bytes=512)]) == (
        "1 block, 1 temporary file of 512 bytes"
    )
    assert costs_text([Cost()]) == ""


def _document(*costs: StepCost) -> Document:
    return make_document(make_transcript(make_pass(1, (*CLEAN, *costs)), make_pass(2, PROBED)))
