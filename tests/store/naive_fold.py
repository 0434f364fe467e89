"""The store's answers computed the slow and obvious way: one event after the other, into dictionaries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec.structs import replace

from headwater.model.events import (
    AssetMaterialized,
    AssetNotMaterialized,
    AssetObserved,
    AssetUnchanged,
    AssetWiped,
    CheckEvaluated,
    RunCanceled,
    RunFailed,
    RunInterrupted,
    RunStarted,
    RunSucceeded,
    StepBlocked,
    StepFailed,
    StepRetryScheduled,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.runs import AssetState, EventRecord, Run, RunStatus, StepRecord, StepStatus
from headwater.store import Store


@dataclass
class NaiveState:
    """Everything that the state tables should say."""

    runs: dict[str, tuple[RunStatus, float | None, float | None, str | None]] = field(default_factory=dict)
    steps: dict[str, dict[str, StepRecord]] = field(default_factory=dict)
    assets: dict[AssetKey, AssetState] = field(default_factory=dict)
    partitions: dict[AssetKey, dict[str, AssetState]] = field(default_factory=dict)
    checks: dict[AssetCheckKey, EventRecord] = field(default_factory=dict)
    check_partitions: dict[AssetCheckKey, dict[str, EventRecord]] = field(default_factory=dict)


def fold(run_ids: Iterable[str], records: Iterable[EventRecord]) -> NaiveState:
    state = NaiveState(runs=dict.fromkeys(run_ids, (RunStatus.NOT_STARTED, None, None, None)))
    attempt_ids: dict[tuple[AssetKey, str], int] = {}
    for record in records:
        _fold_run(state, record)
        _fold_step(state, record)
        _fold_asset(state, record, attempt_ids)
    return state


def told_by(store: Store, run_ids: Iterable[str]) -> NaiveState:
    """Return what the store answers, in the same shape."""
    told = NaiveState()
    for run_id in run_ids:
        run = store.find_run(run_id)
        assert isinstance(run, Run)
        told.runs[run_id] = (run.status, run.started_at, run.ended_at, run.cause)
        steps = store.steps_of(run_id)
        if steps:
            told.steps[run_id] = {step.step_key: step for step in steps}
    keys = store.asset_keys()
    told.assets = dict(store.asset_states(keys))
    told.checks = dict(store.latest_checks())
    for key in keys:
        assert store.asset_state(key) == told.assets[key]
        partitions = dict(store.partition_states(key))
        if partitions:
            told.partitions[key] = partitions
        outcomes = {
            name: s.last_attempt_outcome for name, s in partitions.items() if s.last_attempt_outcome is not None
        }
        assert store.partition_outcomes(key) == outcomes
        made = frozenset(name for name, s in partitions.items() if s.materialization is not None)
        assert store.materialized_partitions(key) == made
    for check in told.checks:
        by_partition = dict(store.partition_checks(check))
        if by_partition:
            told.check_partitions[check] = by_partition
    return told


def _fold_run(state: NaiveState, record: EventRecord) -> None:
    event = record.event
    if event.run_id not in state.runs:
        return
    _, started_at, _, cause = state.runs[event.run_id]
    match event:
        case RunStarted():
            state.runs[event.run_id] = (RunStatus.STARTED, event.timestamp, None, cause)
        case RunSucceeded():
            state.runs[event.run_id] = (RunStatus.SUCCESS, started_at, event.timestamp, None)
        case RunFailed():
            cause = f"Failed: {', '.join(event.failed_steps)}" if event.failed_steps else None
            state.runs[event.run_id] = (RunStatus.FAILURE, started_at, event.timestamp, cause)
        case RunCanceled():
            state.runs[event.run_id] = (RunStatus.CANCELED, started_at, event.timestamp, event.reason or None)
        case RunInterrupted():
            state.runs[event.run_id] = (RunStatus.INTERRUPTED, started_at, event.timestamp, event.reason or None)


def _fold_step(state: NaiveState, record: EventRecord) -> None:
    event, at = record.event, record.timestamp
    if event.step_key is None or event.run_id not in state.runs:
        return
    steps = state.steps.setdefault(event.run_id, {})
    step = steps.get(event.step_key, StepRecord(event.run_id, event.step_key, StepStatus.WAITING))
    match event:
        case StepStarted(attempt=attempt):
            moved = replace(step, status=StepStatus.RUNNING, attempt=attempt, started_at=at, ended_at=None, cause=None)
        case StepSucceeded(attempt=attempt):
            moved = replace(step, status=StepStatus.SUCCEEDED, attempt=attempt, ended_at=at, cause=None)
        case StepFailed(attempt=attempt):
            status = StepStatus.CANCELED if event.cause == "canceled" else StepStatus.FAILED
            moved = replace(step, status=status, attempt=attempt, ended_at=at, cause=event.cause)
        case StepRetryScheduled(attempt=attempt):
            moved = replace(step, status=StepStatus.WAITING_TO_RETRY, attempt=attempt)
        case StepSkipped(reason=reason):
            moved = replace(step, status=StepStatus.SKIPPED, ended_at=at, cause=reason)
        case StepBlocked(cause=cause):
            moved = replace(step, status=StepStatus.BLOCKED, ended_at=at, cause=cause)
        case _:
            if not steps:
                del state.steps[event.run_id]
            return
    steps[event.step_key] = moved


def _fold_asset(state: NaiveState, record: EventRecord, attempt_ids: dict[tuple[AssetKey, str], int]) -> None:
    event, key = record.event, record.asset_key
    if key is None:
        return

    def change(partition: str | None, **fields: object) -> None:
        made = int("materialization" in fields)
        before = state.assets.get(key, AssetState(key))
        count = before.materialization_count + made
        state.assets[key] = replace(before, **fields, materialization_count=count)  # type: ignore[arg-type]
        if partition is not None:
            partitions = state.partitions.setdefault(key, {})
            before = partitions.get(partition, AssetState(key, partition))
            count = before.materialization_count + made
            partitions[partition] = replace(before, **fields, materialization_count=count)  # type: ignore[arg-type]
        if "last_attempt_outcome" in fields:
            attempt_ids[key, partition or ""] = record.storage_id

    def attempt(outcome: str, cause: str | None = None) -> dict[str, object]:
        return {
            "last_attempt_outcome": outcome,
            "last_attempt_at": event.timestamp,
            "last_attempt_run_id": event.run_id,
            "last_attempt_cause": cause,
        }

    match event:
        case AssetMaterialized():
            made = {"materialization": event, "materialization_storage_id": record.storage_id}
            change(event.partition, **made, **attempt("materialized"))
        case AssetUnchanged():
            change(event.partition, **attempt("unchanged"))
        case AssetNotMaterialized():
            for partition in event.partitions or (None,):
                change(partition, **attempt(event.outcome, event.cause or None))
        case AssetObserved():
            change(event.partition, latest_observation=event, latest_observation_storage_id=record.storage_id)
        case CheckEvaluated():
            state.checks[event.check_key] = record
            if event.partition is not None:
                state.check_partitions.setdefault(event.check_key, {})[event.partition] = record
        case AssetWiped(partitions=()):
            state.assets.pop(key, None)
            state.partitions.pop(key, None)
            for check in [check for check in state.checks if check.asset_key == key]:
                del state.checks[check]
                state.check_partitions.pop(check, None)
        case AssetWiped():
            _wipe_partitions(state, key, event.partitions, attempt_ids)


def _wipe_partitions(
    state: NaiveState, key: AssetKey, wiped: tuple[str, ...], attempt_ids: dict[tuple[AssetKey, str], int]
) -> None:
    there = state.partitions.get(key, {})
    if any(partition in there for partition in wiped):
        left = {name: partition for name, partition in there.items() if name not in wiped}
        before = state.assets[key]
        gone = sum(partition.materialization_count for name, partition in there.items() if name in wiped)
        now = replace(_latest_over(key, left, attempt_ids), materialization_count=before.materialization_count - gone)
        kept = _of_whole(before, there, attempt_ids)
        if "last_attempt_outcome" not in kept:
            attempt_ids[key, ""] = max(
                (attempt_ids[key, name] for name, each in left.items() if each.last_attempt_outcome is not None),
                default=0,
            )
        if left:
            state.partitions[key] = left
        else:
            del state.partitions[key]
        if left or kept:
            state.assets[key] = replace(now, **kept)
        else:
            del state.assets[key]
    checks = {check: by for check, by in state.check_partitions.items() if check.asset_key == key}
    if any(partition in by for by in checks.values() for partition in wiped):
        for check, by_partition in checks.items():
            rest = {name: record for name, record in by_partition.items() if name not in wiped}
            state.check_partitions[check] = rest
            if not rest:
                del state.check_partitions[check]
            if state.checks[check].partition_key is not None:
                del state.checks[check]
                if rest:
                    state.checks[check] = max(rest.values(), key=lambda record: record.storage_id)


def _of_whole(
    before: AssetState, there: dict[str, AssetState], attempt_ids: dict[tuple[AssetKey, str], int]
) -> dict[str, object]:
    """Return what the latest facts tell that are about no partition, but about the asset itself."""
    names: list[str] = []
    if before.materialization is not None and before.materialization.partition is None:
        names += ["materialization", "materialization_storage_id"]
    if before.latest_observation is not None and before.latest_observation.partition is None:
        names += ["latest_observation", "latest_observation_storage_id"]
    latest = max(
        (attempt_ids[before.asset_key, name] for name, each in there.items() if each.last_attempt_outcome is not None),
        default=0,
    )
    if before.last_attempt_outcome is not None and attempt_ids.get((before.asset_key, ""), 0) > latest:
        names += ["last_attempt_outcome", "last_attempt_at", "last_attempt_run_id", "last_attempt_cause"]
    return {name: getattr(before, name) for name in names}


def _latest_over(
    key: AssetKey, left: dict[str, AssetState], attempt_ids: dict[tuple[AssetKey, str], int]
) -> AssetState:
    nothing = AssetState(key)
    made = max(left.values(), key=lambda state: state.materialization_storage_id or 0, default=nothing)
    seen = max(left.values(), key=lambda state: state.latest_observation_storage_id or 0, default=nothing)
    tried = max(
        (state for state in left.values() if state.last_attempt_outcome is not None),
        key=lambda state: attempt_ids[key, str(state.partition)],
        default=nothing,
    )
    return AssetState(
        key,
        None,
        made.materialization,
        made.materialization_storage_id,
        sum(state.materialization_count for state in left.values()),
        tried.last_attempt_outcome,
        tried.last_attempt_at,
        tried.last_attempt_run_id,
        tried.last_attempt_cause,
        seen.latest_observation,
        seen.latest_observation_storage_id,
    )
