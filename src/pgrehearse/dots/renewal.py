"""The thread that keeps a lease: it renews until it is told to stop or the lease is lost.

Takes a lease and the store's conninfo; tells of each renewal, and of the loss. An unreachable server is asked again for
as long as the lease may be trusted.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from pgrehearse.dots.lease import Clock, Lease, renew
from pgrehearse.errors import ConnectionLostError, ServerError, TargetError
from pgrehearse.pg.session import Session

_SHARE = 3
_AGAIN_S = 0.2


class Renewal:
    """Keeps `lease` from `start` to `stop`.

    Args:
        conninfo: Of the store.
        lease: What to keep.
        clock: Of the holder; see `clock.steady`.
        renewed: Told the time until which the lease may now be trusted.
        lost: Told once, where the lease is lost.
    """

    def __init__(
        self,
        conninfo: str,
        lease: Lease,
        *,
        clock: Clock,
        renewed: Callable[[float], None],
        lost: Callable[[], None],
    ) -> None:
        self.lease = lease
        self.is_lost = False
        self._conninfo = conninfo
        self._clock = clock
        self._renewed = renewed
        self._lost = lost
        self._over = threading.Event()
        self._session: Session | None = None
        self._thread = threading.Thread(target=self._keep, name=f"lease {lease.name}", daemon=True)

    def __enter__(self) -> Renewal:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _keep(self) -> None:
        pause_s = self.lease.ttl_s / _SHARE
        try:
            while not self._over.wait(pause_s):
                renewed = self._renew()
                if renewed is None:
                    self.is_lost = True
                    self._lost()
                    return
                if renewed is not self.lease:
                    self.lease = renewed
                    self._renewed(renewed.trusted_until)
                    pause_s = self.lease.ttl_s / _SHARE
                else:
                    pause_s = min(_AGAIN_S, self.lease.ttl_s / 10)
        finally:
            if self._session is not None:
                self._session.close()

    def _renew(self) -> Lease | None:
        """The lease with more time; the same where the server did not answer; None where it is lost."""
        if self._clock() >= self.lease.trusted_until:
            return None
        try:
            self._session = self._session or Session(self._conninfo, application_name="pgrehearse lease")
            return renew(self._session, self.lease, clock=self._clock)
        except (ConnectionLostError, TargetError, ServerError):
            if self._session is not None:
                self._session.close()
            self._session = None
            return self.lease
