"""A copy by pg_dump and pg_restore, from one server to the same or another, through a pipe: nothing is left on disk.

The source may be in use: pg_dump reads one snapshot, and locks nothing but against DROP and ALTER. The first error ends
it, so a clone is complete or not at all.
"""

from __future__ import annotations

import subprocess

from pgrehearse.clones.programs import client_programs, running
from pgrehearse.clones.strategies.strategy import Copying
from pgrehearse.errors import CloneError


def copy(copying: Copying) -> None:
    """Make the copy.

    Raises:
        CloneError: pg_dump or pg_restore failed; the detail is what they said.
        ServerError: The empty database cannot be made.
    """
    source, into = copying.source, copying.into
    into.create(f"TEMPLATE template0 {source.locale.to_sql()}", owner=copying.owner)
    binaries = client_programs(from_version=source.server_version, into_version=into.session.server_version)
    owners = [] if copying.keeps_owners else ["--no-owner", "--no-privileges"]
    # A copied subscription would take the place of the source's at its publisher.
    dumping = ["--format=custom", "--compress=0", "--no-subscriptions"]
    restoring = ["--exit-on-error", "--no-subscriptions", *owners]
    with (
        running(binaries, "pg_dump", source.target, dumping, stdout=subprocess.PIPE) as dump,
        running(binaries, "pg_restore", into.target, restoring, stdin=dump.process.stdout or 0) as restore,
    ):
        if dump.process.stdout is not None:
            dump.process.stdout.close()  # else pg_dump would not notice that pg_restore is gone
        restore_problem, dump_problem = restore.wait(), dump.wait()
    if restore_problem or dump_problem:
        raise CloneError(
            f'database "{source.name}" cannot be copied',
            detail="\n".join(filter(None, (dump_problem, restore_problem))),
            hint=""
            if not copying.keeps_owners
            else "Where roles are missing on the clone's server, copy without owners: --no-owner",
        )
