"""The value of an input as a run's config gives it: plain, under "value", from a file, or made by the loader of its type.

What is wrong with it is found before anything runs; the value itself is made by the step that takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headwater.authoring.config import examine_config, resolve_config, schema_of
from headwater.authoring.runtime_type import HeadwaterType, HeadwaterTypeKind, HeadwaterTypeLoader
from headwater.model.errors.config import ConfigFault

_FILE_KINDS = ("json", "pickle")
_NULLABLE = HeadwaterTypeKind.NULLABLE
_LIST = HeadwaterTypeKind.LIST


def input_config_faults(declared: HeadwaterType, given: Any, at: str) -> list[ConfigFault]:
    """Return what is wrong with the config of an input; `at` is where it is written. Reads no file."""
    if declared.loader is not None:
        return examine_config(schema_of(declared.loader.schema_type), given, at, resolve_env=False)[1]
    if declared.kind is _NULLABLE and given is None:
        return []
    inner = _element_type(declared)
    if inner is not None and isinstance(given, list):
        return [fault for n, part in enumerate(given) for fault in input_config_faults(inner, part, f"{at}[{n}]")]
    if _file_of(declared, given) is not None or not declared.is_annotation:
        return []
    check = declared.type_check(_plain(declared, given))
    if check.success:
        return []
    place = f" at {check.where}" if check.where else ""
    is_what = f"is a value of the type {check.actual}" if check.actual else "is another value"
    return [ConfigFault(at, f"what is given{place} {is_what}, and should be {check.expected or declared.spelling}.")]


def input_from_config(
    declared: HeadwaterType, given: Any, at: str, context_for: Callable[[HeadwaterTypeLoader], Any]
) -> Any:
    """Return the value that an input's config stands for. `context_for` makes what a loader is called with."""
    if declared.loader is not None:
        config = resolve_config(schema_of(declared.loader.schema_type), given, at)
        return declared.loader.construct_from_config_value(context_for(declared.loader), config)
    if declared.kind is _NULLABLE and given is None:
        return None
    inner = _element_type(declared)
    if inner is not None and isinstance(given, list):
        return [input_from_config(inner, part, f"{at}[{n}]", context_for) for n, part in enumerate(given)]
    file = _file_of(declared, given)
    return _read(*file) if file is not None else _plain(declared, given)


def _element_type(declared: HeadwaterType) -> HeadwaterType | None:
    """The type of what stands in a list, where lists are taken; a plain list holds anything."""
    if declared.kind is _NULLABLE:
        lists = [inner for inner in declared.inner_types if inner.kind is _LIST]
        return _element_type(lists[0]) if len(lists) == 1 else None
    if declared.kind is not _LIST:
        return None
    if declared.inner_types:
        return declared.inner_types[0]
    from headwater.authoring.annotations import ANY_TYPE

    return ANY_TYPE


def _takes_mappings(declared: HeadwaterType) -> bool:
    return not declared.is_any and declared.is_annotation and declared.type_check({}).success


def _plain(declared: HeadwaterType, given: Any) -> Any:
    """{"value": x} means x, except where a mapping is what the input takes."""
    if isinstance(given, Mapping) and set(given) == {"value"} and not _takes_mappings(declared):
        return given["value"]
    return given


def _file_of(declared: HeadwaterType, given: Any) -> tuple[str, str] | None:
    """Return (kind, path) of {"json": {"path": ...}} and {"pickle": {"path": ...}}."""
    if not isinstance(given, Mapping) or len(given) != 1 or _takes_mappings(declared):
        return None
    ((kind, place),) = given.items()
    if kind in _FILE_KINDS and isinstance(place, Mapping) and set(place) == {"path"} and isinstance(place["path"], str):
        return kind, place["path"]
    return None


def _read(kind: str, path: str) -> Any:
    """Return what a file holds; a JSON file holds {"value": ...}, or the value itself."""
    with open(path, "rb") as file:
        if kind == "pickle":
            import pickle

            return pickle.load(file)
        import json

        held = json.load(file)
    return held["value"] if isinstance(held, dict) and set(held) == {"value"} else held
