"""How long silence is borne, and what ends it: a network can fail without a word, and a waiting client never learns.

Takes a connection that waits; gives nothing while the server is at work for it, or an error. Two nets, for two kinds of
silence: keepalives, on both sides, where the other machine is gone; a question by another connection, where something
in between still answers for it (a proxy that hangs, a forgotten NAT entry, a frozen server).
"""

from __future__ import annotations

import select
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import psycopg
from psycopg import pq
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo

CLIENT_DEFAULTS: Mapping[str, int] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""Of libpq, where the conninfo says nothing else: within a minute, this side notices that the other is gone."""

SERVER_KEEPALIVES = (
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "60s"),
)
"""Of the server: within a minute, it ends a session whose tool is gone, in a transaction or not."""

_IS_IDLE = "SELECT state LIKE 'idle%%' FROM pg_stat_activity WHERE pid = %s"
_ON_ITS_WAY_S = 1.0

_Value = TypeVar("_Value")


class PatientConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that, once silent for `patience_s`, asks by another one whether the server is still at work."""

    patience_s = float(CLIENT_DEFAULTS["connect_timeout"])
    _heard = 0.0

    def wait(self, gen: PQGen[_Value], *how: Any, **named: Any) -> _Value:
        """Drive the driver's generator to its end as the driver does, but not through endless silence."""
        return super().wait(self._patiently(gen), *how, **named)

    def _patiently(self, gen: PQGen[_Value]) -> PQGen[_Value]:
        self.note(heard=True)
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                self.note(heard=bool(ready))
                wanted = gen.send(ready)
        except StopIteration as end:
            value: _Value = end.value
            return value

    def note(self, *, heard: bool) -> None:
        """Something has come from the server, or a wait begins; or else nothing has come.

        Raises:
            psycopg.errors.ConnectionTimeout: Nothing has come for too long, and the server is not at work for this
                connection, which is now closed.
        """
        now = time.monotonic()
        if heard:
            self._heard = now
        elif self._is_waiting() and now > self._heard + self.patience_s:
            self._see_that_it_is_at_work()

    def _is_waiting(self) -> bool:
        return self.pgconn.transaction_status == pq.TransactionStatus.ACTIVE

    def _see_that_it_is_at_work(self) -> None:
        if self._is_forgotten() and not select.select([self.pgconn.socket], [], [], _ON_ITS_WAY_S)[0]:
            self.close()
            raise psycopg.errors.ConnectionTimeout(f"no word from the server for {self.patience_s:g} s")
        self._heard = time.monotonic()

    def _is_forgotten(self) -> bool:
        """Whether the server is out of reach, or has nothing to do for this connection any more.

        One that refuses the question is there, if only to say that it has no connections left: it is waited for.
        """
        conninfo = make_conninfo(self.info.dsn, password=self.info.password, application_name="pgrehearse")
        try:
            with _Question.connect(conninfo, autocommit=True) as question:
                question.patience_s = self.patience_s
                row = question.execute(_IS_IDLE, (self.info.backend_pid,)).fetchone()
        except psycopg.errors.ConnectionTimeout:
            return True
        except psycopg.Error:
            return False
        return row is None or bool(row[0])


class _Question(PatientConnection):
    """The other connection: where it is not answered either, nobody is asked any more."""

    def _is_forgotten(self) -> bool:
        return True
