"""A running tool, as its runner sees it.

Takes the bytes of a script and what it may take; gives a process of its own group, kept by a keeper, with a clean
environment. It ends when it is told to, when its time is up, and when the runner dies or stops believing in its lease.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pgrehearse.dots.dot import Dot

_KEEPER = Path(__file__).with_name("keeper.py")
_PIECE_BYTES = 65_536
_DRAIN_S = 5.0
_MEGABYTE = 1_000_000
_RESULT_BYTES = 1_000_000


class Ended(msgspec.Struct, frozen=True):
    """How a tool ended.

    Attributes:
        why: Why it was ended; empty where it ended by itself.
        error: Why it could not be started; empty where it was.
        status: Its exit status; of a signal, the number below zero.
        duration_ms: From its start to its end.
        left_running: How many of its processes had to be ended after it.
    """

    why: str
    error: str
    status: int
    duration_ms: int
    left_running: int


@dataclass(frozen=True, slots=True)
class Workroom:
    """The private folder of one run: the verified bytes of the script, its parameters, and a folder to work in."""

    folder: Path

    @property
    def script(self) -> Path:
        """The copy that is started, so that what runs is what was verified."""
        return self.folder / "script"

    @property
    def parameters(self) -> Path:
        """What the tool gets as standard input."""
        return self.folder / "parameters.json"

    @property
    def work(self) -> Path:
        """Where the tool starts, its HOME and its TMPDIR."""
        return self.folder / "work"

    def read_result(self) -> bytes | None:
        """What the tool left as `result.json`, where that is a plain file of at most 1 MB."""
        path = self.work / "result.json"
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _RESULT_BYTES:
            return None
        return path.read_bytes()


@contextmanager
def open_workroom(script: bytes, parameters: Mapping[str, object]) -> Iterator[Workroom]:
    """Make the folder; remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="pgrehearse-run-", ignore_cleanup_errors=True) as folder:
        room = Workroom(Path(folder))
        room.work.mkdir(mode=0o700)
        room.parameters.touch(mode=0o600)
        room.parameters.write_bytes(msgspec.json.encode(parameters))
        room.script.touch(mode=0o700)
        room.script.write_bytes(script)
        yield room


def clean_environment(room: Workroom) -> dict[str, str]:
    """What every tool finds in its environment; nothing of the runner's own."""
    path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
    home = str(room.work)
    return {"PATH": path, "HOME": home, "TMPDIR": home, "LANG": "C.UTF-8", "TZ": "UTC"}


class Child:
    """A tool that was started.

    Args:
        dot: What it may take.
        room: Its folder.
        environment: All of its environment.
        until: When its lease ends, by `clock.steady`; see `extend`.
        hear: Given each piece of output as it comes, in a thread of its own.
    """

    def __init__(
        self,
        dot: Dot,
        room: Workroom,
        environment: Mapping[str, str],
        *,
        until: float,
        hear: Callable[[bytes], None],
    ) -> None:
        self._output, output_fd = os.pipe()
        self._speaking = threading.Lock()
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_KEEPER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PATH": os.defpath},
            pass_fds=(output_fd,),
            start_new_session=True,
        )
        os.close(output_fd)
        self._listener = threading.Thread(target=self._listen, args=(hear,), daemon=True)
        self._listener.start()
        self._tell(_order(dot, room, environment, until=until, output_fd=output_fd))

    def extend(self, until: float) -> None:
        """Tell the keeper that the lease lasts until then."""
        self._tell({"until": until})

    def stop(self, why: str) -> None:
        """Ask the keeper to end the tool: SIGTERM, and SIGKILL after its grace. `wait` tells when it is over."""
        self._tell({"stop": why})

    def wait(self) -> Ended:
        """Wait until the tool and all that it started are gone, and its output is read."""
        stdout = self._keeper.stdout
        report = b"" if stdout is None else stdout.read()
        self._keeper.wait()
        self._listener.join(_DRAIN_S)
        with self._speaking:
            for stream in (self._keeper.stdin, stdout):
                if stream is not None:
                    with suppress(BrokenPipeError):
                        stream.close()
        if not report:
            return Ended("its keeper was ended", "", -9, 0, 0)
        return msgspec.json.decode(report, type=Ended)

    def _listen(self, hear: Callable[[bytes], None]) -> None:
        with os.fdopen(self._output, "rb", buffering=0) as stream:
            while piece := stream.read(_PIECE_BYTES):
                hear(piece)

    def _tell(self, line: Mapping[str, object]) -> None:
        stdin = self._keeper.stdin
        with self._speaking, suppress(BrokenPipeError):
            if stdin is not None and not stdin.closed:
                stdin.write(msgspec.json.encode(line) + b"\n")
                stdin.flush()


def _order(
    dot: Dot, room: Workroom, environment: Mapping[str, str], *, until: float, output_fd: int
) -> dict[str, object]:
    limits = dot.limits
    return {
        "program": str(room.script),
        "environment": dict(environment),
        "folder": str(room.work),
        "stdin": str(room.parameters),
        "output_fd": output_fd,
        "until": until,
        "timeout_s": limits.timeout_s,
        "grace_s": dot.grace_s,
        "limits": {
            "RLIMIT_AS": limits.memory_mb * _MEGABYTE,
            "RLIMIT_FSIZE": limits.file_mb * _MEGABYTE,
            "RLIMIT_NPROC": limits.processes,
            "RLIMIT_CPU": int(limits.timeout_s) + 60,
            "RLIMIT_CORE": 0,
        },
    }
