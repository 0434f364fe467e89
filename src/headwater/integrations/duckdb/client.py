"""What DbIOManager needs of DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from headwater.integrations.database.client import DbClient
from headwater.integrations.database.owners import owner_of
from headwater.integrations.database.table_slice import (
    TableSlice,
    quoted_identifier,
    quoted_literal,
    slice_condition,
    wall_time,
    windows_of,
)
from headwater.integrations.duckdb.connections import LOCK_PATIENCE_SECONDS, connect, duckdb_module, write_lock
from headwater.model.errors.tables import NotATable, UnreadableTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from headwater.authoring.io_contexts import InputContext, OutputContext

IN_MEMORY = ":memory:"


class DuckDbClient(DbClient[Any]):
    """A DuckDB database in a file, or in memory for as long as this object lives."""

    def __init__(
        self,
        database: str | None = None,
        connection_config: Mapping[str, Any] | None = None,
        lock_patience_seconds: float = LOCK_PATIENCE_SECONDS,
    ) -> None:
        """Keep what is given. Without `database`, it is that of the slice; without `connection_config`, it is what the
        IO manager was configured with."""
        self._database = database
        self._connection_config = connection_config
        self._lock_patience_seconds = lock_patience_seconds
        self._in_memory: DuckDBPyConnection | None = None

    @contextmanager
    def connect(  # type: ignore[override]  # an object knows what Dagster's static function read from the context
        self, context: OutputContext | InputContext, table_slice: TableSlice
    ) -> Iterator[DuckDBPyConnection]:
        """Give a connection, in which times without a time zone are those of the slice's partitions."""
        settings = self._connection_config
        if settings is None:
            settings = (context.resource_config or {}).get("connection_config") or {}
        database = self._database or table_slice.database or IN_MEMORY
        if database == IN_MEMORY:
            self._in_memory = self._in_memory or connect(database, settings)
            connection = self._in_memory.cursor()
        else:
            connection = connect(database, settings, self._lock_patience_seconds)
        try:
            _set_timezone(connection, table_slice, settings)
            yield connection
        finally:
            connection.close()

    @staticmethod
    def ensure_schema_exists(context: OutputContext, table_slice: TableSlice, connection: Any) -> None:
        """Make the schema of the table if it is not there."""
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted_identifier(table_slice.schema)}")

    @staticmethod
    def delete_table_slice(context: OutputContext, table_slice: TableSlice, connection: Any) -> None:
        """Remove the rows of the slice, if the table is there. Raises NotATable for a view."""
        kind = find_table_kind(connection, table_slice)
        if kind is None:
            return
        name = DbClient.get_table_name(table_slice)
        if kind == "VIEW":
            raise NotATable(owner_of(context), name)
        values: list[Any] = []
        condition = slice_condition(table_slice.partition_dimensions or (), _placeholders(values))
        with _told_with_query(context, table_slice):
            connection.execute(f"DELETE FROM {name}" + (f" WHERE {condition}" if condition else ""), values)

    @contextmanager
    def transaction(self, connection: Any) -> Iterator[None]:
        """Let what is done in the block take effect together, or not at all; one thread at a time."""
        with write_lock(self._database or IN_MEMORY):
            connection.execute("BEGIN TRANSACTION")
            try:
                yield
            except BaseException:
                with suppress(duckdb_module().Error):  # a type handler may have closed the connection
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def find_tables(self, connection: Any) -> Sequence[str] | None:
        """Return the names of all tables and views as "schema.table"."""
        query = (
            "SELECT table_schema || '.' || table_name FROM information_schema.tables "
            "WHERE table_catalog = current_database()"
        )
        return [name for (name,) in connection.execute(query).fetchall()]

    def find_data_version(self, table_slice: TableSlice, connection: Any) -> str | None:
        """Return a hash of the columns and rows of the slice, which does not depend on the order of its rows."""
        columns = columns_of(connection, DbClient.get_table_name(table_slice))
        row_hash = _row_hash(columns)
        return _version(columns, _fetch_row(connection, table_slice, _CONTENT.format(row_hash=row_hash)))

    def find_data_versions(
        self, whole: TableSlice, parts: Sequence[TableSlice], connection: Any
    ) -> Sequence[str] | None:
        """Return the hash of each part, found in one pass; None when a row belongs to none of them or to several."""
        columns = columns_of(connection, DbClient.get_table_name(whole))
        bounds = list(zip(*(_bounds_of(part) for part in parts), strict=True))
        names = [f"bound_{number}" for number in range(len(bounds))]
        dimensions = whole.partition_dimensions or ()
        values: list[Any] = []
        condition = slice_condition(dimensions, _placeholders(values))
        places: list[str] = []
        comparisons: list[str] = []
        ends: list[str] = []
        for dimension in dimensions:
            place = f"place_{len(places)}"
            bound = names[len(comparisons) + len(ends)]
            is_time = windows_of(dimension) is not None
            kind = "TIMESTAMP" if is_time else "VARCHAR"
            places.append(f"CAST(({dimension.partition_expr}) AS {kind}) AS {place}")
            comparisons.append(f"{place} {'>=' if is_time else '='} CAST({bound} AS {kind})")
            if is_time:
                ends.append(f"{place} < CAST({names[len(comparisons) + len(ends)]} AS {kind})")
        # Windows do not overlap: the last one that begins before a row is the only one that may hold it.
        join = "ASOF JOIN" if len(ends) == 1 else "JOIN"
        columns_of_parts = ", ".join(f"unnest(CAST(? AS VARCHAR[])) AS {name}" for name in names)
        found = connection.execute(
            f"SELECT part, {_CONTENT.format(row_hash='row_hash')} FROM "
            f"(SELECT {_row_hash(columns)} AS row_hash, {', '.join(places)} FROM {DbClient.get_table_name(whole)} "
            f"WHERE {condition}) AS stored {join} "
            f"(SELECT unnest(range({len(parts)})) AS part, {columns_of_parts}) AS parts "
            f"ON {' AND '.join(comparisons)} WHERE {' AND '.join(ends) or 'TRUE'} GROUP BY part",
            [*values, *map(list, bounds)],
        ).fetchall()
        if sum(count for _, count, *_ in found) != _fetch_row(connection, whole, "count(*)")[0]:
            return None
        content_by_part = {part: content for part, *content in found}
        return [_version(columns, content_by_part.get(number, (0, 0, 0))) for number in range(len(parts))]

    @property
    def can_copy_tables(self) -> bool:
        return True

    def copy_table(self, source: TableSlice, target: TableSlice, connection: Any) -> bool:
        """Make a table with the content of another, in the place of one that is there; return whether there was any."""
        if find_table_kind(connection, source) in (None, "VIEW"):
            return False
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted_identifier(target.schema)}")
        names = DbClient.get_table_name(source), DbClient.get_table_name(target)
        connection.execute(f"CREATE OR REPLACE TABLE {names[1]} AS SELECT * FROM {names[0]}")
        return True

    def drop_table(self, table_slice: TableSlice, connection: Any) -> bool:
        """Remove a table; return whether it was there. A view stays."""
        if find_table_kind(connection, table_slice) in (None, "VIEW"):
            return False
        connection.execute(f"DROP TABLE {DbClient.get_table_name(table_slice)}")
        return True

    @property
    def storage_kind(self) -> str | None:
        """The name of the kind of database."""
        return "duckdb"


