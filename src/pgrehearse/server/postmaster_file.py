"""What a server writes about itself in `postmaster.pid`.

Takes a data folder; gives the file's facts, or None. They may be stale: only the lock tells if a server
lives.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PostmasterFile:
    """`started_at` counts seconds since 1970; `status` is `starting`, `ready`, `stopping` or `standby`."""

    pid: int
    started_at: int
    status: str


def read_postmaster_file(data_dir: Path) -> PostmasterFile | None:
    """The file as far as it is complete; the server writes it line by line while it starts."""
    try:
        lines = (data_dir / "postmaster.pid").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 8 or not lines[0].isdecimal() or not lines[2].isdecimal():
        return None
    return PostmasterFile(pid=int(lines[0]), started_at=int(lines[2]), status=lines[7].strip())
