"""Folders that are made once, used by every later start, and removed when nobody uses them any more.

Takes a folder's path and how to make it; gives it complete. The file time of its lock tells when it was last
used.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from pgrehearse.server.home import remove_tree
from pgrehearse.server.lock import locked, try_lock
from pgrehearse.server.processes import is_any_program_below

_KEPT_S = 30 * 24 * 3600.0


def keep(folder: Path, make: Callable[[Path, int], None]) -> Path:
    """The folder, made if it is not there yet: by one process, while others wait. It appears complete or not at all.

    Args:
        folder: Where it is, in a folder that holds nothing else than what is kept.
        make: Makes it, at the path it is given; programs that it starts inherit the lock it is given.
    """
    with locked(_lock_of(folder)) as lock:
        os.utime(lock)
        if not folder.exists():
            unfinished = _unfinished(folder)
            remove_tree(unfinished)
            make(unfinished, lock)
            unfinished.rename(folder)
    return folder


def prune(place: Path, *, unused_s: float = _KEPT_S) -> None:
    """Remove what is kept in a place, was not used for so many seconds, and runs no program.

    Such are the copies for versions since replaced, and for virtual environments since removed. Whoever needs
    one again makes it again.
    """
    for path in place.glob("*.lock"):
        lock = try_lock(path)
        if lock is None:
            continue
        try:
            folder = path.with_suffix("")
            if path.stat().st_mtime < time.time() - unused_s and not is_any_program_below(folder):
                remove_tree(folder)
                remove_tree(_unfinished(folder))
                path.unlink()
        finally:
            os.close(lock)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _unfinished(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.new")