def fetched(context: InputContext, table_slice: TableSlice, connection: Any, kind: str) -> Any:
    """Return the rows of the slice as DuckDB gives them by "df", "pl" or "to_arrow_table".

    Raises UnreadableTable when the query does not fit the table.
    """
    values: list[Any] = []
    query = _query(table_slice, None, values)
    with _told_with_query(context, table_slice):
        relation = connection.sql(query, params=values)
        return getattr(relation, kind)()


def count_rows(context: OutputContext | InputContext, table_slice: TableSlice, connection: Any) -> int:
    """Return the number of rows of the slice. Raises UnreadableTable when the query does not fit the table."""
    with _told_with_query(context, table_slice):
        return int(_fetch_row(connection, table_slice, "count(*)")[0])


@contextmanager
def _told_with_query(context: OutputContext | InputContext, table_slice: TableSlice) -> Iterator[None]:
    try:
        yield
    except duckdb_module().Error as error:
        raise UnreadableTable(owner_of(context), DbClient.get_select_statement(table_slice), str(error)) from error


def _fetch_row(connection: Any, table_slice: TableSlice, columns: str) -> Sequence[Any]:
    values: list[Any] = []
    row: Sequence[Any] = connection.execute(_query(table_slice, columns, values), values).fetchone()
    return row


