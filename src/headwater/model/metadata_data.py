"""Metadata values as plain data {"kind": ..., "value": ...} and back, through any JSON reader and writer.

What JSON cannot hold (NaN, the infinities, whole numbers past 64 bits) is null in "value" and spelt out under "beyond",
by its place; a reader that does not know of it still reads sound JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from headwater.model.errors import InvariantViolationError
from headwater.model.keys import AssetKey
from headwater.model.metadata_kinds import (
    KINDS,
    CodeReferencesMetadataValue,
    FloatMetadataValue,
    IntMetadataValue,
    JobMetadataValue,
    JsonMetadataValue,
    MetadataValue,
    NullMetadataValue,
    PythonArtifactMetadataValue,
    TableColumnLineageMetadataValue,
    TableMetadataValue,
    TableSchemaMetadataValue,
    TimestampMetadataValue,
)

_AS_IS = frozenset({"bool", "md", "notebook", "null", "path", "pool", "run", "text", "url"})
_BIGGEST = 2**63 - 1
_SMALLEST = -(2**63)


class UnknownMetadataKind(InvariantViolationError):
    """Stored metadata is of a kind that this release does not know."""

    code = "unknown-metadata-kind"

    def __init__(self, kind: object) -> None:
        super().__init__(
            what=f"Stored metadata has the kind {kind!r}, which this release does not know.",
            why="It was most likely written by a newer release.",
            fix="Upgrade: pip install --upgrade headwater.",
        )


def metadata_to_data(value: MetadataValue) -> dict[str, Any]:
    """Return the value as plain data that any JSON writer takes."""
    kind = value.kind
    if kind in _AS_IS:
        return {"kind": kind, "value": value.value}
    data: dict[str, Any] = {"kind": kind, "value": _to_plain(value)}
    if isinstance(value, (FloatMetadataValue, IntMetadataValue, TimestampMetadataValue, JsonMetadataValue)) or (
        value.kind == "table"
    ):
        beyond: list[list[Any]] = []
        data["value"] = _without_beyond(data["value"], (), beyond)
        if beyond:
            data["beyond"] = beyond
    return data


def metadata_from_data(data: Mapping[str, Any]) -> MetadataValue:
    """Return the value that metadata_to_data wrote. Raises UnknownMetadataKind for a kind of a later release."""
    kind, plain = data.get("kind"), data.get("value")
    for place, text in data.get("beyond") or ():
        plain = _put(plain, place, _number(text))
    value_class = KINDS.get(kind) if isinstance(kind, str) else None
    if value_class is None:
        raise UnknownMetadataKind(kind)
    return _from_plain(value_class, plain)


def _to_plain(value: MetadataValue) -> Any:
    match value:
        case TableMetadataValue():
            return {
                "records": [dict(record.data) for record in value.records],
                "schema": schema_to_data(value.schema),
            }
        case TableSchemaMetadataValue():
            return schema_to_data(value.value)
        case TableColumnLineageMetadataValue():
            return {
                name: [
                    {"asset_key": AssetKey.from_coercible(dep.asset_key).path, "column_name": dep.column_name}
                    for dep in deps
                ]
                for name, deps in value.value.deps_by_column.items()
            }
        case CodeReferencesMetadataValue():
            return [asdict(reference) for reference in value.code_references]
        case JobMetadataValue() | PythonArtifactMetadataValue():
            return {part: getattr(value, part) for part in value._parts}
    plain = value.value
    return plain.path if isinstance(plain, AssetKey) else plain


def _from_plain(value_class: type[Any], plain: Any) -> MetadataValue:
    if value_class is NullMetadataValue:
        return NullMetadataValue()
    if value_class is TableMetadataValue:
        return TableMetadataValue(plain["records"], schema_from_data(plain["schema"]))
    if value_class is TableSchemaMetadataValue:
        return TableSchemaMetadataValue(schema_from_data(plain))
    if value_class is TableColumnLineageMetadataValue:
        from headwater.model.tables import TableColumnDep, TableColumnLineage

        return TableColumnLineageMetadataValue(
            TableColumnLineage({name: [TableColumnDep(**dep) for dep in deps] for name, deps in plain.items()})
        )
    if value_class is CodeReferencesMetadataValue:
        from headwater.model.code_references import LocalFileCodeReference, UrlCodeReference

        return CodeReferencesMetadataValue(
            [UrlCodeReference(**item) if "url" in item else LocalFileCodeReference(**item) for item in plain]
        )
    if value_class in (JobMetadataValue, PythonArtifactMetadataValue):
        return value_class(**plain)  # type: ignore[no-any-return]
    return value_class(plain)  # type: ignore[no-any-return]


def schema_to_data(schema: Any) -> dict[str, Any]:
    """Return a TableSchema as plain data."""
    return {
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "description": column.description,
                "constraints": {
                    "nullable": column.constraints.nullable,
                    "unique": column.constraints.unique,
                    "other": list(column.constraints.other),
                },
                "tags": dict(column.tags),
            }
            for column in schema.columns
        ],
        "constraints": list(schema.constraints.other),
    }


def schema_from_data(data: Mapping[str, Any]) -> Any:
    """Return the TableSchema that schema_to_data wrote."""
    from headwater.model.tables import TableColumn, TableColumnConstraints, TableConstraints, TableSchema

    columns = [
        TableColumn(
            column["name"],
            column["type"],
            column.get("description"),
            TableColumnConstraints(**(column.get("constraints") or {})),
            column.get("tags") or {},
        )
        for column in data["columns"]
    ]
    return TableSchema(columns, TableConstraints(data.get("constraints") or ()))


def _without_beyond(plain: Any, place: tuple[Any, ...], beyond: list[list[Any]]) -> Any:
    kind = type(plain)
    if kind is float:
        if plain - plain == 0.0:
            return plain
        beyond.append([list(place), repr(plain)])
        return None
    if kind is int:
        if _SMALLEST <= plain <= _BIGGEST:
            return plain
        beyond.append([list(place), hex(plain)])
        return None
    if kind is list:
        return [_without_beyond(item, (*place, index), beyond) for index, item in enumerate(plain)]
    if kind is dict:
        return {key: _without_beyond(item, (*place, key), beyond) for key, item in plain.items()}
    return plain


def _put(plain: Any, place: Sequence[Any], number: int | float) -> Any:
    """Return `plain` with `number` at `place`; what is on the way is copied, the rest shared."""
    if not place:
        return number
    step, rest = place[0], place[1:]
    copy = dict(plain) if isinstance(plain, Mapping) else list(plain)
    copy[step] = _put(copy[step], rest, number)
    return copy


def _number(text: str) -> int | float:
    return int(text, 16) if "0x" in text else float(text)
