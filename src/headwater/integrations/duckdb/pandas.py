"""pandas data frames as tables of DuckDB. The index is not kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from headwater.integrations.database.type_handler import DbTypeHandler
from headwater.integrations.duckdb.client import fetched
from headwater.integrations.duckdb.frame_rows import write_frame
from headwater.integrations.duckdb.io_manager import DuckDBIOManager, build_duckdb_io_manager

if TYPE_CHECKING:
    from headwater.authoring.io_contexts import InputContext, OutputContext
    from headwater.integrations.database.table_slice import TableSlice


class DuckDBPandasTypeHandler(DbTypeHandler[pd.DataFrame]):
    """Stores pandas data frames as tables of DuckDB, and loads tables as such."""

    def handle_output(
        self, context: OutputContext, table_slice: TableSlice, obj: pd.DataFrame, connection: Any
    ) -> Mapping[str, Any] | None:
        """Store the rows of the frame."""
        type_by_column = {str(name): str(kind) for name, kind in obj.dtypes.items()}
        return write_frame(context, table_slice, connection, obj, len(obj), type_by_column)

    def load_input(self, context: InputContext, table_slice: TableSlice, connection: Any) -> pd.DataFrame:
        """Return the rows as a data frame."""
        frame: pd.DataFrame = fetched(context, table_slice, connection, "df")
        return frame

    @property
    def supported_types(self) -> Sequence[type[object]]:
        """pandas.DataFrame."""
        return [pd.DataFrame]


class DuckDBPandasIOManager(DuckDBIOManager):
    """Keeps pandas data frames as tables of a DuckDB database."""

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler[Any]]:
        """Return the handler of pandas data frames."""
        return [DuckDBPandasTypeHandler()]

    @staticmethod
    def default_load_type() -> type | None:
        """Return pandas.DataFrame: what parameters without an annotation receive."""
        return pd.DataFrame


duckdb_pandas_io_manager = build_duckdb_io_manager([DuckDBPandasTypeHandler()], default_load_type=pd.DataFrame)
"""Keeps pandas data frames as tables of the DuckDB database that a run's configuration names."""
