"""The loop that carries a plan out: it records each fact, asks the state machine what follows, and does that."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable

from headwater.engine.error_info import error_info_from
from headwater.engine.executors.inline import InlineExecutor
from headwater.engine.run_state import Command, LaunchStep, Record, RunState, advance, begin, cancel
from headwater.model.errors.execution import RunTimeoutError
from headwater.model.errors.store import StoreError
from headwater.model.events import Event, RunCanceled, RunFailed, RunStarted, RunSucceeded, StepFailed
from headwater.model.runs import StepStatus
from headwater.store.interface import EventWriter


def run_to_completion(
    state: RunState | None,
    *,
    run_id: str,
    executor: InlineExecutor,
    store: EventWriter,
    on_event: Callable[[Event], None],
    stops_at_first_failure: bool = False,
    timeout_seconds: float | None = None,
    before_end: Callable[[], BaseException | None] = lambda: None,
) -> RunState:
    """Run until every step is finished, and return where each one stands.

    With `stops_at_first_failure`, steps that have not started when one fails for good are given up. After
    `timeout_seconds` the steps that run are stopped, the rest is given up, and the run has failed. Raises what `on_event`
    raises.

    Ctrl-C ends the steps that run, and the run, as canceled before it is raised again. `before_end` is called before the
    end of the run is recorded, and returns what went wrong in it: a run that cannot clean up has not succeeded.
    """
    deadline = executor.scope.ends_at = None if timeout_seconds is None else time.time() + timeout_seconds

    def take_in(event: Event) -> tuple[Command, ...]:
        nonlocal state
        if isinstance(event, (RunSucceeded, RunFailed, RunCanceled)):
            problem = before_end()
            if problem is not None and isinstance(event, RunSucceeded):
                event = RunFailed(run_id=run_id, timestamp=time.time(), error=error_info_from(problem))
        store.append(event)  # the fact first,
        assert state is not None
        state, commands = advance(state, event)
        on_event(event)
        return commands

    def follow(first: Iterable[Command]) -> None:  # then what follows from it
        pending = deque(first)
        launches: list[LaunchStep] = []
        while pending:
            command = pending.popleft()
            if isinstance(command, Record):
                pending.extend(take_in(command.event))
            else:
                launches.append(command)
        executor.launch(launches)

    commands: tuple[Command, ...] = ()
    if state is None:
        state, commands = begin(run_id, executor.scope.plan, time.time())
    take_in(RunStarted(run_id=run_id, timestamp=time.time()))
    follow(commands)
    follow_up: list[Command] = []
    try:
        while not state.is_finished:
            for event in executor.events():
                follow_up.extend(take_in(event))
            # Hooks are told after the end of their step; what follows from it, maybe the end of the run, comes after them.
            if follow_up:
                commands, follow_up = tuple(follow_up), []
                follow(commands)
            if stops_at_first_failure and state.failed_steps and not state.is_finished and not state.is_canceled:
                reason = f'"{state.failed_steps[0]}" failed, and the run was to stop at that'
                give_up(state, executor, follow, reason)
            if deadline is not None and time.time() > deadline and not state.is_finished and not state.is_canceled:
                state.cancel_error = error_info_from(RunTimeoutError(timeout_seconds or 0.0))
                give_up(state, executor, follow, f"the time limit of the run, {timeout_seconds:g} s, was over")
    except KeyboardInterrupt as stop:
        if not state.is_finished:
            last = executor.break_off()
            begun = {event.step_key for event in last if event.step_key is not None}
            _, commands = cancel(state, time.time(), str(stop) or "interrupted from the keyboard", begun=begun)
            told = [command for command in follow_up if isinstance(command, Record)]
            follow((*told, *commands, *map(Record, last)))
        raise
    except Exception as error:
        # Whoever is told of events has failed, or the store has; only the latter keeps this from being recorded.
        if not isinstance(error, StoreError):
            for event in executor.break_off():
                store.append(event)
                state, _ = advance(state, event)
            for key in [key for key, status in state.statuses.items() if status is StepStatus.RUNNING]:
                store.append(StepFailed(run_id=run_id, timestamp=time.time(), step_key=key, cause="canceled"))
        raise
    return state


def give_up(
    state: RunState, executor: InlineExecutor, follow: Callable[[Iterable[Command]], None], reason: str
) -> None:
    """Start nothing more. What failed keeps the run a failed one."""
    executor.drop_pending()
    _, commands = cancel(state, time.time(), reason)
    follow(commands)
