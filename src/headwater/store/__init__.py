"""Where facts and the state that follows from them are kept for good."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from headwater.store.interface import (
    AssetStore,
    CursorStore,
    EventWriter,
    HistoryStore,
    PartitionStore,
    RunStore,
    Store,
)
from headwater.store.sqlite import SqliteStore


def open_store(path: Path | str | None, *, durability: Literal["normal", "full"] = "normal") -> Store:
    """Return the store at this path, made if it is not there; None gives a private one in memory.

    Runs whose process died since are not touched: call `recover()` for that.
    """
    return SqliteStore(path, durability=durability)


__all__ = [
    "AssetStore",
    "CursorStore",
    "EventWriter",
    "HistoryStore",
    "PartitionStore",
    "RunStore",
    "SqliteStore",
    "Store",
    "open_store",
]
