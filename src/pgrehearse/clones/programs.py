"""Run pg_dump, pg_restore and psql, without a password on a command line and without losing what they say.

Takes a target and arguments; gives a running program that is ended whatever happens.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from pgrehearse.errors import CloneError
from pgrehearse.pg.target import Target
from pgrehearse.server.binaries import Binaries, all_binaries

_SAID_LINES = 12


@dataclass(slots=True)
class Program:
    """A running program; what it says on standard error is kept."""

    name: str
    process: subprocess.Popen[bytes]
    _said: list[bytes] = field(default_factory=list)
    _listener: threading.Thread | None = None

    def listen(self) -> None:
        """Read standard error from now on, so that the program never waits for a reader."""
        self._listener = threading.Thread(target=self._keep, args=(self.process.stderr,), daemon=True)
        self._listener.start()

    def _keep(self, stderr: IO[bytes]) -> None:
        with stderr:
            self._said.extend(stderr)

    def wait(self) -> str:
        """Wait for the end; give what went wrong: the program's last lines, or nothing where all is well."""
        status = self.process.wait()
        if self._listener is not None:
            self._listener.join()
        if status == 0:
            return ""
        said = b"".join(self._said).decode(errors="replace").strip().splitlines()[-_SAID_LINES:]
        return "\n".join(said) or f"{self.name} ended with status {status}"


@contextmanager
def running(
    binaries: Binaries,
    name: str,
    target: Target,
    arguments: Sequence[str],
    *,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> Iterator[Program]:
    """A client program connected to `target`; killed if it still runs at the end.

    Raises:
        LaunchError: The program is missing.
    """
    conninfo, password = target.without_password()
    environment = {**os.environ, "LC_ALL": "C", **({} if password is None else {"PGPASSWORD": password})}
    command = [str(binaries.program(name)), "--no-password", f"--dbname={conninfo}", *arguments]
    process = subprocess.Popen(
        command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=environment, start_new_session=True
    )
    program = Program(name, process)
    program.listen()
    try:
        yield program
    finally:
        if process.poll() is None:
            process.kill()
        program.wait()
        if process.stdout is not None:
            process.stdout.close()


def client_programs(*, from_version: int, into_version: int) -> Binaries:
    """The programs of one PostgreSQL that can read the one server and write the other, versions as libpq's.

    pg_dump must not be older than its server; a newer pg_restore sets parameters that an older server lacks. So
    the version of the receiving server is best, and else the oldest that can read.

    Raises:
        CloneError: None of this machine can.
    """
    reads, writes = from_version // 10_000, into_version // 10_000
    fit = [one for one in all_binaries() if one.major >= reads and not one.missing]
    if not fit:
        raise CloneError(
            f"no pg_dump and pg_restore for PostgreSQL {reads} found",
            detail="They must not be older than the server.",
            hint="Install PostgreSQL's client programs of that version; `pgrehearse doctor` says what is here.",
        )
    return min(fit, key=lambda one: (one.major != writes, one.major))
