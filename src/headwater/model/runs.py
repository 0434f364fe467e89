"""Runs and steps as records: their statuses, and the filters by which they are looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from headwater.model.events import AssetMaterialized, AssetObserved, CheckEvaluated, Event
from headwater.model.keys import AssetCheckKey, AssetKey

if TYPE_CHECKING:
    from headwater.model.results import AssetCheckEvaluation, AssetMaterialization, AssetObservation


class RunStatus(Enum):
    """Where a run stands. INTERRUPTED: the process that owned it is gone; it can be retried from where it stood."""

    QUEUED = "QUEUED"
    NOT_STARTED = "NOT_STARTED"
    STARTING = "STARTING"
    STARTED = "STARTED"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"
    INTERRUPTED = "INTERRUPTED"

    @property
    def is_finished(self) -> bool:
        return self in FINISHED_STATUSES


FINISHED_STATUSES = frozenset({RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED, RunStatus.INTERRUPTED})


class StepStatus(Enum):
    """Where a step stands. BLOCKED was never attempted because of another; SKIPPED was not needed."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    WAITING_TO_RETRY = "WAITING_TO_RETRY"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    BLOCKED = "BLOCKED"
    SKIPPED = "SKIPPED"
    CANCELED = "CANCELED"

    @property
    def is_finished(self) -> bool:
        return self in _FINISHED_STEPS


_FINISHED_STEPS = frozenset(
    {StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.BLOCKED, StepStatus.SKIPPED, StepStatus.CANCELED}
)


def instant(seconds: float | None) -> datetime | None:
    """Return an aware UTC datetime from seconds since 1970."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class Run(Struct, frozen=True):
    """One execution of a job or of a selection of assets. Times are seconds since 1970 in UTC."""

    run_id: str
    job_name: str
    status: RunStatus = RunStatus.NOT_STARTED
    tags: Mapping[str, str] = field(default_factory=dict)
    run_config: Mapping[str, Any] = field(default_factory=dict)
    asset_selection: tuple[AssetKey, ...] = ()
    check_selection: tuple[AssetCheckKey, ...] = ()
    step_keys: tuple[str, ...] = ()
    parent_run_id: str | None = None
    root_run_id: str | None = None
    created_at: float = 0.0
    started_at: float | None = None
    ended_at: float | None = None
    # One line: why it failed or was interrupted.
    cause: str | None = None
    # The plan as plain data, kept so that a page can show plan against outcome.
    plan: Mapping[str, Any] | None = None

    @property
    def is_finished(self) -> bool:
        """Whether the run has ended, well or not."""
        return self.status.is_finished

    @property
    def is_success(self) -> bool:
        """Whether the run ended well."""
        return self.status is RunStatus.SUCCESS

    @property
    def is_failure(self) -> bool:
        """Whether the run failed."""
        return self.status in (RunStatus.FAILURE, RunStatus.INTERRUPTED)

    @property
    def duration_seconds(self) -> float | None:
        """How long the run took; None until it has ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at


class RunRecord(Struct, frozen=True):
    """A run as stored, with when it was created and last changed."""

    storage_id: int
    run: Run
    create_timestamp: datetime
    update_timestamp: datetime

    @property
    def dagster_run(self) -> Run:
        """The run itself."""
        return self.run

    @property
    def start_time(self) -> float | None:
        """When the first step could start, in seconds since 1970; None before."""
        return self.run.started_at

    @property
    def end_time(self) -> float | None:
        """When the run ended, in seconds since 1970; None before."""
        return self.run.ended_at


class StepRecord(Struct, frozen=True):
    """A step of a run as it stands now."""

    run_id: str
    step_key: str
    status: StepStatus
    attempt: int = 1
    started_at: float | None = None
    ended_at: float | None = None
    # One line: why it failed, was blocked or was skipped.
    cause: str | None = None


class RunsFilter(Struct, frozen=True):
    """Which runs: every field that is given must match; a sequence matches any of its members."""

    run_ids: Sequence[str] | None = None
    job_name: str | None = None
    statuses: Sequence[RunStatus] = ()
    tags: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None


