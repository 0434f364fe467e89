import pickle
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from headwater.model.clock import fixed_clock
from headwater.model.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    InvalidPartitionsDefinitionError,
    MonthlyPartitionsDefinition,
    PartitionKeyRange,
    ScheduleType,
    TimeWindow,
    TimeWindowPartitionsDefinition,
    UnknownPartitionError,
    WeeklyPartitionsDefinition,
)
from headwater.model.partitions.windows import HourlyCadence, find_zone
from tests.model.partitions.strategies import NOW, time_windows, zones

MARCH_12 = datetime(2024, 3, 12, 12, tzinfo=UTC)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def spelled(definition: TimeWindowPartitionsDefinition, now: datetime = MARCH_12) -> list[str]:
    return list(definition.get_partition_keys(now))


def test_daily_partitions_end_with_the_last_day_that_is_over():
    assert spelled(DailyPartitionsDefinition("2024-03-09")) == ["2024-03-09", "2024-03-10", "2024-03-11"]


def test_the_clock_says_what_is_over_when_no_time_is_given():
    with fixed_clock(MARCH_12):
        assert DailyPartitionsDefinition("2024-03-09").get_last_partition_key() == "2024-03-11"


@pytest.mark.parametrize(
    ("end_offset", "end", "keys"),
    [
        (1, None, ["2024-03-09", "2024-03-10", "2024-03-11", "2024-03-12"]),
        (-2, None, ["2024-03-09"]),
        (-9, None, []),
        (2, "2024-03-11", ["2024-03-09", "2024-03-10"]),
        (-1, "2024-03-11", ["2024-03-09", "2024-03-10"]),
        (9, "2024-03-14", ["2024-03-09", "2024-03-10", "2024-03-11", "2024-03-12", "2024-03-13"]),
    ],
)
def test_an_end_offset_moves_the_present_but_not_the_end_date(end_offset, end, keys):
    assert spelled(DailyPartitionsDefinition("2024-03-09", end, end_offset=end_offset)) == keys


def test_a_last_window_must_be_over_by_the_end_date():
    by_five = DailyPartitionsDefinition("2024-03-09", "2024-03-12", hour_offset=5)
    assert spelled(by_five, utc(2025, 1, 1)) == ["2024-03-09", "2024-03-10"]
    window = by_five.time_window_for_partition_key("2024-03-10")
    assert window == TimeWindow(utc(2024, 3, 10, 5), utc(2024, 3, 11, 5))


def test_dates_come_as_text_or_date_or_datetime():
    expected = DailyPartitionsDefinition("2024-03-09")
    assert DailyPartitionsDefinition(date(2024, 3, 9)) == expected == DailyPartitionsDefinition(datetime(2024, 3, 9))
    assert hash(DailyPartitionsDefinition(date(2024, 3, 9))) == hash(expected)
    assert DailyPartitionsDefinition("2024-03-09", timezone="Asia/Tokyo") == DailyPartitionsDefinition(
        datetime(2024, 3, 9, tzinfo=UTC), timezone="Asia/Tokyo"
    )
    assert HourlyPartitionsDefinition("2024-03-09").get_first_partition_key(MARCH_12) == "2024-03-09-00:00"


def test_weeks_and_months_begin_with_the_first_such_day_at_or_after_the_start():
    assert spelled(WeeklyPartitionsDefinition("2024-02-14"))[0] == "2024-02-18"
    assert spelled(WeeklyPartitionsDefinition("2024-02-14", day_offset=3))[0] == "2024-02-14"
    assert spelled(WeeklyPartitionsDefinition("2024-02-14", day_offset=7))[0] == "2024-02-18"
    assert spelled(MonthlyPartitionsDefinition("2023-12-15")) == ["2024-01-01", "2024-02-01"]
    assert spelled(MonthlyPartitionsDefinition("2023-12-15", day_offset=5)) == ["2024-01-05", "2024-02-05"]
    assert spelled(MonthlyPartitionsDefinition("2023-12-15", day_offset=31)) == ["2023-12-31"]


