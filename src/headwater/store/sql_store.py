"""The store on a database: what a store does, told in SQL that SQLite and PostgreSQL both take.

An event and its state become visible together, and a read sees all that this process appended.
"""

from __future__ import annotations

import contextlib
import os
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from headwater.model.codec import decode_json, encode_event, encode_json
from headwater.model.errors.store import RunAlreadyExists, RunInProgress, StoreError
from headwater.model.events import AssetInvalidated, AssetMaterialized, AssetWiped, Event
from headwater.model.keys import AssetKey
from headwater.model.runs import Run, RunStatus
from headwater.store.asset_queries import AssetQueries
from headwater.store.backfill_store import BackfillTable
from headwater.store.changes import Changes, Listener, Watch
from headwater.store.database import Connection, Database, Readers
from headwater.store.history_queries import HistoryQueries
from headwater.store.partition_sets import KEEP_SETS, KeptPartitionSets, PartitionSetQueries
from headwater.store.recovery import has_foreign_runs, interrupt_lost_runs, interrupt_runs_of, lost_run_ids
from headwater.store.retention import prune
from headwater.store.run_queries import INSERT_RUN, RunQueries, run_row
from headwater.store.size_limit import EVENT_BYTES_LIMIT
from headwater.store.statements import batches, in_list
from headwater.store.wiping import find_materialization
from headwater.store.writer import Writer

_IN_PROGRESS = ("STARTING", "STARTED", "CANCELING")


class _OnlyTried(Exception):
    """Ends a transaction that was only to be tried."""


