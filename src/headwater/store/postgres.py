"""The store on PostgreSQL: a database that many processes, on many machines, may share.

What `flush` acknowledged survives `kill -9` of the process. Whether it survives a crash of the server is what the server's
`synchronous_commit` says ("on" unless somebody changed it); with durability "full" it does in any case.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Literal

from headwater.store.postgres_connections import Address, PostgresDatabase, PostgresReaders
from headwater.store.postgres_watch import PostgresWatch
from headwater.store.schema import version_of
from headwater.store.sql_store import SqlStore


class PostgresStore(SqlStore):
    """A store in the database of a URL such as "postgresql://user:password@host:5432/headwater".

    It holds one connection for writing, up to `reader_connections` for reading, and one to hear of changes while somebody
    listens. The URL may be that of a pooler that gives each transaction another session; then `direct_url`, if there is
    one, is listened to. A connection that is lost is opened again for up to `patience_seconds`.

    Raises InvalidDatabaseUrl, StoreUnreachable, PostgresUnsuitable, NotAStore, StoreTooNew or StoreNotWritable when it
    cannot be opened.
    """

    def __init__(
        self,
        url: str,
        *,
        durability: Literal["normal", "full"] = "normal",
        lease_seconds: float = 30,
        lock_timeout_seconds: float = 30,
        patience_seconds: float = 20,
        reader_connections: int = 3,
        direct_url: str | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        address = Address(url)
        database = PostgresDatabase(
            address,
            durability=durability,
            lock_timeout_seconds=lock_timeout_seconds,
            patience_seconds=patience_seconds,
        )
        readers = PostgresReaders(address, reader_connections, patience_seconds)
        watch = PostgresWatch(address if direct_url is None else Address(direct_url))
        super().__init__(
            database,
            readers,
            watch,
            lease_seconds=lease_seconds,
            clock=clock or time.time,
            lease_clock=clock or database.now,
        )
        self.name = address.name
        self._watch = watch

    @property
    def hears_of_changes(self) -> bool:
        """Whether changes of other processes come by themselves; if not, whoever listens is woken every second."""
        return self._watch.is_listening

    def server_facts(self) -> Mapping[str, object]:
        """Return what can be told of the server: its `version`, and how many bytes the database takes."""
        sql = "SELECT current_setting('server_version'), pg_database_size(current_database())"
        ((version, size_bytes),) = self._rows(sql)
        return {"version": version, "size_bytes": size_bytes}


def schema_version(url: str) -> int:
    """Return the schema version of the store in a database, which is not changed; 0 when it is empty."""
    database = PostgresDatabase(Address(url), durability="normal", lock_timeout_seconds=30, patience_seconds=0)
    try:
        connection = database.connect()
        try:
            return version_of(database, connection)
        finally:
            connection.close()
    except database.error_type as error:
        raise database.store_error(error) from error
