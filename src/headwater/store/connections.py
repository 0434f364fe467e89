"""SQLite as a database: how connections are opened, lent to readers, and how its errors become ours."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from headwater.model.errors.store import (
    NotAStore,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreNotWritable,
)
from headwater.store.changes import Changes, Watch
from headwater.store.database import SQLITE, Connection, Database
from headwater.store.statements import EVENT_COLUMNS, chunks, insert_sql

IN_MEMORY = ":memory:"


def open_connection(path: str, busy_timeout_seconds: float, durability: str) -> sqlite3.Connection:
    """Open a connection whose transactions we begin and end ourselves."""
    # Readers and the writer are lent from thread to thread under our own locks.
    connection = sqlite3.connect(
        path, timeout=busy_timeout_seconds, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    if path == IN_MEMORY:
        return connection
    _use_log(connection, busy_timeout_seconds)
    connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
    connection.execute("PRAGMA cache_size = -8000")
    # Copying the log into the file costs as much as writing it: at 16 MB a page is copied once for many changes.
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    return connection


def _use_log(connection: sqlite3.Connection, busy_timeout_seconds: float) -> None:
    """Turn the write-ahead log on. Two processes that make one store at once get BUSY here without SQLite waiting."""
    deadline = time.monotonic() + busy_timeout_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)


def check_place(path: Path) -> None:
    """Make the directory of a new store; refuse a place that cannot be one. Raises NotAStore, StoreNotWritable.

    The file is not looked into: closing it would take away the locks that SQLite holds on it for other connections of this
    process, and another process could remove the log that these still read.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise NotAStore(str(path), "it is a directory")
    except OSError as error:
        raise StoreNotWritable(str(path), error.strerror or str(error)) from error


def store_error(error: sqlite3.Error, path: str, busy_timeout_seconds: float) -> StoreError:
    """Return what an error of SQLite means to the user."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(path)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(path, busy_timeout_seconds)
    if code == sqlite3.SQLITE_NOTADB:
        return NotAStore(path, "it is not an SQLite database")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreNotWritable(path, str(error))
    return StoreDamaged(path, str(error))


class SqliteDatabase(Database):
    """A file that several processes may share, or a private database in memory."""

    dialect = SQLITE
    error_type = sqlite3.Error

    def __init__(self, path: str, *, durability: str, busy_timeout_seconds: float) -> None:
        super().__init__(path)
        self.is_private = path == IN_MEMORY
        self._durability = durability
        self._busy_timeout_seconds = busy_timeout_seconds

    def connect(self) -> Connection:
        return cast(Connection, open_connection(self.name, self._busy_timeout_seconds, self._durability))

    def begin(self, connection: Connection) -> None:
        # SQLite has one writer: take the lock now, rather than fail at COMMIT when the work is already done.
        connection.execute("BEGIN IMMEDIATE")

    def begin_if_free(self, connection: Connection) -> bool:
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            self.begin(connection)
        except sqlite3.OperationalError:
            return False
        finally:
            connection.execute(f"PRAGMA busy_timeout = {round(self._busy_timeout_seconds * 1_000)}")
        return True

    def is_open(self, connection: Connection) -> bool:
        return cast(sqlite3.Connection, connection).in_transaction

    def roll_back(self, connection: Connection) -> None:
        if self.is_open(connection):
            connection.execute("ROLLBACK")

    def table_names(self, connection: Connection) -> Sequence[str]:
        return [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        ]

    def run_script(self, connection: Connection, script: str) -> None:
        for statement in statements_of(script):
            connection.execute(statement)

    def id_before_next(self, connection: Connection, count: int) -> int:
        row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
        return row[0] if row else 0

    def insert_events(self, connection: Connection, count: int, values: Sequence[Any]) -> None:
        width = len(EVENT_COLUMNS)
        for start, rows in chunks(count):
            sql = insert_sql("events", EVENT_COLUMNS, rows)
            connection.execute(sql, values[start * width : (start + rows) * width])

    def store_error(self, error: Exception) -> StoreError:
        return store_error(cast(sqlite3.Error, error), self.name, self._busy_timeout_seconds)


def statements_of(script: str) -> Iterator[str]:
    """Return the single statements of an SQL script, so that they can run inside our own transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


class OtherProcesses(Watch):
    """Notices what other processes change in the file: SQLite tells each connection whether another one committed."""

    poll_seconds = 0.1

    def __init__(self) -> None:
        self._rows: Callable[[str], list[Any]] = lambda sql: []
        self._seen: list[Any] = []

    def attach(self, changes: Changes, rows: Callable[[str], list[Any]]) -> None:
        self._rows = rows

    def begin(self) -> None:
        if not self._seen:
            self._seen = self._rows("PRAGMA data_version")

    def poll(self) -> bool:
        try:
            now = self._rows("PRAGMA data_version")
        except sqlite3.Error:
            # A file that cannot be read is told of to those who ask something of it.
            return True
        before, self._seen = self._seen, now
        return now != before

    def announce_alone(self, connection: Connection) -> None:
        # Others look at the file alone, and SQLite writes no page whose content stays the same.
        connection.execute(
            "INSERT INTO cursors (cursor_key, cursor_value) VALUES ('headwater/announced', hex(randomblob(8)))"
            " ON CONFLICT (cursor_key) DO UPDATE SET cursor_value = excluded.cursor_value"
        )


class ReaderPool:
    """Connections for reading: each is lent to one thread at a time, and there are as many as were needed at once."""

    def __init__(self, path: str, busy_timeout_seconds: float) -> None:
        self._path = path
        self._busy_timeout_seconds = busy_timeout_seconds
        self._idle: list[sqlite3.Connection] = []
        self._is_closed = False

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._open()
        try:
            return connection.execute(sql, parameters).fetchall()
        finally:
            self._idle.append(connection)
            if self._is_closed:
                self.close()

    def _open(self) -> sqlite3.Connection:
        connection = open_connection(self._path, self._busy_timeout_seconds, "normal")
        connection.execute("PRAGMA query_only = ON")
        return connection

    def close(self) -> None:
        self._is_closed = True
        while self._idle:
            self._idle.pop().close()
