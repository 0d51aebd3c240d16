"""Locks on files that end with the processes that hold them, however these end.

Takes paths; gives file descriptors that hold a `flock`. A forked process shares its parent's lock: it is
free again when the last of them is gone. So nobody need trust a process number.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def try_lock(path: Path) -> int | None:
    """Take the lock at once: a descriptor that holds it until closed, or None where another holds it."""
    return _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)


def wait_for_lock(path: Path) -> int:
    """Wait for the lock, however long that takes: a descriptor that holds it until closed."""
    descriptor = _lock(path, fcntl.LOCK_EX)
    assert descriptor is not None, "a lock that is waited for is got"
    return descriptor


@contextmanager
def locked(path: Path) -> Iterator[int]:
    """Wait for the lock, and hold it for a while; gives the descriptor, to be handed to programs that need it too."""
    descriptor = wait_for_lock(path)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether somebody holds the lock. Nobody does where there is no file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _lock(path: Path, operation: int) -> int | None:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, operation)
        except BlockingIOError:
            os.close(descriptor)
            return None
        # Its last holder may have removed the file while this one waited; such a lock keeps nobody out.
        if _is_still_at(path, descriptor):
            return descriptor
        os.close(descriptor)


def _is_still_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