def test_a_custom_cron_schedule_bounds_windows_of_any_length():
    weekdays = TimeWindowPartitionsDefinition(start="2024-03-01", fmt="%Y-%m-%d", cron_schedule="0 0 * * 1-5")
    assert spelled(weekdays)[:4] == ["2024-03-01", "2024-03-04", "2024-03-05", "2024-03-06"]
    assert weekdays.time_window_for_partition_key("2024-03-01") == TimeWindow(utc(2024, 3, 1), utc(2024, 3, 4))
    assert not weekdays.has_partition_key("2024-03-02", MARCH_12)
    assert weekdays.get_prev_partition_window(utc(2024, 3, 1), respect_bounds=False).start == utc(2024, 2, 29)
    assert weekdays.schedule_type is None


def test_quarter_hours_are_counted_without_a_table():
    quarters = TimeWindowPartitionsDefinition(start="1990-01-01", fmt="%Y-%m-%d-%H:%M", cron_schedule="*/15 * * * *")
    assert quarters.get_num_partitions(utc(1990, 1, 2)) == 96
    assert quarters.get_last_partition_key(utc(2024, 1, 1, 0, 7)) == "2023-12-31-23:45"


def test_excluded_windows_do_not_exist_and_do_not_count():
    workdays = DailyPartitionsDefinition("2024-03-01", exclusions=["0 0 * * 1", datetime(2024, 3, 5)])
    assert spelled(workdays, utc(2024, 3, 8)) == ["2024-03-01", "2024-03-02", "2024-03-03", "2024-03-06", "2024-03-07"]
    assert not workdays.has_partition_key("2024-03-05", MARCH_12)
    assert workdays.get_next_partition_key("2024-03-03", MARCH_12) == "2024-03-06"
    assert workdays.get_num_partitions(utc(2024, 3, 8)) == 5
    one_more = DailyPartitionsDefinition("2024-03-01", exclusions=["0 0 * * 1", datetime(2024, 3, 5)], end_offset=1)
    assert spelled(one_more, utc(2024, 3, 5, 3)) == ["2024-03-01", "2024-03-02", "2024-03-03", "2024-03-06"]
    whole = workdays.subset_with_all_partitions(utc(2024, 3, 8))
    assert whole.ranges() == [PartitionKeyRange("2024-03-01", "2024-03-07")]


def test_a_day_that_loses_an_hour_lasts_23_hours():
    days = DailyPartitionsDefinition("2024-03-01", timezone="America/New_York")
    assert days.time_window_for_partition_key("2024-03-10").duration == timedelta(hours=23)
    assert days.time_window_for_partition_key("2023-11-05").duration == timedelta(hours=25)


def test_a_start_in_the_gap_begins_at_the_end_of_the_gap():
    days = DailyPartitionsDefinition("2024-03-08", timezone="America/New_York", hour_offset=2, minute_offset=30)
    assert days.time_window_for_partition_key("2024-03-10").start == utc(2024, 3, 10, 7)
    assert days.time_window_for_partition_key("2024-03-11").start == utc(2024, 3, 11, 6, 30)
    assert spelled(days)[:3] == ["2024-03-08", "2024-03-09", "2024-03-10"]


def test_a_start_that_comes_twice_begins_at_its_first_coming():
    days = DailyPartitionsDefinition("2023-11-03", timezone="America/New_York", hour_offset=1, minute_offset=30)
    # Python calls an ambiguous local time unequal to every time of another zone, so instants are compared.
    assert days.time_window_for_partition_key("2023-11-05").start.timestamp() == utc(2023, 11, 5, 5, 30).timestamp()


def test_the_second_of_two_equal_hours_carries_its_offset():
    hours = HourlyPartitionsDefinition("2023-11-05-00:00", "2023-11-05-04:00", timezone="America/New_York")
    assert spelled(hours) == [
        "2023-11-05-00:00",
        "2023-11-05-01:00",
        "2023-11-05-01:00-0500",
        "2023-11-05-02:00",
        "2023-11-05-03:00",
    ]
    assert hours.time_window_for_partition_key("2023-11-05-01:00").start.timestamp() == utc(2023, 11, 5, 5).timestamp()
    second = hours.time_window_for_partition_key("2023-11-05-01:00-0500")
    assert second.start.timestamp() == utc(2023, 11, 5, 6).timestamp()
    with_offset = HourlyPartitionsDefinition(
        "2023-11-05-00:00-0400", "2023-11-05-03:00-0500", timezone="America/New_York", fmt="%Y-%m-%d-%H:%M%z"
    )
    assert spelled(with_offset)[1:3] == ["2023-11-05-01:00-0400", "2023-11-05-01:00-0500"]


