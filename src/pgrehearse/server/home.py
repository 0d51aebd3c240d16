"""The folder where pgrehearse keeps its servers between runs.

Takes PGREHEARSE_HOME or the user's cache folder; gives a `Home` whose folders the server's account can enter.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pgrehearse.errors import LaunchError
from pgrehearse.server.account import Account, server_account

HOME_VARIABLE = "PGREHEARSE_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """The folder and the account that the servers in it run as.

    ::

        golden/    data folders as initdb left them, to be copied for private servers
        private/   a folder and a lock for each server that belongs to one process
        shared/    a folder and a lock for each major version's shared server
        trees/     copies of programs that the account could not use where they are
    """

    path: Path
    account: Account

    def folder(self, *names: str) -> Path:
        """A folder below the home, made if need be: nobody but the server's account can pass through it."""
        place = self.path
        for name in names:
            place /= name
            place.mkdir(mode=self._mode, exist_ok=True)
            place.chmod(self._mode)
        return place

    def account_folder(self, path: Path) -> Path:
        """An empty folder that the server's account owns, closed to all others."""
        path.mkdir(mode=0o700)
        self.account.give(path)
        return path

    @property
    def _mode(self) -> int:
        # Root's folders must let the account through to its own, which are closed to all others.
        return 0o711 if self.account.is_stand_in else 0o700


def remove_tree(folder: Path) -> None:
    """Remove a folder of the home with all that is in it; nothing happens where there is none."""
    if folder.exists():
        shutil.rmtree(folder)


def open_home(path: Path | None = None) -> Home:
    """The home at `path`, else at PGREHEARSE_HOME, else the first fit place for the present user.

    Raises:
        LaunchError: The folder is another user's, or the server's account cannot get there.
    """
    account = server_account()
    named = path or os.environ.get(HOME_VARIABLE)
    place = Path(named).absolute() if named else _default_place(account)
    _make_with_parents(place, 0o711 if account.is_stand_in else 0o700)
    _check_owner(place)
    if not account.can_enter(place):
        raise LaunchError(
            f'the account "{account.name}" cannot enter {place}',
            detail="PostgreSQL refuses to run as root, and no permissions are changed to let it in.",
            hint=f"Set {HOME_VARIABLE} to a folder that it can reach.",
        )
    return Home(place, account)


def temporary_home() -> Path:
    """The home of last resort, in the system's folder for temporary files."""
    return Path(tempfile.gettempdir()) / f"pgrehearse-{os.geteuid()}"


def _default_place(account: Account) -> Path:
    places = list(_places())
    reachable = (place for place in places if not account.is_stand_in or account.can_enter(place.parent))
    return next(reachable, places[0])


def _places() -> Iterator[Path]:
    yield Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "pgrehearse"
    # For root whose own home is closed to the account, as it should be.
    if os.access("/var/cache", os.W_OK):
        yield Path("/var/cache/pgrehearse")
    yield temporary_home()


def _make_with_parents(place: Path, mode: int) -> None:
    for folder in (*reversed(place.parents), place):
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)  # whatever the umask, and only where the folder is new


def _check_owner(place: Path) -> None:
    owners = {place.lstat().st_uid, place.stat().st_uid}
    if owners != {os.geteuid()} or place.stat().st_mode & 0o002:
        raise LaunchError(
            f"{place} cannot be trusted",
            detail="It belongs to another user, or is open for all to write in.",
            hint=f"Remove it, or set {HOME_VARIABLE} to a folder of your own.",
        )
