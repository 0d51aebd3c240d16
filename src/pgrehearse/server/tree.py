"""Programs that the server's account can execute.

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
from pgrehearse.server.home import Home, remove_tree
from pgrehearse.server.lock import locked


def make_reachable(binaries: Binaries, home: Home) -> Binaries:
    """The binaries, copied once if the account cannot execute them where they are. Nothing is opened for it.

    Raises:
        LaunchError: The copy cannot be executed either, as on a file system mounted noexec.
    """
    if not home.account.is_stand_in or _can_execute(binaries.bin_dir, home):
        return binaries
    bin_dir = _copy_of(binaries, home)
    if not _can_execute(bin_dir, home):
        raise LaunchError(f'the account "{home.account.name}" cannot execute {bin_dir / "initdb"}')
    return replace(binaries, bin_dir=bin_dir, why=f"{binaries.why}, copied from {binaries.bin_dir}")


def _can_execute(bin_dir: Path, home: Home) -> bool:
    try:
        # initdb and not postgres, because it needs libpq too.
        return home.account.run([bin_dir / "initdb", "--version"]).returncode == 0
    except OSError:
        return False


def _copy_of(binaries: Binaries, home: Home) -> Path:
    with (binaries.bin_dir / "postgres").open("rb") as program:
        digest = hashlib.file_digest(program, "sha256").hexdigest()
    place = home.folder("trees") / f"{binaries.version}-{digest[:12]}"
    tree = binaries.bin_dir.parent
    with locked(place.with_name(f"{place.name}.lock")) as lock:
        if not place.exists():
            unfinished = place.with_name(f"{place.name}.new")
            remove_tree(unfinished)
            for folder in (tree, *_libraries(tree)):
                shutil.copytree(
                    folder,
                    unfinished / folder.relative_to(tree.parents[1]),
                    symlinks=True,
                    ignore=shutil.ignore_patterns("include"),
                )
            subprocess.run(["chmod", "-R", "a+rX", unfinished], check=True, pass_fds=(lock,))
            unfinished.rename(place)
    return place / binaries.bin_dir.relative_to(tree.parents[1])


def _libraries(tree: Path) -> tuple[Path, ...]:
    """Where a wheel keeps the libraries of its programs, which look for them relative to their own place."""
    package = tree.parent
    places = (package.with_name(f"{package.name}.libs"), package / ".dylibs")
    return tuple(place for place in places if place.is_dir())
