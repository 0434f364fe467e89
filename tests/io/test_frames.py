"""Tables of every kind: stored as Parquet, loaded as any other kind, equal to what they were."""

from __future__ import annotations

import datetime as dt
import errno
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Union

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headwater.authoring.io_contexts import InputContext, OutputContext
from headwater.io.filesystem import FilesystemIOManager
from headwater.io.memory import InMemoryIOManager
from headwater.model.errors.io import StorageFull, WrongStoredType
from headwater.model.keys import AssetKey

KEY = AssetKey(["region=eu", "orders"])
ROWS = {"number": [1, 2, 3], "customer": ["ann", "bob", None], "paid": [1.5, float("inf"), -0.0]}


def store(manager: Any, value: Any, **how: Any) -> OutputContext:
    context = OutputContext(name="result", asset_key=KEY, **how)
    manager.handle_output(context, value)
    return context


def load(manager: Any, annotation: Any = None, **how: Any) -> Any:
    return manager.load_input(InputContext(name="orders", asset_key=KEY, annotation=annotation, **how))


def ending(directory: Path) -> str:
    (path,) = (path for path in directory.rglob("*") if path.is_file())
    return path.suffix


FRAMES = {
    "pandas": (pd.DataFrame, lambda: pd.DataFrame(ROWS)),
    "polars": (pl.DataFrame, lambda: pl.DataFrame(ROWS)),
    "lazy": (pl.LazyFrame, lambda: pl.LazyFrame(ROWS)),
    "arrow": (pa.Table, lambda: pa.table(ROWS)),
}


def rows_of(frame: Any) -> list[dict[str, Any]]:
    if isinstance(frame, pd.DataFrame):
        return [{k: None if v is None or v != v else v for k, v in row.items()} for row in frame.to_dict("records")]
    if isinstance(frame, pl.LazyFrame):
        frame = frame.collect()
    return frame.to_dicts() if isinstance(frame, pl.DataFrame) else frame.to_pylist()


@pytest.mark.parametrize("asked", [None, *FRAMES])
@pytest.mark.parametrize("stored", FRAMES)
@pytest.mark.parametrize("manager_class", [FilesystemIOManager, InMemoryIOManager])
def test_a_table_of_any_kind_arrives_as_any_kind(tmp_path, manager_class, stored, asked):
    manager = manager_class(tmp_path) if manager_class is FilesystemIOManager else manager_class()
    store(manager, FRAMES[stored][1]())
    expected = FRAMES[asked or stored][0]
    back = load(manager, expected if asked else None)
    assert type(back) is expected
    assert rows_of(back) == rows_of(FRAMES["arrow"][1]())
    if manager_class is FilesystemIOManager:
        assert ending(tmp_path) == ".parquet"


@pytest.mark.parametrize("stored", FRAMES)
def test_columns_and_rows_of_a_table_are_recorded_with_its_version(tmp_path, stored):
    manager = FilesystemIOManager(tmp_path)
    context = store(manager, FRAMES[stored][1]())
    metadata = context.get_logged_metadata()
    assert metadata["headwater/row_count"].value == 3
    assert [column.name for column in metadata["headwater/column_schema"].value.columns] == list(ROWS)
    assert metadata["path"].value.endswith("region=eu/orders.parquet")
    assert store(manager, FRAMES[stored][1]()).data_version == context.data_version
    other = {**ROWS, "number": [1, 2, 4]}
    assert store(manager, pa.table(other)).data_version != context.data_version


INDEX = pd.date_range("2024-01-01", periods=3, tz="Europe/Berlin", name="at")

PANDAS = {
    "text": pd.DataFrame({"a": ["x", None, "z"]}),
    "filtered rows keep their numbers": pd.DataFrame(ROWS).iloc[[0, 2]],
    "index of names": pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="who")),
    "index of times with a frequency": pd.DataFrame({"a": [1, 2, 3]}, index=INDEX),
    "index of several levels": pd.DataFrame(
        {"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["one", None])
    ),
    "times": pd.DataFrame({"naive": pd.to_datetime(["2024-01-01", None]), "aware": INDEX[:2]}),
    "days as objects": pd.DataFrame({"on": [dt.date(2024, 1, 1), dt.date(2024, 1, 2)]}),
    "decimals": pd.DataFrame({"amount": [Decimal("1.50"), Decimal("2.25")]}),
    "nullable numbers": pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": pd.array([True, None], "boolean")}),
    "category": pd.DataFrame({"a": pd.Categorical(["x", "y", "x"])}),
    "text as objects": pd.DataFrame({"a": pd.Series(["x", None], dtype=object), "b": ["x", "y"]}),
    "text of the nullable kind": pd.DataFrame({"a": pd.Series(["x", None], dtype="string[pyarrow]")}),
    "arrow numbers": pd.DataFrame({"a": pd.Series([1, None], dtype="int64[pyarrow]")}),
    "no rows": pd.DataFrame({"a": pd.Series([], dtype="int32"), "b": pd.Series([], dtype="float32")}),
    "numbered columns": pd.DataFrame([[1, 2], [3, 4]]),
    "small numbers": pd.DataFrame({"a": np.array([1], "int8"), "b": np.array([2], "uint16")}),
}