class SqlStore(RunQueries, AssetQueries, PartitionSetQueries, HistoryQueries, BackfillTable):
    """A store in a database. Backends say how that is opened; everything else is here."""

    def __init__(
        self,
        database: Database,
        readers: Readers | None,
        watch: Watch,
        *,
        lease_seconds: float,
        clock: Callable[[], float] = time.time,
        lease_clock: Callable[[], float] | None = None,
    ) -> None:
        """`readers` is None where only the writing connection can read. `lease_clock` tells when leases end."""
        self._clock = clock
        self._database = database
        self._dialect = database.dialect
        self._changes = Changes(watch)
        self._writer = Writer(database, self._changes, lease_seconds=lease_seconds, lease_clock=lease_clock or clock)
        self._changes.watch.attach(self._changes, self._writer.rows)
        self._readers = readers
        # Runs also when the program ends without closing, so that what it appended is not lost with the thread.
        self._closing = weakref.finalize(self, _close, self._writer, self._readers, clock)

    @property
    def reads_beside(self) -> bool:
        """Whether several threads can read at the same time."""
        return self._readers is not None

    # ------------------------------------------------------------------------------------------ EventWriter

    def append(self, event: Event) -> None:
        self._writer.append(event)

    def append_all(self, events: Sequence[Event]) -> None:
        self._writer.append_all(events)

    def flush(self) -> None:
        self._writer.flush()

    def _rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        self._writer.flush()
        try:
            return (self._readers or self._writer).rows(sql, parameters)
        except self._database.error_type as error:
            raise self._database.store_error(error) from error

    # ------------------------------------------------------------------------------------------ RunStore

    def create_run(self, run: Run, launch: bytes | None = None) -> None:
        """Record a new run, owned by this process through its lease. Raises RunAlreadyExists."""
        with self._writer.transaction() as connection:
            is_ours = not run.is_finished and run.status is not RunStatus.QUEUED
            owner_id = self._writer.lease() if is_ours else None
            created = connection.execute(INSERT_RUN, run_row(run, self._clock(), owner_id)).fetchone()
            if created is None:
                raise RunAlreadyExists(run.run_id)
            self._writer.will_have_changed("runs")
            (run_number,) = created
            _set_tags(connection, run_number, run.tags)
            if launch is not None:
                connection.execute("INSERT INTO run_launches (run_number, body) VALUES (?, ?)", (run_number, launch))
        self._writer.own_run(run.run_id, run_number)

    def create_runs(self, runs: Sequence[tuple[Run, bytes]]) -> None:
        created: list[tuple[str, int]] = []
        with self._writer.transaction() as connection:
            owner_id = self._writer.lease()
            now = self._clock()
            for run, launch in runs:
                row = connection.execute(INSERT_RUN, run_row(run, now, owner_id)).fetchone()
                if row is None:
                    raise RunAlreadyExists(run.run_id)
                _set_tags(connection, row[0], run.tags)
                connection.execute("INSERT INTO run_launches (run_number, body) VALUES (?, ?)", (row[0], launch))
                created.append((run.run_id, row[0]))
            self._writer.will_have_changed("runs")
        for run_id, run_number in created:
            self._writer.own_run(run_id, run_number)

    def launches(self) -> Mapping[str, bytes]:
        rows = self._rows(
            "SELECT run_id, body FROM run_launches JOIN runs ON runs.run_number = run_launches.run_number"
            " WHERE status IN ('QUEUED', 'INTERRUPTED') AND owner_id IS NULL ORDER BY runs.run_number"
        )
        return {run_id: bytes(body) for run_id, body in rows}

    def is_launched(self, run_id: str) -> bool:
        sql = "SELECT 1 FROM run_launches JOIN runs ON runs.run_number = run_launches.run_number WHERE run_id = ?"
        return bool(self._rows(sql, (run_id,)))

    def adopt_run(self, run_id: str) -> bool:
        with self._writer.transaction() as connection:
            owner_id = self._writer.lease()
            adopted = connection.execute(
                "UPDATE runs SET owner_id = ? WHERE run_id = ? AND owner_id IS NULL"
                " AND status IN ('QUEUED', 'INTERRUPTED') RETURNING run_number",
                (owner_id, run_id),
            ).fetchone()
            self._writer.will_have_changed("runs")
        if adopted is None:
            return False
        self._writer.own_run(run_id, adopted[0])
        return True

    def delete_run(self, run_id: str) -> None:
        with self._writer.transaction() as connection:
            sql = "SELECT run_number, status, owner_id FROM runs WHERE run_id = ?"
            row = connection.execute(sql, (run_id,)).fetchone()
            if row is None:
                return
            run_number, status, owner_id = row
            # Also one that waits at a server, which would carry it out all the same.
            if status in _IN_PROGRESS or (owner_id is not None and status in ("QUEUED", "INTERRUPTED")):
                raise RunInProgress(run_id, status)
            self._writer.will_have_changed("runs")
            for table in ("events", "steps", "run_tags", "run_launches", "runs"):
                connection.execute(f"DELETE FROM {table} WHERE run_number = ?", (run_number,))
        self._writer.disown_run(run_id)

    def add_run_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Set these tags, beside those that the run has; does nothing when there is no such run."""
        with self._writer.transaction() as connection:
            row = connection.execute("SELECT run_number, tags FROM runs WHERE run_id = ?", (run_id,)).fetchone()
            if row is None:
                return
            run_number, present = row
            self._writer.will_have_changed("runs")
            connection.execute(
                "UPDATE runs SET tags = ?, updated_at = ? WHERE run_number = ?",
                (encode_json({**decode_json(present), **tags}), self._clock(), run_number),
            )
            _set_tags(connection, run_number, tags)

    def recover(self, find_last_facts: Callable[[Run], Sequence[Event]] | None = None) -> Sequence[Run]:
        if not self._rows(*has_foreign_runs(self._writer.owner_id)):
            return []
        last_facts: dict[str, Sequence[Event]] = {}
        if find_last_facts is not None:
            for run_id in lost_run_ids(self._rows, self._writer):
                run = self.find_run(run_id)
                if run is not None:
                    last_facts[run_id] = find_last_facts(run)
        with self._writer.transaction() as connection:
            run_ids = interrupt_lost_runs(connection, self._writer, self._clock(), last_facts)
        return [run for run_id in run_ids if (run := self.find_run(run_id)) is not None]

    # ------------------------------------------------------------------------------------------ AssetStore

    def move_assets(
        self,
        key_by_former: Mapping[AssetKey, AssetKey],
        last_attempts: Mapping[AssetKey, int | None] | None = None,
        *,
        is_dry: bool = False,
    ) -> None:
        from headwater.store.moving import move

        with contextlib.suppress(_OnlyTried), self._writer.transaction() as connection:
            move(connection, self._writer, key_by_former, last_attempts, self._clock())
            if is_dry:
                raise _OnlyTried
            self._writer.will_have_changed("events", "runs")
        # In memory nobody else tells it.
        self._writer.forget_asset_ids()

    def refuse_in_use(self, keys: Iterable[AssetKey], what: str) -> None:
        from headwater.store.moving import refuse_in_use

        with self._writer.transaction() as connection:
            refuse_in_use(connection, [str(key) for key in keys], what)

    def wipe_materialization(self, key: AssetKey, storage_id: int) -> AssetMaterialized:
        with self._writer.transaction() as connection:
            row = connection.execute("SELECT asset_id FROM assets WHERE asset_key = ?", (str(key),)).fetchone()
            found = find_materialization(connection, None if row is None else row[0], str(key), storage_id)
            wiped = AssetWiped(
                timestamp=self._clock(),
                asset=str(key),
                partitions=() if found.partition is None else (found.partition,),
                materialization_id=storage_id,
            )
            self._writer.write([(wiped, encode_event(wiped).decode())], {})
        return found

    def invalidate(
        self, key: AssetKey, partitions: Iterable[str] | None = None, reason: str = "", *, is_undone: bool = False
    ) -> None:
        now = self._clock()
        self.append_all(
            [
                AssetInvalidated(timestamp=now, asset=str(key), partitions=part, reason=reason, is_undone=is_undone)
                for part in _in_events(partitions)
            ]
        )
        self.flush()

    def wipe(self, key: AssetKey, partitions: Iterable[str] | None = None) -> None:
        now = self._clock()
        self.append_all([AssetWiped(timestamp=now, asset=str(key), partitions=part) for part in _in_events(partitions)])
        self.flush()

    def keep_partition_sets(self, key: AssetKey, sets: KeptPartitionSets) -> bool:
        values = (sets.space, sets.up_to, sets.body, str(key), sets.forgotten)
        return self._writer.write_if_free(KEEP_SETS, values)

    # ------------------------------------------------------------------------------------------ HistoryStore

    def prune(self, before_timestamp: float, successful_only: bool = True, batch_size: int = 5_000) -> int:
        self.flush()
        return prune(self._writer, self._readers or self._writer, before_timestamp, successful_only, batch_size)

    # ------------------------------------------------------------------------------------------ PartitionStore

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        rows = self._rows(
            "SELECT partition_key FROM dynamic_partitions WHERE partitions_def_name = ? AND is_deleted = 0"
            " ORDER BY ordinal",
            (partitions_def_name,),
        )
        return [key for (key,) in rows]

    def add_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> None:
        with self._writer.transaction() as connection:
            (next_ordinal,) = connection.execute(
                "SELECT coalesce(max(ordinal) + 1, 0) FROM dynamic_partitions WHERE partitions_def_name = ?",
                (partitions_def_name,),
            ).fetchone()
            for key in dict.fromkeys(partition_keys):
                added = connection.execute(
                    "INSERT INTO dynamic_partitions (partitions_def_name, partition_key, ordinal) VALUES (?, ?, ?)"
                    " ON CONFLICT (partitions_def_name, partition_key) DO UPDATE SET is_deleted = 0 RETURNING ordinal",
                    (partitions_def_name, key, next_ordinal),
                ).fetchone()
                next_ordinal += added[0] == next_ordinal

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None:
        with self._writer.transaction() as connection:
            connection.execute(
                "UPDATE dynamic_partitions SET is_deleted = 1 WHERE partitions_def_name = ? AND partition_key = ?",
                (partitions_def_name, partition_key),
            )

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        sql = "SELECT 1 FROM dynamic_partitions WHERE partitions_def_name = ? AND partition_key = ? AND is_deleted = 0"
        return bool(self._rows(sql, (partitions_def_name, partition_key)))

    # ------------------------------------------------------------------------------------------ CursorStore

    def get_cursor_values(self, keys: Iterable[str]) -> Mapping[str, str]:
        return {
            key: value
            for part in batches(list(keys))
            for key, value in self._rows(
                f"SELECT cursor_key, cursor_value FROM cursors WHERE cursor_key IN {in_list(part)}", part
            )
        }

    def set_cursor_values(self, pairs: Mapping[str, str]) -> None:
        with self._writer.transaction() as connection:
            connection.executemany(
                "INSERT INTO cursors (cursor_key, cursor_value) VALUES (?, ?)"
                " ON CONFLICT (cursor_key) DO UPDATE SET cursor_value = excluded.cursor_value",
                list(pairs.items()),
            )

    # ------------------------------------------------------------------------------------------ ChangeStore

    def listen(self, *kinds: str) -> Listener:
        """Return what is woken by changes of these kinds, by default "runs" and "events" (see store/changes.py)."""
        self._writer.raise_failure()
        return Listener(self._changes, frozenset(kinds or ("runs", "events")))

    def announce(self, *kinds: str) -> None:
        """Wake who listens to these kinds, here and in other processes, as a change of the store itself does."""
        with self._writer.transaction() as connection:
            self._writer.will_have_changed(*kinds)
            self._changes.watch.announce_alone(connection)

    def close(self) -> None:
        """Flush, interrupt the runs that are unfinished, give back the lease and close. Raises what flush raises."""
        self._closing()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _in_events(partitions: Iterable[str] | None) -> Iterator[tuple[str, ...]]:
    """Yield partitions in parts that one event each can tell of: () is all of an asset, and no part is none of it."""
    if partitions is None:
        yield ()
        return
    part: list[str] = []
    size = 0
    for partition in partitions:
        part.append(partition)
        # As JSON a letter can take six bytes.
        size += 6 * len(partition) + 3
        if size > EVENT_BYTES_LIMIT // 2:
            yield tuple(part)
            part, size = [], 0
    if part:
        yield tuple(part)


def _set_tags(connection: Connection, run_number: int, tags: Mapping[str, str]) -> None:
    connection.executemany(
        "INSERT INTO run_tags (run_number, tag_key, tag_value) VALUES (?, ?, ?)"
        " ON CONFLICT (run_number, tag_key) DO UPDATE SET tag_value = excluded.tag_value",
        [(run_number, key, str(value)) for key, value in tags.items()],
    )


def _give_up_runs(writer: Writer, reason: str, now: float) -> None:
    """End the runs of a writer that failed, if that can be written now; else whoever opens the store next does it."""
    if writer.owner_id is None:
        return
    connection, database = writer.connection, writer.database
    if database.is_lost(connection):
        # It was waited for long enough already.
        return
    try:
        database.begin(connection)
        interrupt_runs_of(connection, writer, {writer.owner_id: reason}, now)
        database.commit(connection)
    except (database.error_type, StoreError):
        with contextlib.suppress(database.error_type):
            database.roll_back(connection)


def _close(writer: Writer, readers: Readers | None, clock: Callable[[], float]) -> None:
    if os.getpid() != writer.pid:
        # A forked child ends: the runs and the facts are its parent's.
        return
    try:
        # What is in memory is gone anyway: nothing needs to be written any more.
        if readers is not None:
            try:
                writer.flush()
            except StoreError as error:
                _give_up_runs(writer, f"Its process could record no more: {error.what}", clock())
                raise
            if writer.owner_id is not None:
                reason = {writer.owner_id: "Its process stopped before the run had ended."}
                with writer.transaction() as connection:
                    interrupt_runs_of(connection, writer, reason, clock())
    finally:
        writer.changes.close()
        with contextlib.suppress(StoreError, writer.database.error_type):
            writer.close()
        if readers is not None:
            readers.close()
