"""PostgreSQL as a database: how connections are opened, lost and opened again, and how its errors become ours.

Nothing lives in a session: no prepared statement, no setting, no lock outlasts its transaction, so that a pooler may give
each transaction another session.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

import psycopg
from psycopg import conninfo, sql as sql_text
from psycopg.pq import TransactionStatus

from headwater.model.database_url import check_url, without_secrets
from headwater.model.errors.postgres import (
    ConnectionLost,
    InvalidDatabaseUrl,
    PostgresUnsuitable,
    StoreUnreachable,
)
from headwater.model.errors.store import NotAStore, StoreBusy, StoreDamaged, StoreError, StoreFull, StoreNotWritable
from headwater.store.database import POSTGRES, Connection, Database
from headwater.store.statements import EVENT_COLUMNS, chunks, insert_sql

OLDEST_VERSION = 12
# "headwate" as a number: the lock of all that write, together with the schema that the tables are in.
_LOCK_KEY = int.from_bytes(b"headwate")
# What another text cannot hold here: NUL. This sign for it stands in its place.
_NUL_SHOWN = "␀"
# From so many rows on, COPY is quicker than INSERT.
_COPY_FROM = 8
_FIRST_WAIT_SECONDS = 0.05
_LONGEST_WAIT_SECONDS = 1.0
_EVENT_TYPES = ("int8", "int8", "text", "text", "int8", "text", "float8", "text")
_COPY = f"COPY events ({', '.join(EVENT_COLUMNS)}) FROM STDIN (FORMAT BINARY)"

_RawConnection = psycopg.Connection[tuple[Any, ...]]
_Result = TypeVar("_Result")


class Address:
    """Where a database is: opens connections to it, and names it without its password."""

    def __init__(self, url: str) -> None:
        self.url = check_url(url)
        try:
            given = conninfo.conninfo_to_dict(url)
        except psycopg.Error as error:
            raise InvalidDatabaseUrl(f'"{without_secrets(url, url)}"', self.said_by(error)) from None
        self.name = _name_of(given)
        self._options: dict[str, Any] = {
            "connect_timeout": 10,
            "application_name": "headwater",
            # A server that is gone without a word is noticed within a minute.
            "keepalives_idle": 20,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
        }
        for option in given:
            self._options.pop(option, None)

    def open(self) -> _RawConnection:
        """Return a new connection, that begins no transactions by itself. Raises what psycopg raises."""
        return psycopg.Connection[tuple[Any, ...]].connect(
            self.url,
            autocommit=True,
            prepare_threshold=None,
            cursor_factory=psycopg.RawCursor,
            client_encoding="UTF8",
            **self._options,
        )

    def said_by(self, error: BaseException) -> str:
        """Return what the library said of a failure in one line, without secrets."""
        return " ".join(without_secrets(str(error), self.url).split()).rstrip(".") or type(error).__name__

    def store_error(self, error: Exception, lock_timeout_seconds: float) -> StoreError:
        """Return what an error of PostgreSQL means to the user."""
        state = getattr(error, "sqlstate", None) or ""
        said = self.said_by(error)
        if state == "53100":
            return StoreFull(self.name)
        if state in ("55P03", "57014"):
            return StoreBusy(self.name, lock_timeout_seconds)
        if state in ("42501", "25006") or "during recovery" in said:
            fix = "Give the user of the URL the right to make and change tables there, on the server that takes writes."
            return StoreNotWritable(self.name, said, fix)
        # What goes wrong while connecting has no code, only words.
        if state == "3D000" or ('database "' in said and said.endswith("does not exist")):
            return StoreUnreachable(self.name, said, "Make the database: createdb, or CREATE DATABASE in psql.")
        if state[:2] == "28" or "password" in said:
            fix = "See that the user and the password of the URL are right, and that pg_hba.conf lets them in."
            return StoreUnreachable(self.name, said, fix)
        if is_loss(error) or (isinstance(error, psycopg.OperationalError) and not state):
            return StoreUnreachable(self.name, said)
        return StoreDamaged(self.name, said, "Look into the log of the database server.")


def _name_of(given: dict[str, Any]) -> str:
    """Return host, port and database as a URL, with what libpq takes where nothing is said."""
    host = given.get("host") or given.get("hostaddr") or os.environ.get("PGHOST", "")
    port = given.get("port") or os.environ.get("PGPORT", "")
    database = given.get("dbname") or os.environ.get("PGDATABASE") or given.get("user") or os.environ.get("PGUSER", "")
    if host.startswith("/"):
        return f"postgresql:///{database}?host={host}"
    return f"postgresql://{host or 'localhost'}{f':{port}' if port else ''}/{database}"


def is_loss(error: BaseException) -> bool:
    """Whether the server ended the session with this error."""
    state = getattr(error, "sqlstate", None) or ""
    return state[:2] == "08" or state in ("57P01", "57P02", "57P03", "57P05", "25P03", "25P04")


def check_server(connection: _RawConnection, name: str) -> None:
    """Raise PostgresUnsuitable when a store cannot be kept there."""
    version = connection.info.server_version
    if version < OLDEST_VERSION * 10_000:
        raise PostgresUnsuitable(
            name, f"it is PostgreSQL {version / 10_000:.0f}", f"Use PostgreSQL {OLDEST_VERSION} or newer."
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        fix = "Make one with CREATE DATABASE headwater ENCODING 'UTF8' TEMPLATE template0, and name that."
        raise PostgresUnsuitable(name, f"its text is encoded as {encoding}", fix)


def patiently(act: Callable[[], _Result], patience_seconds: float) -> _Result:
    """Return what `act` gives, tried again while the server cannot be reached. Raises what it raised at last."""
    deadline = time.monotonic() + patience_seconds
    wait = _FIRST_WAIT_SECONDS
    while True:
        try:
            return act()
        except psycopg.OperationalError as error:
            may_come_back = not error.sqlstate or is_loss(error) or error.sqlstate == "53300"
            if not may_come_back or time.monotonic() + wait > deadline:
                raise
            time.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)


@lru_cache(maxsize=2_000)
def numbered(sql: str) -> sql_text.SQL:
    """Return the SQL with $1, $2, ... in place of each ?."""
    first, *rest = sql.split("?")
    # What we hand on was written here, never by a user.
    return sql_text.SQL(first + "".join(f"${number}{part}" for number, part in enumerate(rest, start=1)))


def execute(raw: _RawConnection, sql: str, parameters: Sequence[Any] = ()) -> psycopg.Cursor[tuple[Any, ...]]:
    try:
        return raw.execute(numbered(sql), parameters or None)
    except psycopg.DataError:
        # Refused before it was sent: text cannot hold NUL here.
        shown = without_nul(parameters)
        if shown == list(parameters):
            raise
        return raw.execute(numbered(sql), shown)


def without_nul(values: Iterable[Any]) -> list[Any]:
    return [value.replace("\0", _NUL_SHOWN) if isinstance(value, str) else value for value in values]


class PostgresConnection:
    """The writer's connection, which is opened anew where it was lost between two transactions."""

    def __init__(self, address: Address, patience_seconds: float) -> None:
        self._address = address
        self._patience_seconds = patience_seconds
        self._is_closed = False
        # What waits to be sent together with the next statement, so that it costs no round trip of its own.
        self._waiting: list[tuple[str, Sequence[Any]]] = []
        # By how much the server's clock is ahead of ours.
        self.ahead_seconds = 0.0
        self.raw = self._open()

    def _open(self) -> _RawConnection:
        raw = self._address.open()
        asked_at = time.time()
        row = raw.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
        assert row is not None
        self.ahead_seconds = row[0] - (asked_at + time.time()) / 2
        return raw

    @property
    def is_lost(self) -> bool:
        return self.raw.closed

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor[tuple[Any, ...]]:
        try:
            if self._waiting:
                waiting, self._waiting = self._waiting, []
                with self.raw.pipeline():
                    for each in waiting:
                        execute(self.raw, *each)
                    return execute(self.raw, sql, parameters)
            return execute(self.raw, sql, parameters)
        except psycopg.Error as error:
            if is_loss(error):
                self.raw.close()
            raise

    def execute_later(self, sql: str, parameters: Sequence[Any]) -> None:
        self._waiting.append((sql, parameters))

    def forget_waiting(self) -> None:
        self._waiting.clear()

    def send_waiting(self) -> None:
        """Carry out what waits, before something that cannot be sent with it."""
        if self._waiting:
            sql, parameters = self._waiting.pop()
            self.execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> None:
        # Each as an execute of its own would be a round trip each: psycopg sends them as one.
        self.send_waiting()
        every = [row if not any("\0" in v for v in row if isinstance(v, str)) else without_nul(row) for row in rows]
        if every:
            with self.raw.cursor() as cursor:
                cursor.executemany(numbered(sql), every)

    def begin(self, sql: str) -> None:
        """Open a transaction, over a new connection when the old one is gone. Nothing is lost by that."""

        self._waiting.clear()

        def act() -> None:
            self.revive()
            self.execute(sql)

        # Nothing was sent on this connection yet, so trying again changes nothing.
        patiently(act, self._patience_seconds)

    def revive(self) -> bool:
        if not self.raw.closed or self._is_closed:
            return False
        self.raw = self._open()
        return True

    def close(self) -> None:
        self._is_closed = True
        self.raw.close()


