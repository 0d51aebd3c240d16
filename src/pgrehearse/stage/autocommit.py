"""What PostgreSQL says to statements that make sense inside a transaction block only, when there is none.

The stage is one transaction, so the server would accept them there; psql in autocommit would see them fail. Facts of
`RequireTransactionBlock` and `WarnNoTransactionBlock` in PostgreSQL 15 to 18.
"""

from __future__ import annotations

from itertools import islice

from pgrehearse.pg.result import ServerMessage
from pgrehearse.plan.classify import Disposition, StatementKind
from pgrehearse.plan.words import words_of

_NO_TRANSACTION = "25P01"
_LOOKED_AT = 60
"""Words looked at for the WITH HOLD of a cursor, which stands before its query."""

_FAILS = {
    Disposition.SAVEPOINT: "SAVEPOINT",
    Disposition.RELEASE: "RELEASE SAVEPOINT",
    Disposition.ROLLBACK_TO: "ROLLBACK TO SAVEPOINT",
}


def complaint_outside_block(kind: StatementKind, text: str) -> ServerMessage | None:
    """The server's error, or warning, to the statement `text` outside a transaction block; None where it has none."""
    if command := _FAILS.get(kind.disposition):
        return _complaint("ERROR", command)
    words = [word.value.lower() for word in islice(words_of(text), _LOOKED_AT)]
    match words[:2]:
        case ["lock", *_]:
            return _complaint("ERROR", "LOCK TABLE")
        case ["declare", *_] if not _has_hold(words):
            return _complaint("ERROR", "DECLARE CURSOR")
        case ["set", "local" | "transaction" | "constraints" as second]:
            return _complaint("WARNING", f"SET {second.upper()}")
        case _:
            return None


def chain_outside_block(keyword: str) -> ServerMessage:
    """The server's error to COMMIT AND CHAIN or ROLLBACK AND CHAIN outside a block."""
    return _complaint("ERROR", f"{keyword} AND CHAIN")


def no_transaction_warning() -> ServerMessage:
    """The server's warning to COMMIT or ROLLBACK outside a block."""
    return ServerMessage("WARNING", _NO_TRANSACTION, "there is no transaction in progress")


def _has_hold(words: list[str]) -> bool:
    options = words[: words.index("for")] if "for" in words else words
    return ["with", "hold"] in [options[i : i + 2] for i in range(len(options))]


def _complaint(severity: str, command: str) -> ServerMessage:
    return ServerMessage(severity, _NO_TRANSACTION, f"{command} can only be used in transaction blocks")
