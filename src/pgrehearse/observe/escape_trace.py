"""The server's own word on every query that it analyses, those of dynamic SQL and of functions included.

`debug_print_rewritten` makes the server send each query tree once it has been analysed, before it is executed. Takes
those messages as they arrive, keeps none of them; gives the escapes in them. What stands in no query tree (a check
constraint's call) is found in the catalog beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from pgrehearse.observe.escape_names import (
    HARMLESS_LIBRARIES,
    LANGUAGE,
    LIBRARY,
    MESSAGE,
    OTHER_SESSION,
    PROGRAM,
    SERVER_FILE,
    SUBSCRIPTION,
    UNTRUSTED,
    kind_of_function,
)
from pgrehearse.observe.escape_reach import Reach
from pgrehearse.observe.escape_text import Escape, facts_of_statement
from pgrehearse.pg.result import ServerMessage
from pgrehearse.pg.session import Session

_MAY_TRACE = """
SELECT pg_catalog.has_parameter_privilege('log_min_messages', 'SET')
"""

_SWITCH_ON = (
    "SET LOCAL log_min_messages = fatal; SET LOCAL client_min_messages = debug1;"
    " SET LOCAL debug_pretty_print = off; SET LOCAL debug_print_rewritten = on"
)

_STANDS = """
SELECT pg_catalog.current_setting('debug_print_rewritten') = 'on'
   AND pg_catalog.current_setting('client_min_messages') LIKE 'debug%'
