"""The part of an instance that tells of runs and their events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from headwater.model.errors import CheckError, did_you_mean
from headwater.model.errors.instance import InvalidCursor, RunNotFound
from headwater.model.runs import (
    EventRecord,
    EventRecordsFilter,
    EventType,
    Run,
    RunRecord,
    RunsFilter,
    StepRecord,
    StepStatus,
    instant,
)
from headwater.model.tags import Tags
from headwater.runtime.instance_records import EventRecordsResult, RunStats
from headwater.runtime.instance_repairs import current_key
from headwater.store.interface import Store

if TYPE_CHECKING:
    from headwater.model.run_status_changes import RunStatusChangeRecordsFilter

_ORDERS = ("create_timestamp", "update_timestamp", "start_time", "end_time")
EventTypes = EventType | Collection[EventType] | None


class RunHistory:
    """Runs, newest first, and the events of each, oldest first."""

    store: Store

    # ---------------------------------------------------------------------------------------------------------- runs

    def get_run_by_id(self, run_id: str) -> Run | None:
        """Return the run, or None when there is none of this id."""
        return self.store.find_run(run_id)

    def has_run(self, run_id: str) -> bool:
        """Whether a run of this id is recorded."""
        return self.store.find_run(run_id) is not None

    def get_runs(
        self,
        filters: RunsFilter | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        ascending: bool = False,
    ) -> Sequence[Run]:
        """Return runs, newest first, only those older than the run whose id is `cursor`.

        With `ascending` the oldest come first, and `cursor` leaves the newer ones; then all runs that match are read.
        """
        if not ascending:
            return self.store.runs(filters, limit, cursor)
        runs = self.store.runs(filters)[::-1]
        if cursor is not None:
            found = self.store.find_run(cursor)
            older = set() if found is None else {run.run_id for run in self.store.runs(filters, cursor=cursor)}
            runs = [run for run in runs if run.run_id != cursor and run.run_id not in older] if found else []
        return runs if limit is None else runs[:limit]

    def get_run_ids(
        self, filters: RunsFilter | None = None, cursor: str | None = None, limit: int | None = None
    ) -> Sequence[str]:
        """Return the ids of the runs that the filter lets through, newest first."""
        return [run.run_id for run in self.get_runs(filters, cursor, limit)]

    def get_run_records(
        self,
        filters: RunsFilter | None = None,
        limit: int | None = None,
        order_by: str | None = None,
        ascending: bool = False,
        cursor: str | None = None,
    ) -> Sequence[RunRecord]:
        """Return runs with when they were created and when their status last changed, newest first.

        `storage_id` grows with the instant of creation. `order_by` may be "create_timestamp", "update_timestamp",
        "start_time" or "end_time": then all runs that match are read, and those that have not come so far are last.
        """
        if order_by in (None, "id", "create_timestamp"):
            return [_record(run) for run in self.get_runs(filters, cursor, limit, ascending)]
        if order_by not in _ORDERS:
            raise CheckError(
                what=f"get_run_records was asked to order by {order_by!r}.",
                why="It would not be known what to order by.",
                fix=f"{did_you_mean(str(order_by), _ORDERS)}It takes {', '.join(_ORDERS)}.",
            )
        records = [_record(run) for run in self.get_runs(filters, cursor)]
        known = [record for record in records if getattr(record, order_by) is not None]
        known.sort(key=lambda record: getattr(record, order_by), reverse=not ascending)
        ordered = known + [record for record in records if getattr(record, order_by) is None]
        return ordered if limit is None else ordered[:limit]

    def get_run_record_by_id(self, run_id: str) -> RunRecord | None:
        """Return a run with its times, None when there is none of this id."""
        run = self.store.find_run(run_id)
        return None if run is None else _record(run)

    def get_runs_count(self, filters: RunsFilter | None = None) -> int:
        """Return how many runs the filter lets through."""
        return self.store.run_count(filters)

    def get_run_stats(self, run_id: str) -> RunStats:
        """Return how many steps succeeded and failed, and how many materializations history holds of the run.

        Raises RunNotFound.
        """
        run = self.store.find_run(run_id)
        if run is None:
            raise RunNotFound(run_id, self.get_run_ids(limit=1_000))
        steps = self.store.steps_of(run_id)
        made = self.store.events(EventRecordsFilter(EventType.ASSET_MATERIALIZATION, run_id=run_id))
        expected = self.store.events(EventRecordsFilter(EventType.STEP_EXPECTATION_RESULT, run_id=run_id))
        return RunStats(
            run_id=run_id,
            steps_succeeded=sum(step.status is StepStatus.SUCCEEDED for step in steps),
            steps_failed=sum(step.status is StepStatus.FAILED for step in steps),
            materializations=len(made),
            expectations=len(expected),
            enqueued_time=None,
            launch_time=run.created_at,
            start_time=run.started_at,
            end_time=run.ended_at,
        )

    def get_run_step_stats(self, run_id: str, step_keys: Sequence[str] | None = None) -> Sequence[StepRecord]:
        """Return the steps of a run as they stand, in the order in which they started."""
        return [step for step in self.store.steps_of(run_id) if step_keys is None or step.step_key in step_keys]

    def add_run_tags(self, run_id: str, new_tags: Mapping[str, str]) -> None:
        """Set these tags beside those that the run has."""
        self.store.add_run_tags(run_id, Tags(new_tags))

    def get_run_tag_keys(self) -> Sequence[str]:
        """Return the names of all tags that runs have, in order. Reads every run."""
        return sorted({name for run in self.store.runs() for name in run.tags})

    def get_run_tags(
        self, tag_keys: Sequence[str], value_prefix: str | None = None, limit: int | None = None
    ) -> Sequence[tuple[str, set[str]]]:
        """Return the values that runs have for each of these tags, at most `limit` in all. Reads every run."""
        found: dict[str, set[str]] = {}
        runs = self.store.runs()
        left = limit
        for name in tag_keys:
            for value in sorted({run.tags[name] for run in runs if name in run.tags}):
                if value.startswith(value_prefix or "") and (left is None or left > 0):
                    found.setdefault(name, set()).add(value)
                    left = None if left is None else left - 1
        return list(found.items())

    def get_run_group(self, run_id: str) -> tuple[str, Sequence[Run]] | None:
        """Return the first of a chain of repeated runs, and all runs of the chain, oldest first; None without the run."""
        run = self.store.find_run(run_id)
        if run is None:
            return None
        root = run.root_run_id or run.run_id
        chain = [each for each in self.store.runs() if root in (each.run_id, each.root_run_id)]
        return root, chain[::-1]

    # --------------------------------------------------------------------------------------------------------- events

    def get_event_records(
        self, event_records_filter: EventRecordsFilter, limit: int | None = None, ascending: bool = False
    ) -> Sequence[EventRecord]:
        """Return the events that match, newest first unless `ascending`. An asset is found by a key that it had before, too."""
        if event_records_filter.asset_key is not None:
            now = current_key(self.store, event_records_filter.asset_key)
            event_records_filter = replace(event_records_filter, asset_key=now)
        return self.store.events(event_records_filter, limit, ascending)

    def fetch_run_status_changes(
        self,
        records_filter: EventType | str | RunStatusChangeRecordsFilter,
        limit: int,
        cursor: str | None = None,
        ascending: bool = False,
    ) -> EventRecordsResult:
        """Return one page of the events by which runs changed to one status, newest first unless `ascending`.

        Give the page's cursor to get the next one. Raises InvalidCursor.
        """
        from headwater.runtime.run_status_changes import run_status_changes

        return run_status_changes(self.store, records_filter, limit, cursor, ascending)

    def all_logs(self, run_id: str, of_type: EventTypes = None) -> Sequence[EventRecord]:
        """Return the events of a run (of these types), oldest first. An empty run id means those outside any run."""
        return self.logs_after(run_id, of_type=of_type)

    def logs_after(
        self, run_id: str, cursor: int | None = None, of_type: EventTypes = None, limit: int | None = None
    ) -> Sequence[EventRecord]:
        """Return the events of a run whose storage id is greater than `cursor`, oldest first."""
        return self._events_of(EventRecordsFilter(run_id=run_id, after_cursor=cursor), of_type, limit, ascending=True)

    def get_records_for_run(
        self,
        run_id: str,
        cursor: str | None = None,
        of_type: EventTypes = None,
        limit: int | None = None,
        ascending: bool = True,
    ) -> EventRecordsResult:
        """Return one page of the events of a run. Raises InvalidCursor."""
        after = position(cursor)
        filters = EventRecordsFilter(
            run_id=run_id, after_cursor=after if ascending else None, before_cursor=None if ascending else after
        )
        records = self._events_of(filters, of_type, None if limit is None else limit + 1, ascending)
        return page(records, limit, cursor)

    def _events_of(
        self, filters: EventRecordsFilter, of_type: EventTypes, limit: int | None, ascending: bool
    ) -> Sequence[EventRecord]:
        if of_type is None:
            return self.store.events(filters, limit, ascending)
        types = [of_type] if isinstance(of_type, str) else list(of_type)
        found = [
            record
            for event_type in types
            for record in self.store.events(
                EventRecordsFilter(
                    event_type,
                    run_id=filters.run_id,
                    after_cursor=filters.after_cursor,
                    before_cursor=filters.before_cursor,
                ),
                limit,
                ascending,
            )
        ]
        found.sort(key=lambda record: record.storage_id, reverse=not ascending)
        return found if limit is None else found[:limit]


def position(cursor: str | None) -> int | None:
    """Return the storage id that a cursor stands for. Raises InvalidCursor."""
    if cursor is None:
        return None
    try:
        return int(cursor)
    except (ValueError, TypeError):
        raise InvalidCursor(cursor) from None


def page(records: Sequence[EventRecord], limit: int | None, cursor: str | None) -> EventRecordsResult:
    """Return records, read with a limit of one more, as a page. An empty page leaves the reader where it was."""
    has_more = limit is not None and len(records) > limit
    kept = records[:limit] if has_more else records
    return EventRecordsResult(kept, str(kept[-1].storage_id) if kept else cursor or "0", has_more)


def _record(run: Run) -> RunRecord:
    created_at, changed_at = instant(run.created_at), instant(run.ended_at or run.started_at or run.created_at)
    assert created_at is not None
    assert changed_at is not None
    return RunRecord(int(run.created_at * 1_000_000), run, created_at, changed_at)
