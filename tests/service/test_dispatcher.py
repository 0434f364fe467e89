"""What the dispatcher decides, rule by rule. Time is a value, workers are told of, and what should be done is looked at."""

from __future__ import annotations

from typing import Any, TypeVar

import pytest

from headwater.model.errors import InvariantViolationError
from headwater.model.events import (
    Event,
    OutputRef,
    RunCanceled,
    RunCancelRequested,
    RunFailed,
    RunStarted,
    RunSucceeded,
    StepFailed,
    StepRetryScheduled,
    StepStarted,
    StepSucceeded,
)
from headwater.plan.run_plan import PlanStep, RunPlan
from headwater.service.actions import Action, Append, ErrandLost, RunErrand, Send, Start, Stop
from headwater.service.active import ActiveRun, Policy
from headwater.service.dispatcher import Dispatcher
from headwater.service.protocol import Attempt, CloseRun, JobReference, Leave, OpenRun, StartAttempt, StopAttempt
from headwater.service.waiting import Limits
from tests.engine.scenario import NOON, asset_step, chain, step

Kind = TypeVar("Kind")
UNIT = "here#1"


class Service:
    """A dispatcher with workers that do what is said here."""

    def __init__(self, workers: int = 1, **limits: Limits) -> None:
        self.dispatcher = Dispatcher(Policy(workers=workers, grace_seconds=5.0, teardown_seconds=60.0), **limits)
        self.events: list[Event] = []
        for worker_id in range(1, workers + 1):
            self.dispatcher.worker_started(worker_id, UNIT, NOON)
            self.dispatcher.worker_ready(worker_id, worker_id, NOON)
        self.done()

    def run(self, run_id: str, *steps: PlanStep, past: list[Event] | None = None, **fields: Any) -> list[Action]:
        limit = fields.pop("timeout_seconds", None)
        plan = RunPlan("job", steps, timeout_seconds=limit, infrastructure_retries=fields.pop("lost_retries", 0))
        run = ActiveRun(run_id, "here", UNIT, plan, JobReference("job"), b"", b"", **fields)
        if past is None:
            self.dispatcher.submit(run, NOON)
        else:
            self.dispatcher.adopt(run, past, NOON)
        return self.done()

    def done(self, now: float = NOON) -> list[Action]:
        self.dispatcher.tick(now)
        actions = self.dispatcher.take_actions()
        self.events += [event for action in actions if isinstance(action, Append) for event in action.events]
        return actions

    def says(
        self, worker: int, run_id: str, key: str, *events: Event, number: int = 1, at: float = NOON
    ) -> list[Action]:
        attempt = next(
            each for each in self.dispatcher.workers[worker].attempts if (each.run_id, each.step_key) == (run_id, key)
        )
        self.dispatcher.facts_came(worker, attempt, number, events, at)
        return self.done(at)

    def succeeds(self, worker: int, run_id: str, key: str, at: float = NOON) -> list[Action]:
        return self.says(worker, run_id, key, succeeded(run_id, key, at), at=at)

    def closes(self, worker: int, run_id: str, at: float = NOON) -> list[Action]:
        self.dispatcher.run_closed(worker, run_id, None, at)
        return self.done(at)

    def waits_for(self) -> dict[str, str]:
        return {each[0].run_id: each[3] for each in self.dispatcher.waiting_attempts()}

    @property
    def ended_as(self) -> type[Any]:
        return type(self.events[-1])


def succeeded(run_id: str, key: str, at: float = NOON) -> StepSucceeded:
    return StepSucceeded(run_id=run_id, step_key=key, timestamp=at, outputs=(OutputRef("result"),))


def failed(run_id: str, key: str, **fields: Any) -> StepFailed:
    return StepFailed(run_id=run_id, step_key=key, timestamp=NOON, **fields)


def those(kind: type[Kind], actions: list[Action]) -> list[Kind]:
    return [action for action in actions if isinstance(action, kind)]


def messages(kind: type[Kind], actions: list[Action]) -> list[Kind]:
    return [action.message for action in those(Send, actions) if isinstance(action.message, kind)]


def started(actions: list[Action]) -> list[str]:
    return [f"{message.attempt.run_id}/{message.attempt.step_key}" for message in messages(StartAttempt, actions)]


# -------------------------------------------------------------------------------------------------------- one after another


def test_a_run_goes_from_its_first_step_to_its_recorded_end() -> None:
    service = Service()
    assert started(service.run("r", *chain("a", "b"))) == ["r/a"]
    assert started(service.succeeds(1, "r", "a")) == ["r/b"]
    actions = service.succeeds(1, "r", "b")
    assert [message.run_id for message in messages(CloseRun, actions)] == ["r"]
    assert not any(isinstance(event, RunSucceeded) for event in service.events)
    service.closes(1, "r")
    assert service.ended_as is RunSucceeded
    assert service.dispatcher.is_idle


