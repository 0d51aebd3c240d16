"""What the server answers: results, messages and errors, as plain records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerMessage:
    """A message of the server with all its fields, whether a notice or an error.

    `severity` is never translated (field V of the protocol). `position` counts characters from 1 in the statement;
    0 where the server names none.
    """

    severity: str
    sqlstate: str
    text: str
    detail: str = ""
    hint: str = ""
    context: str = ""
    position: int = 0
    schema: str = ""
    table: str = ""
    column: str = ""
    datatype: str = ""
    constraint: str = ""
    source_function: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result: its name, and the oid of its type."""

    name: str
    type_oid: int


@dataclass(frozen=True, slots=True)
class Result:
    """What one statement gave.

    Attributes:
        tag: The command tag (`INSERT 0 1`); empty where the statement failed.
        columns: The columns of a result set; empty for a statement that gives none.
        rows: Text values as the server wrote them; None is NULL. Never more than the cap of the session.
        row_count: Rows of the result set before the cap, or the affected rows of the tag.
        error: The server's error, or None.
        copy: `"in"` or `"out"` where the server waits for, or sent, COPY data.
    """

    tag: str
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    row_count: int = 0
    error: ServerMessage | None = None
    copy: str = ""
