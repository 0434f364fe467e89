"""Attributes of definitions, graphs and IO managers that programs for Dagster read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors.partitions import InvalidPartitionsDefinitionError


def test_a_spec_is_replaced_and_tells_its_mappings() -> None:
    mapping = hw.IdentityPartitionMapping()
    spec = hw.AssetSpec("a", deps=[hw.AssetDep("b", partition_mapping=mapping), "c"])
    assert spec._replace(key=hw.AssetKey("z")).key == hw.AssetKey("z")
    assert spec.partition_mappings == {hw.AssetKey("b"): mapping}


def test_keys_of_a_graph_come_after_what_they_depend_on() -> None:
    @hw.asset
    def zebra() -> None: ...

    @hw.asset(deps=[zebra])
    def ape() -> None: ...

    graph = hw.Definitions(assets=[ape, zebra]).resolve_asset_graph()
    assert graph.toposorted_asset_keys == [hw.AssetKey("zebra"), hw.AssetKey("ape")]
    assert ape.is_subset is False


def test_a_job_says_whether_it_is_a_part() -> None:
    @hw.op
    def one() -> None: ...

    @hw.op
    def two() -> None: ...

    @hw.job
    def both() -> None:
        one()
        two()

    assert (both.is_subset, both.get_subset(op_selection=["one"]).is_subset) == (False, True)


@pytest.mark.parametrize("sign", "\0\a\b\t\n\v\f\r")
def test_a_partition_key_holds_nothing_that_is_not_shown(sign: str) -> None:
    with pytest.raises(InvalidPartitionsDefinitionError, match="not shown"):
        hw.StaticPartitionsDefinition([f"a{sign}b"])


class Texts(hw.UPathIOManager):
    extension = ".txt"

    def dump_to_path(self, context: hw.OutputContext, obj: Any, path: Any) -> None:
        path.write_text(str(obj))

    def load_from_path(self, context: hw.InputContext, path: Any) -> Any:
        return path.read_text()


def test_a_manager_of_paths_loads_partitions_and_names_their_files(tmp_path: Path) -> None:
    manager = Texts(tmp_path)
    days = hw.StaticPartitionsDefinition(["a", "../b"])
    for key in days.get_partition_keys():
        manager.handle_output(
            hw.build_output_context(asset_key=["x"], partition_key=key, asset_partitions_def=days), f"of {key}"
        )
    context = hw.build_input_context(
        asset_key=["x"], asset_partitions_def=days, asset_partition_key_range=hw.PartitionKeyRange("a", "../b")
    )
    assert manager.load_partitions(context) == {"a": "of a", "../b": "of ../b"}
    assert manager.fs.exists(str(tmp_path / "x"))
    assert manager.make_safe_partition_path(tmp_path, "../b").parent == tmp_path
    assert str(tmp_path) in manager.get_writing_output_log_message(tmp_path)
    assert str(tmp_path) in manager.get_loading_input_log_message(tmp_path)
