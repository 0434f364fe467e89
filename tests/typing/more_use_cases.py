"""What a type checker must understand of contexts, results, triggers, hooks, graphs and partitions. Checked, and loaded."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence, Set as AbstractSet
from datetime import datetime, timedelta
from typing import Any, assert_type

import headwater as hw

# --- results without an argument, and what is read of a run -----------------------------------------------------------


@hw.asset
def orders() -> list[int]:
    return [1, 2, 3]


@hw.asset
def reported() -> hw.MaterializeResult:
    return hw.MaterializeResult(metadata={"rows": 3})


@hw.asset
def stored() -> hw.Output[list[int]]:
    return hw.Output([1], metadata={"rows": 1}, data_version=hw.DataVersion("1"))


@hw.observable_source_asset
def seen() -> hw.DataVersion:
    return hw.DataVersion("1")


def a_result_of_a_run_is_read() -> None:
    definition: hw.AssetsDefinition = orders
    result = hw.materialize([definition, reported, stored], instance=hw.Instance.ephemeral())
    assert_type(result.success, bool)
    assert_type(result.all_events, list[hw.Event])
    assert_type(result.asset_materializations_for_node("orders"), list[hw.AssetMaterialization])
    assert_type(result.get_asset_check_evaluations(), list[hw.AssetCheckEvaluation])
    assert_type(result.job_def, hw.JobDefinition)
    values: list[int] = result.output_for_node("orders")
    launched = hw.execute_job(hw.reconstructable(everything), instance=hw.Instance.ephemeral())
    with launched as finished:
        assert_type(finished.success, bool)
    assert_type(hw.Definitions(assets=[orders]).load_asset_value("orders"), Any)
    assert values


# --- contexts that tests build ----------------------------------------------------------------------------------------


def contexts_are_built() -> None:
    op_context: hw.OpExecutionContext = hw.build_op_context(partition_key="2024-01-01")
    asset_context: hw.AssetExecutionContext = hw.build_asset_context(resources={"n": 1})
    check_context: hw.AssetCheckExecutionContext = hw.build_asset_check_context()
    assert_type(op_context.log, logging.Logger)
    assert_type(asset_context.instance, hw.Instance)
    assert_type(asset_context.run, hw.Run)
    assert_type(asset_context.partition_key_range, hw.PartitionKeyRange)
    assert_type(asset_context.selected_asset_keys, AbstractSet[hw.AssetKey])
    assert_type(asset_context.assets_def, hw.AssetsDefinition)
    assert_type(check_context.run_id, str)
    assert_type(hw.build_input_context(), hw.InputContext)
    assert_type(hw.build_output_context(), hw.OutputContext)
    assert_type(hw.build_input_context().log, logging.Logger)
    assert_type(hw.build_output_context().instance, hw.Instance)
    assert_type(hw.build_init_resource_context().log, logging.Logger)
    assert_type(hw.build_init_resource_context().run, hw.Run | None)
    assert_type(hw.build_sensor_context(), hw.SensorEvaluationContext)
    assert_type(hw.build_schedule_context(), hw.ScheduleEvaluationContext)
    assert_type(hw.build_hook_context(), hw.HookContext)


# --- config and resources ---------------------------------------------------------------------------------------------


class Limits(hw.Config):
    most: int
    word: str = "x"


class Client:
    def ask(self) -> int:
        return 1


class ClientResource(hw.ConfigurableResource[Client]):
    path: str

    def create_resource(self, context: hw.InitResourceContext) -> Client:
        return Client()


class Reader(hw.ConfigurableResource):
    client: hw.ResourceDependency[Client]

    def read(self) -> int:
        assert_type(self.client, Client)
        return self.client.ask()


class Stored(hw.ConfigurableIOManagerFactory[hw.IOManager]):
    def create_io_manager(self, context: hw.InitResourceContext) -> hw.IOManager:
        return hw.InMemoryIOManager()


@hw.resource(config_schema={"path": str})
def older(context: hw.InitResourceContext) -> Iterator[Client]:
    yield Client()


@hw.io_manager
def memory(context: hw.InitResourceContext) -> hw.IOManager:
    return hw.InMemoryIOManager()


@hw.asset
def asked(client: hw.ResourceParam[Client], reader: Reader, config: Limits) -> int:
    assert_type(client, Client)
    assert_type(config.most, int)
    return client.ask() + reader.read()


def config_and_resources_are_checked() -> None:
    assert_type(Limits(most=1), Limits)
    assert_type(older, hw.ResourceDefinition)
    assert_type(memory, hw.IOManagerDefinition)
    reader = Reader(client=ClientResource(path="x"))
    assert_type(asked(Client(), reader, Limits(most=1)), int)
    config = hw.RunConfig(ops={"asked": Limits(most=2)}, resources={"client": ClientResource(path="x")})
    hw.materialize(
        [asked],
        resources={"client": ClientResource(path=hw.EnvVar("CLIENT")), "reader": reader, "io_manager": Stored()},
        run_config=config,
    )


# --- graphs, dynamic outputs and hooks --------------------------------------------------------------------------------


@hw.op(out=hw.DynamicOut(str))
def names() -> Iterator[hw.DynamicOutput[str]]:
    yield hw.DynamicOutput("ada", mapping_key="ada")


@hw.op
def greet(name: str) -> hw.Output[str]:
    return hw.Output(f"Hello, {name}")


@hw.op(out={"first": hw.Out(str), "rest": hw.Out(list)})
def parted(lines: list[str]) -> tuple[str, list[str]]:
    return lines[0], lines[1:]


@hw.graph
def greetings() -> str:
    first, _ = parted(names().map(greet).collect())
    return first


@hw.success_hook(required_resource_keys={"mail"})
def tell(context: hw.HookContext) -> None:
    assert_type(context.op.name, str)
    assert_type(context.op_exception, BaseException | None)
    context.log.info(context.op.name)


@hw.job(hooks={tell}, tags={"team": "post"})
def everything() -> None:
    greetings()


def graphs_and_hooks_are_values() -> None:
    assert_type(greetings, hw.GraphDefinition)
    assert_type(greetings.to_job(name="other"), hw.JobDefinition)
    assert_type(tell, hw.HookDefinition)


# --- what asks for runs -----------------------------------------------------------------------------------------------


@hw.sensor(job=everything, minimum_interval_seconds=30)
def watching(context: hw.SensorEvaluationContext) -> hw.SensorResult:
    assert_type(context.cursor, str | None)
    assert_type(context.instance, hw.Instance)
    return hw.SensorResult(run_requests=[hw.RunRequest(run_key="1", partition_key="a")], cursor="1")


@hw.schedule(job=everything, cron_schedule="0 6 * * *", execution_timezone="Europe/Berlin")
def mornings(context: hw.ScheduleEvaluationContext) -> hw.RunRequest | hw.SkipReason:
    assert_type(context.scheduled_execution_time, datetime)
    return hw.SkipReason("closed")


@hw.asset_sensor(asset_key=hw.AssetKey("orders"), job=everything)
def on_orders(context: hw.SensorEvaluationContext, event: hw.EventLogEntry) -> Iterator[hw.RunRequest]:
    assert_type(event.asset_materialization, hw.AssetMaterialization | None)
    yield hw.RunRequest()


@hw.run_failure_sensor
def on_failure(context: hw.RunFailureSensorContext) -> None:
    assert_type(context.run, hw.Run)
    assert_type(context.failure_event, hw.Event)


@hw.run_status_sensor(run_status=hw.RunStatus.SUCCESS)
def on_success(context: hw.RunStatusSensorContext) -> None:
    assert_type(context.run.run_id, str)


def triggers_are_values() -> None:
    assert_type(watching, hw.SensorDefinition)
    assert_type(mornings, hw.ScheduleDefinition)
    assert_type(on_failure, hw.RunStatusSensorDefinition)
    eager: hw.AutomationCondition = hw.AutomationCondition.eager() & ~hw.AutomationCondition.in_progress()
    fresh: hw.FreshnessPolicy = hw.FreshnessPolicy.time_window(fail_window=timedelta(hours=1))
    hw.AssetSpec("x", automation_condition=eager, freshness_policy=fresh)


# --- partitions -------------------------------------------------------------------------------------------------------

days = hw.DailyPartitionsDefinition("2024-01-01")
shops = hw.StaticPartitionsDefinition(["north", "south"])
carriers = hw.DynamicPartitionsDefinition(name="carriers")


def any_definition(given: hw.PartitionsDefinition) -> Sequence[str]:
    return given.get_partition_keys()


@hw.daily_partitioned_config(start_date="2024-01-01")
def of_the_day(start: datetime, end: datetime) -> dict[str, Any]:
    return {}


def partitions_are_values() -> None:
    assert_type(days.get_partition_keys(), Sequence[str])
    assert_type(days.time_window_for_partition_key("2024-01-01"), hw.TimeWindow)
    assert_type(any_definition(hw.MultiPartitionsDefinition({"day": days, "shop": shops})), Sequence[str])
    assert_type(carriers.build_add_request(["AA"]), hw.AddDynamicPartitionsRequest)
    hw.AssetDep("orders", partition_mapping=hw.TimeWindowPartitionMapping(start_offset=-1))


# --- several together -------------------------------------------------------------------------------------------------


@hw.op
def first_of(lines: list[str]) -> str:
    return lines[0]


@hw.graph_asset
def greeted() -> str:
    return first_of(names().map(greet).collect())


@hw.multi_asset_check(specs=[hw.AssetCheckSpec("enough", asset="orders"), hw.AssetCheckSpec("whole", asset="orders")])
def both() -> Iterator[hw.AssetCheckResult]:
    yield hw.AssetCheckResult(passed=True, check_name="enough")


def definitions_are_read() -> None:
    defs = hw.Definitions(assets=[orders], jobs=[everything], sensors=[watching], schedules=[mornings])
    assert_type(hw.Definitions.merge(defs, hw.Definitions(asset_checks=[both])), hw.Definitions)
    assert_type(defs.resolve_job_def("everything"), hw.JobDefinition)
    assert_type(hw.AssetSpec("x").replace_attributes(group_name="g"), hw.AssetSpec)
    assert_type(hw.file_relative_path(__file__, "data"), str)
