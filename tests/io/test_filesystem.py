"""The default IO manager: what is stored comes back as it was, whole or not at all."""

from __future__ import annotations

import dataclasses
import datetime as dt
import errno
import math
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections import OrderedDict
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from headwater.authoring.io_contexts import InputContext, OutputContext, build_input_context, build_output_context
from headwater.io.filesystem import FilesystemIOManager
from headwater.model.errors.io import (
    PartitionedValueExpected,
    StorageError,
    StorageFull,
    StorageNotWritable,
    UnreadableValue,
    UnstorableValue,
    ValueNotFound,
    WrongStoredType,
)
from headwater.model.keys import AssetKey

KEY = AssetKey(["sales", "orders"])


@dataclasses.dataclass
class Order:
    number: int
    placed_on: dt.date


def store(manager: FilesystemIOManager, value: Any, key: AssetKey = KEY, **how: Any) -> OutputContext:
    context = OutputContext(name="result", asset_key=key, **how)
    manager.handle_output(context, value)
    return context


def load(manager: FilesystemIOManager, key: AssetKey = KEY, **how: Any) -> Any:
    return manager.load_input(InputContext(name="orders", asset_key=key, **how))


def files(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down; NaN is NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(
            same(a, b) and same(one[a], other[b]) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and bool(np.array_equal(one, other))
    return bool(one == other)


@pytest.mark.parametrize(
    ("value", "ending"),
    [
        (1, ".json"),
        (True, ".json"),
        (None, ".json"),
        (-0.5, ".json"),
        ([1, "two", {"three": [None, 4.0]}], ".json"),
        ({}, ".json"),
        ("text with\r\nlines and ü", ".txt"),
        (b"\x00\xff", ".bin"),
        ("", ".pkl"),
        (b"", ".pkl"),
        ("\ud800", ".pkl"),
        (["\ud800"], ".pkl"),
        ((1, 2), ".pkl"),
        ([(1, 2)], ".pkl"),
        ({1: "integer key"}, ".pkl"),
        ({"a", "b"}, ".pkl"),
        (float("nan"), ".pkl"),
        ([1.0, float("inf")], ".pkl"),
        (2**63, ".pkl"),
        ([2**80], ".pkl"),
        (OrderedDict(a=1), ".pkl"),
        (bytearray(b"x"), ".pkl"),
        (dt.datetime(2024, 1, 1, tzinfo=dt.UTC), ".pkl"),
        (Decimal("1.10"), ".pkl"),
        (Order(1, dt.date(2024, 1, 1)), ".pkl"),
        (np.float64(1.5), ".pkl"),
        ([np.int64(1)], ".pkl"),
        (np.arange(3), ".pkl"),
    ],
    ids=repr,
)
def test_a_value_is_kept_in_the_most_readable_format_that_gives_it_back_as_it_was(tmp_path, value, ending):
    manager = FilesystemIOManager(tmp_path)
    store(manager, value)
    assert files(tmp_path) == [f"sales/orders{ending}"]
    assert same(load(manager), value)


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.text(alphabet=st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010)),
    st.binary(),
    st.datetimes(),
    st.dates(),
    st.decimals(allow_nan=False),
    st.builds(Order, st.integers(), st.dates()),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=3), inner, max_size=4),
        st.dictionaries(st.one_of(st.integers(), st.booleans()), inner, max_size=3),
        st.sets(st.integers(), max_size=4),
    ),
    max_leaves=12,
)


@given(value=values)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_comes_back_equal_and_of_the_same_types(tmp_path, value):
    manager = FilesystemIOManager(tmp_path)
    store(manager, value)
    assert same(load(manager), value)
    assert len(files(tmp_path)) == 1


def test_a_function_that_plain_pickle_cannot_hold_is_kept_by_cloudpickle(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, lambda x: x + 1)
    assert load(manager)(1) == 2


