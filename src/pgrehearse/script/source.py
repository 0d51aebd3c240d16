"""The bytes of a script, read whole and found fit to be sent.

Takes a path as the user named it; gives a `Source`, or a `ScriptError` that points at the first bad byte.
"""

from __future__ import annotations

import codecs
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pgrehearse.errors import ScriptError
from pgrehearse.script.statement import Location

STDIN = "-"
BOM = b"\xef\xbb\xbf"
PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    r"""One script file.

    Attributes:
        path: As the user named it; `-` for standard input.
        data: The bytes without a byte order mark: valid UTF-8, no NUL.
        sha256: Digest of the bytes as they were read, the mark included; hexadecimal.
        folder: Where `\ir` looks for relative names.
    """

    path: str
    data: bytes
    sha256: str
    folder: Path

    @property
    def text(self) -> str:
        """The whole script as text."""
        return self.data.decode()


def read_source(path: str, *, stdin: BinaryIO | None = None) -> Source:
    """Read the script at `path`, or standard input where it is `-`.

    Raises:
        ScriptError: No such file, a directory, not readable, a NUL byte, text that is not valid UTF-8.
    """
    if path == STDIN:
        return make_source(path, (stdin or sys.stdin.buffer).read(), folder=Path())
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise ScriptError(f"could not read script {path}: {error.strerror}") from error
    return make_source(path, raw, folder=Path(path).parent)


def make_source(path: str, raw: bytes, *, folder: Path = Path()) -> Source:
    """Check `raw` and make a source of it.

    Raises:
        ScriptError: A NUL byte, which would silently end the text; text that is not valid UTF-8.
    """
    data = raw.removeprefix(BOM)
    if data.startswith(b"PGDMP"):
        raise ScriptError(
            f"{path}:1:1: this is a dump in pg_dump's custom format, not a script",
            hint="Turn it into a script with pg_restore -f.",
        )
    if (position := data.find(b"\0")) >= 0:
        raise ScriptError(f"{location_of(path, data, position)}: NUL byte in script")
    if (bad := find_invalid_utf8(data)) is not None:
        raise ScriptError(
            f"{location_of(path, data, bad.start)}: invalid UTF-8: {describe_bytes(data, bad)}",
            hint="Convert the script to UTF-8; other encodings are not read.",
        ) from bad
    return Source(path, data, hashlib.sha256(raw).hexdigest(), folder)


def find_invalid_utf8(data: bytes) -> UnicodeDecodeError | None:
    """What is wrong with `data` as UTF-8; looks at it piece by piece, so that no second copy is held."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(data), PIECE):
            decoder.decode(data[start : start + PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        # The incremental decoder counts from the piece; the whole tells the place.
        try:
            data.decode()
        except UnicodeDecodeError as error:
            return error
    return None


def describe_bytes(data: bytes, error: UnicodeDecodeError) -> str:
    """Name the bad bytes; half of a surrogate pair by its name, as it is a well-known mistake of encoders."""
    if data[error.start] == 0xED and data[error.start + 1 : error.start + 2] >= b"\xa0":
        return "a lone surrogate " + data[error.start : error.start + 3].hex(" ")
    return data[error.start : max(error.end, error.start + 1)].hex(" ")


def location_of(path: str, data: bytes, position: int) -> Location:
    """The place of the byte at `position`, where everything before it is valid UTF-8."""
    line_start = data.rfind(b"\n", 0, position) + 1
    column = len(data[line_start:position].decode(errors="replace")) + 1
    return Location(path, data.count(b"\n", 0, position) + 1, column)
