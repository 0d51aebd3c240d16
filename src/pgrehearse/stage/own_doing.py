"""Whether an error is the stage's own doing, or the surroundings', and none of the script's: it would run in psql.

Takes the server's error; gives the reason, or nothing. Such a statement failed, but says nothing about the change.
"""

from __future__ import annotations

import re

from pgrehearse.pg.result import ServerMessage
from pgrehearse.plan.classify import classify
from pgrehearse.stage.transaction import RollbackOnly

_ENDS_TRANSACTIONS = "2D000"
_IN_TRANSACTION = "25001"
_RUNS_CODE = ("DO", "CALL")

_SURROUNDINGS = {
    "55P03": "a lock could not be had in time: somebody else works on the target",
    "40P01": "a deadlock with another session: somebody else works on the target",
    "53100": "the server's disk is full",
    "53200": "the server is out of memory",
    "53300": "the server is out of connections",
    "53400": "a limit of the server's configuration was met",
    "58030": "the server could not read or write a file",
}
# The server has no SQLSTATE for these: XX000, and the system's words at the end.
_NO_ROOM_WORDS = ("File too large", "Disk quota exceeded")
_INTERNAL = "XX000"
_INVALID_VALUE = "22023"
_NEW_ENUM_VALUE = "55P04"
_IN_USE = "55006"
_TAKEN = ("23505", "23P01")
_SECONDS = re.compile(r":(\d\d\.\d+)")
_TIMEOUT = "57014"


def reason_of(
    error: ServerMessage, text: str, stage: RollbackOnly, *, is_in_block: bool, has_committed: bool
) -> str:
    """Why `error` is not the script's; empty where it is.

    Args:
        error: What the server answered to `text`.
        text: The statement.
        stage: Where it happened.
        is_in_block: Whether the script has a transaction of its own open.
        has_committed: Whether a COMMIT of the script's, or a statement in autocommit, came before.
    """
    if stage.guard.is_in_the_way(error):
        return f"the commit guard stood in the way (SQLSTATE {error.sqlstate}): in psql there is none"
    if error.sqlstate == _ENDS_TRANSACTIONS and not is_in_block and classify(text).keyword in _RUNS_CODE:
        return "it ends transactions by itself, which the stage cannot allow (SQLSTATE 2D000)"
    if error.sqlstate == _IN_TRANSACTION and not is_in_block and not error.context:
        return f"it cannot run inside a transaction, and the stage is one (SQLSTATE 25001): {error.text}"
    if error.sqlstate == _TIMEOUT and "statement timeout" in error.text:
        return "it took longer than statement_timeout allows (SQLSTATE 57014)"
    if error.sqlstate == _INVALID_VALUE and "temp_buffers" in error.text:
        return "temp_buffers can be set before the first temporary table only, and the commit guard is one"
    reason = _of_surroundings(error) or (_of_one_transaction(error, stage) if has_committed else "")
    return f"{reason} (SQLSTATE {error.sqlstate}): {error.text}" if reason else ""


def _of_surroundings(error: ServerMessage) -> str:
    if error.sqlstate == _INTERNAL and error.text.endswith(_NO_ROOM_WORDS):
        return "the server may not write any more"
    return _SURROUNDINGS.get(error.sqlstate, "")


def _of_one_transaction(error: ServerMessage, stage: RollbackOnly) -> str:
    """What the server may refuse only because what the script commits is not committed here."""
    if error.sqlstate == _NEW_ENUM_VALUE:
        return "the value of the type may have been committed, which the stage cannot do"
    if error.sqlstate == _IN_USE and "active queries" in error.text:
        return "a cursor WITH HOLD may be in the way, which a COMMIT would have taken from its tables"
    if error.sqlstate in _TAKEN and _is_of_the_stage(error.detail, stage):
        return "now() and the transaction's id are the same in all transactions of the script, and stand in the key"
    return ""


def _is_of_the_stage(detail: str, stage: RollbackOnly) -> bool:
    """Whether a key holds the moment at which the stage began, in any time zone, or its id."""
    moments = {seconds.rstrip("0") for seconds in _SECONDS.findall(detail)}
    return stage.seconds.rstrip("0") in moments or stage.xid in re.findall(r"\d+", detail)