def test_a_value_that_holds_itself_comes_back(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    knot: list[Any] = []
    knot.append(knot)
    store(manager, knot)
    back = load(manager)
    assert back[0] is back


def test_a_new_value_takes_the_place_of_one_in_another_format(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    for value, ending in [(1, ".json"), ("x", ".txt"), ((1,), ".pkl"), (b"x", ".bin"), (2, ".json")]:
        store(manager, value)
        assert files(tmp_path) == [f"sales/orders{ending}"]
        assert load(manager) == value


def test_the_newer_file_counts_when_a_crash_left_the_older_format_behind(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, 1)
    left_behind = tmp_path / "sales/orders.txt"
    left_behind.write_text("older")
    os.utime(left_behind, (1, 1))
    assert load(manager) == 1


def test_an_empty_file_that_a_crash_left_behind_counts_as_none(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, {"old": 1})
    (tmp_path / "sales/orders.txt").touch()
    assert load(manager) == {"old": 1}
    (tmp_path / "sales/orders.json").unlink()
    with pytest.raises(ValueNotFound):
        load(manager)


def test_the_data_version_follows_the_content(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    versions = [store(manager, value).data_version for value in (1, 2, 1, "1", b"1", True)]
    assert versions[0] == versions[2]
    assert len(set(versions)) == 5


def test_the_path_is_recorded(tmp_path):
    context = store(FilesystemIOManager(tmp_path), 1)
    assert context.get_logged_metadata()["path"].value == f"{tmp_path}/sales/orders.json"


def test_partitions_are_kept_each_on_its_own_and_arrive_as_a_dict(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    for key in ("2024-01-01", "a/b", ".."):
        store(manager, {"of": key}, partition_keys=(key,))
    assert files(tmp_path) == [
        "sales/orders/@%2E..json",
        "sales/orders/@2024-01-01.json",
        "sales/orders/@a%2Fb.json",
    ]
    assert load(manager, partition_keys=("a/b",)) == {"of": "a/b"}
    both = load(manager, partition_keys=("a/b", ".."), annotation=dict[str, Any])
    assert both == {"a/b": {"of": "a/b"}, "..": {"of": ".."}}
    assert load(manager, partition_keys=()) == {}
    assert load(manager, partition_keys=(), annotation=int | None) is None


def test_a_run_for_several_partitions_stores_the_value_of_each(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    context = store(manager, {"b": 2, "a": 1}, partition_keys=("a", "b"))
    assert load(manager, partition_keys=("a",)) == 1
    assert set(context.data_versions) == {"a", "b"}
    assert context.data_versions["a"] == store(manager, 1, partition_keys=("c",)).data_version


@pytest.mark.parametrize(
    ("returned", "says"),
    [([1, 2], "one list"), ({"a": 1}, 'no value for "b"'), ({"a": 1, "b": 2, "c": 3}, "'c'")],
)
def test_a_run_for_several_partitions_must_return_a_value_for_each(tmp_path, returned, says):
    with pytest.raises(PartitionedValueExpected, match="sales/orders") as caught:
        store(FilesystemIOManager(tmp_path), returned, partition_keys=("a", "b"))
    assert says in str(caught.value)
    assert '{"a": ..., ...}' in str(caught.value)
    assert files(tmp_path) == []


def test_a_dict_for_one_partition_is_the_value_itself_unless_the_asset_is_written_for_many(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, {"a": 1}, partition_keys=("a",))
    assert load(manager, partition_keys=("a",)) == {"a": 1}
    store(manager, {"a": 1}, partition_keys=("a",), by_partition=True)
    assert load(manager, partition_keys=("a",)) == 1


def test_missing_partitions_are_named_unless_they_may_be_missing(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, 1, partition_keys=("a",))
    with pytest.raises(ValueNotFound, match='"b"') as caught:
        load(manager, partition_keys=("a", "b", "c"))
    assert caught.value.partitions == ("b", "c")
    gaps = {"allow_missing_partitions": True}
    assert load(manager, partition_keys=("a", "b"), definition_metadata=gaps) == {"a": 1}
    assert load(manager, partition_keys=("b",), definition_metadata=gaps) is None


def test_several_partitions_for_a_parameter_that_is_no_dict_are_refused(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    for key in "ab":
        store(manager, 1, partition_keys=(key,))
    with pytest.raises(WrongStoredType, match=r"dict\[str, int\]"):
        load(manager, partition_keys=("a", "b"), annotation=int)


def test_a_missing_value_says_where_it_was_looked_for_and_what_to_type(tmp_path):
    with pytest.raises(ValueNotFound) as caught:
        load(FilesystemIOManager(tmp_path), partition_keys=("2024-01-01",))
    message = str(caught.value)
    assert 'asset "sales/orders"' in message
    assert f"{tmp_path}/sales/orders/@2024-01-01" in message
    assert 'headwater materialize sales/orders --partition "2024-01-01"' in message


def test_what_cannot_be_stored_says_so_and_leaves_the_earlier_value(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, 1)
    with open(__file__) as open_file:
        unstorable = [(n for n in range(3)), threading.Lock(), open_file]
        for value in unstorable:
            with pytest.raises(UnstorableValue, match=type(value).__name__) as caught:
                store(manager, value)
            assert 'asset "sales/orders"' in str(caught.value)
            assert caught.value.__cause__ is not None
    assert load(manager) == 1
    assert files(tmp_path) == ["sales/orders.json"]


def test_a_file_that_cannot_be_read_names_its_path_and_the_cause(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, 1)
    (tmp_path / "sales/orders.json").write_text("{half")
    with pytest.raises(UnreadableValue, match=r"orders\.json") as caught:
        load(manager)
    assert "JSONDecodeError" in str(caught.value)


@pytest.mark.parametrize("call", ["write", "replace", "open"])
@pytest.mark.parametrize("value", [2, "y" * 10_000], ids=["small", "large"])
def test_a_full_disk_is_told_and_leaves_the_earlier_value(tmp_path, monkeypatch, call, value):
    manager = FilesystemIOManager(tmp_path)
    store(manager, 1)

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(StorageFull, match="No space left on device") as caught:
            store(manager, value)
    assert str(tmp_path) in str(caught.value)
    assert load(manager) == 1
    assert files(tmp_path) == ["sales/orders.json"]


def test_a_full_disk_in_the_midst_of_a_first_value_leaves_nothing(tmp_path, monkeypatch):
    def half(descriptor: int, content: bytes) -> int:
        written = real_write(descriptor, bytes(content)[: len(content) // 2])
        if written:
            return written
        raise OSError(errno.ENOSPC, "No space left on device")

    real_write = os.write
    monkeypatch.setattr(os, "write", half)
    with pytest.raises(StorageFull):
        store(FilesystemIOManager(tmp_path), [1, 2, 3])
    assert files(tmp_path) == []


def test_a_directory_that_may_not_be_written_to_is_told(tmp_path, monkeypatch):
    def refused(*_: Any, **__: Any) -> Any:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(StorageNotWritable, match="Permission denied") as caught:
        store(FilesystemIOManager(tmp_path), 1)
    assert "HEADWATER_HOME" in str(caught.value)


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_directory_is_told(tmp_path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(StorageNotWritable):
            store(FilesystemIOManager(tmp_path), 1)
    finally:
        tmp_path.chmod(0o755)


def test_a_file_in_the_way_of_the_storage_directory_is_told(tmp_path):
    (tmp_path / "storage").write_text("not a directory")
    with pytest.raises(StorageError, match="storage"):
        store(FilesystemIOManager(tmp_path / "storage"), 1)


def test_an_interruption_in_the_midst_of_writing_leaves_the_earlier_value(tmp_path, monkeypatch):
    manager = FilesystemIOManager(tmp_path)
    store(manager, 1)

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store(manager, 2)
    assert load(manager) == 1
    assert files(tmp_path) == ["sales/orders.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
def test_a_process_killed_while_it_writes_leaves_a_whole_value(tmp_path):
    program = textwrap.dedent(
        """
        import sys
        from headwater.authoring.io_contexts import OutputContext
        from headwater.io.filesystem import FilesystemIOManager
        from headwater.model.keys import AssetKey
        manager = FilesystemIOManager(sys.argv[1])
        n = 0
        while True:
            n += 1
            for value in ([n] * 20_000, str(n) * 20_000, n, (n,) * 20_000):
                manager.handle_output(OutputContext(name="result", asset_key=AssetKey(["sales", "orders"])), value)
                if n == 1:
                    print("stored", flush=True)
        """
    )
    for moment in range(4):
        process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.read(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        value = load(FilesystemIOManager(tmp_path))
        if isinstance(value, (list, tuple)):
            assert len(set(value)) == 1
            assert len(value) == 20_000
        elif isinstance(value, str):
            assert len(value) % 20_000 == 0


def test_outputs_of_ops_are_kept_by_run_step_and_name(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    output = build_output_context(step_key="clean[x]", name="rows", run_id="r1", mapping_key="../m")
    manager.handle_output(output, [1])
    assert files(tmp_path) == ["@runs/r1/clean%5Bx%5D/rows/%2E.%2Fm.json"]
    assert manager.load_input(build_input_context(name="rows", upstream_output=output)) == [1]
    manager.remove_run("r1")
    assert files(tmp_path) == []


def test_values_can_be_looked_for_and_removed(tmp_path):
    manager = FilesystemIOManager(tmp_path)
    store(manager, 1, partition_keys=("a",))
    assert manager.has_value(KEY, "a")
    assert not manager.has_value(KEY)
    assert manager.remove_value(KEY, "a")
    assert not manager.remove_value(KEY, "a")


def test_values_are_kept_below_headwater_home_when_no_directory_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADWATER_HOME", str(tmp_path / "home"))
    store(FilesystemIOManager(), 1)
    assert files(tmp_path) == ["home/storage/sales/orders.json"]


def test_full_durability_stores_the_same(tmp_path):
    manager = FilesystemIOManager(tmp_path, durability="full")
    store(manager, [1])
    store(manager, [2])
    assert load(manager) == [2]
    assert files(tmp_path) == ["sales/orders.json"]


def test_the_default_io_manager_brings_in_no_heavy_library():
    program = (
        "import sys, headwater.io.filesystem, headwater.io.memory; "
        "print([name for name in ('pydantic', 'pandas', 'polars', 'pyarrow', 'fsspec', 'rich') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
