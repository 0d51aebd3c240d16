"""Clear a home of what nobody owns or uses any more.

Takes a home; ends and removes the private servers of owners that are gone, and removes copies long unused.
"""

from __future__ import annotations

import os

from pgrehearse.server.binaries import Binaries
from pgrehearse.server.home import Home
from pgrehearse.server.kept import prune
from pgrehearse.server.launcher import remove_server
from pgrehearse.server.lock import try_lock
from pgrehearse.server.server import Server
from pgrehearse.server.tree import trees_of


def sweep_private(home: Home, binaries: Binaries) -> None:
    """End and remove the private servers whose owners are gone, as their free locks tell."""
    private = home.folder("private")
    for name in {path.name.removesuffix(".lock") for path in private.iterdir()}:
        lock = try_lock(private / f"{name}.lock")
        if lock is None:
            continue
        try:
            server = Server(private / name, binaries)
            if server.end_leftovers():
                remove_server(server)
                (private / f"{name}.lock").unlink()
        finally:
            os.close(lock)


def sweep_copies(home: Home) -> None:
    """Remove the copies of data folders and of programs that no start has used for 30 days, nor a server runs from."""
    prune(home.folder("golden"))
    prune(trees_of(home))
