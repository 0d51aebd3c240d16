"""What will become of one statement or meta-command: the unit of a plan."""

from __future__ import annotations

from dataclasses import dataclass

from pgrehearse.plan.classify import Disposition
from pgrehearse.script.metacommands import Treatment
from pgrehearse.script.statement import Location

CANNOT = frozenset({Disposition.CANNOT, Disposition.COMMIT_PREPARED, Disposition.ROLLBACK_PREPARED})
"""What no transaction can hold."""


@dataclass(frozen=True, slots=True)
class Step:
    r"""One step, as far as the text alone tells.

    Attributes:
        n: Counts from 1.
        location: Where it stands in the script.
        kind: `sql` or `meta`.
        text: The statement, or the whole meta-command.
        keyword: What the statement is (`INSERT`), or the meta-command (`\\\gset`).
        disposition: What becomes of a statement; None for a meta-command.
        treatment: What becomes of a meta-command; None for a statement.
        reason: Why it is refused or ignored, or cannot run in a transaction; empty else.
        is_certain: False where it is reached or not by the value of a variable that only the server can tell.
        unknowns: The variables in it whose values only the server can tell.
        sent_by: The meta-command that sends the statement, with its backslash; empty for a semicolon.
    """

    n: int
    location: Location
    kind: str
    text: str
    keyword: str
    disposition: Disposition | None = None
    treatment: Treatment | None = None
    reason: str = ""
    is_certain: bool = True
    unknowns: tuple[str, ...] = ()
    sent_by: str = ""

    @property
    def cannot(self) -> bool:
        """Whether it cannot be rehearsed in a transaction."""
        return self.disposition in CANNOT

    @property
    def is_refused(self) -> bool:
        """Whether it will not be run, whatever the server says."""
        return self.treatment is Treatment.REFUSED

    @property
    def outcome(self) -> str:
        """What becomes of it, in a word or two."""
        if self.cannot:
            return "cannot"
        if self.is_refused:
            return "refused"
        if self.disposition is not None:
            return self.disposition.value
        return self.treatment.value if self.treatment else ""
