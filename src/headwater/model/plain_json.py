"""Any sensible Python value as plain JSON values: None, bool, int, float, str, list and dict with string keys.

numpy, pandas, polars and Arrow values are known by the name of their module, so none of these is imported here. The
promise: what comes back holds nothing else, shares nothing with what was given, and can be written as UTF-8. (NaN and
the infinities stay floats.)
"""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping, Sequence, Set, ValuesView
from datetime import date, datetime, time, timedelta
from typing import Any

MAX_ARRAY_ITEMS = 1_000

_AS_IS = frozenset({int, float, bool, type(None)})


class NotPlain(Exception):
    """A value inside has no plain form. `path` leads to it, `found` is its type's name."""

    def __init__(self, found: str, reason: str = "", fix: str = "") -> None:
        self.found = found
        self.reason = reason
        self.fix = fix
        self.path: list[str] = []
        super().__init__(found)


def plain_json(value: object) -> Any:
    """Return `value` as plain JSON values, numbers and texts of other libraries included.

    Tuples, sets and arrays become lists (sets sorted where they can be); dataclasses, pydantic models and named tuples
    become dicts; enums their value; times and dates ISO text; durations seconds; paths text; decimals floats.
    Raises NotPlain for anything else, for an array of more than 1,000 items, and for a value that holds itself.
    """
    try:
        return _plain(value)
    except RecursionError:
        raise NotPlain(type(value).__name__, "It holds itself, or is nested too deeply") from None


def encodable(text: str) -> str:
    """Return the text with what UTF-8 cannot hold (lone surrogates) written as backslash escapes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return encodable(value)
    if kind in _AS_IS:
        return value
    if kind is list or kind is tuple:
        return _plain_list(value)
    if kind is dict:
        return _plain_dict(value)
    return _plain_odd(value, kind)


def _plain_list(items: Sequence[Any]) -> list[Any]:
    plain: list[Any] = []
    try:
        for item in items:
            plain.append(_plain(item))
    except NotPlain as problem:
        problem.path.insert(0, f"[{len(plain)}]")
        raise
    return plain


def _plain_dict(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, item in mapping.items():
        name = _plain_key(key)
        if name in plain:
            raise NotPlain(type(mapping).__name__, f'Two of its keys are both written "{name}"')
        try:
            plain[name] = _plain(item)
        except NotPlain as problem:
            problem.path.insert(0, f"[{key!r}]")
            raise
    return plain


def _plain_key(key: Any) -> str:
    plain = _plain(key)
    if isinstance(plain, str):
        return plain
    if plain is None or isinstance(plain, bool):
        return "null" if plain is None else str(plain).lower()
    if isinstance(plain, (int, float)):
        return str(plain)
    return encodable(str(key))


def _plain_odd(value: Any, kind: type) -> Any:
    if isinstance(value, enum.Enum):
        return _plain(value.value)
    library = kind.__module__.partition(".")[0]
    if library in _BY_LIBRARY:
        return _BY_LIBRARY[library](value, kind)
    if isinstance(value, str):
        return encodable(str(value))
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, os.PathLike):
        return encodable(str(os.fspath(value)))
    if hasattr(kind, "model_dump"):
        return _plain(value.model_dump(mode="json"))
    if hasattr(kind, "__dataclass_fields__") and not isinstance(value, type):
        return _plain_dict({name: getattr(value, name) for name in kind.__dataclass_fields__})
    if hasattr(kind, "__struct_fields__"):
        return _plain_dict({name: getattr(value, name) for name in kind.__struct_fields__})
    if hasattr(kind, "__attrs_attrs__"):
        return _plain_dict({field.name: getattr(value, field.name) for field in kind.__attrs_attrs__})
    if isinstance(value, tuple) and hasattr(kind, "_asdict"):
        return _plain_dict(value._asdict())  # type: ignore[attr-defined]
    if isinstance(value, Mapping):
        return _plain_dict(value)
    if isinstance(value, Set):
        return _plain_set(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise NotPlain(kind.__name__, "Bytes have no readable form", "Decode them, or write value.hex().")
    if isinstance(value, (Sequence, ValuesView)):
        return _plain_list(list(value))
    return _plain_number(value, kind)


def _plain_set(items: Set[Any]) -> list[Any]:
    plain = _plain_list(list(items))
    try:
        return sorted(plain)
    except TypeError:
        return sorted(plain, key=repr)


def _plain_number(value: Any, kind: type) -> Any:
    from decimal import Decimal
    from fractions import Fraction
    from uuid import UUID

    if isinstance(value, (Decimal, Fraction)):
        if isinstance(value, Decimal) and value.is_snan():
            return float("nan")
        number = float(value)
        finite = not isinstance(value, Decimal) or value.is_finite()
        return str(value) if finite and number in (float("inf"), float("-inf")) else number
    if isinstance(value, (UUID, complex)):
        return str(value)
    if isinstance(value, type) or callable(value):
        raise NotPlain(
            "class" if isinstance(value, type) else kind.__name__,
            "A function or a class is code, not a value",
            "Call it, or name it with MetadataValue.python_artifact(...).",
        )
    raise NotPlain(kind.__name__)


def _plain_numpy(value: Any, kind: Any) -> Any:
    name = kind.__name__
    if name == "datetime64":
        text = str(value)
        return None if text == "NaT" else text
    if name == "timedelta64":
        return None if str(value) == "NaT" else float(value / kind(1, "s"))
    if getattr(value, "ndim", 0) != 0:
        return _plain_array(value.size, name, value.tolist)
    item = value.item() if hasattr(value, "item") else value
    if type(item) is kind:
        # A long double has no Python equal; a plain float is as near as JSON comes.
        return str(item) if name.startswith("c") else float(item)
    return _plain(item)


def _plain_pandas(value: Any, kind: type) -> Any:
    name = kind.__name__
    if name in ("NaTType", "NAType"):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if name in ("Period", "Interval"):
        return str(value)
    if name == "Series":
        return _plain_array(value.size, name, value.to_dict)
    if hasattr(value, "tolist") and getattr(value, "ndim", 0) == 1:
        return _plain_array(value.size, name, value.tolist)
    raise _not_plain_frame(name)


def _plain_polars(value: Any, kind: type) -> Any:
    if kind.__name__ == "Series":
        return _plain_array(len(value), kind.__name__, value.to_list)
    raise _not_plain_frame(kind.__name__)


def _plain_arrow(value: Any, kind: type) -> Any:
    if hasattr(value, "as_py"):
        return _plain(value.as_py())
    if hasattr(value, "to_pylist") and not hasattr(value, "column_names"):
        return _plain_array(len(value), kind.__name__, value.to_pylist)
    raise _not_plain_frame(kind.__name__)


def _plain_array(size: int, name: str, listed: Any) -> Any:
    if size > MAX_ARRAY_ITEMS:
        raise NotPlain(
            name,
            f"It has {size:,} items, and metadata describes data rather than holding it (at most {MAX_ARRAY_ITEMS:,})",
            "Record a summary of it, such as its size, mean, minimum and maximum.",
        )
    return _plain(listed())


def _not_plain_frame(name: str) -> NotPlain:
    return NotPlain(
        name,
        "A data frame is data, and metadata describes data",
        "Write MetadataValue.md(frame.head().to_markdown()), or MetadataValue.table(records) with a few rows.",
    )


_BY_LIBRARY = {"numpy": _plain_numpy, "pandas": _plain_pandas, "polars": _plain_polars, "pyarrow": _plain_arrow}
