"""What travels through the queue: a rehearsal or a run, without any machine's own names or secrets.

Takes and gives the JSON objects that are a job's arguments.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pgrehearse.errors import DotError


class HeldElsewhereError(DotError):
    """Somebody else has the lease that a job needs, or had it until shortly before dying: the job waits."""

    code = "RH720"


class RehearsalJob(msgspec.Struct, frozen=True, kw_only=True):
    """A rehearsal: the text of a script and of its plan file, so that no worker needs the sender's files.

    `path` is the script's name as the sender gave it; `plan` is TOML, empty where there is none.
    """

    run_id: str
    path: str
    script: str
    plan: str = ""
    variables: dict[str, str] = {}
    passes: int = 2


class RunJob(msgspec.Struct, frozen=True, kw_only=True):
    """A run of a tool that each worker has a declaration of; the digest says which version."""

    run_id: str
    code: str
    script_sha256: str
    parameters: dict[str, str] = {}


Job = RehearsalJob | RunJob


def to_arguments(job: Job) -> dict[str, Any]:
    """The job as JSON types."""
    arguments: dict[str, Any] = msgspec.to_builtins(job)
    return arguments
