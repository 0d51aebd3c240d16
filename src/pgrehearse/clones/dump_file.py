"""Load a dump file into a database: SQL text by psql, any other format of pg_dump by pg_restore.

The first error ends it. Archives are loaded without owners and privileges, because the roles of where they were made
are seldom there.
"""

from __future__ import annotations

from pathlib import Path

from pgrehearse.clones.programs import client_programs, running
from pgrehearse.errors import CloneError, UsageError
from pgrehearse.pg.target import Target

_MAGIC = b"PGDMP"
_TAR_MAGIC = b"ustar"
_TAR_MAGIC_AT = 257


def load_dump_file(file: Path, into: Target, *, server_version: int) -> None:
    """Load `file` into the database `into`, whose server says the version as libpq does, 180004.

    Raises:
        UsageError: The file cannot be read.
        CloneError: It cannot be loaded; the detail is what psql or pg_restore said.
    """
    binaries = client_programs(from_version=server_version, into_version=server_version)
    if _is_archive(file):
        arguments = ["--exit-on-error", "--no-owner", "--no-privileges", "--no-subscriptions", str(file)]
        name = "pg_restore"
    else:
        arguments = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={file}"]
        name = "psql"
    with running(binaries, name, into, arguments) as program:
        problem = program.wait()
    if problem:
        raise CloneError(
            f"{file} cannot be loaded",
            detail=problem,
            hint="Where roles are missing, make the dump with pg_dump --no-owner --no-privileges.",
        )


def _is_archive(file: Path) -> bool:
    try:
        if file.is_dir():
            return True
        with file.open("rb") as stream:
            head = stream.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    return head.startswith(_MAGIC) or head[_TAR_MAGIC_AT:] == _TAR_MAGIC
