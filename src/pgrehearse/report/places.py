"""Where a step stands in its script.

Takes a document; gives a place for each step number: `line 31`, `other.sql:3`, `before the first step`.
"""

from __future__ import annotations

from pgrehearse.evidence.document import Document, Step
from pgrehearse.report.visible import visible


class Places:
    """The places of the steps of one document."""

    def __init__(self, document: Document) -> None:
        self._script = document.script.path
        self._steps = {step.n: step for step in document.steps}

    def of(self, step: int) -> str:
        """Return the place of a step, short: the script itself is not named."""
        if step == 0:
            return "before the first step"
        known = self._steps.get(step)
        if known is None:
            return f"step {step}"
        return f"{visible(known.path)}:{known.line}" if known.path else f"line {known.line}"

    def in_full(self, step: Step) -> str:
        """Return `file:line` of a step; where its error points at a line, that line."""
        line = step.error.line if step.error and step.error.line else step.line
        return f"{visible(step.path or self._script)}:{line}"
