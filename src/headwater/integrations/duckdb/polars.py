"""polars data frames as tables of DuckDB. DuckDB hands them over as Arrow tables, and needs pyarrow for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import polars as pl

from headwater.integrations.database.type_handler import DbTypeHandler
from headwater.integrations.duckdb.client import fetched
from headwater.integrations.duckdb.frame_rows import write_frame
from headwater.integrations.duckdb.io_manager import DuckDBIOManager, build_duckdb_io_manager
from headwater.model.errors.tables import LibraryNotInstalled

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext
    from headwater.integrations.database.table_slice import TableSlice


class DuckDBPolarsTypeHandler(DbTypeHandler[pl.DataFrame | pl.LazyFrame]):
    """Stores polars data frames as tables of DuckDB, and loads tables as such. A lazy frame is collected."""

    def handle_output(
        self, context: OutputContext, table_slice: TableSlice, obj: pl.DataFrame | pl.LazyFrame, connection: Any
    ) -> Mapping[str, Any] | None:
        """Store the rows of the frame."""
        _require_arrow()
        frame = obj.collect() if isinstance(obj, pl.LazyFrame) else obj
        type_by_column = {name: str(kind) for name, kind in frame.schema.items()}
        rows = frame.to_arrow()
        return write_frame(context, table_slice, connection, rows, frame.height, type_by_column)

    def load_input(
        self, context: InputContext, table_slice: TableSlice, connection: Any
    ) -> pl.DataFrame | pl.LazyFrame:
        """Return the rows as a data frame; as a lazy one if the parameter is annotated so."""
        _require_arrow()
        frame: pl.DataFrame = fetched(context, table_slice, connection, "pl")
        return frame.lazy() if context.annotation is pl.LazyFrame else frame

    @property
    def supported_types(self) -> Sequence[type[object]]:
        """polars.DataFrame and polars.LazyFrame."""
        return [pl.DataFrame, pl.LazyFrame]


class DuckDBPolarsIOManager(DuckDBIOManager):
    """Keeps polars data frames as tables of a DuckDB database."""

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler[Any]]:
        """Return the handler of polars data frames."""
        return [DuckDBPolarsTypeHandler()]

    @staticmethod
    def default_load_type() -> type | None:
        """Return polars.DataFrame: what parameters without an annotation receive."""
        return pl.DataFrame


duckdb_polars_io_manager = build_duckdb_io_manager([DuckDBPolarsTypeHandler()], default_load_type=pl.DataFrame)
"""Keeps polars data frames as tables of the DuckDB database that a run's configuration names."""


def _require_arrow() -> None:
    if find_spec("pyarrow") is None:
        raise LibraryNotInstalled("pyarrow", "Handing polars data frames to DuckDB", "duckdb,polars,arrow")
