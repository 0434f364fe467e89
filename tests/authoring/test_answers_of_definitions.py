"""What jobs, graphs, ops, assets and requests answer when they are asked what they are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import ConflictingDependencies, InvalidSubsetError, UnresolvedSelection
from headwater.model.errors.loading import NoSuchModule


@hw.op(tags={"cost": "low"})
def one() -> int:
    return 1


@hw.op
def double(number: int) -> int:
    return number * 2


def test_an_op_written_without_the_decorator_may_take_its_inputs_as_one_mapping() -> None:
    def compute(_context: Any, inputs: dict[str, int]) -> Any:
        yield hw.Output(inputs["number"] + 1)

    plus = hw.OpDefinition(compute, name="plus", ins={"number": hw.In(int)}, outs={"result": hw.Out(int)})

    @hw.job
    def work() -> None:
        plus(one())

    assert work.execute_in_process().output_for_node("plus") == 2


def test_inputs_and_outputs_of_a_graph_keep_their_descriptions() -> None:
    @hw.graph(ins={"number": hw.GraphIn(description="how many")}, out=hw.GraphOut(description="twice"), tags={"a": "b"})
    def twice(number: Any) -> Any:
        return double(number)

    assert (twice.ins["number"].description, twice.outs["result"].description) == ("how many", "twice")
    assert twice.alias("again") is not None
    assert twice.to_job().tags == {"a": "b"}


def test_the_tags_of_an_op_in_a_graph_are_those_of_its_use_too() -> None:
    seen: dict[str, dict[str, str]] = {}

    @hw.op(tags={"cost": "low"})
    def tagged(context: hw.OpExecutionContext) -> None:
        seen[context.op.name] = dict(context.op.tags)

    @hw.graph
    def group() -> None:
        tagged.tag({"team": "data"})()
        tagged.alias("dear").tag({"cost": "high"})()

    group.execute_in_process()
    assert seen == {"tagged": {"cost": "low", "team": "data"}, "dear": {"cost": "high"}}


def test_a_job_answers_with_the_default_executor_and_loggers() -> None:
    @hw.job
    def work() -> None:
        one()

    assert work.executor_def.name == "multi_or_in_process_executor"
    assert list(work.loggers) == ["console"]
    assert not work.has_specified_executor
    assert not work.has_specified_loggers


def test_top_level_resources_take_the_place_of_those_that_a_job_has_and_those_of_a_project_do_not() -> None:
    @hw.op(required_resource_keys={"db"})
    def asks(context: hw.OpExecutionContext) -> str:
        return str(context.resources.db)

    @hw.job(resource_defs={"db": hw.ResourceDefinition.hardcoded_resource("own")})
    def work() -> None:
        asks()

    other = {"db": hw.ResourceDefinition.hardcoded_resource("other")}
    assert work.with_top_level_resources(other).execute_in_process().output_for_node("asks") == "other"
    bound = hw.Definitions(jobs=[work], resources=other).get_job_def("work")
    assert bound.execute_in_process().output_for_node("asks") == "own"


def test_a_job_of_a_part_of_a_graph_runs_that_part() -> None:
    @hw.graph
    def work() -> None:
        double(one())

    result = work.to_job(op_selection=["one"]).execute_in_process()
    assert [event.step_key for event in result.get_step_success_events()] == ["one"]


def test_an_asset_job_of_what_is_not_there_is_refused_as_a_definition_and_as_a_selection() -> None:
    @hw.asset
    def orders() -> None: ...

    with pytest.raises(UnresolvedSelection, match=r'Job "daily": .*"odrers".*"orders"') as raised:
        hw.Definitions(assets=[orders], jobs=[hw.define_asset_job("daily", "odrers")])
    assert isinstance(raised.value, InvalidSubsetError)


def test_two_mappings_to_one_upstream_are_refused() -> None:
    with pytest.raises(ConflictingDependencies, match='"orders" is given twice'):
        hw.AssetSpec("a", deps=["orders", hw.AssetDep("orders", partition_mapping=hw.LastPartitionMapping())])


def test_a_package_that_is_not_there_is_a_module_that_is_not_found() -> None:
    with pytest.raises(NoSuchModule, match="no_such_package_anywhere") as raised:
        hw.load_assets_from_package_name("no_such_package_anywhere")
    assert isinstance(raised.value, ModuleNotFoundError)


def test_an_asset_is_told_as_a_source_asset_with_its_group() -> None:
    @hw.asset(group_name="sales", tags={"a": "b"}, io_manager_key="lake")
    def orders() -> None: ...

    source = orders.to_source_asset()
    assert (source.group_name, source.tags, source.io_manager_key) == ("sales", {"a": "b"}, "lake")
    assert orders.descriptions_by_key == {}


def test_a_schedule_that_asks_for_a_partition_that_there_is_not_is_refused() -> None:
    @hw.job(partitions_def=hw.StaticPartitionsDefinition(["mon", "tue"]))
    def by_day() -> None:
        one()

    @hw.schedule(job=by_day, cron_schedule="@daily")
    def wednesdays() -> hw.RunRequest:
        return by_day.run_request_for_partition("mon").with_replaced_attrs(partition_key="wed")

    context = hw.build_schedule_context(scheduled_execution_time=datetime(2024, 3, 5, tzinfo=UTC))
    with pytest.raises(hw.UnknownPartitionError, match="wed"):
        wednesdays.evaluate_tick(context)
    assert by_day.run_request_for_partition("mon").tags == {"headwater/partition": "mon"}


def test_config_of_a_graph_that_takes_none_is_refused() -> None:
    @hw.graph
    def inner() -> None:
        one()

    @hw.job
    def work() -> None:
        inner()

    with pytest.raises(hw.InvalidConfigError, match='graph "inner" takes no config'):
        work.execute_in_process(run_config={"ops": {"inner": {"config": 3}}})


def test_the_tags_of_a_partitioned_config_are_those_of_its_runs() -> None:
    letters = hw.StaticPartitionsDefinition(["x", "y"])
    config = hw.PartitionedConfig(
        partitions_def=letters,
        run_config_for_partition_key_fn=lambda _key: {},
        tags_for_partition_key_fn=lambda key: {"letter": key.upper(), "asked": "no"},
    )

    @hw.job(config=config)
    def work() -> None:
        one()

    tags = work.execute_in_process(partition_key="x", tags={"asked": "yes"}).run.tags
    assert (tags["letter"], tags["asked"]) == ("X", "yes")
    with pytest.raises(hw.UnknownPartitionError, match='"z"'):
        work.execute_in_process(partition_key="z")
