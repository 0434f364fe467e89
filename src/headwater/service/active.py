"""What the dispatcher knows of runs and workers, and what an attempt may say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from headwater.engine.run_state import RunState
from headwater.model.error_info import ErrorInfo
from headwater.model.events import (
    AssetMaterialized,
    AssetObserved,
    Event,
    RunCanceled,
    RunCancelRequested,
    RunFailed,
    RunStarted,
    RunSucceeded,
    StepBlocked,
    StepFailed,
    StepRetryScheduled,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from headwater.plan.run_plan import PlanStep, RunPlan
from headwater.service.protocol import Attempt, JobReference

ENDS_RUN = (RunSucceeded, RunFailed, RunCanceled)
ENDS_STEP = (StepSucceeded, StepFailed, StepSkipped)
# What other workers must know to run steps that come after.
TOLD_TO_OTHERS = (StepSucceeded, AssetMaterialized, AssetObserved)
_SAID_BY_US = (RunStarted, RunCancelRequested, StepStarted, StepBlocked, StepRetryScheduled, *ENDS_RUN)


@dataclass(frozen=True, slots=True)
class Policy:
    """How the service uses its workers. Times are in seconds, memory in bytes."""

    workers: int = 2
    # So many idle workers are kept for what comes next, up to `workers` of them.
    spare_workers: int = 1
    steps_of_a_worker: int = 1_000
    worker_seconds: float = 3_600.0
    worker_bytes: int = 2 << 30
    async_steps_of_a_worker: int = 1_000
    grace_seconds: float = 5.0
    # What a run set up must be torn down within this time of its end.
    teardown_seconds: float = 60.0
    # A run must be planned within this time, which is as long as whoever launches it waits.
    planning_seconds: float = 120.0


@dataclass(slots=True)
class ActiveRun:
    """A run that the service carries out. `record` and `plan_bytes` are handed to workers as they are."""

    run_id: str
    location: str
    unit: str
    plan: RunPlan
    job: JobReference
    record: bytes
    plan_bytes: bytes
    tags: Mapping[str, str] = field(default_factory=dict)
    priority: float = 0.0
    label: str = ""
    in_one_worker: bool = False
    state: RunState | None = None
    ends_at: float | None = None
    # What steps made, with the worker that knows it already.
    journal: list[tuple[int, bytes]] = field(default_factory=list)
    # The end that is recorded when every worker has torn down what it had set up.
    ending: Event | None = None
    teardown_problem: ErrorInfo | None = None
    open_in: set[int] = field(default_factory=set)
    worker: int | None = None


@dataclass(slots=True)
class RunningAttempt:
    """An attempt that a worker has been given."""

    attempt: Attempt
    step: PlanStep
    started_at: float
    last_number: int = 0
    must_end_at: float | None = None
    # Why it is being ended, if it is: the cause to record, and the words.
    stopped: tuple[str, str] | None = None

    @property
    def is_canceled(self) -> bool:
        return self.stopped is not None and self.stopped[0] == "canceled"


@dataclass(slots=True)
class Worker:
    """A process that takes steps of one snapshot of a location's code."""

    worker_id: int
    unit: str
    started_at: float
    is_ready: bool = False
    pid: int | None = None
    attempts: dict[Attempt, RunningAttempt] = field(default_factory=dict)
    errand: int | None = None
    errand_ends_at: float | None = None
    # Those that are open in it, in the order in which they were opened.
    runs: dict[str, None] = field(default_factory=dict)
    # Those of them that it was told to close.
    closing: set[str] = field(default_factory=set)
    # When it must have closed one of them; None while it is inside a step, and cannot.
    must_close_at: float | None = None
    journal_at: dict[str, int] = field(default_factory=dict)
    ended: int = 0
    resident_bytes: int = 0
    # No more steps are given to it: it is too old, or is being ended.
    is_leaving: bool = False

    @property
    def is_idle(self) -> bool:
        return self.is_ready and not self.is_leaving and not self.attempts and self.errand is None

    @property
    def runs_async_steps(self) -> bool:
        return bool(self.attempts) and all(each.step.is_async for each in self.attempts.values())

    def is_inside_step_of_another(self, run_id: str) -> bool:
        """Whether it runs an ordinary step of another run, in which it hears nothing."""
        return any(not each.step.is_async and each.attempt.run_id != run_id for each in self.attempts.values())


def journal_for(worker: Worker, run: ActiveRun) -> tuple[bytes, ...]:
    """Return what a worker does not know of a run: all, if the run is not open there, also what it made itself before."""
    if run.run_id not in worker.runs:
        return tuple(body for _, body in run.journal)
    known = worker.journal_at.get(run.run_id, 0)
    return tuple(body for origin, body in run.journal[known:] if origin != worker.worker_id)


def told_by(running: RunningAttempt, events: Iterable[Event], now: float) -> Iterator[Event]:
    """Yield what an attempt may say: facts about itself, and one end."""
    attempt = running.attempt
    is_over = False
    for event in events:
        number = getattr(event, "attempt", None)
        if (
            event.run_id != attempt.run_id
            or event.step_key not in (attempt.step_key, None)
            or (number is not None and number != attempt.number)
            or isinstance(event, _SAID_BY_US)
        ):
            continue
        if isinstance(event, ENDS_STEP):
            if is_over:
                continue
            is_over = True
            if isinstance(event, StepFailed) and event.cause == "canceled" and not running.is_canceled:
                # Its process was told to end, but not because someone gave up its run.
                event = failure_of(running, "it was told to end", now)
        yield event


def is_given_up(run: ActiveRun) -> bool:
    return run.state is None or run.state.is_canceled or run.ending is not None


def failure_of(running: RunningAttempt, how: str, now: float) -> StepFailed:
    """Return the fact with which an attempt ends whose process is gone."""
    from headwater.engine.error_info import error_info_from
    from headwater.model.errors.execution import StepTimeoutError
    from headwater.model.errors.service import WorkerLost

    cause, _ = running.stopped or ("lost", "")
    attempt = running.attempt
    error: ErrorInfo | None = None
    if cause == "timeout":
        error = error_info_from(StepTimeoutError(attempt.step_key, running.step.timeout_seconds or 0.0))
    elif cause == "lost":
        error = error_info_from(WorkerLost(how))
    return StepFailed(
        run_id=attempt.run_id,
        timestamp=now,
        step_key=attempt.step_key,
        attempt=attempt.number,
        duration_seconds=max(0.0, now - running.started_at),
        error=error,
        allow_retries=cause != "canceled",
        cause=cause,
    )
