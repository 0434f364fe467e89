"""A way to a PostgreSQL server that can be cut: it hands bytes to and fro, and breaks off when it is told to."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit


class CuttableWay:
    """Listens on a port of this machine and connects through to the server of a URL."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self._folder = query.pop("host", None)
        self._server = (parts.hostname, parts.port or 5432)
        self._open_pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.is_open = True
        # The next message of a client that holds this is handed on, but the answer never comes.
        self.cut_after: bytes | None = None
        port = self._listener.getsockname()[1]
        user = parts.username or "postgres"
        password = f":{parts.password}" if parts.password else ""
        self.url = urlunsplit(parts._replace(netloc=f"{user}{password}@127.0.0.1:{port}", query=urlencode(query)))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def connections(self) -> int:
        return len(self._open_pairs)

    def cut(self) -> None:
        """Break every connection off."""
        for pair in list(self._open_pairs):
            self._end(pair)

    def close(self) -> None:
        """Break off, and let nobody through any more."""
        self.is_open = False
        self.cut()

    def open(self) -> None:
        self.is_open = True

    def stop(self) -> None:
        self.close()
        self._listener.close()

    def _connect(self) -> socket.socket:
        if self._folder is None:
            return socket.create_connection(self._server)
        there = socket.socket(socket.AF_UNIX)
        (path,) = Path(self._folder).glob(".s.PGSQL.*[0-9]")
        there.connect(str(path))
        return there

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if not self.is_open:
                    client.close()
                    continue
                pair = (client, self._connect())
                self._open_pairs.append(pair)
                for source, target in (pair, pair[::-1]):
                    threading.Thread(target=self._hand_on, args=(pair, source, target), daemon=True).start()

    def _hand_on(self, pair: tuple[socket.socket, socket.socket], source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65_536):
                if source is pair[0] and self.cut_after is not None and self.cut_after in content:
                    self.cut_after = None
                    # The client is cut off first, so that no answer can reach it.
                    source.shutdown(socket.SHUT_RDWR)
                    target.sendall(content)
                    break
                target.sendall(content)
        self._end(pair)

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with contextlib.suppress(ValueError):
            self._open_pairs.remove(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextlib.contextmanager
def cuttable_way(url: str) -> Iterator[CuttableWay]:
    way = CuttableWay(url)
    try:
        yield way
    finally:
        way.stop()
