"""Assets as anyone sees them: stored state becomes status words, counts of partitions and results of checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from headwater.graph.asset_graph import AssetGraph
from headwater.model.events import CheckEvaluated
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.runs import AssetState, EventRecord, Run
from headwater.model.specs import AssetCheckSpec, AssetExecutionType, AssetSpec
from headwater.store.interface import Store
from headwater.views.metadata import metadata_as_data
from headwater.views.partition_status import PartitionCounts, PartitionStatus, partition_status_of, runs_in_progress
from headwater.views.words import instant_as_iso


class AssetStatus(Enum):
    """Where an asset stands, in one word."""

    MATERIALIZED = "materialized"
    PARTIAL = "partial"  # some partitions are there, others are missing
    MISSING = "missing"
    FAILED = "failed"  # the last attempt failed, of any partition
    OBSERVED = "observed"
    EXTERNAL = "external"  # nothing here builds or observes it


class CheckStatus(Enum):
    """What the last evaluation of a check said, in one word."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    NOT_EVALUATED = "not evaluated"


@dataclass(frozen=True, slots=True)
class CheckView:
    """One check and its last result."""

    spec: AssetCheckSpec
    status: CheckStatus
    evaluation: CheckEvaluated | None = None

    def to_data(self) -> dict[str, Any]:
        evaluation = self.evaluation
        return {
            "asset": str(self.spec.asset_key),
            "name": self.spec.name,
            "blocking": self.spec.blocking,
            "description": self.spec.description,
            "status": self.status.value,
            "severity": evaluation.severity if evaluation else None,
            "partition": evaluation.partition if evaluation else None,
            "evaluated_at": instant_as_iso(evaluation.timestamp) if evaluation else None,
            "result_description": evaluation.description if evaluation else None,
            "metadata": metadata_as_data(evaluation.metadata) if evaluation else {},
        }


@dataclass(frozen=True, slots=True)
class AssetView:
    """One asset as it stands: its spec, and what is known of it. `partition_status` is None for an unpartitioned one."""

    spec: AssetSpec
    status: AssetStatus
    state: AssetState | None
    partition_status: PartitionStatus | None
    checks: tuple[CheckView, ...]

    @property
    def partitions(self) -> PartitionCounts | None:
        """How many partitions stand where; None for an unpartitioned asset."""
        return None if self.partition_status is None else self.partition_status.counts

    @property
    def key(self) -> AssetKey:
        return self.spec.key

    @property
    def last_materialized_at(self) -> float | None:
        made = self.state.materialization if self.state else None
        return made.timestamp if made else None

    def to_data(self) -> dict[str, Any]:
        """Return what a program wants to know of it, as JSON values."""
        spec, state = self.spec, self.state
        made = state.materialization if state else None
        parts = self.partition_status
        return {
            "key": str(spec.key),
            "status": self.status.value,
            "group": spec.group,
            "kinds": sorted(spec.kinds),
            "owners": list(spec.owners),
            "tags": {name: text for name, text in spec.tags.items() if not name.startswith("headwater/kind/")},
            "description": spec.description,
            "code_version": spec.code_version,
            "partitions": None
            if parts is None
            else {
                "definition": parts.partitions_def.describe(),
                **parts.counts.to_data(),
                "unreachable": parts.unreachable.to_data(),
            },
            "materialization": None
            if made is None
            else {
                "run_id": made.run_id,
                "at": instant_as_iso(made.timestamp),
                "partition": made.partition,
                "data_version": made.data_version,
                "code_version": made.code_version,
                "metadata": metadata_as_data(made.metadata),
            },
            "last_attempt": None
            if state is None or state.last_attempt_outcome is None
            else {
                "outcome": state.last_attempt_outcome,
                "at": instant_as_iso(state.last_attempt_at),
                "run_id": state.last_attempt_run_id,
                "cause": state.last_attempt_cause,
            },
            "checks": [check.to_data() for check in self.checks],
        }


def asset_views(graph: AssetGraph, store: Store, keys: Iterable[AssetKey]) -> list[AssetView]:
    """Return these assets as they stand, in the order given: one query for all states, one for all checks."""
    wanted = list(keys)
    states = store.asset_states(wanted)
    checks = [spec.key for key in wanted for spec in graph.checks_of(key)]
    results = store.latest_checks(checks) if checks else {}
    is_partitioned = any(graph.spec(key).partitions_def is not None for key in wanted)
    unfinished = runs_in_progress(store) if is_partitioned else ()
    return [_view(graph, store, key, states.get(key), results, unfinished) for key in wanted]


def _view(
    graph: AssetGraph,
    store: Store,
    key: AssetKey,
    state: AssetState | None,
    results: Mapping[AssetCheckKey, EventRecord],
    unfinished: Sequence[Run],
) -> AssetView:
    spec = graph.spec(key)
    parts = None
    if spec.partitions_def is not None:
        parts = partition_status_of(spec.partitions_def, store, key, unfinished=unfinished)
    status = asset_status(graph.execution_type(key), state, parts.counts if parts is not None else None)
    checks = tuple(check_view(check, results.get(check.key)) for check in graph.checks_of(key))
    return AssetView(spec, status, state, parts, checks)


def asset_status(
    execution_type: AssetExecutionType, state: AssetState | None, counts: PartitionCounts | None
) -> AssetStatus:
    """Return the one word for an asset's state."""
    if counts is not None and (counts.failed or counts.materialized):
        if counts.failed:
            return AssetStatus.FAILED
        return AssetStatus.PARTIAL if counts.missing > 0 else AssetStatus.MATERIALIZED
    if counts is None and state is not None and state.last_attempt_outcome == "failed":
        return AssetStatus.FAILED
    if counts is None and state is not None and state.materialization is not None:
        return AssetStatus.MATERIALIZED
    if state is not None and state.latest_observation is not None:
        return AssetStatus.OBSERVED
    return AssetStatus.EXTERNAL if execution_type is AssetExecutionType.UNEXECUTABLE else AssetStatus.MISSING


def check_view(spec: AssetCheckSpec, record: EventRecord | None) -> CheckView:
    """Return a check with its last result; None for one that was never evaluated."""
    evaluation = record.event if record is not None else None
    if not isinstance(evaluation, CheckEvaluated):
        return CheckView(spec, CheckStatus.NOT_EVALUATED)
    return CheckView(spec, check_status(evaluation), evaluation)


def check_status(evaluation: CheckEvaluated) -> CheckStatus:
    if evaluation.passed:
        return CheckStatus.PASSED
    return CheckStatus.WARNED if evaluation.severity == "WARN" else CheckStatus.FAILED
