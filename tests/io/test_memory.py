"""The IO manager that keeps values in memory."""

from __future__ import annotations

import pytest

from headwater.authoring.io_contexts import InputContext, OutputContext
from headwater.io.memory import InMemoryIOManager
from headwater.model.errors.io import PartitionedValueExpected, ValueNotFound, WrongStoredType
from headwater.model.keys import AssetKey

KEY = AssetKey("orders")


def test_the_very_object_comes_back():
    manager = InMemoryIOManager()
    value = [object()]
    manager.handle_output(OutputContext(asset_key=KEY, name="result"), value)
    assert manager.load_input(InputContext(asset_key=KEY, name="orders")) is value


def test_outputs_of_ops_are_told_apart_by_run_and_step():
    manager = InMemoryIOManager()
    outputs = [OutputContext(run_id=run, step_key="s", name="result") for run in ("r1", "r2")]
    for at, output in enumerate(outputs):
        manager.handle_output(output, at)
    assert [manager.load_input(InputContext(name="x", upstream_output=output)) for output in outputs] == [0, 1]


def test_partitions_are_kept_each_on_its_own():
    manager = InMemoryIOManager()
    manager.handle_output(OutputContext(asset_key=KEY, partition_keys=("a", "b")), {"a": 1, "b": 2})
    assert manager.load_input(InputContext(asset_key=KEY, partition_keys=("b",))) == 2
    assert manager.load_input(InputContext(asset_key=KEY, partition_keys=("b", "a"))) == {"b": 2, "a": 1}
    with pytest.raises(PartitionedValueExpected):
        manager.handle_output(OutputContext(asset_key=KEY, partition_keys=("a", "b")), [1, 2])
    with pytest.raises(WrongStoredType):
        manager.load_input(InputContext(asset_key=KEY, partition_keys=("b", "a"), annotation=int))


def test_what_is_not_there_says_that_memory_ends_with_the_process():
    manager = InMemoryIOManager()
    with pytest.raises(ValueNotFound, match="memory"):
        manager.load_input(InputContext(asset_key=KEY, name="orders"))
    with pytest.raises(ValueNotFound, match='"b"'):
        manager.load_input(InputContext(asset_key=KEY, partition_keys=("a", "b")))
    gaps = {"allow_missing_partitions": True}
    assert manager.load_input(InputContext(asset_key=KEY, partition_keys=("a", "b"), definition_metadata=gaps)) == {}
