"""The keeper of one tool: a process between runner and tool, which ends the tool whatever becomes of the runner.

Takes an order, one line of JSON, on standard input, and then lines with new deadlines; gives one line of JSON when the
tool and all that it started are gone. It ends the tool when the runner dies, is stopped for longer than the lease is
trusted, or asks for it. A program of its own, which uses the standard library only: `python -I -S keeper.py`.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_SWEEP_S = 5.0
_AGAIN_S = 0.05
_CANNOT_START = 127

Order = dict[str, Any]


def steady() -> float:
    """The clock of `pgrehearse.dots.clock`, which cannot be imported from here."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def _prctl(option: int, value: int) -> None:
    """Ask Linux for something; elsewhere, nothing happens."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class Keeper:
    """Starts one tool, watches over it, and ends it."""

    def __init__(self, order: Order, control: int) -> None:
        self._order = order
        self._control = control
        self._pending = b""
        self._until = float(order["until"])
        self._why = ""
        self._kill_at = float("inf")
        self._status: int | None = None
        self._error = ""
        self._pid = 0
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self._woken, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def keep(self) -> dict[str, object]:
        """Start the tool, wait until it and all its descendants are gone, and tell how it ended."""
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        began = steady()
        self._time_up = began + float(self._order["timeout_s"])
        self._start()
        while self._status is None:
            self._watch()
            self._reap()
        ended = steady()
        left = self._sweep()
        return {
            "why": self._why,
            "error": self._error,
            "status": self._status,
            "duration_ms": int((ended - began) * 1000),
            "left_running": left,
        }

    def _start(self) -> None:
        told, tell = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            self._become_tool(tell)
        os.close(tell)
        os.close(self._order["output_fd"])
        with os.fdopen(told) as stream:
            self._error = stream.read()

    def _become_tool(self, tell: int) -> None:
        order, parent = self._order, os.getppid()
        try:
            os.setsid()
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(_CANNOT_START)
            for name, wanted in order["limits"].items():
                _limit(getattr(resource, name), wanted)
            os.chdir(order["folder"])
            os.dup2(os.open(order["stdin"], os.O_RDONLY), 0)
            os.dup2(order["output_fd"], 1)
            os.dup2(order["output_fd"], 2)
            os.closerange(3, tell)
            os.closerange(tell + 1, 256)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGINT, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            os.execve(order["program"], [order["program"]], order["environment"])
        except OSError as error:
            os.write(tell, f"{error.strerror}".encode())
        finally:
            os._exit(_CANNOT_START)

    def _watch(self) -> None:
        """Sleep until something happens: the tool ends, the runner speaks or is gone, or a deadline is there."""
        grace_s = float(self._order["grace_s"])
        deadline = min(self._kill_at, self._until) if self._why else min(self._time_up, self._until - grace_s)
        sources = [self._woken] if self._control < 0 else [self._woken, self._control]
        ready, _, _ = select.select(sources, [], [], max(0.0, deadline - steady()))
        if self._woken in ready:
            os.read(self._woken, 4096)
        if self._control in ready:
            self._listen()
        now = steady()
        if not self._why and now >= self._time_up:
            self._stop("time is up")
        elif not self._why and now >= self._until - grace_s:
            self._stop("the lease was not renewed in time")
        elif self._why and now >= min(self._kill_at, self._until):
            self._signal(signal.SIGKILL)
            self._kill_at, self._until = now + _AGAIN_S, float("inf")

    def _listen(self) -> None:
        heard = os.read(self._control, 65536)
        if not heard:
            self._control = -1
            self._stop("the runner is gone")
            return
        *lines, self._pending = (self._pending + heard).split(b"\n")
        for line in map(json.loads, lines):
            if "stop" in line:
                self._stop(line["stop"])
            else:
                self._until = float(line["until"])

    def _stop(self, why: str) -> None:
        if not self._why:
            self._why = why
            self._kill_at = steady() + float(self._order["grace_s"])
            self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        _send(os.killpg, self._pid, number)

    def _reap(self) -> None:
        while (ended := _wait_for_any()) is not None:
            pid, status = ended
            if pid == self._pid:
                self._status = os.waitstatus_to_exitcode(status)

    def _sweep(self) -> int:
        """End what the tool left running, in its group and, where the system tells, outside of it."""
        left: set[int] = set()
        deadline = steady() + _SWEEP_S
        while steady() < deadline:
            self._signal(signal.SIGKILL)
            children = _children()
            left |= children
            for pid in children:
                _send(os.kill, pid, signal.SIGKILL)
            self._reap()
            if not _children():
                break
            time.sleep(0.002)
        return len(left)


def _limit(which: int, wanted: int) -> None:
    _, hard = resource.getrlimit(which)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (most, most))


def _send(send: Callable[[int, int], None], whom: int, number: int) -> None:
    """Signal a process or a group, which may be gone."""
    try:
        send(whom, number)
    except (ProcessLookupError, PermissionError):
        return


def _wait_for_any() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, status) if pid else None


def _children() -> set[int]:
    """The children of this process, the adopted among them."""
    found: set[int] = set()
    for tasks in Path("/proc/self/task").glob("*/children"):
        found.update(int(pid) for pid in tasks.read_text().split())
    return found


def main() -> None:
    """Keep the tool that the first line of standard input orders."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1)
        if not piece:
            return
        line += piece
    report = Keeper(json.loads(line), 0).keep()
    os.write(1, json.dumps(report).encode() + b"\n")


if __name__ == "__main__":
    main()
