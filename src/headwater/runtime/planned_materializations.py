"""What runs set out to materialize, as events: read from the runs, since a plan is kept with its run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from headwater.model.errors import CheckError
from headwater.model.events import Event
from headwater.model.keys import AssetKey
from headwater.model.partitions.definition import PARTITION_TAG
from headwater.model.runs import AssetRecordsFilter, EventRecord, EventRecordsFilter, EventType
from headwater.runtime.instance_records import EventRecordsResult
from headwater.runtime.run_history import page, position
from headwater.store.interface import Store

_BATCH = 200


class MaterializationPlanned(Event, frozen=True, kw_only=True):
    """A run set out to materialize an asset; `partition` is None for a range of them, and for an unpartitioned one."""

    type_name: ClassVar[str] = "ASSET_MATERIALIZATION_PLANNED"
    asset: str = ""
    partition: str | None = None
    job_name: str = ""

    @property
    def message(self) -> str:
        at = f" [{self.partition}]" if self.partition is not None else ""
        return f"{self.job_name} intends to materialize asset {self.asset}{at}"


def planned_materializations(
    store: Store, wanted: AssetRecordsFilter, limit: int, cursor: str | None, ascending: bool
) -> EventRecordsResult:
    """Return one page of them: one for each run that started, with the storage id of its start."""
    if limit < 1:
        raise CheckError(
            what=f"A page of {limit} records was asked for.",
            why="It could hold nothing.",
            fix="Give limit=1 or more.",
        )
    found: list[EventRecord] = []
    for record in _planned(store, wanted, position(cursor), ascending):
        found.append(record)
        if len(found) > limit:
            break
    return page(found, limit, cursor)


def _planned(store: Store, wanted: AssetRecordsFilter, at: int | None, ascending: bool) -> Iterator[EventRecord]:
    after, before = wanted.after_storage_id, wanted.before_storage_id
    while True:
        if at is not None and ascending:
            after = at if after is None else max(at, after)
        elif at is not None:
            before = at if before is None else min(at, before)
        filters = EventRecordsFilter(
            EventType.RUN_START,
            after_cursor=after,
            before_cursor=before,
            after_timestamp=wanted.after_timestamp,
            before_timestamp=wanted.before_timestamp,
            storage_ids=wanted.storage_ids,
        )
        started = store.events(filters, _BATCH, ascending)
        for record in started:
            planned = _of_run(store, record, wanted.asset_key)
            if planned is None:
                continue
            if wanted.asset_partitions is None or planned.partition in wanted.asset_partitions:
                yield EventRecord(record.storage_id, planned)
        if len(started) < _BATCH:
            return
        at = started[-1].storage_id


def _of_run(store: Store, started: EventRecord, asset: AssetKey) -> MaterializationPlanned | None:
    run = store.find_run(started.run_id)
    if run is None or asset not in run.asset_selection:
        return None
    return MaterializationPlanned(
        run_id=run.run_id,
        timestamp=started.timestamp,
        asset=str(asset),
        partition=run.tags.get(PARTITION_TAG),
        job_name=run.job_name,
    )
