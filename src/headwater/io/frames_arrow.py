"""Arrow tables as Parquet files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from headwater.io.frames import ARROW, KIND_FIELD, find_frame_kind

if TYPE_CHECKING:
    from headwater.io.atomic_files import NewFile

UNREPRESENTABLE = (pa.ArrowException, ValueError, TypeError, KeyError, AttributeError, NotImplementedError)
"""What is raised when a table has no Parquet form. OSError is not among them: that is the disk's."""


SMALL_BYTES = 4 * 1024 * 1024
"""Up to this size a file is read and written as a whole, by one thread."""


def is_exact(table: pa.Table) -> bool:
    """Whether a table of these columns comes back from Parquet with the same types."""
    try:
        sink = pa.BufferOutputStream()
        pq.write_table(table.schema.empty_table(), sink)
        schema: pa.Schema = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema_arrow
        return bool(schema.equals(table.schema, check_metadata=True))
    except UNREPRESENTABLE:
        return False


def write(table: pa.Table, file: NewFile, kind: str = ARROW) -> None:
    """Write the table as Parquet, noting as which kind of table it is to come back."""
    facts = {**(table.schema.metadata or {}), KIND_FIELD.encode(): kind.encode()}
    table = table.replace_schema_metadata(facts)
    if table.nbytes > SMALL_BYTES:
        pq.write_table(table, file)
        return
    # Parquet is written in dozens of bits, each of which would go through Python to the operating system.
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    file.write(sink.getvalue())


def stored_kind(path: str) -> str:
    """Return the kind of table as which the file was written; an Arrow table when it does not say."""
    facts = pq.read_metadata(path).metadata or {}
    return str(facts.get(KIND_FIELD.encode(), ARROW.encode()), "ascii")


def read_table(path: str) -> pa.Table:
    """Return the table in a Parquet file, with all that was noted beside it."""
    # Not pq.read_table: that one takes directories named "a=b" on the way for columns.
    is_small = os.stat(path).st_size <= SMALL_BYTES
    with pq.ParquetFile(pa.BufferReader(Path(path).read_bytes()) if is_small else path) as file:
        # Threads cost more than they give where there is little to do.
        return file.read(use_pandas_metadata=True, use_threads=not is_small)


def read(path: str) -> pa.Table:
    """Return the table in a Parquet file."""
    table = read_table(path)
    facts = dict(table.schema.metadata or {})
    return table.replace_schema_metadata(facts or None) if facts.pop(KIND_FIELD.encode(), None) else table


def from_frame(frame: Any) -> pa.Table:
    """Return an Arrow table with the content of a pandas or polars one."""
    match find_frame_kind(frame):
        case "pandas":
            return pa.Table.from_pandas(frame)
        case "lazy":
            return frame.collect().to_arrow()
    return frame.to_arrow()


def columns_of(table: pa.Table) -> dict[str, str]:
    """Return the type of each column, in order."""
    return {field.name: str(field.type) for field in table.schema}