"""

_TREE = "rewritten parse tree:"
_UTILITY = re.compile(r":utilityStmt (?:\{(\w+)|(\?))")
_COPY = re.compile(r":is_from (true|false) :is_program (true|false) :filename (\S+)")
_LOAD = re.compile(r"\{LOADSTMT :filename (\S+)\}")
_LANGUAGE = re.compile(r':defname language :arg "([^"]+)"')
_SUBSCRIBED = re.compile(r"\{(?:CREATE|ALTER)SUBSCRIPTIONSTMT (?::kind \d+ )?:subname (\S+)")
_CALLED = re.compile(r":funcname \(([^)]*)\)")
_TYPE_NAMES = re.compile(r"\{TYPENAME :names \(([^)]*)\)")
_SET = re.compile(r"\{VARIABLESETSTMT :kind (\d) :name (\S+)")
_SETS_OWN = re.compile(
    r"\s*(set\s.*(client_min_messages|debug_print_rewritten)|reset\s+(all|client_min))",
    re.IGNORECASE | re.DOTALL,
)
_DEFINES_QUIET = re.compile(
    r"\s*(create|alter)\b.{,40}\b(function|procedure|routine)\b.*\bset\s+(client_min_messages|debug_print_rewritten)\b",
    re.IGNORECASE | re.DOTALL,
)
_SETS_ALL = re.compile(r"\s*set\s+constraints\s+all\s+immediate", re.IGNORECASE)
_SETS_ANY = re.compile(r"\s*set\s+(?:local\s+|session\s+)?(\w+)", re.IGNORECASE)
_DEFINES_ONLY = re.compile(r'SQL function "[^\n]*"(\n|\Z)')
"""The context of queries that the server analyses because CREATE FUNCTION checks a body: they are not executed."""

_CONSTANT = re.compile(r":constvalue \d+ \[ ([-\d ]+) \]")
_SET_CONFIG = re.compile(
    r":funcid 2078 .*?:args \(\{(\w+) (?:[^{}]*?:constvalue \d+ \[ ([-\d ]+) \])?", re.DOTALL
)
_OWN_SETTINGS = frozenset({"client_min_messages", "debug_print_rewritten", "log_min_messages"})
_RESET_ALL = "5"
_CUSTOM = re.compile(
    r"\{(?:OPEXPR :opno 654 |FUNCEXPR :funcid (?:3539|3540|3058|3059) )[^{}]*?:args \("
    r"\{CONST [^{}]*?:constvalue \d+ \[ ([-\d ]+) \]"
)
"""A name put together by `||`, format() or concat() that begins with a constant."""
_ALL_IMMEDIATE = "{CONSTRAINTSSETSTMT :constraints <> :deferred false}"

_KEEPS_CATALOG = frozenset({
    "DOSTMT", "CALLSTMT", "VARIABLESETSTMT", "VARIABLESHOWSTMT", "COPYSTMT", "TRUNCATESTMT", "EXPLAINSTMT", "LOCKSTMT",
    "CREATETABLEASSTMT", "REFRESHMATVIEWSTMT", "NOTIFYSTMT", "LISTENSTMT", "UNLISTENSTMT", "TRANSACTIONSTMT",
    "CONSTRAINTSSETSTMT", "DECLARECURSORSTMT", "FETCHSTMT", "CLOSEPORTALSTMT", "PREPARESTMT", "EXECUTESTMT",
    "DEALLOCATESTMT", "COMMENTSTMT", "VACUUMSTMT", "GRANTSTMT",
})  # fmt: skip


class Trace:
    """What the server told since it was last asked."""

    def __init__(self) -> None:
        self.is_on = False
        self.is_listening = False
        self.has_changed_catalog = False
        self.touches_settings = False
        self.resets_within = False
        self.fires_guard = False
        self.sets: set[str] = set()
        """Names of the settings that functions set; empty where a name is not known."""
        self._found: dict[tuple[str, str], Escape] = {}
        self._creates_extension = False
        self._reach = Reach()
        self._called = self._made = re.compile("(?!)")

    def know(self, reach: Reach) -> None:
        """Take the functions whose call is an escape, and the types whose values are checked by one, by oid."""
        if reach is self._reach:
            return
        self._reach = reach
        self._called = re.compile(rf":(?:op)?funcid ({_any_of(reach.oids)}) ")
        self._made = re.compile(rf":\w*types? (?:\(o [\d ]*?)?({_any_of(reach.types)})\b")

    def switch_on(self, session: Session) -> None:
        """Ask the server to tell; only where its log is not flooded by it."""
        if self.is_on or session.fetch(_MAY_TRACE)[0][0]:
            session.run(_SWITCH_ON)
            self.is_on = True

    def stands(self, session: Session) -> bool:
        """Whether the server still tells."""
        return bool(session.fetch(_STANDS)[0][0])

    def keep(self, message: ServerMessage) -> bool:
        """Take in a message; tell whether it is one for others too."""
        if message.severity == "LOG" and message.text == _TREE:
            if not _DEFINES_ONLY.match(message.context):
                self._read(message.detail.replace("\n", " "), _text_in(message.context))
            return False
        # PostgreSQL 15 complains of each node that it cannot print.
        return not message.text.startswith("could not dump unrecognized node type")

    def take(self) -> tuple[Escape, ...]:
        """The escapes that were told since the last call."""
        found = tuple(self._found.values())
        self._found.clear()
        self._creates_extension = self.touches_settings = self.resets_within = False
        self.has_changed_catalog = self.fires_guard = self.is_listening = False
        self.sets.clear()
        return found

    # One query tree --------------------------------------------------------------------------------------------------

    def _read(self, tree: str, text: str) -> None:
        for match in self._called.finditer(tree):
            escape = self._reach.oids[int(match[1])]
            if _leaves(escape.kind, tree, match.end()):
                self._add(escape)
        for match in self._made.finditer(tree):
            self._add(self._reach.types[int(match[1])])
        utility = _UTILITY.search(tree)
        if utility and utility[1]:
            self._read_utility(utility[1], tree, is_within=bool(text))
        elif utility:
            # PostgreSQL 15 does not print utility commands; their text stands in the context.
            self.has_changed_catalog = self.touches_settings = True
        if utility and text:
            self._read_text(text)
        if ":funcid 2078 " in tree and self.is_listening:
            self._read_set_config(tree)

    def _add(self, escape: Escape) -> None:
        self._found.setdefault((escape.kind, escape.object), escape)

    def _read_utility(self, kind: str, tree: str, *, is_within: bool) -> None:
        if kind == "CREATEEXTENSIONSTMT":
            self._creates_extension = True
        if kind not in _KEEPS_CATALOG:
            self.has_changed_catalog = True
        if kind in _DEFINES_FUNCTION and self.is_listening and is_within:
            # Made and called by one statement: the catalog is read too late to know its SET clause.
            is_quiet = any(name in _OWN_SETTINGS for _, name in _SET.findall(tree))
            self.touches_settings |= is_quiet
            self.resets_within |= is_quiet
        for named in _TYPE_NAMES.findall(tree) if self._reach.types else ():
            self._read_names(named)
        for escape in _of_utility(kind, tree):
            if escape.kind != LANGUAGE or not self._creates_extension:
                self._add(escape)
        if kind == "CONSTRAINTSSETSTMT" and _ALL_IMMEDIATE in tree and self.is_listening:
            self.fires_guard = True
        for number, name in _SET.findall(tree) if kind == "VARIABLESETSTMT" and self.is_listening else ():
            self.sets.add(name)
            if name in _OWN_SETTINGS or number == _RESET_ALL:
                self.touches_settings = self.resets_within = True

    def _read_names(self, text: str) -> None:
        """What is built on a type whose values are checked by an escape makes such values, too."""
        names = facts_of_statement(text).names
        for name in names & self._reach.reads.keys() if self._reach.types else ():
            for escape in self._reach.reads[name]:
                self._add(escape)

    def _read_text(self, text: str) -> None:
        self._read_names(text)
        for escape in facts_of_statement(text).escapes:
            self._add(escape)
        if self.is_listening:
            self.fires_guard |= _SETS_ALL.match(text) is not None
            self.resets_within |= any(pattern.match(text) for pattern in (_SETS_OWN, _DEFINES_QUIET))
            self.sets.update(name.lower() for name in _SETS_ANY.findall(text))

    def _read_set_config(self, tree: str) -> None:
        for called in _SET_CONFIG.finditer(tree):
            name = _text_of(called[2]) if called[1] == "CONST" else ""
            self.sets.add(name)
            prefix = _CUSTOM.match(tree, called.start(1) - 1)
            is_custom = prefix is not None and "." in _text_of(prefix[1])
            if name.lower() in _OWN_SETTINGS or not (name or is_custom):
                self.touches_settings = self.resets_within = True


def _leaves(kind: str, tree: str, at: int) -> bool:
    """Whether the call whose function ends at `at` in the tree does what makes it an escape."""
    arguments = tree[at : at + 400].partition(":args (")[2]
    if kind == OTHER_SESSION:
        return not arguments.startswith("{FUNCEXPR :funcid 2026 ")
    if kind == MESSAGE:
        first = _CONSTANT.search(arguments) if arguments.startswith("{CONST ") else None
        return first is None or not first[1].startswith("1")
    return True


def _of_utility(kind: str, tree: str) -> Iterator[Escape]:
    if reader := _READERS.get(kind):
        yield from reader(tree)
    elif kind not in _DEFINES:
        for names in _CALLED.findall(tree):
            name = names.split('"')[-2] if '"' in names else ""
            if escape_kind := kind_of_function(name):
                yield Escape(escape_kind, name)


def _of_copy(tree: str) -> Iterator[Escape]:
    for is_from, is_program, name in _COPY.findall(tree):
        if is_program == "true":
            yield Escape(PROGRAM, _plain(name))
        elif is_from == "false" and name != "<>":
            yield Escape(SERVER_FILE, _plain(name))


def _of_load(tree: str) -> Iterator[Escape]:
    for name in map(_plain, _LOAD.findall(tree)):
        if name.removeprefix("$libdir/") not in HARMLESS_LIBRARIES:
            yield Escape(LIBRARY, name)


def _of_code(tree: str) -> Iterator[Escape]:
    return (Escape(LANGUAGE, name) for name in _LANGUAGE.findall(tree) if name.lower() in UNTRUSTED)


def _of_subscription(tree: str) -> Iterator[Escape]:
    if _DOES_NOT_CONNECT.search(tree):
        return iter(())
    return (Escape(SUBSCRIPTION, _plain(name)) for name in _SUBSCRIBED.findall(tree))


_READERS: Mapping[str, Callable[[str], Iterator[Escape]]] = {
    "COPYSTMT": _of_copy,
    "LOADSTMT": _of_load,
    "DOSTMT": _of_code,
    "CREATEFUNCTIONSTMT": _of_code,
    "CREATESUBSCRIPTIONSTMT": _of_subscription,
    "ALTERSUBSCRIPTIONSTMT": _of_subscription,
}
_DEFINES_FUNCTION = frozenset({"CREATEFUNCTIONSTMT", "ALTERFUNCTIONSTMT"})
_DEFINES = frozenset({"VIEWSTMT", "RULESTMT"})
"""Utilities whose trees name functions that they do not call."""


def _text_in(context: str) -> str:
    """The statement that dynamic SQL or a function runs, which the first line of the context quotes."""
    _, quote, rest = context.partition('"')
    end = rest.rfind('"\n') if '"\n' in rest else rest.rfind('"')
    first = rest.find('"\nPL/')
    return rest[: first if first >= 0 else end] if quote and end >= 0 else ""


_DOES_NOT_CONNECT = re.compile(r':defname connect :arg "?(false|off|0)')


def _plain(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token)


def _text_of(value: str) -> str:
    """A text constant, which a tree gives as its bytes with the length in front, in decimal."""
    data = bytes(int(number) % 256 for number in value.split())
    return data[4:].decode(errors="replace")


def _any_of(oids: Iterable[int]) -> str:
    return "|".join(map(str, sorted(oids))) or "(?!)"