def test_the_skipped_hour_has_no_partition():
    hours = HourlyPartitionsDefinition("2024-03-10-00:00", "2024-03-10-04:00", timezone="America/New_York")
    assert spelled(hours) == ["2024-03-10-00:00", "2024-03-10-01:00", "2024-03-10-03:00"]
    assert not hours.has_partition_key("2024-03-10-02:00", MARCH_12)


def test_lord_howe_moves_its_clock_by_half_an_hour():
    autumn = HourlyPartitionsDefinition("2023-04-02-00:00", "2023-04-02-04:00", timezone="Australia/Lord_Howe")
    assert spelled(autumn) == [f"2023-04-02-0{hour}:00" for hour in range(4)]
    assert autumn.time_window_for_partition_key("2023-04-02-01:00").duration == timedelta(minutes=90)
    late = HourlyPartitionsDefinition(
        "2023-04-02-00:00", "2023-04-02-04:00", minute_offset=45, timezone="Australia/Lord_Howe"
    )
    assert spelled(late) == ["2023-04-02-00:45", "2023-04-02-01:45", "2023-04-02-01:45+1030", "2023-04-02-02:45"]


def test_casablanca_leaves_summer_time_for_ramadan():
    days = DailyPartitionsDefinition("2023-03-01", timezone="Africa/Casablanca")
    assert days.time_window_for_partition_key("2023-03-19").duration == timedelta(hours=25)
    assert days.time_window_for_partition_key("2023-04-23").duration == timedelta(hours=23)


def test_a_day_that_samoa_skipped_has_a_window_of_no_length():
    days = DailyPartitionsDefinition("2011-12-28", timezone="Pacific/Apia")
    assert days.time_window_for_partition_key("2011-12-30").is_empty
    assert days.get_partition_key_for_timestamp(utc(2011, 12, 30, 10).timestamp()) == "2011-12-31"


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"])
def test_hourly_windows_begin_wherever_the_local_clock_shows_their_minute(zone):
    tz = find_zone(zone)
    begin, end = int(utc(2023, 3, 10).timestamp()), int(utc(2023, 11, 10).timestamp())
    shown = [second for second in range(begin, end, 900) if datetime.fromtimestamp(second, tz).minute == 15]
    cadence = HourlyCadence(tz, (15,))
    first = cadence.number_from(begin)
    assert [cadence.instant(first + index) for index in range(len(shown))] == shown


@given(time_windows(), st.floats(-30, 400))
def test_windows_tile_time_and_hold_every_instant_once(definition, days):
    seconds = utc(2023, 1, 1).timestamp() + days * 86400
    cadence = definition.cadence
    number = cadence.number_at(seconds)
    assert cadence.instant(number) <= seconds < cadence.instant(number + 1)
    assert cadence.number_from(cadence.instant(number)) == number
    assert cadence.number_before(cadence.instant(number + 1)) == number


@given(time_windows())
def test_a_key_reads_back_as_the_window_that_it_names(definition):
    keys = definition.get_partition_keys(NOW)
    assert len(set(keys)) == len(keys) == definition.get_num_partitions(NOW)
    for key in keys[:50]:
        assert definition.has_partition_key(key, NOW)
        window = definition.time_window_for_partition_key(key)
        assert definition.get_partition_key_for_timestamp(window.start.timestamp()) == key
        assert definition.get_partition_key_for_timestamp(window.end.timestamp(), end_closed=True) == key
        assert definition.get_partition_key(key) == key


@given(time_windows())
def test_a_definition_survives_pickling(definition):
    assert pickle.loads(pickle.dumps(definition)) == definition


@given(zones, st.integers(0, 23), st.integers(0, 59), st.datetimes(datetime(1990, 1, 1), datetime(2050, 1, 1)))
def test_daily_numbers_follow_the_calendar_in_every_zone(zone, hour, minute, moment):
    days = DailyPartitionsDefinition("1990-01-01", timezone=zone, hour_offset=hour, minute_offset=minute)
    key = moment.strftime("%Y-%m-%d")
    assert days.find_ordinal(key) == moment.toordinal()
    assert days.key_at(moment.toordinal()) == key


