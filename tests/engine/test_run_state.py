"""The run as a state machine: every case is told as what happened and what should be done then."""

from __future__ import annotations

import random
import time

import pytest

from headwater.engine.run_state import MOVES, LaunchStep, Record
from headwater.model.errors import InvariantViolationError
from headwater.model.events import (
    AssetMaterialized,
    AssetNotMaterialized,
    RunCanceled,
    RunFailed,
    RunSucceeded,
    StepBlocked,
    StepFailed,
    StepRetryScheduled,
    StepSkipped,
    StepSucceeded,
)
from headwater.model.policies import Backoff, Jitter, RetryPolicy
from headwater.model.runs import StepStatus
from headwater.plan.run_plan import KnownOutputs, Need, PlanStep
from tests.engine.scenario import NOON, Scenario, asset_step, chain, folded, minutes, step

WAITING, RUNNING, WAITING_TO_RETRY = StepStatus.WAITING, StepStatus.RUNNING, StepStatus.WAITING_TO_RETRY
SUCCEEDED, FAILED, BLOCKED = StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.BLOCKED
SKIPPED, CANCELED = StepStatus.SKIPPED, StepStatus.CANCELED


# ------------------------------------------------------------------------------------------------------ one after another


def test_a_chain_runs_one_step_after_another_and_ends_as_a_success() -> None:
    run = Scenario(chain("raw", "clean", "report"))
    assert [launch.key for launch in run.launches] == ["raw"]
    run.succeeds("raw")
    assert [launch.key for launch in run.launches] == ["clean"]
    run.succeeds("clean")
    run.succeeds("report", at=NOON + 3)
    assert run.recorded == [RunSucceeded(run_id="run-1", timestamp=NOON + 3)]
    assert run.state.is_finished


def test_a_run_of_no_steps_succeeds_at_once() -> None:
    assert Scenario([]).ended_as == "RUN_SUCCESS"


def test_a_step_waits_for_all_that_it_needs_and_is_started_once() -> None:
    run = Scenario([step("a"), step("b"), step("both", "a", "b", needs=(Need((("a", None),)),))])
    assert run.launched == ["a", "b"]
    run.succeeds("a")
    assert run.launches == []
    run.succeeds("b")
    assert run.launched == ["a", "b", "both"]


# ------------------------------------------------------------------------------------------------------------- retries


def test_a_step_that_keeps_failing_blocks_everything_downstream() -> None:
    run = Scenario(chain("raw", "clean", "report", retries=1, retry_delay=minutes(5)))
    raw = run.plan.steps[0]
    run.fails("raw", at=NOON)
    assert run.launches == [LaunchStep(raw, attempt=2, not_before=NOON + minutes(5))]
    assert run.statuses["raw"] is WAITING_TO_RETRY
    run.fails("raw", at=NOON + minutes(6), attempt=2)
    assert run.statuses == {"raw": FAILED, "clean": BLOCKED, "report": BLOCKED}
    assert [event.cause for event in run.recorded if isinstance(event, StepBlocked)] == ["raw", "raw"]
    ended = run.recorded[-1]
    assert isinstance(ended, RunFailed)
    assert ended.failed_steps == ("raw",)
    assert ended.error is not None
    assert ended.error.message == "no rows"


def test_a_retry_is_recorded_with_the_time_before_which_it_does_not_start() -> None:
    policy = RetryPolicy(max_retries=3, delay=2, backoff=Backoff.EXPONENTIAL)
    run = Scenario([step("a", retry_policy=policy)])
    for attempt, delay in ((1, 2.0), (2, 6.0), (3, 14.0)):
        run.fails("a", at=NOON, attempt=attempt)
        retry = StepRetryScheduled(
            run_id="run-1", step_key="a", timestamp=NOON, attempt=attempt + 1, not_before=NOON + delay
        )
        assert run.recorded == [retry]
    run.fails("a", attempt=4)
    assert run.statuses["a"] is FAILED


