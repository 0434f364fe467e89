"""Executors can be declared, configured and named; a run that would need one of the user's own is refused, by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import headwater as hw
from headwater.authoring.executors import limit_of
from headwater.model.errors.executors import UnsupportedExecutorError


class FarAway(hw.Executor):
    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        raise AssertionError("no run is carried out by it")

    @property
    def retries(self) -> None:
        return None


@hw.executor(
    name="far_away",
    config_schema={"nodes": int},
    requirements=[hw.ExecutorRequirement.PERSISTENT_OUTPUTS],
)
def far_away(context: hw.InitExecutorContext) -> hw.Executor:
    return FarAway()


@hw.op
def one() -> int:
    return 1


@hw.job(executor_def=far_away)
def distant() -> None:
    one()


def test_an_executor_of_ones_own_can_be_declared_and_configured():
    assert far_away.name == "far_away"
    assert far_away.get_requirements({}) == [hw.ExecutorRequirement.PERSISTENT_OUTPUTS]
    four = far_away.configured({"nodes": 4}, name="four_away")
    assert four.name == "four_away"
    assert four.resolve_config() == {"nodes": 4}
    assert far_away.configured({"nodes": 1}).name == "far_away"
    with pytest.raises(hw.InvalidConfigError, match="nodes"):
        far_away.configured({"nodes": "many"})

    @hw.executor
    def plain(context: hw.InitExecutorContext) -> hw.Executor:
        return FarAway()

    assert plain.name == "plain"


def test_a_run_that_needs_an_executor_of_ones_own_is_refused_before_it_is_recorded():
    with hw.Instance.ephemeral() as instance:
        with pytest.raises(UnsupportedExecutorError, match=r'"far_away".*in_process_executor'):
            hw.execute_job(distant, instance, run_config={"execution": {"config": {"nodes": 2}}})
        assert instance.get_runs() == []


def test_a_job_with_an_executor_of_ones_own_runs_in_process_when_asked_to():
    assert distant.execute_in_process().output_for_node("one") == 1
    assert distant.execute_in_process(run_config={"execution": {"config": {"nodes": 2}}}).success


def test_definitions_take_an_executor_that_exists_already():
    @hw.job
    def near() -> None:
        one()

    definitions = hw.Definitions(jobs=[near], executor=FarAway())
    executor_def = definitions.get_job_def("near").executor_def
    assert executor_def.name == "__executor__"
    assert "executor of your own" in str(limit_of(executor_def))


def test_config_of_the_executor_is_checked_with_all_other_config():
    @hw.job
    def near() -> None:
        one()

    hw.validate_run_config(near, {"execution": {"config": {"multiprocess": {"max_concurrent": 2}}}})
    hw.validate_run_config(near, {"execution": {"config": {"in_process": {"retries": {"disabled": {}}}}}})
    with pytest.raises(hw.InvalidConfigError, match="bogus"):
        hw.validate_run_config(near, {"execution": {"config": {"bogus": {}}}})
    with pytest.raises(hw.InvalidConfigError, match="nodes"):
        hw.validate_run_config(distant, {"execution": {"config": {"nodes": "two"}}})


def test_the_executors_of_headwater_take_the_config_that_the_field_knows():
    made = hw.multiprocess_executor.configured(
        {
            "max_concurrent": 4,
            "tag_concurrency_limits": [
                {"key": "database", "limit": 1},
                {"key": "tier", "value": "gold", "limit": 2},
                {"key": "tier", "value": {"applyLimitPerUniqueValue": True}, "limit": 2},
            ],
            "start_method": {"forkserver": {"preload_modules": ["pandas"]}},
            "retries": {"disabled": {}},
        }
    )
    assert made.name == "multiprocess"
    assert made.resolve_config()["max_concurrent"] == 4
    assert "without a service" in str(limit_of(made))
    assert limit_of(hw.in_process_executor.configured({"retries": {"enabled": {}}})) is None
    with pytest.raises(hw.InvalidConfigError, match="max_concurent"):
        hw.multiprocess_executor.configured({"max_concurent": 4})


def test_the_function_of_an_executor_may_depend_on_config():
    @hw.configured(far_away, config_schema={"racks": int})
    def racks(config: dict[str, int]) -> dict[str, int]:
        return {"nodes": config["racks"] * 40}

    assert racks.resolve_config({"racks": 2}) == {"nodes": 80}


def test_an_executor_of_several_processes_says_what_it_asks_for():
    asked = hw.multiple_process_executor_requirements()
    assert hw.ExecutorRequirement.NON_EPHEMERAL_INSTANCE in asked
    assert hw.multi_or_in_process_executor.get_requirements({"in_process": {}}) == ()
    assert hw.multi_or_in_process_executor.get_requirements({"multiprocess": {}}) == asked
