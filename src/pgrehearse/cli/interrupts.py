"""Ctrl-C as a wish: the first is noted, and granted where the rehearsal can still tell the truth of it.

Takes SIGINT; gives an answer to who asks. A second one ends the program at once, as it would any other.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

_TOLD = b"pgrehearse: interrupted: rolling back, and proving it; once more to leave at once\n"


class Interrupts:
    """Notes SIGINT while it is entered, in the main thread; elsewhere, and where it is ignored, nothing changes."""

    def __init__(self) -> None:
        self._is_asked = False
        self._before = signal.getsignal(signal.SIGINT)
        is_main = threading.current_thread() is threading.main_thread()
        self._is_heard = is_main and self._before is not signal.SIG_IGN

    def __enter__(self) -> Interrupts:
        if self._is_heard:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_heard:
            signal.signal(signal.SIGINT, self._before)

    def is_asked(self) -> bool:
        """Whether somebody wants it to end."""
        return self._is_asked

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        if self._is_asked:
            raise KeyboardInterrupt
        self._is_asked = True
        os.write(2, _TOLD)