ODD_PANDAS = {
    "tuples": pd.DataFrame({"a": [(1, 2), (3, 4)]}),
    "sets": pd.DataFrame({"a": [{1}, {2}]}),
    "mixed": pd.DataFrame({"a": [1, "x", None]}),
    "numbers as objects": pd.DataFrame({"a": pd.Series([1, 2], dtype=object)}),
    "columns twice": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "columns of mixed kinds": pd.DataFrame([[1, 2]], columns=["a", 1]),
    "unused categories": pd.DataFrame({"a": pd.Categorical(["x"], categories=["x", "y"], ordered=True)}),
    "objects": pd.DataFrame({"a": [Path("x")]}),
    "lists": pd.DataFrame({"a": [[1], [2, 3]]}),
    "complex": pd.DataFrame({"a": [1j]}),
    "no columns": pd.DataFrame(index=[1, 2]),
    "columns of several levels": pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])),
    "seconds": pd.DataFrame({"a": pd.to_datetime(["2024-01-01"]).astype("datetime64[s]")}),
    "durations": pd.DataFrame({"a": pd.to_timedelta(["1h", None])}),
    "periods": pd.DataFrame({"a": pd.period_range("2024-01", periods=2, freq="M")}),
    "odd attributes": pd.DataFrame({"a": [1]}),
}
ODD_PANDAS["odd attributes"].attrs = {"path": Path("x")}


@pytest.mark.parametrize("name", PANDAS)
def test_a_pandas_frame_comes_back_equal_from_parquet(tmp_path, name):
    manager = FilesystemIOManager(tmp_path)
    store(manager, PANDAS[name])
    pd.testing.assert_frame_equal(load(manager), PANDAS[name])
    assert ending(tmp_path) == ".parquet"


@pytest.mark.parametrize("name", ODD_PANDAS)
def test_a_pandas_frame_that_parquet_may_not_give_back_comes_back_all_the_same(tmp_path, name):
    manager = FilesystemIOManager(tmp_path)
    store(manager, ODD_PANDAS[name])
    back = load(manager)
    pd.testing.assert_frame_equal(back, ODD_PANDAS[name])
    assert back.attrs == ODD_PANDAS[name].attrs
    for at in range(back.shape[1]):
        if back.dtypes.iloc[at].name == "object":
            assert list(map(type, back.iloc[:, at])) == list(map(type, ODD_PANDAS[name].iloc[:, at]))


def test_mixed_columns_are_pickled(tmp_path):
    store(FilesystemIOManager(tmp_path), ODD_PANDAS["mixed"])
    assert ending(tmp_path) == ".pkl"


POLARS = {
    "nested": pl.DataFrame({"a": [[1], None], "b": [{"x": 1}, {"x": None}]}),
    "category": pl.DataFrame({"a": pl.Series(["x", "y"], dtype=pl.Categorical)}),
    "enum": pl.DataFrame({"a": pl.Series(["x", "y"], dtype=pl.Enum(["x", "y"]))}),
    "times": pl.DataFrame(
        {"a": [dt.datetime(2024, 1, 1)], "b": [dt.time(1)], "c": [dt.timedelta(1)], "d": [dt.date.min]}
    ),
    "decimal": pl.DataFrame({"a": [Decimal("1.50")]}),
    "bytes and null": pl.DataFrame({"a": [b"x"], "b": [None]}),
    "no columns": pl.DataFrame(),
    "objects": pl.DataFrame({"a": pl.Series([Path("x")], dtype=pl.Object)}),
}


@pytest.mark.parametrize("name", [name for name in POLARS if name != "objects"])
def test_a_polars_frame_comes_back_equal(tmp_path, name):
    manager = FilesystemIOManager(tmp_path)
    store(manager, POLARS[name])
    back = load(manager)
    assert back.schema == POLARS[name].schema
    assert back.equals(POLARS[name])


