"""Start a server's processes.

Takes a `Server` whose folder exists; gives it running, with the lock `alive` in the hands of its processes
only.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pgrehearse.errors import LaunchError
from pgrehearse.server.data_folder import copy_data_folder, initialise_data_folder
from pgrehearse.server.home import Home, remove_tree
from pgrehearse.server.lock import try_lock, wait_for_lock
from pgrehearse.server.server import Server, State, wait_until

# The server and all its children inherit the lock as descriptor 3; the shell lets go of its own.
_DETACHED = '"$@" 3>&1 >&2 </dev/null &'
# The shell's standard input is a pipe from the owner: it ends with the owner, in whatever way that ends. So
# no signal at a parent's death is needed, which exists on Linux alone and would come when the *thread* that
# started the server ends. Until `wait` a dead server stays a zombie, so its number is nobody else's.
_TIED = f"{_DETACHED} exec >&2; read -r _; kill -QUIT $!; wait $!"

_START_S = 120.0


def launch_detached(server: Server, home: Home) -> None:
    """Start a server that outlives this process. Its system identifier is no other server's.

    Raises:
        LaunchError: It did not start; the detail is the end of its log.
    """
    with _free_to_start(server) as alive:
        if not server.data_dir.exists():
            # Half a second once in its life: what is marked on it can then be told from all other servers.
            initialise_data_folder(server.binaries, home, server.data_dir, lock=alive)
        _spawn(server, home, _DETACHED, alive=alive, stdin=subprocess.DEVNULL, settings={}).wait()
    await_start(server)


def launch_tied(server: Server, home: Home, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a server that ends with this process; gives its keeper, not waiting for the server to be ready.

    Its system identifier is that of all others made so in this home. To end the server, write a line to the
    keeper's standard input and wait for the keeper.
    """
    with _free_to_start(server) as alive:
        copy_data_folder(server.binaries, home, server.data_dir, lock=alive)
        return _spawn(server, home, _TIED, alive=alive, stdin=subprocess.PIPE, settings=settings)


def await_start(server: Server) -> None:
    """Wait until the server accepts connections.

    Raises:
        LaunchError: It ended, or was not ready after 120 s; the detail is the end of its log.
    """
    in_time = wait_until(lambda: server.state is not State.BUSY, _START_S)
    if not in_time or server.state is not State.RUNNING:
        raise LaunchError(
            "the server did not start" if in_time else f"the server was not ready after {_START_S:.0f} s",
            detail="\n".join(server.log.read_text(errors="replace").splitlines()[-8:]),
            hint=f"Its whole log is {server.log}.",
        )


def _spawn(
    server: Server, home: Home, script: str, *, alive: int, stdin: int, settings: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    # What a killed server left names process numbers that PostgreSQL would believe. The lock is right.
    (server.data_dir / "postmaster.pid").unlink(missing_ok=True)
    _make_socket_folder(server.socket_dir, home)
    with server.log.open("wb") as log:
        command = ["/bin/sh", "-c", script, "sh", *_command(server, settings)]
        return home.account.spawn(command, stdin=stdin, stdout=alive, stderr=log)


@contextmanager
def _free_to_start(server: Server) -> Iterator[int]:
    """Hold the server's lock while it is started; gives the descriptor, for its processes to inherit."""
    alive = _take_alive_lock(server)
    try:
        yield alive
    finally:
        os.close(alive)


def _take_alive_lock(server: Server) -> int:
    alive = try_lock(server.alive_lock)
    if alive is None and server.end_leftovers():
        # Only somebody who asks for the server's state can hold it now, and for a moment.
        alive = wait_for_lock(server.alive_lock)
    if alive is None:
        raise LaunchError(
            "processes of an earlier server still live",
            detail=f"Programs that it started hold the lock {server.alive_lock}.",
            hint="End them, and start again.",
        )
    return alive


def _make_socket_folder(folder: Path, home: Home) -> None:
    # One of our own, not yet handed over, is what a starter that was killed has left.
    owners = (home.account.uid, os.geteuid())
    if folder.exists() and (folder.is_symlink() or folder.stat().st_uid not in owners):
        raise LaunchError(
            f"{folder} cannot be trusted",
            detail="It does not belong to the account that the server runs as.",
            hint="Remove it.",
        )
    remove_tree(folder)
    home.account_folder(folder)


def remove_server(server: Server) -> None:
    """Remove all that is left of a server on disk."""
    if server.socket_dir.parent != server.folder:
        remove_tree(server.socket_dir)
    remove_tree(server.folder)


def _command(server: Server, settings: Mapping[str, str]) -> list[str]:
    quoted = '"' + str(server.socket_dir).replace('"', '""') + '"'
    own = {"unix_socket_directories": quoted, "port": str(server.port), "cluster_name": server.cluster_name}
    options = [word for name, value in {**settings, **own}.items() for word in ("-c", f"{name}={value}")]
    return [str(server.binaries.bin_dir / "postgres"), "-D", str(server.data_dir), *options]
