"""Blocking checks come after the asset that they guard, and before what depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import headwater as hw

DAYS = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")


def test_an_asset_with_a_check_of_its_own_runs_before_the_separate_check_that_guards_it() -> None:
    @hw.asset(check_specs=[hw.AssetCheckSpec("own", asset="rows")])
    def rows() -> Iterator[Any]:
        yield hw.Output([1])
        yield hw.AssetCheckResult(passed=True)

    @hw.asset_check(asset=rows, blocking=True)
    def has_rows(rows: list[int]) -> bool:
        return bool(rows)

    @hw.asset(deps=[rows])
    def total() -> int:
        return 1

    result = hw.materialize([rows, has_rows, total])
    started = [event.step_key for event in result.all_events if type(event).__name__ == "StepStarted"]
    assert started == ["rows", "rows_has_rows", "total"]


def test_an_asset_that_reads_its_own_earlier_partition_can_be_guarded() -> None:
    earlier = hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)

    @hw.asset(partitions_def=DAYS, deps=[hw.AssetDep("count", partition_mapping=earlier)])
    def count() -> int:
        return 1

    @hw.asset_check(asset=count, blocking=True)
    def is_positive() -> bool:
        return True

    with hw.Instance.ephemeral() as instance:
        assert hw.materialize([count, is_positive], partition_key="2024-01-01", instance=instance).success
