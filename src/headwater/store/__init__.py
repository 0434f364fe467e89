"""Where facts and the state that follows from them are kept for good."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal

from headwater.model.database_url import is_postgres_url, redacted
from headwater.model.errors.postgres import PostgresNotInstalled
from headwater.store.interface import (
    AssetStore,
    ChangeStore,
    CursorStore,
    EventWriter,
    HistoryStore,
    PartitionStore,
    RunStore,
    Store,
)
from headwater.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from headwater.store.postgres import PostgresStore


def open_store(
    place: Path | str | None,
    *,
    durability: Literal["normal", "full"] = "normal",
    direct_url: str | None = None,
) -> Store:
    """Return the store at this place, made if it is not there: a path, or a URL that begins with "postgresql://".

    None gives a private one in memory. `direct_url` is for PostgresStore. Runs whose process died since are not touched:
    call `recover()` for that.
    """
    if isinstance(place, str) and is_postgres_url(place):
        return open_postgres(place, durability=durability, direct_url=direct_url)
    return SqliteStore(place, durability=durability)


def open_postgres(
    url: str, *, durability: Literal["normal", "full"] = "normal", direct_url: str | None = None
) -> PostgresStore:
    """Return the store in a database of PostgreSQL. Raises PostgresNotInstalled without the extra `postgres`."""
    store: PostgresStore = _postgres(url).PostgresStore(url, durability=durability, direct_url=direct_url)
    return store


def postgres_schema_version(url: str) -> int:
    """Return the schema version of the store in a database, which is not changed; 0 when it is empty."""
    version: int = _postgres(url).schema_version(url)
    return version


def _postgres(url: str) -> ModuleType:
    try:
        from headwater.store import postgres
    except ImportError as error:
        raise PostgresNotInstalled(f'"{redacted(url)}"', str(error)) from error
    return postgres


__all__ = [
    "AssetStore",
    "ChangeStore",
    "CursorStore",
    "EventWriter",
    "HistoryStore",
    "PartitionStore",
    "RunStore",
    "SqliteStore",
    "Store",
    "open_postgres",
    "open_store",
    "postgres_schema_version",
]
