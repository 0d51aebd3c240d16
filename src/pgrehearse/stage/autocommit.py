"""What PostgreSQL says to statements that make sense inside a transaction block only, when there is none.

The stage is one transaction, so the server would accept them there; psql in autocommit would see them fail. Facts of
`RequireTransactionBlock` and `WarnNoTransactionBlock` in PostgreSQL 15 to 18.
"""

from __future__ import annotations

import re

from pgrehearse.pg.result import ServerMessage

_NO_TRANSACTION = "25P01"

_FAILS = (
    (re.compile(r"LOCK\b", re.IGNORECASE), "LOCK TABLE"),
    (re.compile(r"SAVEPOINT\b", re.IGNORECASE), "SAVEPOINT"),
    (re.compile(r"RELEASE\b", re.IGNORECASE), "RELEASE SAVEPOINT"),
    (re.compile(r"ROLLBACK\s+(WORK\s+|TRANSACTION\s+)?TO\b", re.IGNORECASE), "ROLLBACK TO SAVEPOINT"),
    (re.compile(r"DECLARE\b(?!.*\bWITH\s+HOLD\b)", re.IGNORECASE | re.DOTALL), "DECLARE CURSOR"),
)
_WARNS = (
    (re.compile(r"SET\s+LOCAL\b", re.IGNORECASE), "SET LOCAL"),
    (re.compile(r"SET\s+TRANSACTION\b", re.IGNORECASE), "SET TRANSACTION"),
    (re.compile(r"SET\s+CONSTRAINTS\b", re.IGNORECASE), "SET CONSTRAINTS"),
)


def complaint_outside_block(bare_text: str) -> ServerMessage | None:
    """The server's error or warning to a statement outside a block; `bare_text` starts with its first word."""
    for pattern, command in _FAILS:
        if pattern.match(bare_text):
            return ServerMessage("ERROR", _NO_TRANSACTION, f"{command} can only be used in transaction blocks")
    for pattern, command in _WARNS:
        if pattern.match(bare_text):
            return ServerMessage("WARNING", _NO_TRANSACTION, f"{command} can only be used in transaction blocks")
    return None


def no_transaction_warning() -> ServerMessage:
    """The server's warning to COMMIT or ROLLBACK outside a block."""
    return ServerMessage("WARNING", _NO_TRANSACTION, "there is no transaction in progress")
