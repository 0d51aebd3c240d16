"""What a built-in check is: words as data, and one pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pgrehearse.check.finding import Finding, Word
from pgrehearse.plan.planfile import PlanFile
from pgrehearse.stage.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Case:
    """What a check judges: what happened, and what the plan file says."""

    transcript: Transcript
    plan: PlanFile


@dataclass(frozen=True, slots=True)
class Check:
    """A built-in check.

    Attributes:
        id: An instruction in words joined by hyphens; stable.
        title: What must hold.
        word: What the verdict becomes where it does not.
        condition: When it fails.
        effect: What that would mean for the user.
        remedy: What to do.
        examine: Gives one sentence for each way in which it does not hold.
        word_for: What the verdict becomes in this very case, where that depends on it.
    """

    id: str
    title: str
    word: Word
    condition: str
    effect: str
    remedy: str
    examine: Callable[[Case], Iterator[str]]
    word_for: Callable[[Case], Word] | None = None

    def run(self, case: Case) -> Finding:
        """Judge `case`."""
        problems = tuple(self.examine(case))
        return Finding(
            id=self.id,
            name=self.title,
            expected="holds",
            actual="holds" if not problems else "; ".join(problems),
            passed=not problems,
            source="built-in",
            word=self.word_for(case) if self.word_for else self.word,
            reason="; ".join(problems),
        )
