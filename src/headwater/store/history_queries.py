"""Reading the event log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from headwater.model.codec import decode_event
from headwater.model.errors import did_you_mean
from headwater.model.errors.store import UnknownEventType
from headwater.model.event_types import NEVER_RECORDED
from headwater.model.events import EVENT_KINDS, Event, HookRan
from headwater.model.runs import EventRecord, EventRecordsFilter, EventType
from headwater.store.database import Dialect
from headwater.store.reading import LAST_MOVE, RenameQueries
from headwater.store.statements import in_list

# These kinds tell of many partitions in one event.
_OF_MANY_PARTITIONS = ("asset_not_materialized", "asset_wiped", "asset_invalidated")
_HOOK_OUTCOMES = ("completed", "skipped", "errored")


class HistoryQueries(RenameQueries):
    """The reading half of HistoryStore."""

    def events(
        self, filters: EventRecordsFilter, limit: int | None = None, ascending: bool = False
    ) -> Sequence[EventRecord]:
        where: list[str] = []
        values: list[Any] = []
        for condition, given in _conditions(filters, self._dialect):
            where.append(condition)
            values.extend(given)
        return self._records(where, values, limit, ascending)

    def events_of_run(self, run_id: str, after: int | None = None, limit: int | None = None) -> Sequence[EventRecord]:
        return self.events(EventRecordsFilter(run_id=run_id, after_cursor=after), limit, ascending=True)

    def _records(
        self, where: Sequence[str], values: list[Any], limit: int | None, ascending: bool
    ) -> Sequence[EventRecord]:
        job = "(SELECT job_name FROM runs WHERE runs.run_number = events.run_number)"
        asset = "(SELECT asset_key FROM assets WHERE assets.asset_id = events.asset_id)"
        sql = f"SELECT storage_id, body, {job}, {asset}, {LAST_MOVE} FROM events"
        if where:
            sql += f" WHERE {' AND '.join(where)}"
        sql += f" ORDER BY storage_id {'ASC' if ascending else 'DESC'}"
        if limit is not None:
            sql += " LIMIT ?"
            values = [*values, limit]
        return [
            EventRecord(storage_id, self._recorded(decode_event(body), asset, storage_id, last_move), job)
            for storage_id, body, job, asset, last_move in self._rows(sql, values)
        ]

    def _recorded(self, event: Event, asset: str | None, storage_id: int, last_move: int | None) -> Event:
        if asset is None or last_move is None:
            return event
        told: Event = self._told(event, asset, storage_id, last_move)
        return told


def _conditions(filters: EventRecordsFilter, dialect: Dialect) -> Iterator[tuple[str, Sequence[Any]]]:
    if filters.event_type is not None:
        yield _type_condition(filters.event_type, dialect)
    if filters.run_id is not None:
        yield (
            ("run_number IS NULL", ())
            if filters.run_id == ""
            else ("run_number = (SELECT run_number FROM runs WHERE run_id = ?)", (filters.run_id,))
        )
    if filters.asset_key is not None:
        yield "asset_id = (SELECT asset_id FROM assets WHERE asset_key = ?)", (str(filters.asset_key),)
    if filters.asset_partitions is not None:
        partitions = list(filters.asset_partitions)
        one_of, of_many = in_list(partitions), in_list(_OF_MANY_PARTITIONS)
        items = dialect.json_items.format(column="events.body", field="partitions")
        yield (
            f"(partition_key IN {one_of} OR (partition_key IS NULL AND kind IN {of_many}"
            f" AND EXISTS (SELECT 1 FROM {items} AS one WHERE one.value IN {one_of})))",
            [*partitions, *_OF_MANY_PARTITIONS, *partitions],
        )
    if filters.storage_ids is not None:
        yield f"storage_id IN {in_list(filters.storage_ids)}", filters.storage_ids
    bounds: Sequence[tuple[str, float | None]] = (
        ("storage_id > ?", filters.after_storage_id),
        ("storage_id < ?", filters.before_storage_id),
        ("timestamp > ?", filters.after_timestamp),
        ("timestamp < ?", filters.before_timestamp),
    )
    for condition, bound in bounds:
        if bound is not None:
            yield condition, (bound,)


@cache
def _kind_by_type() -> dict[str, str]:
    kinds = {kind.type_name: str(kind.__struct_config__.tag) for kind in EVENT_KINDS if kind is not HookRan}
    hooks = {f"HOOK_{outcome.upper()}": "hook_ran" for outcome in _HOOK_OUTCOMES}
    return kinds | hooks | {"STEP_RESTARTED": "step_started"}


def _type_condition(event_type: EventType | str, dialect: Dialect) -> tuple[str, Sequence[Any]]:
    name = event_type.value if isinstance(event_type, EventType) else event_type
    if name.startswith("PIPELINE_") and name in EventType.__members__:
        name = EventType(name).value
    if name in EventType.__members__ and EventType(name) in NEVER_RECORDED:
        return "1 = 0", ()
    kind = _kind_by_type().get(name)
    if kind is None:
        raise UnknownEventType(
            what=f'"{name}" is not a type of event.',
            why="A filter on it would silently find nothing.",
            fix=did_you_mean(name, _kind_by_type()) + "Use a member of EventType.",
        )
    # Defaults are not written: the first attempt, and the outcome "completed".
    if kind == "hook_ran":
        outcome = name.removeprefix("HOOK_").lower()
        told = dialect.json_text.format(column="body", field="outcome")
        return f"kind = 'hook_ran' AND coalesce({told}, 'completed') = ?", (outcome,)
    if kind == "step_started":
        is_first = "<= 1" if name == "STEP_START" else "> 1"
        attempt = dialect.json_integer.format(column="body", field="attempt")
        return f"kind = 'step_started' AND coalesce({attempt}, 1) {is_first}", ()
    return "kind = ?", (kind,)
