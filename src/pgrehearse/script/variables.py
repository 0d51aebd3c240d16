r"""The variables of a psql session, with psql's defaults, checks and special names.

Takes names and values as `\set` and `-v` give them; gives values back as the lexer asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, MutableMapping

from pgrehearse.errors import UsageError

BOOLEANS = frozenset(
    [
        "AUTOCOMMIT",
        "HIDE_TABLEAM",
        "HIDE_TOAST_COMPRESSION",
        "ON_ERROR_STOP",
        "QUIET",
        "SHOW_ALL_RESULTS",
        "SINGLELINE",
        "SINGLESTEP",
    ]
)
INTEGERS = frozenset({"FETCH_COUNT", "HISTSIZE", "IGNOREEOF"})
CHOICES = {
    "COMP_KEYWORD_CASE": ("lower", "upper", "preserve-lower", "preserve-upper"),
    "ECHO": ("none", "errors", "queries", "all"),
    "HISTCONTROL": ("none", "ignorespace", "ignoredups", "ignoreboth"),
    "SHOW_CONTEXT": ("never", "errors", "always"),
    "VERBOSITY": ("default", "verbose", "terse", "sqlstate"),
}
BOOLEAN_OR_CHOICE = {"ECHO_HIDDEN": "noexec", "ON_ERROR_ROLLBACK": "interactive"}
PROMPTS = frozenset({"PROMPT1", "PROMPT2", "PROMPT3"})
SPECIAL = BOOLEANS | INTEGERS | CHOICES.keys() | BOOLEAN_OR_CHOICE.keys() | PROMPTS | {"WATCH_INTERVAL"}
"""Variables that psql acts on as soon as they change."""

DEFAULTS: Mapping[str, str] = {
    "AUTOCOMMIT": "on",
    "COMP_KEYWORD_CASE": "preserve-upper",
    "ECHO": "none",
    "ECHO_HIDDEN": "off",
    "ENCODING": "UTF8",
    "FETCH_COUNT": "0",
    "HIDE_TABLEAM": "off",
    "HIDE_TOAST_COMPRESSION": "off",
    "HISTCONTROL": "none",
    "HISTSIZE": "500",
    "IGNOREEOF": "0",
    "LAST_ERROR_MESSAGE": "",
    "LAST_ERROR_SQLSTATE": "00000",
    "ON_ERROR_ROLLBACK": "off",
    "ON_ERROR_STOP": "off",
    "PIPELINE_COMMAND_COUNT": "0",
    "PIPELINE_RESULT_COUNT": "0",
    "PIPELINE_SYNC_COUNT": "0",
    "PROMPT1": "%/%R%x%# ",
    "PROMPT2": "%/%R%x%# ",
    "PROMPT3": ">> ",
    "QUIET": "off",
    "SHOW_ALL_RESULTS": "on",
    "SHOW_CONTEXT": "errors",
    "SINGLELINE": "off",
    "SINGLESTEP": "off",
    "VERBOSITY": "default",
    "WATCH_INTERVAL": "2",
}
"""What psql sets before it reads a script; what the server tells is set by the session."""

UNSET_VALUES = {**DEFAULTS, **dict.fromkeys(BOOLEANS, "off")}
"""What psql sets a special variable to when it is unset."""

SET_BY_SERVER = frozenset(
    [
        "DBNAME",
        "ENCODING",
        "ERROR",
        "HOST",
        "LASTOID",
        "LAST_ERROR_MESSAGE",
        "LAST_ERROR_SQLSTATE",
        "PORT",
        "ROW_COUNT",
        "SERVER_VERSION_NAME",
        "SERVER_VERSION_NUM",
        "SERVICE",
        "SQLSTATE",
        "USER",
        "VERSION",
        "VERSION_NAME",
        "VERSION_NUM",
    ]
)
"""What only a session knows: unknown to a planner until the script itself sets it."""

VALID_NAME = re.compile(r"[A-Za-z0-9_\x80-\U0010ffff]+")


class VariableError(UsageError):
    """A variable cannot have this name or this value; the message is psql's own."""


