"""The embedded server of the user, which outlives the commands that use it.

Takes a wanted major version; gives that version's one server, started by whoever needs it first.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pgrehearse.server.binaries import Binaries, find_binaries
from pgrehearse.server.home import Home, open_home
from pgrehearse.server.launcher import launch_detached
from pgrehearse.server.lock import locked
from pgrehearse.server.postmaster_file import read_postmaster_file
from pgrehearse.server.server import Server, State, wait_until
from pgrehearse.server.sweep import sweep_copies
from pgrehearse.server.tree import make_reachable

_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Status:
    """A shared server as it is now.

    `started_at` counts seconds since 1970, UTC; it and `pid` are None where the server does not run.
    `sessions` is the number of its clients.
    """

    server: Server
    state: State
    pid: int | None
    started_at: int | None
    sessions: int


def shared_server(
    *, wanted_major: int | None = None, bin_dir: Path | None = None, home: Path | None = None
) -> Server:
    """The user's server of one major version, started if it does not run.

    Any number of processes may ask for it at once, and it survives them all. Where it was killed itself, it
    starts again with the same data. Its system identifier is no other server's, so a clone's mark, which is
    bound to that, holds on this server alone.

    Raises:
        LaunchError: No PostgreSQL was found, or it did not start.
    """
    place = open_home(home)
    wanted = find_binaries(wanted_major=wanted_major, bin_dir=bin_dir)
    folder = place.folder("shared", str(wanted.major))
    if (server := _running(folder, wanted)) is not None:
        return server
    with locked(_lock_of(folder)):
        server = Server(folder, make_reachable(wanted, place))
        if server.processes().postmaster is not None:
            # Whoever started it was killed before it was ready.
            wait_until(lambda: server.state is not State.BUSY, _PATIENCE_S)
        running = _running(folder, wanted)
        if running is None:
            sweep_copies(place)
            _record_binaries(server)
            launch_detached(server, place)
        return running or server


def shared_servers(*, home: Path | None = None) -> tuple[Status, ...]:
    """Every shared server of the user, the newest version first; starts none."""
    return tuple(status_of(server) for server in _existing(open_home(home)))


def status_of(server: Server) -> Status:
    """What a server is doing now."""
    state = server.state
    about = read_postmaster_file(server.data_dir) if state is State.RUNNING else None
    sessions = server.processes().sessions if about is not None else 0
    return Status(
        server=server,
        state=state,
        pid=None if about is None else about.pid,
        started_at=None if about is None else about.started_at,
        sessions=sessions,
    )


def stop_shared_servers(*, wanted_major: int | None = None, home: Path | None = None) -> tuple[Server, ...]:
    """Stop the user's shared servers, or that of one major version; gives those that ran.

    Sessions are ended. What is in the databases stays for the next start.

    Raises:
        LaunchError: One of them does not stop.
    """
    stopped = []
    for server in _existing(open_home(home)):
        if wanted_major in {None, int(server.folder.name)}:
            with locked(_lock_of(server.folder)):
                if server.state in {State.RUNNING, State.BUSY}:
                    server.stop("fast")
                    stopped.append(server)
    return tuple(stopped)


def _existing(home: Home) -> tuple[Server, ...]:
    folders = sorted(home.folder("shared").glob("*/binaries.json"), key=lambda path: -int(path.parent.name))
    recorded = ((path.parent, _recorded_binaries(path.parent)) for path in folders)
    return tuple(Server(folder, binaries) for folder, binaries in recorded if binaries is not None)


def _running(folder: Path, wanted: Binaries) -> Server | None:
    recorded = _recorded_binaries(folder)
    # The programs may have gone since, with the virtual environment that they were in; the server lives on.
    is_usable = recorded is not None and (recorded.bin_dir / "postgres").exists()
    server = Server(folder, recorded if recorded is not None and is_usable else wanted)
    return server if server.state is State.RUNNING else None


def _record_binaries(server: Server) -> None:
    # Not taken from what the server writes about itself: root must not execute what its account says.
    record = {**asdict(server.binaries), "bin_dir": str(server.binaries.bin_dir)}
    unfinished = server.folder / "binaries.json.new"
    unfinished.write_text(json.dumps(record, indent=2) + "\n")
    unfinished.rename(server.folder / "binaries.json")


def _recorded_binaries(folder: Path) -> Binaries | None:
    try:
        record = json.loads((folder / "binaries.json").read_text())
    except FileNotFoundError:
        return None
    return Binaries(**{**record, "bin_dir": Path(record["bin_dir"])})


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
