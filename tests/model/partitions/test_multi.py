import json
import pickle
from datetime import UTC, datetime

import pytest

from headwater.model.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    InvalidPartitionsDefinitionError,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    PartitionKeyRange,
    StaticPartitionsDefinition,
    UnknownPartitionError,
)
from tests.model.partitions.strategies import STORE

NOW = datetime(2024, 6, 1, tzinfo=UTC)
SALES = MultiPartitionsDefinition(
    {
        "date": DailyPartitionsDefinition("2024-01-01", "2024-01-04"),
        "color": StaticPartitionsDefinition(["red", "blue"]),
    }
)


def test_a_key_of_several_dimensions_is_written_in_order_of_their_names():
    key = MultiPartitionKey({"date": "2024-01-01", "color": "red"})
    assert key == "red|2024-01-01"
    assert key.keys_by_dimension == {"color": "red", "date": "2024-01-01"}
    assert json.dumps(key.keys_by_dimension) == '{"color": "red", "date": "2024-01-01"}'
    assert pickle.loads(pickle.dumps(key)).keys_by_dimension == key.keys_by_dimension


def test_partitions_are_all_combinations_and_the_last_dimension_moves_fastest():
    assert SALES.get_partition_keys(NOW)[:4] == [
        "red|2024-01-01",
        "red|2024-01-02",
        "red|2024-01-03",
        "blue|2024-01-01",
    ]
    assert SALES.get_num_partitions(NOW) == 6
    assert (SALES.get_first_partition_key(NOW), SALES.get_last_partition_key(NOW)) == (
        "red|2024-01-01",
        "blue|2024-01-03",
    )


def test_any_number_of_dimensions_may_be_combined():
    four = MultiPartitionsDefinition({name: StaticPartitionsDefinition(["x", "y"]) for name in "abcd"})
    assert four.get_num_partitions() == 16
    assert four.has_partition_key("x|y|y|x")
    assert four.get_partition_key_from_str("x|y|y|x").keys_by_dimension["b"] == "y"


def test_a_range_is_a_box():
    wanted = PartitionKeyRange("red|2024-01-02", "blue|2024-01-03")
    expected = ["red|2024-01-02", "red|2024-01-03", "blue|2024-01-02", "blue|2024-01-03"]
    assert SALES.get_partition_keys_in_range(wanted, NOW) == expected
    subset = SALES.subset_with_partition_key_range(wanted, NOW)
    assert list(subset) == expected
    assert subset.ranges() == [wanted]


def test_an_unknown_key_says_which_dimension_has_not_got_it():
    with pytest.raises(UnknownPartitionError, match=r'Dimension "color" has no "rde". Did you mean "red"'):
        SALES.validate_partition_key("rde|2024-01-01", NOW)
    with pytest.raises(UnknownPartitionError, match=r'"<color>.<date>"'):
        SALES.validate_partition_key("2024-01-01", NOW)
    with pytest.raises(UnknownPartitionError, match='Dimension "color"'):
        SALES.subset_with_partition_keys(["pink|2024-01-01"])


def test_the_window_of_a_partition_is_that_of_its_one_dimension_of_time():
    assert SALES.time_window_for_partition_key("red|2024-01-02").start == datetime(2024, 1, 2, tzinfo=UTC)
    assert SALES.primary_dimension.name == "date"
    assert SALES.secondary_dimension.name == "color"
    assert SALES.get_tags_for_partition_key("red|2024-01-02")["headwater/partition/color"] == "red"
    twice = MultiPartitionsDefinition(
        {"a": DailyPartitionsDefinition("2024-01-01"), "b": SALES.time_window_partitions_def}
    )
    with pytest.raises(InvalidPartitionsDefinitionError, match="2 of the dimensions"):
        twice.time_window_for_partition_key("2024-01-01|2024-01-01")


def test_keys_can_be_asked_for_by_the_value_of_a_dimension():
    assert SALES.get_multipartition_keys_with_dimension_value("date", "2024-01-02", NOW) == [
        "red|2024-01-02",
        "blue|2024-01-02",
    ]
    with pytest.raises(InvalidPartitionsDefinitionError, match='Did you mean "color"'):
        SALES.get_multipartition_keys_with_dimension_value("colour", "red", NOW)


@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        ({}, "no dimensions"),
        ({"a": StaticPartitionsDefinition(["x|y"])}, 'contains "|"'),
        ({"a": SALES}, 'Dimension "a"'),
        ({"a": ["x"]}, "Pass a partitions definition"),
    ],
)
def test_dimensions_that_cannot_be_multiplied_are_refused(dimensions, message):
    with pytest.raises(InvalidPartitionsDefinitionError) as raised:
        MultiPartitionsDefinition(dimensions)
    assert message in str(raised.value)


def test_dynamic_dimensions_grow_without_disturbing_sets():
    grid = MultiPartitionsDefinition(
        {"who": DynamicPartitionsDefinition("customers"), "color": SALES.defs_by_dimension["color"]}
    )
    subset = grid.subset_with_all_partitions(dynamic_partitions_store=STORE)
    assert len(subset) == 6
    more = subset.with_partition_keys(["red|newcomer"])
    assert len(more) == 7
    assert list(more - subset) == ["red|newcomer"]
    assert grid.deserialize_subset(more.serialize()) == more
    assert pickle.loads(pickle.dumps(more)) == more


def test_billions_of_combinations_are_never_multiplied_out():
    grid = MultiPartitionsDefinition(
        {
            "hour": HourlyPartitionsDefinition("1910-01-01"),
            "shop": StaticPartitionsDefinition([str(number) for number in range(1000)]),
            "kind": StaticPartitionsDefinition(["new", "old"]),
        }
    )
    everything = grid.subset_with_all_partitions(NOW)
    one = grid.subset_with_partition_keys(["1950-01-01-00:00|new|7"])
    assert len(everything) == grid.get_num_partitions(NOW) > 2_000_000_000
    assert len(everything - one) == len(everything) - 1
    assert (everything - one) | one == everything
    assert grid.deserialize_subset((everything - one).serialize()) == everything - one
