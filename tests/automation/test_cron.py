"""Ticks of a schedule: each counts once, and what waits for upstream waits for updates after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import headwater as hw
from headwater.model.events import AssetMaterialized
from tests.automation.scenario import DAILY, ONCE, A, Scenario, asset, day


def test_after_a_tick_an_asset_is_asked_for_as_soon_as_its_upstream_was_updated() -> None:
    a = asset("a")
    b = asset("b", A.on_cron("0 0 * * *"), a)
    c = asset("c", A.on_cron("0 0 * * *"), b)
    scenario = Scenario(a, b, c)
    scenario.evaluate(day(10))
    scenario.build(a)
    assert scenario.evaluate(day(10, 1)) == {}
    assert scenario.evaluate(day(11)) == {}
    scenario.build(a)
    assert scenario.evaluate(day(11, 1)) == {"b": ONCE, "c": ONCE}
    scenario.build(a)
    assert scenario.evaluate(day(11, 2)) == {}


def test_a_chain_on_one_schedule_is_asked_for_at_the_tick() -> None:
    a = asset("a", A.on_cron("@daily"))
    scenario = Scenario(a, asset("b", A.on_cron("@daily"), a))
    scenario.evaluate(day(10))
    assert scenario.evaluate(day(11)) == {"a": ONCE, "b": ONCE}
    assert scenario.evaluate(day(11, 1)) == {}
    assert scenario.evaluate(day(12)) == {"a": ONCE, "b": ONCE}


def test_a_tick_counts_once_also_on_its_very_second_and_several_count_as_one() -> None:
    scenario = Scenario(asset("a", A.cron_tick_passed("0 0 * * *")))
    assert scenario.evaluate(day(10, 23)) == {}
    assert scenario.evaluate(day(11, 0, 0)) == {"a": ONCE}
    assert scenario.evaluate(day(11, 0, 1)) == {}
    assert scenario.evaluate(day(14, 0, 1)) == {"a": ONCE}


def test_a_schedule_ticks_on_the_clock_of_its_timezone() -> None:
    scenario = Scenario(asset("a", A.cron_tick_passed("0 0 * * *", "America/New_York")))
    scenario.evaluate(day(10, 23))
    assert scenario.evaluate(day(11, 4, 59)) == {}
    assert scenario.evaluate(day(11, 5, 1)) == {"a": ONCE}


def test_of_a_daily_asset_the_day_before_the_tick_is_asked_for() -> None:
    a = asset("a", partitions_def=DAILY)
    scenario = Scenario(a, asset("b", A.on_cron("0 3 * * *"), a, partitions_def=DAILY))
    scenario.evaluate(day(10))
    scenario.evaluate(day(10, 3))
    scenario.build(a, partitions=["2024-01-08"])
    assert scenario.evaluate(day(10, 4)) == {}
    scenario.build(a, partitions=["2024-01-09"])
    assert scenario.evaluate(day(10, 5)) == {"b": {"2024-01-09"}}


def test_what_is_upstream_is_built_on_the_schedule_of_what_needs_it() -> None:
    a = asset("a", A.any_downstream_conditions())
    b = asset("b", A.any_downstream_conditions(), a)
    scenario = Scenario(a, b, asset("c", A.on_cron("@daily"), b))
    assert scenario.evaluate(day(10)) == {}
    assert scenario.evaluate(day(11)) == {"a": ONCE, "b": ONCE, "c": ONCE}
    assert scenario.evaluate(day(11, 1)) == {}


def test_the_latest_windows_reach_back_as_far_as_they_lie_wholly_within() -> None:
    now = datetime(2024, 1, 10, 0, 5, tzinfo=UTC)
    expected = {None: {"2024-01-09"}, 1: set(), 48: {"2024-01-08", "2024-01-09"}, 49: {"2024-01-08", "2024-01-09"}}
    for hours, days in expected.items():
        lookback = None if hours is None else timedelta(hours=hours)
        scenario = Scenario(asset("a", A.in_latest_time_window(lookback), partitions_def=DAILY))
        assert scenario.evaluate(now).get("a", set()) == days, hours


def test_an_asset_whose_days_have_ended_has_a_latest_one_and_one_whose_days_begin_later_has_none() -> None:
    ended = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")
    scenario = Scenario(
        asset("ended", A.in_latest_time_window(), partitions_def=ended),
        asset("future", A.in_latest_time_window(), partitions_def=hw.DailyPartitionsDefinition("2025-01-01")),
    )
    assert scenario.evaluate(day(10)) == {"ended": {"2024-01-04"}}


def test_of_an_update_and_a_tick_between_two_evaluations_the_later_one_counts() -> None:
    asked = {}
    for when, built_at in {"before": day(11, 0, 0) - timedelta(minutes=1), "after": day(11, 0, 1)}.items():
        a = asset("a")
        scenario = Scenario(
            a,
            asset("on_cron", A.on_cron("0 0 * * *"), a),
            asset("updated", A.any_deps_match(A.newly_updated()).since(A.cron_tick_passed("0 0 * * *")), a),
            asset("ticked", A.cron_tick_passed("0 0 * * *").since(A.any_deps_match(A.newly_updated())), a),
        )
        scenario.evaluate(day(10))
        scenario.instance.store.append(AssetMaterialized(asset="a", timestamp=built_at.timestamp()))
        asked[when] = set(scenario.evaluate(day(11, 1)))
    assert asked == {"before": {"ticked"}, "after": {"on_cron", "updated"}}
