"""Schedules as they are declared, and what they ask for when they are evaluated."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.authoring.asset_decorators import asset
from headwater.authoring.asset_job import define_asset_job
from headwater.authoring.definitions import Definitions
from headwater.authoring.job import job
from headwater.authoring.op import op
from headwater.authoring.partitioned_config import static_partitioned_config
from headwater.authoring.resources import ConfigurableResource
from headwater.authoring.run_request import RunRequest, SkipReason
from headwater.authoring.schedules import (
    SCHEDULE_TAG,
    DefaultScheduleStatus,
    ScheduleDefinition,
    UnresolvedPartitionedSchedule,
    build_schedule_context,
    build_schedule_from_partitioned_job,
    schedule,
)
from headwater.authoring.sensors import (
    SENSOR_TAG,
    SensorDefinition,
    build_sensor_context,
    sensor,
)
from headwater.model.errors import CheckError, InvalidDefinitionError, InvalidInvocationError
from headwater.model.errors.triggers import (
    InvalidCronError,
    MissingTriggerContextValue,
    ScheduleExecutionError,
    TriggerResultError,
    UnknownTimezoneError,
)
from headwater.model.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
)
from headwater.model.partitions.definition import PARTITION_TAG

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)


class Warehouse(ConfigurableResource[Any]):
    table: str = "orders"


@op
def work() -> None: ...


@job
def first() -> None:
    work()


@job
def second() -> None:
    work()


def asked(trigger: Any, **context: Any) -> Any:
    if isinstance(trigger, SensorDefinition):
        return trigger.evaluate_tick(build_sensor_context(**context))
    return trigger.evaluate_tick(build_schedule_context(scheduled_execution_time=NOON, **context))


def daily(function: Any, **options: Any) -> ScheduleDefinition:
    return schedule(**{"cron_schedule": "@daily", "job": first, **options})(function)


# ---------------------------------------------------------------------------------------------------------- schedules


def test_a_schedule_is_called_after_its_job_and_asks_for_one_run_of_it() -> None:
    nightly = ScheduleDefinition(
        job=first,
        cron_schedule="0 3 * * *",
        run_config={"ops": {}},
        tags={"team": "data"},
        execution_timezone="Europe/Paris",
    )
    assert (nightly.name, nightly.job_name, nightly.target_jobs) == ("first_schedule", "first", (first,))
    assert nightly.default_status is DefaultScheduleStatus.STOPPED
    assert asked(nightly).run_requests == [
        RunRequest(run_config={"ops": {}}, tags={"team": "data", SCHEDULE_TAG: "first_schedule"})
    ]


def test_config_and_tags_may_be_functions_of_the_time_that_is_due() -> None:
    nightly = ScheduleDefinition(
        job_name="elsewhere",
        cron_schedule=["@daily", "0 12 * * *"],
        run_config_fn=lambda context: {"ops": {"work": {"config": {"day": f"{context.scheduled_execution_time:%F}"}}}},
        tags_fn=lambda context: {"hour": str(context.scheduled_execution_time.hour)},
    )
    (request,) = asked(nightly).run_requests
    assert request.run_config["ops"]["work"]["config"] == {"day": "2024-01-10"}
    assert request.tags == {"hour": "12", SCHEDULE_TAG: "elsewhere_schedule"}
    assert nightly.cron_schedules == ("@daily", "0 12 * * *")
    assert nightly.target_jobs == ()


def test_a_schedule_that_should_not_execute_says_so() -> None:
    data = asked(ScheduleDefinition(job=first, cron_schedule="@daily", should_execute=lambda context: False))
    assert data.run_requests == ()
    assert data.skip_message == 'should_execute of "first_schedule" returned False.'


def test_assets_as_target_become_a_job_of_the_schedules_own() -> None:
    @asset
    def orders() -> None: ...

    nightly = ScheduleDefinition("nightly", target=[orders], cron_schedule="@daily")
    assert nightly.target_assets == (orders,)
    loaded = Definitions(assets=[orders], schedules=[nightly])
    assert loaded.get_job_def(nightly.job_name).asset_keys == {orders.key}


@pytest.mark.parametrize(
    ("returned", "requests"),
    [
        (RunRequest(run_key="a"), [("a", {})]),
        ({"ops": {}}, [(None, {"ops": {}})]),
        ([RunRequest(run_key="a"), RunRequest(run_key="b")], [("a", {}), ("b", {})]),
        (iter([RunRequest(run_key="a")]), [("a", {})]),
    ],
)
def test_a_decorated_function_gives_requests_or_a_config(returned: Any, requests: list[Any]) -> None:
    data = asked(daily(lambda: returned, name="s"))
    assert [(request.run_key, request.run_config) for request in data.run_requests] == requests
    assert all(request.tags[SCHEDULE_TAG] == "s" for request in data.run_requests)
    assert data.skip_message is None


@pytest.mark.parametrize(
    ("returned", "message"),
    [(SkipReason("closed"), "closed"), (None, "returned nothing"), ([], "returned nothing")],
)
def test_a_tick_without_a_request_says_why(returned: Any, message: str) -> None:
    data = asked(daily(lambda: returned, name="s"))
    assert list(data.run_requests) == []
    assert message in data.skip_message


@pytest.mark.parametrize(
    "returned",
    [4, [RunRequest(), RunRequest()], [SkipReason("a"), RunRequest()], RunRequest(job_name="another")],
)
def test_a_schedule_that_gives_what_is_no_request_is_refused(returned: Any) -> None:
    with pytest.raises(TriggerResultError, match='Schedule "s"'):
        asked(daily(lambda: returned, name="s"))


def test_an_error_of_a_function_is_wrapped_for_a_schedule_comes_through_for_a_sensor_and_names_either() -> None:
    def broken() -> None:
        raise ValueError("boo")

    with pytest.raises(ScheduleExecutionError, match='Schedule "broken" was evaluated: ValueError: boo') as wrapped:
        asked(daily(broken))
    assert isinstance(wrapped.value.user_exception, ValueError)
    with pytest.raises(ValueError, match="boo") as caught:
        asked(sensor(job=first)(broken))
    assert '"broken" was evaluated' in caught.value.__notes__[0]


def test_a_decorated_schedule_can_be_called_with_or_without_its_context() -> None:
    assert daily(lambda: {"ops": {}}, name="s")() == {"ops": {}}
    with_context = daily(lambda context: context.scheduled_execution_time, name="s")
    assert with_context(build_schedule_context(scheduled_execution_time=NOON)) == NOON
    assert with_context(context=build_schedule_context(scheduled_execution_time=NOON)) == NOON
    with pytest.raises(InvalidInvocationError, match="without the context"):
        with_context()


def test_resources_come_by_parameter_or_from_the_context() -> None:
    @schedule(cron_schedule="@daily", job=first)
    def by_parameter(context: Any, warehouse: Warehouse) -> dict[str, Any]:
        return {"ops": {"work": warehouse.table}}

    @schedule(cron_schedule="@daily", job=first, required_resource_keys={"warehouse"})
    def from_context(context: Any) -> dict[str, Any]:
        return {"ops": {"work": context.resources.warehouse.table}}

    given = {"warehouse": Warehouse(table="sales")}
    for trigger in (by_parameter, from_context):
        assert trigger.required_resource_keys == {"warehouse"}
        assert trigger(build_schedule_context(resources=given)) == {"ops": {"work": "sales"}}
    assert by_parameter(build_schedule_context(), warehouse=Warehouse(table="x")) == {"ops": {"work": "x"}}
    with pytest.raises(InvalidDefinitionError, match='needs the resource "warehouse"'):
        by_parameter(build_schedule_context())


def test_what_a_context_was_not_given_is_named() -> None:
    with pytest.raises(MissingTriggerContextValue, match=r"build_schedule_context\(instance=...\)"):
        _ = build_schedule_context().instance
    with pytest.raises(MissingTriggerContextValue, match="scheduled_execution_time"):
        _ = build_schedule_context().scheduled_execution_time


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"cron_schedule": "nope"}, InvalidCronError),
        ({"cron_schedule": "* * * * * *"}, InvalidCronError),
        ({"cron_schedule": ["@daily", "61 * * * *"]}, InvalidCronError),
        ({"cron_schedule": []}, InvalidCronError),
        ({"cron_schedule": None}, InvalidCronError),
        ({"execution_timezone": "Europe/Pariss"}, UnknownTimezoneError),
        ({"job": None}, InvalidDefinitionError),
        ({"job_name": "second"}, InvalidDefinitionError),
        ({"target": second}, InvalidDefinitionError),
        ({"job": "first"}, InvalidDefinitionError),
        ({"job": None, "target": "orders"}, InvalidDefinitionError),
        ({"name": "a b"}, InvalidDefinitionError),
        ({"owners": ["bob"]}, InvalidDefinitionError),
        ({"tags": {"a": "b"}, "tags_fn": lambda context: {}}, InvalidDefinitionError),
        ({"run_config": {}, "execution_fn": lambda context: None}, InvalidDefinitionError),
    ],
)
def test_a_schedule_that_cannot_be_meant_is_refused(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        ScheduleDefinition(**{"job": first, "cron_schedule": "@daily", **options})


# ------------------------------------------------------------------------------------- schedules of partitioned jobs


def test_a_schedule_of_time_partitions_runs_each_when_it_is_over() -> None:
    by_day = define_asset_job("by_day", partitions_def=DailyPartitionsDefinition("2024-01-01", timezone="Europe/Paris"))
    made = build_schedule_from_partitioned_job(by_day, hour_of_day=3, tags={"team": "data"})
    assert (made.name, made.cron_schedule, made.execution_timezone) == ("by_day_schedule", "0 3 * * *", "Europe/Paris")
    (request,) = asked(made).run_requests
    assert (request.partition_key, request.run_key) == ("2024-01-09", "2024-01-09")
    assert request.tags == {"team": "data", PARTITION_TAG: "2024-01-09", SCHEDULE_TAG: "by_day_schedule"}
    early = made.evaluate_tick(build_schedule_context(scheduled_execution_time=datetime(2024, 1, 1, tzinfo=UTC)))
    assert "no partition that is over" in early.skip_message


def test_static_partitions_and_one_time_dimension_are_run_all_at_each_tick() -> None:
    colors = StaticPartitionsDefinition(["red", "blue"])
    static = build_schedule_from_partitioned_job(
        define_asset_job("static", partitions_def=colors), cron_schedule="@daily"
    )
    assert [request.partition_key for request in asked(static).run_requests] == ["red", "blue"]
    both = MultiPartitionsDefinition({"day": DailyPartitionsDefinition("2024-01-01"), "color": colors})
    multi = build_schedule_from_partitioned_job(define_asset_job("multi", partitions_def=both))
    assert [str(request.partition_key) for request in asked(multi).run_requests] == [
        "red|2024-01-09",
        "blue|2024-01-09",
    ]


def test_partitions_that_follow_from_assets_are_known_when_the_job_is_resolved() -> None:
    @asset(partitions_def=DailyPartitionsDefinition("2024-01-01"))
    def orders() -> None: ...

    by_asset = define_asset_job("by_asset", [orders])
    made = build_schedule_from_partitioned_job(by_asset)
    assert isinstance(made, UnresolvedPartitionedSchedule)
    loaded = Definitions(assets=[orders], schedules=[made])
    (request,) = asked(made.resolve(loaded.get_job_def("by_asset"))).run_requests
    assert (request.partition_key, request.job_name) == ("2024-01-09", "by_asset")


@pytest.mark.parametrize(
    ("partitions_def", "options"),
    [
        (StaticPartitionsDefinition(["a"]), {}),
        (DynamicPartitionsDefinition("x"), {"cron_schedule": "@daily"}),
        (DailyPartitionsDefinition("2024-01-01"), {"cron_schedule": "@daily"}),
        (HourlyPartitionsDefinition("2024-01-01-00:00"), {"hour_of_day": 3}),
    ],
)
def test_partitions_without_a_time_to_run_are_refused(partitions_def: Any, options: dict[str, Any]) -> None:
    with pytest.raises((InvalidDefinitionError, CheckError)):
        build_schedule_from_partitioned_job(define_asset_job("j", partitions_def=partitions_def), **options)
    with pytest.raises(InvalidDefinitionError, match="no partitions"):
        build_schedule_from_partitioned_job(first)


def test_a_request_for_a_partition_gets_what_the_partitioned_config_of_the_job_brings() -> None:
    @static_partitioned_config(["a"], tags_for_partition_key_fn=lambda key: {"which": key})
    def by_key(key: str) -> dict[str, Any]:
        return {"ops": {"work": {"config": {"key": key}}}}

    @job(config=by_key)
    def configured() -> None:
        work()

    trigger = sensor(job=configured, name="s")(lambda: RunRequest(partition_key="a"))
    (request,) = asked(trigger).run_requests
    assert request.run_config == by_key("a")
    assert request.tags == {"which": "a", PARTITION_TAG: "a", SENSOR_TAG: "s"}
