"""What a store can do, in two halves: take in facts, and answer questions about state and history.

The promise that readers lean on: an event and the state that follows from it become visible together or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from headwater.model.backfills import Backfill, BackfillPlan, BackfillStatus, BackfillWish
from headwater.model.events import AssetMaterialized, Event
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.provenance import Provenance, ProvenanceGroup
from headwater.model.runs import (
    AssetState,
    EventRecord,
    EventRecordsFilter,
    Run,
    RunsFilter,
    StepRecord,
)
from headwater.store.changes import Listener
from headwater.store.latest_facts import LatestFacts
from headwater.store.partition_sets import ROWS_AT_ONCE, KeptPartitionSets, PartitionChanges

if TYPE_CHECKING:
    from headwater.model.staleness import MarkedWrong
    from headwater.store.renames import Renames


class EventWriter(Protocol):
    """The half that a run loop needs."""

    def append(self, event: Event) -> None:
        """Take in one fact. Returns at once; it is durable after the next `flush`, or a few milliseconds later."""

    def flush(self) -> None:
        """Return when all that was appended is durable. Raises what went wrong (StoreFull, LeaseLost, ...)."""


class RunStore(EventWriter, Protocol):
    """Runs and their steps."""

    def append_all(self, events: Sequence[Event]) -> None:
        """Take in facts that become visible together."""

    def create_run(self, run: Run, launch: bytes | None = None) -> None:
        """Record a new run, owned by this process through its lease unless it is queued. Durable when it returns.

        `launch` is what it takes to carry the run out, also for another process; it is kept until the run has ended.
        """

    def create_runs(self, runs: Sequence[tuple[Run, bytes]]) -> None:
        """Record new runs, all or none, which are this process's own from the first; each with its launch.

        Raises RunAlreadyExists.
        """

    def launches(self) -> Mapping[str, bytes]:
        """Return by run id what was kept for each run that is queued or interrupted and is nobody's, oldest first."""

    def is_launched(self, run_id: str) -> bool:
        """Whether something is kept with which a server carries out this run, or goes on with it: it has not ended."""

    def adopt_run(self, run_id: str) -> bool:
        """Make a run that is queued or interrupted this process's own; False when another process was first."""

    def find_run(self, run_id: str) -> Run | None: ...

    def runs(
        self, filters: RunsFilter | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Sequence[Run]:
        """Return runs, newest first. `cursor` is a run id: only runs older than it."""

    def run_count(self, filters: RunsFilter | None = None) -> int: ...

    def delete_run(self, run_id: str) -> None:
        """Forget the run, its steps and events; what it made of assets stays. Raises RunInProgress."""

    def add_run_tags(self, run_id: str, tags: Mapping[str, str]) -> None: ...

    def steps_of(self, run_id: str) -> Sequence[StepRecord]:
        """Return the steps of a run that have a record, in the order in which they started."""

    def step_seconds(self, step_keys: Collection[str], latest_runs: int = 300) -> Mapping[str, Sequence[float]]:
        """Return how long the steps took that succeeded in the latest runs, by step key, newest first."""

    def recover(self, find_last_facts: Callable[[Run], Sequence[Event]] | None = None) -> Sequence[Run]:
        """Mark each unfinished run whose owner is gone as interrupted, with its running steps; return them.

        `find_last_facts` is asked, before anything is locked, what else is known to have happened in a run; that is
        recorded in the same transaction. A QUEUED run waits for whoever takes it up, so it is left as it is.
        """


class AssetStore(Protocol):
    """What is known of assets, their partitions and checks."""

    def asset_keys(self, prefix: Sequence[str] | None = None) -> Sequence[AssetKey]: ...

    def asset_state(self, key: AssetKey, partition: str | None = None) -> AssetState | None:
        """Return the state of one partition, or without one the latest over all of the asset."""

    def asset_states(self, keys: Iterable[AssetKey]) -> Mapping[AssetKey, AssetState]:
        """Return the latest state of each asset, over all of its partitions: one query for all keys."""

    def partition_states(self, key: AssetKey, partitions: Iterable[str] | None = None) -> Mapping[str, AssetState]: ...

    def materialized_partitions(self, key: AssetKey) -> frozenset[str]: ...

    def materialized_among(self, key: AssetKey, partitions: Iterable[str]) -> frozenset[str]:
        """Return which of these partitions have been materialized."""

    def partitions_with_value(self, key: AssetKey) -> frozenset[str]:
        """Return the partitions of which a value was stored that a downstream asset can load."""

    def partition_outcomes(self, key: AssetKey, among: Collection[str] | None = None) -> Mapping[str, str]:
        """Return the last attempt's outcome by partition, of all or of a few, without reading bodies."""

    def latest_facts(self, keys: Iterable[AssetKey]) -> Mapping[AssetKey, LatestFacts]:
        """Return the ids of each asset's latest facts, over all of its partitions: one query, no bodies."""

    def partition_facts(self, key: AssetKey, after: int) -> Sequence[LatestFacts]:
        """Return the latest facts of the partitions that were materialized or observed after a storage id."""

    def partition_provenances(self, key: AssetKey) -> Sequence[ProvenanceGroup]:
        """Return what each materialized partition was made from, grouped by what made it.

        One query, as a rule without bodies; partitions come in no order.
        """

    def asset_provenances(self, keys: Iterable[AssetKey]) -> Mapping[AssetKey, tuple[str, Provenance]]:
        """Return what made the latest value of each materialized asset, over all of its partitions, and from what."""

    def kept_partition_sets(self, key: AssetKey) -> KeptPartitionSets | None:
        """Return the sets of partitions that were kept and still hold as of their `up_to`; None when there are none."""

    def keep_partition_sets(self, key: AssetKey, sets: KeptPartitionSets) -> bool:
        """Keep sets for the next reader, unless something was taken back since `sets.forgotten`, or newer ones are kept.

        They can be read again at any time, so nothing is waited for: False when they were not kept.
        """

    def partition_changes(self, key: AssetKey, after: int, rows: int = ROWS_AT_ONCE) -> PartitionChanges:
        """Return about `rows` partitions whose last attempt came after a storage id, oldest first, without reading bodies."""

    def partitions_attempted_by(
        self, key: AssetKey, run_id: str, among: Collection[str] | None = None
    ) -> frozenset[str]:
        """Return the partitions with which this run came to an end, whatever it was, and nobody later.

        Those `among` these are looked up; without them all are found that the run's steps told of.
        """

    def failed_partitions(self, key: AssetKey) -> Sequence[str]:
        """Return the partitions whose last attempt failed, without reading bodies."""

    def observed_versions(self, key: AssetKey) -> Mapping[str, str]:
        """Return the data version of each partition that was observed after it was last materialized."""

    def last_storage_id(self) -> int:
        """Return the id of the newest fact, 0 when there is none; also when history was trimmed."""

    def latest_checks(self, keys: Iterable[AssetCheckKey] | None = None) -> Mapping[AssetCheckKey, EventRecord]: ...

    def partition_checks(
        self, key: AssetCheckKey, partitions: Iterable[str] | None = None
    ) -> Mapping[str, EventRecord]:
        """Return the latest evaluation of one check by partition."""

    def wipe(self, key: AssetKey, partitions: Iterable[str] | None = None) -> None:
        """Forget the state of the asset, or of these partitions, with its checks. History stays readable."""

    def wipe_materialization(self, key: AssetKey, storage_id: int) -> AssetMaterialized:
        """Make state what it would be if this one materialization had never been, and return it.

        The one before it becomes the latest again if history has it. Where another value is in storage then, what is left
        is marked as wrong. Raises UnknownMaterialization.
        """

    def invalidate(
        self, key: AssetKey, partitions: Iterable[str] | None = None, reason: str = "", *, is_undone: bool = False
    ) -> None:
        """Mark the values of the asset, or of these partitions, as wrong until they are made again; or take that back."""

    def invalidations(self) -> Mapping[AssetKey, Mapping[str | None, MarkedWrong]]:
        """Return the marks that hold, by asset and partition: None is the asset over all of its partitions."""

    def move_assets(
        self,
        key_by_former: Mapping[AssetKey, AssetKey],
        last_attempts: Mapping[AssetKey, int | None] | None = None,
        *,
        is_dry: bool = False,
    ) -> None:
        """Give assets other keys with all that is recorded of them: all of them, or none when this raises.

        `last_attempts` are the ids of the assets' last attempts, which must still be these. Raises NothingRecorded,
        AssetHasHistory, AssetInUse and ChangedMeanwhile. With `is_dry` it only raises.
        """

    def renames(self) -> Renames:
        """Return what assets were called before."""

    def refuse_in_use(self, keys: Iterable[AssetKey], what: str) -> None:
        """Raise AssetInUse when an unfinished run is to build one of these assets; `what` says what was to be done."""


class HistoryStore(Protocol):
    """The event log. It can be trimmed by age without changing any answer of the other parts."""

    def events(
        self, filters: EventRecordsFilter, limit: int | None = None, ascending: bool = False
    ) -> Sequence[EventRecord]: ...

    def events_of_run(
        self, run_id: str, after: int | None = None, limit: int | None = None
    ) -> Sequence[EventRecord]: ...

    def prune(self, before_timestamp: float, successful_only: bool = True, batch_size: int = 5_000) -> int:
        """Delete events of finished runs that ended before the instant; return how many. Never touches state.

        Events outside any run go when they are older than the instant. `successful_only` keeps those of other runs.
        """


class PartitionStore(Protocol):
    """Keys of dynamic partitions: dictionaries that users extend."""

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]: ...

    def add_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> None: ...

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None: ...

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool: ...


