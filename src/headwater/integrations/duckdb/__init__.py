"""DuckDB: a resource that connects to it, and IO managers that keep data frames as its tables.

Nothing is imported before it is used: neither DuckDB nor the libraries of data frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.integrations.duckdb.arrow import (
        DuckDBArrowIOManager,
        DuckDBArrowTypeHandler,
        duckdb_arrow_io_manager,
    )
    from headwater.integrations.duckdb.client import DuckDbClient
    from headwater.integrations.duckdb.io_manager import DuckDBIOManager, build_duckdb_io_manager
    from headwater.integrations.duckdb.pandas import (
        DuckDBPandasIOManager,
        DuckDBPandasTypeHandler,
        duckdb_pandas_io_manager,
    )
    from headwater.integrations.duckdb.polars import (
        DuckDBPolarsIOManager,
        DuckDBPolarsTypeHandler,
        duckdb_polars_io_manager,
    )
    from headwater.integrations.duckdb.resource import DuckDBResource

_MODULE_BY_NAME = {
    "DuckDBArrowIOManager": "arrow",
    "DuckDBArrowTypeHandler": "arrow",
    "DuckDBIOManager": "io_manager",
    "DuckDBPandasIOManager": "pandas",
    "DuckDBPandasTypeHandler": "pandas",
    "DuckDBPolarsIOManager": "polars",
    "DuckDBPolarsTypeHandler": "polars",
    "DuckDBResource": "resource",
    "DuckDbClient": "client",
    "build_duckdb_io_manager": "io_manager",
    "duckdb_arrow_io_manager": "arrow",
    "duckdb_pandas_io_manager": "pandas",
    "duckdb_polars_io_manager": "polars",
}

_LIBRARIES = {"arrow": ("pyarrow", "arrow"), "pandas": ("pandas", "pandas"), "polars": ("polars", "polars")}

__all__ = [
    "DuckDBArrowIOManager",
    "DuckDBArrowTypeHandler",
    "DuckDBIOManager",
    "DuckDBPandasIOManager",
    "DuckDBPandasTypeHandler",
    "DuckDBPolarsIOManager",
    "DuckDBPolarsTypeHandler",
    "DuckDBResource",
    "DuckDbClient",
    "build_duckdb_io_manager",
    "duckdb_arrow_io_manager",
    "duckdb_pandas_io_manager",
    "duckdb_polars_io_manager",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_BY_NAME.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    try:
        return getattr(import_module(f"{__name__}.{module}"), name)
    except ModuleNotFoundError as error:
        library, extra = _LIBRARIES.get(module, ("", ""))
        if error.name != library:
            raise
        from headwater.model.errors.tables import LibraryNotInstalled

        raise LibraryNotInstalled(library, name, f"duckdb,{extra}") from error