class EventType(str, Enum):
    """The field's names for kinds of events, for use in filters."""

    RUN_START = "RUN_START"
    RUN_SUCCESS = "RUN_SUCCESS"
    RUN_FAILURE = "RUN_FAILURE"
    RUN_CANCELED = "RUN_CANCELED"
    STEP_START = "STEP_START"
    STEP_SUCCESS = "STEP_SUCCESS"
    STEP_FAILURE = "STEP_FAILURE"
    STEP_SKIPPED = "STEP_SKIPPED"
    STEP_OUTPUT = "STEP_OUTPUT"
    STEP_UP_FOR_RETRY = "STEP_UP_FOR_RETRY"
    ASSET_MATERIALIZATION = "ASSET_MATERIALIZATION"
    ASSET_OBSERVATION = "ASSET_OBSERVATION"
    ASSET_CHECK_EVALUATION = "ASSET_CHECK_EVALUATION"
    ASSET_FAILED_TO_MATERIALIZE = "ASSET_FAILED_TO_MATERIALIZE"
    ASSET_WIPED = "ASSET_WIPED"


class EventRecordsFilter(Struct, frozen=True):
    """Which events. Times are seconds since 1970; cursors are storage ids, both exclusive."""

    event_type: EventType | str | None = None
    asset_key: AssetKey | None = None
    asset_partitions: Sequence[str] | None = None
    run_id: str | None = None
    after_cursor: int | None = None
    before_cursor: int | None = None
    after_timestamp: float | None = None
    before_timestamp: float | None = None
    storage_ids: Sequence[int] | None = None


class AssetRecordsFilter(Struct, frozen=True):
    """Which events of one asset, for `fetch_materializations` and `fetch_observations`."""

    asset_key: AssetKey
    asset_partitions: Sequence[str] | None = None
    after_timestamp: float | None = None
    before_timestamp: float | None = None
    after_storage_id: int | None = None
    before_storage_id: int | None = None
    storage_ids: Sequence[int] | None = None


class EventRecord(Struct, frozen=True):
    """An event as stored: `storage_id` grows with time and serves as a cursor."""

    storage_id: int
    event: Event

    @property
    def event_log_entry(self) -> EventRecord:
        """The record itself, which has all that an entry of the log has."""
        return self

    @property
    def run_id(self) -> str:
        """The run of which it is a fact."""
        return self.event.run_id

    @property
    def timestamp(self) -> float:
        """When it happened, in seconds since 1970."""
        return self.event.timestamp

    @property
    def step_key(self) -> str | None:
        """The step of which it is a fact, None for one about the run."""
        return self.event.step_key

    @property
    def asset_key(self) -> AssetKey | None:
        """The asset of which it is a fact, None for one about no asset."""
        return self.event.asset_key

    @property
    def partition_key(self) -> str | None:
        """The partition of which it is a fact, None for one about no partition."""
        return getattr(self.event, "partition", None)

    @property
    def asset_materialization(self) -> AssetMaterialization | None:
        """What was materialized; None when the event is of another kind."""
        return self.event.materialization if isinstance(self.event, AssetMaterialized) else None

    @property
    def asset_observation(self) -> AssetObservation | None:
        """What was observed; None when the event is of another kind."""
        return self.event.asset_observation if isinstance(self.event, AssetObserved) else None

    @property
    def asset_check_evaluation(self) -> AssetCheckEvaluation | None:
        """What a check found; None when the event is of another kind."""
        return self.event.asset_check_evaluation if isinstance(self.event, CheckEvaluated) else None

    @property
    def dagster_event(self) -> Event:
        """The fact itself."""
        return self.event

    @property
    def message(self) -> str:
        """The fact in words."""
        return self.event.message


class AssetState(Struct, frozen=True):
    """What is known now of one asset × partition (partition None for an unpartitioned asset).

    `materialization` is the last one that counts (a wipe clears it). `attempt_outcome` is how the last attempt ended:
    materialized, unchanged, failed, blocked, skipped or canceled; None when there was none.
    """

    asset_key: AssetKey
    partition: str | None = None
    materialization: AssetMaterialized | None = None
    materialization_storage_id: int | None = None
    materialization_count: int = 0
    last_attempt_outcome: str | None = None
    last_attempt_at: float | None = None
    last_attempt_run_id: str | None = None
    last_attempt_cause: str | None = None
    latest_observation: AssetObserved | None = None
    latest_observation_storage_id: int | None = None
