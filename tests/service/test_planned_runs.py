"""Runs of a backfill as a worker plans them: each with the checks and the config that concern it."""

from __future__ import annotations

import headwater as hw
from headwater.service.errands import planned_runs
from headwater.service.protocol import LaunchRequest, PlanRuns, decode_run


def test_each_run_has_the_checks_and_the_config_of_what_it_builds():
    class Scale(hw.Config):
        factor: int = 1

    @hw.asset
    def first(config: Scale) -> int:
        return config.factor

    @hw.asset
    def second() -> None: ...

    @hw.asset_check(asset=first)
    def of_first() -> hw.AssetCheckResult:
        return hw.AssetCheckResult(passed=True)

    @hw.asset_check(asset=second)
    def of_second() -> hw.AssetCheckResult:
        return hw.AssetCheckResult(passed=True)

    definitions = hw.Definitions(assets=[first, second], asset_checks=[of_first, of_second])
    config = {"ops": {"first": {"config": {"factor": 2}}}}
    with hw.Instance.ephemeral() as instance:
        answer = planned_runs(
            definitions,
            instance,
            PlanRuns(
                1, tuple(LaunchRequest("", asset_keys=(name,), run_config=config) for name in ("first", "second"))
            ),
        )
        wrong = planned_runs(
            definitions,
            instance,
            PlanRuns(1, (LaunchRequest("", asset_keys=("second",), run_config={"ops": {"frst": {}}}),)),
        )
    runs = [decode_run(each.run) for each in answer.runs]
    assert [[key.name for key in run.check_selection] for run in runs] == [["of_first"], ["of_second"]]
    assert [run.run_config for run in runs] == [config, {}]
    assert wrong.runs[0].problem is not None
