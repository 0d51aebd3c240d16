"""The answer to one statement, gathered piece by piece up to the caps.

Takes results of the driver; gives one `Result`. Rows beyond the caps are counted and dropped, so that a script that
selects a whole table costs no memory.
"""

from __future__ import annotations

import psycopg
from psycopg import pq

from pgrehearse.pg.diagnostics import LOST, error_of
from pgrehearse.pg.result import Column, Result, ServerMessage

BYTE_CAP = 8_000_000
"""Bytes of a result set that are kept."""


class Answer:
    """One statement's answer; `row_cap` rows of it are kept."""

    def __init__(self, row_cap: int) -> None:
        self.copy = ""
        self.error: ServerMessage | None = None
        self._row_cap = row_cap
        self._bytes = 0
        self._tag = ""
        self._columns: tuple[Column, ...] = ()
        self._rows: list[tuple[str | None, ...]] = []
        self._row_count = 0

    def add(self, result: pq.abc.PGresult, pgconn: pq.abc.PGconn) -> None:
        """Take in a piece: rows, the end of the statement, or its error."""
        if result.status == pq.ExecStatus.FATAL_ERROR:
            lost = "" if pgconn.status == pq.ConnStatus.OK else LOST
            self.error = error_of(psycopg.errors.error_from_result(result), lost=lost)
            return
        if result.nfields:
            self._columns = tuple(
                Column(_text(result.fname(i) or b""), result.ftype(i)) for i in range(result.nfields)
            )
        self._keep_rows(result)
        if result.command_status:
            self._tag = _text(result.command_status)
        if result.command_tuples is not None and not self._row_count:
            self._row_count = result.command_tuples

    def add_copied(self, data: bytes) -> None:
        """Take in a line of COPY data."""
        self._row_count += 1
        if len(self._rows) < self._row_cap and self._bytes < BYTE_CAP:
            self._bytes += len(data)
            self._rows.append((data.decode(errors="replace").rstrip("\n"),))

    def _keep_rows(self, result: pq.abc.PGresult) -> None:
        self._row_count += result.ntuples
        for row in range(result.ntuples):
            if len(self._rows) >= self._row_cap or self._bytes >= BYTE_CAP:
                return
            values = tuple(_cell(result.get_value(row, column)) for column in range(result.nfields))
            self._bytes += sum(len(value) for value in values if value is not None)
            self._rows.append(values)

    def result(self) -> Result:
        """What was gathered."""
        return Result(
            tag="" if self.error else self._tag,
            columns=self._columns,
            rows=tuple(self._rows),
            row_count=self._row_count,
            error=self.error,
            copy=self.copy,
        )


def _text(value: bytes) -> str:
    return bytes(value).decode(errors="replace")


def _cell(value: bytes | None) -> str | None:
    return None if value is None else _text(value)
