"""The example is the seed's script: its words, its comments and nothing else."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
SEED = HERE / "seed" / "KB-7D86.txt"
EXAMPLE = HERE.parents[1] / "examples/dot_register/D_dot_register_rehearsal_rollback_only_clone.sql"


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_the_rebuilt_script_is_the_seed_with_its_line_breaks_and_asterisks():
    script = EXAMPLE.read_text(encoding="utf-8")

    as_published = squeezed(script.replace("count(*)", "count()"))

    assert as_published == squeezed(SEED.read_text(encoding="utf-8"))


def test_every_count_of_the_rebuilt_script_has_its_asterisk():
    script = EXAMPLE.read_text(encoding="utf-8")

    assert "count()" not in script
    assert script.count("count(*)") == SEED.read_text(encoding="utf-8").count("count()")


def test_a_comment_ends_where_its_line_ended():
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()

    comments = [line for line in lines if line.startswith("--")]

    assert not [line for line in comments if line.endswith(";") or "\\" in line]
    assert comments[0] == comments[9] == "-- " + "=" * 76
    assert len(comments) == 12
