"""How a value that is no table is written: the most readable format in which it comes back exactly as it was.

Text as text, bytes as bytes, what JSON gives back equal and of the same types as JSON, and anything else pickled.
"""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

JSON, TEXT, BYTES, PICKLE = ".json", ".txt", ".bin", ".pkl"

_BIGGEST = 2**63 - 1
_CONSTANTS = frozenset({bool, type(None)})
_LEAVES = frozenset({str, int, float, bool, type(None)})


class CannotStore(Exception):
    """No format can hold the value. The text says why; `hint` says what to do, where that is known."""

    def __init__(self, cause: str, hint: str = "") -> None:
        self.hint = hint
        super().__init__(cause)


def encoded(value: object) -> tuple[str, bytes]:
    """Return the ending of the file that holds the value, and its content. Raises CannotStore."""
    kind = type(value)
    try:
        if (kind is str or kind is bytes) and not value:
            # An empty file counts as no file.
            return PICKLE, pickled(value)
        if kind is str:
            return TEXT, value.encode("utf-8")  # type: ignore[attr-defined]
        if kind is bytes:
            return BYTES, value  # type: ignore[return-value]
        if is_exact_json(value):
            return JSON, json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (UnicodeEncodeError, RecursionError):
        # Lone surrogates are no UTF-8, and a value that holds itself is no tree: pickle knows both.
        return PICKLE, pickled(value)
    return PICKLE, pickled(value)


def is_exact_json(value: object) -> bool:
    """Whether JSON gives the value back equal and with the same types in it, and any reader can read it.

    Not so: tuples, sets, subclasses, keys that are not text, NaN and the infinities, integers beyond 64 bits.
    """
    kind = type(value)
    if kind in _CONSTANTS or kind is str:
        return True
    if kind is int:
        return -_BIGGEST <= value <= _BIGGEST  # type: ignore[operator]
    if kind is float:
        return isfinite(value)  # type: ignore[arg-type]
    if kind is list:
        return _are_exact_json(value)
    if kind is dict:
        return set(map(type, value)) <= {str} and _are_exact_json(list(value.values()))  # type: ignore[call-overload,attr-defined]
    return False


def _are_exact_json(items: Any) -> bool:
    # Long lists of numbers are common, so the types are gathered at once and not item by item.
    kinds = set(map(type, items))
    if kinds <= _LEAVES:
        if int in kinds and not all(-_BIGGEST <= item <= _BIGGEST for item in items if type(item) is int):
            return False
        return float not in kinds or all(isfinite(item) for item in items if type(item) is float)
    return all(map(is_exact_json, items))


def pickled(value: object) -> bytes:
    """Return the value pickled, by cloudpickle if plain pickle cannot. Raises CannotStore."""
    try:
        return pickle.dumps(value, protocol=5)
    except Exception as plain_problem:
        if isinstance(value, io.IOBase):
            # cloudpickle would keep a copy of what the file holds, which is not what was returned.
            raise CannotStore(_cause(plain_problem), _hint(value)) from plain_problem
        try:
            import cloudpickle
        except ImportError:
            raise CannotStore(_cause(plain_problem), _hint(value)) from plain_problem
        try:
            content: bytes = cloudpickle.dumps(value, protocol=5)
        except Exception as problem:
            raise CannotStore(_cause(problem), _hint(value)) from problem
        return content


def _text(content: bytes) -> str:
    return content.decode("utf-8")


DECODERS: Mapping[str, Callable[[bytes], Any]] = {
    JSON: json.loads,
    TEXT: _text,
    BYTES: bytes,
    PICKLE: pickle.loads,
}
"""What reads the content of a file, by its ending."""


def why_unreadable(error: BaseException) -> tuple[str, str]:
    """Return the cause of a failure to read, and what to do about it where that is known."""
    cause = _cause(error)
    if isinstance(error, (AttributeError, ModuleNotFoundError)):
        return (
            cause,
            "It was pickled with a class or a module that is not found here: put the class into a module that both "
            "sides import (not the script itself), install what is missing, or materialize it again.",
        )
    return cause, ""


def _cause(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".: ")


def _hint(value: object) -> str:
    name = type(value).__name__
    if name in ("generator", "async_generator", "coroutine", "map", "filter", "zip"):
        return "It can be read only once: return list(...) of it."
    if name in ("TextIOWrapper", "BufferedReader", "BufferedWriter", "BufferedRandom", "FileIO", "socket", "lock"):
        return "It belongs to this process: return the data, and not the open thing behind it."
    if name in ("Connection", "DuckDBPyConnection", "Engine", "Session", "Cursor", "DuckDBPyRelation"):
        return "It belongs to this process: return the rows that it reads, and make the connection a resource."
    return ""
