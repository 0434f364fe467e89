"""Counts of partitions: a value that is there counts, whatever became of a later attempt."""

from __future__ import annotations

import pytest

import headwater as hw
from headwater.views.partition_status import partition_status_of


def test_a_partition_that_failed_when_it_was_made_again_still_has_its_value():
    keys = hw.StaticPartitionsDefinition(["a", "b", "c"])
    is_broken = False

    @hw.asset(partitions_def=keys)
    def x():
        if is_broken:
            raise ValueError("no luck")
        return 1

    with hw.Instance.ephemeral() as instance:
        hw.materialize([x], partition_key="a", instance=instance)
        is_broken = True
        for key in ("a", "b"):
            with pytest.raises(ValueError, match="no luck"):
                hw.materialize([x], partition_key=key, instance=instance)
        counts = partition_status_of(keys, instance.store, x.key).counts
    assert (counts.total, counts.materialized, counts.failed, counts.missing) == (3, 1, 2, 1)
