"""Programs that the server's account can execute, in a place that initdb can bear.

Takes binaries, perhaps below a folder that is closed to the account (a virtual environment in root's home);
gives the same binaries, or a copy of their tree in a place that it can reach.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from pgrehearse.errors import LaunchError
from pgrehearse.server.binaries import Binaries
from pgrehearse.server.home import Home, open_home, temporary_home
from pgrehearse.server.kept import keep

# initdb starts the server through a shell, with its path between double quotes and nothing in it escaped.
_UNBEARABLE = frozenset('"$`\\')


def make_reachable(binaries: Binaries, home: Home) -> Binaries:
    """The binaries, copied once if the account cannot execute them where they are. Nothing is opened for it.

    They are copied as well where a shell would take their path for something else. Then, should the home's
    own path be such, the copy is in the system's folder for temporary files.

    Raises:
        LaunchError: The copy cannot be executed either, as on a file system mounted noexec.
    """
    if _can_execute(binaries.bin_dir, home):
        return binaries
    bin_dir = _copy_of(binaries, trees_of(home))
    if not _can_execute(bin_dir, home):
        raise LaunchError(f'the account "{home.account.name}" cannot execute {bin_dir / "initdb"}')
    return replace(binaries, bin_dir=bin_dir, why=f"{binaries.why}, copied from {binaries.bin_dir}")


def trees_of(home: Home) -> Path:
    """The folder of the home's copies."""
    place = open_home(temporary_home()) if _is_unbearable(home.path) else home
    return place.folder("trees")


def _is_unbearable(path: Path) -> bool:
    return not _UNBEARABLE.isdisjoint(str(path))


def _can_execute(bin_dir: Path, home: Home) -> bool:
    if _is_unbearable(bin_dir):
        return False
    if not home.account.is_stand_in:
        return True
    try:
        # initdb and not postgres, because it needs libpq too.
        return home.account.run([bin_dir / "initdb", "--version"]).returncode == 0
    except OSError:
        return False


def _copy_of(binaries: Binaries, trees: Path) -> Path:
    with (binaries.bin_dir / "postgres").open("rb") as program:
        digest = hashlib.file_digest(program, "sha256").hexdigest()
    tree = binaries.bin_dir.parent
    place = keep(
        trees / f"{binaries.version}-{digest[:12]}",
        lambda unfinished, lock: _copy(tree, unfinished, lock=lock),
    )
    return place / binaries.bin_dir.relative_to(tree.parents[1])


def _copy(tree: Path, place: Path, *, lock: int) -> None:
    for folder in (tree, *_libraries(tree)):
        shutil.copytree(
            folder,
            place / folder.relative_to(tree.parents[1]),
            symlinks=True,
            ignore=shutil.ignore_patterns("include"),
        )
    subprocess.run(["chmod", "-R", "a+rX", place], check=True, pass_fds=(lock,))


def _libraries(tree: Path) -> tuple[Path, ...]:
    """Where a wheel keeps the libraries of its programs, which look for them relative to their own place."""
    package = tree.parent
    places = (package.with_name(f"{package.name}.libs"), package / ".dylibs")
    return tuple(place for place in places if place.is_dir())
