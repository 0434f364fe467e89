"""Metadata keys with a meaning of their own, as sets of typed fields that can be spread into any metadata.

`MaterializeResult(metadata={**TableMetadataSet(row_count=3), "note": "x"})` records "headwater/row_count".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from headwater.model.metadata_kinds import CodeReferencesMetadataValue, IntMetadataValue, MetadataValue

if TYPE_CHECKING:
    from headwater.model.code_references import CodeReference
    from headwater.model.tables import TableColumnLineage, TableSchema

NAMESPACE = "headwater"
READ_NAMESPACES = (NAMESPACE, "dagster")
"""The prefixes under which a field is found; the second is what programs written for Dagster use."""


class MetadataSet(Mapping[str, Any]):
    """Some fields under one prefix. As a mapping it holds those that were given, by their full keys."""

    __slots__ = ("_values",)
    _fields: ClassVar[tuple[str, ...]] = ()
    _namespace: ClassVar[str] = NAMESPACE

    def __init__(self, **values: Any) -> None:
        self._values = {f"{self._namespace}/{name}": value for name, value in values.items() if value is not None}

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values!r})"

    def _find(self, name: str) -> Any:
        value = self._values.get(f"{self._namespace}/{name}")
        return value.value if isinstance(value, MetadataValue) else value

    @classmethod
    def extract(cls, metadata: Mapping[str, Any]) -> Self:
        """Return the fields of this set that are in the metadata, raw or normalized."""
        found: dict[str, Any] = {}
        for name in cls._fields:
            for namespace in READ_NAMESPACES:
                value = metadata.get(f"{namespace}/{name}")
                if value is not None:
                    found[name] = value.value if isinstance(value, MetadataValue) else value
                    break
        return cls(**found)


class TableMetadataSet(MetadataSet):
    """What is known of a table: its columns, where they come from, its rows and its name where it is kept."""

    __slots__ = ()
    _fields = ("column_schema", "column_lineage", "row_count", "partition_row_count", "table_name")

    def __init__(
        self,
        *,
        column_schema: TableSchema | None = None,
        column_lineage: TableColumnLineage | None = None,
        row_count: int | None = None,
        partition_row_count: int | None = None,
        table_name: str | None = None,
    ) -> None:
        super().__init__(
            column_schema=column_schema,
            column_lineage=column_lineage,
            row_count=None if row_count is None else IntMetadataValue(row_count),
            partition_row_count=None if partition_row_count is None else IntMetadataValue(partition_row_count),
            table_name=table_name,
        )

    @property
    def column_schema(self) -> TableSchema | None:
        schema: TableSchema | None = self._find("column_schema")
        return schema

    @property
    def column_lineage(self) -> TableColumnLineage | None:
        lineage: TableColumnLineage | None = self._find("column_lineage")
        return lineage

    @property
    def row_count(self) -> int | None:
        count: int | None = self._find("row_count")
        return count

    @property
    def partition_row_count(self) -> int | None:
        count: int | None = self._find("partition_row_count")
        return count

    @property
    def table_name(self) -> str | None:
        name: str | None = self._find("table_name")
        return name


class CodeReferencesMetadataSet(MetadataSet):
    """Where the code of an asset is to be found."""

    __slots__ = ()
    _fields = ("code_references",)

    def __init__(self, *, code_references: CodeReferencesMetadataValue | Sequence[CodeReference] | None = None) -> None:
        if code_references is not None and not isinstance(code_references, CodeReferencesMetadataValue):
            code_references = CodeReferencesMetadataValue(code_references)
        super().__init__(code_references=code_references)

    @property
    def code_references(self) -> CodeReferencesMetadataValue | None:
        references: CodeReferencesMetadataValue | None = self._find("code_references")
        return references
