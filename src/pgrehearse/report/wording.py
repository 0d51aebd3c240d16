"""What the reports say in words, the same in each of them.

Takes a document or a part of it; gives sentences and short phrases, still to be made safe for where they go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pgrehearse.evidence.document import Check, Document, Message, Residue, RowsEffect, Step
from pgrehearse.report.amounts import count_text

MEANING = {
    "GO": "every statement ran, every check passed, rollback proved",
    "NO-GO": "the script failed, a check failed, or a policy was broken",
    "REFUSED": "the target is not proven to be a clone, or the boundary forbids it; nothing was run",
    "RESIDUE": "rollback was not proved, or something stayed that the policy does not allow",
    "INCONCLUSIVE": "something could not be rehearsed",
}

SOURCES = {"script": "script", "plan": "plan file", "built-in": "rehearsal itself"}
"""Who asks for a check, and what that is called."""


def is_run(document: Document) -> bool:
    """Whether anything was run at all: a refused rehearsal has no pass and no step."""
    return bool(document.steps or document.rollback.passes or document.rollback.xid)


def passed_count(document: Document) -> int:
    """Return how many checks passed."""
    return sum(check.passed for check in document.checks)


def counts_by_source(document: Document) -> dict[str, tuple[int, int]]:
    """Return how many checks passed, and how many there are, by who asked for them: the script first."""
    found = {}
    for source in SOURCES:
        checks = [check for check in document.checks if check.source == source]
        if checks:
            found[source] = sum(check.passed for check in checks), len(checks)
    return found


def checks_text(document: Document) -> str:
    """Return `3/3 by the script, 30/30 by the plan file, 7/7 built-in`."""
    counts = counts_by_source(document).items()
    return ", ".join(
        f"{good}/{all_} {'built-in' if source == 'built-in' else f'by the {SOURCES[source]}'}"
        for source, (good, all_) in counts
    )


def headline_count(document: Document) -> str:
    """Return `3/3`: the script's own checks where it has any, as its author counts them, else all."""
    counts = counts_by_source(document)
    good, all_ = counts.get("script") or (passed_count(document), len(document.checks))
    return f"{good}/{all_}"


def check_title(check: Check) -> str:
    """Return the name of a check without its id, which scripts like to repeat."""
    return check.name.removeprefix(check.id).strip() or check.name


def stopped_steps(document: Document) -> list[Step]:
    """Return the steps that did not run as the script wants, save those that were never reached."""
    return [step for step in document.steps if step.state in {"failed", "cannot", "refused"}]


def no_rows_text(document: Document) -> str:
    """Return what to say where no table changed, or none was seen to."""
    broken = any(proof.broken for proof in document.rollback.passes)
    return "no change seen before the rehearsal broke off" if broken else "no table changed"


def rows_total(rows: Iterable[RowsEffect]) -> str:
    """Return `+16 ~2 -153`: rows inserted, updated, deleted over all tables."""
    rows = tuple(rows)
    sums = (sum(r.inserted for r in rows), sum(r.updated for r in rows), sum(r.deleted for r in rows))
    return " ".join(f"{sign}{amount:,}" for sign, amount in zip("+~-", sums, strict=True) if amount)


def split_text(row: RowsEffect) -> str:
    """Return `by collection_name: dot_tools 1, entity_labels 4`, operations named where there are several."""
    operations = {share.operation for share in row.split}
    shares = ", ".join(
        f"{share.operation + ' ' if len(operations) > 1 else ''}"
        f"{'NULL' if share.value is None else share.value} {share.rows:,}"
        for share in row.split
    )
    return f"by {row.split_by}: {shares}" if row.split_by else shares


def grouped_messages(messages: Iterable[Message]) -> list[tuple[Message, int]]:
    """Return equal messages once, at the place of the first, with how often each came."""
    groups: dict[tuple[str, ...], list[Message]] = {}
    for message in messages:
        key = (message.severity, message.sqlstate, message.text, message.detail, message.hint)
        groups.setdefault(key, []).append(message)
    return [(group[0], len(group)) for group in groups.values()]


def severity_counts(messages: Iterable[Message]) -> str:
    """Return `1 WARNING, 3 NOTICE`, the most severe first."""
    order = ("WARNING", "NOTICE", "INFO", "LOG")
    counts = Counter(message.severity for message in messages)
    names = sorted(counts, key=lambda name: (order.index(name) if name in order else len(order), name))
    return ", ".join(f"{counts[name]:,} {name}" for name in names)


def proof_text(document: Document) -> str:
    """Return one sentence on the rollback: what the server itself says of the transaction."""
    rollback = document.rollback
    if not is_run(document):
        return "nothing was run, there was nothing to roll back"
    if rollback.proved:
        xids = [proof.xid for proof in rollback.passes if proof.xid] or [rollback.xid or "?"]
        named = f"transaction {xids[0]} is" if len(xids) == 1 else f"transactions {' and '.join(xids)} are"
        unseen = rollback.passes and all(proof.status_during == "in progress" for proof in rollback.passes)
        them = "it" if len(xids) == 1 else "them"
        until = f"; another session saw {them} in progress until then" if unseen else ""
        return f"proved: the server says that {named} {rollback.xid_status}{until}"
    said = f"transaction {rollback.xid} is {rollback.xid_status}" if rollback.xid else "its state is unknown"
    return f"NOT PROVED: {said}"


def fingerprint_text(document: Document) -> str:
    """Return what the fingerprints before and after say; empty where none was taken."""
    fingerprint = document.rollback.fingerprint
    if not fingerprint.before and not fingerprint.after:
        return ""
    how = Counter(what.rpartition(": ")[2] for what in fingerprint.of)
    of = "; ".join(f"{count_text(number, 'table')} ({what})" for what, number in sorted(how.items()))
    result = "equal" if fingerprint.equal else "DIFFERENT"
    return f"fingerprint{f' of {of}' if of else ''}: {result} before and after"


def foreign_text(document: Document) -> str:
    """Return a sentence on transactions of others that committed meanwhile; empty where there were none."""
    count = document.rollback.foreign_commits
    return f"{count_text(count, 'transaction')} of others committed meanwhile" if count > 0 else ""


def residue_text(residue: Residue) -> str:
    """Return the detail of a residue, with the passes that left it where there were several."""
    passes = f" (in each of {len(residue.passes)} passes)" if len(residue.passes) > 1 else ""
    return f"{residue.detail}{passes}"
