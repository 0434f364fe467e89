"""The worker's end of its socket: whole messages in both directions, from any thread."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from headwater.service.protocol import Frames, Message, decode, encode

_READ_BYTES = 1 << 18


class Channel:
    """A connected socket. `send` may be called in any thread; `messages` in one."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._frames = Frames()
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def send(self, message: Message) -> None:
        """Send a message whole. Raises MessageTooLarge, and OSError when the other end is gone.

        A child that a step forked has the socket too, and says nothing over it: its frames would cut into others.
        """
        if os.getpid() != self._pid:
            return
        data = encode(message)
        with self._lock:
            self._connection.sendall(data)

    def messages(self, kind: Any) -> Iterator[Any]:
        """Yield what comes until the other end closes."""
        while True:
            try:
                data = self._connection.recv(_READ_BYTES)
            except OSError:
                return
            if not data:
                return
            for body in self._frames.take(data):
                yield decode(kind, body)

    def close(self) -> None:
        self._connection.close()
