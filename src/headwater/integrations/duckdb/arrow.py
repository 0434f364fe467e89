"""Arrow tables as tables of DuckDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headwater.integrations.database.type_handler import DbTypeHandler
from headwater.integrations.duckdb.client import fetched
from headwater.integrations.duckdb.frame_rows import write_frame
from headwater.integrations.duckdb.io_manager import DuckDBIOManager, build_duckdb_io_manager

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext
    from headwater.integrations.database.table_slice import TableSlice


class DuckDBArrowTypeHandler(DbTypeHandler[pa.Table]):
    """Stores Arrow tables as tables of DuckDB, and loads tables as such."""

    def handle_output(
        self, context: OutputContext, table_slice: TableSlice, obj: pa.Table, connection: Any
    ) -> Mapping[str, Any] | None:
        """Store the rows of the table."""
        type_by_column = {field.name: str(field.type) for field in obj.schema}
        return write_frame(context, table_slice, connection, obj, obj.num_rows, type_by_column)

    def load_input(self, context: InputContext, table_slice: TableSlice, connection: Any) -> pa.Table:
        """Return the rows as an Arrow table."""
        return fetched(context, table_slice, connection, "to_arrow_table")

    @property
    def supported_types(self) -> Sequence[type[object]]:
        """pyarrow.Table."""
        return [pa.Table]


class DuckDBArrowIOManager(DuckDBIOManager):
    """Keeps Arrow tables as tables of a DuckDB database."""

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler[Any]]:
        """Return the handler of Arrow tables."""
        return [DuckDBArrowTypeHandler()]

    @staticmethod
    def default_load_type() -> type | None:
        """Return pyarrow.Table: what parameters without an annotation receive."""
        return pa.Table  # type: ignore[no-any-return]


duckdb_arrow_io_manager = build_duckdb_io_manager([DuckDBArrowTypeHandler()], default_load_type=pa.Table)
"""Keeps Arrow tables as tables of the DuckDB database that a run's configuration names."""
