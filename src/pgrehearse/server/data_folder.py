"""Data folders for new servers: made by initdb, or copied from one that initdb made once.

Takes binaries that the account can execute; gives a data folder ready to start in. It appears complete or not
at all.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

from pgrehearse.errors import LaunchError
from pgrehearse.server.binaries import Binaries, version_line
from pgrehearse.server.home import Home, remove_tree
from pgrehearse.server.kept import keep

_INITDB = (
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--no-sync",
    "--no-instructions",
    "--lc-messages=C",
)
# Since 17 PostgreSQL brings its own rules for characters, the same on every system; before, the system's
# count.
_BUILTIN_LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
_LIBC_LOCALES = (("--locale=C.UTF-8",), ("--locale=C",))
_COPY = ("cp", "-cRp") if sys.platform == "darwin" else ("cp", "-Rp")


def initialise_data_folder(binaries: Binaries, home: Home, data_dir: Path, *, lock: int) -> None:
    """Make `data_dir` by initdb, under a lock: with a system identifier that no other server has.

    Raises:
        LaunchError: initdb failed.
    """
    unfinished = data_dir.with_name(f"{data_dir.name}.new")
    _initdb(binaries, home, unfinished, lock=lock)
    unfinished.rename(data_dir)


def copy_data_folder(binaries: Binaries, home: Home, data_dir: Path, *, lock: int) -> None:
    """Make `data_dir` as initdb would, under a lock, but faster: all copies share one system identifier.

    Raises:
        LaunchError: initdb failed, or the disk is full.
    """
    unfinished = data_dir.with_name(f"{data_dir.name}.new")
    golden = _golden_folder(binaries, home)
    remove_tree(unfinished)
    home.account_folder(unfinished)
    copy = home.account.run([*_COPY, f"{golden}/.", unfinished], lock=lock)
    if copy.returncode != 0:
        raise LaunchError("a new data folder cannot be made", detail=copy.stderr.strip())
    unfinished.rename(data_dir)


def _golden_folder(binaries: Binaries, home: Home) -> Path:
    key = hashlib.sha256(
        repr((version_line(binaries.bin_dir), _INITDB, _locales(binaries))).encode() + _settings()
    )
    return keep(
        home.folder("golden") / f"{binaries.version}-{key.hexdigest()[:12]}",
        lambda unfinished, lock: _initdb(binaries, home, unfinished, lock=lock),
    )


def _initdb(binaries: Binaries, home: Home, data_dir: Path, *, lock: int) -> None:
    result = None
    for locale in _locales(binaries):
        remove_tree(data_dir)
        home.account_folder(data_dir)
        command: list[str | Path] = [binaries.bin_dir / "initdb", *_INITDB, *locale, "-D", data_dir]
        result = home.account.run(command, lock=lock)
        if result.returncode == 0:
            _set(home, data_dir, lock=lock)
            return
    raise LaunchError("initdb failed", detail=_last_words(result))


def _set(home: Home, data_dir: Path, *, lock: int) -> None:
    # The account itself writes in its folder: root would follow whatever link is laid there.
    source = data_dir.with_suffix(".conf")
    source.write_bytes(_settings())
    source.chmod(0o644)
    copy = home.account.run(["cp", source, data_dir / "postgresql.conf"], lock=lock)
    source.unlink()
    if copy.returncode != 0:
        raise LaunchError("a new server's settings cannot be written", detail=copy.stderr.strip())


def _settings() -> bytes:
    return files(__package__).joinpath("postgresql.conf").read_bytes()


def _locales(binaries: Binaries) -> tuple[tuple[str, ...], ...]:
    return (_BUILTIN_LOCALE,) if binaries.major >= 17 else _LIBC_LOCALES


def _last_words(result: subprocess.CompletedProcess[str] | None) -> str:
    return "" if result is None else "\n".join((result.stderr or result.stdout).strip().splitlines()[-5:])
