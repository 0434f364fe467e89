"""Recorded keys are read many at once as they are read one by one, and sets that are kept are read back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from headwater.model.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from headwater.model.partitions.recorded_keys import KeyReader, recorded_space, set_from_data, set_to_data
from tests.model.partitions.strategies import NOW, STORE, ZONES, definitions

STRANGE = st.sampled_from(
    ["", "x", "2023-13-01", "2023-02-30", "2023-01-01-24:00", "2023-03-12-02:30", "9999-12-31", "9999-12-31-23:00",
     "0000-01-01", "２０２３-01-01", "2023-W01-1", "a|b", "a|b|c|d|e|f|g|h", "2023-01-01-00:00-0500"]
)  # fmt: skip


def one_by_one(definition: PartitionsDefinition[Any], keys: list[str]) -> tuple[set[str], list[str]]:
    """Return the keys that can be the definition's, and the others, each read alone."""
    known = [
        key
        for key in keys
        if (
            definition.find_ordinals(key)
            if isinstance(definition, MultiPartitionsDefinition)
            else definition.find_ordinal(key)
        )
        is not None
    ]
    return set(known), [key for key in keys if key not in known]


@settings(deadline=None)
@given(definition=definitions, data=st.data())
def test_many_keys_are_read_as_each_is_alone(definition: PartitionsDefinition[Any], data: st.DataObject) -> None:
    existing = definition.get_partition_keys(NOW, STORE)
    own = st.lists(st.sampled_from(list(existing)), max_size=40) if existing else st.just([])
    keys = [str(key) for key in data.draw(own)]
    if not _has_table(definition):
        # A schedule with a table would count to the year 9999.
        keys = data.draw(st.permutations(keys + data.draw(st.lists(STRANGE, max_size=4))))
    found, strange = KeyReader(definition).read(keys)
    known, others = one_by_one(definition, keys)
    assert set(found) == known
    assert strange == others


def _has_table(definition: PartitionsDefinition[Any]) -> bool:
    if isinstance(definition, MultiPartitionsDefinition):
        return any(map(_has_table, definition.defs_by_dimension.values()))
    return isinstance(definition, TimeWindowPartitionsDefinition) and definition.schedule_type is None


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("offset", [0, 30])
def test_every_hour_of_some_years_is_read_wherever_the_clock_is_changed(zone: str, offset: int) -> None:
    hours = HourlyPartitionsDefinition(
        "2018-01-01-00:00", end_date="2020-12-31-00:00", timezone=zone, minute_offset=offset
    )
    everything = hours.subset_with_all_partitions(datetime(2022, 1, 1))
    keys = list(everything)
    assert KeyReader(hours).read(keys) == (everything, [])
    assert KeyReader(hours).read(keys[::-7]) == (hours.subset_with_partition_keys(keys[::-7]), [])


def test_every_day_of_a_century_is_read() -> None:
    days = DailyPartitionsDefinition("1890-01-01", end_date="2001-01-01", hour_offset=3, timezone="Europe/Paris")
    everything = days.subset_with_all_partitions(datetime(2022, 1, 1))
    assert KeyReader(days).read(list(everything)) == (everything, [])
    assert KeyReader(days).read(["1900-02-28", "1900-02-29"])[1] == ["1900-02-29"]


@settings(max_examples=60, deadline=None)
@given(definition=definitions, data=st.data())
def test_what_is_kept_of_a_set_is_that_set(definition: PartitionsDefinition[Any], data: st.DataObject) -> None:
    existing = definition.get_partition_keys(NOW, STORE)
    keys = data.draw(st.lists(st.sampled_from(list(existing)), max_size=20)) if existing else []
    subset = definition.subset_with_partition_keys(keys)
    if recorded_space(definition) is not None:
        assert set_from_data(definition, set_to_data(subset)) == subset


def test_start_and_end_do_not_change_what_keys_mean_and_the_rest_does() -> None:
    days = DailyPartitionsDefinition("2024-01-01")
    assert recorded_space(days) == recorded_space(DailyPartitionsDefinition("2020-05-05", end_date="2021-01-01"))
    for other in (
        DailyPartitionsDefinition("2024-01-01", timezone="Europe/Paris"),
        DailyPartitionsDefinition("2024-01-01", fmt="%d.%m.%Y"),
        DailyPartitionsDefinition("2024-01-01", hour_offset=1),
        HourlyPartitionsDefinition("2024-01-01-00:00"),
    ):
        assert recorded_space(other) != recorded_space(days)
    keys = StaticPartitionsDefinition(["a", "b"])
    assert recorded_space(keys) == recorded_space(StaticPartitionsDefinition(("a", "b")))
    assert recorded_space(keys) != recorded_space(StaticPartitionsDefinition(["b", "a"]))
    assert recorded_space(DynamicPartitionsDefinition(name="x")) is None
    both = MultiPartitionsDefinition({"day": days, "letter": keys})
    assert recorded_space(both) != recorded_space(MultiPartitionsDefinition({"day": days, "name": keys}))
    assert recorded_space(MultiPartitionsDefinition({"day": days, "x": DynamicPartitionsDefinition(name="x")})) is None


def test_a_few_keys_among_very_many_are_found_without_an_index_of_all() -> None:
    keys = [f"customer {number:05d}" for number in range(20_000)]
    customers = StaticPartitionsDefinition(keys)
    few = [keys[7], "nobody", keys[19_999]]
    found, strange = KeyReader(customers).read(few)
    assert (sorted(found.ordinals), strange) == ([7, 19_999], ["nobody"])  # type: ignore[attr-defined]
    assert "_ordinal_by_key" not in vars(customers)
    assert KeyReader(customers).read(keys) == (customers.subset_with_all_partitions(), [])
    assert KeyReader(customers).read(few) == (found, strange)
