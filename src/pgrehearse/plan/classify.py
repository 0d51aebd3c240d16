"""What kind of statement a text is, by its first words: never a parser, the server is the parser.

Takes the text of one statement; gives a `StatementKind`: its name, and what the stage has to do about it. What cannot
run in a transaction block is what the source of PostgreSQL 15 to 18 guards with PreventInTransactionBlock. Where only
the server can tell (CLUSTER of a partitioned table, DROP SUBSCRIPTION with a slot), it says so with SQLSTATE 25001.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

from pgrehearse.plan.phrase import Phrase
from pgrehearse.plan.words import WordKind, words_of


class Disposition(enum.Enum):
    """What will become of a statement."""

    RUN = "run"
    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVEPOINT = "savepoint"
    ROLLBACK_TO = "rollback to savepoint"
    RELEASE = "release savepoint"
    PREPARE_TRANSACTION = "prepare transaction"
    COMMIT_PREPARED = "commit prepared"
    ROLLBACK_PREPARED = "rollback prepared"
    SET_CONSTRAINTS_ALL_IMMEDIATE = "set constraints all immediate"
    SET_TRANSACTION = "set transaction"
    COPY_IN = "copy in"
    COPY_OUT = "copy out"
    COPY_FILE = "copy server file"
    COPY_PROGRAM = "copy program"
    CANNOT = "cannot run in a transaction"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class StatementKind:
    """What a statement is.

    Attributes:
        keyword: Its name in capitals, as the command tag would have it (`INSERT`, `CREATE INDEX CONCURRENTLY`).
        disposition: What becomes of it on the stage.
        reason: Why it cannot run in a transaction; empty else.
        chain: Whether COMMIT or ROLLBACK says AND CHAIN.
        savepoint: The savepoint it names, as the server would know it.
        read_only, deferrable: What BEGIN, START TRANSACTION or SET TRANSACTION asks for; None where nothing is said.
        isolation: The isolation level asked for, in lower case; None where nothing is said.
        is_session: Whether SET SESSION CHARACTERISTICS sets it for later transactions.
    """

    keyword: str
    disposition: Disposition
    reason: str = ""
    chain: bool = False
    savepoint: str = ""
    read_only: bool | None = None
    isolation: str | None = None
    deferrable: bool | None = None
    is_session: bool = False


def classify(statement_text: str) -> StatementKind:
    """Tell what kind of statement `statement_text` is."""
    phrase = Phrase(words_of(statement_text))
    first = phrase.peek()
    if first is None:
        return StatementKind("", Disposition.EMPTY)
    if first.kind is not WordKind.WORD:
        # A query may start with a parenthesis; anything else is the server's to refuse.
        return StatementKind("SELECT" if first.value == "(" else "", Disposition.RUN)
    phrase.next()
    handler = HANDLERS.get(first.value)
    return handler(phrase) if handler else StatementKind(first.value.upper(), Disposition.RUN)


def _cannot(keyword: str, reason: str = "") -> StatementKind:
    return StatementKind(
        keyword, Disposition.CANNOT, reason or f"{keyword} cannot run inside a transaction block"
    )


# --- transaction control ---------------------------------------------------------------------------------------


def _begin(phrase: Phrase) -> StatementKind:
    phrase.accept("work", "transaction")
    return _with_modes("BEGIN", Disposition.BEGIN, phrase)


def _start(phrase: Phrase) -> StatementKind:
    if not phrase.accept("transaction"):
        return StatementKind("START", Disposition.RUN)
    return _with_modes("START TRANSACTION", Disposition.BEGIN, phrase)


def _with_modes(
    keyword: str, disposition: Disposition, phrase: Phrase, *, is_session: bool = False
) -> StatementKind:
    read_only: bool | None = None
    deferrable: bool | None = None
    isolation: str | None = None
    while (word := phrase.next()) is not None:
        if word.is_word("isolation") and phrase.accept("level"):
            isolation = _isolation(phrase)
        elif word.is_word("read"):
            read_only = phrase.accept("only") or not phrase.accept("write")
        elif word.is_word("not"):
            deferrable = not phrase.accept("deferrable")
        elif word.is_word("deferrable"):
            deferrable = True
    return StatementKind(
        keyword,
        disposition,
        read_only=read_only,
        isolation=isolation,
        deferrable=deferrable,
        is_session=is_session,
    )


def _isolation(phrase: Phrase) -> str:
    first = phrase.next()
    if first is None:
        return ""
    if first.is_word("serializable"):
        return first.value
    second = phrase.next()
    return f"{first.value} {second.value}" if second else first.value


def _commit(phrase: Phrase) -> StatementKind:
    if phrase.accept("prepared"):
        return StatementKind("COMMIT PREPARED", Disposition.COMMIT_PREPARED)
    return _end(phrase)


def _end(phrase: Phrase) -> StatementKind:
    phrase.accept("work", "transaction")
    return StatementKind("COMMIT", Disposition.COMMIT, chain=_chain(phrase))


def _rollback(phrase: Phrase) -> StatementKind:
    if phrase.accept("prepared"):
        return StatementKind("ROLLBACK PREPARED", Disposition.ROLLBACK_PREPARED)
    phrase.accept("work", "transaction")
    if phrase.accept("to"):
        return StatementKind(
            "ROLLBACK TO SAVEPOINT", Disposition.ROLLBACK_TO, savepoint=_savepoint_name(phrase)
        )
    return StatementKind("ROLLBACK", Disposition.ROLLBACK, chain=_chain(phrase))


def _abort(phrase: Phrase) -> StatementKind:
    phrase.accept("work", "transaction")
    return StatementKind("ROLLBACK", Disposition.ROLLBACK, chain=_chain(phrase))


def _chain(phrase: Phrase) -> bool:
    return phrase.accept("and") and not phrase.accept("no") and phrase.accept("chain")


def _savepoint_name(phrase: Phrase) -> str:
    """The name after an optional SAVEPOINT, which is no reserved word and may itself be the name."""
    first = phrase.next()
    if first is not None and first.is_word("savepoint") and (second := phrase.next()):
        return second.value
    return first.value if first else ""


def _savepoint(phrase: Phrase) -> StatementKind:
    name = phrase.next()
    return StatementKind("SAVEPOINT", Disposition.SAVEPOINT, savepoint=name.value if name else "")


def _release(phrase: Phrase) -> StatementKind:
    return StatementKind("RELEASE", Disposition.RELEASE, savepoint=_savepoint_name(phrase))


def _prepare(phrase: Phrase) -> StatementKind:
    if phrase.accept("transaction") and (word := phrase.peek()) and word.kind is WordKind.STRING:
        return StatementKind("PREPARE TRANSACTION", Disposition.PREPARE_TRANSACTION)
    return StatementKind("PREPARE", Disposition.RUN)


def _set(phrase: Phrase) -> StatementKind:
    if phrase.accept("constraints"):
        if phrase.accept("all") and phrase.accept("immediate"):
            return StatementKind("SET CONSTRAINTS", Disposition.SET_CONSTRAINTS_ALL_IMMEDIATE)
        return StatementKind("SET CONSTRAINTS", Disposition.RUN)
    is_session = phrase.accept("session")
    if is_session and phrase.accept("characteristics"):
        phrase.skip_to("transaction")
        return _with_modes(
            "SET SESSION CHARACTERISTICS", Disposition.SET_TRANSACTION, phrase, is_session=True
        )
    if not is_session:
        phrase.accept("local")
    if phrase.accept("transaction"):
        return _with_modes("SET TRANSACTION", Disposition.SET_TRANSACTION, phrase)
    return StatementKind("SET", Disposition.RUN)


# --- COPY ------------------------------------------------------------------------------------------------------


def _copy(phrase: Phrase) -> StatementKind:
    direction = phrase.skip_to("from", "to")
    if direction is None:
        return StatementKind("COPY", Disposition.RUN)
    target = phrase.next()
    if target is None:
        return StatementKind("COPY", Disposition.RUN)
    if target.is_word("program"):
        return StatementKind("COPY", Disposition.COPY_PROGRAM)
    if target.is_word("stdin", "stdout"):
        is_in = direction.value == "from"
        return StatementKind("COPY", Disposition.COPY_IN if is_in else Disposition.COPY_OUT)
    return StatementKind("COPY", Disposition.COPY_FILE)


# --- definitions, and what cannot run in a transaction ---------------------------------------------------------

MODIFIERS = [
    "or",
    "replace",
    "global",
    "local",
    "temp",
    "temporary",
    "unlogged",
    "unique",
    "recursive",
    "trusted",
    "procedural",
    "constraint",
    "default",
    "force",
]
TWO_WORDS = {
    "access": "method",
    "event": "trigger",
    "foreign": "",
    "materialized": "view",
    "operator": "",
    "text": "search",
    "user": "mapping",
    "large": "object",
    "row": "level",
}


def _object_type(phrase: Phrase) -> str:
    """The type of object that CREATE, ALTER or DROP is about, in capitals."""
    word = phrase.next()
    while word is not None and word.is_word(*MODIFIERS):
        word = phrase.next()
    if word is None or word.kind is not WordKind.WORD:
        return ""
    second = phrase.peek()
    if word.value not in TWO_WORDS or second is None:
        return word.value.upper()
    expected = (TWO_WORDS[word.value],) if TWO_WORDS[word.value] else ("table", "data", "class", "family")
    if not second.is_word(*expected):
        return word.value.upper()
    phrase.next()
    if second.is_word("data") and phrase.accept("wrapper"):
        return "FOREIGN DATA WRAPPER"
    return f"{word.value} {second.value}".upper()


def _create(phrase: Phrase) -> StatementKind:
    kind = _object_type(phrase)
    keyword = f"CREATE {kind}".rstrip()
    if kind in ("DATABASE", "TABLESPACE"):
        return _cannot(keyword)
    if kind == "INDEX" and phrase.accept("concurrently"):
        return _cannot("CREATE INDEX CONCURRENTLY")
    if kind == "SUBSCRIPTION" and _creates_slot(phrase):
        return _cannot(
            keyword, "CREATE SUBSCRIPTION ... WITH (create_slot = true) cannot run inside a transaction block"
        )
    return StatementKind(keyword, Disposition.RUN)


def _creates_slot(phrase: Phrase) -> bool:
    options = phrase.options_after("with")
    return not {options.get("create_slot"), options.get("connect")} & FALSE


FALSE = {"false", "off", "0", "f", "fa", "fal", "fals", "of", "n", "no"}


def _alter(phrase: Phrase) -> StatementKind:
    if phrase.accept("system"):
        return _cannot("ALTER SYSTEM")
    kind = _object_type(phrase)
    keyword = f"ALTER {kind}".rstrip()
    if kind == "DATABASE" and phrase.skip_to("tablespace"):
        return _cannot("ALTER DATABASE SET TABLESPACE")
    if kind == "SUBSCRIPTION" and _refreshes(phrase):
        return _cannot(keyword, "ALTER SUBSCRIPTION with refresh cannot run inside a transaction block")
    if kind == "TABLE" and phrase.skip_to("detach") and phrase.skip_to("concurrently", "detach", "finalize"):
        return _cannot(
            "ALTER TABLE", "ALTER TABLE ... DETACH CONCURRENTLY cannot run inside a transaction block"
        )
    return StatementKind(keyword, Disposition.RUN)


def _refreshes(phrase: Phrase) -> bool:
    phrase.next()
    action = phrase.next()
    if (
        action is None
        or not action.is_word("refresh", "add", "set", "drop")
        or not phrase.accept("publication")
    ):
        return False
    return action.is_word("refresh") or phrase.options_after("with").get("refresh") not in FALSE


def _drop(phrase: Phrase) -> StatementKind:
    kind = _object_type(phrase)
    keyword = f"DROP {kind}".rstrip()
    if kind in ("DATABASE", "TABLESPACE"):
        return _cannot(keyword)
    if kind == "INDEX" and phrase.accept("concurrently"):
        return _cannot("DROP INDEX CONCURRENTLY")
    return StatementKind(keyword, Disposition.RUN)


def _reindex(phrase: Phrase) -> StatementKind:
    concurrently = phrase.options_here().get("concurrently", "false") not in FALSE
    target = phrase.next()
    kind = target.value.upper() if target else ""
    if phrase.accept("concurrently") or concurrently:
        return _cannot("REINDEX CONCURRENTLY")
    if kind in ("SCHEMA", "DATABASE", "SYSTEM"):
        return _cannot(f"REINDEX {kind}")
    return StatementKind("REINDEX", Disposition.RUN)


def _cluster(phrase: Phrase) -> StatementKind:
    phrase.options_here()
    phrase.accept("verbose")
    if phrase.peek() is None:
        return _cannot("CLUSTER", "CLUSTER without a table cannot run inside a transaction block")
    return StatementKind("CLUSTER", Disposition.RUN)


def _discard(phrase: Phrase) -> StatementKind:
    return _cannot("DISCARD ALL") if phrase.accept("all") else StatementKind("DISCARD", Disposition.RUN)


def _vacuum(_phrase: Phrase) -> StatementKind:
    return _cannot("VACUUM")


HANDLERS: dict[str, Callable[[Phrase], StatementKind]] = {
    "abort": _abort,
    "alter": _alter,
    "begin": _begin,
    "cluster": _cluster,
    "commit": _commit,
    "copy": _copy,
    "create": _create,
    "discard": _discard,
    "drop": _drop,
    "end": _end,
    "prepare": _prepare,
    "reindex": _reindex,
    "release": _release,
    "rollback": _rollback,
    "savepoint": _savepoint,
    "set": _set,
    "start": _start,
    "vacuum": _vacuum,
}
