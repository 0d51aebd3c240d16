"""One session with a server: a script's statements byte for byte, and pgrehearse's own queries.

Takes a conninfo; gives results and messages as records. Statements of a script travel one a message by the extended
protocol, so that a missed semicolon can never smuggle a COMMIT past the plan. The driver's exceptions do not leave
this room.
"""

from __future__ import annotations

import re
import select
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

import psycopg
from psycopg import pq

from pgrehearse.errors import ConnectionLostError, ServerError
from pgrehearse.pg.answer import Answer
from pgrehearse.pg.connecting import connect
from pgrehearse.pg.diagnostics import CONNECTION_FAILURE, LOST, error_of, message_of
from pgrehearse.pg.own_query import Parameters, ask
from pgrehearse.pg.result import Result, ServerMessage

ROW_CAP = 1_000
"""Rows of a result set that are kept; the others are counted and dropped."""

MESSAGE_CAP = 20_000
"""Messages that are kept between two calls of `take_messages`; the others are counted and dropped."""

_ENDS = ("FATAL", "PANIC")
_LAST_WORDS = re.compile(r"(?:FATAL|PANIC): +(.*)")

_CHUNK_ROWS = 500
_POLL_S = 0.05
_CANCEL_EVERY_S = 0.5
_CANCELS = 4

_COPIES_IN = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*copy\b.*\bstdin\b", re.IGNORECASE | re.DOTALL)

_COPY_ENDED = {pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH}


