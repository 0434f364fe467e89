"""The store on SQLite: one file that several processes may share, or a private one in memory.

What `flush` acknowledged survives `kill -9`, and with durability "full" a power cut.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from headwater.store.changes import Watch
from headwater.store.connections import IN_MEMORY, OtherProcesses, ReaderPool, SqliteDatabase, check_place
from headwater.store.sql_store import SqlStore


class SqliteStore(SqlStore):
    """A store in an SQLite file, or in memory when `path` is None (then it is private to this object).

    Raises NotAStore, StoreTooNew or StoreNotWritable when it cannot be opened.
    """

    def __init__(
        self,
        path: Path | str | None,
        *,
        durability: Literal["normal", "full"] = "normal",
        lease_seconds: float = 30,
        busy_timeout_seconds: float = 30,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = None if path is None else Path(path)
        if self.path is not None:
            check_place(self.path)
        name = IN_MEMORY if self.path is None else str(self.path)
        super().__init__(
            SqliteDatabase(name, durability=durability, busy_timeout_seconds=busy_timeout_seconds),
            None if self.path is None else ReaderPool(name, busy_timeout_seconds),
            Watch() if self.path is None else OtherProcesses(),
            lease_seconds=lease_seconds,
            clock=clock,
        )
