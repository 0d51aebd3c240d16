"""Byte positions of a source to lines and columns, in linear time for positions that mostly ascend.

Takes the bytes of a source; gives `Location`s. Steps from the last place asked for, so that a line of ten megabytes
with a million statements costs no more than a million lines.
"""

from __future__ import annotations

from pgrehearse.script.source import Source
from pgrehearse.script.statement import Location


class LineIndex:
    """Where bytes stand in one source."""

    __slots__ = ("_column", "_data", "_line", "_path", "_position")

    def __init__(self, source: Source) -> None:
        self._path = source.path
        self._data = source.data
        self._position = 0
        self._line = 1
        self._column = 1

    def locate(self, position: int) -> Location:
        """The place of the byte at `position`."""
        if position < self._position:
            self._step_back(position)
        else:
            self._step_on(position)
        self._position = position
        return Location(self._path, self._line, self._column)

    def _step_on(self, position: int) -> None:
        passed = self._data[self._position : position]
        newlines = passed.count(b"\n")
        if newlines:
            self._line += newlines
            self._column = characters(passed[passed.rindex(b"\n") + 1 :]) + 1
        else:
            self._column += characters(passed)

    def _step_back(self, position: int) -> None:
        passed = self._data[position : self._position]
        newlines = passed.count(b"\n")
        if newlines:
            self._line -= newlines
            line_start = self._data.rfind(b"\n", 0, position) + 1
            self._column = characters(self._data[line_start:position]) + 1
        else:
            self._column -= characters(passed)


def characters(data: bytes) -> int:
    """How many characters a piece of valid UTF-8 holds."""
    return len(data) if data.isascii() else len(data.decode(errors="replace"))
