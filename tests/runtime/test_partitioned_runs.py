"""Runs of one or several partitions, and what of them is partitioned."""

import pytest

import headwater as hw

DAYS = hw.StaticPartitionsDefinition(["mon", "tue", "wed"])


@hw.asset
def rates() -> dict[str, float]:
    return {"EUR": 1.1}


@hw.asset(partitions_def=DAYS)
def orders(context: hw.AssetExecutionContext, rates: dict[str, float]) -> str:
    return f"{context.partition_key} at {rates['EUR']}"


def test_an_unpartitioned_asset_has_one_value_also_when_a_run_is_for_one_partition() -> None:
    with hw.instance_for_test() as instance:
        assert hw.materialize([rates, orders], partition_key="mon", instance=instance).success
        assert hw.materialize([rates, orders], partition_key="tue", selection="orders", instance=instance).success
        (event,) = instance.fetch_materializations(rates.key, limit=10).records
        assert event.partition_key is None
        assert instance.get_materialized_partitions(orders.key) == {"mon", "tue"}


def test_an_asset_that_only_comes_after_another_runs_for_partitions_that_the_other_does_not_have() -> None:
    @hw.asset(partitions_def=hw.DailyPartitionsDefinition("2024-03-07", end_date="2024-03-09"))
    def late() -> int:
        return 1

    days = hw.DailyPartitionsDefinition("2024-03-03", end_date="2024-03-11")

    @hw.asset(partitions_def=days, deps=[late])
    def after() -> None: ...

    @hw.asset(partitions_def=days)
    def reads(late: int) -> None: ...

    assert hw.materialize([late, after], selection=["after"], partition_key="2024-03-03").success
    with pytest.raises(hw.InvariantViolationError, match='"reads" needs partitions of "late" that do not exist'):
        hw.materialize([late, reads], selection=["reads"], partition_key="2024-03-03")
