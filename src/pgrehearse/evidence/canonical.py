"""Canonical JSON after RFC 8785: one text for one value, whoever writes it.

Takes a JSON value (dict, list, str, int, float, bool, None); gives UTF-8 bytes. Keys are sorted by their
UTF-16 code units, nothing stands between tokens, numbers are written as ECMAScript writes them: `1.0` is `1`,
`1e-07` is `1e-7`. One thing is wider than the RFC: an int beyond 2^53 keeps all its digits, for a count must
not be rounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any


def to_canonical(value: object) -> bytes:
    """Return the canonical text of a JSON value.

    Raises:
        TypeError: The value is none that JSON knows.
        ValueError: It holds NaN or an infinity, which JSON cannot say.
    """
    return _text(value).encode("utf-8", "backslashreplace")


def _text(value: object) -> str:
    writer = _WRITERS.get(type(value))
    if writer is None:
        raise TypeError(f"not a JSON value: {type(value).__name__}")
    return writer(value)


def _object(members: Mapping[str, object]) -> str:
    return "{" + ",".join([f"{_key(key)}:{_text(members[key])}" for key in _in_order(members)]) + "}"


def _array(members: Iterable[object]) -> str:
    return "[" + ",".join([_text(member) for member in members]) + "]"


@lru_cache(maxsize=1024)
def _key(name: str) -> str:
    return encode_basestring(name)


def _in_order(keys: Collection[str]) -> list[str]:
    """Sorted by UTF-16 code units, which is the order of characters where none is beyond ASCII."""
    return sorted(keys) if "".join(keys).isascii() else sorted(keys, key=_utf16)


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def _number(value: float) -> str:
    """Write a float as ECMAScript's `Number.prototype.toString` does."""
    if not math.isfinite(value):
        raise ValueError(f"not a JSON number: {value}")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction if fraction != "0" else ""
    point = len(whole) + int(exponent or 0)  # where the decimal point stands, counted from the first digit
    digits = whole + fraction
    leading = len(digits) - len(digits.lstrip("0"))
    return sign + _placed(digits.strip("0"), point - leading)


def _placed(digits: str, point: int) -> str:
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    exponent = point - 1
    mantissa = digits[0] + ("." + digits[1:] if digits[1:] else "")
    return f"{mantissa}e{'+' if exponent > 0 else '-'}{abs(exponent)}"


_WRITERS: Mapping[type, Callable[[Any], str]] = {
    str: encode_basestring,
    dict: _object,
    list: _array,
    tuple: _array,
    int: str,
    float: _number,
    bool: {True: "true", False: "false"}.__getitem__,
    type(None): lambda _: "null",
}
