"""Assets whose partitions are made from earlier partitions of their own."""

from __future__ import annotations

import pytest

import headwater as hw
from headwater.model.clock import utc_now
from headwater.model.errors.partition_mapping import PartitionNeedsItselfError
from headwater.views.partition_spaces import PartitionSpaces

DAYS = hw.DailyPartitionsDefinition("2024-01-01", "2024-01-11")
LETTERS = hw.StaticPartitionsDefinition(["a", "b", "c"])
YESTERDAY = hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)


@hw.asset(partitions_def=DAYS, ins={"total": hw.AssetIn(partition_mapping=YESTERDAY)})
def total(total: int | None) -> int:
    return (total or 0) + 1


@hw.asset(
    partitions_def=DAYS,
    backfill_policy=hw.BackfillPolicy.single_run(),
    ins={"at_once": hw.AssetIn(partition_mapping=YESTERDAY)},
)
def at_once(context: hw.AssetExecutionContext, at_once: int | None) -> dict[str, int]:
    return {key: (at_once or 0) + place + 1 for place, key in enumerate(context.partition_keys)}


def day(number: int) -> str:
    return f"2024-01-{number:02d}"


def test_each_partition_reads_the_one_before_and_the_first_reads_nothing():
    with hw.Instance.local_temp() as instance:
        for number in range(1, 5):
            result = hw.materialize([total], partition_key=day(number), instance=instance)
            assert result.asset_value("total") == number
        missing = hw.materialize([total], partition_key=day(9), instance=instance, raise_on_error=False)
        assert not missing.success


def test_a_plan_takes_in_the_missing_partitions_before():
    with hw.Instance.ephemeral() as instance:
        plan = hw.plan([total], partition_key=day(4), instance=instance)
        assert plan.steps[0].partition_keys == tuple(map(day, range(1, 5)))


def test_rebuilding_one_makes_those_after_it_stale_and_no_other():
    with hw.Instance.local_temp() as instance:
        for number in range(1, 7):
            hw.materialize([total], partition_key=day(number), instance=instance)
        assert hw.stale_assets([total], instance=instance) == set()
        hw.Instance.report_runless_asset_event(
            instance,
            hw.AssetMaterialization("total", partition=day(3), tags={"headwater/data_version": "other"}),
        )
        plan = hw.plan([total], mode="stale", instance=instance)
        assert plan.steps[0].partition_keys == (day(4), day(5), day(6))


def test_a_range_in_one_run_reads_what_lies_before_the_range_and_is_fresh_afterwards():
    with hw.Instance.local_temp() as instance:
        for first, last in ((1, 3), (4, 6)):
            tags = {
                "headwater/asset_partition_range_start": day(first),
                "headwater/asset_partition_range_end": day(last),
            }
            assert hw.materialize([at_once], tags=tags, instance=instance).success
        assert instance.get_materialized_partitions(at_once.key) == set(map(day, range(1, 7)))
        loaded = hw.materialize([at_once], partition_key=day(7), instance=instance)
        assert loaded.asset_value("at_once") == {day(7): 7}
        assert hw.stale_assets([at_once], instance=instance) == set()
        tags = {"headwater/asset_partition_range_start": day(2), "headwater/asset_partition_range_end": day(3)}
        # The same values again: nothing after them has to follow.
        assert hw.materialize([at_once], tags=tags, instance=instance).success
        assert hw.stale_assets([at_once], instance=instance) == set()


class TheNext(hw.PartitionMapping):
    """Needs the letter that comes after: so the last one is to be built first."""

    def upstream_keys_of(self, partition_key):
        return {"a": ["b"], "b": ["c"]}.get(partition_key, [])


class EachOther(hw.PartitionMapping):
    def upstream_keys_of(self, partition_key):
        return {"a": "b", "b": "a"}.get(partition_key, [])


def spaces_of(mapping):
    @hw.asset(partitions_def=LETTERS, deps=[hw.AssetDep("itself", partition_mapping=mapping)])
    def itself(): ...

    return PartitionSpaces(hw.Definitions([itself]).index.graph, hw.Instance.ephemeral(), utc_now())


def test_partitions_come_after_those_that_they_need():
    spaces, key, letters = spaces_of(TheNext()), hw.AssetKey("itself"), LETTERS.subset_with_all_partitions()
    assert spaces.in_order_of_need(key, letters) == ("c", "b", "a")
    assert list(spaces.ready_of_itself(key, letters)) == ["c"]
    assert list(spaces.upstream_of(key, LETTERS.subset_with_partition_keys(["a"]), key)) == ["b"]


def test_partitions_that_need_each_other_are_told():
    with pytest.raises(PartitionNeedsItselfError, match=r"a\.\.\.b.*EachOther"):
        spaces_of(EachOther()).in_order_of_need(hw.AssetKey("itself"), LETTERS.subset_with_all_partitions())


@pytest.mark.parametrize(
    ("definition", "mapping"),
    [
        (DAYS, hw.TimeWindowPartitionMapping()),
        (DAYS, hw.TimeWindowPartitionMapping(start_offset=-1)),
        (DAYS, hw.TimeWindowPartitionMapping(start_offset=1, end_offset=1)),
        (DAYS, hw.AllPartitionMapping()),
        (DAYS, hw.AllEarlierPartitionMapping()),
        (LETTERS, hw.LastNPartitionMapping(2)),
        (LETTERS, hw.IdentityPartitionMapping()),
        (LETTERS, hw.StaticPartitionMapping({"a": "a"})),
        (None, hw.AllPartitionMapping()),
    ],
)
def test_a_partition_cannot_need_itself_or_a_later_one(definition, mapping):
    @hw.asset(partitions_def=definition, deps=[hw.AssetDep("selfish", partition_mapping=mapping)])
    def selfish(): ...

    with pytest.raises(hw.InvalidDefinitionError, match="selfish"):
        hw.Definitions.validate_loadable(hw.Definitions([selfish]))


@pytest.mark.parametrize(
    ("definition", "mapping"),
    [
        (DAYS, YESTERDAY),
        (DAYS, hw.AllEarlierPartitionMapping(include_same=False)),
        (LETTERS, hw.LastNPartitionMapping(2, include_same=False)),
        (LETTERS, hw.StaticPartitionMapping({"a": "b", "b": "c"})),
        (DAYS, YESTERDAY | hw.LastNPartitionMapping(3, include_same=False)),
        (
            hw.MultiPartitionsDefinition({"day": DAYS, "letter": LETTERS}),
            hw.MultiPartitionMapping(
                {
                    "day": hw.DimensionPartitionMapping("day", YESTERDAY),
                    "letter": hw.DimensionPartitionMapping("letter", hw.IdentityPartitionMapping()),
                }
            ),
        ),
    ],
)
def test_a_partition_can_need_earlier_ones(definition, mapping):
    @hw.asset(partitions_def=definition, deps=[hw.AssetDep("earlier", partition_mapping=mapping)])
    def earlier(): ...

    hw.Definitions.validate_loadable(hw.Definitions([earlier]))
