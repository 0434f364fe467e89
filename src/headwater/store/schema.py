"""The schema's version: new databases get it, older ones are brought up to it, newer ones are refused.

Migrations are the files `migrations/<dialect>/NNN_name.sql`, applied in order of their numbers, each in one transaction
together with its row in `schema_version`; so a process that dies in between leaves a database of a whole version.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from headwater.model.errors.store import NotAStore, StoreTooNew

# The number of the last migration; a test compares it with the files, so that opening a store need not list them.
SCHEMA_VERSION = 2


@cache
def migrations(dialect: str = "sqlite") -> dict[int, str]:
    """Return the SQL text of each migration by its number, in order."""
    # importlib.resources would do, and is slower to import than all the rest of the store.
    files = sorted((Path(__file__).parent / "migrations" / dialect).glob("*.sql"), key=lambda file: file.name)
    return {int(file.name.partition("_")[0]): file.read_text(encoding="utf-8") for file in files}


def statements_of(script: str) -> Iterator[str]:
    """Return the single statements of an SQL script, so that they can run inside our own transaction."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def version_of(connection: sqlite3.Connection, path: str) -> int:
    """Return the schema version of a database; 0 for an empty one. Raises NotAStore when it is someone else's."""
    # One look decides: another process may be making the tables right now.
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if "schema_version" in names:
        (version,) = connection.execute("SELECT max(version) FROM schema_version").fetchone()
        return int(version or 0)
    if names:
        raise NotAStore(path, f"it is a database with other tables ({', '.join(names[:3])})")
    return 0


def bring_up_to_date(connection: sqlite3.Connection, path: str) -> None:
    """Make the database have schema version SCHEMA_VERSION. Safe when several processes do it at once."""
    version = version_of(connection, path)
    if version > SCHEMA_VERSION:
        raise StoreTooNew(path, version, SCHEMA_VERSION)
    while version < SCHEMA_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been here between our look and our lock.
            version = version_of(connection, path)
            if version < SCHEMA_VERSION:
                _apply(connection, version + 1)
                version += 1
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _apply(connection: sqlite3.Connection, number: int) -> None:
    if number == 1:
        connection.execute("CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at REAL NOT NULL)")
    for statement in statements_of(migrations()[number]):
        connection.execute(statement)
    connection.execute("INSERT INTO schema_version (version, applied_at) VALUES (?, ?)", (number, time.time()))
