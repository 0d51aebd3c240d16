r"""The stack of `\if` … `\endif` in one script file.

Takes the branching commands in the order in which they come; gives whether what follows is read or passed over.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Branch(enum.Enum):
    r"""The state of one `\if`."""

    TRUE = "in a branch that is taken"
    FALSE = "no branch taken so far"
    IGNORED = "the rest is passed over"
    ELSE_TRUE = "in an else that is taken"
    ELSE_FALSE = "in an else that is not taken"
    PERHAPS = "in a branch that may be taken: what it depends on is not known"
    MAYBE = "in a branch that is not taken, after one that may have been"
    ELSE_PERHAPS = "in an else that may be taken"


ACTIVE = {Branch.TRUE, Branch.ELSE_TRUE, Branch.PERHAPS, Branch.ELSE_PERHAPS}
UNCERTAIN = {Branch.PERHAPS, Branch.ELSE_PERHAPS}
UNDECIDED = {Branch.PERHAPS, Branch.MAYBE}
ELSE = {Branch.ELSE_TRUE, Branch.ELSE_FALSE, Branch.ELSE_PERHAPS}


@dataclass(slots=True)
class Conditional:
    r"""One `\if`: its branch, its place in the source, and the text and depth to come back to after a false branch."""

    branch: Branch
    position: int
    mark: tuple[int, int]
    paren_depth: int


class Conditionals:
    """The open ones, innermost last."""

    def __init__(self) -> None:
        self._stack: list[Conditional] = []

    def __bool__(self) -> bool:
        return bool(self._stack)

    @property
    def innermost(self) -> Conditional | None:
        r"""The `\if` that `\elif`, `\else` and `\endif` belong to."""
        return self._stack[-1] if self._stack else None

    @property
    def is_active(self) -> bool:
        """Whether what comes next is read."""
        return not self._stack or self._stack[-1].branch in ACTIVE

    @property
    def is_certain(self) -> bool:
        """Whether what comes next is read or passed over for certain."""
        return all(conditional.branch not in UNCERTAIN for conditional in self._stack)

    def push(self, conditional: Conditional) -> None:
        r"""Enter an `\if`."""
        self._stack.append(conditional)

    def pop(self) -> None:
        """Leave the innermost one."""
        self._stack.pop()


def branch_of(value: bool | None) -> Branch:  # noqa: FBT001 - a truth value is what it takes
    """The branch that an expression opens; None is one that cannot be known."""
    if value is None:
        return Branch.PERHAPS
    return Branch.TRUE if value else Branch.FALSE
