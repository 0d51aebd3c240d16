r"""`\if`, `\elif`, `\else` and `\endif`: what each does to the conditionals of a file.

Takes a frame and the value of the expression; gives psql's error message where the command stands in a wrong place.
"""

from __future__ import annotations

from pgrehearse.script.conditionals import ACTIVE, ELSE, UNDECIDED, Branch, Conditional, branch_of
from pgrehearse.script.frame import Frame

BRANCHING = frozenset({"if", "elif", "else", "endif"})


def evaluates(name: str, frame: Frame) -> bool:
    """Whether psql looks at the expression of the command, or passes over it."""
    innermost = frame.conditionals.innermost
    if name == "elif":
        return innermost is not None and innermost.branch in (Branch.FALSE, Branch.PERHAPS, Branch.MAYBE)
    return name == "if" and frame.conditionals.is_active


def branch(name: str, frame: Frame, value: bool | None) -> str:  # noqa: FBT001 - the value of the expression
    """Do what the command does; `value` is None where it cannot be known. Gives psql's error message or nothing."""
    if name == "if":
        _open(frame, value)
        return ""
    innermost = frame.conditionals.innermost
    if innermost is None:
        return f"\\{name}: no matching \\if"
    if name != "endif" and innermost.branch in ELSE:
        return f"\\{name}: cannot occur after \\else"
    if innermost.branch in ACTIVE:
        frame.remember()
    else:
        frame.truncate()
    if name == "endif":
        frame.conditionals.pop()
    else:
        innermost.branch = _elif(innermost.branch, value) if name == "elif" else _else(innermost.branch)
    frame.lexer.is_active = frame.conditionals.is_active
    return ""


def _open(frame: Frame, value: bool | None) -> None:  # noqa: FBT001 - as above
    chosen = branch_of(value) if frame.conditionals.is_active else Branch.IGNORED
    lexer = frame.lexer
    frame.conditionals.push(Conditional(chosen, lexer.stopped_at, lexer.query.mark(), lexer.paren_depth))
    lexer.is_active = frame.conditionals.is_active


def _elif(before: Branch, value: bool | None) -> Branch:  # noqa: FBT001 - as above
    if before is Branch.FALSE:
        return branch_of(value)
    if before not in UNDECIDED:
        return Branch.IGNORED
    return Branch.MAYBE if value is False else Branch.PERHAPS


def _else(before: Branch) -> Branch:
    if before is Branch.FALSE:
        return Branch.ELSE_TRUE
    return Branch.ELSE_PERHAPS if before in UNDECIDED else Branch.ELSE_FALSE
