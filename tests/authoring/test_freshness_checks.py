"""Freshness checks: judged from what an instance has recorded, at an instant that the tests fix."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.model.clock import fixed_clock
from headwater.model.errors import CheckError, HeadwaterError, InvariantViolationError
from headwater.model.errors.triggers import InvalidCronError, UnknownTimezoneError

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
DAYS = hw.DailyPartitionsDefinition("2024-01-01")
WARN, ERROR = hw.AssetCheckSeverity.WARN, hw.AssetCheckSeverity.ERROR


@hw.asset
def orders() -> int:
    return 1


@hw.asset
def users() -> int:
    return 1


@hw.asset(partitions_def=DAYS)
def daily() -> int:
    return 1


def report(instance: hw.Instance, event: Any, at: datetime) -> None:
    with fixed_clock(at):
        instance.report_runless_asset_event(event)


def observed(key: str, *, updated_at: datetime | None, name: str = "headwater/last_updated_timestamp") -> Any:
    return hw.AssetObservation(key, metadata={name: hw.MetadataValue.timestamp(updated_at)} if updated_at else {})


def evaluate(
    instance: hw.Instance, assets: Sequence[Any], checks: Sequence[Any], at: datetime = NOON, **options: Any
) -> list[hw.AssetCheckEvaluation]:
    with fixed_clock(at):
        result = hw.materialize(
            [*assets, *checks], instance=instance, selection=hw.AssetSelection.checks(*checks), **options
        )
    return list(result.get_asset_check_evaluations())


def evaluate_one(*args: Any, **options: Any) -> hw.AssetCheckEvaluation:
    (evaluation,) = evaluate(*args, **options)
    return evaluation


def values(evaluation: hw.AssetCheckEvaluation) -> dict[str, Any]:
    return {name: value.value for name, value in evaluation.metadata.items()}


@pytest.fixture
def instance():
    with hw.Instance.ephemeral() as made:
        yield made


def last_update(assets: Sequence[Any] = (orders,), **options: Any) -> Sequence[hw.AssetChecksDefinition]:
    return hw.build_last_update_freshness_checks(**{"assets": assets, "lower_bound_delta": HOUR, **options})


def by_partition(assets: Sequence[Any] = (daily,), **options: Any) -> Sequence[hw.AssetChecksDefinition]:
    return hw.build_time_partition_freshness_checks(**{"assets": assets, "deadline_cron": "0 9 * * *", **options})


# --------------------------------------------------------------------------------------------------- what is declared


def test_all_assets_are_checked_by_one_definition():
    @hw.multi_asset(specs=[hw.AssetSpec("one"), hw.AssetSpec("two")])
    def both() -> None: ...

    given = [orders, "b", hw.AssetKey(["x", "y"]), ["p", "q"], hw.AssetSpec("s"), hw.SourceAsset("src"), both]
    (checks,) = last_update(given, blocking=True)
    assert [str(spec.asset_key) for spec in checks.check_specs] == [
        "orders",
        "b",
        "x/y",
        "p/q",
        "s",
        "src",
        "one",
        "two",
    ]
    assert {spec.name for spec in checks.check_specs} == {"freshness_check"}
    assert all(spec.blocking for spec in checks.check_specs)
    assert checks.can_subset
    params = checks.check_specs[0].metadata["headwater/freshness_params"]
    assert params.value == {"timezone": "UTC", "lower_bound_delta_seconds": 3600.0}


def test_no_assets_make_no_checks():
    assert list(last_update([])) == list(by_partition([])) == []


def test_the_same_assets_give_the_same_name_and_others_another():
    names = [checks.node_def.name for checks in (*last_update(), *last_update(), *last_update([users]))]
    assert names[0] == names[1] != names[2]
    hw.Definitions(assets=[orders, users], asset_checks=[*last_update(), *last_update([users])])


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"lower_bound_delta": -HOUR}, CheckError, "lower_bound_delta"),
        ({"lower_bound_delta": 3}, CheckError, "timedelta"),
        ({"deadline_cron": "0 9 * *"}, InvalidCronError, "4 fields"),
        ({"deadline_cron": "0 9 31 2 *"}, InvalidCronError, "day-of-month"),
        ({"timezone": "Europe/Berlyn"}, UnknownTimezoneError, 'Did you mean "Europe/Berlin"'),
        ({"severity": "ERROR"}, CheckError, "AssetCheckSeverity.ERROR"),
        ({"assets": [orders, "orders"]}, CheckError, '"orders" twice'),
        ({"assets": "orders"}, CheckError, r"assets=\["),
        ({"assets": orders}, CheckError, r"assets=\["),
        ({"assets": ["sales/orders"]}, HeadwaterError, "AssetKey"),
        ({"assets": [3]}, CheckError, "names no asset"),
        ({"assets": [lambda: 1]}, CheckError, "names no asset"),
    ],
)
def test_what_cannot_be_meant_is_refused_when_it_is_written(options: dict[str, Any], error: Any, told: str):
    with pytest.raises(error, match=told) as caught:
        last_update(**options)
    assert isinstance(caught.value, HeadwaterError)
    assert caught.value.what
    assert caught.value.why
    assert caught.value.fix


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"deadline_cron": "x"}, InvalidCronError, "1 field"),
        ({"timezone": "Mars"}, UnknownTimezoneError, "Mars"),
        ({"assets": [daily, daily]}, CheckError, '"daily" twice'),
        ({"assets": [orders]}, CheckError, "no partitions"),
        (
            {"assets": [hw.AssetSpec("s", partitions_def=hw.StaticPartitionsDefinition(["x"]))]},
            CheckError,
            "build_last_update_freshness_checks",
        ),
    ],
)
def test_what_has_no_partition_that_can_be_due_is_refused(options: dict[str, Any], error: Any, told: str):
    with pytest.raises(error, match=told):
        by_partition(**options)


def test_one_asset_cannot_have_two_freshness_checks():
    with pytest.raises(HeadwaterError, match="freshness_check"):
        hw.Definitions(assets=[orders], asset_checks=[*last_update(), *last_update(lower_bound_delta=2 * HOUR)])


# --------------------------------------------------------------------------------------------------------- last update


def test_an_asset_that_was_never_materialized_is_not_fresh(instance: hw.Instance):
    evaluation = evaluate_one(instance, [orders], last_update())
    assert not evaluation.passed
    assert evaluation.severity is WARN
    assert "never" in (evaluation.description or "")
    assert values(evaluation) == {
        "headwater/freshness_params": {"timezone": "UTC", "lower_bound_delta_seconds": 3600.0},
        "headwater/freshness_lower_bound_timestamp": (NOON - HOUR).timestamp(),
    }


def test_an_update_within_the_bound_is_fresh_until_the_bound_has_passed(instance: hw.Instance):
    report(instance, hw.AssetMaterialization("orders"), NOON - 30 * MINUTE)
    evaluation = evaluate_one(instance, [orders], last_update())
    assert evaluation.passed
    assert evaluation.description == "Last updated 30 minutes ago, within 1 hour."
    assert values(evaluation) == {
        "headwater/freshness_params": {"timezone": "UTC", "lower_bound_delta_seconds": 3600.0},
        "headwater/freshness_lower_bound_timestamp": (NOON - HOUR).timestamp(),
        "headwater/fresh_until_timestamp": (NOON + 30 * MINUTE).timestamp(),
        "headwater/last_updated_timestamp": (NOON - 30 * MINUTE).timestamp(),
    }


def test_an_older_update_is_overdue_with_the_severity_that_was_asked_for(instance: hw.Instance):
    report(instance, hw.AssetMaterialization("orders"), NOON - 2 * HOUR)
    evaluation = evaluate_one(instance, [orders], last_update(severity=ERROR))
    assert not evaluation.passed
    assert evaluation.severity is ERROR
    assert evaluation.description == "Overdue. Last updated 2 hours ago; at most 1 hour is allowed."
    assert "headwater/fresh_until_timestamp" not in evaluation.metadata


def test_an_update_exactly_at_the_bound_is_fresh(instance: hw.Instance):
    report(instance, hw.AssetMaterialization("orders"), NOON - HOUR)
    assert evaluate_one(instance, [orders], last_update()).passed


@pytest.mark.parametrize(
    ("updated_at", "passes"),
    [
        (datetime(2024, 5, 1, 5, 59, tzinfo=UTC), False),
        (datetime(2024, 5, 1, 6, 0, tzinfo=UTC), True),
        (datetime(2024, 5, 1, 8, 30, tzinfo=UTC), True),
    ],
)
def test_a_deadline_is_read_on_the_clock_of_its_timezone(instance: hw.Instance, updated_at: datetime, passes: bool):
    report(instance, hw.AssetMaterialization("orders"), updated_at)
    evaluation = evaluate_one(instance, [orders], last_update(deadline_cron="0 9 * * *", timezone="Europe/Berlin"))
    assert evaluation.passed is passes
    assert "2024-05-01 09:00 Europe/Berlin" in (evaluation.description or "")
    found = values(evaluation)
    assert found["headwater/latest_cron_tick_timestamp"] == datetime(2024, 5, 1, 7, tzinfo=UTC).timestamp()
    assert found["headwater/freshness_lower_bound_timestamp"] == datetime(2024, 5, 1, 6, tzinfo=UTC).timestamp()
    next_deadline = datetime(2024, 5, 2, 7, tzinfo=UTC).timestamp()
    assert found.get("headwater/fresh_until_timestamp") == (next_deadline if passes else None)


def test_before_the_deadline_of_today_that_of_yesterday_holds(instance: hw.Instance):
    report(instance, hw.AssetMaterialization("orders"), datetime(2024, 4, 30, 8, 30, tzinfo=UTC))
    checks = last_update(deadline_cron="0 9 * * *")
    assert evaluate_one(instance, [orders], checks, at=datetime(2024, 5, 1, 8, 59, tzinfo=UTC)).passed
    assert not evaluate_one(instance, [orders], checks, at=datetime(2024, 5, 1, 9, 0, tzinfo=UTC)).passed


def test_the_bound_is_that_much_before_the_deadline_also_where_the_clock_is_set_forward(instance: hw.Instance):
    checks = last_update(deadline_cron="30 3 * * *", timezone="Europe/Berlin", lower_bound_delta=HOUR)
    found = values(evaluate_one(instance, [orders], checks, at=datetime(2024, 3, 31, 12, tzinfo=UTC)))
    assert found["headwater/latest_cron_tick_timestamp"] == datetime(2024, 3, 31, 1, 30, tzinfo=UTC).timestamp()
    assert found["headwater/freshness_lower_bound_timestamp"] == datetime(2024, 3, 31, 0, 30, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("name", ["headwater/last_updated_timestamp", "dagster/last_updated_timestamp"])
def test_an_observation_tells_when_the_asset_was_updated(instance: hw.Instance, name: str):
    report(instance, observed("orders", updated_at=NOON - 20 * MINUTE, name=name), NOON - MINUTE)
    evaluation = evaluate_one(instance, [orders], last_update())
    assert evaluation.passed
    assert values(evaluation)["headwater/last_updated_timestamp"] == (NOON - 20 * MINUTE).timestamp()


def test_an_observation_that_tells_of_no_update_is_none(instance: hw.Instance):
    report(instance, observed("orders", updated_at=None), NOON - MINUTE)
    assert not evaluate_one(instance, [orders], last_update()).passed


def test_the_later_of_materialization_and_observation_counts(instance: hw.Instance):
    report(instance, hw.AssetMaterialization("orders"), NOON - 50 * MINUTE)
    report(instance, observed("orders", updated_at=NOON - 10 * MINUTE), NOON - MINUTE)
    assert (
        values(evaluate_one(instance, [orders], last_update()))["headwater/last_updated_timestamp"]
        == (NOON - 10 * MINUTE).timestamp()
    )
    report(instance, observed("orders", updated_at=NOON - 55 * MINUTE), NOON - MINUTE)
    assert (
        values(evaluate_one(instance, [orders], last_update()))["headwater/last_updated_timestamp"]
        == (NOON - 50 * MINUTE).timestamp()
    )


def test_an_observation_whose_update_is_no_instant_fails_the_check_with_what_to_record(instance: hw.Instance):
    instance.report_runless_asset_event(
        hw.AssetObservation("orders", metadata={"headwater/last_updated_timestamp": "yesterday"})
    )
    with pytest.raises(InvariantViolationError, match=r"MetadataValue\.timestamp"):
        evaluate(instance, [orders], last_update())


def test_checks_beside_their_asset_see_what_the_same_run_materialized(instance: hw.Instance):
    result = hw.materialize([orders, *last_update()], instance=instance)
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed


def test_a_blocking_check_stops_what_is_downstream(instance: hw.Instance):
    @hw.asset(deps=["fed"])
    def downstream() -> None: ...

    @hw.observable_source_asset
    def fed() -> hw.ObserveResult:
        return hw.ObserveResult()

    checks = last_update(["fed"], blocking=True, severity=ERROR)
    result = hw.materialize([fed, downstream, *checks], instance=instance, raise_on_error=False)
    assert not result.success
    assert result.get_asset_materialization_events() == []


def test_one_of_several_checks_can_be_run_alone(instance: hw.Instance):
    checks = last_update([orders, users])
    only = hw.AssetSelection.checks(hw.AssetCheckKey(hw.AssetKey("users"), "freshness_check"))
    result = hw.materialize([orders, users, *checks], instance=instance, selection=only)
    assert [str(one.asset_key) for one in result.get_asset_check_evaluations()] == ["users"]


def test_a_check_can_be_called_directly(instance: hw.Instance):
    (checks,) = last_update([orders, users])
    report(instance, hw.AssetMaterialization("users"), NOON)
    with fixed_clock(NOON):
        results = list(checks(hw.build_asset_check_context(instance=instance)))
    assert [(str(one.asset_key), one.passed) for one in results] == [("orders", False), ("users", True)]


def test_a_partitioned_asset_is_as_fresh_as_its_latest_partition(instance: hw.Instance):
    report(instance, hw.AssetMaterialization("daily", partition="2024-03-01"), NOON - MINUTE)
    assert evaluate_one(instance, [daily], last_update([daily])).passed


def test_a_key_that_means_an_asset_of_a_prefix_is_followed(instance: hw.Instance):
    @hw.asset(key_prefix="sales")
    def invoices() -> None: ...

    result = hw.materialize([invoices, *last_update(["invoices"])], instance=instance)
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed
    assert str(evaluation.asset_key) == "sales/invoices"


def test_freshness_is_judged_and_remembered_across_restarts(tmp_path: Path):
    defs = hw.Definitions(assets=[orders], asset_checks=last_update())
    with hw.Instance.open(tmp_path) as instance:
        report(instance, hw.AssetMaterialization("orders"), NOON)
    with hw.Instance.open(tmp_path) as instance, fixed_clock(NOON + 2 * HOUR):
        only = hw.define_asset_job("freshness", hw.AssetSelection.all_asset_checks())
        job = hw.Definitions(assets=defs.assets, asset_checks=defs.asset_checks, jobs=[only]).get_job_def("freshness")
        (evaluation,) = job.execute_in_process(instance=instance).get_asset_check_evaluations()
    assert not evaluation.passed
    with hw.Instance.open(tmp_path) as instance:
        record = instance.get_latest_asset_check_evaluation_record(evaluation.asset_check_key)
        assert record is not None
        assert record.asset_check_evaluation == evaluation


# ---------------------------------------------------------------------------------------------------------- partitions


@pytest.mark.parametrize(("day", "passes"), [("2024-04-29", False), ("2024-04-30", True), ("2024-05-01", False)])
def test_the_partition_that_was_complete_at_the_deadline_must_be_there(instance: hw.Instance, day: str, passes: bool):
    report(instance, hw.AssetMaterialization("daily", partition=day), NOON - 6 * HOUR)
    evaluation = evaluate_one(instance, [daily], by_partition(timezone="Europe/Berlin"))
    assert evaluation.passed is passes
    assert '"2024-04-30"' in (evaluation.description or "")
    found = values(evaluation)
    assert found.pop("headwater/freshness_params") == {"timezone": "Europe/Berlin", "deadline_cron": "0 9 * * *"}
    tick = datetime(2024, 5, 1, 7, tzinfo=UTC).timestamp()
    assert found.pop("headwater/latest_cron_tick_timestamp") == tick
    expected = (
        {"headwater/fresh_until_timestamp": tick + 86_400}
        if passes
        else {"headwater/last_updated_timestamp": (NOON - 6 * HOUR).timestamp()}
    )
    assert found == expected


def test_before_the_deadline_the_partition_before_is_enough(instance: hw.Instance):
    report(instance, hw.AssetMaterialization("daily", partition="2024-04-29"), NOON - 36 * HOUR)
    assert evaluate_one(instance, [daily], by_partition(), at=datetime(2024, 5, 1, 8, 59, tzinfo=UTC)).passed
    assert not evaluate_one(instance, [daily], by_partition(), at=datetime(2024, 5, 1, 9, tzinfo=UTC)).passed


def test_a_partition_that_was_never_there_is_told_with_its_deadline(instance: hw.Instance):
    evaluation = evaluate_one(instance, [daily], by_partition())
    assert evaluation.description == (
        'It was never materialized or observed. Partition "2024-04-30" was due by 2024-05-01 09:00 UTC.'
    )


def test_an_observed_partition_has_arrived(instance: hw.Instance):
    report(instance, hw.AssetObservation("daily", partition="2024-04-30"), NOON - HOUR)
    assert evaluate_one(instance, [daily], by_partition()).passed


@pytest.mark.parametrize(
    ("definition", "cron", "expected"),
    [
        (hw.HourlyPartitionsDefinition("2024-01-01-00:00"), "15 * * * *", "2024-05-01-10:00"),
        (hw.WeeklyPartitionsDefinition("2024-01-01"), "0 6 * * *", "2024-04-21"),
        (hw.DailyPartitionsDefinition("2024-01-01", timezone="America/Los_Angeles"), "0 6 * * *", "2024-04-29"),
        (hw.DailyPartitionsDefinition("2024-01-01", end_offset=1), "0 9 * * *", "2024-05-01"),
        (hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01"), "0 9 * * *", "2024-01-31"),
    ],
)
def test_windows_of_any_length_and_timezone_are_due(instance: hw.Instance, definition: Any, cron: str, expected: str):
    spec = hw.AssetSpec("windows", partitions_def=definition)
    evaluation = evaluate_one(instance, [spec], by_partition([spec], deadline_cron=cron))
    assert f'Partition "{expected}" was due' in (evaluation.description or "")


def test_where_no_window_is_complete_nothing_is_due(instance: hw.Instance):
    spec = hw.AssetSpec("later", partitions_def=hw.DailyPartitionsDefinition("2024-06-01"))
    evaluation = evaluate_one(instance, [spec], by_partition([spec]))
    assert evaluation.passed
    assert "No partition was complete" in (evaluation.description or "")


def test_the_partitions_of_an_asset_given_by_key_are_those_of_the_project(instance: hw.Instance):
    assert '"2024-04-30"' in (evaluate_one(instance, [daily], by_partition(["daily"])).description or "")
    with pytest.raises(CheckError, match="no partitions"):
        evaluate(instance, [orders], by_partition(["orders"]))


def test_the_check_can_be_evaluated_in_the_run_of_a_partition(instance: hw.Instance):
    result = hw.materialize([daily, *by_partition()], instance=instance, partition_key="2024-04-30")
    assert len(result.get_asset_check_evaluations()) == 1


# -------------------------------------------------------------------------------------------------------------- sensor


def asked(sensor: hw.SensorDefinition, instance: hw.Instance, at: datetime) -> list[str]:
    with fixed_clock(at):
        data = sensor.evaluate_tick(hw.build_sensor_context(instance=instance))
    if not data.run_requests:
        assert data.skip_message
        return []
    (request,) = data.run_requests
    return [str(key.asset_key) for key in request.asset_check_keys or ()]


def test_the_sensor_asks_for_checks_whose_answer_may_have_changed(instance: hw.Instance):
    checks = last_update([orders, users])
    sensor = hw.build_sensor_for_freshness_checks(freshness_checks=checks)
    assert sensor.name == "freshness_checks_sensor"
    assert asked(sensor, instance, NOON) == ["orders", "users"]
    report(instance, hw.AssetMaterialization("orders"), NOON)
    evaluate(instance, [orders, users], checks)
    assert asked(sensor, instance, NOON + 59 * MINUTE) == []
    assert asked(sensor, instance, NOON + 61 * MINUTE) == ["orders"]
    report(instance, hw.AssetMaterialization("users"), NOON + 61 * MINUTE)
    assert asked(sensor, instance, NOON + 61 * MINUTE) == ["orders", "users"]
    evaluate(instance, [orders, users], checks, at=NOON + 62 * MINUTE)
    assert asked(sensor, instance, NOON + 63 * MINUTE) == []


def test_the_runs_of_the_sensor_carry_its_tags_and_it_is_part_of_a_project(instance: hw.Instance):
    checks = [*last_update(), *by_partition()]
    sensor = hw.build_sensor_for_freshness_checks(
        freshness_checks=checks,
        name="fresh",
        tags={"team": "sales"},
        minimum_interval_seconds=7,
        default_status=hw.DefaultSensorStatus.RUNNING,
    )
    defs = hw.Definitions(assets=[orders, daily], asset_checks=checks, sensors=[sensor])
    found = defs.get_sensor_def("fresh")
    assert (found.minimum_interval_seconds, found.default_status) == (7, hw.DefaultSensorStatus.RUNNING)
    (request,) = sensor.evaluate_tick(hw.build_sensor_context(instance=instance, definitions=defs)).run_requests
    assert request.tags["team"] == "sales"


def test_a_sensor_takes_freshness_checks_only_and_each_once():
    for given in ([orders], hw.build_column_schema_change_checks(assets=[orders]), last_update()[0]):
        with pytest.raises(CheckError, match="freshness_checks") as caught:
            hw.build_sensor_for_freshness_checks(freshness_checks=given)  # type: ignore[arg-type]
        assert caught.value.fix
    with pytest.raises(CheckError, match="twice"):
        hw.build_sensor_for_freshness_checks(freshness_checks=[*last_update(), *last_update()])


def test_a_sensor_without_checks_asks_for_nothing(instance: hw.Instance):
    assert asked(hw.build_sensor_for_freshness_checks(freshness_checks=[]), instance, NOON) == []
