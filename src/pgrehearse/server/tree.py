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
    bin_dir = _copy_of(binaries, home) / "bin"
    if not _can_execute(bin_dir, home):
        raise LaunchError(f'the account "{home.account.name}" cannot execute {bin_dir / "postgres"}')
    return replace(binaries, bin_dir=bin_dir, why=f"{binaries.why}, copied from {binaries.bin_dir}")


def _can_execute(bin_dir: Path, home: Home) -> bool:
    try:
        return home.account.run([bin_dir / "postgres", "--version"]).returncode == 0
    except OSError:
        return False


def _copy_of(binaries: Binaries, home: Home) -> Path:
    with (binaries.bin_dir / "postgres").open("rb") as program:
        digest = hashlib.file_digest(program, "sha256").hexdigest()
    tree = home.folder("trees") / f"{binaries.version}-{digest[:12]}"
    with locked(tree.with_name(f"{tree.name}.lock")):
        if not tree.exists():
            unfinished = tree.with_name(f"{tree.name}.new")
            remove_tree(unfinished)
            shutil.copytree(binaries.bin_dir.parent, unfinished, symlinks=True)
            subprocess.run(["chmod", "-R", "a+rX", unfinished], check=True)
            unfinished.rename(tree)
    return tree
