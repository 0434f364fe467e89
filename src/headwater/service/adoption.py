"""A run that another process left, as its recorded events tell: where it stands, and what followed from them and is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from headwater.engine.run_state import Command, LaunchStep, RunState, advance, begin, prepare
from headwater.model.events import Event, RunCancelRequested, RunStarted, StepFailed, StepStarted
from headwater.model.runs import StepStatus
from headwater.plan.run_plan import RunPlan


@dataclass(frozen=True, slots=True)
class LeftRun:
    """`owed` are facts that follow from recorded ones and are not recorded; `launches` the attempts that had not begun."""

    state: RunState
    launches: tuple[LaunchStep, ...]
    owed: tuple[Event, ...]
    started_at: float | None

    def lost_attempts(self, run_id: str, past: Sequence[Event], now: float) -> list[StepFailed]:
        """Return how the attempts end that were in flight: as lost, or as canceled in a run that was given up."""
        cause = "canceled" if self.state.is_canceled else "lost"
        return [
            StepFailed(
                run_id=run_id,
                timestamp=now,
                step_key=key,
                attempt=_attempt_number(past, key),
                cause=cause,
                allow_retries=cause == "lost",
            )
            for key, status in self.state.statuses.items()
            if status is StepStatus.RUNNING
        ]


def left_run(run_id: str, plan: RunPlan, past: Sequence[Event]) -> LeftRun | None:
    """Fold what is recorded of a run; None when it has not begun.

    Raises InvariantViolationError when what is recorded contradicts itself.
    """
    first = next((event for event in past if isinstance(event, RunStarted | RunCancelRequested)), None)
    if first is None:
        return None
    commands: tuple[Command, ...] = ()
    if isinstance(first, RunStarted):
        state, commands = begin(run_id, plan, first.timestamp)
    else:
        state = prepare(run_id, plan)
    launches: dict[str, LaunchStep] = {}
    owed: dict[tuple[object, ...], Event] = {}
    started_at: float | None = None

    def note(commands: Iterable[Command]) -> None:
        for command in commands:
            if isinstance(command, LaunchStep):
                launches[command.key] = command
            else:
                owed[_identity(command.event)] = command.event

    note(commands)
    for event in past:
        owed.pop(_identity(event), None)
        if isinstance(event, StepStarted) and event.step_key is not None:
            launches.pop(event.step_key, None)
        elif isinstance(event, RunStarted):
            started_at = event.timestamp
        state, commands = advance(state, event)
        note(commands)
    return LeftRun(state, tuple(launches.values()), tuple(owed.values()), started_at)


def _identity(event: Event) -> tuple[object, ...]:
    """What tells facts apart that follow from others."""
    return (
        type(event),
        event.step_key,
        getattr(event, "asset", None),
        getattr(event, "attempt", None),
        getattr(event, "partitions", None),
    )


def _attempt_number(past: Sequence[Event], key: str) -> int:
    return next(event.attempt for event in reversed(past) if isinstance(event, StepStarted) and event.step_key == key)
