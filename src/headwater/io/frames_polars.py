"""polars frames, eager and lazy, as Parquet files. pyarrow is not needed, except to take over frames of others."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import polars as pl

from headwater.io.frames import KIND_FIELD, POLARS, find_frame_kind

if TYPE_CHECKING:
    from headwater.io.atomic_files import NewFile


def is_exact(frame: pl.DataFrame) -> bool:
    """Whether a frame of these columns comes back from Parquet with the same types."""
    try:
        buffer = io.BytesIO()
        frame.clear().write_parquet(buffer)
        buffer.seek(0)
        return pl.read_parquet(buffer).schema == frame.schema
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, TypeError, ValueError):
        return False


def collect(frame: pl.LazyFrame) -> pl.DataFrame:
    """Return the result of the query. Errors are those of the query."""
    return frame.collect()


def write(frame: pl.DataFrame, file: NewFile, kind: str = POLARS) -> None:
    """Write the frame as Parquet, noting as which kind of table it is to come back."""
    frame.write_parquet(file, metadata={KIND_FIELD: kind})  # type: ignore[arg-type]  # it only writes


def stored_kind(path: str) -> str:
    """Return the kind of table as which the file was written; a polars frame when it does not say."""
    return pl.read_parquet_metadata(path).get(KIND_FIELD, POLARS)


def read(path: str) -> pl.DataFrame:
    """Return the frame in a Parquet file, whoever wrote it."""
    frame: pl.DataFrame = without_pandas_leftovers(path, pl.read_parquet(path, glob=False, hive_partitioning=False))
    return frame


def scan(path: str) -> pl.LazyFrame:
    """Return a query on a Parquet file, whoever wrote it. The file is read when the query is collected."""
    query: pl.LazyFrame = without_pandas_leftovers(path, pl.scan_parquet(path, glob=False, hive_partitioning=False))
    return query


def from_frame(frame: Any) -> pl.DataFrame:
    """Return a polars frame with the content of another one; named index levels become columns."""
    match find_frame_kind(frame):
        case "lazy":
            return frame.collect()  # type: ignore[no-any-return]
        case "pandas":
            named = [name for name in frame.index.names if name is not None]
            frame = frame.reset_index(level=named) if named else frame
            return pl.DataFrame(pl.from_pandas(frame))
        case "polars":
            return frame  # type: ignore[no-any-return]
    result = pl.from_arrow(frame)
    assert isinstance(result, pl.DataFrame)
    return result


def without_pandas_leftovers(path: str, frame: Any) -> Any:
    """Return the frame without the unnamed row numbers that pandas keeps in a column of their own."""
    names = frame.columns if isinstance(frame, pl.DataFrame) else frame.collect_schema().names()
    if not any(name.startswith("__index_level_") for name in names):
        return frame
    schema = frame.schema if isinstance(frame, pl.DataFrame) else frame.collect_schema()
    pandas_facts = json.loads(pl.read_parquet_metadata(path).get("pandas", "{}"))
    leftovers = [
        column["field_name"]
        for column in pandas_facts.get("columns", ())
        if column.get("name") is None and schema.get(column["field_name"], pl.Null()).is_integer()
    ]
    return frame.drop(leftovers)


def columns_of(frame: pl.DataFrame) -> dict[str, str]:
    """Return the type of each column, in order."""
    return {name: str(kind) for name, kind in frame.schema.items()}
