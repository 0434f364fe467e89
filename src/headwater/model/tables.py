"""What a table looks like and where its columns come from, as frozen values that metadata can carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from headwater.model.errors import CheckError
from headwater.model.keys import AssetKey, CoercibleToAssetKey
from headwater.model.plain_json import NotPlain, plain_json

CellValue = str | int | float | bool | None


def _freeze(value: object, **fields: object) -> None:
    for name, field in fields.items():
        object.__setattr__(value, name, field)


@dataclass(frozen=True, slots=True)
class TableColumnConstraints:
    """What holds for every cell of a column. `other` is free text, one sentence for each constraint."""

    nullable: bool = True
    unique: bool = False
    other: Sequence[str] = ()

    def __post_init__(self) -> None:
        _freeze(self, other=tuple(self.other or ()))


@dataclass(frozen=True, slots=True)
class TableConstraints:
    """What holds for a table as a whole, in free text, one sentence for each constraint."""

    other: Sequence[str] = ()

    def __post_init__(self) -> None:
        _freeze(self, other=tuple(self.other or ()))


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column: its name, its type as text in the words of whatever holds the table, and what is known of it."""

    name: str
    type: str = "string"
    description: str | None = None
    constraints: TableColumnConstraints = TableColumnConstraints()
    tags: Mapping[str, str] = None  # type: ignore[assignment]  # read as an empty mapping

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not isinstance(self.type, str):
            raise CheckError(
                what=f"TableColumn({self.name!r}, {self.type!r}) is not a column.",
                why="The name and the type of a column are text.",
                fix='Write TableColumn("amount", "float").',
            )
        _freeze(self, constraints=self.constraints or TableColumnConstraints(), tags=dict(self.tags or {}))

    def __hash__(self) -> int:
        return hash((self.name, self.type, self.description, self.constraints, frozenset(self.tags.items())))


@dataclass(frozen=True, slots=True)
class TableSchema:
    """The columns of a table in order, and what holds for the table. Plain names stand for columns of strings."""

    columns: Sequence[TableColumn]
    constraints: TableConstraints = TableConstraints()

    def __post_init__(self) -> None:
        columns = tuple(TableColumn(column) if isinstance(column, str) else column for column in self.columns)
        for column in columns:
            if not isinstance(column, TableColumn):
                raise CheckError(
                    what=f"{column!r} is not a column of a TableSchema.",
                    why="Each column has a name and a type.",
                    fix='Write TableSchema(columns=[TableColumn("amount", "float")]).',
                )
        _freeze(self, columns=columns, constraints=self.constraints or TableConstraints())

    @staticmethod
    def from_name_type_dict(name_type_dict: Mapping[str, str]) -> TableSchema:
        """Return a schema with one column for each name and its type."""
        return TableSchema([TableColumn(name, kind) for name, kind in name_type_dict.items()])


@dataclass(frozen=True, slots=True, init=False)
class TableRecord:
    """One row of a small table: a text, number, truth value or None for each column name."""

    data: Mapping[str, CellValue]

    def __init__(self, data: Mapping[str, object]) -> None:
        cells: dict[str, CellValue] = {}
        for name, value in data.items():
            try:
                plain = plain_json(value)
            except NotPlain as problem:
                raise _bad_cell(str(name), problem.found) from None
            if isinstance(plain, (list, dict)):
                raise _bad_cell(str(name), type(value).__name__)
            cells[str(name)] = plain
        _freeze(self, data=cells)

    def __hash__(self) -> int:
        return hash(tuple(self.data))


@dataclass(frozen=True, slots=True)
class TableColumnDep:
    """One column of an upstream asset from which a column is made."""

    asset_key: CoercibleToAssetKey
    column_name: str

    def __post_init__(self) -> None:
        _freeze(self, asset_key=AssetKey.from_coercible(self.asset_key))


@dataclass(frozen=True, slots=True)
class TableColumnLineage:
    """For each column of an asset, the upstream columns from which it is made."""

    deps_by_column: Mapping[str, Sequence[TableColumnDep]]

    def __post_init__(self) -> None:
        _freeze(self, deps_by_column={name: tuple(deps) for name, deps in self.deps_by_column.items()})

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.deps_by_column)))


def schema_of_records(records: Sequence[TableRecord]) -> TableSchema:
    """Return the schema that fits all records: for each column its type, "int" and "float" together being "float"."""
    kinds: dict[str, set[str]] = {}
    for record in records:
        for name, value in record.data.items():
            seen = kinds.setdefault(name, set())
            if value is not None:
                seen.add("string" if isinstance(value, str) else type(value).__name__)
    return TableSchema([TableColumn(name, _common_kind(seen)) for name, seen in kinds.items()])


def _common_kind(kinds: set[str]) -> str:
    if len(kinds) == 1:
        return next(iter(kinds))
    return "float" if kinds == {"int", "float"} else "string"


def _bad_cell(column: str, found: str) -> CheckError:
    return CheckError(
        what=f'The cell "{column}" of a TableRecord is a {found}.',
        why="A cell is a text, a number, a truth value or None.",
        fix="Write str(...) around it, or put the whole into MetadataValue.json.",
    )
