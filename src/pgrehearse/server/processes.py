"""The processes of one server, known by the server's own name in their titles.

Takes a cluster name; gives process numbers. Used to end what a killed owner left, never to decide whether a
server lives: that is for the locks to say.
"""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Processes:
    """A server's processes: the postmaster, if it lives, and its children's numbers and titles."""

    postmaster: int | None
    children: dict[int, str]

    @property
    def sessions(self) -> int:
        """How many clients are connected."""
        return sum("[local]" in title for title in self.children.values())

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the postmaster, which will see to its children; without one, end the children."""
        if self.postmaster is not None:
            _send(self.postmaster, number)
        else:
            self.kill()

    def kill(self) -> None:
        """End them all at once."""
        for pid in (*self.children, *(() if self.postmaster is None else (self.postmaster,))):
            _send(pid, signal.SIGKILL)


def processes_of(cluster_name: str) -> Processes:
    """The processes whose command line or title carries the cluster name."""
    titles = _titles()
    # A child that has not set its title yet looks like its parent, which is the older.
    postmasters = sorted(pid for pid, title in titles.items() if _is_postmaster(title, cluster_name))
    children = {
        pid: title for pid, title in titles.items() if title.startswith(f"postgres: {cluster_name}: ")
    }
    return Processes(postmasters[0] if postmasters else None, children)


def is_any_program_below(folder: Path) -> bool:
    """Whether some process was started from a program in the folder."""
    return any(title.startswith(f"{folder}/") for title in _titles().values())


def _is_postmaster(title: str, cluster_name: str) -> bool:
    program = title.partition(" -D ")[0]
    is_postgres = program.endswith("/postgres") and not program.startswith("/bin/sh ")
    return is_postgres and f" cluster_name={cluster_name} " in f"{title} "


def _titles() -> dict[int, str]:
    if not (_PROC / "self" / "cmdline").exists():
        return _titles_from_ps()
    titles = {int(folder.name): _read_title(folder) for folder in _PROC.iterdir() if folder.name.isdecimal()}
    return {pid: title for pid, title in titles.items() if title}


def _read_title(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().replace(b"\0", b" ").strip().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def _titles_from_ps() -> dict[int, str]:
    listing = subprocess.run(
        ["ps", "-axwwo", "pid=,args="], capture_output=True, text=True, errors="replace", check=True
    ).stdout
    rows = (line.strip().partition(" ") for line in listing.splitlines() if line.strip())
    return {int(pid): title.strip() for pid, _, title in rows}


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
