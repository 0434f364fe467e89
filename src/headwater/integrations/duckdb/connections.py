"""Connections to DuckDB databases: the one file that imports duckdb.

A database whose file another process holds is tried again, for DuckDB lets one process at a time write to it.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headwater.model.errors.tables import DatabaseLocked, DatabaseNotOpened, LibraryNotInstalled

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LOCK_PATIENCE_SECONDS = 60.0
"""How long a locked database is tried again, unless a resource says otherwise."""

_FIRST_DELAY_SECONDS = 0.02
_LONGEST_DELAY_SECONDS = 0.5

_HOLDER = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")

_write_lock_by_database: dict[str, threading.RLock] = {}
_guard = threading.Lock()


def duckdb_module() -> Any:
    """Return the module duckdb. Raises LibraryNotInstalled."""
    try:
        import duckdb
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        raise LibraryNotInstalled("duckdb", "DuckDB", "duckdb") from error
    return duckdb


def connect(
    database: str, connection_config: Mapping[str, Any], lock_patience_seconds: float = LOCK_PATIENCE_SECONDS
) -> DuckDBPyConnection:
    """Return a new connection. Raises DatabaseLocked when the lock was not given up in time, DatabaseNotOpened."""
    duckdb = duckdb_module()
    deadline = time.monotonic() + lock_patience_seconds
    delay = _FIRST_DELAY_SECONDS
    while True:
        try:
            connection: DuckDBPyConnection = duckdb.connect(database, config=dict(connection_config))
            return connection
        except duckdb.Error as error:
            if not _is_lock(error):
                raise DatabaseNotOpened(database, str(error), _fix_of(database, error)) from error
            if time.monotonic() + delay > deadline:
                raise DatabaseLocked(database, _holder_of(error), lock_patience_seconds) from error
        time.sleep(delay)
        delay = min(delay * 2, _LONGEST_DELAY_SECONDS)


def write_lock(database: str) -> threading.RLock:
    """Return the lock that threads of this process hold while they write to the database, one after another."""
    place = database if database.startswith((":", "md:")) else os.path.realpath(database)
    with _guard:
        return _write_lock_by_database.setdefault(place, threading.RLock())


def _is_lock(error: Exception) -> bool:
    text = str(error)
    # On Windows the operating system says it in its own words.
    return "Could not set lock" in text or "being used by another process" in text


def _holder_of(error: Exception) -> str:
    found = _HOLDER.search(str(error))
    return f"process {found['pid']} ({found['program']})" if found else "another process"


def _fix_of(database: str, error: Exception) -> str:
    text = str(error)
    if "different configuration" in text:
        return "Give all resources and IO managers of this database the same connection_config, and close others."
    if "not recognized" in text:
        return "See https://duckdb.org/docs/configuration/overview for the names that connection_config may hold."
    if "No such file or directory" in text:
        return "Make the folder first, or correct the path; it is relative to the folder in which the run started."
    if "not a valid DuckDB database" in text:
        return f'Give another path: what is at "{database}" was made by another program.'
    return "Correct the path or the connection_config."
