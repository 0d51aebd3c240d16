"""The report as a page of a knowledge hub: id, title with verdict, tags, revision, then tables.

Takes a document; gives Markdown of at most 60,000 characters. A page that would be longer folds its lists
until it fits, and says so; the document itself has all.
"""

from __future__ import annotations

import math
from pathlib import PurePath
from typing import Final

from pgrehearse.evidence.document import Document
from pgrehearse.report import markdown_effects
from pgrehearse.report.amounts import duration_text
from pgrehearse.report.markdown_effects import Fold
from pgrehearse.report.markdown_text import block, cell, code, plain, table
from pgrehearse.report.places import Places
from pgrehearse.report.wording import (
    MEANING,
    check_title,
    checks_text,
    fingerprint_text,
    foreign_text,
    headline_count,
    is_run,
    proof_text,
    residue_text,
    stopped_steps,
)

BUDGET: Final = 60_000
"""Characters of a page: a comment of a code host takes 65,536, and a hub's page should stay readable."""

_WORDS_A_MINUTE = 200


def render(document: Document, *, revision: int = 1) -> str:
    """Return the page, ending in a newline.

    Args:
        document: What to report.
        revision: Which revision of the page this is; the hub that keeps pages knows.
    """
    page = ""
    for fold in markdown_effects.FOLDS:
        page = _page(document, revision, fold)
        if len(page) <= BUDGET:
            break
    return page


def page_id(document: Document) -> str:
    """Return the id of the page, `RH-` and four hex digits of the digest."""
    return f"RH-{document.digest.removeprefix('sha256:')[:4].upper() or '0000'}"


def page_title(document: Document) -> str:
    """Return the title: the script, the verdict, how many checks passed, and which text was rehearsed."""
    name = PurePath(document.script.path).name
    checks = f", {headline_count(document)}" if document.checks else ""
    sha256 = document.script.sha256[:8]
    return f"{name} — {document.verdict.word} ({document.rehearsal.mode}{checks}; sha256 {sha256}…)"


def page_tags(document: Document) -> list[str]:
    """Return the tags: what a hub finds the page by."""
    version = document.target.server_version.split(".")[0]
    word = document.verdict.word.lower()
    return ["rehearsal", document.rehearsal.mode, word, document.target.database, f"postgresql-{version}"]


def _page(document: Document, revision: int, fold: Fold) -> str:
    body = [*_verdict(document, fold), *_stopped(document, fold), *_checks(document, fold)]
    if is_run(document):
        body += [line for section in markdown_effects.SECTIONS for line in section(document, fold)]
    body += [*_rollback(document, fold), *_limits(document, fold), *_footer(document, fold)]
    minutes = max(1, math.ceil(sum(len(line.split()) for line in body) / _WORDS_A_MINUTE))
    head = [
        page_id(document),
        "",
        f"# {plain(page_title(document), keep=200)}",
        "",
        f"{minutes} min read · Revision {revision}",
        "",
        " ".join(code(tag, keep=63) for tag in page_tags(document)),
        "",
    ]
    return _joined([*head, *body])


def _joined(lines: list[str]) -> str:
    """Join lines and blocks, with one empty line where several meet."""
    page: list[str] = []
    for line in lines:
        if line or (page and page[-1]):
            page.append(line)
    return "\n".join(page).rstrip("\n") + "\n"


