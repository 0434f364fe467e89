"""DuckDB as a resource: connections for assets that speak SQL themselves."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import Field

from headwater.authoring.resources import ConfigurableResource
from headwater.integrations.duckdb.connections import LOCK_PATIENCE_SECONDS, connect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


class DuckDBResource(ConfigurableResource[Any]):
    """Gives connections to a DuckDB database: `with duckdb.get_connection() as connection: ...`."""

    database: str = Field(description="Path of the database; ':memory:' for one that lasts as long as its connection.")
    connection_config: dict[str, Any] = Field(
        description="DuckDB's settings, as in https://duckdb.org/docs/configuration/overview.", default={}
    )
    lock_patience_seconds: float = Field(
        description="How long to try again while another process holds the database.", default=LOCK_PATIENCE_SECONDS
    )

    @contextmanager
    def get_connection(self) -> Generator[DuckDBPyConnection]:
        """Give a connection that is closed when the block ends. Raises DatabaseLocked, DatabaseNotOpened."""
        connection = connect(self.database, self.connection_config, self.lock_patience_seconds)
        try:
            yield connection
        finally:
            connection.close()