def test_an_unknown_key_is_named_with_the_valid_range():
    days = DailyPartitionsDefinition("2024-01-15")
    with pytest.raises(UnknownPartitionError) as raised:
        days.validate_partition_key("2023-06-01", MARCH_12)
    assert '"2023-06-01"' in str(raised.value)
    assert 'like "2024-01-15" and run to "2024-03-11"' in str(raised.value)
    assert "daily from 2024-01-15 (UTC)" in str(raised.value)
    days.validate_partition_key("2024-01-15", MARCH_12)


@pytest.mark.parametrize(
    ("definition", "asked", "meant"),
    [
        (WeeklyPartitionsDefinition("2024-01-01"), "2024-01-10", "2024-01-07"),
        (MonthlyPartitionsDefinition("2024-01-01"), "2024-01-15", "2024-01-01"),
        (MonthlyPartitionsDefinition("2024-01-01", timezone="Europe/Berlin"), "2024-02-29", "2024-02-01"),
        (DailyPartitionsDefinition("2024-01-01"), "2024-1-5", "2024-01-05"),
    ],
)
def test_a_key_within_a_window_offers_that_window(
    definition: TimeWindowPartitionsDefinition, asked: str, meant: str
) -> None:
    with pytest.raises(UnknownPartitionError, match=f'Did you mean "{meant}"'):
        definition.validate_partition_key(asked, MARCH_12)


def test_before_the_first_window_is_over_the_error_says_when_it_will_be():
    with pytest.raises(UnknownPartitionError, match="first window ends at 2024-05-02"):
        DailyPartitionsDefinition("2024-05-01").validate_partition_key("2024-05-01", MARCH_12)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: DailyPartitionsDefinition("yesterday"), 'start "yesterday" does not fit the format "%Y-%m-%d"'),
        (lambda: DailyPartitionsDefinition("2024-01-01", timezone="America/New_Yrok"), 'mean "America/New_York"'),
        (lambda: DailyPartitionsDefinition("2024-01-01", hour_offset=25), "hour_offset is 25"),
        (lambda: DailyPartitionsDefinition("01/15", fmt="%m/%d", end_date=None, exclusions=["nope"]), '"nope"'),
        (lambda: HourlyPartitionsDefinition("2024-01-01", fmt="%Y-%m-%d"), "writes different windows"),
        (lambda: TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d"), "Exactly one of"),
        (
            lambda: TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d", cron_schedule="0 0 30 2 *"),
            "Bad day-of-month",
        ),
        (lambda: TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d", cron_schedule="daily"), '"daily" is not'),
        (
            lambda: TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d", cron_schedule="0 0 * * *", hour_offset=3),
            "Offsets were given beside",
        ),
    ],
)
def test_a_definition_that_means_nothing_is_refused(build, message):
    with pytest.raises(InvalidPartitionsDefinitionError) as raised:
        build()
    assert message in str(raised.value)


def test_windows_before_and_after_an_instant():
    days = DailyPartitionsDefinition("2024-01-15")
    at = utc(2024, 1, 17, 5)
    assert days.get_next_partition_window(at, current_time=MARCH_12).start == utc(2024, 1, 18)
    assert days.get_prev_partition_window(at, current_time=MARCH_12).start == utc(2024, 1, 16)
    assert days.get_next_partition_window(MARCH_12, current_time=MARCH_12) is None
    assert days.get_prev_partition_window(utc(2020, 1, 1), current_time=MARCH_12) is None
    assert days.get_first_partition_window(MARCH_12).start == utc(2024, 1, 15)
    assert days.get_last_partition_window(MARCH_12).end == utc(2024, 3, 12)


def test_keys_of_a_stretch_of_time():
    days = DailyPartitionsDefinition("2024-01-15")
    stretch = TimeWindow(utc(2024, 1, 17, 5), utc(2024, 1, 20, 5))
    expected = ["2024-01-18", "2024-01-19", "2024-01-20"]
    assert days.get_partition_keys_in_time_window(stretch, MARCH_12) == expected
    assert days.get_num_partitions_in_window(stretch, MARCH_12) == 3
    assert list(days.get_partition_subset_in_time_window(stretch, MARCH_12)) == expected
    assert days.get_partition_key_range_for_time_window(stretch) == PartitionKeyRange("2024-01-18", "2024-01-20")
    assert days.get_partition_keys_between_indexes(1, 3, MARCH_12) == ["2024-01-16", "2024-01-17"]
    assert days.time_windows_for_partition_keys(["2024-01-18", "2024-01-17", "2024-01-20"]) == [
        TimeWindow(utc(2024, 1, 17), utc(2024, 1, 19)),
        TimeWindow(utc(2024, 1, 20), utc(2024, 1, 21)),
    ]


