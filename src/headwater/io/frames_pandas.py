"""pandas frames as Parquet files, index included; what Parquet would give back otherwise is left to pickle."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from headwater.io.frames import find_frame_kind
from headwater.io.frames_arrow import SMALL_BYTES, UNREPRESENTABLE, read_table, write as write

_TEXT_IS_OBJECT = pd.Series(["text"]).dtype.name == "object"
"""Whether this pandas keeps text as Python objects, as all did before pandas 3."""

_FREQUENCY = b"headwater.index_frequency"

_MOST_TYPES_REMEMBERED = 1000
_types_that_come_back: set[Any] = set()
"""The types of columns of which one value was tried out and came back: the many frames of one asset are alike."""


def find_table(frame: pd.DataFrame) -> pa.Table | None:
    """Return the Arrow table that comes back as this frame; None when it would not come back equal.

    In a column of text, a missing value comes back as the kind of missing value that pandas uses for text.
    """
    try:
        with warnings.catch_warnings():
            # pyarrow warns of what it will lose; whatever is lost is found by comparing.
            warnings.simplefilter("ignore")
            if not all(map(_comes_back, _doubtful_parts(frame))):
                return None
            _remember_types(frame)
            return _to_table(frame)
    except UNREPRESENTABLE:
        return None


def read(path: str) -> pd.DataFrame:
    """Return the frame in a Parquet file, whoever wrote it."""
    return _from_table(read_table(path))


def from_frame(frame: Any) -> pd.DataFrame:
    """Return a pandas frame with the content of another one."""
    match find_frame_kind(frame):
        case "lazy":
            return _from_table(frame.collect().to_arrow())
        case "polars":
            return _from_table(frame.to_arrow())
    return _from_table(frame)


def columns_of(frame: pd.DataFrame) -> dict[str, str]:
    """Return the type of each column, in order."""
    return {str(name): str(kind) for name, kind in frame.dtypes.items()}


def _to_table(frame: pd.DataFrame) -> pa.Table:
    table = pa.Table.from_pandas(frame)
    frequency = getattr(frame.index, "freqstr", None)
    if frequency is None or not isinstance(frame.index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
        return table
    return table.replace_schema_metadata({**(table.schema.metadata or {}), _FREQUENCY: json.dumps(frequency)})


def _from_table(table: pa.Table) -> pd.DataFrame:
    # Threads cost more than they give where there is little to do.
    frame: pd.DataFrame = table.to_pandas(use_threads=table.nbytes > SMALL_BYTES)
    if not _TEXT_IS_OBJECT:
        for name in _object_text_columns(table):
            if name in frame.columns and frame[name].dtype.name == "str":
                frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    frequency = (table.schema.metadata or {}).get(_FREQUENCY)
    if frequency is not None and isinstance(frame.index, (pd.DatetimeIndex, pd.TimedeltaIndex)):
        try:
            frame.index.freq = json.loads(frequency)  # type: ignore[misc]  # pandas lets it be set
        except ValueError:
            # A name of a frequency that this pandas does not know: the times themselves are all there.
            return frame
    return frame


def _object_text_columns(table: pa.Table) -> list[str]:
    """Return the columns of text that were Python objects when they were stored."""
    facts = (table.schema.metadata or {}).get(b"pandas")
    columns = json.loads(facts)["columns"] if facts else ()
    return [
        column["name"]
        for column in columns
        if column["pandas_type"] == "unicode" and column["numpy_type"] == "object" and column["name"] is not None
    ]


def _doubtful_parts(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """Return what must be tried out to know that the frame comes back: some columns whole, of others one row."""
    if not (_is_plain_labels(frame.columns) and _is_plain_index(frame.index)) or frame.attrs:
        return [frame]
    kinds = list(frame.dtypes)
    by_value = [at for at, kind in enumerate(kinds) if kind.kind == "O" and not _is_text(frame, at, kind)]
    by_type = [
        at for at, kind in enumerate(kinds) if not (_is_safe(kind) or at in by_value or kind in _types_that_come_back)
    ]
    parts = [frame.iloc[:, by_value]] if by_value else []
    return [*parts, frame.iloc[:1, by_type]] if by_type else parts


def _remember_types(frame: pd.DataFrame) -> None:
    """Note the types of a frame that came back. An empty one says nothing, nor do types whose values matter."""
    if len(frame) and len(_types_that_come_back) < _MOST_TYPES_REMEMBERED:
        for kind in frame.dtypes:
            if kind.name == "string" or (kind.kind != "O" and not _is_safe(kind)):
                _types_that_come_back.add(kind)


def _is_plain_labels(columns: pd.Index[Any]) -> bool:
    is_text = columns.inferred_type in ("string", "empty") and all(type(name) is str for name in columns)
    return is_text and len(columns) > 0 and not isinstance(columns, pd.MultiIndex) and columns.is_unique


def _is_plain_index(index: pd.Index[Any]) -> bool:
    if isinstance(index, pd.RangeIndex):
        return index.name is None or type(index.name) is str
    return type(index) is pd.Index and str(index.dtype) in ("int64", "float64") and index.name is None


def _is_text(frame: pd.DataFrame, at: int, kind: Any) -> bool:
    if kind.name == "object":
        return bool(pd.api.types.infer_dtype(frame.iloc[:, at], skipna=True) == "string")
    return kind.name in ("str", "string")


def _is_safe(kind: Any) -> bool:
    return (kind.kind in "iufb" and kind.name != "float16") or kind.name in ("object", "str")


def _comes_back(frame: pd.DataFrame) -> bool:
    sink = pa.BufferOutputStream()
    pq.write_table(_to_table(frame), sink)
    back = _from_table(pq.ParquetFile(pa.BufferReader(sink.getvalue())).read(use_pandas_metadata=True))
    return (
        back.equals(frame)
        and list(back.dtypes) == list(frame.dtypes)
        and _is_same_index(back.columns, _without_range(frame.columns))
        and _is_same_index(back.index, frame.index)
        and back.attrs == frame.attrs
        and all(_have_same_types(back.iloc[:, at], frame.iloc[:, at]) for at in range(frame.shape[1]))
    )


def _without_range(columns: pd.Index[Any]) -> pd.Index[Any]:
    # Numbered columns come back with the same numbers, though not as a range of them.
    return pd.Index(list(columns), name=columns.name) if isinstance(columns, pd.RangeIndex) else columns


def _is_same_index(one: pd.Index[Any], other: pd.Index[Any]) -> bool:
    if type(one) is not type(other) or list(one.names) != list(other.names) or not one.equals(other):
        return False
    if isinstance(one, pd.MultiIndex) and isinstance(other, pd.MultiIndex):
        return list(one.dtypes) == list(other.dtypes)
    return bool(one.dtype == other.dtype)


def _have_same_types(one: pd.Series[Any], other: pd.Series[Any]) -> bool:
    # 1, 1.0 and True are equal, and a list is not the array that it comes back as.
    return other.dtype != object or list(map(type, one)) == list(map(type, other))
