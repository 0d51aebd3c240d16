"""A copy by the server itself: CREATE DATABASE … TEMPLATE.

The fastest, and exact to the page. The source must be on the same server with nobody connected, and nobody can connect
to it until the copy is done.
"""

from __future__ import annotations

from pgrehearse.clones.strategies.strategy import Copying
from pgrehearse.pg.identifiers import quote_identifier

FILE_COPY_FROM_BYTES = 32 * 1024 * 1024
"""Size from which copying files, with the two checkpoints that it takes, is cheaper than writing all pages to WAL."""


def copy(copying: Copying) -> None:
    """Make the copy.

    Raises:
        ServerError: Somebody is connected to the source (55006), or it is not the role's to copy (42501).
    """
    source = copying.source
    is_large = (source.size_bytes or 0) >= FILE_COPY_FROM_BYTES
    copying.into.create(
        f"TEMPLATE {quote_identifier(source.name)} STRATEGY {'file_copy' if is_large else 'wal_log'}",
        owner=copying.owner,
    )
