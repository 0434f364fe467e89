"""Headwater's values as text and back, for cursors, tags and files: `deserialize_value(serialize_value(x)) == x`.

The text is JSON. A value of a class stands as {"__class__": its public name, ...}; only the classes of the vocabulary are
read back, so a text from elsewhere can make nothing but values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any, Final, TypeVar, overload

from headwater.model.errors.root import did_you_mean
from headwater.model.errors.serialized import DeserializationError, SerializationError

T = TypeVar("T")

# Classes that are no dataclasses, by the arguments from which they are made anew.
_ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "model.keys.AssetKey": ("path",),
    "model.keys.AssetCheckKey": ("asset_key", "name"),
    "model.results.DataVersion": ("value",),
    "model.results.AssetMaterialization": ("asset_key", "description", "metadata", "partition", "tags"),
    "model.results.AssetObservation": ("asset_key", "description", "metadata", "partition", "tags"),
    "model.partitions.PartitionKeyRange": ("start", "end"),
    "model.partitions.TimeWindow": ("start", "end"),
    "authoring.run_request.RunRequest": (
        "run_key",
        "run_config",
        "tags",
        "job_name",
        "asset_selection",
        "stale_assets_only",
        "partition_key",
        "asset_check_keys",
    ),
    "authoring.run_request.SkipReason": ("skip_message",),
}
# Dataclasses and enums, made anew from their fields and names.
_BY_FIELDS: Final = {
    "model.policies": "AssetCheckSeverity BackfillPolicy Backoff Jitter RetryPolicy",
    "model.runs": "RunStatus",
    "model.specs": "AssetExecutionType",
    "model.code_references": "LocalFileCodeReference UrlCodeReference",
    "model.tables": (
        "TableColumn TableColumnConstraints TableColumnDep TableColumnLineage TableConstraints TableRecord TableSchema"
    ),
    "model.partitions": "AddDynamicPartitionsRequest DeleteDynamicPartitionsRequest",
}
_MODULES: Final[Mapping[str, str]] = {
    **{path.rpartition(".")[2]: path.rpartition(".")[0] for path in _ARGUMENTS},
    **{name: module for module, names in _BY_FIELDS.items() for name in names.split()},
}
# Written in a form of their own, that of the store.
_METADATA, _PARTITIONS, _MAPPING = "MetadataValue", "PartitionsDefinition", "PartitionMapping"


@cache
def _class(name: str) -> type[Any]:
    made: type[Any] = getattr(import_module(f"headwater.{_MODULES[name]}"), name)
    return made


def _arguments(name: str, made: type[Any]) -> tuple[str, ...]:
    given = _ARGUMENTS.get(f"{_MODULES[name]}.{name}")
    if given is not None:
        return given
    from dataclasses import fields

    return tuple(field.name for field in fields(made) if field.init)


def serialize_value(val: Any) -> str:
    """Return a value as text: plain values, lists, tuples, sets and mappings of them, and the values of the vocabulary.

    Those are keys, partitions definitions and mappings, ranges and windows, metadata values, materializations and
    observations, policies, tables, run requests and enums. Raises SerializationError that names what has no such form.
    """
    return json.dumps(_packed(val))


def _packed(value: Any) -> Any:
    kind = type(value)
    if value is None or kind in (str, int, float, bool):
        return value
    if kind is list:
        return [_packed(item) for item in value]
    if kind in (tuple, set, frozenset):
        return {
            f"__{kind.__name__}__": [_packed(item) for item in (value if kind is tuple else sorted(value, key=repr))]
        }
    if kind in (datetime, date):
        return {f"__{kind.__name__}__": value.isoformat()}
    name = kind.__name__
    if name in _MODULES and _class(name) is kind:
        if isinstance(value, Enum):
            return {"__enum__": f"{name}.{value.name}"}
        return {"__class__": name, **{field: _packed(getattr(value, field)) for field in _arguments(name, kind)}}
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or (key.startswith("__") and key.endswith("__")):
                raise SerializationError(
                    what=f"A mapping with the key {key!r} was to be serialized.",
                    why="Keys are text, and those between double underscores say what stands there.",
                    fix="Use other keys, or a list of pairs.",
                )
        return {key: _packed(item) for key, item in value.items()}
    return _packed_in_own_form(value)


def _packed_in_own_form(value: Any) -> Any:
    from headwater.model.metadata_kinds import MetadataValue
    from headwater.model.partitions import MultiPartitionKey, PartitionMapping, PartitionsDefinition

    if isinstance(value, MultiPartitionKey):
        return {"__class__": "MultiPartitionKey", "keys_by_dimension": dict(value.keys_by_dimension)}
    if isinstance(value, MetadataValue):
        from headwater.model.metadata_data import metadata_to_data

        return {"__class__": _METADATA, "data": metadata_to_data(value)}
    for name, kind in ((_PARTITIONS, PartitionsDefinition), (_MAPPING, PartitionMapping)):
        if isinstance(value, kind) and hasattr(value, "to_data"):
            return {"__class__": name, "data": value.to_data()}
    raise SerializationError(
        what=f"{value!r}, of the type {type(value).__name__}, was to be serialized.",
        why="It has no form as text from which it would come back equal.",
        fix="Serialize what it is made of: text, numbers, keys.",
    )


@overload
def deserialize_value(val: str, as_type: type[T]) -> T: ...


@overload
def deserialize_value(val: str, as_type: None = None) -> Any: ...


def deserialize_value(val: str, as_type: type[Any] | None = None) -> Any:
    """Return the value that `serialize_value` wrote. Raises DeserializationError for a text that it did not write, and
    for a value that is not of the type `as_type`, where one is given."""
    try:
        packed = json.loads(val)
    except ValueError as error:
        raise DeserializationError(
            what=f"The text {val!r} is not JSON: {error}.",
            why="Values are written so.",
            fix="Give what serialize_value returned.",
        ) from error
    value = _unpacked(packed)
    if as_type is not None and not isinstance(value, as_type):
        raise DeserializationError(
            what=f"The text holds {value!r}, of the type {type(value).__name__}.",
            why=f"A value of the type {as_type.__name__} was asked for.",
            fix="Leave as_type= out to take what is there.",
        )
    return value


_CONTAINERS: Final[Mapping[str, type[Any]]] = {"__tuple__": tuple, "__set__": set, "__frozenset__": frozenset}
_TIMES: Final[Mapping[str, type[date]]] = {"__datetime__": datetime, "__date__": date}


def _unpacked(packed: Any) -> Any:
    if isinstance(packed, list):
        return [_unpacked(item) for item in packed]
    if not isinstance(packed, dict):
        return packed
    if len(packed) == 1:
        ((key, inner),) = packed.items()
        if key in _CONTAINERS:
            return _CONTAINERS[key](_unpacked(item) for item in inner)
        if key in _TIMES:
            return _TIMES[key].fromisoformat(inner)
        if key == "__enum__":
            name, _, member = str(inner).partition(".")
            return _known(name)[member]
    if "__class__" not in packed:
        return {key: _unpacked(item) for key, item in packed.items()}
    name = str(packed["__class__"])
    if name == "MultiPartitionKey":
        from headwater.model.partitions import MultiPartitionKey

        return MultiPartitionKey(packed["keys_by_dimension"])
    if name == _METADATA:
        from headwater.model.metadata_data import metadata_from_data

        return metadata_from_data(packed["data"])
    if name in (_PARTITIONS, _MAPPING):
        from headwater.model.partitions import partition_mapping_from_data, partitions_definition_from_data

        return (partitions_definition_from_data if name == _PARTITIONS else partition_mapping_from_data)(packed["data"])
    arguments = {key: _unpacked(item) for key, item in packed.items() if key != "__class__"}
    made = _known(name)
    try:
        return made(**arguments)
    except TypeError as error:
        raise DeserializationError(
            what=f"The text holds a {name} with {', '.join(arguments) or 'nothing'}: {error}.",
            why="It cannot be made of that.",
            fix="It was most likely written by another release.",
        ) from error


def _known(name: str) -> type[Any]:
    if name not in _MODULES:
        raise DeserializationError(
            what=f'The text holds a value of the class "{name}".',
            why="Only values of Headwater's vocabulary are read from text.",
            fix=did_you_mean(name, _MODULES) or "Give what serialize_value returned.",
        )
    return _class(name)
