"""`pgrehearse evidence`: exit statuses, and what stands on standard output."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from pgrehearse.cli import terminal
from pgrehearse.cli.commands.evidence import evidence
from pgrehearse.errors import EvidenceError, UsageError
from pgrehearse.evidence.document import Document
from pgrehearse.report import catalogue
from pgrehearse.report.cascade import render_cascade
from pgrehearse.report.json import render, render_canonical

from .evidence_builders import CLEAN, PROBED, make_document, make_pass, make_transcript


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "evidence.json", make_document())


def write(path: Path, document: Document) -> Path:
    path.write_text(catalogue.render(document, "json"), "utf-8")
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(evidence, [str(argument) for argument in arguments])


@pytest.mark.parametrize("format_name", ["text", "markdown", "json"])
def test_show_renders_a_saved_document_as_the_rehearsal_did(file: Path, format_name: str) -> None:
    result = run("show", file, "--format", format_name)

    assert (result.exit_code, result.exception) == (0, None)
    assert result.stdout == catalogue.render(make_document(), format_name, width=terminal.width())


def test_show_draws_the_cascade_on_request(file: Path) -> None:
    tree = render_cascade(make_document())

    assert run("show", file, "--cascade").stdout.endswith(tree)
    assert tree not in run("show", file).stdout


def test_show_keeps_in_json_what_a_later_version_added(file: Path) -> None:
    raw = json.loads(file.read_text("utf-8")) | {"later": {"z": 1, "a": 2}}
    file.write_text(json.dumps(raw), "utf-8")

    assert json.loads(run("show", file, "--format", "json").stdout) == raw


def test_show_shows_an_altered_document_and_then_tells_of_it(file: Path) -> None:
    file.write_text(
        file.read_text("utf-8").replace('"NO-GO"', '"GO"').replace("public.dot_tools", "public.x")
    )

    result = run("show", file)

    assert result.stdout.startswith("GO  exit status 0\n")
    assert isinstance(result.exception, EvidenceError)


def test_verify_of_a_sound_document_says_so_in_a_line(file: Path) -> None:
    result = run("verify", file)

    assert result.exit_code == 0
    assert result.stdout == f"{file}: both digests hold, {make_document().digest}\n"


def test_verify_of_an_altered_document_names_the_digests_that_do_not_hold(file: Path) -> None:
    file.write_text(file.read_text("utf-8").replace('"inserted": 5', '"inserted": 1'))

    result = run("verify", file)

    assert isinstance(result.exception, EvidenceError)
    assert result.exception.exit_status == 1
    assert [line.split()[0] for line in result.exception.detail.splitlines()] == ["digest", "effects_digest"]


@pytest.mark.parametrize("command", [("show",), ("verify",), ("diff", "/dev/null")])
@pytest.mark.parametrize("written", [None, b"", b"{}", b"SELECT 1;", b"\x00\xff"])
def test_what_is_no_evidence_ends_with_exit_status_2(
    tmp_path: Path, command: tuple[str, ...], written: bytes | None
) -> None:
    path = tmp_path / "other.json"
    if written is not None:
        path.write_bytes(written)

    result = run(*command, path)

    assert isinstance(result.exception, UsageError)
    assert result.exception.exit_status == 2
    assert result.exception.hint


def test_a_folder_is_no_evidence(tmp_path: Path) -> None:
    assert isinstance(run("verify", tmp_path).exception, UsageError)


def test_diff_of_equal_effects_ends_with_0_and_of_others_with_1(tmp_path: Path, file: Path) -> None:
    again = write(tmp_path / "again.json", make_document(checks=()))
    other = make_document(make_transcript(make_pass(1, CLEAN), make_pass(2, PROBED[:1])))

    same, differs = run("diff", file, again), run("diff", file, write(tmp_path / "other.json", other))

    assert (same.exit_code, same.stdout) == (0, "the effects are the same\n")
    assert differs.exit_code == 1
    assert "rows\n  - public.birth_registry: deleted 0, inserted 5," in differs.stdout


def test_diff_trusts_no_altered_document(file: Path, tmp_path: Path) -> None:
    altered = tmp_path / "altered.json"
    altered.write_text(file.read_text("utf-8").replace('"inserted": 5', '"inserted": 1'))

    assert isinstance(run("diff", file, altered).exception, EvidenceError)


def test_json_is_one_field_a_line_and_canonical_json_one_line() -> None:
    document = make_document()

    assert json.loads(render(document)) == json.loads(render_canonical(document))
    assert json.loads(render(document)) == json.loads(msgspec.json.encode(document))
    assert render(document).startswith('{\n  "format": "pgrehearse-evidence/1",\n  "tool": {')
    assert "\n" not in render_canonical(document)
