"""A declared tool: what its TOML says, and the bytes of its script.

Takes the path of a TOML file; gives a `Declared`. An unknown key is an error.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from pgrehearse.errors import DotError, UsageError

ENDING = ".dot.toml"
"""Of declarations, in folders that are searched for them."""

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_GRACE_SHARE = 4


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Tables of a declaration refuse keys that they do not know."""


class Script(_Strict, frozen=True):
    """The script: its path, from the folder of the TOML file, and the SHA-256 of its bytes, hexadecimal."""

    path: str
    sha256: str


class Limits(_Strict, frozen=True):
    """What a run may take.

    Attributes:
        timeout_s: How long it may run.
        grace_s: How long it has to end after SIGTERM; at most a quarter of `ttl_s` counts.
        memory_mb, file_mb: Of each process; of each file that it writes.
        processes: Of the account that it runs as, so only a rough bound.
        output_mb: What it may write to its standard output and error together.
    """

    timeout_s: float = 300.0
    grace_s: float = 2.0
    memory_mb: int = 1024
    file_mb: int = 256
    processes: int = 4096
    output_mb: int = 64


class LeaseNeeds(_Strict, frozen=True):
    """The lease that a run takes: its name, the tool's code where empty, and how long it lasts without renewal."""

    name: str = ""
    ttl_s: float = 30.0


class Parameter(_Strict, frozen=True):
    """A parameter of the script.

    `default` None makes it required. The value of a `secret` one is masked in output and left out of digests.
    """

    type: Literal["text", "integer", "boolean"] = "text"
    default: str | int | bool | None = None
    secret: bool = False
    description: str = ""


class Dot(_Strict, frozen=True):
    """A tool, by the registry's own words; see the estate's `dot_tools`."""

    code: str
    name: str
    description: str
    domain: str
    operation: str
    script: Script
    tier: Literal["A", "B"] | None = None
    origin: str = "DIRECTUS"
    trigger_type: str = "manual"
    status: str = "published"
    classification: str = ""
    owner: str = ""
    category: str = ""
    token_type: str = "none"
    paired_dot: str | None = None
    gates: tuple[str, ...] = ()
    lease: LeaseNeeds = LeaseNeeds()
    limits: Limits = Limits()
    parameters: dict[str, Parameter] = {}

    @property
    def lease_name(self) -> str:
        """The lease that a run takes."""
        return self.lease.name or self.code

    @property
    def grace_s(self) -> float:
        """Seconds between SIGTERM and SIGKILL; short enough to end within the lease."""
        return min(self.limits.grace_s, self.lease.ttl_s / _GRACE_SHARE)


@dataclass(frozen=True, slots=True)
class Declared:
    """A tool and where it was declared."""

    dot: Dot
    file: Path

    @property
    def script_path(self) -> Path:
        """Where the script is."""
        return self.file.parent / self.dot.script.path

    def read_script(self) -> bytes:
        """The bytes of the script, found to be what was declared.

        Raises:
            DotError: There is no such file, it is not executable, or its digest is another.
        """
        fault, content = self.examine_script()
        if fault:
            raise DotError(
                f"{self.dot.code}: {fault}",
                detail=f"Declared in {self.file}.",
                hint="Look at what changed; where it is right, put the new digest into the declaration.",
            )
        return content

    def examine_script(self) -> tuple[str, bytes]:
        """What is wrong with the script, a phrase, empty where nothing is; and its bytes."""
        path = self.script_path
        try:
            content = path.read_bytes()
        except OSError as error:
            return f"script {path} cannot be read: {error.strerror}", b""
        found = hashlib.sha256(content).hexdigest()
        if found != self.dot.script.sha256:
            return f"script {path} has changed: its SHA-256 is {found}", content
        if not os.access(path, os.X_OK):
            return f"script {path} is not executable", content
        return "", content


def read_dot(file: Path) -> Declared:
    """Read the declaration of one tool.

    Raises:
        UsageError: The file cannot be read, is no TOML, or a key or value is not what it should be.
    """
    try:
        dot = msgspec.toml.decode(file.read_bytes(), type=Dot)
    except OSError as error:
        raise UsageError(f"cannot read tool {file}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: {error}", hint="docs/reference/dots.md lists every key.") from error
    fault = _fault_of(dot)
    if fault:
        raise UsageError(f"{file}: {fault}")
    return Declared(dot, file)


def read_dots(folder: Path) -> tuple[Declared, ...]:
    """The tools that files with the ending `.dot.toml`, in a folder and below it, declare; by code.

    Raises:
        UsageError: One of them cannot be read, or two have the same code.
    """
    declared = sorted(map(read_dot, sorted(folder.rglob(f"*{ENDING}"))), key=lambda one: one.dot.code)
    for one, other in itertools.pairwise(declared):
        if one.dot.code == other.dot.code:
            raise UsageError(f"{one.dot.code} is declared twice: in {one.file} and in {other.file}")
    return tuple(declared)


def find_dot(code: str, folder: Path) -> Declared:
    """The tool of that code, or the one that the TOML file of that name declares.

    Raises:
        UsageError: A declaration cannot be read.
        DotError: None has this code.
    """
    if code.endswith(".toml"):
        return read_dot(Path(code))
    found = next((one for one in read_dots(folder) if one.dot.code == code), None)
    if found is None:
        raise DotError(
            f'no tool has the code "{code}"',
            detail=f"Looked for declarations in {folder.absolute()} and below.",
            hint="Name the folder with --tools, or the TOML file itself.",
        )
    return found


def _fault_of(dot: Dot) -> str:
    limits, ttl_s = dot.limits, dot.lease.ttl_s
    if not _CODE.fullmatch(dot.code):
        return f'"{dot.code}" cannot be the code of a tool: letters, digits, "_", "." and "-"'
    if not re.fullmatch("[0-9a-f]{64}", dot.script.sha256):
        return "script.sha256 is not 64 hexadecimal digits in lower case"
    if not 0.2 <= ttl_s <= 86_400 or not 0 < limits.timeout_s <= 7 * 86_400 or not 0 <= limits.grace_s <= 60:
        return "lease.ttl_s, limits.timeout_s or limits.grace_s is out of range"
    if min(limits.memory_mb, limits.file_mb, limits.processes, limits.output_mb) < 1:
        return "every limit must be at least 1"
    return ""
