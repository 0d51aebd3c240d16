"""The network between the tool and the server, which can be cut: a TCP port in front of the server's socket.

Takes a server's Unix socket; gives a port on 127.0.0.1. One thread carries the bytes; what it is told to do reaches it
through a pair of sockets, so that nothing is polled.
"""

from __future__ import annotations

import selectors
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Event, Thread

_RESET_AT_CLOSE = struct.pack("ii", 1, 0)
_PIECE = 65_536


class Cable:
    """A cable that is whole until it is cut; `mend` lays a new one.

    Args:
        server_socket: The path of the socket that the server listens on.
    """

    def __init__(self, server_socket: str) -> None:
        self._server_socket = server_socket
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self._bell, self._ear = socket.socketpair()
        self._orders: SimpleQueue[tuple[Callable[[], None], Event]] = SimpleQueue()
        self._other_end: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._is_closed = False
        for ear in (self._listener, self._ear):
            self._selector.register(ear, selectors.EVENT_READ)
        self._thread = Thread(target=self._carry, name="cable", daemon=True)
        self._thread.start()

    def __enter__(self) -> Cable:
        return self

    def __exit__(self, *_: object) -> None:
        self._order(self._close)
        self._thread.join()
        self._bell.close()
        self._ear.close()

    @property
    def connections(self) -> int:
        """How many connections run through it now."""
        return len(self._other_end) // 2

    def reset(self) -> None:
        """Both sides are told at once: the connections are reset, and new ones are refused."""
        self._order(self._reset)

    def fall_silent(self) -> None:
        """Nobody is told anything: connections stay open, new ones are taken, and no byte comes through."""
        self._order(self._fall_silent)

    def forget(self) -> None:
        """The connections that are open fall silent; new ones come through."""
        self._order(self._forget)

    def mend(self) -> None:
        """What was cut is closed on both sides; new connections come through again."""
        self._order(self._mend)

    def _order(self, act: Callable[[], None]) -> None:
        done = Event()
        self._orders.put((act, done))
        self._bell.send(b"!")
        done.wait()

    # What follows runs in the thread ---------------------------------------------------------------------------------

    def _carry(self) -> None:
        while not self._is_closed:
            for key, _ in self._selector.select():
                if key.fileobj is self._ear:
                    self._obey()
                elif key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._other_end:
                    self._pass_on(key.fileobj)

    def _obey(self) -> None:
        self._ear.recv(1)
        act, done = self._orders.get()
        act()
        done.set()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self._server_socket)
        except OSError:
            server.close()
            client.close()
            return
        self._other_end |= {client: server, server: client}
        for end in (client, server):
            self._selector.register(end, selectors.EVENT_READ)

    def _pass_on(self, end: socket.socket) -> None:
        try:
            piece = end.recv(_PIECE)
            if piece:
                self._other_end[end].sendall(piece)
        except OSError:
            piece = b""
        if not piece:
            self._hang_up(end)

    def _hang_up(self, end: socket.socket) -> None:
        other = self._other_end.pop(end)
        self._other_end.pop(other)
        for one in (end, other):
            with suppress(KeyError):  # it had fallen silent
                self._selector.unregister(one)
            one.close()

    def _reset(self) -> None:
        for end in list(self._other_end):
            if end.family == socket.AF_INET:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        while self._other_end:
            self._hang_up(next(iter(self._other_end)))
        self._selector.unregister(self._listener)
        self._listener.close()

    def _fall_silent(self) -> None:
        self._selector.unregister(self._listener)
        self._forget()

    def _forget(self) -> None:
        for end in self._other_end:
            self._selector.unregister(end)

    def _mend(self) -> None:
        while self._other_end:
            self._hang_up(next(iter(self._other_end)))
        if self._listener.fileno() < 0:
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        with suppress(KeyError):  # it is listened to already
            self._selector.register(self._listener, selectors.EVENT_READ)

    def _close(self) -> None:
        while self._other_end:
            self._hang_up(next(iter(self._other_end)))
        self._listener.close()
        self._selector.close()
        self._is_closed = True
