"""What is recorded of assets and checks, as sets: read once for each evaluation, and only if a condition asks.

The promise: a fact counts as new in exactly one evaluation. What is newer than `storage_id` is left to the next one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from hashlib import blake2b
from typing import Any

from headwater.automation.entity_subset import EntityKey, EntitySubset
from headwater.automation.graph_view import AssetGraphView
from headwater.model.errors.partitions import UnknownPartitionError
from headwater.model.events import AssetMaterialized, AssetObserved, CheckEvaluated
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.partitions.definition import PARTITION_TAG
from headwater.model.partitions.keys import PartitionKeyRange
from headwater.model.runs import EventRecord, EventRecordsFilter, EventType, Run, RunsFilter, RunStatus
from headwater.model.specs import AssetExecutionType
from headwater.store.interface import Store
from headwater.store.latest_facts import LatestFacts
from headwater.views.recorded_partitions import RecordedPartitions, recorded_partitions

_UNFINISHED = tuple(status for status in RunStatus if not status.is_finished)
_FAILED = (RunStatus.FAILURE, RunStatus.INTERRUPTED)
_FAILED_OUTCOMES = frozenset({"failed", "blocked"})
_RANGE_TAGS = ("headwater/asset_partition_range_start", "headwater/asset_partition_range_end")
_RUNS_AT_ONCE = 100

# Of each partition (None for what has none) a word about it, such as the run that built it.
WordByPartition = Mapping[str | None, str]


@dataclass
class RecordedFacts:
    """The facts that the store knew up to `storage_id`, about partitions that exist in the view."""

    view: AssetGraphView
    store: Store
    storage_id: int
    data_versions_before: Mapping[str, Mapping[str, str]]
    _cached: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    data_versions: dict[str, Mapping[str, str]] = field(default_factory=dict)

    # ------------------------------------------------------------------------------------------------------- of assets

    def present(self, key: EntityKey) -> EntitySubset[Any]:
        """Return what was ever built; of an observable source, observed; of a check, evaluated for what is there."""
        found = self._cached.get(("present", key))
        if found is None:
            found = self._cached["present", key] = self._read_present(key)
        return found

    def _read_present(self, key: EntityKey) -> EntitySubset[Any]:
        if isinstance(key, AssetCheckKey):
            return self._subset(key, self.check_results(key))
        if self.view.partitions_def(key) is None:
            latest = self._latest.get(key)
            return EntitySubset(key, latest is not None and self._updated_id(key, latest) is not None)
        if self.is_observable(key):
            return self._subset(key, [facts.partition for facts in self._facts_after(key, 0) if facts.observation_id])
        return EntitySubset(key, self._recorded(key).materialized) & self.view.get_full_subset(key=key)

    def _recorded(self, key: AssetKey) -> RecordedPartitions:
        found: RecordedPartitions | None = self._cached.get(("recorded", key))
        if found is None:
            definition = self.view.partitions_def(key)
            assert definition is not None
            found = self._cached["recorded", key] = recorded_partitions(definition, self.store, key)
        return found

    def updated_since(self, key: EntityKey, storage_id: int) -> EntitySubset[Any]:
        """Return what was built after a storage id; of an observable source, only where its data version changed."""
        found = self._cached.get(("updated", key, storage_id))
        if found is None:
            found = self._cached["updated", key, storage_id] = self._read_updated(key, storage_id)
        return found

    def _read_updated(self, key: EntityKey, storage_id: int) -> EntitySubset[Any]:
        if isinstance(key, AssetCheckKey):
            records = self._all_results(key)
            return self._subset(key, [part for part, record in records.items() if self._is_new(record, storage_id)])
        facts = self._facts_after(key, storage_id)
        updated = self._subset(key, [fact.partition for fact in facts])
        return updated & self.data_version_changed(key) if self.is_observable(key) else updated

    def _is_new(self, record: EventRecord, storage_id: int) -> bool:
        return storage_id < record.storage_id <= self.storage_id

    def _facts_after(self, key: AssetKey, storage_id: int) -> Sequence[LatestFacts]:
        """Return the facts of what was updated after a storage id, and not after the evaluation began."""
        found = self._cached.get(("facts", key, storage_id))
        if found is None:
            latest = self._latest.get(key)
            facts: Iterable[LatestFacts] = ()
            if latest is not None and max(latest.materialization_id or 0, latest.observation_id or 0) > storage_id:
                partitioned = self.view.partitions_def(key) is not None
                facts = self.store.partition_facts(key, storage_id) if partitioned else [latest]
            found = self._cached["facts", key, storage_id] = [
                fact for fact in facts if storage_id < (self._updated_id(key, fact) or 0) <= self.storage_id
            ]
        return found

    def failed(self, key: EntityKey) -> EntitySubset[Any]:
        """Return what failed, or was blocked by a failure, when it was last tried."""
        if isinstance(key, AssetCheckKey):
            return self._failed_check(key)
        if self.view.partitions_def(key) is None:
            latest = self._latest.get(key)
            return EntitySubset(key, latest is not None and latest.attempt_outcome in _FAILED_OUTCOMES)
        recorded = self._recorded(key)
        return EntitySubset(key, recorded.failed | recorded.blocked) & self.view.get_full_subset(key=key)

    def latest_runs(self, key: EntityKey, after: int = 0) -> WordByPartition:
        """Return the run that updated each partition last, of those that were updated after a storage id.

        What came from outside of any run is left out.
        """
        found: WordByPartition | None = self._cached.get(("runs", key, after))
        if found is None:
            found = self._cached["runs", key, after] = self._read_latest_runs(key, after)
        return found

    def _read_latest_runs(self, key: EntityKey, after: int) -> WordByPartition:
        if isinstance(key, AssetCheckKey):
            found = {part: record.run_id for part, record in self._all_results(key).items()}
        elif self.is_observable(key):
            found = {part: event.run_id for part, event in self._observations(key).items()}
        else:
            found, tried_again = {}, []
            for fact in self._facts_after(key, after):
                if fact.attempt_id == fact.materialization_id:
                    found[fact.partition] = fact.attempt_run_id or ""
                else:
                    tried_again.append(fact.partition)
            found |= {part: event.run_id for part, event in self._materializations(key, tried_again).items()}
        return {part: run_id for part, run_id in found.items() if run_id}

    def runs_since(self, key: AssetKey, storage_id: int) -> Mapping[str | None, frozenset[str]]:
        """Return all runs that updated each partition after a storage id ("" for what came from outside of any run)."""
        found: dict[str | None, set[str]] = defaultdict(set)
        kind = EventType.ASSET_OBSERVATION if self.is_observable(key) else EventType.ASSET_MATERIALIZATION
        if self._facts_after(key, storage_id):
            partitioned = self.view.partitions_def(key) is not None
            for record in self.store.events(EventRecordsFilter(kind, key, after_cursor=storage_id)):
                if record.storage_id <= self.storage_id:
                    found[record.partition_key if partitioned else None].add(record.run_id)
        return {part: frozenset(runs) for part, runs in found.items()}

    def last_id_before(self, instant: datetime) -> int:
        """Return the id of the last fact before an instant.

        Of facts that were trimmed that is not known any more: they count as having come after it.
        """
        known = ("before", instant)
        if known not in self._cached:
            records = self.store.events(EventRecordsFilter(before_timestamp=instant.timestamp()), limit=1)
            self._cached[known] = records[0].storage_id if records else 0
        found: int = self._cached[known]
        return found

    def last_materialized_at(self, key: AssetKey) -> float | None:
        """Return when the asset was last materialized, over all of its partitions."""
        state = self.store.asset_state(key)
        return None if state is None or state.materialization is None else state.materialization.timestamp

    @cached_property
    def _latest(self) -> Mapping[AssetKey, LatestFacts]:
        return self.store.latest_facts(self.view.graph.keys)

    def is_observable(self, key: AssetKey) -> bool:
        return self.view.graph.execution_type(key) is AssetExecutionType.OBSERVATION

    def _updated_id(self, key: AssetKey, facts: LatestFacts) -> int | None:
        return facts.observation_id if self.is_observable(key) else facts.materialization_id

    def _materializations(self, key: AssetKey, parts: Sequence[str | None]) -> dict[str | None, AssetMaterialized]:
        if not parts:
            return {}
        found: dict[str | None, AssetMaterialized] = {}
        if self.view.partitions_def(key) is None:
            state = self.store.asset_state(key)
            if state is not None and state.materialization is not None:
                found[None] = state.materialization
            return found
        for part, state in self.store.partition_states(key, [part for part in parts if part is not None]).items():
            if state.materialization is not None:
                found[part] = state.materialization
        return found

    def _observations(self, key: AssetKey) -> dict[str | None, AssetObserved]:
        if self.view.partitions_def(key) is None:
            state = self.store.asset_state(key)
            return {None: state.latest_observation} if state is not None and state.latest_observation else {}
        states = self.store.partition_states(key).items()
        return {part: state.latest_observation for part, state in states if state.latest_observation}

    # ------------------------------------------------------------------------------------------------- of data versions

    def data_version_changed(self, key: AssetKey) -> EntitySubset[Any]:
        """Return the partitions whose data version is another than the evaluation before remembered."""
        before, now = self.data_versions_before.get(str(key)), self.remember_data_versions(key)
        if before is None:
            return self.view.get_empty_subset(key=key)
        changed = [part for part, version in now.items() if before.get(part) != version]
        if self.view.partitions_def(key) is None:
            return EntitySubset(key, bool(changed))
        return self._subset(key, changed)

    def remember_data_versions(self, key: AssetKey) -> Mapping[str, str]:
        """Return a short hash of each data version now, by partition ("" for none), and keep it for the cursor."""
        found = self.data_versions.get(str(key))
        if found is None:
            if self.is_observable(key):
                versions = {part: event.data_version for part, event in self._observations(key).items()}
            else:
                versions = {fact.partition: fact.data_version for fact in self._facts_after(key, 0)}
            found = {part or "": _short_hash(version) for part, version in versions.items()}
            self.data_versions[str(key)] = found
        return found

    # -------------------------------------------------------------------------------------------------------- of checks

    def check_results(self, key: AssetCheckKey) -> Mapping[str | None, EventRecord]:
        """Return the latest results that are about what is there: a value that was rebuilt since is not checked yet."""
        found: Mapping[str | None, EventRecord] | None = self._cached.get(("checked", key))
        if found is None:
            latest = self._latest.get(key.asset_key)
            records = self._all_results(key)
            if latest is not None and records:
                built = self._built_by_partition(key, latest)
                records = {part: record for part, record in records.items() if _is_about(record, built.get(part))}
            found = self._cached["checked", key] = records
        return found

    def _built_by_partition(self, key: AssetCheckKey, latest: LatestFacts) -> Mapping[str | None, LatestFacts]:
        if self.view.partitions_def(key) is None:
            return {None: latest}
        return {fact.partition: fact for fact in self._facts_after(key.asset_key, 0)}

    def _all_results(self, key: AssetCheckKey) -> Mapping[str | None, EventRecord]:
        if self.view.partitions_def(key) is None:
            record = self._latest_checks.get(key)
            return {} if record is None else {None: record}
        found = self._cached.get(("results", key))
        if found is None:
            found = self._cached["results", key] = dict(self.store.partition_checks(key))
        return found

    @cached_property
    def _latest_checks(self) -> Mapping[AssetCheckKey, EventRecord]:
        keys = self.view.graph.check_keys
        return self.store.latest_checks(keys) if keys else {}

    def checks_with(self, key: AssetCheckKey, *, passed: bool) -> EntitySubset[Any]:
        """Return what the check's latest result says passed, or did not."""
        records = self.check_results(key)
        return self._subset(key, [part for part, record in records.items() if _passed(record) is passed])

    def _failed_check(self, key: AssetCheckKey) -> EntitySubset[Any]:
        """Return what the last finished run of a check was to check and did not come to a result with."""
        results = self._all_results(key)
        told_by = {record.run_id for record in results.values()}
        failed, decided = self.view.get_empty_subset(key=key), self.view.get_empty_subset(key=key)
        everything, cursor = self.view.get_full_subset(key=key), None
        while not (everything - decided).is_empty:
            runs = self.store.runs(limit=_RUNS_AT_ONCE, cursor=cursor)
            for run in runs:
                cursor = run.run_id
                if key in run.check_selection and run.is_finished:
                    planned = self._planned(key, run) - decided
                    told = self._subset(key, [part for part, one in results.items() if one.run_id == run.run_id])
                    if run.status in _FAILED:
                        failed = failed | (planned - told)
                    decided = decided | planned
                if run.run_id in told_by and not everything.is_partitioned:
                    return failed
            if len(runs) < _RUNS_AT_ONCE:
                break
        return failed

    # ---------------------------------------------------------------------------------------------------------- of runs

    def in_progress(self, key: EntityKey) -> EntitySubset[Any]:
        """Return what unfinished runs are to build and have not come to an end with."""
        found = self._cached.get(("in progress", key))
        if found is None:
            found = self.view.get_empty_subset(key=key)
            for run in self._unfinished_runs_by_key.get(key, ()):
                found = found | (self._planned(key, run) - self._ended_in(key, run))
            self._cached["in progress", key] = found
        return found

    @cached_property
    def _unfinished_runs_by_key(self) -> Mapping[EntityKey, Sequence[Run]]:
        found: dict[EntityKey, list[Run]] = defaultdict(list)
        for run in self.store.runs(RunsFilter(statuses=_UNFINISHED)):
            keys: tuple[EntityKey, ...] = (*run.asset_selection, *run.check_selection)
            for key in keys:
                found[key].append(run)
        return found

    def _planned(self, key: EntityKey, run: Run) -> EntitySubset[Any]:
        """Return the partitions of a run; of a definition that has changed since, what still exists of them."""
        definition = self.view.partitions_def(key)
        if definition is None:
            return EntitySubset(key, True)
        one = run.tags.get(PARTITION_TAG)
        if one is not None:
            return self._subset(key, [one])
        first, last = (run.tags.get(tag) for tag in _RANGE_TAGS)
        if first is not None and last is not None:
            with suppress(UnknownPartitionError):
                planned = definition.subset_with_partition_key_range(
                    PartitionKeyRange(first, last), self.view.evaluated_at, self.view.store
                )
                return EntitySubset(key, planned)
        return self.view.get_empty_subset(key=key)

    def _ended_in(self, key: EntityKey, run: Run) -> EntitySubset[Any]:
        if isinstance(key, AssetCheckKey):
            records = self._all_results(key)
            return self._subset(key, [part for part, record in records.items() if record.run_id == run.run_id])
        if self.view.partitions_def(key) is None:
            latest = self._latest.get(key)
            return EntitySubset(key, latest is not None and latest.attempt_run_id == run.run_id)
        planned = self._planned(key, run).expensively_compute_partition_keys()
        states = self.store.partition_states(key, planned) if planned else {}
        return self._subset(key, [part for part, one in states.items() if one.last_attempt_run_id == run.run_id])

    def find_run(self, run_id: str) -> Run | None:
        """Return a run by its id, None for one that was deleted."""
        known = ("run", run_id)
        if known not in self._cached:
            self._cached[known] = self.store.find_run(run_id)
        found: Run | None = self._cached[known]
        return found

    # ------------------------------------------------------------------------------------------------------------ sets

    def subset_where(self, key: EntityKey, parts: Iterable[str | None]) -> EntitySubset[Any]:
        """Return these partitions, of those that exist now."""
        return self._subset(key, parts)

    def _subset(self, key: EntityKey, parts: Iterable[str | None]) -> EntitySubset[Any]:
        definition = self.view.partitions_def(key)
        if definition is None:
            return EntitySubset(key, any(True for _ in parts))
        keys = [part for part in parts if part]
        try:
            recorded = definition.subset_with_partition_keys(keys)
        except UnknownPartitionError:
            # The definition has changed since some of them were recorded.
            recorded = definition.empty_subset()
            for part in keys:
                with suppress(UnknownPartitionError):
                    recorded = recorded | definition.subset_with_partition_keys([part])
        return EntitySubset(key, recorded) & self.view.get_full_subset(key=key)


def _short_hash(version: str | None) -> str:
    return "" if version is None else blake2b(version.encode(), digest_size=8).hexdigest()


def _passed(record: EventRecord) -> bool:
    return isinstance(record.event, CheckEvaluated) and record.event.passed


def _is_about(record: EventRecord, built: LatestFacts | None) -> bool:
    """Return whether a result is about the latest value: it came after it, or in the run that built it."""
    if built is None or built.materialization_id is None or record.storage_id > built.materialization_id:
        return True
    is_latest_attempt = built.attempt_id == built.materialization_id
    return is_latest_attempt and bool(record.run_id) and record.run_id == built.attempt_run_id
