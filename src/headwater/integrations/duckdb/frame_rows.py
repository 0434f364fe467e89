"""A data frame's rows put into a table: by the names of columns, and never changed on the way.

A table takes the columns of the frame as long as it holds no rows of other partitions. If it does, other columns and
values that its types cannot hold are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headwater.integrations.database.client import DbClient
from headwater.integrations.database.owners import owner_of
from headwater.integrations.database.table_slice import quoted_identifier
from headwater.integrations.duckdb.client import columns_of, count_rows, find_table_kind
from headwater.integrations.duckdb.connections import duckdb_module
from headwater.model.errors.tables import TableColumnsDiffer, TableTypeDiffers, TableWithoutColumns
from headwater.model.metadata_kinds import TableSchemaMetadataValue
from headwater.model.metadata_sets import TableMetadataSet
from headwater.model.tables import TableSchema

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import OutputContext
    from headwater.integrations.database.table_slice import TableSlice

_ROWS = "__headwater_rows"


def write_frame(
    context: OutputContext,
    table_slice: TableSlice,
    connection: Any,
    frame: Any,
    row_count: int,
    type_by_column: Mapping[str, str],
) -> dict[str, Any]:
    """Add the rows of the frame to the table, which has none of this slice; return what is to be told of them.

    Raises TableWithoutColumns, TableColumnsDiffer, TableTypeDiffers.
    """
    if not type_by_column:
        raise TableWithoutColumns(owner_of(context))
    _register(connection, frame)
    try:
        _insert(context, table_slice, connection)
    finally:
        connection.unregister(_ROWS)
    facts: dict[str, Any] = {
        "headwater/column_schema": TableSchemaMetadataValue(TableSchema.from_name_type_dict(dict(type_by_column)))
    }
    if table_slice.partition_dimensions is None:
        return {**facts, **TableMetadataSet(row_count=row_count)}
    in_slice = count_rows(context, table_slice, connection)
    if in_slice != row_count:
        expressions = " and ".join(dimension.partition_expr for dimension in table_slice.partition_dimensions)
        context.log.warning(
            f"{row_count - in_slice} of {row_count} rows of {owner_of(context)} do not belong to the partitions of this "
            f'run by its partition_expr "{expressions}". They were stored, and running this again will store them twice: '
            "return only rows of the partition, or correct the expression."
        )
        facts["headwater/rows_outside_partition"] = row_count - in_slice
    if len(context.asset_partition_keys) == 1:
        return {**facts, **TableMetadataSet(partition_row_count=in_slice)}
    total = count_rows(context, table_slice._replace(partition_dimensions=None), connection)
    return {**facts, **TableMetadataSet(row_count=total)}


def _register(connection: Any, frame: Any) -> None:
    if hasattr(frame, "copy"):
        # DuckDB 2.0 refuses pandas columns that run backwards in memory, such as those of frame[::-1]; those of a copy do
        # not. It is tried beside the transaction, which the refusal would end.
        beside = connection.cursor()
        try:
            beside.register(_ROWS, frame)
        except duckdb_module().Error:
            frame = frame.copy()
        finally:
            beside.close()
    connection.register(_ROWS, frame)


def _insert(context: OutputContext, table_slice: TableSlice, connection: Any) -> None:
    table = DbClient.get_table_name(table_slice)
    given = columns_of(connection, _ROWS)
    if find_table_kind(connection, table_slice) is None:
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM {_ROWS}")
        return
    stored = {name.casefold(): (name, kind) for name, kind in columns_of(connection, table)}
    names = {name.casefold() for name, _ in given}
    new = [(name, kind) for name, kind in given if name.casefold() not in stored]
    missing = [name for key, (name, _) in stored.items() if key not in names]
    changed = [
        (stored[name.casefold()], kind)
        for name, kind in given
        if not (new or missing) and stored[name.casefold()][1] != kind
    ]
    lossy = [
        (name, into, kind, count)
        for (name, into), kind in changed
        if (count := _count_of_losses(connection, name, kind, into))
    ]
    if new or missing or lossy:
        ((is_empty,),) = connection.execute(f"SELECT NOT EXISTS (SELECT 1 FROM {table})").fetchall()
        if is_empty:
            context.log.info(f"The table {table} takes the columns that {owner_of(context)} has now.")
            connection.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {_ROWS}")
            return
        if new or missing:
            raise TableColumnsDiffer(owner_of(context), table, [(n, _storable(k)) for n, k in new], missing)
        for name, into, kind, count in lossy:
            column = quoted_identifier(name)
            ((is_unused,),) = connection.execute(f"SELECT count({column}) = 0 FROM {table}").fetchall()
            if not is_unused:
                raise TableTypeDiffers(owner_of(context), table, name, into, kind, count)
            # Where nothing but NULL was stored so far, the type was a guess.
            connection.execute(f"ALTER TABLE {table} ALTER {column} TYPE {kind}")
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM {_ROWS}")


def _count_of_losses(connection: Any, name: str, kind: str, into: str) -> int:
    """Return how many values of the column would not come back as they are from a column of the type `into`."""
    if kind == '"NULL"':
        return 0
    column = quoted_identifier(name)
    there_and_back = f"TRY_CAST(TRY_CAST({column} AS {into}) AS {kind})"
    ((count,),) = connection.execute(
        f"SELECT count(*) FROM {_ROWS} WHERE {there_and_back} IS DISTINCT FROM {column}"
    ).fetchall()
    return int(count)


def _storable(kind: str) -> str:
    return "VARCHAR" if kind == '"NULL"' else kind
