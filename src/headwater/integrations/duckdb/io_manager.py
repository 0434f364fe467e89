"""The IO manager that keeps data frames as tables of a DuckDB database, as a class of settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, overload

from pydantic import Field

from headwater.authoring.config import Field as ConfigField, Permissive, StringSource
from headwater.authoring.resources import ConfigurableIOManagerFactory, InitResourceContext, IOManagerDefinition
from headwater.integrations.database.io_manager import DbIOManager
from headwater.integrations.database.type_handler import DbTypeHandler
from headwater.integrations.duckdb.client import DuckDbClient
from headwater.integrations.duckdb.connections import LOCK_PATIENCE_SECONDS, duckdb_module


class DuckDBIOManager(ConfigurableIOManagerFactory[DbIOManager]):
    """Keeps each asset as a table of a DuckDB database: pandas and polars data frames and Arrow tables.

    The table has the name of the asset. Its schema is the first of: "schema" in the asset's metadata, `schema` here, the
    last part of the key's prefix, "public". Partitions are rows of one table; "partition_expr" in the asset's metadata
    says by which column. A subclass may say by `type_handlers` which types it stores.
    """

    database: str = Field(description="Path of the DuckDB database; ':memory:' for one that lasts as long as the run.")
    connection_config: dict[str, Any] = Field(
        description="DuckDB's settings, as in https://duckdb.org/docs/configuration/overview.", default={}
    )
    schema_: str | None = Field(default=None, alias="schema", description="The schema of tables that name none.")
    lock_patience_seconds: float = Field(
        description="How long to try again while another process holds the database.", default=LOCK_PATIENCE_SECONDS
    )

    @staticmethod
    def type_handlers() -> Sequence[DbTypeHandler[Any]]:
        """Return what stores and loads: here, handlers of pandas, polars and Arrow, as far as they are in use."""
        return HandlersInUse()

    @staticmethod
    def default_load_type() -> type | None:
        """Return the type that parameters without an annotation receive; None when they must have one."""
        return None

    def create_io_manager(self, context: InitResourceContext) -> DbIOManager:
        """Return the IO manager for a run. Raises LibraryNotInstalled."""
        duckdb_module()
        return DbIOManager(
            type_handlers=self.type_handlers(),
            db_client=DuckDbClient(self.database, self.connection_config, self.lock_patience_seconds),
            database=self.database,
            schema=self.schema_,
            io_manager_name=type(self).__name__,
            default_load_type=self.default_load_type(),
        )


def build_duckdb_io_manager(
    type_handlers: Sequence[DbTypeHandler[Any]], default_load_type: type | None = None
) -> IOManagerDefinition:
    """Return an IO manager in the older style, configured with "database", "connection_config" and "schema".

    `default_load_type` is the type that parameters without an annotation receive; without it, and with several
    handlers, they must have one.
    """

    def build(context: Any) -> DbIOManager:
        duckdb_module()
        config = context.resource_config
        return DbIOManager(
            type_handlers=type_handlers,
            db_client=DuckDbClient(config["database"], config.get("connection_config") or {}),
            database=config["database"],
            schema=config.get("schema"),
            io_manager_name="DuckDBIOManager",
            default_load_type=default_load_type,
        )

    return IOManagerDefinition(
        build,
        config_schema={
            "database": ConfigField(StringSource, description="Path of the DuckDB database."),
            "connection_config": ConfigField(Permissive(), is_required=False, description="DuckDB's settings."),
            "schema": ConfigField(StringSource, is_required=False, description="The schema of tables that name none."),
        },
        description="Keeps data frames as tables of a DuckDB database.",
    )


class HandlersInUse(Sequence[DbTypeHandler[Any]]):
    """The handlers of those libraries of tables that the program has imported: a table cannot be there without one."""

    def _now(self) -> list[DbTypeHandler[Any]]:
        return [build() for library, build in _HANDLER_BY_LIBRARY if library in sys.modules]

    @overload
    def __getitem__(self, index: int) -> DbTypeHandler[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[DbTypeHandler[Any]]: ...
    def __getitem__(self, index: int | slice) -> DbTypeHandler[Any] | Sequence[DbTypeHandler[Any]]:
        return self._now()[index]

    def __iter__(self) -> Iterator[DbTypeHandler[Any]]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())


def _pandas() -> DbTypeHandler[Any]:
    from headwater.integrations.duckdb.pandas import DuckDBPandasTypeHandler

    return DuckDBPandasTypeHandler()


def _polars() -> DbTypeHandler[Any]:
    from headwater.integrations.duckdb.polars import DuckDBPolarsTypeHandler

    return DuckDBPolarsTypeHandler()


def _arrow() -> DbTypeHandler[Any]:
    from headwater.integrations.duckdb.arrow import DuckDBArrowTypeHandler

    return DuckDBArrowTypeHandler()


_HANDLER_BY_LIBRARY: Sequence[tuple[str, Callable[[], DbTypeHandler[Any]]]] = (
    ("pandas", _pandas),
    ("polars", _polars),
    ("pyarrow", _arrow),
)
