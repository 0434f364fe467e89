"""The kinds of metadata values: what is known of an asset or was seen in a run, in a form that can be kept and shown.

A value is checked and made plain where it is born, is then frozen, and is equal to any other of its kind with the same
content (NaN equals NaN).
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from headwater.model.errors import CheckError
from headwater.model.errors.root import kind_of
from headwater.model.keys import AssetKey, CoercibleToAssetKey
from headwater.model.plain_json import NotPlain, encodable, plain_json

if TYPE_CHECKING:
    from headwater.model.code_references import CodeReference
    from headwater.model.tables import TableColumnLineage, TableRecord, TableSchema

_set = object.__setattr__


class MetadataValue:
    """One recorded value. Make one with the constructors below, or hand plain Python values where metadata is taken."""

    __slots__ = ()

    kind: ClassVar[str] = ""
    """The stable name of the kind, such as "int" or "table_schema"."""

    _parts: ClassVar[tuple[str, ...]] = ("value",)

    @property
    def value(self) -> Any:
        """What was recorded, as a Python value; for kinds made of several parts, the metadata value itself."""
        return self

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; make a new one instead of setting {name!r}.")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; {name!r} cannot be deleted.")

    def __eq__(self, other: object) -> builtins.bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(_same(getattr(self, part), getattr(other, part)) for part in self._parts)

    def __hash__(self) -> builtins.int:
        return hash((type(self), *(_hash_of(getattr(self, part)) for part in self._parts)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(repr(getattr(self, part)) for part in self._parts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), tuple(getattr(self, part) for part in self._parts))

    # -- constructors --------------------------------------------------------------------------------------------

    @staticmethod
    def int(value: builtins.int) -> IntMetadataValue:
        """Return a whole number. numpy integers, and floats without a fraction, are taken too."""
        return IntMetadataValue(value)

    @staticmethod
    def float(value: builtins.float) -> FloatMetadataValue:
        """Return a real number; NaN and the infinities are kept."""
        return FloatMetadataValue(value)

    @staticmethod
    def bool(value: builtins.bool) -> BoolMetadataValue:
        """Return a truth value."""
        return BoolMetadataValue(value)

    @staticmethod
    def text(text: str) -> TextMetadataValue:
        """Return plain text."""
        return TextMetadataValue(text)

    @staticmethod
    def md(data: str) -> MarkdownMetadataValue:
        """Return text that is shown as Markdown."""
        return MarkdownMetadataValue(data)

    @staticmethod
    def url(url: str) -> UrlMetadataValue:
        """Return a link."""
        return UrlMetadataValue(url)

    @staticmethod
    def path(path: str | os.PathLike[str]) -> PathMetadataValue:
        """Return a path of a file or directory."""
        return PathMetadataValue(path)

    @staticmethod
    def notebook(path: str | os.PathLike[str]) -> NotebookMetadataValue:
        """Return the path of a notebook."""
        return NotebookMetadataValue(path)

    @staticmethod
    def json(data: Any) -> JsonMetadataValue:
        """Return a list or mapping of plain values. Numbers and times of other libraries inside are made plain."""
        return JsonMetadataValue(data)

    @staticmethod
    def timestamp(value: builtins.float | datetime) -> TimestampMetadataValue:
        """Return an instant, given as an aware datetime or as seconds since 1970 in UTC."""
        return TimestampMetadataValue(value)

    @staticmethod
    def null() -> NullMetadataValue:
        """Return the value that says: nothing."""
        return NullMetadataValue()

    @staticmethod
    def asset(asset_key: CoercibleToAssetKey) -> AssetMetadataValue:
        """Return a link to an asset."""
        return AssetMetadataValue(asset_key)

    @staticmethod
    def run(run_id: str) -> RunMetadataValue:
        """Return a link to a run."""
        return RunMetadataValue(run_id)

    @staticmethod
    def dagster_run(run_id: str) -> RunMetadataValue:
        """Return a link to a run; the name under which programs written for Dagster know `run`."""
        return RunMetadataValue(run_id)

    @staticmethod
    def job(job_name: str, location_name: str, *, repository_name: str | None = None) -> JobMetadataValue:
        """Return a link to a job in a code location."""
        return JobMetadataValue(job_name, location_name, repository_name)

    @staticmethod
    def pool(pool: str) -> PoolMetadataValue:
        """Return a link to a pool of slots."""
        return PoolMetadataValue(pool)

    @staticmethod
    def python_artifact(python_artifact: Callable[..., Any]) -> PythonArtifactMetadataValue:
        """Return the module and name of a function or class."""
        if not hasattr(python_artifact, "__module__") or not hasattr(python_artifact, "__name__"):
            raise _wrong("python_artifact", python_artifact, "a function or a class")
        return PythonArtifactMetadataValue(python_artifact.__module__, python_artifact.__name__)

    @staticmethod
    def table(
        records: Sequence[TableRecord | Mapping[str, Any]], schema: TableSchema | None = None
    ) -> TableMetadataValue:
        """Return a small table. Without a schema, one is made that fits the records."""
        return TableMetadataValue(records, schema)

    @staticmethod
    def table_schema(schema: TableSchema) -> TableSchemaMetadataValue:
        """Return the columns of a table."""
        return TableSchemaMetadataValue(schema)

    @staticmethod
    def column_lineage(lineage: TableColumnLineage) -> TableColumnLineageMetadataValue:
        """Return where each column of a table comes from."""
        return TableColumnLineageMetadataValue(lineage)


class NullMetadataValue(MetadataValue):
    __slots__ = ()
    kind = "null"
    _parts = ()

    @property
    def value(self) -> None:
        return None


class IntMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "int"
    value: int

    def __init__(self, value: int) -> None:
        if type(value) is not int:
            value = _whole_number(value)
        _set(self, "value", value)


class FloatMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "float"
    value: float

    def __init__(self, value: float) -> None:
        if type(value) is not float:
            value = _real_number("float", value)
        _set(self, "value", value)


class BoolMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "bool"
    value: bool

    def __init__(self, value: bool) -> None:
        if type(value) is not bool:
            plain = _plain_or_none(value)
            if type(plain) is not bool:
                raise _wrong("bool", value, "True or False")
            value = plain
        _set(self, "value", value)


class TextMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "text"
    value: str

    def __init__(self, text: str) -> None:
        _set(self, "value", _text("text", text))

    @property
    def text(self) -> str:  # type: ignore[override]
        return self.value


class MarkdownMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "md"
    value: str

    def __init__(self, md_str: str) -> None:
        _set(self, "value", _text("md", md_str))

    @property
    def md_str(self) -> str:
        return self.value


class UrlMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "url"
    value: str

    def __init__(self, url: str) -> None:
        _set(self, "value", _text("url", url))

    @property
    def url(self) -> str:  # type: ignore[override]
        return self.value


class PathMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "path"
    value: str

    def __init__(self, path: str | os.PathLike[str]) -> None:
        _set(self, "value", _path_text(self.kind, path))

    @property
    def path(self) -> str:  # type: ignore[override]
        return self.value

    @property
    def fspath(self) -> str:
        return self.value


class NotebookMetadataValue(PathMetadataValue):
    __slots__ = ()
    kind = "notebook"


class JsonMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "json"
    value: Any

    def __init__(self, data: Any) -> None:
        try:
            plain = plain_json(data)
        except NotPlain as problem:
            at = "".join(problem.path)
            raise CheckError(
                what=f"MetadataValue.json was given a {problem.found}{f' at {at}' if at else ''}.",
                why=f"{problem.reason or 'JSON has no form for it'}.",
                fix=problem.fix or "Write str(...) around it, or leave it out.",
            ) from None
        _set(self, "value", plain)

    @property
    def data(self) -> Any:
        return self.value


class TimestampMetadataValue(MetadataValue):
    """An instant: `value` is seconds since 1970 in UTC, `datetime` the same as an aware datetime."""

    __slots__ = ("value",)
    kind = "timestamp"
    value: float

    def __init__(self, value: float | datetime) -> None:
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise CheckError(
                    what=f"MetadataValue.timestamp was given {value.isoformat()}, which has no time zone.",
                    why="Without one it does not name an instant.",
                    fix="Write value.replace(tzinfo=timezone.utc), or the zone in which it was taken.",
                )
            value = value.timestamp()
        _set(self, "value", value if type(value) is float else _real_number("timestamp", value))

    @property
    def datetime(self) -> datetime:
        return datetime.fromtimestamp(self.value, tz=UTC)


class AssetMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "asset"
    value: AssetKey

    def __init__(self, asset_key: CoercibleToAssetKey) -> None:
        _set(self, "value", AssetKey.from_coercible(asset_key))

    @property
    def asset_key(self) -> AssetKey:
        return self.value


class RunMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "run"
    value: str

    def __init__(self, run_id: str) -> None:
        _set(self, "value", _text("run", run_id))

    @property
    def run_id(self) -> str:
        return self.value


class JobMetadataValue(MetadataValue):
    __slots__ = ("job_name", "location_name", "repository_name")
    kind = "job"
    _parts = __slots__
    job_name: str
    location_name: str
    repository_name: str | None

    def __init__(self, job_name: str, location_name: str, repository_name: str | None = None) -> None:
        _set(self, "job_name", _text("job", job_name))
        _set(self, "location_name", _text("job", location_name))
        _set(self, "repository_name", repository_name)


class PoolMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "pool"
    value: str

    def __init__(self, pool: str) -> None:
        _set(self, "value", _text("pool", pool))

    @property
    def pool(self) -> str:  # type: ignore[override]
        return self.value

    @property
    def name(self) -> str:
        return self.value


class PythonArtifactMetadataValue(MetadataValue):
    __slots__ = ("module", "name")
    kind = "python_artifact"
    _parts = __slots__
    module: str
    name: str

    def __init__(self, module: str, name: str) -> None:
        _set(self, "module", _text("python_artifact", module))
        _set(self, "name", _text("python_artifact", name))


class TableMetadataValue(MetadataValue):
    __slots__ = ("records", "schema")
    kind = "table"
    _parts = __slots__
    records: tuple[TableRecord, ...]
    schema: TableSchema

    def __init__(self, records: Sequence[TableRecord | Mapping[str, Any]], schema: TableSchema | None = None) -> None:
        from headwater.model.tables import TableRecord, schema_of_records

        rows: list[TableRecord] = []
        for record in records:
            if not isinstance(record, (TableRecord, Mapping)):
                raise _wrong("table", record, "TableRecord or a mapping of column names to values")
            rows.append(record if isinstance(record, TableRecord) else TableRecord(record))
        _set(self, "records", tuple(rows))
        _set(self, "schema", schema_of_records(rows) if schema is None else schema)

    @staticmethod
    def infer_column_type(value: object) -> str:
        """Return the type name that a schema without one gives to a cell."""
        from headwater.model.tables import TableRecord, schema_of_records

        return schema_of_records([TableRecord({"cell": value})]).columns[0].type


class TableSchemaMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "table_schema"
    value: TableSchema

    def __init__(self, schema: TableSchema) -> None:
        from headwater.model.tables import TableSchema

        if not isinstance(schema, TableSchema):
            raise _wrong("table_schema", schema, "a TableSchema")
        _set(self, "value", schema)

    @property
    def schema(self) -> TableSchema:
        return self.value


class TableColumnLineageMetadataValue(MetadataValue):
    __slots__ = ("value",)
    kind = "column_lineage"
    value: TableColumnLineage

    def __init__(self, column_lineage: TableColumnLineage) -> None:
        from headwater.model.tables import TableColumnLineage

        if not isinstance(column_lineage, TableColumnLineage):
            raise _wrong("column_lineage", column_lineage, "a TableColumnLineage")
        _set(self, "value", column_lineage)

    @property
    def lineage(self) -> TableColumnLineage:
        return self.value

    @property
    def column_lineage(self) -> TableColumnLineage:  # type: ignore[override]
        return self.value


class CodeReferencesMetadataValue(MetadataValue):
    """The places in which the code of an asset is to be found."""

    __slots__ = ("code_references",)
    kind = "code_references"
    _parts = __slots__
    code_references: tuple[CodeReference, ...]

    def __init__(self, code_references: Sequence[CodeReference]) -> None:
        from headwater.model.code_references import LocalFileCodeReference, UrlCodeReference

        for reference in code_references:
            if not isinstance(reference, (LocalFileCodeReference, UrlCodeReference)):
                raise _wrong("code_references", reference, "a LocalFileCodeReference or a UrlCodeReference")
        _set(self, "code_references", tuple(code_references))


KINDS: Mapping[str, type[MetadataValue]] = {
    value_class.kind: value_class
    for value_class in (
        AssetMetadataValue,
        BoolMetadataValue,
        CodeReferencesMetadataValue,
        FloatMetadataValue,
        IntMetadataValue,
        JobMetadataValue,
        JsonMetadataValue,
        MarkdownMetadataValue,
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
}
"""Every kind of metadata value, by its stable name."""


def _same(one: Any, other: Any) -> bool:
    """Whether two plain values are equal, True not being 1, and NaN being NaN."""
    kind = type(one)
    if kind is not type(other):
        return False
    if kind is float:
        return bool(one == other or (one != one and other != other))
    if kind is list or kind is tuple:
        return len(one) == len(other) and all(map(_same, one, other))
    if kind is dict:
        return one.keys() == other.keys() and all(_same(item, other[key]) for key, item in one.items())
    if kind.__name__ == "TableRecord":
        return _same(one.data, other.data)
    return bool(one == other)


def _hash_of(value: Any) -> int:
    kind = type(value)
    if kind is float and value != value:
        return 0
    if kind is list or kind is tuple:
        return hash(tuple(map(_hash_of, value)))
    if kind is dict:
        return hash(frozenset((key, _hash_of(item)) for key, item in value.items()))
    return hash(value)


def _wrong(kind: str, value: object, expected: str) -> CheckError:
    return CheckError(
        what=f"MetadataValue.{kind} was given {value!r:.80}, {kind_of(value)}.",
        why=f"It takes {expected}.",
        fix="Use the constructor for this type, or hand the value over bare: its kind is then chosen by its type.",
    )


def _plain_or_none(value: object) -> Any:
    try:
        return plain_json(value)
    except NotPlain:
        return None


def _whole_number(value: object) -> int:
    plain = _plain_or_none(value)
    if type(plain) is int:
        return plain
    if type(plain) is float and plain.is_integer():
        return int(plain)
    raise _wrong("int", value, "a whole number")


def _real_number(kind: str, value: object) -> float:
    plain = _plain_or_none(value)
    if type(plain) is float:
        return plain
    if type(plain) is int:
        return float(plain)
    raise _wrong(kind, value, "a number")


def _text(kind: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(kind, value, "text")
    return encodable(value) if type(value) is str else encodable(str(value))


def _path_text(kind: str, value: object) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise _wrong(kind, value, "a path")
    return encodable(str(os.fspath(value)))
