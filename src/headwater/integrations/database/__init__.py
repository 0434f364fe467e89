"""Assets as tables of a database, whichever: the slice of a table that a value is, and type handlers for values.

A database is added by a DbClient, a type of value by a DbTypeHandler; DbIOManager joins them.
"""

from headwater.integrations.database.client import DbClient
from headwater.integrations.database.io_manager import DbIOManager
from headwater.integrations.database.table_slice import (
    TablePartitionDimension,
    TableSlice,
    quoted_identifier,
    quoted_literal,
    slice_condition,
    static_where_clause,
    time_window_where_clause,
)
from headwater.integrations.database.type_handler import DbTypeHandler

__all__ = [
    "DbClient",
    "DbIOManager",
    "DbTypeHandler",
    "TablePartitionDimension",
    "TableSlice",
    "quoted_identifier",
    "quoted_literal",
    "slice_condition",
    "static_where_clause",
    "time_window_where_clause",
]
