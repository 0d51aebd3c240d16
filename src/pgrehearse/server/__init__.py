"""A local PostgreSQL: its binaries found, a server of one's own started, shared and cleaned up after.

Takes no conninfo; gives a `Server` that answers on a Unix socket in a private folder.
"""

from __future__ import annotations

from pgrehearse.server.binaries import Binaries, Skipped, Survey, all_binaries, find_binaries, survey
from pgrehearse.server.private import private_server
from pgrehearse.server.server import Server, State
from pgrehearse.server.shared import Status, shared_server, shared_servers, status_of, stop_shared_servers

__all__ = [
    "Binaries",
    "Server",
    "Skipped",
    "State",
    "Status",
    "Survey",
    "all_binaries",
    "find_binaries",
    "private_server",
    "shared_server",
    "shared_servers",
    "status_of",
    "stop_shared_servers",
    "survey",
]
