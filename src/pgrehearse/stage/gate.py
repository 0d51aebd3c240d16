"""What no statement passes that leads out of the transaction, unless the plan lets it.

Takes statements before they are sent, and what observers found while they ran; gives refusals. The catalog is read
anew whenever the script may have changed it: a function that a step has made is known to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeGuard

from pgrehearse.errors import RefusedError
from pgrehearse.observe.escape_names import UNSEEN
from pgrehearse.observe.escape_text import Escape
from pgrehearse.observe.escapes import EscapeFinder, keeps_catalog
from pgrehearse.observe.observation import EscapeFound, Observation
from pgrehearse.plan.classify import Disposition, classify
from pgrehearse.plan.planfile import Policy
from pgrehearse.script.statement import Statement
from pgrehearse.stage.footing import UNKNOWN_OR_DECISIVE
from pgrehearse.stage.transaction import RollbackOnly

_UNDOES = (Disposition.ROLLBACK, Disposition.ROLLBACK_TO)


class Gate:
    """The gate of one pass.

    Args:
        finder: Knows what leads to an escape.
        policy: What the plan allows.
        stage: The stage.
    """

    def __init__(self, finder: EscapeFinder, policy: Policy, stage: RollbackOnly) -> None:
        self._finder = finder
        self._policy = policy
        self._stage = stage
        self._has_changed = False

    def begin(self) -> None:
        """The stage is open: what it wrote to the catalog for itself is no change of the script's."""
        self._finder.take_bearings(self._stage.catalogs.state)

    def refuse(self, text: str, step: int) -> tuple[str, tuple[EscapeFound, ...]]:
        """Say why `text` must not be sent, or nothing; and the escapes that it leads to, allowed or not."""
        if self._finder.settings_set & UNKNOWN_OR_DECISIVE:
            self._stage.footing.shake()
        if self._finder.may_be_stale and not self._stage.session.is_in_failed_transaction:
            with self._stage.footing.own():
                self._finder.learn_again(self._stage.session, self._stage.catalogs.state)
        escapes = self._finder.find(text)
        self._expect_changes(text)
        refused = [escape for escape in escapes if self._is_refused(escape)]
        return "; ".join(map(sentence_of, refused)), tuple(self._told(escapes, step))

    def is_breach(self, seen: Observation) -> TypeGuard[EscapeFound]:
        """Whether what was seen is an escape that has happened, and that the plan does not allow."""
        return (
            isinstance(seen, EscapeFound)
            and seen.kind != UNSEEN
            and not self._policy.allowance_for(seen.kind, seen.object)
        )

    def _is_refused(self, escape: Escape) -> bool:
        return escape.kind != UNSEEN and not self._policy.allowance_for(escape.kind, escape.object)

    def _expect_changes(self, text: str) -> None:
        if not keeps_catalog(text):
            self._has_changed = True
            self._finder.note_change()
        elif self._has_changed and classify(text).disposition in _UNDOES:
            self._finder.note_change(is_undone=True)

    def _told(self, escapes: Sequence[Escape], step: int) -> Iterator[EscapeFound]:
        for escape in escapes:
            allowance = self._policy.allowance_for(escape.kind, escape.object)
            refused = "refused" if escape.kind != UNSEEN else ""
            allowed = f"allowed by the plan: {allowance.reason}" if allowance else refused
            yield EscapeFound(
                escape.kind, escape.object, step, "; ".join(filter(None, (escape.detail, allowed)))
            )


def sentence_of(escape: Escape) -> str:
    """An escape as the reason for a refusal."""
    via = f" ({escape.detail})" if escape.detail else ""
    return f"escape {escape.kind}: {escape.object}{via}"


def refuse_escapes(finder: EscapeFinder, policy: Policy, statements: Sequence[Statement]) -> None:
    """Refuse a script one of whose certain statements leads out of the transaction, before anything runs.

    Raises:
        RefusedError: The escapes, by line.
    """
    found = [
        f"{statement.location}: {sentence_of(escape)}"
        for statement in statements
        for escape in finder.find(statement.text)
        if escape.kind != UNSEEN and not policy.allowance_for(escape.kind, escape.object)
    ]
    if found:
        raise RefusedError(
            f"{found[0]}: it would leave the transaction's reach",
            detail="; ".join(found[1:]),
            hint="Take it out of the script, or allow it by name in the plan file: policy.allow_escapes.",
        )