def test_a_message_that_comes_twice_or_late_changes_nothing() -> None:
    service = Service()
    service.run("r", *chain("a", "b"))
    attempt = Attempt("r", "a", 1)
    service.succeeds(1, "r", "a")
    before = list(service.events)
    for worker in (1, 2):
        service.dispatcher.facts_came(worker, attempt, 1, [succeeded("r", "a")], NOON)
        service.dispatcher.facts_came(worker, attempt, 2, [failed("r", "a")], NOON)
    service.done()
    assert service.events == before


def test_an_attempt_speaks_only_of_itself_and_ends_once() -> None:
    service = Service()
    service.run("r", step("a"), step("b", "a"))
    foreign = [succeeded("r", "b"), RunSucceeded(run_id="r"), RunCancelRequested(run_id="r")]
    service.says(1, "r", "a", *foreign, succeeded("r", "a"), failed("r", "a"))
    assert [type(event) for event in service.events] == [RunStarted, StepStarted, StepSucceeded, StepStarted]


def test_a_run_that_is_opened_again_is_told_also_what_the_worker_made_itself() -> None:
    service = Service()
    service.run("r", *chain("a", "b", "c"))
    service.run("other", step("x"), priority=1.0)
    service.succeeds(1, "r", "a")
    assert "r" in service.dispatcher.workers[1].closing
    service.closes(1, "r")
    actions = service.succeeds(1, "other", "x")
    assert len(messages(OpenRun, actions)) == 1
    (message,) = messages(StartAttempt, actions)
    assert [b'"step_key":"a"' in body for body in message.journal] == [True]


# ------------------------------------------------------------------------------------------------------- loss and recovery


def test_a_lost_worker_costs_the_attempt_from_a_budget_of_its_own() -> None:
    service = Service()
    service.run("r", step("a"), lost_retries=1)
    service.dispatcher.worker_lost(1, "it was killed", NOON)
    actions = service.done()
    assert [type(event) for event in service.events[-2:]] == [StepFailed, StepRetryScheduled]
    assert those(Start, actions)
    service.dispatcher.worker_started(2, UNIT, NOON)
    service.dispatcher.worker_ready(2, 2, NOON)
    assert started(service.done()) == ["r/a"]
    service.dispatcher.worker_lost(2, "it was killed", NOON)
    service.done()
    assert service.ended_as is RunFailed


def test_a_step_that_was_told_to_end_by_nobody_of_us_is_lost_and_not_canceled() -> None:
    service = Service()
    service.run("r", step("a"))
    service.says(1, "r", "a", failed("r", "a", cause="canceled", allow_retries=False))
    service.closes(1, "r")
    assert [event.cause for event in service.events if isinstance(event, StepFailed)] == ["lost"]
    assert service.ended_as is RunFailed


def test_a_run_that_is_adopted_goes_on_from_what_is_recorded() -> None:
    service = Service()
    past = [RunStarted(run_id="r"), StepStarted(run_id="r", step_key="a"), succeeded("r", "a")]
    past.append(StepStarted(run_id="r", step_key="b"))
    actions = service.run("r", *chain("a", "b"), past=past, lost_retries=1)
    assert [type(event) for event in service.events] == [StepFailed, StepRetryScheduled, StepStarted]
    (message,) = messages(StartAttempt, actions)
    assert message.attempt == Attempt("r", "b", 2)
    assert len(message.journal) == 1


def test_a_run_that_was_canceled_before_it_began_is_not_begun_by_the_next_server() -> None:
    service = Service()
    service.run("r", step("a"), past=[RunCancelRequested(run_id="r", timestamp=NOON, reason="by hand")])
    assert [type(event) for event in service.events] == [RunCanceled]


def test_a_past_that_contradicts_itself_leaves_nothing_behind() -> None:
    service = Service(run_limits=Limits(total=1))
    with pytest.raises(InvariantViolationError):
        service.run("r", step("a"), past=[RunStarted(run_id="r"), succeeded("r", "a"), succeeded("r", "a")])
    assert not service.dispatcher.runs
    assert started(service.run("next", step("a"))) == ["next/a"]


def test_adopted_runs_hold_their_places_before_a_queued_one_begins() -> None:
    service = Service(run_limits=Limits(total=1))
    limits = [RunStarted(run_id="old")]
    for run_id, past in (("queued", []), ("old", limits)):
        plan = RunPlan("job", (step("a"),))
        service.dispatcher.adopt(ActiveRun(run_id, "here", UNIT, plan, JobReference("job"), b"", b""), past, NOON)
    assert started(service.done()) == ["old/a"]


# --------------------------------------------------------------------------------------------------- claims, limits, places


def test_one_asset_has_one_builder_and_the_other_run_holds_up_nothing_else() -> None:
    service = Service(workers=3)
    service.run("one", asset_step("orders"))
    assert started(service.run("two", asset_step("orders"))) == []
    assert started(service.run("three", asset_step("users"))) == ["three/users"]
    assert service.waits_for() == {"two": "run one, which builds the same"}
    assert started(service.succeeds(1, "one", "orders")) == ["two/orders"]


