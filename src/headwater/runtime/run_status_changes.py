"""Looking up when runs changed their status."""

from __future__ import annotations

from collections.abc import Iterator

from headwater.model.errors import CheckError
from headwater.model.events import EVENT_KINDS
from headwater.model.run_status_changes import RunStatusChangeRecordsFilter
from headwater.model.runs import EventRecord, EventRecordsFilter, EventType
from headwater.runtime.instance_records import EventRecordsResult
from headwater.runtime.run_history import page, position
from headwater.store.interface import Store

_BATCH = 200
# What no event of this release tells, as nothing makes a run queue or stop in steps yet, is found nowhere.
_RECORDED = frozenset(kind.type_name for kind in EVENT_KINDS)


def run_status_changes(
    store: Store,
    wanted: EventType | str | RunStatusChangeRecordsFilter,
    limit: int,
    cursor: str | None,
    ascending: bool,
) -> EventRecordsResult:
    """Return one page of them. Raises InvalidCursor, and CheckError for a type of event that is none of them."""
    if limit < 1:
        raise CheckError(
            what=f"A page of {limit} records was asked for.",
            why="It could hold nothing.",
            fix="Give limit=1 or more.",
        )
    filters = wanted if isinstance(wanted, RunStatusChangeRecordsFilter) else RunStatusChangeRecordsFilter(wanted)
    found: list[EventRecord] = []
    if filters.type_name in _RECORDED:
        for record in _changes(store, filters, position(cursor), ascending, limit + 1):
            found.append(record)
            if len(found) > limit:
                break
    return page(found, limit, cursor)


def _changes(
    store: Store, filters: RunStatusChangeRecordsFilter, at: int | None, ascending: bool, at_least: int
) -> Iterator[EventRecord]:
    after, before = filters.after_storage_id, filters.before_storage_id
    batch = at_least if filters.job_names is None else max(at_least, _BATCH)
    while True:
        if at is not None and ascending:
            after = at if after is None else max(at, after)
        elif at is not None:
            before = at if before is None else min(at, before)
        records = store.events(
            EventRecordsFilter(
                filters.type_name,
                after_cursor=after,
                before_cursor=before,
                after_timestamp=filters.after_timestamp,
                before_timestamp=filters.before_timestamp,
                storage_ids=filters.storage_ids,
            ),
            batch,
            ascending,
        )
        for record in records:
            if filters.job_names is None or _job_name(store, record) in filters.job_names:
                yield record
        if len(records) < batch:
            return
        at = records[-1].storage_id


def _job_name(store: Store, record: EventRecord) -> str | None:
    run = store.find_run(record.run_id)
    return None if run is None else run.job_name