class Variables(MutableMapping[str, str]):
    """psql's variables, some of which may have a value that only the server can tell."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(DEFAULTS)
        self._unknown: set[str] = set()
        self._unknown_prefixes: set[str] = set()
        for name, value in (values or {}).items():
            self.set(name, value)

    def set(self, name: str, value: str) -> None:
        r"""Set `name` as `\set` does.

        Raises:
            VariableError: psql would not have it.
        """
        if not VALID_NAME.fullmatch(name):
            raise VariableError(f'invalid variable name: "{name}"')
        if not value and (name in BOOLEANS or name in BOOLEAN_OR_CHOICE):
            value = "on"
        check_value(name, value)
        self._values[name] = value
        self._unknown.discard(name)

    def unset(self, name: str) -> None:
        r"""Unset `name` as `\unset` does: a special one goes back to what psql does without it."""
        self._unknown.discard(name)
        if name in SPECIAL and name in UNSET_VALUES:
            self._values[name] = UNSET_VALUES[name]
        else:
            self._values.pop(name, None)

    def forget(self, name: str) -> None:
        """Say that `name` has a value from now on, or may have one, that is not known."""
        self._values.pop(name, None)
        self._unknown.add(name)

    def forget_unset(self, prefix: str) -> None:
        """Say that any name that starts with `prefix` and has no value may have one from now on."""
        self._unknown_prefixes.add(prefix)

    def is_unknown(self, name: str) -> bool:
        """Whether `name` has, or may have, a value that is not known."""
        if name in self._unknown:
            return True
        if name in self._values or name[:1].isdigit():
            return False
        return any(name.startswith(prefix) for prefix in self._unknown_prefixes)

    def is_special(self, name: str) -> bool:
        r"""Whether psql acts on a change of `name`; `\gset` leaves such a variable as it is."""
        return name in SPECIAL

    def is_on(self, name: str) -> bool:
        """Read `name` as a boolean; an unset one is off, and so is `interactive` in a script.

        Raises:
            VariableError: It is not a boolean.
        """
        value = self._values.get(name, "off")
        if value == BOOLEAN_OR_CHOICE.get(name):
            return False
        return parse_boolean(value, name)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        self.unset(name)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._values))

    def __len__(self) -> int:
        return len(self._values)


def check_value(name: str, value: str) -> None:
    """Check the value of a special variable.

    Raises:
        VariableError: psql would not have it.
    """
    if name in BOOLEANS:
        parse_boolean(value, name)
    elif name in INTEGERS:
        if not re.fullmatch(r"\s*[-+]?(0[xX][0-9a-fA-F]+|[0-9]+)", value):
            raise VariableError(f'invalid value "{value}" for "{name}": integer expected')
    elif name in CHOICES:
        if value.lower() not in CHOICES[name]:
            raise unrecognized(name, value, CHOICES[name])
    elif name in BOOLEAN_OR_CHOICE and value.lower() != BOOLEAN_OR_CHOICE[name]:
        try:
            parse_boolean(value, name)
        except VariableError:
            raise unrecognized(name, value, ("on", "off", BOOLEAN_OR_CHOICE[name])) from None


def unrecognized(name: str, value: str, choices: tuple[str, ...]) -> VariableError:
    """Psql's error for a value that is not one of `choices`."""
    available = ", ".join(choices)
    return VariableError(
        f'unrecognized value "{value}" for "{name}"', hint=f"Available values are: {available}."
    )


def parse_boolean(value: str, name: str) -> bool:
    """Read a boolean as psql does: any beginning of true, false, yes, no; on, off, 1, 0.

    Raises:
        VariableError: It is none of these; `name` is what the message calls it.
    """
    lowered = value.lower()
    if (lowered and ("true".startswith(lowered) or "yes".startswith(lowered))) or lowered in ("on", "1"):
        return True
    if (lowered and ("false".startswith(lowered) or "no".startswith(lowered))) or lowered in (
        "of",
        "off",
        "0",
    ):
        return False
    raise VariableError(f'unrecognized value "{value}" for "{name}": Boolean expected')


def quote_literal(value: str) -> str:
    """A string literal, as libpq writes it: an escape string where a backslash is in it."""
    quoted = "'" + value.replace("'", "''") + "'"
    return " E" + quoted.replace("\\", "\\\\") if "\\" in value else quoted


def quote_identifier(value: str) -> str:
    """A quoted identifier."""
    return '"' + value.replace('"', '""') + '"'
