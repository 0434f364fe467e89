from collections.abc import Sequence

import pytest

from headwater.model.partitions import (
    DynamicPartitionsDefinition,
    DynamicPartitionsStore,
    InvalidPartitionsDefinitionError,
    MissingDynamicPartitionsStoreError,
    PartitionKeyRange,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    UnknownPartitionError,
)
from tests.model.partitions.strategies import STORE, Keys

COLORS = StaticPartitionsDefinition(["red", "green", "blue"])
CUSTOMERS = DynamicPartitionsDefinition(name="customers")


def test_static_keys_keep_their_order():
    assert COLORS.get_partition_keys() == ["red", "green", "blue"]
    assert (COLORS.get_first_partition_key(), COLORS.get_last_partition_key()) == ("red", "blue")
    assert COLORS.get_partition_keys_in_range(PartitionKeyRange("red", "green")) == ["red", "green"]
    assert COLORS.get_partition_keys_in_range(PartitionKeyRange("blue", "red")) == []


def test_an_unknown_static_key_offers_the_nearest():
    with pytest.raises(UnknownPartitionError, match=r'no partition "gren".*Did you mean "green"'):
        COLORS.validate_partition_key("gren")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["a", "b", "a"], "more than once: a"),
        (["a...b"], '"..."'),
        ([1], "not a string but int"),
        ("abc", "one string"),
    ],
)
def test_static_keys_that_could_be_mistaken_are_refused(keys, message):
    with pytest.raises(InvalidPartitionsDefinitionError) as raised:
        StaticPartitionsDefinition(keys)
    assert message in str(raised.value)


def test_static_definitions_with_the_same_keys_are_equal():
    assert StaticPartitionsDefinition(("red", "green", "blue")) == COLORS
    assert StaticPartitionsDefinition(["green", "red", "blue"]) != COLORS


def test_dynamic_keys_come_from_the_store_that_is_passed():
    assert isinstance(STORE, DynamicPartitionsStore)
    assert CUSTOMERS.get_partition_keys(dynamic_partitions_store=STORE) == ["acme", "zeta", "bolt"]
    assert CUSTOMERS.has_partition_key("zeta", dynamic_partitions_store=STORE)
    with pytest.raises(UnknownPartitionError, match=r'Did you mean "zeta".*add_dynamic_partitions'):
        CUSTOMERS.validate_partition_key("zetta", dynamic_partitions_store=STORE)


def test_dynamic_keys_cannot_be_known_without_a_store():
    with pytest.raises(MissingDynamicPartitionsStoreError, match='"customers"'):
        CUSTOMERS.get_partition_keys()


def test_a_set_of_dynamic_partitions_outlives_removed_and_added_keys():
    before = CUSTOMERS.subset_with_all_partitions(dynamic_partitions_store=STORE)
    after = CUSTOMERS.subset_with_all_partitions(dynamic_partitions_store=Keys(customers=["bolt", "new", "acme"]))
    assert list(before - after) == ["zeta"]
    assert list(after - before) == ["new"]


def test_ranges_of_dynamic_partitions_follow_the_order_of_the_store():
    subset = CUSTOMERS.subset_with_partition_keys(["acme", "bolt"])
    assert {tuple(one) for one in subset.ranges()} == {("acme", "acme"), ("bolt", "bolt")}
    store = Keys(customers=["bolt", "acme", "other"])
    assert subset.ranges(store) == [PartitionKeyRange("bolt", "acme")]


def test_requests_name_the_definition_and_the_keys():
    request = CUSTOMERS.build_add_request(["nova"])
    assert (request.partitions_def_name, request.partition_keys) == ("customers", ["nova"])
    assert CUSTOMERS.build_delete_request(["nova"]).partition_keys == ["nova"]


class Fibonacci(PartitionsDefinition[str]):
    def get_partition_keys(self, current_time=None, dynamic_partitions_store=None) -> Sequence[str]:
        return ["1", "2", "3", "5", "8"]


def test_a_definition_of_ones_own_needs_only_its_keys():
    numbers = Fibonacci()
    subset = numbers.subset_with_partition_keys(["2", "3", "8"])
    assert "3" in subset
    assert list(numbers.subset_with_all_partitions() - subset) == ["1", "5"]
    assert subset.ranges() == [PartitionKeyRange("2", "3"), PartitionKeyRange("8", "8")]
    assert numbers.deserialize_subset(subset.serialize()) == subset
    with pytest.raises(UnknownPartitionError):
        numbers.subset_with_partition_keys(["4"])