def test_linear_backoff_grows_by_the_delay() -> None:
    run = Scenario([step("a", retry_policy=RetryPolicy(max_retries=2, delay=10, backoff=Backoff.LINEAR))])
    run.fails("a", attempt=1)
    assert run.launches[0].not_before == NOON + 10
    run.fails("a", attempt=2)
    assert run.launches[0].not_before == NOON + 20


def test_jitter_is_the_same_whenever_the_same_run_is_folded_and_differs_between_runs() -> None:
    policy = RetryPolicy(max_retries=1, delay=100, jitter=Jitter.FULL)
    delays = set()
    for run_id in ("run-1", "run-2", "run-1"):
        run = Scenario([step("a", retry_policy=policy)], run_id=run_id)
        run.fails("a")
        delays.add(run.launches[0].not_before - NOON)
    assert len(delays) == 2
    assert all(0 <= delay < 100 for delay in delays)


def test_a_requested_retry_needs_no_policy_and_brings_its_own_delay_and_number() -> None:
    run = Scenario([step("a")])
    run.fails("a", requested_retries=1, requested_delay_seconds=7.0)
    assert run.launches[0].not_before == NOON + 7
    run.fails("a", attempt=2, requested_retries=1)
    assert run.statuses["a"] is FAILED


def test_a_failure_that_allows_no_retries_is_final() -> None:
    run = Scenario([step("a", retry_policy=RetryPolicy(max_retries=5))])
    run.fails("a", allow_retries=False)
    assert run.statuses["a"] is FAILED
    assert run.launches == []


def test_siblings_go_on_when_a_step_fails() -> None:
    run = Scenario([*chain("a", "b"), *chain("x", "y")])
    run.fails("a")
    assert run.statuses == {"a": FAILED, "b": BLOCKED, "x": WAITING, "y": WAITING}
    run.succeeds("x")
    run.succeeds("y")
    assert run.statuses["y"] is SUCCEEDED
    assert run.ended_as == "RUN_FAILURE"


def test_a_failure_at_the_head_of_a_long_chain_blocks_all_of_it_without_recursion() -> None:
    run = Scenario(chain(*(f"s{number}" for number in range(5_000))))
    run.fails("s0")
    assert run.statuses["s4999"] is BLOCKED
    assert run.ended_as == "RUN_FAILURE"


def test_a_blocked_asset_says_what_stands_in_its_way_and_one_that_was_built_before_the_failure_is_left_out() -> None:
    two = asset_step("a", partitions=("mon", "tue"))
    run = Scenario([two, asset_step("b", "a")])
    run.starts("a")
    run.says(AssetMaterialized(run_id="run-1", step_key="a", asset="a", partition="mon"))
    run.fails("a")
    told = [event for event in run.recorded if isinstance(event, AssetNotMaterialized)]
    assert [(event.asset, event.partitions, event.outcome) for event in told] == [
        ("a", ("tue",), "failed"),
        ("b", (), "blocked"),
    ]
    assert told[0].cause == "ValueError: no rows"
    assert told[1].cause == '"a" failed'


# ---------------------------------------------------------------------------------------------------- optional outputs


def branching() -> list[PlanStep]:
    def takes(source: str, output: str) -> tuple[Need, ...]:
        return (Need(((source, output),)),)

    fan_in = Need((("left", "result"), ("after_right", "result")), is_fan_in=True)
    return [
        step("branch"),
        step("left", needs=takes("branch", "a")),
        step("right", needs=takes("branch", "b")),
        step("after_right", "right"),
        step("merge", needs=(fan_in,)),
    ]


def test_what_an_optional_output_does_not_reach_is_skipped_and_a_fan_in_takes_what_came() -> None:
    run = Scenario(branching())
    run.succeeds("branch", "a")
    assert run.statuses["right"] is SKIPPED
    assert run.statuses["after_right"] is SKIPPED
    reasons = [event.reason for event in run.recorded if isinstance(event, StepSkipped)]
    assert reasons == ['output "b" of "branch" did not come', 'output "result" of "right" did not come']
    run.succeeds("left")
    assert run.launched[-1] == "merge"
    run.succeeds("merge")
    assert run.ended_as == "RUN_SUCCESS"


