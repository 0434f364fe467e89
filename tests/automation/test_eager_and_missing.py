"""`eager` and `on_missing`: what is built when something changes, and how often."""

from __future__ import annotations

from collections.abc import Iterator

import headwater as hw
from tests.automation.scenario import DAILY, LETTERS, ONCE, A, Scenario, asset, day


def test_nothing_is_asked_for_the_first_time_so_that_switching_on_builds_nothing() -> None:
    scenario = Scenario(asset("a", A.eager()), asset("b", A.on_missing()))
    assert scenario.evaluate() == {}
    assert scenario.evaluate() == {}


def test_an_update_asks_for_everything_downstream_in_one_evaluation_and_only_once() -> None:
    a = asset("a")
    b, c = asset("b", A.eager(), a), asset("c", A.eager(), "b")
    scenario = Scenario(a, b, c)
    scenario.evaluate()
    scenario.build(a)
    assert scenario.evaluate() == {"b": ONCE, "c": ONCE}
    assert scenario.evaluate() == {}


def test_what_is_there_before_the_first_evaluation_is_no_update() -> None:
    a = asset("a")
    scenario = Scenario(a, asset("b", A.eager(), a))
    scenario.build(a)
    assert scenario.evaluate() == {}
    scenario.build(a)
    assert scenario.evaluate() == {"b": ONCE}


def test_what_one_run_built_together_asks_for_nothing() -> None:
    a = asset("a")
    b = asset("b", A.eager(), a)
    scenario = Scenario(a, b)
    scenario.evaluate()
    scenario.build(a, b)
    assert scenario.evaluate() == {}


def test_an_asset_waits_for_all_of_its_upstreams_to_be_there() -> None:
    a, b = asset("a"), asset("b")
    scenario = Scenario(a, b, asset("c", A.eager(), a, b))
    scenario.evaluate()
    scenario.build(a)
    assert scenario.evaluate() == {}
    scenario.build(b)
    assert scenario.evaluate() == {"c": ONCE}


def test_an_attempt_that_failed_is_not_repeated_until_something_changes() -> None:
    a = asset("a")

    @hw.asset(deps=[a], automation_condition=A.eager())
    def b() -> None:
        raise ValueError("no")

    scenario = Scenario(a, b)
    scenario.evaluate()
    scenario.build(a)
    assert scenario.evaluate() == {"b": ONCE}
    scenario.build(b)
    assert scenario.evaluate() == {}
    scenario.build(a)
    assert scenario.evaluate() == {"b": ONCE}


def test_of_a_time_partitioned_asset_only_the_latest_day_is_asked_for() -> None:
    a = asset("a", partitions_def=DAILY)
    b = asset("b", A.eager(), a, partitions_def=DAILY)
    scenario = Scenario(a, b)
    scenario.evaluate(day(10))
    scenario.build(a, partitions=["2024-01-08", "2024-01-09"])
    assert scenario.evaluate(day(10, 1)) == {"b": {"2024-01-09"}}
    assert scenario.evaluate(day(11)) == {}
    scenario.build(a, partitions=["2024-01-10"])
    assert scenario.evaluate(day(11, 1)) == {"b": {"2024-01-10"}}


def test_a_day_that_begins_is_missing_and_asked_for_with_what_is_downstream_of_it() -> None:
    a = asset("a", A.eager(), partitions_def=DAILY)
    b = asset("b", A.eager(), a, partitions_def=DAILY)
    scenario = Scenario(a, b)
    scenario.evaluate(day(10))
    assert scenario.evaluate(day(11)) == {"a": {"2024-01-10"}, "b": {"2024-01-10"}}
    # Days that no evaluation saw as the latest are left to backfills.
    assert scenario.evaluate(day(13)) == {"a": {"2024-01-12"}, "b": {"2024-01-12"}}


def test_an_unpartitioned_upstream_updates_every_partition() -> None:
    a = asset("a")
    b = asset("b", A.eager(), a, partitions_def=LETTERS)
    scenario = Scenario(a, b)
    scenario.evaluate()
    scenario.build(a)
    assert scenario.evaluate() == {"b": {"a", "b", "c"}}


def test_an_asset_that_needs_its_own_day_before_waits_for_it() -> None:
    before = hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    a = asset("a", A.eager(), hw.AssetDep("a", partition_mapping=before), partitions_def=DAILY)
    scenario = Scenario(a)
    scenario.evaluate(day(10))
    assert scenario.evaluate(day(11)) == {}
    scenario.build(a, partitions=["2024-01-09"])
    assert scenario.evaluate(day(11, 1)) == {"a": {"2024-01-10"}}


def test_a_wiped_asset_is_missing_again() -> None:
    a = asset("a")
    b = asset("b", A.on_missing(), a)
    scenario = Scenario(a, b)
    scenario.evaluate()
    scenario.build(a, b)
    assert scenario.evaluate() == {}
    scenario.instance.wipe_assets([b.key])
    assert scenario.evaluate() == {"b": ONCE}
    assert scenario.evaluate() == {}


def test_dynamic_partitions_that_are_added_are_asked_for() -> None:
    files = hw.DynamicPartitionsDefinition(name="files")
    a = asset("a", A.on_missing(), partitions_def=files)
    b = asset("b", A.eager(), a, partitions_def=files)
    scenario = Scenario(a, b)
    scenario.instance.add_dynamic_partitions("files", ["x"])
    scenario.evaluate()
    scenario.instance.add_dynamic_partitions("files", ["y", "z"])
    assert scenario.evaluate() == {"a": {"y", "z"}, "b": {"y", "z"}}
    scenario.instance.delete_dynamic_partition("files", "z")
    assert scenario.evaluate() == {}
    scenario.instance.add_dynamic_partitions("files", ["z"])
    assert scenario.evaluate() == {"a": {"z"}, "b": {"z"}}


def test_a_multi_asset_that_is_built_only_as_a_whole_is_asked_for_as_a_whole() -> None:
    @hw.multi_asset(specs=[hw.AssetSpec("m1", automation_condition=A.missing()), hw.AssetSpec("m2")])
    def both() -> Iterator[hw.MaterializeResult[None]]:
        yield hw.MaterializeResult(asset_key="m1")
        yield hw.MaterializeResult(asset_key="m2")

    scenario = Scenario(both, asset("n", A.any_deps_match(A.will_be_requested()), "m2"))
    assert scenario.evaluate() == {"m1": ONCE, "m2": ONCE, "n": ONCE}
    assert scenario.last is not None
    assert scenario.last.total_requested == 2


def test_two_dimensions_are_latest_by_the_one_of_time() -> None:
    both = hw.MultiPartitionsDefinition({"date": DAILY, "letter": LETTERS})
    scenario = Scenario(asset("a", A.eager(), partitions_def=both))
    scenario.evaluate(day(10))
    assert scenario.evaluate(day(11)) == {"a": {"2024-01-10|a", "2024-01-10|b", "2024-01-10|c"}}