def test_a_range_needs_both_ends_and_is_empty_when_they_are_swapped():
    days = DailyPartitionsDefinition("2024-01-15")
    swapped = PartitionKeyRange("2024-01-20", "2024-01-18")
    assert days.get_partition_keys_in_range(swapped, MARCH_12) == []
    with pytest.raises(UnknownPartitionError, match="2020-01-16"):
        days.get_partition_keys_in_range(PartitionKeyRange("2020-01-16", "2024-01-18"), MARCH_12)


def test_the_schedule_that_runs_each_window_can_be_moved_within_it():
    assert DailyPartitionsDefinition("2024-01-15").get_cron_schedule(hour_of_day=3) == "0 3 * * *"
    assert HourlyPartitionsDefinition("2024-01-15").get_cron_schedule(minute_of_hour=3) == "3 * * * *"
    assert WeeklyPartitionsDefinition("2024-01-15").get_cron_schedule(day_of_week=2) == "0 0 * * 2"
    assert MonthlyPartitionsDefinition("2024-01-15").get_cron_schedule(day_of_month=3) == "0 0 3 * *"
    with pytest.raises(InvalidPartitionsDefinitionError):
        HourlyPartitionsDefinition("2024-01-15").get_cron_schedule(hour_of_day=3)


def test_a_definition_tells_its_schedule_and_offsets():
    weeks = WeeklyPartitionsDefinition("2024-01-15", minute_offset=5, hour_offset=6, day_offset=2)
    assert (weeks.minute_offset, weeks.hour_offset, weeks.day_offset) == (5, 6, 2)
    assert weeks.schedule_type is ScheduleType.WEEKLY
    assert DailyPartitionsDefinition("2024-01-15").is_basic_daily
    assert HourlyPartitionsDefinition("2024-01-15").is_basic_hourly
    aliased = TimeWindowPartitionsDefinition("2024-01-15", "%Y-%m-%d", cron_schedule="@daily")
    assert aliased == DailyPartitionsDefinition("2024-01-15")


def test_a_definition_describes_itself_in_a_phrase():
    assert DailyPartitionsDefinition("2013-01-01", "2014-01-01").describe() == (
        "daily from 2013-01-01 to 2014-01-01 (UTC)"
    )


def test_an_end_far_in_the_future_is_like_none():
    days = DailyPartitionsDefinition("2024-03-09", "9999-12-31")
    assert spelled(days) == ["2024-03-09", "2024-03-10", "2024-03-11"]
    weekdays = TimeWindowPartitionsDefinition("2024-03-04", "%Y-%m-%d", "9999-12-31", cron_schedule="0 0 * * 1-5")
    assert len(spelled(weekdays)) == 6


def test_a_mistyped_century_is_refused_without_counting_to_it():
    weekdays = TimeWindowPartitionsDefinition("2024-03-04", "%Y-%m-%d", cron_schedule="0 0 * * 1-5")
    for key in ("0203-03-05", "9024-03-05"):
        with pytest.raises(UnknownPartitionError, match='like "2024-03-04"'):
            weekdays.validate_partition_key(key, MARCH_12)


def test_a_key_that_exclusions_leave_out_is_told_so():
    workdays = DailyPartitionsDefinition("2024-03-01", exclusions=["0 0 * * 1"])
    with pytest.raises(UnknownPartitionError, match="exclusions leave it out"):
        workdays.validate_partition_key("2024-03-04", MARCH_12)


def test_a_million_hours_cost_nothing_to_define_and_to_ask():
    hours = HourlyPartitionsDefinition("1910-01-01", timezone="Australia/Lord_Howe")
    assert hours.get_num_partitions(utc(2024, 6, 1)) > 1_000_000
    assert hours.get_last_partition_key(utc(2024, 6, 1)) == "2024-06-01-09:00"
    assert hours.has_partition_key("1987-05-06-07:00", utc(2024, 6, 1))
