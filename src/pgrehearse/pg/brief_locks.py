"""Reading in a transaction that goes on, without keeping the locks of it.

Takes a session; what is read inside keeps its snapshot, but locks nothing afterwards: a REINDEX or ALTER of the very
thing that was read need not wait for the end of the transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pgrehearse.pg.session import Session


@contextmanager
def brief_locks(session: Session) -> Iterator[None]:
    """Give back, afterwards, the locks taken inside; outside a transaction each query gives back its own.

    Raises:
        ConnectionLostError: The server is gone.
    """
    if not session.is_in_transaction:
        yield
        return
    session.run("SAVEPOINT pgrehearse")
    try:
        yield
    finally:
        if not session.is_lost:
            session.run("ROLLBACK TO pgrehearse; RELEASE pgrehearse")
