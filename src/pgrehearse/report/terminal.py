"""The report on a terminal: the verdict first, then what a reader asks next.

Takes a document; gives text of the terminal's width. Lists that are too long are folded, and say so; the
document itself has all.
"""

from __future__ import annotations

from collections.abc import Callable

from pgrehearse.evidence.document import Check, Document, Step
from pgrehearse.report import terminal_effects
from pgrehearse.report.amounts import count_text, duration_text, folded
from pgrehearse.report.ink import Ink
from pgrehearse.report.places import Places
from pgrehearse.report.visible import visible
from pgrehearse.report.wording import (
    MEANING,
    SOURCES,
    check_title,
    checks_text,
    counts_by_source,
    fingerprint_text,
    foreign_text,
    is_run,
    passed_count,
    proof_text,
    residue_text,
    stopped_steps,
)

_STYLE = {"GO": "bold green", "NO-GO": "bold red", "RESIDUE": "bold red", "REFUSED": "bold magenta"}
_KEEP = 12
_KEEP_CONTEXT = 4


def render(document: Document, *, width: int = 80, colour: bool = False) -> str:
    """Return the report as text that ends in a newline.

    Args:
        document: What to report.
        width: Columns of the terminal; less than 48 is taken as 48.
        colour: Colours and signs beyond ASCII; without it, only the names and messages of others go beyond
        it.
    """
    ink = Ink(max(width, 48), colour)
    sections: list[Callable[[Document, Ink], list[str]]] = [_verdict, _stopped, _checks]
    if is_run(document):
        sections += terminal_effects.SECTIONS
    sections += [_rollback, _limits, _seal]
    return "\n".join(line.rstrip() for section in sections for line in section(document, ink)) + "\n"


def _verdict(document: Document, ink: Ink) -> list[str]:
    verdict, rehearsal, target = document.verdict, document.rehearsal, document.target
    word = ink.paint(visible(verdict.word), _STYLE.get(verdict.word, "bold yellow"))
    lines = [f"{word}  {ink.paint(f'exit status {verdict.exit_status}', 'dim')}"]
    for reason in verdict.reasons or (MEANING.get(verdict.word, ""),):
        lines += ink.wrapped(visible(reason), indent=2)
    where = f"on {target.database} ({target.identity.kind}), PostgreSQL {target.server_version or '?'}"
    passes = count_text(rehearsal.passes, "pass", "passes")
    how = f"; {rehearsal.mode}, {passes}, {duration_text(rehearsal.duration_ms)}" if is_run(document) else ""
    lines += ["", f"  {visible(document.script.path)}"]
    return lines + ink.wrapped(visible(where + how), indent=2, style="dim")


def _stopped(document: Document, ink: Ink) -> list[str]:
    places = Places(document)
    shown, left_out = folded(stopped_steps(document), _KEEP)
    lines = []
    for step in shown:
        what = {"failed": "Failed", "cannot": "Not rehearsable", "refused": "Refused"}[step.state]
        # The place is never cut, whatever the width: it is there to be copied.
        lines += [*ink.heading(what, f"step {step.n}"), f"  {places.in_full(step)}"]
        lines += _error(step, ink)
        lines += ink.wrapped(visible(step.reason), indent=2) if step.reason else []
    lines += ink.rest(left_out)
    skipped = sum(step.state == "skipped" for step in document.steps)
    if skipped:
        lines += ["", *ink.wrapped(f"{count_text(skipped, 'step')} not reached", indent=2, style="dim")]
    return lines


def _error(step: Step, ink: Ink) -> list[str]:
    if step.error is None:
        return []
    error = step.error
    lines = ink.wrapped(visible(f"ERROR {error.sqlstate}: {error.message}"), indent=4, first=2, style="red")
    for label, text in (("DETAIL", error.detail), ("HINT", error.hint), ("CONTEXT", error.context)):
        lines += ink.labelled(label, text, keep=_KEEP_CONTEXT if label == "CONTEXT" else _KEEP)
    return lines


def _checks(document: Document, ink: Ink) -> list[str]:
    if not document.checks:
        return ink.heading("Checks", "none: nothing was run", "dim")
    passed, total = passed_count(document), len(document.checks)
    lines = ink.heading("Checks", checks_text(document), "green" if passed == total else "red")
    # What the script says is told one by one; what the plan and the built-in checks say, where it is bad news.
    told = [check for check in document.checks if not check.passed or check.source == "script"]
    failed_first = sorted(told, key=lambda check: check.passed)
    shown, left_out = folded(failed_first, max(_KEEP, total - passed))
    kept = {id(check) for check in shown}
    ids = max((len(visible(check.id)) for check in shown), default=0)
    for check in told:
        lines += _check(check, ink, min(ids, 24)) if id(check) in kept else []
    lines += ink.rest(left_out)
    for source, (good, all_) in counts_by_source(document).items():
        if source != "script" and good:
            lines.append(f"  {ink.passed}  {good} of {all_} checks of the {SOURCES[source]} hold")
    return lines


def _check(check: Check, ink: Ink, ids: int) -> list[str]:
    sign = ink.passed if check.passed else ink.failed
    indent = 6 + ids + (0 if ink.colour else 3)
    tail = f": {check.actual}" if check.passed and len(check.actual) <= 24 and check.actual else ""
    lines = ink.wrapped(visible(check_title(check) + tail), indent=indent)
    lines[0] = f"  {sign}  {visible(check.id).ljust(ids)} {lines[0].lstrip()}"
    if check.passed:
        return lines
    for label, text in (("expected", check.expected), ("actual  ", check.actual), ("", check.reason)):
        lines += ink.labelled(label, text, indent=indent)
    return lines


def _rollback(document: Document, ink: Ink) -> list[str]:
    rollback = document.rollback
    style = "" if rollback.proved else "bold red" if is_run(document) else "dim"
    lines = ink.heading("Rollback", visible(proof_text(document)), style)
    for proof in rollback.passes:
        lines += (
            ink.wrapped(visible(f"pass {proof.number}: {proof.broken}"), indent=2) if proof.broken else []
        )
    for sentence in (fingerprint_text(document), foreign_text(document)):
        lines += ink.wrapped(visible(sentence), indent=2) if sentence else []
    if is_run(document):
        lines += _residue(document, ink)
    return lines


def _residue(document: Document, ink: Ink) -> list[str]:
    shown, left_out = folded(document.rollback.residue, _KEEP)
    if not shown:
        return ["  no residue"]
    lines = ["  residue, which outlives the rollback:"]
    for item in shown:
        lines += ink.item(visible(f"{item.kind} {item.object}: {residue_text(item)}"), indent=4)
    return lines + ink.rest(left_out, indent=4)


def _limits(document: Document, ink: Ink) -> list[str]:
    shown, left_out = folded(document.limits, _KEEP)
    if not shown:
        return []
    lines = ink.heading("Limits", "what this rehearsal cannot tell")
    for limit in shown:
        lines += ink.item(visible(limit))
    return lines + ink.rest(left_out)


def _seal(document: Document, ink: Ink) -> list[str]:
    rows = [("Digest", visible(document.digest)), ("Effects", visible(document.effects_digest))]
    slowest = max(document.steps, key=lambda step: step.duration_ms, default=None)
    if slowest is not None and slowest.duration_ms > 0:
        place = Places(document).of(slowest.n)
        rows.insert(0, ("Slowest", f"{place} (step {slowest.n}), {duration_text(slowest.duration_ms)}"))
    return ["", *(ink.paint(line, "dim") for entry in ink.table(rows, indent=0) for line in entry)]
