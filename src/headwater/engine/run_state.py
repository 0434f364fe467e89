"""A run as a state machine: takes in one fact, answers with what should now be done. It reads no clock, disk or log.

`advance` owns the state that it is given and changes it in place: a run of n steps costs O(n + edges), not O(n²). The
state is a fold: a run is recovered by passing its recorded events through `advance` again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from headwater.model.errors import InvariantViolationError
from headwater.model.events import (
    AssetMaterialized,
    AssetNotMaterialized,
    AssetUnchanged,
    ErrorInfo,
    Event,
    OutputRef,
    RunCanceled,
    RunCancelRequested,
    RunFailed,
    RunSucceeded,
    StepBlocked,
    StepFailed,
    StepRetryScheduled,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from headwater.model.runs import StepStatus
from headwater.plan.run_plan import Need, PlanStep, RunPlan

WAITING = StepStatus.WAITING
RUNNING = StepStatus.RUNNING
WAITING_TO_RETRY = StepStatus.WAITING_TO_RETRY
SUCCEEDED = StepStatus.SUCCEEDED
FAILED = StepStatus.FAILED
BLOCKED = StepStatus.BLOCKED
SKIPPED = StepStatus.SKIPPED
CANCELED = StepStatus.CANCELED

# Which moves a step may make. A mapped step's template goes straight from WAITING to what its instances came to.
MOVES: Mapping[StepStatus, frozenset[StepStatus]] = {
    WAITING: frozenset({RUNNING, BLOCKED, SKIPPED, CANCELED, SUCCEEDED, FAILED}),
    RUNNING: frozenset({SUCCEEDED, FAILED, SKIPPED, WAITING_TO_RETRY, CANCELED}),
    WAITING_TO_RETRY: frozenset({RUNNING, FAILED, CANCELED, BLOCKED}),
    SUCCEEDED: frozenset(),
    FAILED: frozenset(),
    BLOCKED: frozenset(),
    SKIPPED: frozenset(),
    CANCELED: frozenset(),
}

MOST_KEYS_IN_AN_EVENT = 5_000

_ENDED_WITHOUT_SUCCESS = frozenset({FAILED, BLOCKED, CANCELED})


@dataclass(frozen=True, slots=True)
class LaunchStep:
    """Start this attempt, not before the given time (seconds since 1970; 0 is at once)."""

    step: PlanStep
    attempt: int = 1
    not_before: float = 0.0
    mapping_key: str | None = None
    # How many of the attempts before this one were lost with their process, which the user's policy does not count.
    lost_attempts: int = 0

    @property
    def key(self) -> str:
        return self.step.key


@dataclass(frozen=True, slots=True)
class Record:
    """Record this fact, which follows from the one just taken in, and take it in too."""

    event: Event


Command = LaunchStep | Record


@dataclass(slots=True)
class RunState:
    """Where each step of a run stands. Instances of mapped steps are added as dynamic outputs become known."""

    run_id: str
    plan: RunPlan
    steps: dict[str, PlanStep]
    statuses: dict[str, StepStatus]
    mapping_keys: dict[str, str] = field(default_factory=dict)
    instances: dict[str, list[str]] = field(default_factory=dict)
    outputs: dict[str, tuple[OutputRef, ...]] = field(default_factory=dict)
    waiting_for: dict[str, int] = field(default_factory=dict)
    dependents: dict[str, list[str]] = field(default_factory=dict)
    # Steps all of whose upstream steps are finished, still to be decided on.
    to_settle: deque[str] = field(default_factory=deque)
    # By mapped step, how many of its instances are unfinished; and the first of them that did not succeed.
    unfinished_instances: dict[str, int] = field(default_factory=dict)
    failed_instances: dict[str, str] = field(default_factory=dict)
    causes: dict[str, str] = field(default_factory=dict)
    # By step that is to be tried again, the number of the attempt that comes.
    next_attempts: dict[str, int] = field(default_factory=dict)
    # By step, how many of its attempts were lost with their process.
    lost_attempts: dict[str, int] = field(default_factory=dict)
    # By step, which asset partitions its attempts have already accounted for.
    settled: dict[str, set[tuple[str, str | None]]] = field(default_factory=dict)
    unfinished: int = 0
    failed_steps: list[str] = field(default_factory=list)
    first_failure: StepFailed | None = None
    has_canceled_steps: bool = False
    is_canceled: bool = False
    cancel_reason: str = ""
    # What makes a run that was given up a failed one although no step of it failed.
    cancel_error: ErrorInfo | None = None
    ended_by: Event | None = None

    @property
    def is_finished(self) -> bool:
        return self.ended_by is not None

    def moved(self, key: str, status: StepStatus) -> None:
        """Move one step. Raises InvariantViolationError for a move that cannot be."""
        before = self.statuses[key]
        if status not in MOVES[before]:
            raise InvariantViolationError(
                what=f'Step "{key}" of run {self.run_id} was to go from {before.value} to {status.value}.',
                why="Its recorded events contradict each other.",
                fix="Report it with the run's events: `headwater run show --json`.",
            )
        self.statuses[key] = status
        if status.is_finished and not before.is_finished:
            self.unfinished -= 1


def begin(run_id: str, plan: RunPlan, at: float = 0.0) -> tuple[RunState, tuple[Command, ...]]:
    """Return the state of a run that begins, and what should be done first."""
    state = prepare(run_id, plan)
    commands = list(_settle_all(state, at))
    commands.extend(_end_of_run(state, at))
    return state, tuple(commands)


def prepare(run_id: str, plan: RunPlan) -> RunState:
    """Return the state of a run that has not begun: nothing of it is decided."""
    steps = {step.key: step for step in plan.steps}
    state = RunState(run_id, plan, steps, dict.fromkeys(steps, WAITING), unfinished=len(steps))
    for key, known in plan.known_outputs.items():
        state.outputs[key] = tuple(OutputRef(name, mapping_key) for name, mapping_key in known.outputs)
    for step in plan.steps:
        waits = {source for need in step.needs for source, _ in need.sources if source in steps}
        if step.mapped_over is not None and step.mapped_over[0] in steps:
            waits.add(step.mapped_over[0])
        state.waiting_for[step.key] = len(waits)
        for source in waits:
            state.dependents.setdefault(source, []).append(step.key)
    for origin in dict.fromkeys(step.mapped_over for step in plan.steps if step.mapped_over is not None):
        if origin[0] not in steps:  # an earlier run has given the values
            _expand(state, *origin)
    state.to_settle.extend(step.key for step in plan.steps if state.waiting_for[step.key] == 0)
    return state


def advance(state: RunState, event: Event) -> tuple[RunState, tuple[Command, ...]]:
    """Take in one fact; answer with the state, and what should now be done."""
    commands: list[Command] = []
    match event:
        case StepSucceeded(step_key=str(key)):
            state.moved(key, SUCCEEDED)
            state.outputs[key] = event.outputs
            commands.extend(_after(state, key, event.timestamp))
        case StepFailed(step_key=str(key)):
            lost = state.lost_attempts.get(key, 0)
            retry = None
            if not state.is_canceled:
                retry = retry_after(state.run_id, state.steps[key], event, lost, state.plan.infrastructure_retries)
            if event.cause == "lost":
                lost = state.lost_attempts[key] = lost + 1
            if retry is not None:
                state.moved(key, WAITING_TO_RETRY)
                state.next_attempts[key] = retry.attempt
                commands.append(Record(retry))
                mapping_key = state.mapping_keys.get(key)
                commands.append(LaunchStep(state.steps[key], retry.attempt, retry.not_before, mapping_key, lost))
            else:
                state.moved(key, CANCELED if event.cause == "canceled" else FAILED)
                state.has_canceled_steps |= event.cause == "canceled"
                if event.cause != "canceled":
                    state.failed_steps.append(key)
                    state.first_failure = state.first_failure or event
                outcome = "canceled" if event.cause == "canceled" else "failed"
                commands.extend(_not_materialized(state, key, outcome, _cause_of(event), event))
                commands.extend(_after(state, key, event.timestamp))
        case StepSkipped(step_key=str(key)):
            if state.statuses[key] is not SKIPPED:
                state.moved(key, SKIPPED)
                commands.extend(_not_materialized(state, key, "skipped", event.reason, event))
                commands.extend(_after(state, key, event.timestamp))
        case StepStarted(step_key=str(key)):
            state.moved(key, RUNNING)
        case AssetMaterialized(step_key=str(key)) | AssetUnchanged(step_key=str(key)):
            state.settled.setdefault(key, set()).add((event.asset, event.partition))
            return state, ()
        case AssetNotMaterialized(step_key=str(key)):
            state.settled.setdefault(key, set()).update((event.asset, part) for part in event.partitions or (None,))
            return state, ()
        case RunCancelRequested():
            state.cancel_error = state.cancel_error or event.error
            return cancel(state, event.timestamp, event.reason)
        case StepBlocked() | StepRetryScheduled():
            return state, ()  # recorded because of what was taken in before
        case RunSucceeded() | RunFailed() | RunCanceled():
            for key in event.failed_steps if isinstance(event, RunFailed) else ():
                if state.statuses.get(key) is WAITING_TO_RETRY:  # it failed when nothing was to be started any more
                    state.moved(key, FAILED)
                    state.failed_steps.append(key)
            _give_up(state)
            for key, status in state.statuses.items():
                if status is WAITING_TO_RETRY:
                    state.moved(key, CANCELED)
            state.ended_by = event
            return state, ()
        case _:
            return state, ()  # facts about outputs and checks do not move steps
    commands.extend(_end_of_run(state, event.timestamp))
    return state, tuple(commands)


def cancel(
    state: RunState, at: float, reason: str, *, begun: Collection[str] = ()
) -> tuple[RunState, tuple[Command, ...]]:
    """Give up every step that has not started. Those that run are ended by whoever runs them.

    `begun` names steps that have started although that was not taken in yet.
    """
    state.is_canceled = True
    state.cancel_reason = reason
    commands: list[Command] = []
    for key, status in list(state.statuses.items()):
        if status is WAITING_TO_RETRY and key not in begun:
            # Told as a fact, because the retry was.
            attempt = state.next_attempts.get(key, 1)
            commands.append(
                Record(StepFailed(run_id=state.run_id, timestamp=at, step_key=key, attempt=attempt, cause="canceled"))
            )
    for key in _give_up(state, begun):
        commands.extend(_not_materialized(state, key, "canceled", reason, None, at))
    commands.extend(_end_of_run(state, at))
    return state, tuple(commands)


def _give_up(state: RunState, begun: Collection[str] = ()) -> list[str]:
    """Cancel the steps that have not started; return their keys."""
    waiting = [key for key, status in state.statuses.items() if status is WAITING and key not in begun]
    for key in waiting:
        state.moved(key, CANCELED)
    return waiting


def retry_after(
    run_id: str, step: PlanStep, failure: StepFailed, lost_before: int = 0, infrastructure_retries: int = 0
) -> StepRetryScheduled | None:
    """Return the retry that a failed attempt earns, None when its failure is final.

    An attempt that was lost with its process is tried again `infrastructure_retries` times; the user's policy counts the
    others.
    """
    if not failure.allow_retries or failure.cause == "canceled":
        return None
    retries_used = failure.attempt - 1 - lost_before
    if failure.cause == "lost":
        if lost_before >= infrastructure_retries:
            return None
        delay = 0.0
    elif failure.requested_retries is not None:
        if retries_used >= failure.requested_retries:
            return None
        delay = failure.requested_delay_seconds or 0.0
    else:
        policy = step.retry_policy
        if policy is None or retries_used >= policy.max_retries:
            return None
        delay = policy.delay_seconds(retries_used + 1, chance=_chance(run_id, step.key, failure.attempt))
    return StepRetryScheduled(
        run_id=run_id,
        step_key=failure.step_key,
        timestamp=failure.timestamp,
        attempt=failure.attempt + 1,
        not_before=failure.timestamp + delay,
    )


def _chance(run_id: str, step: str, attempt: int) -> float:
    """A number in [0, 1) that is the same whenever the same events are folded again."""
    from hashlib import blake2b

    digest = blake2b(f"{run_id}/{step}/{attempt}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / (1 << 56)


def _cause_of(event: StepFailed) -> str:
    if event.error is None:
        return event.cause
    root = event.error.root
    return f"{root.class_name}: {root.message}".splitlines()[0][:500]


# ------------------------------------------------------------------------------------------------------ what follows


def _after(state: RunState, key: str, at: float) -> Iterator[Command]:
    """Yield what a finished step makes possible or impossible, near and far."""
    _release(state, key)
    yield from _settle_all(state, at)


def _release(state: RunState, key: str) -> None:
    """Note that a step is finished: what waited only for it can be decided on."""
    # A run that is given up starts nothing, so it has no instances either.
    if state.statuses[key] is SUCCEEDED and not state.is_canceled:
        for output in sorted(state.steps[key].dynamic_outputs):
            _expand(state, key, output)
    for dependent in state.dependents.get(key, ()):
        state.waiting_for[dependent] -= 1
        if state.waiting_for[dependent] == 0:
            state.to_settle.append(dependent)
    mapping_key = state.mapping_keys.get(key)
    if mapping_key is not None:
        template = key[: -len(mapping_key) - 2]
        state.unfinished_instances[template] -= 1
        if state.statuses[key] in _ENDED_WITHOUT_SUCCESS:
            state.failed_instances.setdefault(template, key)
        if state.unfinished_instances[template] == 0:
            _end_template(state, template)


def _settle_all(state: RunState, at: float) -> Iterator[Command]:
    # A queue and no recursion: a failure at the head of a chain blocks thousands of steps.
    while state.to_settle:
        key = state.to_settle.popleft()
        if state.statuses[key] is WAITING:
            yield from _settle(state, key, at)


def _settle(state: RunState, key: str, at: float) -> Iterator[Command]:
    """Decide on a step all of whose upstream steps are finished: launch it, skip it, or block it."""
    step = state.steps[key]
    if step.mapped_over is not None and key not in state.mapping_keys:
        yield from _settle_template(state, step, at)
        return
    blocker = _blocker(state, step)
    if any(state.statuses.get(source) is CANCELED for need in step.needs for source, _ in need.sources):
        yield from _cancel_step(state, key, at)
    elif blocker is not None:
        yield from _block(state, key, blocker, at)
    elif (missing := _missing(state, step)) is not None:
        yield from _skip(state, key, missing, at)
    else:
        yield LaunchStep(step, mapping_key=state.mapping_keys.get(key))


def _blocker(state: RunState, step: PlanStep) -> str | None:
    for need in step.needs:
        for source, _ in need.sources:
            status = state.statuses.get(source)
            if status in _ENDED_WITHOUT_SUCCESS:
                return state.causes.get(source, source)
    return None


def _missing(state: RunState, step: PlanStep) -> str | None:
    """Return why a step is not needed: the output that never came."""
    for need in step.needs:
        absent = [(source, output) for source, output in need.sources if not _came(state, source, output, need)]
        if absent and (not need.is_fan_in or len(absent) == len(need.sources)):
            source, output = absent[0]
            return f'output "{output}" of "{source}" did not come' if output else f'"{source}" was skipped'
    return None


def _came(state: RunState, source: str, output: str | None, need: Need) -> bool:
    status = state.statuses.get(source)
    if status is None:  # not part of this run: given by an earlier one, or from outside
        known = state.plan.known_outputs.get(source)
        return known is None or output is None or any(name == output for name, _ in known.outputs)
    if status is not SUCCEEDED:
        return False
    if output is None or need.is_collected:
        return True
    return any(ref.name == output for ref in state.outputs.get(source, ()))


def _block(state: RunState, key: str, cause: str, at: float) -> Iterator[Command]:
    state.moved(key, BLOCKED)
    state.causes[key] = cause
    yield Record(StepBlocked(run_id=state.run_id, step_key=key, timestamp=at, cause=cause))
    yield from _not_materialized(state, key, "blocked", f'"{cause}" failed', None, at)
    _release(state, key)


def _cancel_step(state: RunState, key: str, at: float) -> Iterator[Command]:
    """Give a step up because one that it needs was: the rest of the run is being given up too."""
    state.moved(key, CANCELED)
    yield from _not_materialized(state, key, "canceled", state.cancel_reason, None, at)
    _release(state, key)


def _skip(state: RunState, key: str, reason: str, at: float) -> Iterator[Command]:
    state.moved(key, SKIPPED)
    yield Record(StepSkipped(run_id=state.run_id, step_key=key, timestamp=at, reason=reason))
    yield from _not_materialized(state, key, "skipped", reason, None, at)
    _release(state, key)


def _not_materialized(
    state: RunState, key: str, outcome: str, cause: str, event: Event | None, at: float = 0.0
) -> Iterator[Command]:
    """Say of each planned asset of a step that it was not built, but for those that were before the failure."""
    settled = state.settled.get(key, set())
    for asset in state.steps[key].assets:
        name = str(asset.key)
        left: tuple[str, ...] = ()
        if asset.partitions is not None:
            left = tuple(part for part in asset.partitions if (name, part) not in settled)
        if (asset.partitions is None and (name, None) in settled) or (asset.partitions is not None and not left):
            continue
        # An event holds a bounded number of keys, so that it can be recorded whatever the size of the range.
        for start in range(0, max(1, len(left)), MOST_KEYS_IN_AN_EVENT):
            yield Record(
                AssetNotMaterialized(
                    run_id=state.run_id,
                    step_key=key,
                    timestamp=event.timestamp if event is not None else at,
                    asset=name,
                    partitions=left[start : start + MOST_KEYS_IN_AN_EVENT],
                    outcome=outcome,
                    cause=cause,
                )
            )


def _end_of_run(state: RunState, at: float) -> Iterator[Command]:
    if state.unfinished > 0 or state.ended_by is not None:
        return
    is_canceled = state.is_canceled or state.has_canceled_steps
    if is_canceled and not state.failed_steps and state.cancel_error is None:
        ended: Event = RunCanceled(run_id=state.run_id, timestamp=at, reason=state.cancel_reason)
    elif state.failed_steps or state.cancel_error is not None:
        error = state.first_failure.error if state.first_failure is not None else state.cancel_error
        ended = RunFailed(run_id=state.run_id, timestamp=at, failed_steps=tuple(state.failed_steps), error=error)
    else:
        ended = RunSucceeded(run_id=state.run_id, timestamp=at)
    state.ended_by = ended
    yield Record(ended)


# ------------------------------------------------------------------------------------------------------ mapped steps


def instance_key(template: str, mapping_key: str) -> str:
    """Return the key of the step that runs for one value of a dynamic output."""
    return f"{template}[{mapping_key}]"


def _expand(state: RunState, key: str, output: str) -> None:
    """Make one instance of each step that is mapped over this output, for each value that came."""
    mapping_keys = [ref.mapping_key for ref in state.outputs.get(key, ()) if ref.name == output and ref.mapping_key]
    templates = [step for step in state.plan.steps if step.mapped_over == (key, output)]
    own = {template.key for template in templates}
    for template in templates:
        state.instances[template.key] = [instance_key(template.key, mapping_key) for mapping_key in mapping_keys]
        state.unfinished_instances[template.key] = len(mapping_keys)
    for template in templates:
        for mapping_key in mapping_keys:
            name = instance_key(template.key, mapping_key)
            needs = tuple(
                replace(
                    need,
                    sources=tuple(
                        (instance_key(source, mapping_key), wanted) if source in own else (source, wanted)
                        for source, wanted in need.sources
                    ),
                )
                for need in template.needs
            )
            state.steps[name] = replace(template, key=name, needs=needs)
            state.mapping_keys[name] = mapping_key
            if name in state.plan.known_outputs:  # an earlier run has come so far
                state.statuses[name] = SUCCEEDED
                state.unfinished_instances[template.key] -= 1
                continue
            state.statuses[name] = WAITING
            state.unfinished += 1
            waits = {
                source
                for need in needs
                for source, _ in need.sources
                if source in state.statuses and not state.statuses[source].is_finished
            }
            state.waiting_for[name] = len(waits)
            for source in waits:
                state.dependents.setdefault(source, []).append(name)
            if not waits:
                state.to_settle.append(name)


def _settle_template(state: RunState, step: PlanStep, at: float) -> Iterator[Command]:
    """All that a mapped step waits for is finished: nothing to map means skipped or blocked, else its instances decide."""
    assert step.mapped_over is not None
    origin = step.mapped_over[0]
    status = state.statuses.get(origin)
    if status is CANCELED:
        yield from _cancel_step(state, step.key, at)
    elif status in _ENDED_WITHOUT_SUCCESS:
        yield from _block(state, step.key, state.causes.get(origin, origin), at)
    elif status is SKIPPED:
        yield from _skip(state, step.key, f'"{origin}" was skipped', at)
    elif state.unfinished_instances.get(step.key) == 0:
        _end_template(state, step.key)


def _end_template(state: RunState, template: str) -> None:
    """When all instances of a mapped step are finished, the step itself is: collected values can be taken."""
    if state.statuses[template] is not WAITING:
        return
    instances = state.instances[template]
    failed = state.failed_instances.get(template)
    if any(state.statuses[name] is CANCELED for name in instances):
        state.moved(template, CANCELED)
    else:
        state.outputs[template] = tuple(
            OutputRef(ref.name, state.mapping_keys[name]) for name in instances for ref in state.outputs.get(name, ())
        )
        if failed is not None:
            state.causes[template] = state.causes.get(failed, failed)
        state.moved(template, SUCCEEDED if failed is None else FAILED)
    _release(state, template)
