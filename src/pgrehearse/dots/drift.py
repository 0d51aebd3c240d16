"""Where registry and declarations disagree.

Takes what a registry has and what a folder declares; gives each disagreement. Touches nothing but the scripts' bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pgrehearse.dots.dot import Declared
from pgrehearse.dots.registry import RegisteredDot

DriftKind = Literal["missing file", "missing row", "changed hash", "bad script", "duplicate name", "unpaired"]


@dataclass(frozen=True, slots=True)
class Drift:
    """One disagreement: its kind, the tool, and a sentence."""

    kind: DriftKind
    code: str
    text: str


def find_drift(registered: Sequence[RegisteredDot], declared: Sequence[Declared]) -> tuple[Drift, ...]:
    """Every disagreement, by kind and code."""
    found = [
        *_missing(registered, declared),
        *_changed(registered, declared),
        *_duplicates(registered),
        *_unpaired(registered),
    ]
    return tuple(sorted(found, key=lambda drift: (drift.kind, drift.code)))


def _missing(registered: Sequence[RegisteredDot], declared: Sequence[Declared]) -> Iterator[Drift]:
    in_registry = {one.code for one in registered}
    in_files = {one.dot.code for one in declared}
    for row in registered:
        if row.code not in in_files:
            path = f" (its file_path is {row.file_path})" if row.file_path else ""
            yield Drift("missing file", row.code, f"It is registered, but no file declares it{path}.")
    for one in declared:
        if one.dot.code not in in_registry:
            yield Drift("missing row", one.dot.code, f"{one.file} declares it, but it is not registered.")


def _changed(registered: Sequence[RegisteredDot], declared: Sequence[Declared]) -> Iterator[Drift]:
    digests = {one.code: one.script_sha256 for one in registered}
    for one in declared:
        fault, _ = one.examine_script()
        if fault:
            yield Drift("changed hash" if "has changed" in fault else "bad script", one.dot.code, f"{fault}.")
        known = digests.get(one.dot.code)
        if known is not None and known != one.dot.script.sha256:
            text = f"Registered with SHA-256 {known}, declared with {one.dot.script.sha256}."
            yield Drift("changed hash", one.dot.code, text)
        elif one.dot.code in digests and known is None:
            yield Drift("changed hash", one.dot.code, "It is registered without a digest of its script.")


def _duplicates(registered: Sequence[RegisteredDot]) -> Iterator[Drift]:
    count = Counter(one.name for one in registered if one.name)
    for one in registered:
        if one.name and count[one.name] > 1:
            yield Drift("duplicate name", one.code, f'{count[one.name]} tools have the name "{one.name}".')


def _unpaired(registered: Sequence[RegisteredDot]) -> Iterator[Drift]:
    """Tier B writes, and needs a tier A tool that looks after it."""
    readers = {one.code for one in registered if one.tier == "A"}
    for one in registered:
        if one.tier == "B" and not one.paired_dot:
            yield Drift("unpaired", one.code, "It is of tier B and paired with no tool.")
        elif one.tier == "B" and one.paired_dot not in readers:
            text = f'It is of tier B and paired with "{one.paired_dot}", which is no tool of tier A.'
            yield Drift("unpaired", one.code, text)
