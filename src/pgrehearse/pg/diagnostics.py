"""The driver's diagnostics as plain records of messages."""

from __future__ import annotations

import psycopg

from pgrehearse.pg.result import ServerMessage

CONNECTION_FAILURE = "08006"
LOST = "the connection to the server was lost"


def message_of(diag: psycopg.errors.Diagnostic) -> ServerMessage:
    """The message behind `diag`, with all fields that the server sent."""
    return ServerMessage(
        severity=diag.severity_nonlocalized or diag.severity or "",
        sqlstate=diag.sqlstate or "",
        text=diag.message_primary or "",
        detail=diag.message_detail or "",
        hint=diag.message_hint or "",
        context=diag.context or "",
        position=int(diag.statement_position or 0),
        schema=diag.schema_name or "",
        table=diag.table_name or "",
        column=diag.column_name or "",
        datatype=diag.datatype_name or "",
        constraint=diag.constraint_name or "",
        source_function=diag.source_function or "",
    )


def error_of(error: psycopg.Error | None, *, lost: str = "") -> ServerMessage:
    """The server's error; or, where it could not say any and is gone, `lost` as a connection failure in its place."""
    if error is not None and error.diag.sqlstate:
        return message_of(error.diag)
    if lost:
        return ServerMessage("FATAL", CONNECTION_FAILURE, lost)
    return ServerMessage("ERROR", "XX000", str(error).strip())
