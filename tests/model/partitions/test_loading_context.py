"""Partitions can be looked at as of an instant, and with a store, that the calls do not name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import headwater as hw
from headwater.model.errors.partitions import MissingDynamicPartitionsStoreError

DAYS = hw.DailyPartitionsDefinition("2024-01-01")


def test_partitions_are_looked_at_as_of_an_instant():
    with hw.partition_loading_context(datetime(2024, 1, 4, tzinfo=UTC)) as context:
        assert DAYS.get_partition_keys() == ["2024-01-01", "2024-01-02", "2024-01-03"]
        assert DAYS.get_last_partition_key() == "2024-01-03"
        assert not DAYS.has_partition_key("2024-01-04")
        assert DAYS.get_partition_keys(datetime(2024, 1, 2, tzinfo=UTC)) == ["2024-01-01"]
        with hw.partition_loading_context() as inner:
            assert inner == context
    assert context.effective_dt == datetime(2024, 1, 4, tzinfo=UTC)
    assert DAYS.has_partition_key("2024-01-04")
    with hw.partition_loading_context(new_ctx=context):
        assert len(DAYS.get_partition_keys()) == 3


def test_dynamic_partitions_are_found_in_the_store_of_the_context():
    customers = hw.DynamicPartitionsDefinition(name="customers")
    with hw.Instance.ephemeral() as instance:
        instance.add_dynamic_partitions("customers", ["ann", "bob"])
        with hw.partition_loading_context(dynamic_partitions_store=instance):
            assert customers.get_partition_keys() == ["ann", "bob"]
            assert customers.has_partition_key("bob")
    with pytest.raises(MissingDynamicPartitionsStoreError):
        customers.get_partition_keys()
