import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given

from headwater.model.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    PartitionKeyRange,
    PartitionsMismatchError,
    PartitionsSubset,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    UnreadablePartitionsError,
)
from tests.model.partitions.strategies import NOW, STORE, definitions_with_key_sets

JUNE = datetime(2024, 6, 1, tzinfo=UTC)
DAYS = DailyPartitionsDefinition("2024-01-01")


@given(definitions_with_key_sets())
def test_sets_of_partitions_behave_as_sets_of_keys(drawn):
    definition, (left, right) = drawn
    ours, theirs = definition.subset_with_partition_keys(left), definition.subset_with_partition_keys(right)
    assert set(ours) == left
    assert len(ours) == len(left)
    assert ours.is_empty == (not left)
    assert set(ours | theirs) == left | right
    assert set(ours & theirs) == left & right
    assert set(ours - theirs) == left - right
    assert set(ours ^ theirs) == left ^ right
    assert (ours <= theirs) == (left <= right)
    assert (ours == theirs) == (left == right)
    assert ours.isdisjoint(theirs) == left.isdisjoint(right)
    assert all((key in ours) == (key in left) for key in left | right)
    assert ours.with_partition_keys(right) == ours | theirs
    assert hash(ours & theirs) == hash(theirs & ours)


@given(definitions_with_key_sets(count=1))
def test_the_whole_less_a_set_is_what_is_not_in_it(drawn):
    definition, (keys,) = drawn
    whole = definition.subset_with_all_partitions(NOW, STORE)
    everything = definition.get_partition_keys(NOW, STORE)
    assert set(whole) == set(everything)
    rest = definition.subset_with_partition_keys(keys).get_partition_keys_not_in_subset(definition, NOW, STORE)
    assert set(rest) == set(everything) - keys
    assert definition.empty_subset().is_empty


@given(definitions_with_key_sets(count=1))
def test_a_set_reads_back_as_it_was_written(drawn):
    definition, (keys,) = drawn
    subset = definition.subset_with_partition_keys(keys)
    assert PartitionsSubset.deserialize(definition, subset.serialize()) == subset
    assert pickle.loads(pickle.dumps(subset)) == subset


@given(definitions_with_key_sets(count=1))
def test_ranges_hold_exactly_the_set(drawn):
    definition, (keys,) = drawn
    subset = definition.subset_with_partition_keys(keys)
    again = definition.empty_subset().with_partition_key_ranges(subset.ranges(STORE), NOW, STORE)
    assert again == subset


def test_ranges_are_as_few_as_can_be():
    subset = DAYS.subset_with_partition_keys(["2024-01-05", "2024-01-02", "2024-01-03", "2024-01-09"])
    assert subset.ranges() == [
        PartitionKeyRange("2024-01-02", "2024-01-03"),
        PartitionKeyRange("2024-01-05", "2024-01-05"),
        PartitionKeyRange("2024-01-09", "2024-01-09"),
    ]
    assert subset.get_partition_key_ranges(DAYS) == subset.ranges()


def test_a_range_is_added_as_a_whole():
    subset = DAYS.empty_subset().with_partition_key_range(PartitionKeyRange("2024-01-02", "2024-01-04"), JUNE)
    assert list(subset) == ["2024-01-02", "2024-01-03", "2024-01-04"]


def test_an_earlier_start_date_keeps_the_partitions_that_were_recorded():
    recorded = DAYS.subset_with_partition_keys(["2024-01-02", "2024-02-01"]).serialize()
    longer = DailyPartitionsDefinition("2013-01-01", end_offset=1)
    assert list(longer.deserialize_subset(recorded)) == ["2024-01-02", "2024-02-01"]
    assert longer.deserialize_subset(recorded) == DAYS.deserialize_subset(recorded)


def test_an_earlier_start_date_of_a_cron_schedule_keeps_them_too():
    def weekdays(start: str) -> TimeWindowPartitionsDefinition:
        return TimeWindowPartitionsDefinition(start=start, fmt="%Y-%m-%d", cron_schedule="0 0 * * 1-5")

    late, early = weekdays("2024-01-03"), weekdays("2023-06-01")
    subset = late.subset_with_partition_keys(["2024-01-03", "2024-01-08"])
    assert list(early.deserialize_subset(subset.serialize())) == ["2024-01-03", "2024-01-08"]
    assert early.subset_with_partition_keys(["2024-01-03", "2024-01-08"]) == subset
    assert list(subset | early.subset_with_partition_keys(["2024-01-04"])) == ["2024-01-03", "2024-01-04", "2024-01-08"]


def test_new_static_keys_keep_the_partitions_that_were_recorded():
    recorded = StaticPartitionsDefinition(["b", "c"]).subset_with_partition_keys(["c"]).serialize()
    assert list(StaticPartitionsDefinition(["a", "b", "c"]).deserialize_subset(recorded)) == ["c"]


def test_a_set_of_other_windows_cannot_be_read_or_combined():
    hours = HourlyPartitionsDefinition("2024-01-01")
    with pytest.raises(UnreadablePartitionsError, match="hourly from 2024-01-01"):
        hours.deserialize_subset(DAYS.subset_with_all_partitions(JUNE).serialize())
    with pytest.raises(UnreadablePartitionsError):
        DAYS.deserialize_subset("not even JSON")
    with pytest.raises(PartitionsMismatchError, match=r"daily from 2024-01-01.*hourly from 2024-01-01"):
        DAYS.empty_subset() | hours.empty_subset()


def test_a_million_hours_are_one_range_and_a_few_bytes():
    hours = HourlyPartitionsDefinition("1910-01-01", timezone="America/New_York")
    whole = hours.subset_with_all_partitions(JUNE)
    century = hours.subset_with_partition_key_range(PartitionKeyRange("1920-01-01-00:00", "2020-01-01-00:00"), JUNE)
    assert len(whole) > 1_000_000
    assert "1999-12-31-23:00" in whole
    assert len((whole - century).ranges()) == 2
    assert (whole - century) | (whole & century) == whole
    assert len((whole - century).serialize()) < 1000
    assert next(iter(whole)) == "1910-01-01-00:00"


def test_a_set_shows_its_ranges():
    assert repr(DAYS.subset_with_partition_keys(["2024-01-02", "2024-01-03"])) == (
        "<2 of daily from 2024-01-01 (UTC): 2024-01-02...2024-01-03>"
    )
