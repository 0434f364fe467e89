"""A run told step by step: what happened is said, and what should now be done is looked at. Time is a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headwater.engine.run_state import Command, LaunchStep, Record, RunState, advance, begin, cancel
from headwater.model.events import ErrorInfo, Event, OutputRef, StepFailed, StepSkipped, StepStarted, StepSucceeded
from headwater.model.keys import AssetKey
from headwater.model.policies import RetryPolicy
from headwater.model.runs import StepStatus
from headwater.plan.run_plan import KnownOutputs, Need, PlannedAsset, PlanStep, RunPlan

NOON = 43_200.0


def minutes(count: float) -> float:
    return count * 60.0


def step(key: str, *after: str, **fields: Any) -> PlanStep:
    """A step that needs the output "result" of each step named."""
    needs = tuple(Need(((source, "result"),)) for source in after)
    return PlanStep(key=key, kind="op", needs=(*needs, *fields.pop("needs", ())), **fields)


def asset_step(key: str, *after: str, partitions: tuple[str, ...] | None = None, **fields: Any) -> PlanStep:
    asset = PlannedAsset(AssetKey.parse(key), "result", partitions)
    return step(key, *after, assets=(asset,), **fields)


def chain(*keys: str, retries: int = 0, retry_delay: float | None = None) -> list[PlanStep]:
    policy = RetryPolicy(max_retries=retries, delay=retry_delay) if retries else None
    return [
        step(key, *keys[number - 1 : number] if number else (), retry_policy=policy) for number, key in enumerate(keys)
    ]


class Scenario:
    """One run of some steps. `commands` are those that followed from what was said last."""

    def __init__(
        self, steps: Sequence[PlanStep], known: Mapping[str, KnownOutputs] | None = None, run_id: str = "run-1"
    ) -> None:
        self.plan = RunPlan(job_name="job", steps=tuple(steps), known_outputs=known or {})
        self.run_id = run_id
        self.events: list[Event] = []
        self.commands: tuple[Command, ...] = ()
        self.launched: list[str] = []
        self.state, commands = begin(run_id, self.plan, NOON)
        self._follow(commands)

    # ------------------------------------------------------------------------------------------------------------ when

    def says(self, event: Event) -> None:
        self.events.append(event)
        self.state, commands = advance(self.state, event)
        self._follow(commands)

    def starts(self, key: str, at: float = NOON, attempt: int = 1) -> None:
        self.says(StepStarted(run_id=self.run_id, step_key=key, timestamp=at, attempt=attempt))

    def succeeds(self, key: str, *outputs: str | tuple[str, str], at: float = NOON, attempt: int = 1) -> None:
        """The step runs and gives these outputs; (name, mapping key) for a dynamic one."""
        if self.state.statuses[key] is not StepStatus.RUNNING:
            self.starts(key, at, attempt)
        refs = tuple(OutputRef(*(out if isinstance(out, tuple) else (out,))) for out in outputs or ("result",))
        self.says(StepSucceeded(run_id=self.run_id, step_key=key, timestamp=at, outputs=refs))

    def fails(self, key: str, at: float = NOON, attempt: int = 1, message: str = "no rows", **fields: Any) -> None:
        if self.state.statuses[key] is not StepStatus.RUNNING:
            self.starts(key, at, attempt)
        error = ErrorInfo("ValueError", message)
        self.says(StepFailed(run_id=self.run_id, step_key=key, timestamp=at, attempt=attempt, error=error, **fields))

    def skips(self, key: str, reason: str = "nothing new", at: float = NOON) -> None:
        self.starts(key, at)
        self.says(StepSkipped(run_id=self.run_id, step_key=key, timestamp=at, reason=reason))

    def is_canceled(self, reason: str = "by hand", at: float = NOON) -> None:
        self.state, commands = cancel(self.state, at, reason)
        self._follow(commands)

    def _follow(self, commands: tuple[Command, ...]) -> None:
        """What is to be recorded is recorded at once, as the run loop does."""
        self.commands = ()
        waiting = list(commands)
        while waiting:
            command = waiting.pop(0)
            self.commands += (command,)
            if isinstance(command, LaunchStep):
                self.launched.append(command.key)
            else:
                self.events.append(command.event)
                self.state, more = advance(self.state, command.event)
                waiting.extend(more)

    # ------------------------------------------------------------------------------------------------------------ then

    @property
    def statuses(self) -> dict[str, StepStatus]:
        return dict(self.state.statuses)

    @property
    def recorded(self) -> list[Event]:
        """The facts that followed from what was said last."""
        return [command.event for command in self.commands if isinstance(command, Record)]

    @property
    def launches(self) -> list[LaunchStep]:
        return [command for command in self.commands if isinstance(command, LaunchStep)]

    @property
    def ended_as(self) -> str | None:
        return None if self.state.ended_by is None else self.state.ended_by.event_type_value


def folded(run_id: str, plan: RunPlan, events: Sequence[Event]) -> RunState:
    """The state that the recorded events alone lead to: what a recovery does."""
    state, _ = begin(run_id, plan, NOON)
    for event in events:
        state, _ = advance(state, event)
    return state
