"""A job runs with another config for each of its partitions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import headwater as hw
from headwater.authoring.config import Config, RunConfig
from headwater.authoring.job import job
from headwater.authoring.op import op
from headwater.authoring.partitioned_config import (
    PartitionedConfig,
    daily_partitioned_config,
    dynamic_partitioned_config,
    hourly_partitioned_config,
    monthly_partitioned_config,
    static_partitioned_config,
    weekly_partitioned_config,
)
from headwater.model.errors import CheckError, InvalidDefinitionError, InvalidInvocationError
from headwater.model.partitions import DailyPartitionsDefinition, StaticPartitionsDefinition, TimeWindow
from headwater.model.partitions.definition import PARTITION_TAG


class Which(Config):
    name: str


def window_config(start: datetime, end: datetime) -> dict[str, Any]:
    return {"ops": {"load": {"config": {"start": start.isoformat(), "end": end.isoformat()}}}}


def test_a_daily_config_is_a_function_of_the_start_and_end_of_the_day_in_its_timezone() -> None:
    by_day = daily_partitioned_config("2024-03-30", hour_offset=2, timezone="Europe/Paris")(window_config)
    made = by_day.get_run_config_for_partition_key("2024-03-31")
    assert made == {
        "ops": {"load": {"config": {"start": "2024-03-31T03:00:00+02:00", "end": "2024-04-01T02:00:00+02:00"}}}
    }
    keys = by_day.get_partition_keys(datetime(2024, 4, 1, 12, tzinfo=ZoneInfo("Europe/Paris")))
    assert keys == ["2024-03-30", "2024-03-31"]


@pytest.mark.parametrize(
    ("decorator", "key", "start", "end"),
    [
        (hourly_partitioned_config("2024-01-01-00:00"), "2024-01-01-05:00", "2024-01-01T05:00", "2024-01-01T06:00"),
        (weekly_partitioned_config("2024-01-01", day_offset=1), "2024-01-08", "2024-01-08T00:00", "2024-01-15T00:00"),
        (monthly_partitioned_config("2024-01-01"), "2024-02-01", "2024-02-01T00:00", "2024-03-01T00:00"),
    ],
)
def test_other_windows_work_alike(decorator: Any, key: str, start: str, end: str) -> None:
    made = decorator(window_config).get_run_config_for_partition_key(key)
    assert made["ops"]["load"]["config"] == {"start": f"{start}:00+00:00", "end": f"{end}:00+00:00"}


def test_a_decorated_config_can_still_be_called() -> None:
    by_day = daily_partitioned_config("2024-01-01")(window_config)
    start, end = datetime(2024, 1, 1), datetime(2024, 1, 2)
    assert by_day(start, end) == window_config(start, end)


def test_tags_of_the_function_stand_beside_the_tag_of_the_partition() -> None:
    by_day = daily_partitioned_config("2024-01-01", tags_for_partition_fn=lambda start, end: {"day": f"{start:%a}"})(
        window_config
    )
    assert by_day.get_tags_for_partition_key("2024-01-05") == {"day": "Fri", PARTITION_TAG: "2024-01-05"}


def test_static_partitions_make_a_config_of_each_key_in_either_style() -> None:
    @static_partitioned_config(["a", "b"], tags_for_partition_key_fn=lambda key: {"which": key})
    def by_name(key: str) -> RunConfig:
        return RunConfig(ops={"load": Which(name=key)})

    assert by_name.get_partition_keys() == ["a", "b"]
    assert by_name.get_run_config_for_partition_key("a")["ops"] == {"load": {"config": {"name": "a"}}}
    assert by_name.get_tags_for_partition_key("b") == {"which": "b", PARTITION_TAG: "b"}


def test_dynamic_partitions_are_listed_anew_each_time() -> None:
    known = ["a"]

    @dynamic_partitioned_config(lambda current_time: known)
    def by_name(key: str) -> dict[str, Any]:
        return {"ops": {"load": {"config": {"name": key}}}}

    assert by_name.get_partition_keys() == ["a"]
    known.append("b")
    assert by_name.get_partition_keys(datetime(2024, 1, 1, tzinfo=UTC)) == ["a", "b"]
    assert by_name.partitions_def.has_partition_key("b")
    assert len(by_name.partitions_def.subset_with_all_partitions()) == 2


def test_a_function_of_a_partition_gets_its_name_and_window() -> None:
    seen: list[Any] = []

    def of_partition(partition: Any) -> dict[str, Any]:
        seen.append(partition)
        return {}

    config = PartitionedConfig(
        DailyPartitionsDefinition("2024-01-01"),
        of_partition,
        tags_for_partition_fn=lambda partition: {"n": partition.name},
    )
    config.get_run_config_for_partition_key("2024-01-02")
    assert seen[0].name == "2024-01-02"
    assert seen[0].value == TimeWindow(datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC))
    assert config.get_tags_for_partition_key("2024-01-02")["n"] == "2024-01-02"


@pytest.mark.parametrize("by_key", [True, False])
def test_a_job_takes_partitions_and_config_from_it(by_key: bool) -> None:
    def of_key(key: str) -> dict[str, Any]:
        return {"ops": {"load": {"config": {"name": key}}}}

    partitions_def = StaticPartitionsDefinition(["a"])
    config = (
        PartitionedConfig(partitions_def, run_config_for_partition_key_fn=of_key)
        if by_key
        else PartitionedConfig(partitions_def, lambda partition: of_key(partition.value))
    )

    @op
    def load(config: Which) -> None: ...

    @job(config=config)
    def loading() -> None:
        load()

    assert loading.partitions_def == partitions_def
    assert loading.preset_config("a") == of_key("a")


def test_what_cannot_be_meant_is_refused() -> None:
    partitions_def = StaticPartitionsDefinition(["a"])
    with pytest.raises(CheckError, match="neither"):
        PartitionedConfig(partitions_def)
    with pytest.raises(CheckError, match="both"):
        PartitionedConfig(partitions_def, lambda partition: {}, run_config_for_partition_key_fn=lambda key: {})
    with pytest.raises(InvalidInvocationError):
        PartitionedConfig(partitions_def, lambda partition: {})("a")
    with pytest.raises(InvalidDefinitionError, match='partition "a" came as 5'):
        static_partitioned_config(["a"])(lambda key: 5).get_run_config_for_partition_key("a")  # type: ignore[arg-type, return-value]


def test_any_partitions_may_have_config_by_key():
    days = hw.DailyPartitionsDefinition("2024-01-01")

    @hw.partitioned_config(days, tags_for_partition_key_fn=lambda key: {"day": key})
    def by_day(key: str) -> dict[str, object]:
        return {"ops": {"load": {"config": {"day": key}}}}

    assert by_day.partitions_def is days
    assert by_day.get_run_config_for_partition_key("2024-01-02") == by_day("2024-01-02")
    assert by_day.get_tags_for_partition_key("2024-01-02")["day"] == "2024-01-02"


def test_config_that_is_the_same_for_all_partitions_can_be_taken_for_partitioned():
    days = hw.DailyPartitionsDefinition("2024-01-01")
    fixed = hw.PartitionedConfig.from_flexible_config({"ops": {"load": {"config": {"rows": 1}}}}, days)
    assert fixed.get_run_config_for_partition_key("2024-01-01") == {"ops": {"load": {"config": {"rows": 1}}}}
    assert hw.PartitionedConfig.from_flexible_config(fixed, days) is fixed
    assert hw.PartitionedConfig.from_flexible_config(None, days).get_run_config_for_partition_key("2024-01-01") == {}
    with pytest.raises(hw.InvalidDefinitionError, match="was asked for"):
        hw.PartitionedConfig.from_flexible_config(fixed, hw.HourlyPartitionsDefinition("2024-01-01-00:00"))


def test_a_partition_is_named_by_its_value():
    assert hw.Partition("a").name == "a"
    assert hw.Partition(3).name == "3"
    assert hw.Partition(3, "three") != hw.Partition(3)