def test_an_arrow_table_comes_back_with_its_schema(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    schema = pa.schema([pa.field("a", pa.int8(), nullable=False, metadata={"unit": "m"})], metadata={"by": "us"})
    table = pa.table({"a": pa.array([1, 2], pa.int8())}, schema=schema)
    odd = pa.table({"a": pa.array([1, 2], pa.timestamp("s")), "b": pa.array(["x", "x"]).dictionary_encode()})
    for value in (table, odd):
        store(manager, value)
        assert load(manager).equals(value, check_metadata=True)


def test_any_reader_of_parquet_can_read_what_is_stored(tmp_path):
    store(FilesystemIOManager(tmp_path), pl.DataFrame(ROWS))
    assert pq.ParquetFile(tmp_path / "region=eu/orders.parquet").read().column_names == list(ROWS)


def test_row_numbers_of_pandas_are_no_column_elsewhere_but_a_named_index_is(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, PANDAS["filtered rows keep their numbers"])
    assert load(manager, pl.DataFrame).columns == list(ROWS)
    assert load(manager, pl.LazyFrame).collect_schema().names() == list(ROWS)
    store(manager, PANDAS["index of names"])
    assert set(load(manager, pl.DataFrame).columns) == {"a", "who"}


@pytest.mark.parametrize(
    "annotation",
    [
        Union[pl.DataFrame, None],  # noqa: UP007
        pl.DataFrame | None,
        Annotated[pl.DataFrame, "x"],
        pl.DataFrame | pa.Table,
    ],
)
def test_annotations_with_more_around_the_table_are_understood(tmp_path, annotation):
    manager = FilesystemIOManager(tmp_path)
    store(manager, pd.DataFrame(ROWS))
    assert type(load(manager, annotation)) is pl.DataFrame


def test_a_table_arrives_as_stored_when_the_annotation_allows_its_kind(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, pd.DataFrame(ROWS))
    assert type(load(manager, pl.DataFrame | pd.DataFrame)) is pd.DataFrame
    assert type(load(manager, Any)) is pd.DataFrame


def test_a_value_that_is_no_table_cannot_be_asked_for_as_one(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, [1, 2])
    with pytest.raises(WrongStoredType, match=r"pandas\.DataFrame") as caught:
        load(manager, pd.DataFrame)
    assert "list" in str(caught.value)
    assert '"orders"' in str(caught.value)


def test_a_pickled_frame_can_arrive_as_another_kind_or_says_why_not(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, ODD_PANDAS["lists"])
    assert rows_of(load(manager, pl.DataFrame)) == [{"a": [1]}, {"a": [2, 3]}]
    store(manager, ODD_PANDAS["objects"])
    with pytest.raises(WrongStoredType, match="could not be converted"):
        load(manager, pa.Table)


def test_partitions_of_tables_arrive_as_a_dict_of_the_kind_asked_for(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    frame = pd.DataFrame(ROWS)
    store(manager, {"a": frame, "b": frame}, partition_keys=("a", "b"))
    for keys in (("a", "b"), ("a",)):
        back = load(manager, dict[str, pl.DataFrame], partition_keys=keys)
        assert list(back) == list(keys)
        assert {type(value) for value in back.values()} == {pl.DataFrame}
    assert type(load(manager, pl.DataFrame, partition_keys=("a",))) is pl.DataFrame


def test_a_lazy_frame_may_replace_the_file_that_it_reads(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, pl.LazyFrame(ROWS))
    store(manager, load(manager).filter(pl.col("number") > 1))
    assert load(manager).collect().height == 2


@pytest.mark.parametrize("stored", FRAMES)
def test_a_full_disk_while_a_table_is_written_leaves_the_earlier_one(tmp_path, monkeypatch, stored):
    import os

    manager = FilesystemIOManager(tmp_path)
    store(manager, FRAMES[stored][1]())

    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StorageFull, match="No space left"):
            store(manager, FRAMES[stored][1]())
    assert rows_of(load(manager)) == rows_of(FRAMES[stored][1]())
    assert ending(tmp_path) == ".parquet"


def test_pandas_without_pyarrow_is_pickled(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "headwater.io.frames_pandas", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "headwater.io.frames_arrow", None)
    import headwater.io

    monkeypatch.delattr(headwater.io, "frames_pandas", raising=False)
    manager = FilesystemIOManager(tmp_path)
    store(manager, pd.DataFrame([[1]]))
    assert ending(tmp_path) == ".pkl"
    assert load(manager)[0].tolist() == [1]
