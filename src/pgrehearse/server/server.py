"""One local PostgreSQL server: where it is, what state it is in, how to reach and how to stop it.

Takes a folder of the home; gives a connection string. State is read from disk and from locks, never
remembered.
"""

from __future__ import annotations

import enum
import hashlib
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pgrehearse.errors import LaunchError
from pgrehearse.server.binaries import Binaries
from pgrehearse.server.lock import is_locked
from pgrehearse.server.postmaster_file import read_postmaster_file
from pgrehearse.server.processes import Processes, processes_of

SUPERUSER = "postgres"

_SOCKET_PATH_BYTES = 103  # what macOS allows; Linux allows four more
_POLL_S = 0.002
_STOP_S = 60.0
_SIGNALS = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class State(enum.Enum):
    """What a server is doing, as its folder and its lock tell."""

    NOT_CREATED = "not created"
    STOPPED = "stopped"
    BUSY = "starting or stopping"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Server:
    """A server in a folder of its own.

    Attributes:
        folder: Holds `data`, `socket`, `log` and `alive`, the lock that every process of the server carries.
        binaries: The programs that belong to it.
        port: Names the socket; the server listens on no network.
    """

    folder: Path
    binaries: Binaries
    port: int = 5432

    @property
    def data_dir(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def socket_dir(self) -> Path:
        """The folder of the Unix socket: `host` in a connection string."""
        folder = self.folder / "socket"
        # libpq takes a comma for the end of a host, and the system takes no long paths.
        if len(bytes(folder / f".s.PGSQL.{self.port}")) <= _SOCKET_PATH_BYTES and "," not in str(folder):
            return folder
        return Path("/tmp") / self.cluster_name

    @property
    def log(self) -> Path:
        """The file that the server logs to."""
        return self.folder / "log"

    @property
    def alive_lock(self) -> Path:
        """The lock that every process of the server holds, and any program that makes its data folder."""
        return self.folder / "alive"

    @property
    def cluster_name(self) -> str:
        """The name that the server's processes carry in their titles; no other server has it."""
        return f"pgrehearse-{hashlib.sha256(bytes(self.folder)).hexdigest()[:12]}"

    @property
    def state(self) -> State:
        """What the server is doing now."""
        if not self.data_dir.exists():
            return State.NOT_CREATED
        if not is_locked(self.alive_lock):
            return State.STOPPED
        about = read_postmaster_file(self.data_dir)
        is_ready = about is not None and about.status == "ready" and self._accepts_connections()
        return State.RUNNING if is_ready else State.BUSY

    def conninfo(self, database: str = "postgres") -> str:
        """A connection string for libpq; the superuser is `postgres`, and there is no password."""
        values = {"host": str(self.socket_dir), "port": str(self.port), "user": SUPERUSER, "dbname": database}
        return " ".join(f"{name}={_quoted(value)}" for name, value in values.items())

    def processes(self) -> Processes:
        """The server's processes."""
        return processes_of(self.cluster_name)

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """End the server and wait until its last process is gone; nothing happens where none lives.

        `fast` ends the sessions and writes everything to disk; `immediate` leaves that to the next start.

        Raises:
            LaunchError: After 60 s some process still lives.
        """
        if not is_locked(self.alive_lock):
            return
        self.processes().send(_SIGNALS[mode])
        if not wait_until(lambda: not is_locked(self.alive_lock), _STOP_S):
            raise LaunchError(
                "the server does not stop",
                detail=f"Processes of the server in {self.folder} were still there after {_STOP_S:.0f} s.",
            )

    def end_leftovers(self) -> bool:
        """End whatever still lives of a server that nobody owns, first gently; false where that failed."""
        # Twice, because a process that is just starting may not hear it; then PostgreSQL itself waits up to
        # 5 s.
        for patience_s in (1.0, 5.5):
            if not is_locked(self.alive_lock):
                return True
            self.processes().send(signal.SIGQUIT)
            if wait_until(lambda: not is_locked(self.alive_lock), patience_s):
                return True
        self.processes().kill()
        return wait_until(lambda: not is_locked(self.alive_lock), 2.0)

    def _accepts_connections(self) -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self.socket_dir / f".s.PGSQL.{self.port}"))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        return True


def wait_until(is_so: Callable[[], bool], limit_s: float) -> bool:
    """Ask again and again, every 2 ms; false where the answer was still no at the limit."""
    deadline = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return escaped if escaped and escaped == value and " " not in value else f"'{escaped}'"
