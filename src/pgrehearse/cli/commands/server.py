"""`pgrehearse server`: start the embedded server, look at it, stop it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pgrehearse.server import Binaries, Server, Status

_MAJOR = click.option("--major", type=int, metavar="N", help="PostgreSQL's major version, 15 to 18.")
_FORMAT = click.option(
    "--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True
)


@click.group()
def server() -> None:
    """The embedded PostgreSQL server, one for each major version.

    It is started by the first command that needs it, serves any number of them, and runs until it is stopped.
    """


@server.command()
@_MAJOR
@click.option(
    "--bin-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of PostgreSQL's programs to use, in place of those found.",
)
@_FORMAT
def start(major: int | None, bin_dir: Path | None, output_format: str) -> None:
    """Start the server, if it does not run already."""
    from pgrehearse.server import shared_server, status_of  # noqa: PLC0415

    _show([status_of(shared_server(wanted_major=major, bin_dir=bin_dir))], output_format)


@server.command()
@_FORMAT
def status(output_format: str) -> None:
    """Say which servers there are, where, and what they are doing. Starts none."""
    from pgrehearse.server import shared_servers  # noqa: PLC0415

    _show(shared_servers(), output_format)


@server.command()
@_MAJOR
def stop(major: int | None) -> None:
    """Stop the server and wait for its end. Its sessions end; its databases stay for the next start."""
    from pgrehearse.server import stop_shared_servers  # noqa: PLC0415

    stopped = stop_shared_servers(wanted_major=major)
    for one in stopped:
        click.echo(f"PostgreSQL {one.binaries.version} is stopped.")
    if not stopped:
        click.echo("No embedded server was running.")


def _show(statuses: Sequence[Status], output_format: str) -> None:
    if output_format == "json":
        click.echo(json.dumps([_to_record(one) for one in statuses], indent=2))
    elif statuses:
        click.echo("\n\n".join(_to_text(one) for one in statuses))
    else:
        click.echo("No embedded server was started yet.")


def _to_text(status: Status) -> str:
    facts = {"binaries": _origin(status.server.binaries), **_places(status.server)}
    lines = (f"  {name:<10}{value}" for name, value in facts.items())
    return "\n".join([_headline(status), *lines])


def _headline(status: Status) -> str:
    name = f"PostgreSQL {status.server.binaries.version} is {status.state.value}"
    if status.started_at is None:
        return name
    sessions = "1 session" if status.sessions == 1 else f"{status.sessions} sessions"
    return f"{name}, process {status.pid}, for {_duration(_uptime_s(status.started_at))}, {sessions}"


def _origin(binaries: Binaries) -> str:
    missing = f"; missing: {', '.join(binaries.missing)}" if binaries.missing else ""
    return f"{binaries.bin_dir}\n{'':12}taken: {binaries.why}{missing}"


def _places(server: Server) -> dict[str, str]:
    return {
        "connect": f'-d "{server.conninfo()}"',
        "socket": str(server.socket_dir),
        "data": str(server.data_dir),
        "log": str(server.log),
    }


def _to_record(status: Status) -> dict[str, object]:
    server, binaries = status.server, status.server.binaries
    return {
        "version": binaries.version,
        "major": binaries.major,
        "state": status.state.value,
        "pid": status.pid,
        "uptime_s": None if status.started_at is None else _uptime_s(status.started_at),
        "sessions": status.sessions,
        "binaries": {
            "bin_dir": str(binaries.bin_dir),
            "origin": binaries.origin,
            "why": binaries.why,
            "missing": list(binaries.missing),
        },
        "conninfo": server.conninfo(),
        "socket_dir": str(server.socket_dir),
        "port": server.port,
        "data_dir": str(server.data_dir),
        "log": str(server.log),
    }


def _uptime_s(started_at: int) -> int:
    return max(0, int(time.time()) - started_at)


def _duration(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
