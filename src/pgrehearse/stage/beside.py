"""What goes on beside the main thread: sessions are opened, and read, while the server does something else for us.

A new backend needs some milliseconds before its first answer, and some for every catalog that it reads first. So what
does not need to wait for the main thread does not wait for it. Each session is still used by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Generic, Protocol, TypeVar

from pgrehearse.errors import RehearseError


class Closable(Protocol):
    """What is closed when it is no longer needed."""

    def close(self) -> None:
        """Close it; never raises."""
        ...


Opened = TypeVar("Opened", bound=Closable)
Answer = TypeVar("Answer")

_THREADS = 4


class Ahead(Generic[Opened]):
    """Something that is being opened beside, and is closed whether or not anybody takes it."""

    def __init__(self, future: Future[Opened]) -> None:
        self._future = future

    def take(self) -> Opened:
        """Wait for it; raises what its opening raised."""
        return self._future.result()

    def close(self) -> None:
        """Wait for it, and close it."""
        if self._future.cancel():
            return
        with suppress(RehearseError):  # told to who takes it; there is nothing to close
            self._future.result().close()


class Beside:
    """A few threads, and what they have opened; all of it is closed at the end."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="pgrehearse beside")
        self._closings = ExitStack()
        self._closings.callback(self._threads.shutdown)

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *_: object) -> None:
        self._closings.close()

    def start(self, act: Callable[[], Answer]) -> Future[Answer]:
        """Do something beside the main thread; it has ended when this object is closed."""
        return self._threads.submit(act)

    def open(self, act: Callable[[], Opened]) -> Ahead[Opened]:
        """Open something beside the main thread."""
        ahead = Ahead(self._threads.submit(act))
        self._closings.callback(ahead.close)
        return ahead

    def keep(self, opened: Opened) -> Opened:
        """Close `opened` at the end, too."""
        self._closings.callback(opened.close)
        return opened
