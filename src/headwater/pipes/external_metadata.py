"""Metadata as an external process reports it, {"type": ..., "raw_value": ...}, made into metadata values.

Types are those of the protocol; whole numbers are taken where a float is asked for, and fractions nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from headwater.model.errors import HeadwaterError, did_you_mean
from headwater.model.metadata import MetadataValue, normalize_metadata_value
from headwater.pipes.protocol import key_parts


class BadMetadata(ValueError):
    """Metadata cannot be meant; the message is a sentence that names the key, the type and what was given."""


def metadata_from_external(metadata: Any) -> dict[str, MetadataValue]:
    """Return each reported value as a MetadataValue, by its key; nothing for None. Raises BadMetadata."""
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise BadMetadata(f"Its metadata is {_shown(metadata)}, and not a mapping of keys to values.")
    return {key: _value(key, given) for key, given in metadata.items()}


def _value(key: str, given: Any) -> MetadataValue:
    if not (isinstance(given, Mapping) and {"type", "raw_value"} <= given.keys()):
        # A plain value, as a writer gives it that leaves the type to be told from the value.
        given = {"type": "__infer__", "raw_value": given}
    kind, raw = given["type"], given["raw_value"]
    make = _MAKERS.get(kind) if isinstance(kind, str) else None
    if make is None:
        near = did_you_mean(str(kind), _MAKERS)
        raise BadMetadata(f'Its metadata "{key}" is of type {kind!r}, which there is not. {near}'.rstrip())
    try:
        return make(raw)
    except HeadwaterError as error:
        reason = error.what
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise BadMetadata(f'Its metadata "{key}" is of type "{kind}" with the value {_shown(raw)}. {reason}')


def _bool(raw: Any) -> MetadataValue:
    if not isinstance(raw, bool):
        raise TypeError("a truth value is expected")
    return MetadataValue.bool(raw)


def _int(raw: Any) -> MetadataValue:
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise TypeError("a whole number is expected")
    return MetadataValue.int(raw)


def _number(raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        raise TypeError("a number is expected")
    return float(raw)


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise TypeError("text is expected")
    return raw


def _asset(raw: Any) -> MetadataValue:
    return MetadataValue.asset(key_parts(_text(raw)))


def _inferred(raw: Any) -> MetadataValue:
    return normalize_metadata_value("value", raw)


def _table(raw: Any) -> MetadataValue:
    from headwater.model.tables import TableRecord, TableSchema

    schema = raw.get("schema")
    if isinstance(schema, Mapping):
        made: TableSchema | None = _schema(schema)
    else:
        # The protocol's own form is a list of columns.
        made = None if schema is None else _schema({"columns": schema})
    return MetadataValue.table([TableRecord(record) for record in raw["records"]], made)


def _schema(raw: Any) -> Any:
    from headwater.model.tables import TableColumn, TableColumnConstraints, TableConstraints, TableSchema

    columns = [
        TableColumn(
            column["name"],
            column["type"],
            column.get("description"),
            TableColumnConstraints(**(column.get("constraints") or {})),
            column.get("tags") or {},
        )
        for column in raw["columns"]
    ]
    return TableSchema(columns, TableConstraints(**(raw.get("constraints") or {})))


def _lineage(raw: Any) -> MetadataValue:
    from headwater.model.tables import TableColumnDep, TableColumnLineage

    return MetadataValue.column_lineage(
        TableColumnLineage(
            {
                column: [TableColumnDep(_lineage_key(dep["asset_key"]), dep["column_name"]) for dep in deps]
                for column, deps in raw["deps_by_column"].items()
            }
        )
    )


def _lineage_key(raw: Any) -> list[str]:
    return key_parts(raw) if isinstance(raw, str) else list(raw)


_MAKERS: Final[Mapping[str, Callable[[Any], MetadataValue]]] = {
    "__infer__": _inferred,
    "text": lambda raw: MetadataValue.text(_text(raw)),
    "url": lambda raw: MetadataValue.url(_text(raw)),
    "path": lambda raw: MetadataValue.path(_text(raw)),
    "notebook": lambda raw: MetadataValue.notebook(_text(raw)),
    "json": MetadataValue.json,
    "md": lambda raw: MetadataValue.md(_text(raw)),
    "float": lambda raw: MetadataValue.float(_number(raw)),
    "int": _int,
    "bool": _bool,
    "dagster_run": lambda raw: MetadataValue.run(_text(raw)),
    "asset": _asset,
    "null": lambda _: MetadataValue.null(),
    "table": _table,
    "table_schema": lambda raw: MetadataValue.table_schema(_schema(raw)),
    "table_column_lineage": _lineage,
    "timestamp": lambda raw: MetadataValue.timestamp(_number(raw)),
}


def _shown(raw: Any) -> str:
    text = repr(raw)
    return text if len(text) <= 80 else f"{text[:80]}..."
