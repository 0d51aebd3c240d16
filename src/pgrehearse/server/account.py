"""The account that a server runs as: PostgreSQL refuses to run as root.

Takes the effective user of this process; gives an existing account to start programs with. Makes no accounts.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypedDict

from pgrehearse.errors import LaunchError

_STAND_INS = ("postgres", "nobody")
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


class _SpawnOptions(TypedDict, total=False):
    cwd: str
    env: dict[str, str]
    umask: int
    user: int
    group: int
    extra_groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server's programs run as and who owns its data.

    `is_stand_in` is true when this process is root and the account another, so that programs must change to
    it.
    """

    name: str
    uid: int
    gid: int
    is_stand_in: bool

    def can_enter(self, folder: Path) -> bool:
        """Whether the account may pass through the folder and every parent of it, as far as these exist."""
        return all(self._may_search(place) for place in (folder, *folder.parents) if place.exists())

    def give(self, path: Path) -> None:
        """Make the account the owner of a path that this process has made."""
        if self.is_stand_in:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(
        self, command: Sequence[str | Path], *, lock: int | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as the account to its end, its output captured; a failure is told by the return code.

        The program holds the `lock` (a descriptor) as well: were this process killed, nobody could get the lock
        before the program too has ended.

        Raises:
            OSError: The account cannot execute it.
        """
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            pass_fds=() if lock is None else (lock,),
            **self._options(),
        )

    def spawn(
        self, command: Sequence[str | Path], *, stdin: int, stdout: int, stderr: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start a program as the account in a session of its own, out of reach of the terminal's Ctrl-C."""
        return subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True, **self._options()
        )

    def _options(self) -> _SpawnOptions:
        options: _SpawnOptions = {"cwd": "/", "env": _environment(), "umask": 0o077}
        if self.is_stand_in:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": ()}
        return options

    def _may_search(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & 0o100)
        return bool(status.st_mode & (0o010 if status.st_gid == self.gid else 0o001))


def server_account() -> Account:
    """The present user; for root the account postgres, else nobody.

    Raises:
        LaunchError: Root has neither of them.
    """
    uid = os.geteuid()
    if uid != 0:
        return Account(str(uid), uid, os.getegid(), is_stand_in=False)
    for name in _STAND_INS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid, is_stand_in=True)
    raise LaunchError(
        "no account to run PostgreSQL as",
        detail="PostgreSQL refuses to run as root, and there is no account named postgres or nobody.",
        hint="Run pgrehearse as an ordinary user, or connect to a server of your own with -d.",
    )


def _environment() -> dict[str, str]:
    # Little is passed on: a server takes PG* variables for settings, and should not see the user's secrets.
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C", "TZ": "UTC"}
