"""What checks say: findings that decide a verdict, each from a named source."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Word(enum.Enum):
    """What a rehearsal amounts to."""

    GO = "GO"
    NO_GO = "NO-GO"
    REFUSED = "REFUSED"
    RESIDUE = "RESIDUE"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_status(self) -> int:
        """The exit status of the command."""
        return {"GO": 0, "NO-GO": 1, "REFUSED": 3, "RESIDUE": 4, "INCONCLUSIVE": 5}[self.value]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check, what it expected and what it found.

    Attributes:
        id: The script's own id (`D1`), the plan's, or a built-in check's.
        name: What is checked, in a few words.
        expected, actual: Both sides as text.
        passed: Whether they agree.
        source: `script`, `plan` or `built-in`.
        word: What the verdict becomes where the check did not pass.
        reason: A sentence for the verdict where the check did not pass.
    """

    id: str
    name: str
    expected: str
    actual: str
    passed: bool
    source: str
    word: Word = Word.NO_GO
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word, and the reasons for it in the order of the findings."""

    word: Word
    reasons: tuple[str, ...] = ()