class PostgresDatabase(Database):
    """A database on a server, shared by as many processes as like to."""

    dialect = POSTGRES
    error_type = psycopg.Error

    def __init__(
        self, address: Address, *, durability: str, lock_timeout_seconds: float, patience_seconds: float
    ) -> None:
        super().__init__(address.name)
        self._address = address
        self._connection: PostgresConnection | None = None
        self._lock_timeout_seconds = lock_timeout_seconds
        self._patience_seconds = patience_seconds
        # The lock makes one writer of all processes, for as long as a transaction: two that upsert the same rows in
        # another order cannot lock each other out, and storage ids become visible in the order in which they were given
        # out. It is taken before the first snapshot, which therefore sees all that its predecessors committed.
        self._lock = f"hashtextextended(current_schema(), {_LOCK_KEY})"
        self._begin = (
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
            f" SET LOCAL lock_timeout = {max(1, round(lock_timeout_seconds * 1_000))};"
            # Ours are never idle for long: who is lost amid one, with its machine or its network, must not keep the lock
            # for the hours until the server misses it.
            f" SET LOCAL idle_in_transaction_session_timeout = {max(1, round(lock_timeout_seconds * 500))};"
            f" SELECT pg_advisory_xact_lock({self._lock})"
        )
        if durability == "full":
            # Only made stricter: a server that waits for its standbys goes on doing so.
            self._begin += (
                "; SELECT set_config('synchronous_commit', 'on', true)"
                " WHERE current_setting('synchronous_commit') = 'off'"
            )

    def now(self) -> float:
        """Return the time of the server, so that machines whose clocks differ agree on when a lease ends."""
        return time.time() + (self._connection.ahead_seconds if self._connection is not None else 0.0)

    def connect(self) -> Connection:
        connection = self._connection = PostgresConnection(self._address, self._patience_seconds)
        try:
            check_server(connection.raw, self.name)
        except BaseException:
            connection.close()
            raise
        return connection

    def begin(self, connection: Connection) -> None:
        _ours(connection).begin(self._begin)

    def begin_if_free(self, connection: Connection) -> bool:
        ours = _ours(connection)
        ours.begin("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        (is_free,) = ours.execute(f"SELECT pg_try_advisory_xact_lock({self._lock})").fetchone() or (False,)
        if not is_free:
            self.roll_back(connection)
        return bool(is_free)

    def commit(self, connection: Connection) -> None:
        # A transaction in which something failed answers COMMIT with ROLLBACK, and no error.
        if _ours(connection).execute("COMMIT").statusmessage != "COMMIT":
            raise psycopg.InternalError("the transaction was rolled back where it should have been committed")

    def execute_later(self, connection: Connection, sql: str, parameters: Sequence[Any]) -> None:
        _ours(connection).execute_later(sql, parameters)

    def is_open(self, connection: Connection) -> bool:
        raw = _ours(connection).raw
        return not raw.closed and raw.info.transaction_status != TransactionStatus.IDLE

    def revive(self, connection: Connection) -> bool:
        return _ours(connection).revive()

    def is_lost(self, connection: Connection) -> bool:
        return _ours(connection).is_lost

    def roll_back(self, connection: Connection) -> None:
        _ours(connection).forget_waiting()
        if self.is_open(connection):
            raw = _ours(connection).raw
            try:
                raw.execute("ROLLBACK")
            except psycopg.Error:
                # The server rolls back what was left by a connection that is closed.
                raw.close()

    def table_names(self, connection: Connection) -> Sequence[str]:
        sql = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
        return [name for (name,) in connection.execute(sql).fetchall()]

    def not_a_store(self, found: str) -> NotAStore:
        fix = (
            "Give Headwater a database of its own (createdb headwater), or a schema of its own in this one: CREATE SCHEMA "
            "headwater, then ALTER ROLE its_user SET search_path = headwater."
        )
        return NotAStore(self.name, found, fix)

    def run_script(self, connection: Connection, script: str) -> None:
        # Without values, so that it may hold many statements.
        _ours(connection).raw.execute(cast(Any, script))

    def id_before_next(self, connection: Connection, count: int) -> int:
        # Nobody else is here between the two calls: this transaction holds the lock. A sequence does not go back when
        # the transaction fails, so an id is never given out twice.
        sql = "SELECT setval('event_ids', nextval('event_ids') + ? - 1) - ?"
        return int(connection.execute(sql, (count, count)).fetchone()[0])

    def insert_events(self, connection: Connection, count: int, values: Sequence[Any]) -> None:
        width = len(EVENT_COLUMNS)
        if count < _COPY_FROM:
            for start, rows in chunks(count):
                sql = insert_sql("events", EVENT_COLUMNS, rows)
                self.execute_later(connection, sql, values[start * width : (start + rows) * width])
            return
        _ours(connection).send_waiting()
        rows_of_values = [values[start : start + width] for start in range(0, count * width, width)]
        with _ours(connection).raw.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(_EVENT_TYPES)
            for row in rows_of_values:
                if any("\0" in text for text in row if type(text) is str):
                    row = without_nul(row)
                copy.write_row(row)

    def store_error(self, error: Exception) -> StoreError:
        return self._address.store_error(error, self._lock_timeout_seconds)

    def commit_unknown(self, error: Exception) -> StoreError:
        return ConnectionLost(self.name, self._address.said_by(error))


def _ours(connection: Connection) -> PostgresConnection:
    return cast(PostgresConnection, connection)


class PostgresReaders:
    """At most so many connections for reading, opened when they are needed; who finds none waits for one."""

    def __init__(self, address: Address, most: int, patience_seconds: float) -> None:
        self._address = address
        self._patience_seconds = patience_seconds
        self._free = threading.BoundedSemaphore(most)
        self._idle: list[_RawConnection] = []
        self._is_closed = False

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with self._free:
            # A question may be asked twice, so one that a lost connection left unanswered is asked again.
            return patiently(lambda: self._ask(sql, parameters), self._patience_seconds)

    def _ask(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        try:
            raw = self._idle.pop()
        except IndexError:
            raw = self._address.open()
        try:
            return execute(raw, sql, parameters).fetchall()
        except psycopg.Error as error:
            if is_loss(error):
                raw.close()
            raise
        finally:
            if not raw.closed and raw.info.transaction_status != TransactionStatus.IDLE:
                raw.close()
            if raw.closed:
                # What ended this one has most likely ended the others.
                self._close_idle()
            else:
                self._idle.append(raw)
                if self._is_closed:
                    self._close_idle()

    def _close_idle(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    def close(self) -> None:
        self._is_closed = True
        self._close_idle()
