"""Staleness where each partition is made from all before it: told by digests, and as right as by lists."""

from __future__ import annotations

import pytest

import headwater as hw

DAYS = hw.DailyPartitionsDefinition("2024-01-01", "2024-02-10")
KEYS = DAYS.get_partition_keys()


@hw.asset(partitions_def=DAYS)
def sales(context: hw.AssetExecutionContext) -> str:
    return context.partition_key


@hw.asset(
    partitions_def=DAYS,
    deps=[hw.AssetDep("sales", partition_mapping=hw.AllEarlierPartitionMapping())],
    backfill_policy=hw.BackfillPolicy.single_run(),
)
def running() -> None: ...


def stale_keys(instance):
    plan = hw.plan([sales, running], selection="running", mode="stale", instance=instance, upstream=False)
    return plan.steps[0].partition_keys if plan.steps else ()


@pytest.mark.parametrize("changed", [3, 20, 39])
def test_what_comes_before_a_change_stays_fresh_and_all_after_it_is_stale(changed):
    tags = {"headwater/asset_partition_range_start": KEYS[0], "headwater/asset_partition_range_end": KEYS[-1]}
    with hw.Instance.local_temp() as instance:
        for key in KEYS:
            hw.materialize([sales], partition_key=key, instance=instance)
        hw.materialize([sales, running], selection=[running], tags=tags, instance=instance)
        assert stale_keys(instance) == ()
        instance.report_runless_asset_event(
            hw.AssetMaterialization("sales", partition=KEYS[changed], tags={"headwater/data_version": "other"})
        )
        assert stale_keys(instance) == tuple(KEYS[changed:])
        hw.materialize([sales, running], selection=[running], partition_key=KEYS[changed], instance=instance)
        assert stale_keys(instance) == tuple(KEYS[changed + 1 :])