def test_a_fan_in_of_which_nothing_came_is_skipped_and_the_run_is_a_success() -> None:
    run = Scenario(branching())
    run.starts("branch")
    run.says(StepSucceeded(run_id="run-1", step_key="branch", timestamp=NOON))
    assert set(run.statuses.values()) == {SUCCEEDED, SKIPPED}
    assert run.ended_as == "RUN_SUCCESS"


def test_a_fan_in_is_blocked_when_one_of_its_sources_failed() -> None:
    run = Scenario(branching())
    run.succeeds("branch", "a", "b")
    run.fails("right")
    run.succeeds("left")
    assert run.statuses["merge"] is BLOCKED
    assert run.state.causes["merge"] == "right"


def test_a_step_that_says_skip_skips_what_depends_on_it() -> None:
    run = Scenario([asset_step("a"), asset_step("b", "a")])
    run.skips("a", "no new files")
    assert run.statuses == {"a": SKIPPED, "b": SKIPPED}
    outcomes = [event.outcome for event in run.events if isinstance(event, AssetNotMaterialized)]
    assert outcomes == ["skipped", "skipped"]
    assert run.ended_as == "RUN_SUCCESS"


def test_a_failed_blocking_check_blocks_what_waits_for_it_and_not_its_siblings() -> None:
    guarded = step("b", "a", needs=(Need((("a_check", None),)),))
    run = Scenario([step("a"), step("a_check", "a"), guarded, step("other", "a")])
    run.succeeds("a")
    run.fails("a_check", allow_retries=False)
    assert run.statuses["b"] is BLOCKED
    assert run.state.causes["b"] == "a_check"
    assert run.statuses["other"] is WAITING


# ------------------------------------------------------------------------------------------------------ dynamic outputs


def mapping() -> list[PlanStep]:
    collected = Need((("grow", "result"),), is_collected=True)
    return [
        step("files", dynamic_outputs=frozenset({"file"})),
        step("load", needs=(Need((("files", "file"),)),), mapped_over=("files", "file")),
        step("grow", "load", mapped_over=("files", "file")),
        step("total", needs=(collected,)),
    ]


def test_a_mapped_step_runs_once_for_each_value_and_the_collector_after_all_of_them() -> None:
    run = Scenario(mapping())
    run.succeeds("files", ("file", "x"), ("file", "y"))
    assert [(launch.key, launch.mapping_key) for launch in run.launches] == [("load[x]", "x"), ("load[y]", "y")]
    run.succeeds("load[y]")
    assert [launch.key for launch in run.launches] == ["grow[y]"]
    run.succeeds("load[x]")
    run.succeeds("grow[y]")
    assert "total" not in run.launched
    run.succeeds("grow[x]")
    assert [launch.key for launch in run.launches] == ["total"]
    run.succeeds("total")
    assert run.ended_as == "RUN_SUCCESS"
    assert run.statuses["load"] is SUCCEEDED


def test_no_values_at_all_are_collected_as_an_empty_list() -> None:
    run = Scenario(mapping())
    run.starts("files")
    run.says(StepSucceeded(run_id="run-1", step_key="files", timestamp=NOON))
    assert [launch.key for launch in run.launches] == ["total"]


def test_one_failed_instance_blocks_the_collector_by_its_own_name_and_lets_the_others_run() -> None:
    run = Scenario(mapping())
    run.succeeds("files", ("file", "x"), ("file", "y"))
    run.fails("load[x]")
    assert run.statuses["grow[x]"] is BLOCKED
    run.succeeds("load[y]")
    run.succeeds("grow[y]")
    assert run.statuses["total"] is BLOCKED
    assert run.state.causes["total"] == "load[x]"
    assert isinstance(run.state.ended_by, RunFailed)
    assert run.state.ended_by.failed_steps == ("load[x]",)


