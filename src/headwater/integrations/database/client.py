"""What DbIOManager needs of a database: to connect, to make a schema, to remove rows, and to write a query."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from headwater.integrations.database.table_slice import quoted_identifier, slice_condition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headwater.authoring.io_contexts import InputContext, OutputContext
    from headwater.integrations.database.table_slice import TableSlice

ConnectionT = TypeVar("ConnectionT")


class DbClient(Generic[ConnectionT]):
    """One kind of database. Implement `connect`, `ensure_schema_exists` and `delete_table_slice`; the rest has defaults.

    `transaction` should make what happens in it take effect together: by default each statement is on its own.
    """

    @staticmethod
    def connect(context: OutputContext | InputContext, table_slice: TableSlice) -> AbstractContextManager[ConnectionT]:
        """Give a connection to the database, closed when the block ends."""
        raise NotImplementedError("A DbClient says by connect(context, table_slice) how the database is opened")

    @staticmethod
    def ensure_schema_exists(context: OutputContext, table_slice: TableSlice, connection: ConnectionT) -> None:
        """Make the schema of the table if it is not there."""
        raise NotImplementedError("A DbClient says by ensure_schema_exists(...) how a schema is made")

    @staticmethod
    def delete_table_slice(context: OutputContext, table_slice: TableSlice, connection: ConnectionT) -> None:
        """Remove the rows of the slice, if the table is there."""
        raise NotImplementedError("A DbClient says by delete_table_slice(...) how rows are removed")

    @staticmethod
    def get_table_name(table_slice: TableSlice) -> str:
        """Return the table with its schema, as SQL."""
        return f"{quoted_identifier(table_slice.schema)}.{quoted_identifier(table_slice.table)}"

    @staticmethod
    def get_select_statement(table_slice: TableSlice) -> str:
        """Return the query that gives the rows of the slice; it holds all values, so it can be run as it is."""
        columns = "*"
        if table_slice.columns:
            columns = ", ".join(map(quoted_identifier, table_slice.columns))
        condition = slice_condition(table_slice.partition_dimensions or ())
        query = f"SELECT {columns} FROM {DbClient.get_table_name(table_slice)}"
        return f"{query} WHERE {condition}" if condition else query

    @contextmanager
    def transaction(self, connection: ConnectionT) -> Iterator[None]:
        """Let what is done in the block take effect together, or not at all when it raises."""
        yield

    def find_tables(self, connection: ConnectionT) -> Sequence[str] | None:
        """Return the names of all tables and views as "schema.table"; None when that is not known."""
        return None

    def find_data_version(self, table_slice: TableSlice, connection: ConnectionT) -> str | None:
        """Return what identifies the rows of the slice, whatever their order; None when that would be costly."""
        return None

    def find_data_versions(
        self, whole: TableSlice, parts: Sequence[TableSlice], connection: ConnectionT
    ) -> Sequence[str] | None:
        """Return what identifies the rows of each part of a slice, in order; None when that would be costly."""
        versions = [self.find_data_version(part, connection) for part in parts]
        return None if None in versions else [version for version in versions if version is not None]

    @property
    def can_copy_tables(self) -> bool:
        """Whether `copy_table` and `drop_table` are there, so that an asset can be renamed with its table."""
        return False

    def copy_table(self, source: TableSlice, target: TableSlice, connection: ConnectionT) -> bool:
        """Make a table with the content of another, in the place of one that is there; return whether there was any."""
        raise NotImplementedError

    def drop_table(self, table_slice: TableSlice, connection: ConnectionT) -> bool:
        """Remove a table; return whether it was there."""
        raise NotImplementedError

    @property
    def storage_kind(self) -> str | None:
        """The name of the kind of database, such as "duckdb", that is recorded with materializations."""
        return None
