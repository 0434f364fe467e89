from datetime import UTC, datetime, timedelta, timezone

from headwater.model.clock import fixed_clock, utc_now


def test_the_clock_tells_aware_utc_time():
    assert utc_now().utcoffset() == timedelta(0)


def test_a_fixed_clock_stands_still_inside_the_block_only():
    instant = datetime(2024, 3, 1, tzinfo=timezone(timedelta(hours=2)))
    with fixed_clock(instant) as fixed:
        assert utc_now() == fixed == instant
        with fixed_clock(datetime(2020, 1, 1)):
            assert utc_now() == datetime(2020, 1, 1, tzinfo=UTC)
        assert utc_now() == instant
    assert utc_now() > instant
