"""From facts to state: the pure function that says which rows follow from a batch of events.

The last fact about a row wins, whatever the batches: folding events one by one, or all at once, leaves the same rows.
So a batch with a thousand facts about ten rows costs ten writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from headwater.model.events import (
    AssetInvalidated,
    AssetMaterialized,
    AssetNotMaterialized,
    AssetObserved,
    AssetUnchanged,
    AssetWiped,
    CheckEvaluated,
    ErrorInfo,
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
from headwater.model.provenance import provenance_texts
from headwater.store.statements import ALL_PARTITIONS

LONGEST_CAUSE = 500
_FIRST_OF_LIST = re.compile(r"\s*1\. (.+)")


class Fact(NamedTuple):
    """An event about to be written, with the ids by which the database knows what it is about."""

    storage_id: int
    event: Any
    body: str
    run_number: int | None
    asset_id: int | None


class Wipe(NamedTuple):
    """What counts no longer from the fact `storage_id` on: these partitions, all of the asset, or one materialization."""

    asset_id: int
    partitions: tuple[str, ...]
    storage_id: int
    timestamp: float
    materialization_id: int | None

    def is_joined_by(self, fact: Fact) -> bool:
        """Whether the next fact wipes more partitions of the same asset."""
        event = fact.event
        is_of_partitions = bool(self.partitions) and self.materialization_id is None
        return (
            is_of_partitions
            and fact.asset_id == self.asset_id
            and bool(event.partitions)
            and event.materialization_id is None
        )

    def joined(self, fact: Fact) -> Wipe:
        return self._replace(
            partitions=(*self.partitions, *fact.event.partitions),
            storage_id=fact.storage_id,
            timestamp=fact.event.timestamp,
        )


# The columns of one row that change, with their new values; a column that is not named keeps its value.
RowChange = dict[str, Any]


@dataclass(slots=True)
class StateChanges:
    """Which rows change. `wipe`, if there is one, comes after all of them."""

    runs: dict[int, RowChange] = field(default_factory=dict)
    steps: dict[tuple[int, str], RowChange] = field(default_factory=dict)
    assets: dict[int, RowChange] = field(default_factory=dict)
    asset_partitions: dict[tuple[int, str], RowChange] = field(default_factory=dict)
    checks: dict[tuple[int, str], RowChange] = field(default_factory=dict)
    check_partitions: dict[tuple[int, str, str], RowChange] = field(default_factory=dict)
    invalidations: dict[tuple[int, str], RowChange] = field(default_factory=dict)
    wipe: Wipe | None = None


def changes_of(facts: Iterable[Fact]) -> Iterator[StateChanges]:
    """Yield the changes that follow from the facts, in order. A wipe ends one set of changes and begins another."""
    changes = StateChanges()
    for fact in facts:
        fold = FOLDS.get(type(fact.event))
        if fold is None:
            continue
        before = changes.wipe
        if before is not None:
            # Wipes of one asset in a row, as when there are more partitions than one event tells of, are carried out as one.
            if isinstance(fact.event, AssetWiped) and before.is_joined_by(fact):
                changes.wipe = before.joined(fact)
                continue
            yield changes
            changes = StateChanges()
        fold(changes, fact)
    yield changes


def one_line(text: str) -> str:
    """Return the first line that says something, shortened to what a table cell can hold.

    One that ends in a colon says it with the next.
    """
    said = [line.strip() for line in text.splitlines() if line.strip()]
    line = " ".join(said[:2]) if said and said[0].endswith(":") else "".join(said[:1])
    return line if len(line) <= LONGEST_CAUSE else line[: LONGEST_CAUSE - 1] + "…"


def headline(error: ErrorInfo | None) -> str | None:
    """Return an error as one line, such as "ValueError: no rows". Of one that lists faults it names the first."""
    if error is None:
        return None
    announced, _, listed = error.message.partition(":\n")
    first = _FIRST_OF_LIST.match(listed) if "\n" not in announced else None
    return one_line(f"{error.class_name}: {first[1] if first else error.message}")


# ---------------------------------------------------------------------------------------------------------------- runs


def _change_run(changes: StateChanges, fact: Fact, change: RowChange) -> None:
    if fact.run_number is not None:
        change["updated_at"] = fact.event.timestamp
        changes.runs.setdefault(fact.run_number, {}).update(change)


def _run_started(changes: StateChanges, fact: Fact) -> None:
    _change_run(changes, fact, {"status": "STARTED", "started_at": fact.event.timestamp, "ended_at": None})


def _end_run(changes: StateChanges, fact: Fact, status: str, cause: str | None) -> None:
    ended = {"status": status, "ended_at": fact.event.timestamp, "cause": cause, "owner_id": None}
    _change_run(changes, fact, ended)


def _run_succeeded(changes: StateChanges, fact: Fact) -> None:
    _end_run(changes, fact, "SUCCESS", None)


def _run_failed(changes: StateChanges, fact: Fact) -> None:
    event: RunFailed = fact.event
    failed = one_line(f"Failed: {', '.join(event.failed_steps)}") if event.failed_steps else None
    _end_run(changes, fact, "FAILURE", headline(event.error) or failed)


def _run_canceled(changes: StateChanges, fact: Fact) -> None:
    _end_run(changes, fact, "CANCELED", one_line(fact.event.reason) or None)


def _run_resumed(changes: StateChanges, fact: Fact) -> None:
    _change_run(changes, fact, {"status": "STARTED", "ended_at": None, "cause": None})


def _run_cancel_requested(changes: StateChanges, fact: Fact) -> None:
    _change_run(changes, fact, {"status": "CANCELING"})


def _run_interrupted(changes: StateChanges, fact: Fact) -> None:
    _end_run(changes, fact, "INTERRUPTED", one_line(fact.event.reason) or None)


# --------------------------------------------------------------------------------------------------------------- steps


def _change_step(changes: StateChanges, fact: Fact, change: RowChange) -> None:
    event = fact.event
    if fact.run_number is None or event.step_key is None:
        return
    key = (fact.run_number, event.step_key)
    row = changes.steps.get(key)
    if row is None:
        change["position"] = fact.storage_id
        changes.steps[key] = change
    else:
        row.update(change)


def _step_started(changes: StateChanges, fact: Fact) -> None:
    event = fact.event
    started = {
        "status": "RUNNING",
        "attempt": event.attempt,
        "started_at": event.timestamp,
        "ended_at": None,
        "cause": None,
    }
    _change_step(changes, fact, started)


def _step_succeeded(changes: StateChanges, fact: Fact) -> None:
    event = fact.event
    succeeded = {"status": "SUCCEEDED", "attempt": event.attempt, "ended_at": event.timestamp, "cause": None}
    _change_step(changes, fact, succeeded)


def _step_failed(changes: StateChanges, fact: Fact) -> None:
    event: StepFailed = fact.event
    status = "CANCELED" if event.cause == "canceled" else "FAILED"
    cause = headline(event.error) or one_line(event.cause)
    failed = {"status": status, "attempt": event.attempt, "ended_at": event.timestamp, "cause": cause}
    _change_step(changes, fact, failed)


def _step_retry_scheduled(changes: StateChanges, fact: Fact) -> None:
    _change_step(changes, fact, {"status": "WAITING_TO_RETRY", "attempt": fact.event.attempt})


def _step_skipped(changes: StateChanges, fact: Fact) -> None:
    event = fact.event
    _change_step(changes, fact, {"status": "SKIPPED", "ended_at": event.timestamp, "cause": one_line(event.reason)})


def _step_blocked(changes: StateChanges, fact: Fact) -> None:
    event = fact.event
    _change_step(changes, fact, {"status": "BLOCKED", "ended_at": event.timestamp, "cause": one_line(event.cause)})


# -------------------------------------------------------------------------------------------------------------- assets


def _change_asset(changes: StateChanges, fact: Fact, partition: str | None, change: RowChange, count: int = 0) -> None:
    asset_id = fact.asset_id
    if asset_id is None:
        return
    if partition is not None:
        _merge(changes.asset_partitions, (asset_id, partition), dict(change), count)
    _merge(changes.assets, asset_id, change, count)


def _merge(rows: dict[Any, RowChange], key: Any, change: RowChange, count: int) -> None:
    row = rows.get(key)
    if row is None:
        if count:
            change["materialization_count"] = count
        rows[key] = change
    else:
        row.update(change)
        if count:
            row["materialization_count"] = row.get("materialization_count", 0) + count


def _attempt(fact: Fact, outcome: str, cause: str | None = None) -> RowChange:
    return {
        "attempt_id": fact.storage_id,
        "attempt_outcome": outcome,
        "attempted_at": fact.event.timestamp,
        "attempt_run_id": fact.event.run_id,
        "attempt_cause": cause,
    }


def _asset_materialized(changes: StateChanges, fact: Fact) -> None:
    event: AssetMaterialized = fact.event
    made_by, provenance = provenance_texts(event)
    materialized: RowChange = {
        "materialization_id": fact.storage_id,
        "data_version": event.data_version,
        "code_version": event.code_version,
        "materialization": fact.body,
        "made_by": made_by,
        "provenance": provenance,
        "attempt_id": fact.storage_id,
        "attempt_outcome": "materialized",
        "attempted_at": event.timestamp,
        "attempt_run_id": event.run_id,
        "attempt_cause": None,
    }
    _change_asset(changes, fact, event.partition, materialized, count=1)


def _asset_unchanged(changes: StateChanges, fact: Fact) -> None:
    event: AssetUnchanged = fact.event
    change = _attempt(fact, "unchanged")
    made_by, provenance = provenance_texts(event)
    if provenance is not None:
        change["made_by"], change["provenance"] = made_by, provenance
    _change_asset(changes, fact, event.partition, change)


def _asset_not_materialized(changes: StateChanges, fact: Fact) -> None:
    event: AssetNotMaterialized = fact.event
    attempt = _attempt(fact, event.outcome, one_line(event.cause) or None)
    for partition in event.partitions or (None,):
        _change_asset(changes, fact, partition, dict(attempt))


def _asset_observed(changes: StateChanges, fact: Fact) -> None:
    observed = {"observation_id": fact.storage_id, "observation": fact.body}
    _change_asset(changes, fact, fact.event.partition, observed)


def _asset_wiped(changes: StateChanges, fact: Fact) -> None:
    if fact.asset_id is not None:
        event: AssetWiped = fact.event
        changes.wipe = Wipe(fact.asset_id, event.partitions, fact.storage_id, event.timestamp, event.materialization_id)


def _asset_invalidated(changes: StateChanges, fact: Fact) -> None:
    event: AssetInvalidated = fact.event
    if fact.asset_id is None:
        return
    reason = None if event.is_undone else event.reason
    for partition in event.partitions or (ALL_PARTITIONS,):
        mark = {"storage_id": fact.storage_id, "marked_at": event.timestamp, "reason": reason}
        changes.invalidations[fact.asset_id, partition] = mark


def _check_evaluated(changes: StateChanges, fact: Fact) -> None:
    event: CheckEvaluated = fact.event
    if fact.asset_id is None:
        return
    result: RowChange = {"storage_id": fact.storage_id, "passed": int(event.passed), "body": fact.body}
    if event.partition is not None:
        changes.check_partitions[fact.asset_id, event.check, event.partition] = result
    changes.checks[fact.asset_id, event.check] = {**result, "partition_key": event.partition}


FOLDS: dict[type[Event], Callable[[StateChanges, Fact], None]] = {
    RunStarted: _run_started,
    RunSucceeded: _run_succeeded,
    RunFailed: _run_failed,
    RunCanceled: _run_canceled,
    RunCancelRequested: _run_cancel_requested,
    RunInterrupted: _run_interrupted,
    RunResumed: _run_resumed,
    StepStarted: _step_started,
    StepSucceeded: _step_succeeded,
    StepFailed: _step_failed,
    StepRetryScheduled: _step_retry_scheduled,
    StepSkipped: _step_skipped,
    StepBlocked: _step_blocked,
    AssetMaterialized: _asset_materialized,
    AssetUnchanged: _asset_unchanged,
    AssetNotMaterialized: _asset_not_materialized,
    AssetObserved: _asset_observed,
    AssetWiped: _asset_wiped,
    AssetInvalidated: _asset_invalidated,
    CheckEvaluated: _check_evaluated,
}
