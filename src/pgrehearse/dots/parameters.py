"""Parameters of a run: what was given, checked against what was declared.

Takes texts; gives values, the digest that the ledger keeps of them, and those that must be masked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import msgspec

from pgrehearse.dots.dot import Dot, Parameter
from pgrehearse.errors import UsageError

Value = str | int | bool

_INTEGER = re.compile("-?[0-9]{1,18}")
_BOOLEANS = {"true": True, "false": False}


def bind(dot: Dot, given: Mapping[str, str]) -> dict[str, Value]:
    """The values of all parameters, from what was given and from defaults.

    Raises:
        UsageError: One is unknown, missing, or not of its type.
    """
    unknown = sorted(set(given) - set(dot.parameters))
    if unknown:
        raise UsageError(f"{dot.code} has no parameter {', '.join(unknown)}", hint=_known(dot))
    values: dict[str, Value] = {}
    for name, parameter in sorted(dot.parameters.items()):
        value = _value(name, parameter, given[name]) if name in given else parameter.default
        if value is None:
            raise UsageError(f"{dot.code} needs the parameter {name}", hint=f"Give it: -p {name}=…")
        values[name] = value
    return values


def digest_parameters(dot: Dot, values: Mapping[str, Value]) -> str:
    """SHA-256 of the values as JSON. Of secrets only the names: a digest of a short secret can be guessed."""
    shown = {name: None if dot.parameters[name].secret else value for name, value in sorted(values.items())}
    return hashlib.sha256(msgspec.json.encode(shown)).hexdigest()


def secrets_of(dot: Dot, values: Mapping[str, Value]) -> tuple[str, ...]:
    """The values that are shown nowhere."""
    return tuple(str(value) for name, value in values.items() if dot.parameters[name].secret and str(value))


def _value(name: str, parameter: Parameter, text: str) -> Value:
    match parameter.type:
        case "text":
            return text
        case "integer" if _INTEGER.fullmatch(text):
            return int(text)
        case "boolean" if text in _BOOLEANS:
            return _BOOLEANS[text]
    shown = "its value" if parameter.secret else f'"{text}"'
    raise UsageError(f"parameter {name}: {shown} is no {parameter.type}")


def _known(dot: Dot) -> str:
    return f"It has: {', '.join(sorted(dot.parameters))}." if dot.parameters else "It has none."
