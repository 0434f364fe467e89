"""Which values are tables, as which kind of table a value is asked for, and the change from one kind to another.

Kinds are known by the names of their modules, so no library is imported before one of its tables is at hand.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from typing import Any

PANDAS, POLARS, LAZY, ARROW = "pandas", "polars", "lazy", "arrow"

NAMES = {PANDAS: "pandas.DataFrame", POLARS: "polars.DataFrame", LAZY: "polars.LazyFrame", ARROW: "pyarrow.Table"}
"""What people call each kind."""

_BY_LIBRARY_AND_NAME = {
    ("pandas", "DataFrame"): PANDAS,
    ("polars", "DataFrame"): POLARS,
    ("polars", "LazyFrame"): LAZY,
    ("pyarrow", "Table"): ARROW,
}


KIND_FIELD = "headwater.kind"
"""The name under which a Parquet file says as which kind of table it was written."""


def stored_kind(path: str) -> str:
    """Return the kind of table as which a Parquet file was written, read by the library that is at hand."""
    try:
        from headwater.io import frames_arrow
    except ImportError:
        from headwater.io import frames_polars

        return frames_polars.stored_kind(path)
    return frames_arrow.stored_kind(path)


def find_frame_kind(value: object) -> str | None:
    """Return the kind of table that the value is; None for anything else, subclasses of tables included."""
    kind = type(value)
    return _BY_LIBRARY_AND_NAME.get((kind.__module__.partition(".")[0], kind.__name__))


def frames_asked(annotation: Any) -> tuple[tuple[str, ...], bool]:
    """Return the kinds of table that an annotation allows, and whether it allows nothing but these (and None)."""
    if annotation is None or annotation is Any:
        return (), False
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        kind = _kind_of_class(annotation)
        return ((kind,), True) if kind else ((), annotation is type(None))
    origin = typing.get_origin(annotation)
    if origin is typing.Union or origin is types.UnionType:
        found = [frames_asked(part) for part in typing.get_args(annotation)]
        return tuple(kind for kinds, _ in found for kind in kinds), all(only for _, only in found)
    if origin is typing.Annotated:
        return frames_asked(typing.get_args(annotation)[0])
    return frames_asked(origin) if isinstance(origin, type) else ((), False)


def value_annotation(annotation: Any) -> Any:
    """Return what a dict annotation says of its values; None for any other annotation."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping) and len(arguments) == 2:
        return arguments[1]
    return None


def is_mapping_annotation(annotation: Any) -> bool:
    """Whether an annotation allows a dict by partition key."""
    if annotation is None or annotation is Any or annotation is object:
        return True
    origin = typing.get_origin(annotation)
    if origin is typing.Union or origin is types.UnionType:
        return any(is_mapping_annotation(part) for part in typing.get_args(annotation) if part is not type(None))
    if origin is typing.Annotated:
        return is_mapping_annotation(typing.get_args(annotation)[0])
    concrete = origin or annotation
    return not isinstance(concrete, type) or issubclass(dict, concrete)


def converted(frame: Any, kind: str) -> Any:
    """Return a table of some kind as one of another. Named index levels become columns where there is no index."""
    if find_frame_kind(frame) == kind:
        return frame
    if kind == PANDAS:
        from headwater.io import frames_pandas

        return frames_pandas.from_frame(frame)
    if kind == ARROW:
        from headwater.io import frames_arrow

        return frames_arrow.from_frame(frame)
    from headwater.io import frames_polars

    eager = frames_polars.from_frame(frame)
    return eager.lazy() if kind == LAZY else eager


def _kind_of_class(annotation: type) -> str | None:
    library, _, rest = annotation.__module__.partition(".")
    if library == "pandera" and annotation.__name__ in ("DataFrame", "LazyFrame"):
        library = POLARS if "polars" in rest else PANDAS
    return _BY_LIBRARY_AND_NAME.get((library, annotation.__name__))
