"""Runs and steps as records: their statuses, and the filters by which they are looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import force_setattr, replace

from headwater.model.event_types import EventType as EventType
from headwater.model.events import AssetMaterialized, AssetObserved, CheckEvaluated, Event
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.tags import Tags, stored_names

if TYPE_CHECKING:
    from headwater.model.error_info import ErrorInfo
    from headwater.model.event_data import SerializableErrorInfo
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

    def __post_init__(self) -> None:
        if type(self.tags) is not Tags:
            force_setattr(self, "tags", Tags(self.tags))

    @property
    def asset_check_selection(self) -> frozenset[AssetCheckKey] | None:
        """The checks that the run was to evaluate; None when it was about no check."""
        return frozenset(self.check_selection) or None

    @property
    def step_keys_to_execute(self) -> Sequence[str]:
        """The steps of the run, in an order in which they can run."""
        return self.step_keys

    @property
    def previous_run_id(self) -> str | None:
        """The run that this one repeats or continues."""
        return self.parent_run_id

    def get_parent_run_id(self) -> str | None:
        """Return the run that this one repeats or continues."""
        return self.parent_run_id

    def get_root_run_id(self) -> str | None:
        """Return the first run of the chain of repetitions; None when this one repeats none."""
        return self.root_run_id

    def with_status(self, status: RunStatus) -> Run:
        """Return the same run with another status. What is recorded stays as it is."""
        return replace(self, status=status)

    def with_tags(self, tags: Mapping[str, str]) -> Run:
        """Return the same run with these tags in place of its own. What is recorded stays as it is."""
        return replace(self, tags=Tags(tags))

    @property
    def is_finished(self) -> bool:
        """Whether the run has ended, well or not."""
        return self.status.is_finished

    @property
    def is_cancelable(self) -> bool:
        """Whether the run waits or goes on, so that it could be stopped."""
        return not self.is_finished and self.status is not RunStatus.CANCELING

    @property
    def is_failure_or_canceled(self) -> bool:
        """Whether the run failed or was stopped."""
        return self.is_failure or self.status is RunStatus.CANCELED

    @property
    def is_partitioned(self) -> bool:
        """Whether the run is for a partition, or for a range of them."""
        return "headwater/partition" in self.tags or "headwater/asset_partition_range_start" in self.tags

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

    @property
    def start_time(self) -> float | None:
        """When the step started, in seconds since 1970; None before."""
        return self.started_at

    @property
    def end_time(self) -> float | None:
        """When the step ended, in seconds since 1970; None before."""
        return self.ended_at

    @property
    def attempts(self) -> int:
        """How many attempts were made."""
        return 0 if self.started_at is None else self.attempt


class RunsFilter(Struct, frozen=True):
    """Which runs: every field that is given must match; a sequence matches any of its members."""

    run_ids: Sequence[str] | None = None
    job_name: str | None = None
    statuses: Sequence[RunStatus] = None  # type: ignore[assignment]  # read as an empty sequence: any status
    tags: Mapping[str, str | Sequence[str]] = None  # type: ignore[assignment]  # read as an empty mapping
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    def __post_init__(self) -> None:
        force_setattr(self, "statuses", tuple(self.statuses or ()))
        force_setattr(self, "tags", stored_names(self.tags or {}))


class RunShardedEventsCursor(Struct, frozen=True):
    """A place in the events: a storage id. `run_updated_after` is taken for programs that give it, and narrows nothing."""

    id: int
    run_updated_after: datetime | None = None


class EventRecordsFilter(Struct, frozen=True):
    """Which events. Times are seconds since 1970; cursors are storage ids, both exclusive."""

    event_type: EventType | str | None = None
    asset_key: AssetKey | None = None
    asset_partitions: Sequence[str] | None = None
    after_cursor: int | RunShardedEventsCursor | None = None
    before_cursor: int | RunShardedEventsCursor | None = None
    after_timestamp: float | None = None
    before_timestamp: float | None = None
    storage_ids: Sequence[int] | None = None
    run_id: str | None = None

    def __post_init__(self) -> None:
        for name in ("after_cursor", "before_cursor"):
            cursor = getattr(self, name)
            if isinstance(cursor, RunShardedEventsCursor):
                force_setattr(self, name, cursor.id)

    @property
    def after_storage_id(self) -> int | None:
        """The storage id after which events count."""
        return self.after_cursor.id if isinstance(self.after_cursor, RunShardedEventsCursor) else self.after_cursor

    @property
    def before_storage_id(self) -> int | None:
        """The storage id before which events count."""
        return self.before_cursor.id if isinstance(self.before_cursor, RunShardedEventsCursor) else self.before_cursor


class AssetRecordsFilter(Struct, frozen=True):
    """Which events of one asset, for `fetch_materializations` and `fetch_observations`."""

    asset_key: AssetKey
    asset_partitions: Sequence[str] | None = None
    after_timestamp: float | None = None
    before_timestamp: float | None = None
    after_storage_id: int | None = None
    before_storage_id: int | None = None
    storage_ids: Sequence[int] | None = None


class EventRecord(Struct, frozen=True, eq=False):
    """An event as stored: `storage_id` grows with time and serves as a cursor; `job_name` is the job of its run."""

    storage_id: int
    event: Event
    job_name: str | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EventRecord) and (other.storage_id, other.event) == (self.storage_id, self.event)

    def __hash__(self) -> int:
        return hash(self.storage_id)

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
        return self.event.partition

    @property
    def event_type(self) -> EventType:
        """The kind of the fact."""
        return self.event.event_type

    @property
    def dagster_event_type(self) -> EventType:
        """The kind of the fact."""
        return self.event.event_type

    @property
    def is_dagster_event(self) -> bool:
        """Whether it is a fact that the system recorded, and not a line that was logged: always."""
        return True

    @property
    def level(self) -> int:
        """How loud it would be in a log: `logging.ERROR` for a failure, else `logging.DEBUG`."""
        return 40 if self.event.is_failure else 10

    @property
    def error_info(self) -> SerializableErrorInfo | None:
        """What was raised; None for a fact about no exception."""
        error: ErrorInfo | None = getattr(self.event, "error", None)
        if error is None:
            return None
        from headwater.model.event_data import SerializableErrorInfo

        return SerializableErrorInfo.of(error)

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of a materialization or an observation; empty for other facts."""
        reported = self.asset_event
        return {} if reported is None else reported.tags

    @property
    def asset_event(self) -> AssetMaterialization | AssetObservation | None:
        """What was materialized or observed; None when the event is of another kind."""
        return self.asset_materialization or self.asset_observation

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
        """The fact itself, with the job of its run."""
        return self.event if self.job_name is None else replace(self.event, job_name=self.job_name)

    def get_dagster_event(self) -> Event:
        """Return the fact itself, with the job of its run."""
        return self.dagster_event

    @property
    def message(self) -> str:
        """The fact in words."""
        return self.event.message

    @property
    def user_message(self) -> str:
        """The fact in words."""
        return self.event.message


EventLogRecord = EventRecord
EventLogEntry = EventRecord


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
