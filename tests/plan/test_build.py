"""What a plan holds: steps in an order in which they can run, their needs, and what comes from outside."""

from __future__ import annotations

import pytest

import headwater as hw
from headwater.plan.build import build_plan
from headwater.plan.run_plan import FromConfig, FromMany, FromStep, KnownOutputs, Need


@hw.op
def one() -> int:
    return 1


@hw.op
def add(x: int) -> int:
    return x + 1


@hw.op
def total(xs: list[int]) -> int:
    return sum(xs)


@hw.job
def work() -> None:
    first = one()
    total([first, add(first)])


def test_steps_stand_in_an_order_in_which_they_can_run_and_name_their_sources() -> None:
    with hw.instance_for_test() as instance:
        plan = build_plan(work, store=instance).plan
    assert plan.step_keys == ("one", "add", "total")
    assert plan.steps[1].inputs == {"x": FromStep("one", "result")}
    assert plan.steps[2].needs == (Need((("one", "result"), ("add", "result")), is_fan_in=True),)


def test_what_no_step_of_the_run_gives_is_left_to_config_and_what_an_earlier_run_gave_is_not() -> None:
    with hw.instance_for_test() as instance:
        alone = build_plan(work, store=instance, step_keys=["total"]).plan
        assert alone.steps[0].inputs == {"xs": FromConfig(("total", "xs"))}
        known = {"add": KnownOutputs("run-0", (("result", None),))}
        continued = build_plan(work, store=instance, step_keys=["total"], known_outputs=known).plan
        assert continued.steps[0].inputs == {"xs": FromMany((FromStep("add", "result"),))}


def test_a_step_that_is_not_there_is_named_with_the_nearest_one() -> None:
    with hw.instance_for_test() as instance, pytest.raises(hw.InvalidSubsetError, match='Did you mean "total"'):
        build_plan(work, store=instance, step_keys=["totl"])


def test_a_multi_asset_is_split_as_often_as_paths_leave_it_and_come_back() -> None:
    count = 300
    specs = [
        hw.AssetSpec(f"own{number}", skippable=True, deps=[f"other{number - 1}"] if number else [])
        for number in range(count)
    ]

    @hw.multi_asset(specs=specs, can_subset=True)
    def many() -> None: ...

    def other(number: int) -> hw.AssetsDefinition:
        @hw.asset(name=f"other{number}", deps=[f"own{number}"])
        def between() -> None: ...

        return between

    definitions = hw.Definitions(assets=[many, *(other(number) for number in range(count - 1))])
    with hw.instance_for_test() as instance:
        plan = build_plan(definitions.global_asset_job, store=instance).plan
    assert [str(step.assets[0].key) for step in plan.steps] == [
        f"{kind}{number}" for number in range(count) for kind in ("own", "other")
    ][: 2 * count - 1]
