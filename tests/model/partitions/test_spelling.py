from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from headwater.model.errors.partition_spelling import (
    RangeWrongWayRoundError,
    UnknownDimensionError,
    UnreadablePartitionSpelling,
)
from headwater.model.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    UnknownPartitionError,
)
from headwater.model.partitions.spelling import read_partitions, spelling_of
from tests.model.partitions.strategies import NOW, STORE, Keys, definitions

MARCH = datetime(2024, 3, 1, tzinfo=UTC)
DAYS = DailyPartitionsDefinition("2024-01-01", "2024-03-01")
REGIONS = StaticPartitionsDefinition(["eu", "us", "asia", "mars"])
GRID = MultiPartitionsDefinition({"date": DAYS, "region": REGIONS})


def read(text, definition, store=None):
    return list(read_partitions(text, definition, MARCH, store))


@pytest.mark.parametrize(
    ("text", "definition", "keys"),
    [
        ("2024-01-05", DAYS, ["2024-01-05"]),
        ("2024-01-05...2024-01-07", DAYS, ["2024-01-05", "2024-01-06", "2024-01-07"]),
        ("2024-02-28...", DAYS, ["2024-02-28", "2024-02-29"]),
        ("...2024-01-02", DAYS, ["2024-01-01", "2024-01-02"]),
        ("us...asia", REGIONS, ["us", "asia"]),
        ("mars, eu...us", REGIONS, ["eu", "us", "mars"]),
        ("*", REGIONS, ["eu", "us", "asia", "mars"]),
        ("2024-01-05|eu", GRID, ["2024-01-05|eu"]),
        ("2024-01-05|eu...us", GRID, ["2024-01-05|eu", "2024-01-05|us"]),
        ("2024-01-05|eu...2024-01-06|us", GRID, [f"2024-01-0{d}|{r}" for d in (5, 6) for r in ("eu", "us")]),
        ("region=eu,date=2024-01-05", GRID, ["2024-01-05|eu"]),
        ("date=2024-01-05, 2024-01-07, region=eu", GRID, ["2024-01-05|eu", "2024-01-07|eu"]),
        ("date=2024-01-05,region=eu;date=2024-01-06,region=us", GRID, ["2024-01-05|eu", "2024-01-06|us"]),
        ("2024-01-05|eu,2024-01-06|us", GRID, ["2024-01-05|eu", "2024-01-06|us"]),
        ("region=*,date=2024-01-05", GRID, [f"2024-01-05|{region}" for region in ("eu", "us", "asia", "mars")]),
    ],
)
def test_partitions_are_read_as_people_write_them(text, definition, keys):
    assert read(text, definition) == keys


def test_a_dimension_that_is_not_named_is_whole():
    assert len(read_partitions("region=eu", GRID, MARCH)) == 60
    assert len(read_partitions("date=2024-02-01...", GRID, MARCH)) == 29 * 4
    assert len(read_partitions("*", GRID, MARCH)) == 60 * 4
    assert len(read_partitions("*|eu", GRID, MARCH)) == 60


def test_several_texts_are_taken_together():
    assert read(["eu", "asia...mars"], REGIONS) == ["eu", "asia", "mars"]


def test_what_is_a_key_by_itself_is_that_key():
    odd = StaticPartitionsDefinition(["a", "b", "a,b", "*", "x=y", '"', "a b ", ""])
    for key in odd.get_partition_keys():
        assert read(key, odd) == [key]
    assert read('"a,b",a', odd) == ["a", "a,b"]
    assert read('"a", "b"', odd) == ["a", "b"]
    assert read('"*"..."x=y"', odd) == ["*", "x=y"]
    assert spelling_of(odd.subset_with_partition_keys(["a", "b"])) == "a...b"
    without_run = StaticPartitionsDefinition(["a", "z", "b", "a,b"])
    assert spelling_of(without_run.subset_with_partition_keys(["a", "b"])) == '"a","b"'


def test_dynamic_keys_are_ranges_in_the_order_of_the_store():
    customers = DynamicPartitionsDefinition("customers")
    store = Keys(customers=["acme", "zeta", "bolt"])
    assert read("zeta...bolt", customers, store) == ["zeta", "bolt"]
    assert spelling_of(customers.subset_with_partition_keys(["bolt", "zeta"]), None, store) == "zeta...bolt"


@pytest.mark.parametrize(
    ("text", "definition", "error", "told"),
    [
        ("2024-1-5", DAYS, UnknownPartitionError, 'Keys are written like "2024-01-01"'),
        ("marz", REGIONS, UnknownPartitionError, 'Did you mean "mars"'),
        ("2024-01-07...2024-01-05", DAYS, RangeWrongWayRoundError, 'Write "2024-01-05...2024-01-07"'),
        ("date=2024-01-07...2024-01-05", GRID, RangeWrongWayRoundError, 'In the dimension "date"'),
        ("regin=eu", GRID, UnknownDimensionError, 'Did you mean "region"'),
        ("region=eu,dat=2024-01-01", GRID, UnknownDimensionError, 'Did you mean "date"'),
        ("region=eux", GRID, UnknownPartitionError, 'In the dimension "region": There is no partition "eux"'),
        ("region=eu,region=us", GRID, UnreadablePartitionSpelling, "region=FIRST,SECOND"),
        ("2024-01-05", GRID, UnknownPartitionError, "<date>|<region>"),
        ("2024-01-05|eu|x", GRID, UnknownPartitionError, "<date>|<region>"),
        ("region=", GRID, UnreadablePartitionSpelling, "missing"),
        ("eu,,us", REGIONS, UnreadablePartitionSpelling, 'beside a ","'),
        ("", REGIONS, UnreadablePartitionSpelling, "empty"),
        ("...", REGIONS, UnreadablePartitionSpelling, "no range"),
        ("eu...us...asia", REGIONS, UnreadablePartitionSpelling, "no range"),
        ('"eu', REGIONS, UnreadablePartitionSpelling, "not closed"),
        ("2023-12-01...2024-01-05", DAYS, UnknownPartitionError, "2023-12-01"),
        ("eu...", StaticPartitionsDefinition([]), UnknownPartitionError, "no partitions"),
    ],
)
def test_what_cannot_be_meant_is_told(text, definition, error, told):
    with pytest.raises(error) as caught:
        read(text, definition)
    assert told in str(caught.value)
    assert all((caught.value.what, caught.value.why, caught.value.fix))


@given(definitions, st.data())
def test_what_is_written_is_read_back(definition, data):
    keys = definition.get_partition_keys(NOW, STORE)
    chosen = data.draw(st.sets(st.sampled_from(keys), min_size=1, max_size=30)) if keys else set()
    if not chosen:
        return
    subset = definition.subset_with_partition_keys(chosen)
    assert read_partitions(spelling_of(subset, NOW, STORE), definition, NOW, STORE) == subset


def test_a_slice_of_many_cells_is_written_and_read_in_no_time():
    cells = MultiPartitionsDefinition(
        {name: StaticPartitionsDefinition([str(number) for number in range(100)]) for name in "abcd"}
    )
    some = read_partitions("a=1...50,c=7", cells)
    assert some.count() == 50 * 100 * 100
    assert spelling_of(some) == "a=1...50,c=7"
    assert spelling_of(cells.subset_with_all_partitions()) == "*"
