"""What is recorded, folded plainly, and the laws that every fact must keep. It shares nothing with the real fold.

A `RunLedger` knows one run from its plan and its facts alone. The `Ledger` knows all of them, and who builds what now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from headwater.model.events import (
    AssetMaterialized,
    AssetNotMaterialized,
    AssetUnchanged,
    Event,
    RunCanceled,
    RunCancelRequested,
    RunFailed,
    RunInterrupted,
    RunResumed,
    RunStarted,
    RunSucceeded,
    StepBlocked,
    StepFailed,
    StepRetryScheduled,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from headwater.plan.run_plan import Need, PlanStep, RunPlan
from headwater.service.dispatcher import SLOTS_TAG
from headwater.service.protocol import Attempt
from headwater.service.waiting import Limits

FINISHED = frozenset({"SUCCEEDED", "FAILED", "BLOCKED", "SKIPPED", "CANCELED"})
BAD = frozenset({"FAILED", "BLOCKED"})


class Violation(AssertionError):
    """A law that does not hold."""


def require(holds: bool, *said: object) -> None:
    if not holds:
        raise Violation(" ".join(map(str, said)))


class RunLedger:
    """One run, from its plan and its facts."""

    def __init__(self, run_id: str, plan: RunPlan) -> None:
        self.run_id = run_id
        self.plan = plan
        self.steps = {step.key: step for step in plan.steps}
        self.told: dict[str, str] = {}
        self.outputs: dict[str, tuple[tuple[str, str | None], ...]] = {}
        self.attempts: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self.not_before: dict[str, float] = {}
        self.last_failure: dict[str, StepFailed] = {}
        self.built: set[tuple[str, str | None]] = set()
        self.told_once: set[tuple[object, ...]] = set()
        self.given_up: set[tuple[str, str | None]] = set()
        self.is_started = False
        self.is_canceled = False
        self.timed_out = False
        self.end: Event | None = None

    # --------------------------------------------------------------------------------------------------- steps and keys

    def template_of(self, key: str) -> PlanStep:
        return self.steps[key.partition("[")[0]]

    def mapping_key(self, key: str) -> str | None:
        return key.partition("[")[2][:-1] or None

    def given(self, key: str) -> tuple[tuple[str, str | None], ...]:
        """What a step, a mapped step as a whole, or a step of an earlier run gave."""
        if key in self.plan.known_outputs:
            return self.plan.known_outputs[key].outputs
        if key in self.steps and self.steps[key].mapped_over is not None:
            return tuple(output for each in self.instances(key) for output in self.outputs.get(each, ()))
        return self.outputs.get(key, ())

    def instances(self, template: str) -> list[str]:
        mapped_over = self.steps[template].mapped_over
        assert mapped_over is not None
        origin, name = mapped_over
        if self.told.get(template) == "CANCELED" and template not in self.had_instances:
            return []
        if origin in self.steps and self.told.get(origin) != "SUCCEEDED":
            return []
        return [f"{template}[{key}]" for given, key in self.given(origin) if given == name and key]

    # Templates that had instances when the run was given up; later ones are never made.
    had_instances: frozenset[str] = frozenset()

    def keys(self) -> list[str]:
        """Return all steps that run: plain ones and instances."""
        found: list[str] = []
        for key, step in self.steps.items():
            found += [key] if step.mapped_over is None else self.instances(key)
        return found

    def status(self, key: str) -> str:
        """Return where a step stands; of a mapped step as a whole, what its instances came to."""
        if key in self.told:
            return self.told[key]
        step = self.steps.get(key)
        if step is None or step.mapped_over is None:
            return "WAITING"
        origin = step.mapped_over[0]
        if origin in self.steps and self.told.get(origin) != "SUCCEEDED":
            return "WAITING"
        statuses = [self.status(each) for each in self.instances(key)]
        if not all(status in FINISHED for status in statuses):
            return "WAITING"
        if not statuses and not all(self.is_finished(source) for source, _ in self.sources(step)):
            return "WAITING"
        if "CANCELED" in statuses:
            return "CANCELED"
        return "FAILED" if BAD & set(statuses) else "SUCCEEDED"

    def is_finished(self, key: str) -> bool:
        return (key not in self.steps and "[" not in key) or self.status(key) in FINISHED

    def sources(self, step: PlanStep) -> Iterator[tuple[str, str | None]]:
        for need in step.needs:
            yield from need.sources

    def needs(self, key: str) -> list[Need]:
        """Return what a step needs; an instance needs the instances for the same value."""
        step = self.template_of(key)
        mapping_key = self.mapping_key(key)
        if mapping_key is None:
            return list(step.needs)

        def own(source: str) -> str:
            same = source in self.steps and self.steps[source].mapped_over == step.mapped_over
            return f"{source}[{mapping_key}]" if same else source

        return [
            Need(tuple((own(source), name) for source, name in need.sources), need.is_fan_in, need.is_collected)
            for need in step.needs
        ]

    def came(self, source: str, name: str | None, need: Need) -> bool:
        if source in self.plan.known_outputs:
            return name is None or any(given == name for given, _ in self.given(source))
        if self.status(source) != "SUCCEEDED":
            return False
        return name is None or need.is_collected or any(given == name for given, _ in self.given(source))

    def is_decidable(self, key: str) -> bool:
        return all(self.is_finished(source) for need in self.needs(key) for source, _ in need.sources)

    def has_inputs(self, key: str) -> bool:
        for need in self.needs(key):
            came = [self.came(source, name, need) for source, name in need.sources]
            if not (any(came) if need.is_fan_in and need.sources else all(came)):
                return False
        return not self.has_bad_source(key)

    def has_bad_source(self, key: str) -> bool:
        return any(
            self.status(source) in BAD
            for need in self.needs(key)
            for source, _ in need.sources
            if source in self.steps or "[" in source
        )

    # ----------------------------------------------------------------------------------------------------------- facts

    def move(self, event: Event, before: Sequence[str], after: str) -> str:
        key = event.step_key
        assert key is not None
        require(self.status(key) in before, f"{self.run_id}/{key}: {type(event).__name__} when", self.status(key))
        self.told[key] = after
        return key

    def take(self, event: Event) -> None:
        """Fold one fact, and hold it against the laws."""
        require(self.end is None, f"{self.run_id}: recorded after its end:", event)
        match event:
            case RunStarted():
                require(not self.is_started, f"{self.run_id}: started twice")
                require(not self.is_canceled, f"{self.run_id}: started after it was canceled")
                self.is_started = True
            case RunCancelRequested():
                require(not self.is_canceled, f"{self.run_id}: canceled twice")
                self.timed_out = event.error is not None
                self.had_instances = frozenset(
                    key for key, step in self.steps.items() if step.mapped_over is not None and self.instances(key)
                )
                waiting = [key for key in {**self.steps, **dict.fromkeys(self.keys())} if self.status(key) == "WAITING"]
                self.told.update(dict.fromkeys(waiting, "CANCELED"))
                self.is_canceled = True
            case StepStarted():
                self._start(event)
            case StepSucceeded(step_key=str(key)):
                self.move(event, ("RUNNING",), "SUCCEEDED")
                require(event.attempt == self.attempts[key], f"{key}: attempt {event.attempt} succeeded")
                self.outputs[key] = tuple((ref.name, ref.mapping_key) for ref in event.outputs)
                missing = {each for each in self.planned(key) if each not in self.built}
                require(not missing, f"{self.run_id}/{key}: succeeded without", missing)
            case StepFailed(step_key=str(key)):
                require(
                    event.attempt == self.attempts[key] + (self.status(key) == "WAITING_TO_RETRY"), "attempt", event
                )
                require(event.cause != "lost" or not self.is_canceled, f"{self.run_id}/{key}: lost, not canceled")
                if event.cause == "canceled":
                    require(self.is_canceled, f"{self.run_id}/{key}: canceled, but its run is not")
                    self.move(event, ("RUNNING", "WAITING_TO_RETRY"), "CANCELED")
                else:
                    self.move(event, ("RUNNING",), "FAILED")
                if event.cause == "timeout":
                    limited = self.template_of(key).timeout_seconds or self.plan.timeout_seconds
                    require(limited is not None, f"{self.run_id}/{key}: out of time without a limit")
                self.last_failure[key] = event
            case StepRetryScheduled(step_key=str(key)):
                self._retry(event, key)
            case StepSkipped(step_key=str(key)):
                if self.status(key) == "WAITING":
                    require(self.is_decidable(key) or key in self.steps, f"{key} skipped before its time")
                    mapped_over = self.steps[key].mapped_over if key in self.steps else None
                    has_nothing_to_map = mapped_over is not None and self.status(mapped_over[0]) == "SKIPPED"
                    lacks = not self.has_inputs(key) and not self.has_bad_source(key)
                    require(has_nothing_to_map or lacks, f"{key} skipped for nothing")
                self.move(event, ("RUNNING", "WAITING"), "SKIPPED")
            case StepBlocked(step_key=str(key)):
                require(self.has_bad_source(key), f"{self.run_id}/{key}: blocked by nothing")
                self.move(event, ("WAITING",), "BLOCKED")
            case AssetMaterialized(step_key=str(key)) | AssetUnchanged(step_key=str(key)):
                require(self.status(key) == "RUNNING", f"{self.run_id}/{key}: built something when", self.status(key))
                require((event.asset, event.partition) in self.planned(key), "built what was not planned:", event)
                told = (key, self.attempts[key], event.asset, event.partition)
                require(told not in self.told_once, f"{self.run_id}/{key}: told twice:", event)
                self.told_once.add(told)
                self.built.add((event.asset, event.partition))
            case AssetNotMaterialized(step_key=str(key)):
                for partition in event.partitions or (None,):
                    part = (event.asset, partition)
                    require(part in self.planned(key), "said of what was not planned:", event)
                    require(part not in self.given_up and part not in self.built, "accounted for twice:", event)
                    self.given_up.add(part)
            case RunSucceeded() | RunFailed() | RunCanceled():
                self._end(event)

    def planned(self, key: str) -> set[tuple[str, str | None]]:
        return {
            (str(asset.key), partition)
            for asset in self.template_of(key).assets
            for partition in (asset.partitions or (None,))
        }

    def _start(self, event: StepStarted) -> None:
        key = event.step_key
        assert key is not None
        require(self.is_started and not self.is_canceled, f"{self.run_id}/{key}: started in a run that does not run")
        require(self.has_inputs(key) and self.is_decidable(key), f"{self.run_id}/{key}: started without its inputs")
        self.move(event, ("WAITING", "WAITING_TO_RETRY"), "RUNNING")
        self.attempts[key] += 1
        require(event.attempt == self.attempts[key], f"{self.run_id}/{key}: attempt {event.attempt} comes too early")
        require(event.timestamp >= self.not_before.get(key, 0.0), f"{self.run_id}/{key}: retried before its delay")

    def _retry(self, event: StepRetryScheduled, key: str) -> None:
        failure = self.last_failure[key]
        require(not self.is_canceled, f"{self.run_id}/{key}: retried although canceled")
        delay = self.owed_retry(key, failure)
        require(delay is not None, f"{self.run_id}/{key}: retried once too often")
        assert delay is not None
        due = failure.timestamp + delay
        require(abs(event.not_before - due) < 1e-9, f"{self.run_id}/{key}: due at {event.not_before}, not {due}")
        self.move(event, ("FAILED",), "WAITING_TO_RETRY")
        self.lost[key] += failure.cause == "lost"
        self.not_before[key] = event.not_before

    def owed_retry(self, key: str, failure: StepFailed) -> float | None:
        """Return after how many seconds a failed attempt is tried again; None when it is not."""
        if self.is_canceled or not failure.allow_retries or failure.cause == "canceled":
            return None
        if failure.cause == "lost":
            return 0.0 if self.lost[key] < self.plan.infrastructure_retries else None
        used = failure.attempt - 1 - self.lost[key]
        if failure.requested_retries is not None:
            return (failure.requested_delay_seconds or 0.0) if used < failure.requested_retries else None
        policy = self.template_of(key).retry_policy
        return policy.delay_seconds(used + 1, chance=0.0) if policy is not None and used < policy.max_retries else None

    def _end(self, event: Event) -> None:
        self.end = event
        statuses = {key: self.status(key) for key in self.keys()}
        require(all(status in FINISHED for status in statuses.values()), f"{self.run_id}: ended with", statuses)
        failed = {key for key, status in statuses.items() if status == "FAILED"}
        match event:
            case RunSucceeded():
                require(set(statuses.values()) <= {"SUCCEEDED", "SKIPPED"}, f"{self.run_id}: a success with", statuses)
                require(self.is_started, f"{self.run_id}: a success that never started")
            case RunFailed():
                require(
                    set(event.failed_steps) == failed, f"{self.run_id}: failed by", event.failed_steps, "not", failed
                )
                require(bool(failed) or event.error is not None, f"{self.run_id}: failed by nothing")
            case RunCanceled():
                require(self.is_canceled and not failed and not self.timed_out, f"{self.run_id}: canceled by nobody")
        owed = {part for key in self.steps for part in self.planned(key)} - self.built - self.given_up
        skipped = {part for key in self.steps for part in self.planned(key) if self.status(key) == "SUCCEEDED"}
        require(not owed - skipped, f"{self.run_id}: nothing is said of", owed)

    def check_settled(self, run_is_active: bool, coming: set[Attempt], statuses: dict[str, str]) -> None:
        """Hold what is decided against what is recorded, after all that follows from the last facts is done."""
        for key, status in statuses.items():
            require(self.status(key) == status, f"{self.run_id}/{key}: it is {status}, recorded as {self.status(key)}")
        known = {*self.steps, *self.keys()}
        require(set(statuses) == known, f"{self.run_id}: steps {set(statuses) ^ known} are not the same")
        if not self.is_started or self.is_canceled or not run_is_active:
            return
        for key in self.keys():
            status = self.status(key)
            if status == "WAITING" and self.is_decidable(key):
                require(self.has_inputs(key), f"{self.run_id}/{key}: not blocked, not skipped, and cannot start")
                require(Attempt(self.run_id, key, 1) in coming, f"{self.run_id}/{key}: could start and is forgotten")
            elif status == "WAITING_TO_RETRY":
                attempt = Attempt(self.run_id, key, self.attempts[key] + 1)
                require(attempt in coming, f"{attempt}: is to be tried again and is forgotten")
            elif status == "FAILED":
                failure = self.last_failure[key]
                require(self.owed_retry(key, failure) is None, f"{self.run_id}/{key}: should have been tried again")


class Ledger:
    """All runs, and what goes on now under which limits."""

    def __init__(self) -> None:
        self.runs: dict[str, RunLedger] = {}
        self.run_tags: dict[str, dict[str, str]] = {}
        self.locations: dict[str, str] = {}
        # Attempts that have started and not ended, and runs likewise.
        self.running: dict[Attempt, PlanStep] = {}
        self.active: dict[str, None] = {}
        self.step_limits = Limits()
        self.run_limits = Limits()
        self.checks_limits = True

    def add(self, run_id: str, plan: RunPlan, location: str, tags: dict[str, str]) -> None:
        self.runs[run_id] = RunLedger(run_id, plan)
        self.locations[run_id] = location
        self.run_tags[run_id] = tags

    def take(self, event: Event) -> None:
        run = self.runs[event.run_id]
        match event:
            case StepStarted(step_key=str(key)):
                attempt = Attempt(event.run_id, key, event.attempt)
                step = run.template_of(key)
                if self.checks_limits:
                    full = self.full_limits(attempt.run_id, step)
                    require(not full, f"{attempt}: started beyond the limit", full)
                    rival = self.rival(attempt.run_id, step)
                    require(rival is None, f"{attempt}: builds what {rival} builds")
                require(
                    not any((each.run_id, each.step_key) == (event.run_id, key) for each in self.running),
                    f"{attempt}: an attempt of it runs already",
                )
                run.take(event)
                self.running[attempt] = step
                return
            case StepSucceeded(step_key=str(key)) | StepFailed(step_key=str(key)):
                self.running.pop(Attempt(event.run_id, key, event.attempt), None)
            case StepSkipped(step_key=str(key)):
                self.running.pop(Attempt(event.run_id, key, run.attempts[key]), None)
            case RunStarted():
                if self.checks_limits:
                    full = self.full_run_limits(event.run_id)
                    require(not full, f"{event.run_id}: started beyond the limit", full)
                self.active[event.run_id] = None
            case RunSucceeded() | RunFailed() | RunCanceled():
                self.active.pop(event.run_id, None)
            case RunInterrupted() | RunResumed():
                return
        run.take(event)

    # ---------------------------------------------------------------------------------------------------------- limits

    def full_run_limits(self, run_id: str) -> list[str]:
        tags = self.run_tags[run_id]
        others = [(self.locations[each], self.run_tags[each]) for each in self.active]
        return _full(self.run_limits, self.locations[run_id], tags, others)

    def full_limits(self, run_id: str, step: PlanStep) -> list[str]:
        """Return the names of the limits that leave no room for a step."""
        others = [(self.locations[each.run_id], running.tags) for each, running in self.running.items()]
        full = _full(self.step_limits, self.locations[run_id], step.tags, others)
        if step.pool is not None and (limit := self.pool_limit(step.pool)) is not None:
            used = sum(slots_of(running) for running in self.running.values() if running.pool == step.pool)
            # What needs more than there is needs all of it.
            if used + max(1, min(slots_of(step), limit)) > limit:
                full.append("pool")
        return full

    def pool_limit(self, pool: str) -> int | None:
        return self.step_limits.pools.get(pool, self.step_limits.default_pool)

    def rival(self, run_id: str, step: PlanStep) -> Attempt | None:
        """Return who of another run builds now what this step would."""
        for attempt, running in self.running.items():
            if attempt.run_id == run_id:
                continue
            for mine in step.assets:
                for theirs in running.assets:
                    if mine.key == theirs.key and _overlap(mine.partitions, theirs.partitions):
                        return attempt
        return None


def slots_of(step: PlanStep) -> int:
    return int(step.tags.get(SLOTS_TAG, "1"))


def _overlap(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> bool:
    return one is None or other is None or bool(set(one) & set(other))


def _full(limits: Limits, location: str, tags: object, others: Iterable[tuple[str, object]]) -> list[str]:
    taken = list(others)
    full: list[str] = []
    if limits.total is not None and len(taken) >= limits.total:
        full.append("total")
    limit = limits.locations.get(location)
    if limit is not None and sum(each == location for each, _ in taken) >= limit:
        full.append("location")
    for each in limits.tags:
        mine = dict(tags).get(each.key)  # type: ignore[call-overload]
        if mine is None or (each.value is not None and mine != each.value):
            continue
        theirs = [dict(others_tags).get(each.key) for _, others_tags in taken]  # type: ignore[call-overload]
        same = each.each_value or each.value is not None
        if sum(value is not None and (not same or value == mine) for value in theirs) >= each.limit:
            full.append("tag")
    return full
