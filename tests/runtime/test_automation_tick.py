"""Evaluating the sensor of automation conditions: what it asks for, once, and with which tags and partitions."""

from __future__ import annotations

from typing import Any

import headwater as hw
from headwater.authoring.sensors import SensorExecutionData

eager, missing = hw.AutomationCondition.eager(), hw.AutomationCondition.missing()
DAYS = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")
LETTERS = hw.StaticPartitionsDefinition(["a", "b"])


@hw.asset(automation_condition=missing)
def orders() -> int:
    return 1


@hw.asset(deps=[orders], automation_condition=eager)
def report() -> int:
    return 1


@hw.asset(automation_condition=missing)
def customers() -> int:
    return 1


@hw.asset
def by_hand() -> int:
    return 1


@hw.asset_check(asset=by_hand, automation_condition=missing)
def is_there() -> hw.AssetCheckResult:
    return hw.AssetCheckResult(passed=True)


class Evaluated:
    """A sensor of a project, evaluated again and again on one instance, each time with the cursor of the time before."""

    def __init__(self, sensor: hw.AutomationConditionSensorDefinition, *assets: Any) -> None:
        self.sensor = sensor
        checks = [one for one in assets if one is is_there]
        self.definitions = hw.Definitions(
            assets=[one for one in assets if one is not is_there],
            asset_checks=checks,
            sensors=[sensor],
        )
        self.instance = hw.Instance.ephemeral()
        self.cursor: str | None = None

    def tick(self) -> SensorExecutionData:
        context = hw.build_sensor_context(instance=self.instance, definitions=self.definitions, cursor=self.cursor)
        data = self.sensor.evaluate_tick(context)
        self.cursor = data.cursor
        return data

    def asked(self) -> list[tuple[list[str], str | None]]:
        return [
            ([str(key) for key in request.asset_selection or ()], request.partition_key)
            for request in self.tick().run_requests
        ]


def test_what_is_asked_for_together_is_one_request_with_the_tags_of_the_sensor() -> None:
    sensor = hw.AutomationConditionSensorDefinition("nightly", target="*", run_tags={"team": "data"})
    evaluated = Evaluated(sensor, orders, customers, by_hand)
    (request,) = evaluated.tick().run_requests
    assert request.asset_selection == [customers.key, orders.key]
    assert dict(request.tags) == {"team": "data", "headwater/sensor_name": "nightly"}


def test_with_its_cursor_a_condition_asks_once_for_each_reason() -> None:
    evaluated = Evaluated(hw.AutomationConditionSensorDefinition("s", target="*"), orders, report)
    assert evaluated.asked() == [(["orders"], None)]
    hw.materialize([orders, report], instance=evaluated.instance)
    assert evaluated.asked() == []
    hw.materialize([orders], instance=evaluated.instance)
    assert evaluated.asked() == [(["report"], None)]
    assert evaluated.asked() == []
    last = evaluated.tick()
    assert last.skip_message == "No automation condition asks for anything now."
    assert [result.key for result in last.automation_condition_evaluations] == [orders.key, report.key]


def test_only_what_it_looks_after_is_asked_for() -> None:
    evaluated = Evaluated(hw.AutomationConditionSensorDefinition("s", target=[orders]), orders, report)
    assert evaluated.asked() == [(["orders"], None)]


def test_the_default_condition_holds_for_what_has_none_and_can_be_run() -> None:
    sensor = hw.AutomationConditionSensorDefinition(
        "s", target=hw.AssetSelection.assets(by_hand, "elsewhere"), default_condition=missing
    )
    evaluated = Evaluated(sensor, by_hand, hw.AssetSpec("elsewhere"))
    assert evaluated.asked() == [(["by_hand"], None)]


def test_checks_with_a_condition_are_asked_for_by_key() -> None:
    evaluated = Evaluated(hw.AutomationConditionSensorDefinition("s", target="*"), by_hand, is_there)
    (request,) = evaluated.tick().run_requests
    assert (request.asset_selection, request.asset_check_keys) == ([], [is_there.check_key])


def test_each_partition_is_a_run_of_all_that_is_partitioned_alike() -> None:
    @hw.asset(partitions_def=LETTERS, automation_condition=missing)
    def words() -> None: ...

    @hw.asset(partitions_def=LETTERS, automation_condition=missing)
    def index() -> None: ...

    evaluated = Evaluated(hw.AutomationConditionSensorDefinition("s", target="*"), words, index, orders)
    first, second, third = evaluated.tick().run_requests
    assert first.asset_selection == [orders.key]
    assert [second.partition_key, third.partition_key] == ["a", "b"]
    assert second.asset_selection == third.asset_selection == [index.key, words.key]
    assert second.tags["headwater/partition"] == "a"


def test_a_backfill_policy_of_several_partitions_gives_runs_of_ranges() -> None:
    @hw.asset(partitions_def=DAYS, automation_condition=missing, backfill_policy=hw.BackfillPolicy.single_run())
    def at_once() -> None: ...

    @hw.asset(partitions_def=DAYS, automation_condition=missing, backfill_policy=hw.BackfillPolicy.multi_run(3))
    def by_threes() -> None: ...

    def ranges(asset: Any, *, emit_backfills: bool = True) -> list[str]:
        sensor = hw.AutomationConditionSensorDefinition("s", target="*", emit_backfills=emit_backfills)
        evaluated = Evaluated(sensor, asset)
        hw.materialize([asset], partition_key="2024-01-02", instance=evaluated.instance)
        start, end = "headwater/asset_partition_range_start", "headwater/asset_partition_range_end"
        return [
            request.partition_key or f"{request.tags[start]}...{request.tags[end]}"
            for request in evaluated.tick().run_requests
        ]

    assert ranges(at_once) == ["2024-01-01", "2024-01-03...2024-01-04"]
    assert ranges(by_threes) == ["2024-01-01", "2024-01-03...2024-01-04"]
    assert ranges(at_once, emit_backfills=False) == ["2024-01-01", "2024-01-03", "2024-01-04"]


def test_called_as_a_function_it_gives_a_sensor_result() -> None:
    evaluated = Evaluated(hw.AutomationConditionSensorDefinition("s", target="*"), orders)
    context = hw.build_sensor_context(instance=evaluated.instance, definitions=evaluated.definitions)
    given = evaluated.sensor(context)
    assert isinstance(given, hw.SensorResult)
    assert [request.asset_selection for request in given.run_requests] == [[orders.key]]
    assert given.cursor is not None


def test_what_it_asks_for_can_be_run() -> None:
    evaluated = Evaluated(hw.AutomationConditionSensorDefinition("s", target="*"), orders, customers)
    (request,) = evaluated.tick().run_requests
    job = evaluated.definitions.get_implicit_global_asset_job_def()
    result = job.execute_in_process(
        instance=evaluated.instance, asset_selection=request.asset_selection, tags=request.tags
    )
    assert result.success
    assert evaluated.asked() == []
