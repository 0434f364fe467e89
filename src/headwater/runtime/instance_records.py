"""What an instance answers with: pages of events, assets with their latest records, runs in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from headwater.model.keys import AssetKey
from headwater.model.runs import AssetState, EventRecord


class AssetPartitionStatus(Enum):
    """How one partition of an asset stands: its last attempt failed, it is being made, or it is there."""

    MATERIALIZED = "MATERIALIZED"
    IN_PROGRESS = "IN_PROGRESS"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class EventRecordsResult:
    """One page of events. `cursor` asks for the next page, and stays good when there is none yet."""

    records: Sequence[EventRecord]
    cursor: str
    has_more: bool


@dataclass(frozen=True, slots=True)
class AssetEntry:
    """The latest that is known of an asset, over all of its partitions."""

    asset_key: AssetKey
    last_materialization_record: EventRecord | None = None
    last_observation_record: EventRecord | None = None
    last_run_id: str | None = None

    @property
    def last_materialization(self) -> EventRecord | None:
        """The latest materialization, as an entry of the log."""
        return self.last_materialization_record

    @property
    def last_observation(self) -> EventRecord | None:
        """The latest observation, as an entry of the log."""
        return self.last_observation_record

    @property
    def last_observation_storage_id(self) -> int | None:
        return None if self.last_observation_record is None else self.last_observation_record.storage_id

    @property
    def last_materialization_storage_id(self) -> int | None:
        return None if self.last_materialization_record is None else self.last_materialization_record.storage_id

    @property
    def last_event_storage_id(self) -> int | None:
        ids = [
            record.storage_id
            for record in (self.last_materialization_record, self.last_observation_record)
            if record is not None
        ]
        return max(ids, default=None)


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """An asset of which something is recorded."""

    asset_entry: AssetEntry


@dataclass(frozen=True, slots=True)
class RunStats:
    """A run in numbers. Times are seconds since 1970; None for what has not happened."""

    run_id: str
    steps_succeeded: int
    steps_failed: int
    materializations: int
    expectations: int
    enqueued_time: float | None
    launch_time: float | None
    start_time: float | None
    end_time: float | None


def materialization_record(state: AssetState | None) -> EventRecord | None:
    """Return the latest materialization that counts, as a record."""
    if state is None or state.materialization is None or state.materialization_storage_id is None:
        return None
    return EventRecord(state.materialization_storage_id, state.materialization)


def observation_record(state: AssetState | None) -> EventRecord | None:
    """Return the latest observation that counts, as a record."""
    if state is None or state.latest_observation is None or state.latest_observation_storage_id is None:
        return None
    return EventRecord(state.latest_observation_storage_id, state.latest_observation)


def asset_record(state: AssetState) -> AssetRecord:
    return AssetRecord(
        AssetEntry(
            state.asset_key,
            materialization_record(state),
            observation_record(state),
            state.last_attempt_run_id or None,
        )
    )
