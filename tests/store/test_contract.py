"""The store's contract, kept by each backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from headwater.store import SqliteStore, Store, open_store
from tests.contracts.event_store_contract import EventStoreContract
from tests.contracts.repair_contract import RepairContract


class TestSqliteFile(EventStoreContract, RepairContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = open_store(tmp_path / "new" / "store.sqlite")
        yield store
        store.close()


class TestSqliteFileWithFullDurability(EventStoreContract, RepairContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        store = SqliteStore(str(tmp_path / "store.sqlite"), durability="full")
        yield store
        store.close()


class TestSqliteInMemory(EventStoreContract, RepairContract):
    @pytest.fixture
    def store(self) -> Iterator[Store]:
        store = SqliteStore(None)
        yield store
        store.close()


class TestPostgres(EventStoreContract, RepairContract):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[Store]:
        store = open_store(postgres_url)
        yield store
        store.close()


class TestPostgresWithFullDurability(EventStoreContract, RepairContract):
    @pytest.fixture
    def store(self, postgres_url: str) -> Iterator[Store]:
        store = open_store(postgres_url, durability="full")
        yield store
        store.close()
