"""The part of an instance that tells of assets: what was materialized, observed and checked, and what is wiped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from headwater.model.clock import utc_now
from headwater.model.errors import CheckError
from headwater.model.errors.instance import NotAnAssetEvent
from headwater.model.events import AssetMaterialized, AssetObserved, CheckEvaluated, Event
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.metadata import MetadataValue, metadata_to_data
from headwater.model.partitions.definition import PartitionsDefinition
from headwater.model.results import DATA_VERSION_TAG, AssetCheckEvaluation, AssetMaterialization, AssetObservation
from headwater.model.runs import (
    AssetRecordsFilter,
    EventRecord,
    EventRecordsFilter,
    EventType,
)
from headwater.model.tags import stored_names
from headwater.runtime.instance_records import (
    AssetPartitionStatus,
    AssetRecord,
    EventRecordsResult,
    asset_record,
    materialization_record,
    observation_record,
)
from headwater.runtime.instance_repairs import current_key
from headwater.runtime.run_history import page, position
from headwater.store.interface import Store


class AssetHistory:
    """Assets and their partitions: what is true now comes from state, pages of events from history."""

    store: Store

    # ----------------------------------------------------------------------------------------------- pages of history

    def fetch_materializations(
        self,
        records_filter: AssetKey | AssetRecordsFilter,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """Return one page of an asset's materializations, newest first unless `ascending`.

        Give the page's cursor to get the next one. With `ascending` it also finds what comes later.
        """
        return self._fetch(EventType.ASSET_MATERIALIZATION, records_filter, limit, cursor, ascending)

    def fetch_observations(
        self,
        records_filter: AssetKey | AssetRecordsFilter,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """Return one page of an asset's observations, newest first unless `ascending`."""
        return self._fetch(EventType.ASSET_OBSERVATION, records_filter, limit, cursor, ascending)

    def fetch_failed_materializations(
        self,
        records_filter: AssetKey | AssetRecordsFilter,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """Return one page of what was planned for an asset and did not come about, newest first unless `ascending`."""
        return self._fetch(EventType.ASSET_FAILED_TO_MATERIALIZE, records_filter, limit, cursor, ascending)

    def fetch_planned_materializations(
        self,
        records_filter: AssetKey | AssetRecordsFilter,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """Return one page of the runs that set out to materialize an asset, as events; newest first unless `ascending`.

        Each has the storage id of the start of its run, and the partition of a run that is for one.
        """
        from headwater.runtime.planned_materializations import planned_materializations

        wanted = AssetRecordsFilter(records_filter) if isinstance(records_filter, AssetKey) else records_filter
        wanted = replace(wanted, asset_key=current_key(self.store, wanted.asset_key))
        return planned_materializations(self.store, wanted, limit, cursor, ascending)

    def _fetch(
        self,
        event_type: EventType,
        wanted: AssetKey | AssetRecordsFilter,
        limit: int,
        cursor: str | None,
        ascending: bool,
    ) -> EventRecordsResult:
        if limit < 1:
            raise CheckError(
                what=f"A page of {limit} records was asked for.",
                why="It could hold nothing.",
                fix="Give limit=1 or more.",
            )
        if isinstance(wanted, AssetKey):
            wanted = AssetRecordsFilter(wanted)
        after, before = wanted.after_storage_id, wanted.before_storage_id
        at = position(cursor)
        if at is not None and ascending:
            after = at if after is None else max(at, after)
        elif at is not None:
            before = at if before is None else min(at, before)
        filters = EventRecordsFilter(
            event_type,
            current_key(self.store, wanted.asset_key),
            wanted.asset_partitions,
            after_cursor=after,
            before_cursor=before,
            after_timestamp=wanted.after_timestamp,
            before_timestamp=wanted.before_timestamp,
            storage_ids=wanted.storage_ids,
        )
        return page(self.store.events(filters, limit + 1, ascending), limit, cursor)

    # ------------------------------------------------------------------------------------------------------ what is now

    def get_asset_keys(
        self, prefix: Sequence[str] | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Sequence[AssetKey]:
        """Return the assets of which something is recorded, in order; `cursor` is the written key to go on after."""
        keys = self.store.asset_keys(prefix)
        if cursor is not None:
            after = AssetKey.parse(cursor)
            keys = [key for key in keys if key > after]
        return keys if limit is None else keys[:limit]

    def all_asset_keys(self) -> Sequence[AssetKey]:
        """Return every asset of which something is recorded, in order."""
        return self.get_asset_keys()

    def get_asset_keys_for_run(self, run_id: str, of_type: EventType | None = None) -> set[AssetKey]:
        """Return the assets that a run materialized, or of which it told facts of another type."""
        return set(self.get_asset_partitions_for_run(run_id, of_type))

    def get_asset_partitions_for_run(
        self, run_id: str, of_type: EventType | None = None
    ) -> Mapping[AssetKey, set[str | None]]:
        """Return the partitions that a run materialized by asset; None stands for an unpartitioned one."""
        filters = EventRecordsFilter(of_type or EventType.ASSET_MATERIALIZATION, run_id=run_id)
        found: dict[AssetKey, set[str | None]] = {}
        for record in self.store.events(filters, ascending=True):
            if record.asset_key is not None:
                found.setdefault(record.asset_key, set()).add(record.partition_key)
        return found

    def get_event_tags_for_asset(
        self, asset_key: AssetKey, filter_tags: Mapping[str, str] | None = None, filter_event_id: int | None = None
    ) -> Sequence[Mapping[str, str]]:
        """Return the tags of the asset's materializations, newest first: of those with all of these tags, and this id."""
        ids = None if filter_event_id is None else [filter_event_id]
        records = self.store.events(
            EventRecordsFilter(
                EventType.ASSET_MATERIALIZATION, asset_key=current_key(self.store, asset_key), storage_ids=ids
            )
        )
        wanted = stored_names(filter_tags or {})
        tags = [record.tags for record in records]
        return [each for each in tags if each and all(each.get(name) == value for name, value in wanted.items())]

    def has_asset_key(self, asset_key: AssetKey) -> bool:
        """Return whether anything is recorded of the asset (a wiped one counts as unknown)."""
        return self.store.asset_state(asset_key) is not None

    def get_asset_records(self, asset_keys: Sequence[AssetKey] | None = None) -> Sequence[AssetRecord]:
        """Return what is known of these assets, or of all; those of which nothing is recorded are left out."""
        keys = self.store.asset_keys() if asset_keys is None else asset_keys
        states = self.store.asset_states(keys)
        return [asset_record(states[key]) for key in keys if key in states]

    def get_latest_materialization_event(self, asset_key: AssetKey) -> EventRecord | None:
        """Return the latest materialization of the asset, over all its partitions; None when there is none."""
        return materialization_record(self.store.asset_state(asset_key))

    def get_latest_materialization_events(
        self, asset_keys: Iterable[AssetKey]
    ) -> Mapping[AssetKey, EventRecord | None]:
        """Return the latest materialization by asset; None for one that was never materialized."""
        keys = list(asset_keys)
        states = self.store.asset_states(keys)
        return {key: materialization_record(states.get(key)) for key in keys}

    def get_latest_materialization_code_versions(self, asset_keys: Iterable[AssetKey]) -> Mapping[AssetKey, str | None]:
        """Return the code version that made each asset last; None where none was declared, or nothing was made."""
        keys = list(asset_keys)
        states = self.store.asset_states(keys)
        return {
            key: state.materialization.code_version if (state := states.get(key)) and state.materialization else None
            for key in keys
        }

    def get_materialized_partitions(
        self, asset_key: AssetKey, before_cursor: int | None = None, after_cursor: int | None = None
    ) -> set[str]:
        """Return the partitions that are materialized, or those materialized between two storage ids (exclusive).

        `before_cursor` reads history, so it does not see what was trimmed.
        """
        if before_cursor is None and after_cursor is None:
            return set(self.store.materialized_partitions(asset_key))
        if before_cursor is None:
            return set(self.get_latest_storage_id_by_partition(asset_key, after_cursor=after_cursor))
        events = self.store.events(
            EventRecordsFilter(
                EventType.ASSET_MATERIALIZATION, asset_key, after_cursor=after_cursor, before_cursor=before_cursor
            )
        )
        then = {record.partition_key for record in events if record.partition_key is not None}
        # What was wiped since counts no longer.
        return then & self.store.materialized_partitions(asset_key)

    def get_latest_storage_id_by_partition(
        self,
        asset_key: AssetKey,
        event_type: EventType = EventType.ASSET_MATERIALIZATION,
        partitions: Collection[str] | None = None,
        after_cursor: int | None = None,
    ) -> Mapping[str, int]:
        """Return the storage id of the latest materialization (or observation) by partition."""
        if event_type not in (EventType.ASSET_MATERIALIZATION, EventType.ASSET_OBSERVATION):
            raise CheckError(
                what=f"The latest {event_type.value} by partition was asked for.",
                why="Only materializations and observations are kept by partition.",
                fix="Give EventType.ASSET_MATERIALIZATION or EventType.ASSET_OBSERVATION.",
            )
        is_observed = event_type is EventType.ASSET_OBSERVATION
        latest = {
            partition: state.latest_observation_storage_id if is_observed else state.materialization_storage_id
            for partition, state in self.store.partition_states(asset_key, partitions).items()
        }
        return {
            partition: storage_id
            for partition, storage_id in latest.items()
            if storage_id is not None and (after_cursor is None or storage_id > after_cursor)
        }

    def get_latest_materialization_records_by_partition(
        self, asset_key: AssetKey, partitions: Collection[str] | None = None, after_cursor: int | None = None
    ) -> Mapping[str, EventRecord]:
        """Return the latest materialization by partition, oldest first: of these partitions, and after a storage id."""
        found = {
            partition: record
            for partition, state in self.store.partition_states(asset_key, partitions).items()
            if (record := materialization_record(state)) is not None
            and (after_cursor is None or record.storage_id > after_cursor)
        }
        return dict(sorted(found.items(), key=lambda one: one[1].storage_id))

    def get_latest_data_version_record(
        self,
        key: AssetKey,
        is_source: bool | None = None,
        partition_key: str | None = None,
        before_cursor: int | None = None,
        after_cursor: int | None = None,
    ) -> EventRecord | None:
        """Return the record that tells the asset's data version now: a materialization, else an observation.

        `is_source=True` asks for an observation, `is_source=False` for a materialization, only. Cursors are storage
        ids, exclusive; `before_cursor` reads history.
        """
        wanted = [EventType.ASSET_MATERIALIZATION] if not is_source else []
        wanted += [EventType.ASSET_OBSERVATION] if is_source is not False else []
        state = self.store.asset_state(key, partition_key) if before_cursor is None else None
        for event_type in wanted:
            if before_cursor is not None:
                partitions = None if partition_key is None else [partition_key]
                filters = EventRecordsFilter(event_type, key, partitions, before_cursor=before_cursor)
                record = next(iter(self.store.events(filters, limit=1)), None)
            elif event_type is EventType.ASSET_MATERIALIZATION:
                record = materialization_record(state)
            else:
                record = observation_record(state)
            if record is not None and (after_cursor is None or record.storage_id > after_cursor):
                return record
        return None

    def get_status_by_partition(
        self, asset_key: AssetKey, partition_keys: Sequence[str], partitions_def: PartitionsDefinition[Any]
    ) -> Mapping[str, AssetPartitionStatus | None]:
        """Return how each of these partitions stands; None for one that was never made.

        One that a run is making is IN_PROGRESS; one whose last attempt failed, or was blocked by a failure, is FAILED
        even when an older value is there.
        """
        from headwater.views.partition_status import partitions_in_progress
        from headwater.views.recorded_partitions import recorded_partitions

        recorded = recorded_partitions(partitions_def, self.store, asset_key)
        in_progress = partitions_in_progress(partitions_def, self.store, asset_key)
        failed = recorded.failed | recorded.blocked

        def status_of(partition: str) -> AssetPartitionStatus | None:
            if partition in in_progress:
                return AssetPartitionStatus.IN_PROGRESS
            if partition in failed:
                return AssetPartitionStatus.FAILED
            return AssetPartitionStatus.MATERIALIZED if partition in recorded.materialized else None

        return {partition: status_of(partition) for partition in partition_keys}

    def get_latest_asset_check_evaluation_record(self, asset_check_key: AssetCheckKey) -> EventRecord | None:
        """Return the latest evaluation of the check; None when it was never evaluated."""
        return self.store.latest_checks([asset_check_key]).get(asset_check_key)

    def get_latest_asset_check_evaluation_records(
        self, asset_check_keys: Iterable[AssetCheckKey]
    ) -> Mapping[AssetCheckKey, EventRecord]:
        """Return the latest evaluation by check; a check that was never evaluated is left out."""
        return self.store.latest_checks(asset_check_keys)

    # --------------------------------------------------------------------------------------------------------- changing

    def report_runless_asset_event(
        self, asset_event: AssetMaterialization | AssetObservation | AssetCheckEvaluation
    ) -> None:
        """Record what happened to an asset outside any run. It is durable when this returns. Raises NotAnAssetEvent.

        Reporting stores no value: whether there is one that downstream assets can load stays as it was.
        """
        self.store.append(self._event_of(asset_event))
        self.store.flush()

    def _event_of(self, reported: AssetMaterialization | AssetObservation | AssetCheckEvaluation) -> Event:
        now = utc_now().timestamp()
        if isinstance(reported, AssetCheckEvaluation):
            return CheckEvaluated(
                timestamp=now,
                asset=str(reported.asset_key),
                check=reported.check_name,
                partition=reported.partition,
                passed=reported.passed,
                severity=reported.severity.name,
                blocking=reported.blocking,
                description=reported.description,
                metadata=_data_of(reported.metadata),
            )
        if not isinstance(reported, AssetMaterialization):
            raise NotAnAssetEvent(reported)
        about: dict[str, Any] = {
            "timestamp": now,
            "asset": str(reported.asset_key),
            "partition": reported.partition,
            "description": reported.description,
            "metadata": _data_of(reported.metadata),
            "tags": {tag: value for tag, value in reported.tags.items() if tag != DATA_VERSION_TAG},
            "data_version": reported.data_version,
        }
        if isinstance(reported, AssetObservation):
            return AssetObserved(**about)
        state = self.store.asset_state(reported.asset_key, reported.partition)
        last = None if state is None else state.materialization
        return AssetMaterialized(**about, has_value=last is not None and last.has_value)

    def wipe_assets(self, asset_keys: Sequence[AssetKey]) -> None:
        """Forget what was materialized, observed and checked of these assets. History and stored values stay."""
        for key in asset_keys:
            self.store.wipe(key)

    def wipe_asset_partitions(self, asset_key: AssetKey, partition_keys: Sequence[str]) -> None:
        """Forget these partitions of the asset. History and stored values stay."""
        self.store.wipe(asset_key, partition_keys)


def _data_of(metadata: Mapping[str, MetadataValue]) -> dict[str, Any]:
    return {name: metadata_to_data(value) for name, value in metadata.items()}
