"""Drift: every way in which registry and declarations can disagree."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pgrehearse.dots.dot import Declared, Dot, Script
from pgrehearse.dots.drift import Drift, find_drift
from pgrehearse.dots.registry import RegisteredDot

CONTENT = b"#!/bin/sh\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def row(
    code: str, *, name: str = "", tier: str = "A", pair: str | None = None, sha: str | None = DIGEST
) -> RegisteredDot:
    return RegisteredDot(code, name or code, "d", "x", "o", tier, "active", pair, f"bin/{code}", sha)


def declare(folder: Path, code: str, *, sha: str = DIGEST, mode: int = 0o755) -> Declared:
    path = folder / f"{code}.sh"
    path.write_bytes(CONTENT)
    path.chmod(mode)
    script = Script(path=path.name, sha256=sha)
    return Declared(
        Dot(code=code, name=code, description="d", domain="x", operation="o", script=script),
        folder / f"{code}.dot.toml",
    )


def kinds(drift: tuple[Drift, ...]) -> list[tuple[str, str]]:
    return [(one.kind, one.code) for one in drift]


def test_what_agrees_has_no_drift(tmp_path: Path):
    assert (
        find_drift(
            [row("A-1"), row("B-1", tier="B", pair="A-1")], [declare(tmp_path, c) for c in ("A-1", "B-1")]
        )
        == ()
    )


def test_a_row_without_a_file_and_a_file_without_a_row_are_found(tmp_path: Path):
    assert kinds(find_drift([row("A-1")], [declare(tmp_path, "A-2")])) == [
        ("missing file", "A-1"),
        ("missing row", "A-2"),
    ]


def test_a_changed_script_is_found_on_disk_and_in_the_registry(tmp_path: Path):
    changed_on_disk = find_drift([row("A-1", sha="b" * 64)], [declare(tmp_path, "A-1", sha="b" * 64)])
    changed_in_registry = find_drift([row("A-1", sha="c" * 64)], [declare(tmp_path, "A-1")])
    without_digest = find_drift([row("A-1", sha=None)], [declare(tmp_path, "A-1")])

    for drift in (changed_on_disk, changed_in_registry, without_digest):
        assert kinds(drift) == [("changed hash", "A-1")]


def test_a_script_that_cannot_be_started_is_found(tmp_path: Path):
    assert kinds(find_drift([row("A-1")], [declare(tmp_path, "A-1", mode=0o644)])) == [("bad script", "A-1")]


def test_names_on_two_rows_and_tools_of_tier_b_without_a_reader_are_found(tmp_path: Path):
    rows = [row("A-1", name="same"), row("B-1", name="same", tier="B"), row("B-2", tier="B", pair="B-1")]
    declared = [declare(tmp_path, one.code) for one in rows]

    assert kinds(find_drift(rows, declared)) == [
        ("duplicate name", "A-1"),
        ("duplicate name", "B-1"),
        ("unpaired", "B-1"),
        ("unpaired", "B-2"),
    ]
