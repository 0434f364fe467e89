"""The store's contract, kept by each backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.store import SqliteStore, Store, open_store
from tests.contracts.backfill_store_contract import BackfillStoreContract
from tests.contracts.event_store_contract import EventStoreContract
from tests.contracts.repair_contract import RepairContract


class StoreContract(EventStoreContract, BackfillStoreContract, RepairContract):
    """All of it."""


class TestSqliteFile(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = open_store(tmp_path / "new" / "store.sqlite")
        yield store
        store.close()


class TestSqliteFileWithFullDurability(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = SqliteStore(str(tmp_path / "store.sqlite"), durability="full")
        yield store
        store.close()


class TestSqliteInMemory(StoreContract):
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = SqliteStore(None)
        yield store
        store.close()


class TestPostgres(StoreContract):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[Store]:
        store = open_store(postgres_url)
        yield store
        store.close()


class TestPostgresWithFullDurability(StoreContract):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[Store]:
        store = open_store(postgres_url, durability="full")
        yield store
        store.close()
