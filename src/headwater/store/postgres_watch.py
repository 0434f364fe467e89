"""Word of changes by NOTIFY: one connection that listens, for as long as anybody in this process does.

Behind a pooler that gives each transaction another session, nothing that is listened to arrives. Such a pooler is known by
the process id that the server gives: it is not the one that was told when the connection was opened. Then, and while the
connection is lost, whoever waits is woken every second to look.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from headwater.store.changes import Changes, Watch
from headwater.store.database import Connection, Database
from headwater.store.postgres_connections import Address

CHANNEL = "headwater"
POLL_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 5.0


class PostgresWatch(Watch):
    """Hears what other processes announce. `address` must be that of a server, or of a pooler that keeps sessions."""

    def __init__(self, address: Address) -> None:
        self._address = address
        # Our own announcements come back to us, and were told of already.
        self._sender = uuid.uuid4().hex[:12]
        self._changes: Changes | None = None
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = threading.Event()
        self._looked_at = 0.0
        self._wake_reader, self._wake_writer = socket.socketpair()
        self.poll_seconds: float | None = POLL_SECONDS

    @property
    def is_listening(self) -> bool:
        """Whether changes come by themselves, so that nobody has to look."""
        return self.poll_seconds is None

    def attach(self, changes: Changes, rows: Callable[[str], list[Any]]) -> None:
        self._changes = changes

    def begin(self) -> None:
        with self._lock:
            if self._thread is None and not self._is_closed.is_set():
                self._thread = threading.Thread(target=self._listen_forever, name="headwater-listener", daemon=True)
                self._thread.start()

    def poll(self) -> bool:
        """Whether somebody must look because nothing has told us of changes for a second."""
        now = time.monotonic()
        if self.is_listening or now - self._looked_at < POLL_SECONDS:
            return False
        self._looked_at = now
        return True

    def announce(self, database: Database, connection: Connection, kinds: Iterable[str]) -> None:
        told = " ".join((self._sender, *sorted(kinds)))
        database.execute_later(connection, "SELECT pg_notify(?, ?)", (CHANNEL, told))

    def _listen_forever(self) -> None:
        pause = 0.05
        while not self._is_closed.is_set():
            try:
                with self._address.open() as connection:
                    row = connection.execute("SELECT pg_backend_pid()").fetchone()
                    if row is None or row[0] != connection.info.backend_pid:
                        # A pooler: there is nothing to hear on this connection.
                        return
                    connection.execute(f"LISTEN {CHANNEL}")
                    self.poll_seconds = None
                    pause = 0.05
                    self._hear(connection)
            except psycopg.Error:
                # Told of by those who read or write; here it is tried again until the store is closed.
                self.poll_seconds = POLL_SECONDS
            finally:
                if self._changes is not None:
                    # What was announced meanwhile was not heard; and who waits must now look for themselves.
                    self._changes.tell_all()
            self._is_closed.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    def _hear(self, connection: psycopg.Connection[Any]) -> None:
        """Hand on what is announced until the store is closed. Raises what psycopg raises when the connection is lost."""
        changes = self._changes
        assert changes is not None
        changes.tell_all()
        with selectors.DefaultSelector() as selector:
            selector.register(connection.fileno(), selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            while not self._is_closed.is_set():
                for notification in connection.notifies(timeout=0):
                    sender, *kinds = notification.payload.split()
                    if sender != self._sender:
                        changes.tell(kinds)
                selector.select()

    def close(self) -> None:
        self._is_closed.set()
        with contextlib.suppress(OSError):
            self._wake_writer.send(b".")
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2.0)
        self._wake_writer.close()
        self._wake_reader.close()
