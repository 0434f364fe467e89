"""Where stores are in tests that hold for every kind: a file, or a schema of PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headwater.model.database_url import is_postgres_url
from headwater.store.sql_store import SqlStore
from headwater.store.sqlite import SqliteStore


def open_at(place: str, **options: Any) -> SqlStore:
    """Return the store at a place, with options that both kinds have (`clock`, `lease_seconds`, `durability`)."""
    if is_postgres_url(place):
        from headwater.store.postgres import PostgresStore

        return PostgresStore(place, **options)
    return SqliteStore(place, **options)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place for a store, as text: each test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        return str(tmp_path / "store.sqlite")
    url: str = request.getfixturevalue("postgres_url")
    return url
