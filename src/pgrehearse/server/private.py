"""A server for one process, which dies with it.

Takes nothing that must be there before; gives a server whose folder is removed by its owner, or by the next.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pgrehearse.server.binaries import find_binaries
from pgrehearse.server.home import Home, open_home
from pgrehearse.server.launcher import await_start, launch_tied, remove_server
from pgrehearse.server.lock import try_lock
from pgrehearse.server.server import Server
from pgrehearse.server.sweep import sweep_copies, sweep_private
from pgrehearse.server.tree import make_reachable

_END_S = 10.0


@contextmanager
def private_server(
    *,
    wanted_major: int | None = None,
    bin_dir: Path | None = None,
    home: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """A running server that nobody else knows of, removed at the end.

    However this process ends, the server ends with it; what `kill -9` leaves on disk is removed by the next
    start. A process forked from this one shares the ownership: the server lives until both are gone, or
    this one is done. All private servers of a home and a version share one system identifier.

    Args:
        wanted_major: 15 to 18; the newest found where absent.
        bin_dir: The folder of PostgreSQL's programs to use.
        home: The folder to keep it in; PGREHEARSE_HOME or the user's cache folder where absent.
        settings: Settings of the server, by name, on top of those made for rehearsals.

    Raises:
        LaunchError: No PostgreSQL was found, or it did not start.
    """
    place = open_home(home)
    binaries = make_reachable(find_binaries(wanted_major=wanted_major, bin_dir=bin_dir), place)
    sweep_private(place, binaries)
    sweep_copies(place)
    with _owned_folder(place) as folder:
        server = Server(folder, binaries)
        try:
            keeper = launch_tied(server, place, settings or {})
            try:
                await_start(server)
                yield server
            finally:
                _end(server, keeper)
        finally:
            remove_server(server)


@contextmanager
def _owned_folder(home: Home) -> Iterator[Path]:
    private = home.folder("private")
    lock = None
    name = ""
    while lock is None:
        name = secrets.token_hex(4)
        lock = try_lock(private / f"{name}.lock")
    try:
        yield home.folder("private", name)
    finally:
        (private / f"{name}.lock").unlink()
        os.close(lock)


def _end(server: Server, keeper: subprocess.Popen[bytes]) -> None:
    try:
        keeper.communicate(b"\n", timeout=_END_S)
    except subprocess.TimeoutExpired:
        server.end_leftovers()
        keeper.communicate()
    # Had the keeper been killed, the server would live on.
    server.end_leftovers()
