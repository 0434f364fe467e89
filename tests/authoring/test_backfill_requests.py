"""Sensors and schedules that ask for backfills: what they give, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

import headwater as hw
from headwater.model.errors import CheckError
from headwater.model.errors.backfill_requests import UnclearBackfillRequest, UnknownBackfillMode
from headwater.model.errors.triggers import TriggerResultError

DAYS = hw.DailyPartitionsDefinition("2013-01-01", end_date="2013-02-01")


@hw.asset(partitions_def=DAYS)
def day() -> None: ...


JOB = hw.define_asset_job("days", [day])


def sensor_giving(*given: Any, **declared: Any) -> hw.SensorDefinition:
    @hw.sensor(name="watch", **(declared or {"job": JOB}))
    def watch(context: hw.SensorEvaluationContext) -> Any:
        yield from given

    return watch


def test_a_sensor_asks_for_a_backfill_of_what_it_starts():
    sensor = sensor_giving(hw.BackfillRequest(partition_range=("2013-01-01", "2013-01-05"), mode="missing"))
    data = sensor.evaluate_tick(hw.build_sensor_context())
    (request,) = data.backfill_requests
    assert request.job_name == "days"
    assert request.partition_range == ("2013-01-01", "2013-01-05")
    assert request.options.tags == {"headwater/sensor_name": "watch"}
    assert data.run_requests == []
    assert data.skip_message is None


def test_runs_and_backfills_are_asked_for_together():
    sensor = sensor_giving(
        hw.RunRequest(partition_key="2013-01-01"),
        hw.BackfillRequest(asset_keys=("day",), options=hw.BackfillOptions(tags={"a": "b"}, priority=3)),
    )
    data = sensor.evaluate_tick(hw.build_sensor_context())
    assert [request.partition_key for request in data.run_requests] == ["2013-01-01"]
    assert data.backfill_requests[0].asset_keys == ("day",)
    assert data.backfill_requests[0].options.tags == {"a": "b", "headwater/sensor_name": "watch"}


def test_a_sensor_result_holds_backfill_requests():
    @hw.sensor(job=JOB)
    def watch(context: hw.SensorEvaluationContext) -> hw.SensorResult:
        return hw.SensorResult(backfill_requests=[hw.BackfillRequest(partition_keys=("2013-01-01",))], cursor="1")

    data = watch.evaluate_tick(hw.build_sensor_context())
    assert data.cursor == "1"
    assert data.backfill_requests[0].partition_keys == ("2013-01-01",)
    with pytest.raises(CheckError, match="no backfill"):
        hw.SensorResult(backfill_requests=[hw.RunRequest()])  # type: ignore[list-item]
    with pytest.raises(CheckError, match="backfill_requests and a skip_reason"):
        hw.SensorResult(backfill_requests=[hw.BackfillRequest()], skip_reason="none")


def test_a_schedule_asks_for_a_backfill():
    @hw.schedule(cron_schedule="@monthly", job=JOB)
    def monthly(context: hw.ScheduleEvaluationContext) -> Any:
        return hw.BackfillRequest(mode="failed")

    data = monthly.evaluate_tick(hw.build_schedule_context())
    assert data.run_requests == []
    assert (data.backfill_requests[0].job_name, data.backfill_requests[0].mode) == ("days", "failed")
    assert data.backfill_requests[0].options.tags == {"headwater/schedule_name": "monthly"}


@pytest.mark.parametrize(
    ("request_", "declared", "error", "told"),
    [
        (hw.BackfillRequest(mode="mising"), {}, UnknownBackfillMode, "missing"),
        (hw.BackfillRequest(partition_keys=("a",), all_partitions=True), {}, UnclearBackfillRequest, "several ways"),
        (hw.BackfillRequest(job_name="dys"), {}, TriggerResultError, 'Did you mean "days"'),
        (hw.BackfillRequest(selection="day"), {"minimum_interval_seconds": 30}, TriggerResultError, "not declared"),
        (hw.BackfillRequest(), {"jobs": [JOB, hw.define_asset_job("other", [day])]}, TriggerResultError, "of what"),
    ],
)
def test_a_request_that_cannot_be_meant_is_refused(request_, declared, error, told):
    with pytest.raises(error, match=told):
        sensor_giving(request_, **declared).evaluate_tick(hw.build_sensor_context())


def test_a_trigger_with_assets_of_its_own_goes_with_checks():
    @hw.asset_check(asset=day)
    def good() -> hw.AssetCheckResult:
        return hw.AssetCheckResult(passed=True)

    definitions = hw.Definitions(
        assets=[day], asset_checks=[good], sensors=[sensor_giving(hw.BackfillRequest(), target=[day])]
    )
    (request,) = definitions.sensors[0].evaluate_tick(hw.build_sensor_context()).backfill_requests
    assert definitions.get_job_def(request.job_name).asset_keys == {hw.AssetKey("day")}
