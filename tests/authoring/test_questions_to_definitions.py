"""Definitions answer what they are made of, under the names that the field knows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import headwater as hw
from headwater.model.errors import InvariantViolationError

DAYS = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-04")


@hw.op
def one() -> int:
    return 1


@hw.op(ins={"x": hw.In(default_value=3)}, config_schema={"by": int}, pool="slow", required_resource_keys={"scale"})
def times(context: hw.OpExecutionContext, x: int) -> int:
    return x * int(context.op_config["by"]) * int(context.resources.scale)


@hw.graph
def scaled(z: int) -> int:
    return times(z)  # type: ignore[no-any-return]


@hw.job(
    config={"ops": {"scaled": {"ops": {"times": {"config": {"by": 2}}}}}},
    resource_defs={"scale": hw.ResourceDefinition.hardcoded_resource(10)},
)
def scaling() -> None:
    scaled(one())


def test_a_job_tells_its_nodes_and_what_they_need():
    assert [node.name for node in scaling.top_level_node_defs] == ["one", "scaled"]
    assert {node.name for node in scaling.all_node_defs} == {"one", "scaled", "times"}
    assert scaling.node_def_named("times") is times
    with pytest.raises(InvariantViolationError, match='Did you mean "times"'):
        scaling.node_def_named("time")
    assert scaling.has_node_named("scaled")
    assert not scaling.has_node_named("times")
    assert scaling.get_node_named("scaled").definition is scaled
    assert scaling.required_resource_keys == {"io_manager", "scale"}
    assert scaling.run_config == {"ops": {"scaled": {"ops": {"times": {"config": {"by": 2}}}}}}
    assert not scaling.has_specified_executor
    assert scaling.with_executor_def(hw.in_process_executor).has_specified_executor
    assert scaling.with_logger_defs({"lines": hw.json_console_logger}).has_specified_loggers
    assert scaling.with_metadata({"a": 1}).metadata == {"a": hw.MetadataValue.int(1)}
    assert scaling.describe_target() == "job 'scaling'"


def test_a_graph_tells_its_edges():
    assert scaled.node_names() == ["times"]
    assert scaled.has_node_named("times")
    assert scaled.get_input_mapping("z") == hw.InputMapping("z", "times", "x")
    assert scaled.get_output_mapping("result") == hw.OutputMapping("result", "times", "result")
    assert [op.name for op in scaled.iterate_op_defs()] == ["times"]
    assert [node.name for node in scaled.iterate_node_defs()] == ["scaled", "times"]
    assert scaled.pools == {"slow"}
    assert scaled.coerce_to_job().name == "scaled"
    assert scaled.composition_fn is not None
    ((invocation, inputs),) = [item for item in scaling.dependencies.items() if item[1]]
    assert invocation.alias == "scaled"
    assert inputs == {"z": hw.DependencyDefinition("one", "result")}


def test_a_graph_can_be_made_again_of_what_it_tells():
    graph = scaling.graph
    again = hw.GraphDefinition(
        "again",
        node_defs=graph.node_defs,
        dependencies=dict(graph.dependencies),
        input_mappings=graph.input_mappings,
        output_mappings=graph.output_mappings,
    )
    config = {"ops": {"scaled": {"ops": {"times": {"config": {"by": 3}}}}}}
    result = again.execute_in_process(run_config=config, resources={"scale": 10})
    assert result.output_for_node("scaled.times") == 30
    renamed = scaled.copy(name="renamed", tags={"a": "b"})
    assert (renamed.name, renamed.tags, list(renamed.ins)) == ("renamed", {"a": "b"}, ["z"])
    assert scaled.copy(output_mappings=[]).output_dict == {}


def test_an_op_tells_its_inputs_and_outputs():
    assert list(times.input_dict) == ["x"]
    assert times.positional_inputs == ["x"]
    assert times.default_value_for_input("x") == 3
    assert times.has_input("x")
    assert not times.has_output("x")
    assert times.output_def_named("result").name == "result"
    with pytest.raises(InvariantViolationError, match='has no input "y"'):
        times.input_def_named("y")
    assert times.input_has_default("x")
    renamed = times.with_replaced_properties("thrice", ins={"x": hw.In(int)}, description="Three times.")
    assert (renamed.name, renamed.description, renamed.pool) == ("thrice", "Three times.", "slow")
    with pytest.raises(InvariantViolationError, match="no default"):
        renamed.default_value_for_input("x")
    assert times.is_from_decorator()


@hw.multi_asset(
    specs=[hw.AssetSpec("a", partitions_def=DAYS), hw.AssetSpec("b", deps=["u"], partitions_def=DAYS)],
    can_subset=True,
    check_specs=[hw.AssetCheckSpec("few", asset="a")],
)
def both() -> None: ...


def test_an_asset_definition_tells_its_assets_and_checks():
    a, few = hw.AssetKey("a"), hw.AssetCheckKey(hw.AssetKey("a"), "few")
    assert both.asset_and_check_keys == {a, hw.AssetKey("b"), few}
    assert both.has_keys
    assert both.has_check_keys
    assert both.check_key == few
    assert both.get_spec_for_check_key(few).name == "few"
    assert both.get_checks_targeting_keys({a}) == {few}
    assert both.has_output_for_asset_key(a)
    assert both.get_io_manager_key_for_asset_key(a) == "io_manager"
    assert both.get_op_def_for_asset_key(a) is both.op
    assert both.get_partition_mapping_for_dep(hw.AssetKey("u")) is None
    with pytest.raises(InvariantViolationError, match="does not evaluate"):
        both.get_spec_for_check_key(hw.AssetCheckKey(a, "many"))


def test_the_op_of_an_asset_inside_a_graph_is_found():
    built = hw.AssetsDefinition.from_graph(scaled, keys_by_output_name={"result": hw.AssetKey("big")})
    assert built.get_op_def_for_asset_key(hw.AssetKey("big")) is times
    assert hw.external_asset("elsewhere").get_op_def_for_asset_key(hw.AssetKey("elsewhere")) is None


def test_a_job_of_partitioned_assets_tells_its_partitions():
    job = hw.Definitions(assets=[both], jobs=[hw.define_asset_job("some", ["a"])]).get_job_def("some")
    assert job.get_partition_keys() == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert job.get_tags_for_partition_key("2024-01-02")["headwater/partition"] == "2024-01-02"
    job.validate_partition_key("2024-01-02")
    with pytest.raises(hw.UnknownPartitionError):
        job.validate_partition_key("2024-01-09")
    with hw.partition_loading_context(datetime(2024, 1, 2, tzinfo=UTC)) as context:
        pass
    with pytest.raises(hw.UnknownPartitionError):
        job.validate_partition_key("2024-01-02", context=context)
    with pytest.raises(InvariantViolationError, match="which has none"):
        scaling.get_partition_keys()


def test_a_part_of_a_job_is_a_job():
    job = hw.Definitions(assets=[both], jobs=[hw.define_asset_job("some")]).get_job_def("some")
    assert job.get_subset() is job
    assert job.get_subset(asset_selection={hw.AssetKey("a")}).asset_keys == {hw.AssetKey("a")}
    assert scaling.get_subset(op_selection=["one"]).execute_in_process().output_for_node("one") == 1


def test_asset_keys_have_the_written_forms_of_the_field():
    key = hw.AssetKey(["sales", "orders"])
    assert key.to_string() == key.to_db_string() == '["sales", "orders"]'
    assert hw.AssetKey.from_db_string(key.to_db_string()) == key
    assert hw.AssetKey.from_db_string(None) is None
    assert hw.AssetKey.from_escaped_user_string(key.to_escaped_user_string()) == key
    assert hw.AssetKey.from_coercible_or_definition(hw.external_asset(key)) == key
