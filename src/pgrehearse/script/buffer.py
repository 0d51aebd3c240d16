"""What the lexer reads from: the script, and on top of it the values of variables being expanded.

Takes a source; gives the bytes to read next. psql calls this its stack of input buffers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pgrehearse.script.source import Source

COPY_END = re.compile(rb"\\\.(?:\r?\n|\Z)")
CHUNK = 1 << 16


@dataclass(slots=True, eq=False)
class Buffer:
    """Bytes being read, from `position` to `end`; what stands from `start` on is not yet in the query.

    `name` is the variable whose value it is, None for the script itself. `origin` is the place in the source where the
    variable is named.
    """

    data: bytes
    position: int
    end: int
    name: str | None = None
    origin: int = 0
    start: int = 0

    @property
    def source_position(self) -> int:
        """The place in the source of what is read next."""
        return self.position if self.name is None else self.origin


class BufferStack:
    """The buffers; the topmost is read first. There is always one."""

    def __init__(self, source: Source) -> None:
        self._data = source.data
        self._stack = [Buffer(source.data, 0, len(source.data))]
        self.top = self._stack[-1]
        self._copy_end = -1

    @property
    def source_position(self) -> int:
        """The place in the source of what is read next."""
        return self.top.source_position

    def push(self, value: bytes, name: str, origin: int) -> None:
        """Read `value` next."""
        self.top = Buffer(value, 0, len(value), name, origin)
        self._stack.append(self.top)

    def pop(self) -> bool:
        """Go on below the top, which has been read; False where nothing is below."""
        if len(self._stack) == 1:
            return False
        self._stack.pop()
        self.top = self._stack[-1]
        return True

    def is_expanding(self, name: str) -> bool:
        """Whether the value of the variable `name` is being read."""
        return any(buffer.name == name for buffer in self._stack)

    def rest_of_line(self) -> bytes:
        """What is left to read of the current line, without its end."""
        parts = []
        for buffer in reversed(self._stack):
            line_end = buffer.data.find(b"\n", buffer.position, buffer.end) if buffer.name is None else -1
            parts.append(buffer.data[buffer.position : buffer.end if line_end < 0 else line_end])
            if line_end >= 0:
                break
        return b"".join(parts)

    def consume(self, count: int) -> None:
        """Pass over `count` bytes."""
        while count > self.top.end - self.top.position:
            count -= self.top.end - self.top.position
            self.pop()
        self.top.position += count

    def cut_copy_data(self) -> tuple[int, int] | None:
        """Take COPY data out of the script; gives where they start and end, None where they have no end.

        They start on the next line; what is left of the current one is read after them.
        """
        script = self._stack[0]
        start = script.position
        if start != self._copy_end and (len(self._stack) == 1 or self._stack[1].name is not None):
            start = (self._data.find(b"\n", start) + 1) or len(self._data)
        span = find_copy_end(self._data, start)
        if span is None:
            return None
        rest = Buffer(self._data, script.position, start)
        script.position = self._copy_end = span[1]
        if start > rest.position and rest.data[rest.position : start].strip():
            self._stack.insert(1, rest)
            self.top = self._stack[-1]
        return start, span[0]

    def chunks(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes between two positions of the source, in pieces."""
        for position in range(start, end, CHUNK):
            yield self._data[position : min(position + CHUNK, end)]


def find_copy_end(data: bytes, start: int) -> tuple[int, int] | None:
    r"""Where the line `\.` starts and ends, at or after `start`, which is the start of a line."""
    if match := COPY_END.match(data, start):
        return match.span()
    position = start
    while (position := data.find(b"\n\\.", position)) >= 0:
        position += 1
        if match := COPY_END.match(data, position):
            return match.span()
    return None
