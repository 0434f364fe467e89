"""Definitions, keys and sets for the laws that hold for all of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from headwater.model.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)

NOW = datetime(2023, 12, 15, 12, tzinfo=UTC)
ZONES = ["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu", "America/St_Johns"]


class Keys:
    """A store of dynamic keys, kept in memory."""

    def __init__(self, **keys: Sequence[str]) -> None:
        self.keys = keys

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        return self.keys.get(partitions_def_name, ())

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        return partition_key in self.get_dynamic_partitions(partitions_def_name)


STORE = Keys(customers=["acme", "zeta", "bolt"], empty=[])

zones = st.sampled_from(ZONES)
starts = st.datetimes(datetime(2023, 1, 1), datetime(2023, 11, 20)).map(lambda moment: moment.replace(microsecond=0))
minutes = st.integers(0, 59)
hours = st.integers(0, 23)
exclusions = st.sampled_from([None, ["0 0 * * 1"], [datetime(2023, 11, 5)], ["0 0 * * 0,6", datetime(2023, 11, 7)]])


@st.composite
def time_windows(draw: st.DrawFn) -> TimeWindowPartitionsDefinition:
    start, zone, end_offset = draw(starts), draw(zones), draw(st.integers(-1, 1))
    end = draw(st.none() | st.just(start + timedelta(days=70)))
    excluded = draw(exclusions)
    match draw(st.sampled_from(["hourly", "daily", "weekly", "monthly", "cron"])):
        case "hourly":
            # A week at most, so that Python sets stay small.
            begin = datetime(2023, 10, 28) + timedelta(hours=draw(st.integers(0, 100)))
            return HourlyPartitionsDefinition(
                begin, begin + timedelta(days=9), minute_offset=draw(minutes), timezone=zone, exclusions=excluded
            )
        case "daily":
            return DailyPartitionsDefinition(
                start, end, draw(minutes), draw(hours), zone, end_offset=end_offset, exclusions=excluded
            )
        case "weekly":
            return WeeklyPartitionsDefinition(
                start, end, draw(minutes), draw(hours), draw(st.integers(0, 6)), zone, end_offset=end_offset
            )
        case "monthly":
            return MonthlyPartitionsDefinition(
                start, end, draw(minutes), draw(hours), draw(st.integers(1, 31)), zone, end_offset=end_offset
            )
        case _:
            cron = draw(st.sampled_from(["0 0 * * 1-5", "30 6,18 * * *", "0 */8 * * *"]))
            return TimeWindowPartitionsDefinition(
                start=start, fmt="%Y-%m-%d-%H:%M", end=end, timezone=zone, cron_schedule=cron, end_offset=end_offset
            )


statics = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True).map(StaticPartitionsDefinition)
dynamics = st.sampled_from(["customers", "empty"]).map(DynamicPartitionsDefinition)
single_definitions = statics | dynamics | time_windows()
small_definitions = statics | dynamics


@st.composite
def multis(draw: st.DrawFn) -> MultiPartitionsDefinition:
    names = draw(st.lists(st.sampled_from(["color", "date", "size", "zone"]), min_size=1, max_size=3, unique=True))
    dimensions: dict[str, PartitionsDefinition] = {name: draw(small_definitions) for name in names}
    if draw(st.booleans()):
        dimensions["date"] = DailyPartitionsDefinition("2023-12-08")
    return MultiPartitionsDefinition(dimensions)


definitions = single_definitions | multis()


@st.composite
def definitions_with_key_sets(draw: st.DrawFn, count: int = 2) -> tuple[PartitionsDefinition, list[set[str]]]:
    """A definition and some Python sets of its keys."""
    definition = draw(definitions)
    keys = definition.get_partition_keys(NOW, STORE)
    one_set = st.sets(st.sampled_from(keys), max_size=40) if keys else st.just(set())
    return definition, [draw(one_set) for _ in range(count)]
