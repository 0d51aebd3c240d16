"""How a session's connection is opened: libpq's conninfo, with what pgrehearse adds to it.

Takes a conninfo and settings; gives a connection, or an error that says what to do.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from pgrehearse.errors import TargetError
from pgrehearse.pg.patience import CLIENT_DEFAULTS, SERVER_KEEPALIVES, PatientConnection


def connect(
    conninfo: str, *, application_name: str, settings: Sequence[tuple[str, str]]
) -> PatientConnection:
    """Open a connection in autocommit; `settings` are the server's parameters for the whole session.

    Raises:
        TargetError: The server cannot be reached or refuses the connection.
    """
    try:
        given = psycopg.conninfo.conninfo_to_dict(conninfo)
        ours = [*SERVER_KEEPALIVES, *settings]
        options = " ".join([str(given.get("options") or ""), *(f"-c {_option(k, v)}" for k, v in ours)])
        extra: dict[str, Any] = {"application_name": application_name, "client_encoding": "UTF8"}
        extra["options"] = options.strip()
        extra |= {name: given.get(name, value) for name, value in CLIENT_DEFAULTS.items()}
        connection = PatientConnection.connect(make_conninfo(conninfo, **extra), autocommit=True)
        connection.patience_s = float(extra["connect_timeout"])
        return connection
    except psycopg.Error as error:
        _let_go(error)
        first, _, rest = str(error).strip().partition("\n")
        raise TargetError(
            f"cannot connect to the target: {first}",
            detail=rest.strip(),
            hint="Check -d and the PG* variables; `pgrehearse doctor` says what is missing.",
        ) from error


def _let_go(error: psycopg.Error) -> None:
    """Free what the driver keeps of an attempt that timed out.

    It leaves the attempt, in a cycle, to the garbage collector; until that comes by, the socket is open, and a backend
    that was only slow to start would sit there idle.
    """
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        error.__traceback__ = None
        gc.collect()


def _option(name: str, value: str) -> str:
    """A setting for libpq's `options`, where spaces and backslashes are escaped by a backslash."""
    return f"{name}={value}".replace("\\", "\\\\").replace(" ", "\\ ")
