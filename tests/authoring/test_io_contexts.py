"""What an IO manager is told, and how it is told that something is not known."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

import pytest

from headwater.authoring.io_contexts import InputContext, OutputContext, build_input_context, build_output_context
from headwater.authoring.io_manager import InputManager, IOManager
from headwater.model.errors import CheckError, InvariantViolationError
from headwater.model.keys import AssetKey
from headwater.model.metadata import IntMetadataValue, TextMetadataValue
from headwater.model.partitions import (
    DailyPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionKeyRange,
    StaticPartitionsDefinition,
    TimeWindow,
)
from headwater.model.results import AssetMaterialization, AssetObservation
from headwater.model.specs import AssetSpec

DAYS = DailyPartitionsDefinition("2024-01-01")
COLORS = StaticPartitionsDefinition(["red", "green", "blue"])


def utc(day: int) -> dt.datetime:
    return dt.datetime(2024, 1, day, tzinfo=dt.UTC)


OUTPUT_ATTRIBUTES = [
    "name",
    "step_key",
    "partition_key",
    "asset_key",
    "op_def",
    "job_name",
    "dagster_type",
    "headwater_type",
    "asset_spec",
    "asset_partition_key",
    "asset_partition_keys",
    "asset_partition_key_range",
    "asset_partitions_def",
    "asset_partitions_time_window",
    "step_context",
    "instance",
]
INPUT_ATTRIBUTES = [name for name in OUTPUT_ATTRIBUTES if name not in ("step_key", "asset_spec")]


@pytest.mark.parametrize(
    ("context", "attribute"),
    [(build_output_context(), name) for name in OUTPUT_ATTRIBUTES]
    + [(build_input_context(), name) for name in INPUT_ATTRIBUTES],
)
def test_what_is_not_known_says_so_and_what_to_do(context, attribute):
    with pytest.raises((InvariantViolationError, CheckError)) as caught:
        getattr(context, attribute)
    assert caught.value.what
    assert caught.value.why
    assert caught.value.fix


def test_an_error_names_the_builder_and_the_attribute():
    with pytest.raises(InvariantViolationError, match=r"build_output_context\(step_key=\.\.\.\)"):
        _ = build_output_context().step_key
    with pytest.raises(InvariantViolationError, match=r"build_input_context\(name=\.\.\.\)"):
        _ = build_input_context().name


def test_a_context_outside_a_run_has_defaults():
    context = build_output_context()
    assert context.run_id == "__EPHEMERAL_RUN_ID"
    assert context.config is None
    assert context.version is None
    assert context.mapping_key is None
    assert context.resource_config is None
    assert context.metadata == context.definition_metadata == context.output_metadata == {}
    assert not context.has_asset_key
    assert not context.has_asset_partitions
    assert not context.has_partition_key
    assert isinstance(context.log, logging.Logger)
    assert build_input_context().upstream_output is None


def test_outputs_are_named_by_run_step_and_output():
    context = build_output_context(step_key="s", name="n", run_id="r", asset_key="a")
    assert context.get_identifier() == context.get_run_scoped_output_identifier() == ["r", "s", "n"]
    assert context.get_asset_identifier() == ["a"]
    mapped = build_output_context(step_key="s", name="n", run_id="r", mapping_key="m")
    assert mapped.get_identifier() == ["r", "s", "n", "m"]
    assert build_input_context(upstream_output=mapped).get_identifier() == ["r", "s", "n", "m"]
    assert build_input_context(asset_key="a").get_identifier() == ["a"]
    with pytest.raises(InvariantViolationError, match="upstream_output"):
        build_input_context().get_identifier()


@pytest.mark.parametrize("build", [build_output_context, build_input_context])
def test_one_partition(build):
    context = build(asset_key=["k", "a"], partition_key="2024-01-02", asset_partitions_def=DAYS)
    assert context.has_asset_key
    assert context.has_partition_key
    assert context.has_asset_partitions
    assert context.asset_key == AssetKey(["k", "a"])
    assert context.partition_key == context.asset_partition_key == "2024-01-02"
    assert list(context.asset_partition_keys) == ["2024-01-02"]
    assert context.asset_partition_key_range == PartitionKeyRange("2024-01-02", "2024-01-02")
    assert context.asset_partitions_time_window == TimeWindow(utc(2), utc(3))
    assert context.asset_partitions_def is DAYS
    assert context.get_asset_identifier() == ["k", "a", "2024-01-02"]


@pytest.mark.parametrize("build", [build_output_context, build_input_context])
def test_a_range_of_partitions(build):
    context = build(
        asset_key="a",
        asset_partitions_def=DAYS,
        asset_partition_key_range=PartitionKeyRange("2024-01-01", "2024-01-03"),
    )
    assert not context.has_partition_key
    assert list(context.asset_partition_keys) == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert context.asset_partition_key_range == PartitionKeyRange("2024-01-01", "2024-01-03")
    assert context.asset_partitions_time_window == TimeWindow(utc(1), utc(4))
    assert len(context.asset_partitions_subset) == 3
    with pytest.raises(CheckError, match="3 partitions"):
        _ = context.asset_partition_key


def test_partitions_may_be_given_as_a_set():
    subset = COLORS.subset_with_partition_keys(["blue", "red"])
    context = InputContext(asset_key=AssetKey("a"), asset_partitions_subset=subset, asset_partitions_def=COLORS)
    assert list(context.asset_partition_keys) == ["red", "blue"]
    assert context.asset_partitions_subset is subset
    output = OutputContext(asset_key=AssetKey("a"), asset_partitions_subset=subset, asset_partitions_def=COLORS)
    assert list(output.asset_partition_keys) == ["red", "blue"]


def test_no_partition_may_map_to_an_input():
    context = InputContext(asset_key=AssetKey("a"), partition_keys=(), asset_partitions_def=COLORS)
    assert context.has_asset_partitions
    assert list(context.asset_partition_keys) == []
    with pytest.raises(InvariantViolationError, match="no partition at all"):
        _ = context.asset_partition_key_range


def test_only_times_have_a_time_window():
    context = build_output_context(asset_key="a", partition_key="red", asset_partitions_def=COLORS)
    with pytest.raises(InvariantViolationError, match="not times"):
        _ = context.asset_partitions_time_window


def test_the_time_window_of_several_dimensions_is_that_of_the_time():
    both = MultiPartitionsDefinition({"day": DAYS, "color": COLORS})
    context = build_output_context(asset_key="a", partition_key="red|2024-01-02", asset_partitions_def=both)
    assert context.asset_partitions_time_window == TimeWindow(utc(2), utc(3))


def test_a_range_needs_the_definition_and_excludes_a_key():
    days = PartitionKeyRange("2024-01-01", "2024-01-03")
    with pytest.raises(CheckError, match="asset_partitions_def"):
        build_output_context(asset_partition_key_range=days)
    with pytest.raises(CheckError, match="Both"):
        build_input_context(partition_key="2024-01-01", asset_partition_key_range=days, asset_partitions_def=DAYS)


def test_what_the_io_manager_says_is_kept_until_it_is_consumed():
    context = build_output_context(asset_key="a", partition_key="x")
    context.add_output_metadata({"rows": 1, "path": "p"})
    context.add_output_metadata({"rows": 2})
    assert context.get_logged_metadata() == {"rows": IntMetadataValue(2), "path": TextMetadataValue("p")}
    assert context.consume_logged_metadata()["rows"] == IntMetadataValue(2)
    assert context.consume_logged_metadata() == {}
    context.log_event(AssetMaterialization("side"))
    assert context.get_logged_events() == [AssetMaterialization("side")]
    assert len(context.consume_events()) == 1
    assert context.consume_events() == []
    with pytest.raises(CheckError, match="AssetMaterialization"):
        context.log_event("done")  # type: ignore[arg-type]


def test_a_data_version_belongs_to_a_partition():
    context = build_output_context(asset_key="a")
    assert context.data_version is None
    context.set_data_version("v")
    assert context.data_versions == {None: "v"}
    assert context.data_version == "v"
    one = build_output_context(asset_key="a", partition_key="x")
    one.set_data_version("v")
    assert one.data_versions == {"x": "v"}
    two = OutputContext(asset_key=AssetKey("a"), partition_keys=("x", "y"))
    two.set_data_version("v", partition_key="x")
    two.set_data_version("w", partition_key="y")
    assert two.data_versions == {"x": "v", "y": "w"}
    assert two.data_version is None


def test_metadata_about_what_was_read_is_an_observation_of_each_partition():
    context = InputContext(name="x", asset_key=AssetKey("a"), partition_keys=("p", "q"))
    context.add_input_metadata({"rows": 1}, description="read")
    assert context.get_observations() == [
        AssetObservation("a", description="read", metadata={"rows": 1}, partition=key) for key in ("p", "q")
    ]
    assert len(context.consume_events()) == 2
    assert context.get_observations() == []
    assert context.consume_logged_metadata() == {"rows": IntMetadataValue(1)}
    op_input = build_input_context(name="x")
    op_input.add_input_metadata({"rows": 1})
    assert op_input.get_observations() == []


def test_declared_metadata_reaches_the_io_manager():
    output = build_output_context(definition_metadata={"table": "t"}, output_metadata={"rows": 1})
    assert output.definition_metadata == output.metadata == {"table": "t"}
    assert output.output_metadata == {"rows": 1}
    assert build_input_context(metadata={"columns": ["a"]}).definition_metadata == {"columns": ["a"]}


def test_the_spec_of_the_asset_gives_its_key():
    spec = AssetSpec("a")
    context = build_output_context(asset_spec=spec)
    assert context.asset_spec is spec
    assert context.asset_key == AssetKey("a")


def test_the_annotation_is_the_type_that_is_asked_for():
    context = build_input_context(annotation=dict[str, int])
    assert context.dagster_type.typing_type == dict[str, int]
    assert context.headwater_type.typing_type == dict[str, int]
    given: Any = object()
    assert build_input_context(dagster_type=given).dagster_type is given


def test_resources_are_attributes_and_a_missing_one_offers_the_nearest():
    context = build_output_context(resources={"database": 1})
    assert context.resources.database == 1
    assert not hasattr(context.resources, "databse")
    with pytest.raises(InvariantViolationError, match='Did you mean "database"'):
        _ = context.resources.databse


def test_resources_with_a_lifecycle_are_torn_down_at_the_end_of_the_block():
    from headwater.authoring.resources import ConfigurableResource

    happened: list[str] = []

    class Database(ConfigurableResource):  # type: ignore[misc,unused-ignore]
        def setup_for_execution(self, context: Any) -> None:
            happened.append("set up")

        def teardown_after_execution(self, context: Any) -> None:
            happened.append("torn down")

    with build_output_context(resources={"database": Database()}) as context:
        assert isinstance(context.resources.database, Database)
        assert happened == ["set up"]
    assert happened == ["set up", "torn down"]


def test_the_interfaces_must_be_implemented():
    class Half(IOManager):
        def handle_output(self, context: OutputContext, obj: Any) -> None:
            return None

    for interface in (Half, IOManager, InputManager):
        with pytest.raises(TypeError, match="load_input"):
            interface()
    assert issubclass(IOManager, InputManager)
