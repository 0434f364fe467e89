"""Single facts: failures, runs in progress, versions, tags of runs, checks, observed and external assets, freshness."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import headwater as hw
from headwater.model.events import AssetMaterialized
from headwater.model.runs import Run, RunStatus
from tests.automation.scenario import DAILY, LETTERS, ONCE, A, Scenario, asset, day


def failing(name: str, *upstream: Any, **kwargs: Any) -> hw.AssetsDefinition:
    @hw.asset(name=name, deps=list(upstream), automation_condition=A.execution_failed(), **kwargs)
    def fails() -> None:
        raise ValueError("no")

    return fails


def test_what_failed_and_what_was_blocked_by_it_count_as_failed_until_they_are_built() -> None:
    a, b = failing("a"), asset("b", A.execution_failed(), "a")
    scenario = Scenario(a, b)
    assert scenario.evaluate() == {}
    scenario.build(a, b)
    assert scenario.evaluate() == {"a": ONCE, "b": ONCE}
    scenario.build(b)
    assert scenario.evaluate() == {"a": ONCE}


def test_each_partition_fails_by_itself() -> None:
    a = failing("a", partitions_def=LETTERS)
    scenario = Scenario(a)
    scenario.build(a, partitions=["a", "c"])
    assert scenario.evaluate() == {"a": {"a", "c"}}


def test_what_an_unfinished_run_has_still_to_build_is_in_progress() -> None:
    found: list[Any] = []
    scenario = Scenario()
    a = asset("a", A.in_progress(), partitions_def=LETTERS)

    @hw.asset(deps=[a], automation_condition=A.in_progress(), partitions_def=LETTERS)
    def b() -> None:
        found.append(scenario.evaluate())

    c = asset("c", A.in_progress(), b, partitions_def=LETTERS)
    scenario.declare(a, b, c)
    scenario.build(a, b, c, partitions=["b"])
    assert found == [{"b": {"b"}, "c": {"b"}}]
    assert scenario.evaluate() == {}


def test_a_run_that_waits_in_the_queue_is_in_progress() -> None:
    a = asset("a", A.in_progress())
    scenario = Scenario(a)
    scenario.instance.store.create_run(Run("1", "job", RunStatus.QUEUED, asset_selection=(a.key,)))
    assert scenario.evaluate() == {"a": ONCE}


def test_an_external_asset_is_there_once_it_is_reported_and_an_observation_is_no_update_of_it() -> None:
    x = hw.AssetSpec("x")
    scenario = Scenario(
        x,
        asset("missing", A.any_deps_match(A.missing()), x),
        asset("updated", A.any_deps_match(A.newly_updated()), x),
        asset("unknown", A.any_deps_match(A.missing()), "nobody"),
    )
    assert scenario.evaluate() == {"missing": ONCE, "unknown": ONCE}
    scenario.instance.report_runless_asset_event(hw.AssetObservation("x"))
    assert scenario.evaluate() == {"missing": ONCE, "unknown": ONCE}
    scenario.instance.report_runless_asset_event(hw.AssetMaterialization("x"))
    assert scenario.evaluate() == {"updated": ONCE, "unknown": ONCE}


def test_an_observed_source_is_updated_when_its_data_version_changes() -> None:
    version = ["1"]

    @hw.observable_source_asset
    def source() -> hw.DataVersion:
        return hw.DataVersion(version[0])

    scenario = Scenario(source, asset("b", A.any_deps_match(A.newly_updated()), source), asset("e", A.eager(), source))
    assert scenario.evaluate() == {}
    for seen, requests in [("1", {"b": ONCE, "e": ONCE}), ("1", {}), ("2", {"b": ONCE, "e": ONCE}), ("2", {})]:
        version[0] = seen
        hw.observe([source], instance=scenario.instance)
        assert scenario.evaluate() == requests


def test_a_data_version_changes_once_and_only_where_it_is_another() -> None:
    version = ["1"]

    @hw.asset(automation_condition=A.data_version_changed(), partitions_def=LETTERS)
    def a() -> hw.Output[int]:
        return hw.Output(1, data_version=hw.DataVersion(version[0]))

    scenario = Scenario(a)
    scenario.build(a, partitions=["a"])
    assert scenario.evaluate() == {}
    scenario.build(a, partitions=["a", "b"])
    assert scenario.evaluate() == {"a": {"b"}}
    version[0] = "2"
    scenario.build(a, partitions=["b"])
    assert scenario.evaluate() == {"a": {"b"}}
    assert scenario.evaluate() == {}


def test_a_code_version_changes_at_the_first_evaluation_after_it() -> None:
    def versioned(version: str | None) -> hw.AssetsDefinition:
        return asset("a", A.code_version_changed(), code_version=version)

    scenario = Scenario(versioned("1"))
    found = [scenario.evaluate()]
    for version in ("1", "2", "2", None):
        scenario.declare(versioned(version))
        found.append(scenario.evaluate())
    assert found == [{}, {}, {"a": ONCE}, {}, {"a": ONCE}]


def test_the_tags_of_the_latest_run_and_of_all_new_runs_can_be_asked_for() -> None:
    a = asset("a")
    tags = {"k": "1"}
    scenario = Scenario(
        a,
        asset("latest", A.any_deps_match(A.executed_with_tags(tag_values=tags)), a),
        asset("any_new", A.any_deps_match(A.any_new_update_has_run_tags(tag_values=tags)), a),
        asset("all_new", A.any_deps_match(A.all_new_updates_have_run_tags(tag_values=tags)), a),
    )
    scenario.build(a)
    assert scenario.evaluate() == {}
    scenario.build(a, tags={"k": "1"})
    assert scenario.evaluate() == {"latest": ONCE, "any_new": ONCE, "all_new": ONCE}
    assert scenario.evaluate() == {"latest": ONCE}
    scenario.build(a, tags={"k": "1"})
    scenario.build(a)
    assert scenario.evaluate() == {"any_new": ONCE}
    scenario.instance.report_runless_asset_event(hw.AssetMaterialization("a"))
    assert scenario.evaluate() == {}


def test_it_is_known_whether_an_update_came_with_the_asset_itself() -> None:
    a = asset("a", partitions_def=LETTERS)
    b = asset("b", A.any_deps_match(A.executed_with_root_target()), a, partitions_def=LETTERS)
    scenario = Scenario(a, b)
    scenario.build(a, b, partitions=["a"])
    scenario.build(a, partitions=["b"])
    assert scenario.evaluate() == {"b": {"a"}}


def test_a_check_speaks_of_the_value_that_is_there_now() -> None:
    a = asset("a")
    passes = [True]

    @hw.asset_check(asset=a, blocking=True)
    def check() -> hw.AssetCheckResult:
        return hw.AssetCheckResult(passed=passes[0])

    scenario = Scenario(
        a,
        check,
        asset("passed", A.all_deps_blocking_checks_passed(), a),
        asset("failed", A.any_deps_match(A.any_checks_match(A.check_failed())), a),
        asset("missing", A.any_deps_match(A.any_checks_match(A.missing())), a),
        asset("updated", A.any_deps_match(A.all_checks_match(A.newly_updated())), a),
    )
    assert scenario.evaluate() == {"missing": ONCE}
    scenario.build(a, check)
    assert scenario.evaluate() == {"passed": ONCE, "updated": ONCE}
    assert scenario.evaluate() == {"passed": ONCE}
    scenario.build(a)
    assert scenario.evaluate() == {"missing": ONCE}
    passes[0] = False
    scenario.build(a, check)
    assert scenario.evaluate() == {"failed": ONCE, "updated": ONCE}


def test_a_check_has_a_condition_of_its_own_and_what_waits_for_it_is_asked_for_with_it() -> None:
    a = asset("a")

    @hw.asset_check(asset=a, blocking=True, automation_condition=A.eager())
    def check() -> hw.AssetCheckResult:
        return hw.AssetCheckResult(passed=True)

    scenario = Scenario(a, check, asset("b", A.eager() & A.all_deps_blocking_checks_passed(), a))
    assert scenario.evaluate() == {}
    scenario.build(a)
    assert scenario.evaluate() == {"a:check": ONCE, "b": ONCE}


def test_a_check_inside_an_asset_is_asked_for_with_it() -> None:
    @hw.asset(check_specs=[hw.AssetCheckSpec("inside", asset="a", blocking=True)], automation_condition=A.missing())
    def a() -> Any:
        yield hw.Output(1)
        yield hw.AssetCheckResult(passed=True)

    scenario = Scenario(a, asset("b", A.all_deps_blocking_checks_passed(), a))
    assert scenario.evaluate() == {"a": ONCE, "a:inside": ONCE, "b": ONCE}
    scenario.build(a)
    assert scenario.evaluate() == {"b": ONCE}


def test_a_check_whose_function_raised_failed() -> None:
    a = asset("a")

    @hw.asset_check(asset=a, automation_condition=A.execution_failed())
    def check() -> hw.AssetCheckResult:
        raise ValueError("no")

    scenario = Scenario(a, check)
    assert scenario.evaluate() == {}
    scenario.build(a, check)
    assert scenario.evaluate() == {"a:check": ONCE}


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (
            hw.FreshnessPolicy.time_window(timedelta(hours=4), timedelta(hours=2)),
            ["passed", "passed", "warned", "failed"],
        ),
        (
            hw.FreshnessPolicy.cron("0 5 * * *", timedelta(hours=2)),
            ["passed", "passed", "passed", "passed"],
        ),
        (
            hw.FreshnessPolicy.cron("0 6 * * *", timedelta(hours=1)),
            ["passed", "passed", "failed", "failed"],
        ),
    ],
)
def test_freshness_is_told_by_what_is_recorded(policy: hw.FreshnessPolicy, words: list[str]) -> None:
    scenario = Scenario(
        asset("passed", A.freshness_passed(), freshness_policy=policy),
        asset("warned", A.freshness_warned(), freshness_policy=policy),
        asset("failed", A.freshness_failed(), freshness_policy=policy),
    )
    assert scenario.evaluate(day(10, 4)) == {}
    for name in ("passed", "warned", "failed"):
        scenario.instance.store.append(AssetMaterialized(asset=name, timestamp=day(10, 4).timestamp()))
    found = [next(iter(scenario.evaluate(day(10, hour, 2))), None) for hour in (4, 5, 6, 8)]
    assert found == words


def test_history_that_was_trimmed_changes_no_answer() -> None:
    a = asset("a")
    scenario = Scenario(a, asset("b", A.eager(), a))
    scenario.evaluate()
    scenario.build(a)
    scenario.instance.store.prune(float("inf"))
    assert scenario.evaluate() == {"b": ONCE}
    scenario.instance.store.prune(float("inf"))
    assert scenario.evaluate() == {}


def test_hours_that_were_built_update_their_day_and_days_need_every_hour_that_is_missing() -> None:
    hours = hw.HourlyPartitionsDefinition("2024-01-01-00:00")
    up = asset("up", partitions_def=hours)
    scenario = Scenario(
        up,
        asset("updated", A.any_deps_match(A.newly_updated()), up, partitions_def=DAILY),
        asset("missing", A.any_deps_match(A.missing()), up, partitions_def=DAILY),
        asset("whole", A.any_deps_match(A.newly_updated()), up),
    )
    days = {"2024-01-01", "2024-01-02", "2024-01-03"}
    assert scenario.evaluate(day(4)) == {"missing": days}
    scenario.build(up, partitions=["2024-01-02-05:00"])
    assert scenario.evaluate(day(4, 1)) == {"updated": {"2024-01-02"}, "missing": days, "whole": ONCE}
