"""What a tool writes: shown as it comes, its end kept, and secrets in neither.

Takes pieces of bytes; gives masked text. Nothing is kept but a tail, whatever the amount.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

TAIL_BYTES = 16_384
"""How much of the end of the output is kept."""

MASK = "***"

_LINE_BYTES = 65_536

# What looks like a secret wherever it comes from: passwords in connection strings and in settings. Each repetition is
# bounded and begins at a word, so that no output, however odd, takes longer than its length.
_PATTERNS = (
    (re.compile(r"(\b[A-Za-z][\w+.-]{0,30}://[^\s:/@]{0,128}:)[^\s@]{1,512}(?=@)"), rf"\g<1>{MASK}"),
    (
        re.compile(
            r"(?i)(\b(?:\w{0,40}password|passwd|secret|token|api_?key)\s{0,8}[=:]\s{0,8})"
            r"(?:'[^']{0,512}'|\"[^\"]{0,512}\"|[^\s,;]{1,512})"
        ),
        rf"\g<1>{MASK}",
    ),
)


class Output:
    """The output of one run.

    Args:
        secrets: Values that are shown nowhere.
        shown: Told what came, masked, in whole lines; a line of more than 64 KiB comes in pieces.
    """

    def __init__(self, *, secrets: Sequence[str] = (), shown: Callable[[str], None]) -> None:
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)
        self._shown = shown
        self._longest = max((len(secret.encode()) for secret in self._secrets), default=1)
        self._line = b""
        self._tail = b""
        self._digest = hashlib.sha256()
        self.byte_count = 0

    def add(self, piece: bytes) -> None:
        """Take the next bytes."""
        self.byte_count += len(piece)
        self._digest.update(piece)
        # Twice the tail, so that a secret that begins before the tail is still whole when it is masked.
        self._tail = (self._tail + piece)[-(2 * TAIL_BYTES + self._longest) :]
        lines, end, self._line = (self._line + piece).rpartition(b"\n")
        if end:
            self._shown(self._masked(lines + end))
        if len(self._line) > _LINE_BYTES + self._longest:
            self._show_part()

    def end(self) -> None:
        """Show what came after the last line's end."""
        if self._line:
            self._shown(self._masked(self._line) + "\n")
            self._line = b""

    @property
    def sha256(self) -> str:
        """Digest of all bytes, hexadecimal."""
        return self._digest.hexdigest()

    @property
    def tail(self) -> str:
        """The end of the output, masked; says so where the beginning is missing."""
        text = self._masked(self._tail)
        kept = text.encode()[-TAIL_BYTES:].decode(errors="ignore")
        missing = self.byte_count > TAIL_BYTES
        return f"[the last {TAIL_BYTES} of {self.byte_count} bytes]\n{kept}" if missing else kept

    def _show_part(self) -> None:
        # What may be the beginning of a secret waits for what comes next.
        part, self._line = self._line[: -self._longest], self._line[-self._longest :]
        self._shown(self._masked(part))

    def _masked(self, data: bytes) -> str:
        text = data.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text