class Session:
    """An open session in autocommit; lives until `close`, and is used by one thread at a time.

    Args:
        conninfo: libpq's connection string; PG* variables of the environment fill what it leaves out.
        application_name: What the server shows; the stage says `psql`, because triggers read it.
        settings: Parameters of the server for the whole session, given at connection start so that RESET ALL and
            DISCARD ALL come back to them.

    Raises:
        TargetError: The server cannot be reached or refuses the connection.
    """

    def __init__(
        self,
        conninfo: str,
        *,
        application_name: str = "pgrehearse",
        settings: Sequence[tuple[str, str]] = (),
    ) -> None:
        self._messages: list[ServerMessage] = []
        self._deaf: Exception | None = None
        self._last_words = ""
        self.hears: Callable[[ServerMessage], bool] = _everything
        """Told each message as it arrives; says whether it is kept."""
        self.must_end: Callable[[], bool] = never
        """Asked again and again while a statement of a script runs; where it says so, the statement is cancelled."""
        self.dropped_messages = 0
        self._connection = connect(conninfo, application_name=application_name, settings=settings)
        self._connection.add_notice_handler(self._hear)
        self._connection.prepare_threshold = None
        self.pid = self._connection.info.backend_pid
        self.server_version = self._connection.info.server_version

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the session; the server rolls back what is open. Never raises."""
        with suppress(psycopg.Error):
            self._connection.close()

    # What the session knows by itself ------------------------------------------------------------------------------

    @property
    def is_lost(self) -> bool:
        """Whether the connection is gone."""
        return self._connection.closed or self._connection.pgconn.status != pq.ConnStatus.OK

    @property
    def is_in_transaction(self) -> bool:
        """Whether the server said at the end of its last answer that a transaction is open, sound or failed."""
        return self._status() in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)

    @property
    def is_in_failed_transaction(self) -> bool:
        """Whether the server ignores commands until the end of the transaction."""
        return self._status() == pq.TransactionStatus.INERROR

    def _status(self) -> pq.TransactionStatus:
        return pq.TransactionStatus(self._connection.pgconn.transaction_status)

    def parameter(self, name: str) -> str:
        """A parameter that the server reports by itself (`server_version`, `client_encoding`, …)."""
        return self._connection.info.parameter_status(name) or ""

    def _hear(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        message = message_of(diagnostic)
        if message.severity in _ENDS:
            self._last_words = message.text
        try:
            is_kept = self.hears(message)
        except Exception as error:  # noqa: BLE001 - the driver would log it and go on: `take_messages` raises it
            self._deaf = self._deaf or error
            return
        if not is_kept:
            return
        if len(self._messages) < MESSAGE_CAP:
            self._messages.append(message)
        else:
            self.dropped_messages += 1

    def take_messages(self) -> tuple[ServerMessage, ...]:
        """The messages received since the last call, oldest first, up to the cap; raises what `hears` raised."""
        if self._deaf:
            raise self._deaf
        taken = tuple(self._messages)
        self._messages.clear()
        return taken

    # pgrehearse's own queries ----------------------------------------------------------------------------------------

    def fetch(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run one query of pgrehearse's own; give its rows, typed by the driver, or none.

        Several statements without parameters travel in one message; the rows are those of the last one.

        Raises:
            ServerError: The server refused it.
            ConnectionLostError: The server is gone.
        """
        try:
            return ask(self._connection, sql, parameters)
        except psycopg.Error as error:
            raise self._translated(error) from error

    def run(self, sql: str) -> None:
        """Run one or more statements of pgrehearse's own, by the simple protocol, and drop their results.

        Raises:
            ServerError: The server refused one of them; what stood before it in `sql` is undone too.
            ConnectionLostError: The server is gone.
        """
        self.fetch(sql)

    def copy_out(self, sql: str) -> Iterable[bytes]:
        """The data of a `COPY … TO STDOUT` of pgrehearse's own, in pieces."""
        try:
            with self._connection.cursor() as cursor, cursor.copy(sql.encode()) as copy:
                for piece in copy:
                    yield bytes(piece)
        except psycopg.Error as error:
            raise self._translated(error) from error

    def notifications(self, *, timeout_s: float) -> list[tuple[str, str, int]]:
        """Notifications received within `timeout_s`: channel, payload, pid of the sender."""
        try:
            return [
                (n.channel, n.payload, n.pid)
                for n in self._connection.notifies(timeout=timeout_s, stop_after=None)
            ]
        except psycopg.Error as error:
            raise self._translated(error) from error

    def cancel(self) -> bool:
        """Ask the server to cancel the running statement; whether it could be asked. Any thread may; never raises."""
        try:
            self._connection.cancel_safe(timeout=5.0)
        except psycopg.Error:
            return False
        return True

    def _translated(self, error: psycopg.Error) -> ServerError | ConnectionLostError:
        if self.is_lost:
            return ConnectionLostError(
                self._how_lost(error),
                detail=str(error).strip(),
                hint="Look into the server's log, and run the rehearsal again: a lost transaction is rolled back.",
            )
        diag = error.diag
        return ServerError(
            diag.message_primary or str(error).strip(),
            sqlstate=diag.sqlstate or "",
            detail=diag.message_detail or "",
            hint=diag.message_hint or "",
            context=diag.context or "",
        )

    def _how_lost(self, error: psycopg.Error | None) -> str:
        """That the connection is gone, and why, where the server had the time to say it."""
        with suppress(psycopg.Error):  # of a connection that this side has closed
            said = _LAST_WORDS.match(self._connection.pgconn.error_message.decode(errors="replace"))
            self._last_words = said[1] if said else self._last_words
        if error and not self._last_words:
            self._last_words = error.diag.message_primary or ""
        return f"{LOST}: {self._last_words}" if self._last_words else LOST

    # A script's statements -------------------------------------------------------------------------------------------

    def execute(
        self,
        text: str,
        *,
        parameters: Sequence[str | None] | None = None,
        row_cap: int = ROW_CAP,
        copy_data: Callable[[], Iterable[bytes]] | None = None,
    ) -> Result:
        r"""Send one statement of a script as it stands, and wait for its result.

        Args:
            text: One statement; the server refuses two.
            parameters: Values for `$1` …, as psql's `\bind` gives them.
            row_cap: Rows to keep.
            copy_data: Called when the server asks for COPY data.

        Returns:
            The result; an error of the server is part of it. A lost connection is an error with SQLSTATE 08006 where
            the server could not say more.
        """
        if copy_data is not None and parameters is None and _COPIES_IN.match(text):
            return self._execute_copy(text, copy_data)
        encoded = None if parameters is None else [None if p is None else p.encode() for p in parameters]
        return self._exchange(
            lambda: self._connection.pgconn.send_query_params(text.encode(), encoded),
            row_cap=row_cap,
            copy_data=copy_data,
        )

    def _execute_copy(self, text: str, copy_data: Callable[[], Iterable[bytes]]) -> Result:
        """Send a COPY as psql does, once the server has read it as one statement and no more.

        By the extended protocol, an error between the server's wish for data and their arrival (a trigger's, a view's)
        leaves one end of an answer too many behind, which would end the next statement's answer before it came.
        """
        read = self.prepare("", text)
        if read.error:
            return read
        return self._exchange(lambda: self._connection.pgconn.send_query(text.encode()), copy_data=copy_data)

    def prepare(self, name: str, text: str) -> Result:
        r"""Prepare `text` under `name` by the protocol, as psql's `\parse` does."""
        return self._exchange(lambda: self._connection.pgconn.send_prepare(name.encode(), text.encode()))

    def execute_prepared(
        self, name: str, parameters: Sequence[str | None], *, row_cap: int = ROW_CAP
    ) -> Result:
        r"""Execute what `prepare` prepared, as psql's `\bind_named` does."""
        encoded = [None if p is None else p.encode() for p in parameters]
        return self._exchange(
            lambda: self._connection.pgconn.send_query_prepared(name.encode(), encoded), row_cap=row_cap
        )

    def close_prepared(self, name: str) -> Result:
        r"""Forget what `prepare` prepared, as psql's `\close_prepared` does."""
        return self._exchange(lambda: self._connection.pgconn.send_close_prepared(name.encode()))

    def describe(self, text: str) -> Result:
        r"""The columns that `text` would give, without running it, as psql's `\gdesc` does."""
        prepared = self.prepare("", text)
        if prepared.error:
            return prepared
        return self._exchange(lambda: self._connection.pgconn.send_describe_prepared(b""))

    def _exchange(
        self,
        send: Callable[[], None],
        *,
        row_cap: int = ROW_CAP,
        copy_data: Callable[[], Iterable[bytes]] | None = None,
    ) -> Result:
        try:
            send()
            with suppress(psycopg.Error, psycopg.NotSupportedError):
                self._connection.pgconn.set_chunked_rows_mode(_CHUNK_ROWS)
            return self._collect(Answer(row_cap), copy_data)
        except psycopg.Error as error:
            return Result(tag="", error=error_of(error, lost=self._how_lost(error) if self.is_lost else ""))
        except BaseException:
            # Ctrl-C, or COPY data that cannot be read: the server must stop too, and the session stay usable.
            self._abandon()
            raise

    def _abandon(self) -> None:
        """Cancel what runs, at once, and close the session where the script catches that again and again."""
        self.must_end = _always
        with suppress(psycopg.Error):
            while (result := self._next_result()) is not None:
                if result.status == pq.ExecStatus.COPY_IN:
                    self._connection.pgconn.put_copy_end(b"abandoned")

    def _collect(self, collector: Answer, copy_data: Callable[[], Iterable[bytes]] | None) -> Result:
        pgconn = self._connection.pgconn
        while (result := self._next_result()) is not None:
            if result.status == pq.ExecStatus.COPY_IN:
                self._send_copy(copy_data)
                collector.copy = "in"
            elif result.status in _COPY_ENDED:
                self._receive_copy(collector)
            else:
                collector.add(result, pgconn)
        if self.is_lost and (collector.error is None or collector.error.sqlstate == CONNECTION_FAILURE):
            collector.error = error_of(None, lost=self._how_lost(None))
        return collector.result()

    def _next_result(self) -> pq.abc.PGresult | None:
        """Wait for the next result; none where the session had to be closed."""
        pgconn = self._connection.pgconn
        for _ in self._moments():
            if not (pgconn.flush() or pgconn.is_busy()):
                return pgconn.get_result()
        return None

    def _moments(self) -> Iterator[None]:
        """Come back whenever something may have come; the session is closed where that is of no use any more.

        A statement that must end is cancelled first, as often as the script catches it.
        """
        pgconn = self._connection.pgconn
        self._connection.note(heard=True)
        cancelled, last = 0, 0.0
        while True:
            yield
            if self.must_end() and time.monotonic() > last + _CANCEL_EVERY_S:
                if cancelled == _CANCELS or not self.cancel():
                    # The server ends a statement whose client is gone: client_connection_check_interval.
                    self.close()
                    return
                cancelled, last = cancelled + 1, time.monotonic()
            heard = bool(select.select([pgconn.socket], [], [], _POLL_S)[0])
            self._connection.note(heard=heard)
            if heard:
                pgconn.consume_input()

    def _send_copy(self, copy_data: Callable[[], Iterable[bytes]] | None) -> None:
        pgconn = self._connection.pgconn
        if copy_data is None:
            pgconn.put_copy_end(b"no data for COPY")
            return
        for piece in copy_data():
            if self.must_end():
                break
            pgconn.put_copy_data(piece)
        pgconn.put_copy_end(b"it must end" if self.must_end() else None)

    def _receive_copy(self, collector: Answer) -> None:
        collector.copy = "out"
        for _ in self._moments():
            size, data = self._connection.pgconn.get_copy_data(1)
            while size > 0:
                collector.add_copied(bytes(data))
                size, data = self._connection.pgconn.get_copy_data(1)
            if size < 0:
                return


def _everything(_message: ServerMessage) -> bool:
    return True


def never() -> bool:
    """What asks for no end: the default wherever somebody may ask for one."""
    return False


def _always() -> bool:
    return True