def _query(table_slice: TableSlice, columns: str | None, values: list[Any]) -> str:
    """Return the query for some columns, given as SQL, by default those of the slice; its values are put in `values`."""
    if columns is None:
        columns = ", ".join(map(quoted_identifier, table_slice.columns)) if table_slice.columns else "*"
    condition = slice_condition(table_slice.partition_dimensions or (), _placeholders(values))
    query = f"SELECT {columns} FROM {DbClient.get_table_name(table_slice)}"
    return f"{query} WHERE {condition}" if condition else query


def columns_of(connection: Any, relation: str) -> list[tuple[str, str]]:
    """Return name and type of each column of a table, view or registered frame, given as SQL, in order."""
    return [(name, kind) for name, kind, *_ in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()]


def find_table_kind(connection: Any, table_slice: TableSlice) -> str | None:
    """Return "BASE TABLE" or "VIEW", or None when there is neither."""
    query = (
        "SELECT table_type FROM information_schema.tables WHERE table_catalog = current_database() "
        "AND lower(table_schema) = lower(?) AND lower(table_name) = lower(?)"
    )
    found = connection.execute(query, [table_slice.schema, table_slice.table]).fetchone()
    return None if found is None else str(found[0])


_CONTENT = "count(*), coalesce(sum(CAST({row_hash} AS HUGEINT)), 0), coalesce(bit_xor({row_hash}), 0)"
"""What is the same for the same rows in any order. The sum tells rows apart that come twice, which cancel in the xor."""


def _row_hash(columns: Sequence[tuple[str, str]]) -> str:
    return f"hash({', '.join(quoted_identifier(name) for name, _ in columns)})"


def _version(columns: Sequence[tuple[str, str]], content: Sequence[int]) -> str:
    return blake2b(repr((list(columns), list(content))).encode(), digest_size=16, person=b"duckdb").hexdigest()


def _bounds_of(part: TableSlice) -> list[str]:
    """Return start and end of each window of time and the key of each other dimension, of a slice of one partition."""
    bounds: list[str] = []
    for dimension in part.partition_dimensions or ():
        windows = windows_of(dimension)
        if windows is not None:
            bounds += [wall_time(windows[0].start), wall_time(windows[0].end)]
        else:
            bounds.append(str(dimension.partitions[0]))
    return bounds


def _placeholders(values: list[Any]) -> Any:
    def keep(value: str) -> str:
        values.append(value)
        return "?"

    return keep


def _set_timezone(connection: Any, table_slice: TableSlice, settings: Mapping[str, Any]) -> None:
    """Let columns with a time zone be compared on the clock of the partitions, rather than on that of this machine."""
    if any(name.casefold() == "timezone" for name in settings):
        return
    for dimension in table_slice.partition_dimensions or ():
        for window in windows_of(dimension) or ():
            zone = window.start.tzinfo
            name = getattr(zone, "key", None) or ("UTC" if zone is not None and str(zone) == "UTC" else None)
            if name is not None:
                connection.execute(f"SET TimeZone = {quoted_literal(name)}")
            return
