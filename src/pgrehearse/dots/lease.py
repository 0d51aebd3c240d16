"""The lease: the right to act alone, for a limited time, in a term that only grows.

Takes a session with the store; gives a `Lease`, or None where somebody else holds it. Each act is one statement.

Three clocks are kept apart. The *server's* decides when a lease expires. The *holder's* own, which only goes
forward, says until when it may trust its lease: counted from the moment before the request was sent, so that it ends no
later than the server's. And the *term* orders what time cannot: the ledger takes rows of the newest term only, so a
holder that was stopped for an hour, and wakes up believing that it still holds, can write nothing.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, replace

from pgrehearse.dots.store import read_sql
from pgrehearse.pg.session import Session

_ACQUIRE = read_sql("acquire")
_RENEW = read_sql("renew")
_RELEASE = read_sql("release")
_LEASES = read_sql("leases")

Clock = Callable[[], float]
"""Seconds of a clock that only goes forward; see `clock.steady`."""


@dataclass(frozen=True, slots=True)
class Lease:
    """One holding of a lease, as its holder knows it.

    Attributes:
        name: What it is the right to.
        holder: Who holds it; no two processes, and no two starts of one, have the same.
        term: Which holding this is, from 1.
        ttl_s: How long it lasts after each request, by the server's clock.
        trusted_until: When the holder must have stopped, by its own clock.
    """

    name: str
    holder: str
    term: int
    ttl_s: float
    trusted_until: float


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A lease that is held now, as the store knows it; times are the server's, `2026-06-02T10:00:00.000Z`."""

    name: str
    holder: str
    term: int
    acquired_at: str
    expires_at: str


def make_holder(*, host: str = "", pid: int = 0, token: str = "") -> str:
    """A name that nobody else bears: host, process, and a token for this very start.

    Each part is the real one where it is not given. Process ids return, and hosts and containers share names: the
    token, 64 bits of chance, does not.
    """
    return f"{host or socket.gethostname()}:{pid or os.getpid()}:{token or secrets.token_hex(8)}"


def acquire(session: Session, name: str, holder: str, *, ttl_s: float, clock: Clock) -> Lease | None:
    """Take the lease, in a new term, where nobody holds it; None where somebody does, be it `holder` itself."""
    sent_at = clock()
    rows = session.fetch(_ACQUIRE, {"name": name, "holder": holder, "ttl_s": ttl_s})
    return Lease(name, holder, int(rows[0][0]), ttl_s, sent_at + ttl_s) if rows else None


def renew(session: Session, lease: Lease, *, clock: Clock) -> Lease | None:
    """The same lease with more time; None where it was lost, and then nothing was done."""
    sent_at = clock()
    rows = session.fetch(_RENEW, _key(lease) | {"ttl_s": lease.ttl_s})
    return replace(lease, trusted_until=sent_at + lease.ttl_s) if rows else None


def release(session: Session, lease: Lease) -> bool:
    """Give the lease back; False where it was lost, and then nothing was done."""
    return bool(session.fetch(_RELEASE, _key(lease)))


def held_leases(session: Session) -> tuple[HeldLease, ...]:
    """The leases that are held now, by name."""
    return tuple(HeldLease(*row) for row in session.fetch(_LEASES))


def _key(lease: Lease) -> dict[str, object]:
    return {"name": lease.name, "holder": lease.holder, "term": lease.term}
