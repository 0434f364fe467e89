"""The base class for IO managers over local directories and object stores."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from headwater.authoring.io_contexts import build_input_context, build_output_context
from headwater.io.upath import ObjectPath, UPathIOManager
from headwater.model.errors import CheckError
from headwater.model.errors.io import PartitionedValueExpected, UnreadableValue, ValueNotFound, WrongStoredType
from headwater.model.partitions import PartitionKeyRange, StaticPartitionsDefinition

COLORS = StaticPartitionsDefinition(["red", "green", "blue"])


class JsonIOManager(UPathIOManager):
    extension = ".json"

    def dump_to_path(self, context: Any, obj: Any, path: Any) -> None:
        with path.open("w") as file:
            json.dump(obj, file)

    def load_from_path(self, context: Any, path: Any) -> Any:
        with path.open("r") as file:
            return json.load(file)

    def get_metadata(self, context: Any, obj: Any) -> dict[str, Any]:
        return {"count": len(obj)}


@pytest.fixture(params=["path", "text", "file url", "memory url"])
def base(request, tmp_path):
    return {
        "path": tmp_path / "deep/er",
        "text": str(tmp_path),
        "file url": f"file://{tmp_path}/x",
        "memory url": f"memory://{uuid.uuid4().hex}/x",
    }[request.param]


def test_a_value_is_written_to_its_path_and_read_back(base):
    manager = JsonIOManager(base)
    output = build_output_context(asset_key=["sales", "orders"], name="result")
    assert not manager.has_output(output)
    manager.handle_output(output, [1, 2])
    assert manager.has_output(output)
    assert manager.load_input(build_input_context(asset_key=["sales", "orders"])) == [1, 2]
    metadata = output.get_logged_metadata()
    assert metadata["count"].value == 2
    assert metadata["path"].value.endswith("sales/orders.json")


def test_partitions_arrive_as_a_dict(base):
    manager = JsonIOManager(base)
    everything = PartitionKeyRange("red", "blue")
    how: dict[str, Any] = {"asset_key": "paint", "asset_partitions_def": COLORS}
    manager.handle_output(build_output_context(partition_key="red", **how), [1])
    with pytest.raises(ValueNotFound, match='"green", "blue"'):
        manager.load_input(build_input_context(asset_partition_key_range=everything, **how))
    gaps = {"allow_missing_partitions": True}
    some = build_input_context(asset_partition_key_range=everything, definition_metadata=gaps, **how)
    assert manager.load_input(some) == {"red": [1]}
    manager.handle_output(
        build_output_context(asset_partition_key_range=everything, **how), {"red": [1], "green": [2], "blue": [3]}
    )
    assert manager.load_input(build_input_context(asset_partition_key_range=everything, **how)) == {
        "red": [1],
        "green": [2],
        "blue": [3],
    }
    assert manager.load_input(build_input_context(partition_key="green", **how)) == [2]
    with pytest.raises(WrongStoredType, match=r"dict\[str, list\]"):
        manager.load_input(build_input_context(asset_partition_key_range=everything, annotation=list, **how))
    with pytest.raises(PartitionedValueExpected):
        manager.handle_output(build_output_context(asset_partition_key_range=everything, **how), [1])


def test_outputs_of_ops_are_kept_by_run_and_step(base):
    manager = JsonIOManager(base)
    output = build_output_context(step_key="s", name="rows", run_id="r")
    manager.handle_output(output, [1])
    assert manager.load_input(build_input_context(upstream_output=output)) == [1]


def test_a_missing_value_is_told_with_its_path(base):
    with pytest.raises(ValueNotFound, match=r"orders\.json") as caught:
        JsonIOManager(base).load_input(build_input_context(asset_key="orders"))
    assert "headwater materialize orders" in str(caught.value)


def test_names_cannot_lead_out_of_the_base(tmp_path):
    manager = JsonIOManager(tmp_path / "base")
    manager.handle_output(build_output_context(asset_key=["..", ".."], partition_key="../../x"), [1])
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_a_subclass_may_place_partitions_as_it_likes(tmp_path):
    class Hive(JsonIOManager):
        def get_path_for_partition(self, context: Any, path: Any, partition: str) -> Any:
            return path / f"color={partition}" / "data"

    Hive(tmp_path).handle_output(build_output_context(asset_key="paint", partition_key="red"), [1])
    assert (tmp_path / "paint/color=red/data.json").exists()


def test_an_extension_has_its_dot():
    class Wrong(JsonIOManager):
        extension = "json"

    with pytest.raises(CheckError, match=r'extension = "\.json"'):
        Wrong("x")


def test_something_else_that_is_missing_is_not_taken_for_a_missing_value(tmp_path):
    class Broken(JsonIOManager):
        def load_from_path(self, context: Any, path: Any) -> Any:
            raise FileNotFoundError("a lookup table")

    manager = Broken(tmp_path)
    manager.handle_output(build_output_context(asset_key="orders"), [1])
    with pytest.raises(UnreadableValue, match="lookup table"):
        manager.load_input(build_input_context(asset_key="orders"))


def test_an_object_path_reads_and_writes_like_a_path():
    path = ObjectPath.from_url(f"memory://{uuid.uuid4().hex}/folder") / "file.txt"
    assert not path.exists()
    path.write_text("ü")
    assert path.exists()
    assert path.read_text() == "ü"
    assert (path.name, path.stem, path.suffix) == ("file.txt", "file", ".txt")
    assert path.with_suffix(".csv").name == "file.csv"
    assert path.parent / "file.txt" == path
    assert str(path).startswith("memory://")
    path.unlink()
    path.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        path.read_bytes()