class CursorStore(Protocol):
    """Small named values that outlive a process."""

    def get_cursor_values(self, keys: Iterable[str]) -> Mapping[str, str]: ...

    def set_cursor_values(self, pairs: Mapping[str, str]) -> None: ...


class BackfillStore(Protocol):
    """Backfills. One belongs to the process that carries it out, as long as that lives."""

    def create_backfill(self, backfill: Backfill, plan: BackfillPlan, *, owned: bool = False) -> None:
        """Record a new backfill, `owned` by this process or by nobody. Raises BackfillAlreadyExists."""

    def find_backfill(self, backfill_id: str) -> Backfill | None: ...

    def backfills(
        self,
        statuses: Iterable[BackfillStatus] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Sequence[Backfill]:
        """Return backfills, newest first. `cursor` is an id: only older ones than it."""

    def backfill_plan(self, backfill_id: str) -> BackfillPlan:
        """Return what it builds. Raises UnknownBackfill."""

    def backfill_progress(self, backfill_id: str) -> bytes | None:
        """Return what `save_backfill` was given last, None before that. Raises UnknownBackfill."""

    def adopt_backfill(self, backfill_id: str) -> bool:
        """Make it this process's own; False when it has ended, or another process that lives carries it out."""

    def release_backfill(self, backfill_id: str) -> None:
        """Let another process carry it on; does nothing unless it is ours."""

    def save_backfill(self, backfill: Backfill, progress: bytes | None, *, granted: BackfillWish | None = None) -> None:
        """Record where it stands; None leaves the progress as it is. One that has ended is nobody's from then on.

        The wish that was `granted` is forgotten with it, unless another has been noted since. Raises BackfillNotOurs.
        """

    def ask_backfill(
        self,
        backfill_id: str,
        wish: str | None = None,
        *,
        max_concurrent_runs: int | None = None,
        priority: float | None = None,
    ) -> None:
        """Note what is wanted of it ("pause", "resume", "cancel"). Raises UnknownBackfill and BackfillHasEnded."""

    def backfill_wishes(self, backfill_ids: Sequence[str]) -> Mapping[str, BackfillWish]:
        """Return what is wanted of these; it stays noted until it is granted (`save_backfill`)."""

    def take_backfill_wishes(self, backfill_ids: Sequence[str]) -> Mapping[str, BackfillWish]:
        """Return what is wanted of these, each wish once."""

    def attempt_outcomes(
        self, key: AssetKey, partitions: Iterable[str] | None, run_id: str
    ) -> Mapping[str | None, str]:
        """Return how the last attempts ended that this run made, by partition; None stands for an asset without any."""


class ChangeStore(Protocol):
    """Word of changes, so that nobody has to ask again and again."""

    def listen(self, *kinds: str) -> Listener:
        """Return what is woken by changes of these kinds, whichever process made them; by default "runs", "events"."""

    def announce(self, *kinds: str) -> None:
        """Wake who listens to these kinds, here and in other processes."""


class Store(RunStore, AssetStore, HistoryStore, PartitionStore, CursorStore, BackfillStore, ChangeStore, Protocol):
    """All of it, as one backend gives it."""

    def close(self) -> None:
        """Flush, release the lease and close. Unfinished runs of this process count as interrupted afterwards."""
