"""Metadata values: made from anything sensible, frozen, equal by content, and written as plain JSON and back."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import json
import math
import pickle
import subprocess
import sys
import uuid
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pydantic
import pytest
from hypothesis import given, strategies as st

from headwater.model.code_references import LocalFileCodeReference, UrlCodeReference
from headwater.model.errors import CheckError
from headwater.model.keys import AssetKey
from headwater.model.metadata import (
    KINDS,
    AssetMetadataValue,
    BoolMetadataValue,
    CodeReferencesMetadataValue,
    FloatMetadataValue,
    IntMetadataValue,
    InvalidMetadata,
    InvalidMetadataKey,
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
    metadata_from_data,
    metadata_to_data,
    normalize_metadata,
)
from headwater.model.metadata_data import UnknownMetadataKind
from headwater.model.tables import (
    TableColumn,
    TableColumnConstraints,
    TableColumnDep,
    TableColumnLineage,
    TableConstraints,
    TableRecord,
    TableSchema,
)

NOON = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
SCHEMA = TableSchema([TableColumn("a", "int", "what", TableColumnConstraints(nullable=False, other=["> 0"]))])
LINEAGE = TableColumnLineage({"total": [TableColumnDep("orders", "amount")]})


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Fit:
    score: float
    on: dt.date


class Model(pydantic.BaseModel):
    rate: Decimal
    password: pydantic.SecretStr


Point = collections.namedtuple("Point", ["x", "y"])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (1, IntMetadataValue(1)),
        (True, BoolMetadataValue(True)),
        (1.5, FloatMetadataValue(1.5)),
        ("text", TextMetadataValue("text")),
        (None, NullMetadataValue()),
        ([1, "a"], JsonMetadataValue([1, "a"])),
        ((1, 2), JsonMetadataValue([1, 2])),
        ({"a": {"b": None}}, JsonMetadataValue({"a": {"b": None}})),
        ({2: 3, None: 4}, JsonMetadataValue({"2": 3, "null": 4})),
        ({"b", "a"}, JsonMetadataValue(["a", "b"])),
        (Path("a/b"), PathMetadataValue("a/b")),
        (AssetKey(["a", "b"]), AssetMetadataValue(AssetKey(["a", "b"]))),
        (SCHEMA, TableSchemaMetadataValue(SCHEMA)),
        (LINEAGE, TableColumnLineageMetadataValue(LINEAGE)),
        ([TableRecord({"a": 1})], TableMetadataValue([TableRecord({"a": 1})])),
        ([UrlCodeReference(url="u")], CodeReferencesMetadataValue([UrlCodeReference(url="u")])),
        (NOON, TimestampMetadataValue(NOON)),
        (NOON.replace(tzinfo=None), TextMetadataValue("2024-01-01T12:00:00")),
        (NOON.date(), TextMetadataValue("2024-01-01")),
        (dt.time(12), TextMetadataValue("12:00:00")),
        (dt.timedelta(minutes=1), FloatMetadataValue(60.0)),
        (Decimal("1.5"), FloatMetadataValue(1.5)),
        (Decimal("1e999"), TextMetadataValue("1E+999")),
        (Fraction(1, 4), FloatMetadataValue(0.25)),
        (Color.RED, TextMetadataValue("red")),
        (uuid.UUID(int=1), TextMetadataValue(str(uuid.UUID(int=1)))),
        (Fit(0.5, NOON.date()), JsonMetadataValue({"score": 0.5, "on": "2024-01-01"})),
        (Model(rate="0.5", password="x"), JsonMetadataValue({"rate": "0.5", "password": "**********"})),
        (Point(1, 2), JsonMetadataValue({"x": 1, "y": 2})),
        (range(2), JsonMetadataValue([0, 1])),
        (collections.Counter("aab"), JsonMetadataValue({"a": 2, "b": 1})),
        (np.int64(3), IntMetadataValue(3)),
        (np.uint8(3), IntMetadataValue(3)),
        (np.float32(0.5), FloatMetadataValue(0.5)),
        (np.float64(0.1), FloatMetadataValue(0.1)),
        (np.bool_(True), BoolMetadataValue(True)),
        (np.str_("a"), TextMetadataValue("a")),
        (np.array(3), IntMetadataValue(3)),
        (np.array([[1, 2]]), JsonMetadataValue([[1, 2]])),
        (np.datetime64("2024-01-01"), TextMetadataValue("2024-01-01")),
        (np.datetime64("NaT"), NullMetadataValue()),
        (np.timedelta64(90, "s"), FloatMetadataValue(90.0)),
        (np.longdouble(2), FloatMetadataValue(2.0)),
        (pd.Timestamp(NOON), TimestampMetadataValue(NOON)),
        (pd.Timestamp("2024-01-01"), TextMetadataValue("2024-01-01T00:00:00")),
        (pd.NaT, NullMetadataValue()),
        (pd.NA, NullMetadataValue()),
        (pd.Timedelta("1h"), FloatMetadataValue(3600.0)),
        (pd.Period("2024-01"), TextMetadataValue("2024-01")),
        (pd.Series({"ann": 1, "bob": 2}), JsonMetadataValue({"ann": 1, "bob": 2})),
        (pd.DataFrame({"a": [1, 2]})["a"].sum(), IntMetadataValue(3)),
        (pl.Series([1, 2]), JsonMetadataValue([1, 2])),
        (pa.scalar(3), IntMetadataValue(3)),
        ({"mean": np.float64(1.5), Color.RED: [pd.NaT]}, JsonMetadataValue({"mean": 1.5, "red": [None]})),
        ("\ud800", TextMetadataValue("\\ud800")),
        (MetadataValue.md("# x"), MarkdownMetadataValue("# x")),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_plain_values_find_their_kind(raw, expected):
    found = normalize_metadata({"k": raw})["k"]
    assert found == expected
    assert type(found.value) is type(expected.value)
    assert metadata_from_data(json.loads(json.dumps(metadata_to_data(found), allow_nan=False))) == found


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (object(), "object"),
        (len, "python_artifact"),
        (int, "python_artifact"),
        (b"x", "value.hex()"),
        ((n for n in range(3)), "generator"),
        (pd.DataFrame({"a": [1]}), "to_markdown"),
        (pl.DataFrame({"a": [1]}), "to_markdown"),
        (pa.table({"a": [1]}), "to_markdown"),
        (np.arange(2000), "2,000 items"),
        ({"a": [1, {"b": object()}]}, "rows['a'][1]['b']"),
        ({1: 1, "1": 2}, 'both written "1"'),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_recorded_is_named_with_what_to_write_instead(raw, says):
    with pytest.raises(InvalidMetadata, match="rows") as caught:
        normalize_metadata({"fine": 1, "rows": raw})
    assert says in str(caught.value)
    assert caught.value.fix


def test_a_value_that_holds_itself_is_refused():
    knot: list[Any] = []
    knot.append(knot)
    with pytest.raises(InvalidMetadata, match="holds itself"):
        normalize_metadata({"rows": knot})


def test_keys_are_text():
    with pytest.raises(InvalidMetadataKey, match="1"):
        normalize_metadata({1: 2})  # type: ignore[dict-item]


def test_no_metadata_is_empty():
    assert normalize_metadata(None) == {} == normalize_metadata({})


def test_recorded_json_does_not_follow_later_changes_of_what_was_handed_in():
    rows = [1]
    value = MetadataValue.json(rows)
    rows.append(2)
    assert value.value == [1]


@pytest.mark.parametrize(
    ("value", "kind", "content"),
    [
        (MetadataValue.int(3), "int", 3),
        (MetadataValue.int(3.0), "int", 3),  # type: ignore[arg-type]
        (MetadataValue.float(3), "float", 3.0),
        (MetadataValue.float(np.float32(0.5)), "float", 0.5),  # type: ignore[arg-type]
        (MetadataValue.bool(np.bool_(True)), "bool", True),  # type: ignore[arg-type]
        (MetadataValue.text("x"), "text", "x"),
        (MetadataValue.md("x"), "md", "x"),
        (MetadataValue.url("x"), "url", "x"),
        (MetadataValue.path(Path("x")), "path", "x"),
        (MetadataValue.notebook("x"), "notebook", "x"),
        (MetadataValue.json([1]), "json", [1]),
        (MetadataValue.timestamp(NOON), "timestamp", NOON.timestamp()),
        (MetadataValue.timestamp(1), "timestamp", 1.0),
        (MetadataValue.null(), "null", None),
        (MetadataValue.asset("a"), "asset", AssetKey("a")),
        (MetadataValue.run("r"), "run", "r"),
        (MetadataValue.dagster_run("r"), "run", "r"),
        (MetadataValue.pool("p"), "pool", "p"),
        (MetadataValue.table_schema(SCHEMA), "table_schema", SCHEMA),
        (MetadataValue.column_lineage(LINEAGE), "column_lineage", LINEAGE),
    ],
)
def test_each_constructor_makes_its_kind(value, kind, content):
    assert value.kind == kind
    assert value.value == content
    assert type(value.value) is type(content)


def test_values_of_several_parts_are_their_own_value():
    artifact = MetadataValue.python_artifact(json.dumps)
    assert artifact.value is artifact
    assert (artifact.module, artifact.name) == ("json", "dumps")
    job = MetadataValue.job("nightly", "prod", repository_name="r")
    assert (job.job_name, job.location_name, job.repository_name) == ("nightly", "prod", "r")


def test_the_parts_have_the_names_that_people_know():
    assert TextMetadataValue(text="a").text == "a"
    assert MarkdownMetadataValue(md_str="a").md_str == "a"
    assert UrlMetadataValue(url="a").url == "a"
    assert PathMetadataValue(path="a").fspath == "a"
    assert NotebookMetadataValue(path="a").path == "a"
    assert JsonMetadataValue(data=[1]).data == [1]
    assert AssetMetadataValue(asset_key="a").asset_key == AssetKey("a")
    assert RunMetadataValue(run_id="r").run_id == "r"
    assert PoolMetadataValue(pool="p").pool == "p"
    assert TableSchemaMetadataValue(schema=SCHEMA).schema == SCHEMA
    assert TableColumnLineageMetadataValue(column_lineage=LINEAGE).lineage == LINEAGE
    assert TimestampMetadataValue(NOON).datetime == NOON


@pytest.mark.parametrize(
    "make",
    [
        lambda: MetadataValue.int("3"),  # type: ignore[arg-type]
        lambda: MetadataValue.int(1.5),  # type: ignore[arg-type]
        lambda: MetadataValue.float("x"),  # type: ignore[arg-type]
        lambda: MetadataValue.bool(1),  # type: ignore[arg-type]
        lambda: MetadataValue.text(1),  # type: ignore[arg-type]
        lambda: MetadataValue.path(1),  # type: ignore[arg-type]
        lambda: MetadataValue.json({"a": object()}),
        lambda: MetadataValue.timestamp(NOON.replace(tzinfo=None)),
        lambda: MetadataValue.python_artifact(3),  # type: ignore[arg-type]
        lambda: MetadataValue.table([1]),  # type: ignore[list-item]
        lambda: MetadataValue.table_schema({"a": "int"}),  # type: ignore[arg-type]
        lambda: TableSchema([1]),  # type: ignore[list-item]
        lambda: TableRecord({"a": [1]}),
        lambda: TableColumn(1),  # type: ignore[arg-type]
    ],
)
def test_a_constructor_refuses_what_is_not_of_its_kind(make):
    with pytest.raises(CheckError) as caught:
        make()
    assert caught.value.what
    assert caught.value.why
    assert caught.value.fix


def test_values_are_frozen_and_can_be_pickled_and_hashed():
    for value in (MetadataValue.int(1), MetadataValue.json({"a": [float("nan")]}), MetadataValue.table([{"a": 1}])):
        with pytest.raises(AttributeError, match="frozen"):
            value.value = 2  # type: ignore[misc]
        copy = pickle.loads(pickle.dumps(value))
        assert copy == value
        assert hash(copy) == hash(value)


def test_values_of_different_kinds_or_types_are_not_equal():
    assert MetadataValue.int(1) != MetadataValue.float(1.0)
    assert MetadataValue.json([1]) != MetadataValue.json([True])
    assert MetadataValue.text("a") != MetadataValue.url("a")
    assert MetadataValue.int(1) != 1
    assert MetadataValue.float(math.nan) == MetadataValue.float(math.nan)


def test_a_schema_is_made_that_fits_the_records():
    table = MetadataValue.table(
        [{"a": 1, "b": "x", "c": None, "d": True}, {"a": 1.5, "b": None, "c": None, "d": False}, {"e": np.int64(1)}]
    )
    assert {column.name: column.type for column in table.schema.columns} == {
        "a": "float",
        "b": "string",
        "c": "string",
        "d": "bool",
        "e": "int",
    }


def test_schemas_can_be_written_briefly():
    assert TableSchema.from_name_type_dict({"a": "int"}) == TableSchema([TableColumn("a", "int")])
    assert TableSchema(["a"]) == TableSchema([TableColumn("a", "string")])  # type: ignore[list-item]
    assert TableSchema(columns=[], constraints=TableConstraints(other=["x"])).constraints.other == ("x",)


floats = st.floats(allow_nan=True, allow_infinity=True)
texts = st.text(st.characters(codec="utf-8"), max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
keys = st.lists(texts.filter(lambda part: part and "/" not in part), min_size=1, max_size=2).map(AssetKey)
columns = st.builds(
    TableColumn,
    texts,
    texts,
    st.none() | texts,
    st.builds(TableColumnConstraints, st.booleans(), st.booleans(), st.lists(texts, max_size=2)),
    st.dictionaries(texts, texts, max_size=2),
)
schemas = st.builds(
    TableSchema, st.lists(columns, max_size=3), st.builds(TableConstraints, st.lists(texts, max_size=2))
)
cells = st.none() | st.booleans() | st.integers() | floats | texts
records = st.dictionaries(texts, cells, max_size=3).map(TableRecord)
references = st.builds(
    LocalFileCodeReference, file_path=texts, line_number=st.none() | st.integers(0, 99), label=st.none() | texts
) | st.builds(UrlCodeReference, url=texts, label=st.none() | texts)
VALUES = {
    "int": st.builds(IntMetadataValue, st.integers()),
    "float": st.builds(FloatMetadataValue, floats),
    "bool": st.builds(BoolMetadataValue, st.booleans()),
    "text": st.builds(TextMetadataValue, st.text()),
    "md": st.builds(MarkdownMetadataValue, texts),
    "url": st.builds(UrlMetadataValue, texts),
    "path": st.builds(PathMetadataValue, texts),
    "notebook": st.builds(NotebookMetadataValue, texts),
    "json": st.builds(JsonMetadataValue, plain),
    "timestamp": st.builds(TimestampMetadataValue, floats | st.datetimes(timezones=st.just(dt.UTC))),
    "null": st.builds(NullMetadataValue),
    "asset": st.builds(AssetMetadataValue, keys),
    "run": st.builds(RunMetadataValue, texts),
    "pool": st.builds(PoolMetadataValue, texts),
    "job": st.builds(MetadataValue.job, texts, texts, repository_name=st.none() | texts),
    "python_artifact": st.builds(PythonArtifactMetadataValue, texts, texts),
    "table": st.builds(TableMetadataValue, st.lists(records, max_size=3), st.none() | schemas),
    "table_schema": st.builds(TableSchemaMetadataValue, schemas),
    "column_lineage": st.dictionaries(
        texts, st.lists(st.builds(TableColumnDep, keys, texts), max_size=2), max_size=2
    ).map(lambda deps: TableColumnLineageMetadataValue(TableColumnLineage(deps))),
    "code_references": st.lists(references, max_size=2).map(CodeReferencesMetadataValue),
}


def test_the_law_below_is_tried_on_every_kind():
    assert set(VALUES) == set(KINDS)


@given(st.one_of(*VALUES.values()))
def test_a_value_comes_back_from_strict_json(value):
    import msgspec

    data = metadata_to_data(value)
    for back in (json.loads(json.dumps(data, allow_nan=False)), msgspec.json.decode(msgspec.json.encode(data))):
        assert metadata_from_data(back) == value
        assert hash(metadata_from_data(back)) == hash(value)


def test_an_unknown_kind_says_that_a_newer_release_wrote_it():
    with pytest.raises(UnknownMetadataKind, match="newer release"):
        metadata_from_data({"kind": "hologram", "value": 1})


def test_metadata_brings_in_no_heavy_library():
    program = (
        "import sys, headwater.model.metadata; print([m for m in ('numpy', 'pandas', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
