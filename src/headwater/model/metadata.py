"""Metadata: what people record beside their data. Raw Python values become `MetadataValue`s, and these JSON data.

The law that readers of stored events lean on: metadata_from_data(metadata_to_data(value)) == value, through JSON.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from headwater.model.errors.io import InvalidMetadata, InvalidMetadataKey
from headwater.model.keys import AssetKey
from headwater.model.metadata_data import metadata_from_data, metadata_to_data
from headwater.model.metadata_kinds import (
    KINDS,
    AssetMetadataValue,
    BoolMetadataValue,
    CodeReferencesMetadataValue,
    FloatMetadataValue,
    IntMetadataValue,
    JobMetadataValue,
    JsonMetadataValue,
    MarkdownMetadataValue,
    MetadataValue,
    NotebookMetadataValue,
    NullMetadataValue,
    PathMetadataValue,
    PoolMetadataValue,
    PythonArtifactMetadataValue,
    RunMetadataValue,
    TableColumnLineageMetadataValue,
    TableMetadataValue,
    TableSchemaMetadataValue,
    TextMetadataValue,
    TimestampMetadataValue,
    UrlMetadataValue,
)
from headwater.model.plain_json import NotPlain, plain_json
from headwater.model.tags import Metadata

__all__ = [
    "KINDS",
    "AssetMetadataValue",
    "BoolMetadataValue",
    "CodeReferencesMetadataValue",
    "FloatMetadataValue",
    "IntMetadataValue",
    "InvalidMetadata",
    "InvalidMetadataKey",
    "JobMetadataValue",
    "JsonMetadataValue",
    "MarkdownMetadataValue",
    "MetadataValue",
    "NotebookMetadataValue",
    "NullMetadataValue",
    "PathMetadataValue",
    "PoolMetadataValue",
    "PythonArtifactMetadataValue",
    "RawMetadataMapping",
    "RawMetadataValue",
    "RunMetadataValue",
    "TableColumnLineageMetadataValue",
    "TableMetadataValue",
    "TableSchemaMetadataValue",
    "TextMetadataValue",
    "TimestampMetadataValue",
    "UrlMetadataValue",
    "metadata_from_data",
    "metadata_to_data",
    "normalize_metadata",
    "normalize_metadata_value",
]

RawMetadataValue = Any
"""Anything that normalize_metadata takes: a MetadataValue, or a Python, numpy or pandas value."""

RawMetadataMapping = Mapping[str, RawMetadataValue]

_BY_PLAIN_TYPE: Mapping[type, Callable[[Any], MetadataValue]] = {
    str: TextMetadataValue,
    int: IntMetadataValue,
    float: FloatMetadataValue,
    bool: BoolMetadataValue,
    type(None): lambda _: NullMetadataValue(),
}


def normalize_metadata(metadata: RawMetadataMapping | None) -> dict[str, MetadataValue]:
    """Return each value as a MetadataValue, by its key.

    Numbers and text keep their kind, numpy and pandas ones too; aware times become timestamps, and naive ones and days
    ISO text (they name no instant); durations become seconds, decimals floats; paths, asset keys, table schemas and
    column lineage their own kinds; a list of TableRecord a table; every other list, mapping, set, small array,
    dataclass and model JSON. A namespaced set (TableMetadataSet) is a mapping, so it can be spread with `**`.
    Raises InvalidMetadata, naming the key and the type, for what has no such form.
    """
    normalized: Metadata[MetadataValue] = Metadata()
    for key, value in (metadata or {}).items():
        make = _BY_PLAIN_TYPE.get(type(value))
        if type(key) is not str and not isinstance(key, str):
            raise InvalidMetadataKey(key)
        normalized[str(key)] = normalize_metadata_value(key, value) if make is None else make(value)
    return normalized


def normalize_metadata_value(key: str, value: RawMetadataValue) -> MetadataValue:
    """Return one value as a MetadataValue; `key` names it in the error."""
    if isinstance(value, MetadataValue):
        return value
    make = _BY_PLAIN_TYPE.get(type(value))
    if make is not None:
        return make(value)
    if isinstance(value, os.PathLike):
        return PathMetadataValue(value)
    if isinstance(value, AssetKey):
        return AssetMetadataValue(value)
    # NaT is a datetime without a time, and not equal to itself.
    if isinstance(value, datetime) and value.tzinfo is not None and value == value:
        return TimestampMetadataValue(value)
    special = _find_special(value)
    if special is not None:
        return special
    try:
        plain = plain_json(value)
    except NotPlain as problem:
        at = "".join(problem.path)
        raise InvalidMetadata(
            f"{key}{at}" if at else str(key), problem.found, f"{problem.reason}." if problem.reason else "", problem.fix
        ) from None
    return _BY_PLAIN_TYPE.get(type(plain), JsonMetadataValue)(plain)


def _find_special(value: Any) -> MetadataValue | None:
    # Looked up by module first, so that tables need not be imported to find out that a value is none.
    sample = value[0] if isinstance(value, (list, tuple)) and value else value
    if type(sample).__module__ not in _SPECIAL_MODULES:
        return None
    from headwater.model.code_references import LocalFileCodeReference, UrlCodeReference
    from headwater.model.tables import TableColumnLineage, TableRecord, TableSchema

    if isinstance(value, TableSchema):
        return TableSchemaMetadataValue(value)
    if isinstance(value, TableColumnLineage):
        return TableColumnLineageMetadataValue(value)
    if isinstance(value, (list, tuple)):
        if all(isinstance(item, TableRecord) for item in value):
            return TableMetadataValue(value)
        if all(isinstance(item, (LocalFileCodeReference, UrlCodeReference)) for item in value):
            return CodeReferencesMetadataValue(value)
    return None


_SPECIAL_MODULES = frozenset({"headwater.model.tables", "headwater.model.code_references"})