def _verdict(document: Document, fold: Fold) -> list[str]:
    verdict, rehearsal, target = document.verdict, document.rehearsal, document.target
    reasons = verdict.reasons or (MEANING.get(verdict.word, ""),)
    facts = [
        ("script", cell(document.script.path, keep=200)),
        ("sha256", cell(document.script.sha256, keep=64)),
        ("target", f"{cell(target.database, keep=63)} ({plain(target.identity.kind, keep=40)})"),
        ("server", f"PostgreSQL {plain(target.server_version, keep=80)}"),
        ("rehearsed", f"{plain(rehearsal.started_at, keep=40)}, {duration_text(rehearsal.duration_ms)}"),
        ("passes", f"{rehearsal.passes}, {plain(rehearsal.mode, keep=40)}"),
        ("counted", plain(rehearsal.counted, keep=fold.characters)),
    ]
    return [
        f"## Verdict: {plain(verdict.word, keep=20)}",
        "",
        f"Exit status {verdict.exit_status}.",
        "",
        *(f"- {plain(reason, keep=fold.characters)}" for reason in fold.shown(reasons)),
        "",
        *fold.rest(reasons),
        *table(("", ""), facts),
    ]


def _stopped(document: Document, fold: Fold) -> list[str]:
    stopped = stopped_steps(document)
    places = Places(document)
    lines = ["## Statements that did not run", ""] if stopped else []
    for step in fold.shown(stopped):
        lines += [f"At {code(places.in_full(step), keep=200)}, step {step.n}: {step.state}", ""]
        texts = [step.reason]
        if step.error is not None:
            error = step.error
            texts = [f"ERROR {error.sqlstate}: {error.message}", step.reason]
            labels = (("DETAIL", error.detail), ("HINT", error.hint), ("CONTEXT", error.context))
            texts += [f"{label}: {text}" for label, text in labels if text]
        lines += [block("\n".join(filter(None, texts)), keep=fold.characters), ""]
    return lines + fold.rest(stopped)


def _checks(document: Document, fold: Fold) -> list[str]:
    folds = len(fold.shown(document.checks)) < len(document.checks)
    # Where checks are left out, the failed ones come first: they are what the page is for.
    checks = sorted(document.checks, key=lambda check: check.passed) if folds else list(document.checks)
    if not checks:
        return ["## Checks", "", "None: neither the script nor a plan says what to expect.", ""]
    rows = [
        (
            "✓" if check.passed else "✗",
            fold.cell(check.id),
            plain(check_title(check), keep=fold.characters),
            fold.cell(check.expected),
            fold.cell(check.actual),
            fold.cell(check.source),
        )
        for check in fold.shown(checks)
    ]
    header = ("", "id", "check", "expected", "actual", "source")
    return [
        f"## Checks: {checks_text(document)}",
        *table(header, rows),
        *fold.rest(checks),
    ]


def _rollback(document: Document, fold: Fold) -> list[str]:
    sentences = (proof_text(document), fingerprint_text(document), foreign_text(document))
    lines = ["## Rollback", ""]
    lines += [f"- {plain(sentence, keep=fold.characters)}" for sentence in sentences if sentence]
    for proof in document.rollback.passes:
        broken = plain(proof.broken, keep=fold.characters)
        lines += [f"- pass {proof.number}: {broken}"] if broken else []
    if not is_run(document):
        return [*lines, ""]
    residue = document.rollback.residue
    if not residue:
        return [*lines, "- no residue", ""]
    rows = [
        tuple(map(fold.cell, (item.kind, item.object, residue_text(item)))) for item in fold.shown(residue)
    ]
    return [*lines, *table(("residue", "object", "detail"), rows), *fold.rest(residue)]


def _limits(document: Document, fold: Fold) -> list[str]:
    limits = document.limits
    if not limits:
        return []
    lines = [f"- {plain(limit, keep=fold.characters)}" for limit in fold.shown(limits)]
    return ["## Limits", "", "What this rehearsal cannot tell:", "", *lines, "", *fold.rest(limits)]


def _footer(document: Document, fold: Fold) -> list[str]:
    return [
        "---",
        "",
        f"rehearsal {code(document.rehearsal.id, keep=80)}  ",
        f"script {fold.code(document.script.path)}  ",
        f"digest {code(document.digest, keep=80)}  ",
        f"effects {code(document.effects_digest, keep=80)}  ",
        f"{plain(document.tool.name, keep=40)} {plain(document.tool.version, keep=40)}",
    ]
