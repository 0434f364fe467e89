"""The schema's version: new databases get it, older ones are brought up to it, newer ones are refused.

Migrations are the files `migrations/<dialect>/NNN_name.sql`, applied in order of their numbers, each in one transaction
together with its row in `schema_version`; so a process that dies in between leaves a database of a whole version.
"""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path

from headwater.model.errors.store import StoreTooNew
from headwater.store.database import Connection, Database

# The number of the last migration; a test compares it with the files, so that opening a store need not list them.
SCHEMA_VERSION = 6


@cache
def migrations(dialect: str) -> dict[int, str]:
    """Return the SQL text of each migration by its number, in order."""
    # importlib.resources would do, and is slower to import than all the rest of the store.
    files = sorted((Path(__file__).parent / "migrations" / dialect).glob("*.sql"), key=lambda file: file.name)
    return {int(file.name.partition("_")[0]): file.read_text(encoding="utf-8") for file in files}


def version_of(database: Database, connection: Connection) -> int:
    """Return the schema version of a database; 0 for an empty one. Raises NotAStore when it is someone else's."""
    # One look decides: another process may be making the tables right now.
    names = database.table_names(connection)
    if "schema_version" in names:
        (version,) = connection.execute("SELECT max(version) FROM schema_version").fetchone()
        return int(version or 0)
    if names:
        raise database.not_a_store(f"it is a database with other tables ({', '.join(names[:3])})")
    return 0


def bring_up_to_date(database: Database, connection: Connection) -> None:
    """Make the database have schema version SCHEMA_VERSION. Safe when several processes do it at once."""
    version = version_of(database, connection)
    if version > SCHEMA_VERSION:
        raise StoreTooNew(database.name, version, SCHEMA_VERSION)
    while version < SCHEMA_VERSION:
        database.begin(connection)
        try:
            # Another process may have been here between our look and our lock.
            version = version_of(database, connection)
            if version < SCHEMA_VERSION:
                _apply(database, connection, version + 1)
                version += 1
            database.commit(connection)
        except BaseException:
            database.roll_back(connection)
            raise


def _apply(database: Database, connection: Connection, number: int) -> None:
    script = migrations(database.dialect.name)[number]
    if number == 1:
        real = database.dialect.real
        connection.execute(f"CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at {real} NOT NULL)")
    database.run_script(connection, script)
    connection.execute("INSERT INTO schema_version (version, applied_at) VALUES (?, ?)", (number, time.time()))