def test_mapped_steps_are_blocked_when_the_dynamic_output_failed_and_skipped_when_its_step_was() -> None:
    failing = Scenario(mapping())
    failing.fails("files")
    assert {key: status for key, status in failing.statuses.items() if key != "files"} == dict.fromkeys(
        ("load", "grow", "total"), BLOCKED
    )
    skipping = Scenario(mapping())
    skipping.skips("files")
    assert set(skipping.statuses.values()) == {SKIPPED}


def test_values_of_an_earlier_run_are_mapped_over_again() -> None:
    known = {"files": KnownOutputs("run-0", (("file", "x"), ("file", "y")))}
    run = Scenario(mapping()[1:], known)
    assert run.launched == ["load[x]", "load[y]"]
    for key in ("load[x]", "load[y]", "grow[x]", "grow[y]", "total"):
        run.succeeds(key)
    assert run.ended_as == "RUN_SUCCESS"


def test_ten_thousand_values_cost_a_linear_number_of_commands_and_little_time() -> None:
    run = Scenario(mapping())
    keys = [f"k{number}" for number in range(10_000)]
    began = time.process_time()
    run.succeeds("files", *(("file", key) for key in keys))
    for key in keys:
        run.succeeds(f"load[{key}]")
    for key in keys:
        run.succeeds(f"grow[{key}]")
    run.succeeds("total")
    assert run.ended_as == "RUN_SUCCESS"
    assert len(run.launched) == 2 + 2 * len(keys)
    assert time.process_time() - began < 5.0


# --------------------------------------------------------------------------------------------------------- giving up


def test_a_canceled_run_starts_nothing_more_and_ends_when_what_runs_has_ended() -> None:
    run = Scenario([asset_step("a"), asset_step("b", "a"), asset_step("c")])
    run.starts("a")
    run.is_canceled("by hand")
    assert run.statuses == {"a": RUNNING, "b": CANCELED, "c": CANCELED}
    assert {e.outcome for e in run.events if isinstance(e, AssetNotMaterialized)} == {"canceled"}
    assert run.ended_as is None
    run.succeeds("a")
    assert run.state.ended_by == RunCanceled(run_id="run-1", timestamp=NOON, reason="by hand")


def test_a_step_that_was_stopped_counts_as_canceled_and_is_not_tried_again() -> None:
    run = Scenario([asset_step("a", retry_policy=RetryPolicy(max_retries=3))])
    run.starts("a")
    run.is_canceled()
    run.fails("a", cause="canceled")
    assert run.statuses["a"] is CANCELED
    assert run.ended_as == "RUN_CANCELED"
    assert [e.outcome for e in run.events if isinstance(e, AssetNotMaterialized)] == ["canceled"]


def test_a_run_that_stops_at_its_first_failure_is_a_failed_one() -> None:
    run = Scenario([step("a"), step("b"), step("c", retry_policy=RetryPolicy(max_retries=1))])
    run.starts("c")
    run.fails("a")
    run.is_canceled('"a" failed')
    assert run.statuses == {"a": FAILED, "b": CANCELED, "c": RUNNING}
    run.fails("c")
    assert run.statuses["c"] is FAILED
    assert run.launches == []
    assert isinstance(run.state.ended_by, RunFailed)
    assert run.state.ended_by.failed_steps == ("a", "c")
    assert folded("run-1", run.plan, run.events).statuses == run.statuses


def test_an_illegal_move_names_the_step_the_run_and_both_statuses() -> None:
    run = Scenario(chain("a", "b"))
    run.succeeds("a")
    with pytest.raises(InvariantViolationError, match='"a" of run run-1 was to go from SUCCEEDED to RUNNING'):
        run.starts("a")


