"""Every error of pgrehearse, with its code, its exit status and what to do next.

Three kinds are kept apart. An *outcome* is what a script did (a statement that fails): it stands in the transcript
and is no exception. An *error* is a reason why pgrehearse could not do its job: a subclass of `RehearseError`, told to
the user in PostgreSQL's grammar (message, detail, hint). Anything else is a *bug*: exit status 70 and a report file.

::

    RehearseError
    ├── UsageError            RH100  what was asked cannot be understood
    │   ├── ScriptError       RH110  the text of a script cannot be read as psql would read it
    │   └── PlanError         RH120  a plan file cannot be used
    ├── TargetError           RH300  the target cannot be reached or used
    │   └── LaunchError       RH310  a local PostgreSQL cannot be found or started
    ├── ServerError           RH320  the server refused one of pgrehearse's own statements
    ├── ConnectionLostError   RH330  the server went away
    ├── RefusedError          RH400  the target is not proven, or the boundary forbids it: nothing was run
    ├── RollbackError         RH410  the rollback could not be proved
    ├── EvidenceError         RH500  a document of evidence is not what it claims to be
    ├── CloneError            RH600  a clone cannot be made, found or dropped
    └── DotError              RH700  a tool, its lease or its ledger stands in the way
"""

from __future__ import annotations


class RehearseError(Exception):
    """pgrehearse could not do what was asked.

    Attributes:
        code: Stable identifier, `RHnnn`.
        exit_status: What the command exits with.
        message: One line, lower case, without a full stop, as PostgreSQL writes it.
        detail: What was found; may be empty.
        hint: What to do next, a sentence; may be empty.
    """

    code = "RH000"
    exit_status = 2

    def __init__(self, message: str, *, detail: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        self.hint = hint


class UsageError(RehearseError):
    """What was asked cannot be understood: an option, a file name, a setting."""

    code = "RH100"


class ScriptError(UsageError):
    """The text of a script cannot be read as psql would read it, or holds what pgrehearse refuses.

    The message starts with `file:line:column:` where the place is known.
    """

    code = "RH110"


class PlanError(UsageError):
    """A plan file (expectations and policy) cannot be used."""

    code = "RH120"


class TargetError(RehearseError):
    """The target cannot be reached, or lacks what a rehearsal needs."""

    code = "RH300"


class LaunchError(TargetError):
    """A local PostgreSQL cannot be found, started or stopped."""

    code = "RH310"


class ServerError(RehearseError):
    """The server refused a statement; raised for statements of pgrehearse, recorded for those of a script."""

    code = "RH320"

    def __init__(
        self, message: str, *, sqlstate: str = "", detail: str = "", hint: str = "", context: str = ""
    ) -> None:
        super().__init__(message, detail=detail, hint=hint)
        self.sqlstate = sqlstate
        self.context = context


class ConnectionLostError(RehearseError):
    """The server went away in the middle of the work."""

    code = "RH330"
    exit_status = 5


class RefusedError(RehearseError):
    """The target is not proven to be a clone, or the boundary forbids the action: nothing was run."""

    code = "RH400"
    exit_status = 3


class RollbackError(RehearseError):
    """The rollback could not be proved. No flag silences it."""

    code = "RH410"
    exit_status = 4


class EvidenceError(RehearseError):
    """A document of evidence cannot be read, or its digests do not match."""

    code = "RH500"
    exit_status = 1


class CloneError(RehearseError):
    """A clone cannot be made, found or dropped."""

    code = "RH600"


class DotError(RehearseError):
    """A tool, its lease or its ledger stands in the way."""

    code = "RH700"
