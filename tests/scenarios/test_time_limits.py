"""Limits of attempts and of whole runs: what is stopped, what is kept, and how it is recorded."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import headwater as hw
from headwater.model.events import AssetMaterialized, Event, RunFailed, StepFailed
from headwater.model.runs import StepStatus
from headwater.runtime.execute import launch

LIMIT = 0.15


def quick_enough(began: float) -> bool:
    return time.perf_counter() - began < 3.0


def failure_of(result: hw.ExecuteInProcessResult, step: str) -> StepFailed:
    return next(event for event in result.get_step_failure_events() if event.step_key == step)


def test_an_asset_that_sleeps_too_long_is_stopped_and_what_depends_on_it_is_blocked() -> None:
    @hw.asset(timeout=LIMIT)
    def slow() -> int:
        time.sleep(30)
        return 1

    @hw.asset
    def after(slow: int) -> int:
        return slow

    began = time.perf_counter()
    result = hw.materialize([slow, after], raise_on_error=False)
    assert quick_enough(began)
    failed = failure_of(result, "slow")
    assert failed.cause == "timeout"
    assert failed.error is not None
    assert '"slow" was stopped after its time limit of 0.15 s.' in failed.error.message
    assert result.step_statuses["after"] is StepStatus.BLOCKED
    with pytest.raises(hw.StepTimeoutError):
        hw.materialize([slow])


def test_a_busy_step_is_stopped_and_may_be_tried_again() -> None:
    attempts = []

    @hw.op(timeout=LIMIT, retry_policy=hw.RetryPolicy(max_retries=1))
    def busy() -> int:
        attempts.append(1)
        while len(attempts) == 1:
            pass
        return 2

    @hw.job
    def work() -> None:
        busy()

    result = work.execute_in_process()
    assert result.output_for_node("busy") == 2
    assert result.retry_attempts_for_node("busy") == 1


def test_a_step_that_swallows_the_interruption_has_failed_all_the_same() -> None:
    @hw.asset(timeout=LIMIT)
    def stubborn() -> int:
        try:
            time.sleep(30)
        except BaseException:
            return 1
        return 2

    result = hw.materialize([stubborn], raise_on_error=False)
    assert failure_of(result, "stubborn").cause == "timeout"


def test_an_async_step_is_stopped_while_others_go_on() -> None:
    @hw.asset(timeout=LIMIT)
    async def slow() -> int:
        await asyncio.sleep(30)
        return 1

    @hw.asset
    async def other() -> int:
        await asyncio.sleep(2 * LIMIT)
        return 1

    began = time.perf_counter()
    result = hw.materialize([slow, other], raise_on_error=False)
    assert quick_enough(began)
    assert failure_of(result, "slow").cause == "timeout"
    assert result.is_node_success("other")


def test_a_step_outside_the_main_thread_has_its_limit_too() -> None:
    @hw.asset(timeout=LIMIT)
    def busy() -> int:
        until = time.perf_counter() + 30
        while time.perf_counter() < until:
            pass
        return 1

    results: list[hw.ExecuteInProcessResult] = []
    thread = threading.Thread(target=lambda: results.append(hw.materialize([busy], raise_on_error=False)))
    thread.start()
    thread.join(10)
    assert failure_of(results[0], "busy").cause == "timeout"


def test_what_a_limited_generator_gives_is_told_as_it_comes_and_kept_when_time_is_up() -> None:
    seen: list[str] = []

    @hw.multi_asset(specs=[hw.AssetSpec("a"), hw.AssetSpec("b")], timeout=LIMIT)
    def both() -> Iterator[Any]:
        yield hw.MaterializeResult(asset_key="a")
        seen.append("after the first")
        time.sleep(30)
        yield hw.MaterializeResult(asset_key="b")

    def on_event(event: Event) -> None:
        if isinstance(event, AssetMaterialized):
            seen.append(event.asset)

    with hw.instance_for_test() as instance:
        outcome = launch(hw.Definitions([both]), instance=instance, on_event=on_event)
        assert seen == ["a", "after the first"]
        assert not outcome.success
        assert instance.get_latest_materialization_event(hw.AssetKey("a")) is not None
        assert instance.get_latest_materialization_event(hw.AssetKey("b")) is None


def test_a_run_over_its_time_has_failed_its_running_step_is_stopped_and_nothing_more_is_started() -> None:
    @hw.op(retry_policy=hw.RetryPolicy(max_retries=3))
    def slow() -> int:
        time.sleep(30)
        return 1

    @hw.op
    def after(value: int) -> int:
        return value

    @hw.job(timeout=LIMIT)
    def work() -> None:
        after(slow())

    began = time.perf_counter()
    result = work.execute_in_process(raise_on_error=False)
    assert quick_enough(began)
    assert not result.success
    failed = failure_of(result, "slow")
    assert failed.error is not None
    assert 'The run\'s time limit of 0.15 s was over while "slow" ran.' in failed.error.message
    assert result.retry_attempts_for_node("slow") == 0


def test_a_run_whose_time_is_over_between_two_steps_has_failed() -> None:
    @hw.op
    def fails_first() -> int:
        raise hw.RetryRequested(max_retries=1, seconds_to_wait=30)

    @hw.job(timeout=LIMIT)
    def work() -> None:
        fails_first()

    began = time.perf_counter()
    result = work.execute_in_process(raise_on_error=False)
    assert quick_enough(began)
    ended = result.all_events[-1]
    assert isinstance(ended, RunFailed)
    assert ended.error is not None
    assert "time limit of 0.15 s was over" in ended.error.message
    assert result.step_statuses["fails_first"] is StepStatus.CANCELED
