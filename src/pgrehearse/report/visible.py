r"""Text of others, made visible: what would steer a terminal or hide from a reader is written as an escape.

Takes any text; gives text without control characters, without line and paragraph separators, without the
marks that turn the direction of writing or take no room. A message may hold `ESC[2J`, a table may be named
with a newline: both are shown as they are written, `\x1b[2J` and `\n`, and neither does anything.
"""

from __future__ import annotations

import unicodedata

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def visible(text: str) -> str:
    """Return `text` on one line, hidden characters as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_shown(char) else _NAMED.get(char) or _escape(char) for char in text)


def visible_lines(text: str) -> list[str]:
    """Return the lines of `text`, each made visible, a tab as four blanks; not the empty ones at its ends."""
    return [visible(line.rstrip("\r").replace("\t", "    ")) for line in text.strip("\r\n").split("\n")]


def _is_shown(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) not in _HIDDEN


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
