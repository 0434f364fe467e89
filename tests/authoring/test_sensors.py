"""Sensors as they are declared, and what they ask for when they are evaluated."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from headwater.authoring.asset_sensor import asset_sensor
from headwater.authoring.job import job
from headwater.authoring.op import op
from headwater.authoring.resources import ConfigurableResource
from headwater.authoring.run_request import RunRequest, SkipReason
from headwater.authoring.sensors import (
    SENSOR_TAG,
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    build_sensor_context,
    sensor,
)
from headwater.model.errors import CheckError, InvalidDefinitionError, InvariantViolationError
from headwater.model.errors.triggers import TriggerResultError
from headwater.model.partitions import DynamicPartitionsDefinition
from headwater.model.results import AssetMaterialization


@op
def work() -> None: ...


@job
def first() -> None:
    work()


@job
def second() -> None:
    work()


def asked(trigger: SensorDefinition, **context: Any) -> Any:
    return trigger.evaluate_tick(build_sensor_context(**context))


def test_a_sensor_is_called_after_its_function_and_declares_what_it_may_start() -> None:
    @sensor(job=first, description="Looks.", metadata={"a": 1})
    def look(context: SensorEvaluationContext) -> RunRequest:
        return RunRequest(run_key="x")

    assert (look.name, look.job_name, look.target_jobs, look.description) == ("look", "first", (first,), "Looks.")
    assert (look.minimum_interval_seconds, look.default_status) == (30, DefaultSensorStatus.STOPPED)
    assert look(build_sensor_context()) == RunRequest(run_key="x")
    assert asked(look).run_requests == [RunRequest(run_key="x", tags={SENSOR_TAG: "look"})]


def test_the_cursor_is_what_was_left_unless_the_evaluation_leaves_another() -> None:
    def moves(context: SensorEvaluationContext) -> Any:
        context.update_cursor(str(int(context.cursor or 0) + 1))
        yield RunRequest(run_key=context.cursor)

    data = asked(sensor(job=first)(moves), cursor="6")
    assert (data.cursor, data.run_requests[0].run_key) == ("7", "7")
    assert asked(sensor(job=first, name="s")(lambda context: None), cursor="6").cursor == "6"
    assert asked(sensor(job=first, name="s")(lambda: SensorResult(cursor="8")), cursor="6").cursor == "8"


def test_a_sensor_result_brings_partitions_and_events_beside_requests() -> None:
    partitions = DynamicPartitionsDefinition("customers")
    event = AssetMaterialization("orders")
    result = SensorResult(
        [RunRequest(run_key="a")],
        dynamic_partitions_requests=[partitions.build_add_request(["acme"])],
        asset_events=[event],
    )
    data = asked(sensor(job=first, name="s")(lambda: result))
    assert [request.run_key for request in data.run_requests] == ["a"]
    assert data.dynamic_partitions_requests == [partitions.build_add_request(["acme"])]
    assert data.asset_events == [event]
    assert asked(sensor(name="s")(lambda: SensorResult(skip_reason="closed"))).skip_message == "closed"


def test_a_sensor_of_several_jobs_says_which_one_it_means() -> None:
    several = sensor(jobs=[first, second], name="s")
    assert asked(several(lambda: RunRequest(job_name="second"))).run_requests[0].job_name == "second"
    with pytest.raises(TriggerResultError, match="without saying of which job"):
        asked(several(lambda: RunRequest()))
    with pytest.raises(TriggerResultError, match='Did you mean "first"'):
        asked(several(lambda: RunRequest(job_name="frist")))


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        (7, TriggerResultError),
        ([SkipReason("a"), RunRequest()], TriggerResultError),
        ([SkipReason("a"), SkipReason("b")], TriggerResultError),
        ([SensorResult(), SensorResult()], TriggerResultError),
    ],
)
def test_a_sensor_that_gives_what_is_no_request_is_refused(returned: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match='Sensor "s"'):
        asked(sensor(job=first, name="s")(lambda: returned))


def test_a_sensor_without_a_target_can_skip_but_start_nothing() -> None:
    assert asked(sensor(name="s")(lambda: SkipReason("a"))).skip_message == "a"
    with pytest.raises(TriggerResultError, match="not declared to start anything"):
        asked(sensor(name="s")(lambda: RunRequest()))


def test_two_cursors_or_a_reason_beside_requests_contradict_each_other() -> None:
    def twice(context: SensorEvaluationContext) -> SensorResult:
        context.update_cursor("a")
        return SensorResult(cursor="b")

    with pytest.raises(InvariantViolationError, match="update_cursor"):
        asked(sensor(job=first)(twice))
    with pytest.raises(CheckError):
        SensorResult([RunRequest()], skip_reason="a")
    with pytest.raises(CheckError):
        SensorResult(cursor=5)  # type: ignore[arg-type]
    with pytest.raises(CheckError, match="kept as text"):
        build_sensor_context().update_cursor(5)  # type: ignore[arg-type]


def test_resources_are_torn_down_with_the_context() -> None:
    closed = []

    class Connection(ConfigurableResource[Any]):
        def teardown_after_execution(self, context: Any) -> None:
            closed.append(1)

    @sensor(job=first)
    def look(context: Any, connection: Connection) -> SkipReason:
        return SkipReason("looked")

    with build_sensor_context(resources={"connection": Connection()}) as context:
        assert look.evaluate_tick(context).skip_message == "looked"
        assert look(context).skip_message == "looked"
        assert closed == []
    assert closed == [1]


def test_the_first_tick_since_a_sensor_was_started_is_known() -> None:
    assert build_sensor_context().is_first_tick_since_sensor_start
    context = build_sensor_context(last_sensor_start_time=5.0, last_tick_completion_time=6.0)
    assert not context.is_first_tick_since_sensor_start
    assert context.last_completion_time == 6.0


@pytest.mark.parametrize(
    "options",
    [{"jobs": [second]}, {"job_name": "x"}, {"target": second}, {"asset_selection": "a"}, {"tags": {"a b": "c"}}],
)
def test_a_sensor_that_cannot_be_meant_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidDefinitionError):
        sensor(job=first, name="s", **options)(lambda: None)


def test_a_parameter_that_nothing_would_be_given_for_is_refused() -> None:
    with pytest.raises(InvalidDefinitionError, match='parameter "warehouse"'):
        sensor(job=first, name="s")(lambda context, warehouse: None)


def test_an_asset_sensor_is_called_with_the_latest_new_materialization() -> None:
    record = SimpleNamespace(storage_id=10, event_log_entry="the event")
    filters = []

    def fetch(which: Any, limit: int) -> Any:
        filters.append(which)
        return SimpleNamespace(records=[record] if (which.after_storage_id or 0) < 10 else [])

    @asset_sensor(asset_key="orders", job=first)
    def after_orders(context: Any, event: Any) -> RunRequest:
        return RunRequest(run_key=event)

    instance = SimpleNamespace(fetch_materializations=fetch)
    data = asked(after_orders, instance=instance)
    assert ([request.run_key for request in data.run_requests], data.cursor) == (["the event"], "10")
    again = asked(after_orders, instance=instance, cursor=data.cursor)
    assert (list(again.run_requests), again.cursor) == ([], "10")
    assert again.skip_message == 'There is no new materialization of "orders".'
    assert str(filters[0].asset_key) == "orders"
    assert after_orders(build_sensor_context(), "an event") == RunRequest(run_key="an event")