def test_other_partitions_of_an_asset_are_built_at_the_same_time() -> None:
    service = Service(workers=2)
    service.run("one", asset_step("orders", partitions=("mon",)))
    assert started(service.run("two", asset_step("orders", partitions=("tue",)))) == ["two/orders"]


def test_no_more_workers_have_steps_than_the_policy_says() -> None:
    service = Service(workers=1)
    service.run("one", step("a"))
    service.dispatcher.worker_started(9, UNIT, NOON)
    service.dispatcher.worker_ready(9, 9, NOON)
    assert started(service.run("two", step("a"))) == []
    service.dispatcher.ask(UNIT, 7, NOON)
    assert those(RunErrand, service.done()) == [RunErrand(9, 7)]


def test_a_question_that_no_worker_has_heard_is_given_back_when_its_code_is_retired() -> None:
    service = Service(workers=1)
    service.run("one", step("a"))
    service.dispatcher.ask(UNIT, 7, NOON)
    service.dispatcher.retire(UNIT, NOON)
    assert [lost.errand_id for lost in those(ErrandLost, service.done())] == [7]


# ------------------------------------------------------------------------------------------------------- cancel and time


def test_a_run_that_is_canceled_ends_its_steps_and_starts_no_more() -> None:
    service = Service()
    service.run("r", *chain("a", "b"))
    service.dispatcher.cancel("r", "by hand", NOON)
    assert those(Stop, service.done()) == [Stop(1, 5.0)]
    service.dispatcher.worker_lost(1, "it was ended", NOON)
    service.done()
    assert service.ended_as is RunCanceled


def test_an_async_step_that_is_canceled_leaves_its_neighbours_alone() -> None:
    service = Service()
    service.run("r", step("a", is_async=True))
    service.run("other", step("x", is_async=True))
    service.dispatcher.cancel("r", "by hand", NOON)
    actions = service.done()
    assert [message.attempt.run_id for message in messages(StopAttempt, actions)] == ["r"]
    assert not those(Stop, actions)


def test_an_empty_run_that_is_canceled_in_the_queue_is_canceled() -> None:
    service = Service(run_limits=Limits(total=0))
    service.run("r")
    service.dispatcher.cancel("r", "by hand", NOON)
    service.done()
    assert [type(event) for event in service.events] == [RunCancelRequested, RunCanceled]


def test_the_time_limit_of_a_run_makes_it_a_failed_one_also_after_a_restart() -> None:
    service = Service()
    service.run("r", step("a"), timeout_seconds=10.0)
    service.done(NOON + 10.0)
    asked = next(event for event in service.events if isinstance(event, RunCancelRequested))
    assert asked.error is not None
    again = Service()
    again.run("r", step("a"), past=service.events)
    assert again.ended_as is RunFailed


def test_the_end_of_a_run_does_not_wait_for_the_step_of_another() -> None:
    service = Service()
    service.run("r", *chain("a", "b"), in_one_worker=True)
    service.run("other", step("x"), priority=1.0)
    service.succeeds(1, "r", "a")
    service.dispatcher.cancel("r", "by hand", NOON)
    actions = service.done()
    assert service.ended_as is RunCanceled
    assert not those(Stop, actions)
    assert not those(Stop, service.done(NOON + 3_600.0))


def test_a_teardown_that_hangs_is_ended_with_its_worker() -> None:
    service = Service()
    service.run("r", step("a"))
    service.succeeds(1, "r", "a")
    assert not those(Stop, service.done(NOON + 59.0))
    assert those(Stop, service.done(NOON + 60.0)) == [Stop(1, 0.0)]


def test_a_worn_worker_leaves_when_it_is_free() -> None:
    service = Service()
    service.dispatcher.policy = Policy(workers=1, steps_of_a_worker=1)
    service.run("r", step("a"))
    assert messages(Leave, service.succeeds(1, "r", "a"))


def test_a_worker_that_closed_its_run_and_went_without_a_word_has_failed_its_step() -> None:
    service = Service()
    service.run("run", step("a"))
    service.dispatcher.run_closed(1, "run", None, NOON)
    service.dispatcher.worker_lost(1, "it ended with exit code 0", NOON)
    service.done()
    assert [type(event) for event in service.events][-2:] == [StepFailed, RunFailed]


def test_plans_that_do_not_end_keep_no_worker_from_steps_and_are_given_up() -> None:
    service = Service(workers=2)
    for errand in (1, 2):
        service.dispatcher.ask(UNIT, errand, NOON)
    service.done()
    assert those(Start, service.run("run", step("a"))) == [Start(UNIT, 1)]
    late = service.done(NOON + 121.0)
    assert [(lost.errand_id, lost.is_over) for lost in those(ErrandLost, late)] == [(1, True), (2, True)]
    assert [stop.worker_id for stop in those(Stop, late)] == [1, 2]