def test_what_is_finished_never_moves_again() -> None:
    assert all(bool(MOVES[status]) != status.is_finished for status in StepStatus)


# ------------------------------------------------------------------------------------------------------------ the law


def random_plan(draw: random.Random) -> list[PlanStep]:
    steps: list[PlanStep] = []
    for number in range(draw.randrange(1, 14)):
        sources = draw.sample(steps, k=min(len(steps), draw.choice((0, 1, 1, 2, 3))))
        plain = [source for source in sources if not source.dynamic_outputs]
        dynamic = next((source for source in sources if source.dynamic_outputs), None)
        mapped = next((source for source in plain if source.mapped_over), None)
        origin = (dynamic.key, "many") if dynamic is not None else None
        if mapped is not None and origin is None and draw.random() < 0.6:
            origin = mapped.mapped_over
        usable = [source for source in plain if source.mapped_over in (None, origin)]
        needs = [Need(((source.key, draw.choice(("result", None))),)) for source in usable]
        if dynamic is not None:
            needs.append(Need(((dynamic.key, "many"),)))
        needs.extend(
            Need(((source.key, "result"),), is_collected=True)
            for source in plain
            if source.mapped_over not in (None, origin)
        )
        if len(usable) > 1 and draw.random() < 0.3:
            needs = [Need(tuple((source.key, "result") for source in usable), is_fan_in=True)]
            if dynamic is not None:
                needs.append(Need(((dynamic.key, "many"),)))
        steps.append(
            PlanStep(
                key=f"s{number}",
                kind="op",
                needs=tuple(needs),
                mapped_over=origin,
                dynamic_outputs=frozenset({"many"} if origin is None and draw.random() < 0.25 else ()),
                retry_policy=RetryPolicy(max_retries=draw.randrange(3)) if draw.random() < 0.4 else None,
            )
        )
    return steps


@pytest.mark.parametrize("seed", range(300))
def test_every_run_ends_in_order_and_its_events_alone_lead_to_the_same_state(seed: int) -> None:
    draw = random.Random(seed)
    run = Scenario(random_plan(draw))
    in_hand = list(run.launches)
    started: dict[str, int] = {}
    gives_up_at = draw.randrange(1, 40)
    for turn in range(10_000):
        if run.state.is_finished:
            break
        if turn == gives_up_at and draw.random() < 0.2:
            in_hand.clear()
            run.is_canceled()
            continue
        launch = in_hand.pop(draw.randrange(len(in_hand)))
        key = launch.key
        needed = {source for need in run.state.steps[key].needs for source, _ in need.sources}
        assert all(run.statuses[source].is_finished for source in needed)
        started[key] = started.get(key, 0) + 1
        outcome = draw.random()
        if outcome < 0.15:
            run.fails(key, attempt=launch.attempt, allow_retries=draw.random() < 0.8)
        elif outcome < 0.22:
            run.skips(key)
        else:
            outputs: list[str | tuple[str, str]] = ["result"] if draw.random() < 0.85 else ["other"]
            if run.state.steps[key].dynamic_outputs:
                outputs += [("many", f"k{number}") for number in range(draw.randrange(4))]
            run.succeeds(key, *outputs, attempt=launch.attempt)
        in_hand.extend(run.launches)
    assert run.state.is_finished
    assert all(status.is_finished for status in run.statuses.values())
    assert not in_hand
    assert all(
        count <= 1 + (run.state.steps[key].retry_policy or RetryPolicy(max_retries=0)).max_retries
        for key, count in started.items()
    )
    assert all(not isinstance(command, LaunchStep) for command in run.commands if not isinstance(command, Record))
    again = folded(run.run_id, run.plan, run.events)
    assert again.statuses == run.statuses
    assert again.outputs == run.state.outputs
    assert again.ended_by == run.state.ended_by
    assert [e.step_key for e in run.events if isinstance(e, StepFailed)] == [
        e.step_key for e in run.events if isinstance(e, StepFailed) and e.step_key in started
    ]
