"""Keys of many windows at once are the keys of each."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from headwater.model.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)

KINDS = [
    DailyPartitionsDefinition("2000-01-01"),
    DailyPartitionsDefinition("2000-01-01", hour_offset=2, minute_offset=30, timezone="Europe/Berlin"),
    DailyPartitionsDefinition("2000-01-01", fmt="%d.%m.%Y"),
    HourlyPartitionsDefinition("2000-01-01-00:00"),
    HourlyPartitionsDefinition("2000-01-01-00:00", minute_offset=25),
    HourlyPartitionsDefinition("2000-01-01-00:00", timezone="America/New_York"),
    TimeWindowPartitionsDefinition("2000-01-01-00:00", "%Y-%m-%d-%H:%M", cron_schedule="*/10 * * * *"),
    TimeWindowPartitionsDefinition("2000-01-01-00:00", "%Y-%m-%d-%H:%M", cron_schedule="0 */6 * * *"),
]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(KINDS), st.integers(-3_000, 20_000), st.integers(1, 400))
def test_keys_of_many_windows_are_the_keys_of_each(definition, after, count):
    first = definition.cadence.number_at(946_684_800) + after
    assert list(definition.keys_at(range(first, first + count))) == [
        definition.key_at(number) for number in range(first, first + count)
    ]
