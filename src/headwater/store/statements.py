"""SQL texts that are built rather than written: inserts of many rows, and upserts of some columns.

Only what SQLite and PostgreSQL share is used. A placeholder is written `?`; a backend that wants another rewrites it in
the one place where it executes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

# One statement with many rows lets the database work without Python's lock, where `executemany` would hand the lock to
# and fro for every row. Few sizes, so that few statements have to be prepared.
CHUNK_SIZES = (128, 16, 4, 1)
VALUES_IN_A_QUERY = 5_000


@dataclass(frozen=True, slots=True)
class Table:
    """What an upsert must know: the key, columns that add up, and columns that only the first insert sets."""

    name: str
    key: tuple[str, ...]
    additive: frozenset[str] = frozenset()
    insert_only: frozenset[str] = frozenset()


STEPS = Table("steps", ("run_number", "step_key"), insert_only=frozenset({"position"}))
ASSET_STATES = Table("asset_states", ("asset_id",), additive=frozenset({"materialization_count"}))
ASSET_PARTITIONS = Table(
    "asset_partitions", ("asset_id", "partition_key"), additive=frozenset({"materialization_count"})
)
CHECK_STATES = Table("check_states", ("asset_id", "check_name"))
CHECK_PARTITIONS = Table("check_partitions", ("asset_id", "check_name", "partition_key"))
ASSET_INVALIDATIONS = Table("asset_invalidations", ("asset_id", "partition_key"))
ASSET_WIPES = Table("asset_wipes", ("asset_id", "partition_key"))
# In the place of a partition: all of the asset. No partition key can be this.
ALL_PARTITIONS = "..."

EVENT_COLUMNS = ("storage_id", "run_number", "kind", "step_key", "asset_id", "partition_key", "timestamp", "body")


@cache
def insert_sql(table: str, columns: tuple[str, ...], rows: int, conflict: str = "") -> str:
    """Return INSERT for this many rows; `conflict` is what follows ON CONFLICT."""
    row = f"({', '.join('?' * len(columns))})"
    ending = f" ON CONFLICT {conflict}" if conflict else ""
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}{ending}"


@cache
def upsert_sql(table: Table, columns: tuple[str, ...], rows: int) -> str:
    """Return an upsert of the key and these columns; columns that are not named keep their value."""
    sets = [
        f"{column} = {table.name}.{column} + excluded.{column}"
        if column in table.additive
        else f"{column} = excluded.{column}"
        for column in columns
        if column not in table.insert_only
    ]
    conflict = f"({', '.join(table.key)}) DO UPDATE SET {', '.join(sets)}"
    return insert_sql(table.name, table.key + columns, rows, conflict)


@cache
def update_run_sql(columns: tuple[str, ...]) -> str:
    return f"UPDATE runs SET {', '.join(f'{column} = ?' for column in columns)} WHERE run_number = ?"


def chunks(rows: int) -> Iterator[tuple[int, int]]:
    """Yield (first row, number of rows) so that all rows are covered with few different numbers."""
    start = 0
    for size in CHUNK_SIZES:
        while rows - start >= size:
            yield start, size
            start += size


def upserts(table: Table, rows: Mapping[Any, Mapping[str, Any]]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield statements with their values that bring every row to what its mapping says."""
    values_by_columns: dict[tuple[str, ...], list[Any]] = {}
    for key, values in rows.items():
        columns = tuple(values)
        flat = values_by_columns.get(columns)
        if flat is None:
            flat = values_by_columns[columns] = []
        if isinstance(key, tuple):
            flat.extend(key)
        else:
            flat.append(key)
        flat.extend(values.values())
    for columns, flat in values_by_columns.items():
        width = len(columns) + len(table.key)
        for start, count in chunks(len(flat) // width):
            yield upsert_sql(table, columns, count), flat[start * width : (start + count) * width]


def in_list(values: Sequence[Any]) -> str:
    """Return "(?, ?, ...)" with one placeholder for each value. PostgreSQL takes no empty list: nothing equals NULL."""
    return f"({', '.join('?' * len(values))})" if values else "(NULL)"


def batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield the values in parts that are small enough for one query."""
    for start in range(0, len(values), VALUES_IN_A_QUERY):
        yield values[start : start + VALUES_IN_A_QUERY]
