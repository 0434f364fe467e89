"""The one writer of a process: takes facts at once, and commits them in batches a few milliseconds apart.

A batch is one transaction: events, the state that follows from them, and the proof that this process still holds its
lease. Whoever needs the facts committed (`flush`, every read) commits the batch itself rather than wait for the thread,
so an idle store answers without a thread switch and a store in memory needs no thread at all.

After a failure the writer takes nothing more and raises the same error from then on: facts are never dropped silently.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from headwater.model.codec import encode_event
from headwater.model.errors.store import LeaseLost, StoreClosed, StoreError, StoreForked, UnknownRun
from headwater.model.events import EVENT_KINDS, Event
from headwater.store.changes import Changes
from headwater.store.database import Connection, Database
from headwater.store.liveness import this_process
from headwater.store.reading import LAST_MOVE
from headwater.store.schema import bring_up_to_date
from headwater.store.size_limit import EVENT_BYTES_LIMIT, body_within_limit
from headwater.store.state import Fact, StateChanges, changes_of
from headwater.store.statements import (
    ASSET_INVALIDATIONS,
    ASSET_PARTITIONS,
    ASSET_STATES,
    CHECK_PARTITIONS,
    CHECK_STATES,
    STEPS,
    batches,
    chunks,
    in_list,
    insert_sql,
    update_run_sql,
    upserts,
)
from headwater.store.wiping import carry_out_wipe

COMMIT_INTERVAL_SECONDS = 0.005
# Beyond this many facts the appending thread commits them itself, so that memory stays bounded.
MOST_PENDING = 10_000
# Events may still come for a while after a run's end (hooks, late logs).
MOST_ENDED_RUNS_KNOWN = 1_000

# A batch whose connection is lost is written again over another. A batch that makes the server fail each time is not.
MOST_ATTEMPTS = 3

_KIND: dict[type[Event], str] = {kind: str(kind.__struct_config__.tag) for kind in EVENT_KINDS}
_HAS_ASSET = frozenset(kind for kind in EVENT_KINDS if "asset" in kind.__struct_fields__)
_HAS_PARTITION = frozenset(kind for kind in EVENT_KINDS if "partition" in kind.__struct_fields__)
_HAS_PARTITIONS = frozenset(kind for kind in EVENT_KINDS if "partitions" in kind.__struct_fields__)
_HAS_ERROR = frozenset(kind for kind in EVENT_KINDS if "error" in kind.__struct_fields__)
_ENDS_RUN = frozenset(kind for kind in EVENT_KINDS if kind.__name__ in ("RunSucceeded", "RunFailed", "RunCanceled"))

_ENDED = frozenset({"SUCCESS", "FAILURE", "CANCELED"})

Pending = tuple[Event, str]


class Writer:
    """Owns the writing connection, the lease and the facts that wait to be committed."""

    def __init__(
        self,
        database: Database,
        changes: Changes,
        *,
        lease_seconds: float,
        lease_clock: Callable[[], float],
    ) -> None:
        self.database = database
        self.changes = changes
        self.path = database.name
        self.pid = os.getpid()
        self.owner_id: int | None = None
        self._in_memory = database.is_private
        self._lease_seconds = lease_seconds
        self.lease_clock = lease_clock
        self._lock = threading.RLock()
        self._pending: deque[Pending] = deque()
        self._batch_in_flight = False
        self._reached_commit = False
        self._failure: StoreError | None = None
        self._is_closed = False
        self._asset_ids: dict[str, int] = {}
        self._last_move: int | None = None
        self._run_numbers: dict[str, int] = {}
        self._ended_run_ids: deque[str] = deque()
        self._changed: set[str] = set()
        self._last_storage_id = 0
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._renew_at = float("inf")
        self._lease_is_new = False
        try:
            self.connection = database.connect()
            bring_up_to_date(database, self.connection)
        except database.error_type as error:
            raise database.store_error(error) from error

    # ------------------------------------------------------------------------------------------------------- taking in

    def append(self, event: Event) -> None:
        """Take in one fact. Raises at once what is wrong with it, or what went wrong with earlier ones."""
        if self._failure is not None or self._is_closed:
            self.raise_failure()
        if event.run_id and event.run_id not in self._run_numbers:
            raise UnknownRun(event.run_id)
        body = encode_event(event)
        if len(body) > EVENT_BYTES_LIMIT or type(event) in _HAS_ERROR:
            event, body = body_within_limit(event)
        pending = self._pending
        pending.append((event, body.decode()))
        if self._in_memory:
            if len(pending) > MOST_PENDING:
                self.flush()
        elif not self._wake.is_set():
            self._wake.set()
            if self._thread is None:
                self._start_thread()
        elif len(pending) > MOST_PENDING:
            self.flush()

    def append_all(self, events: Sequence[Event]) -> None:
        """Take in facts that are committed in one transaction. Raises what `append` raises, having taken none of them."""
        if self._failure is not None or self._is_closed:
            self.raise_failure()
        group: list[Pending] = []
        for event in events:
            if event.run_id and event.run_id not in self._run_numbers:
                raise UnknownRun(event.run_id)
            body = encode_event(event)
            if len(body) > EVENT_BYTES_LIMIT or type(event) in _HAS_ERROR:
                event, body = body_within_limit(event)
            group.append((event, body.decode()))
        # One step for Python: a batch that is being gathered has all of them or none.
        self._pending.extend(group)
        if self._in_memory:
            self.flush()
        elif not self._wake.is_set():
            self._wake.set()
            if self._thread is None:
                self._start_thread()

    def flush(self) -> None:
        """Return when all that was appended is committed."""
        # Asked before any lock: the parent may have held it when it forked.
        if os.getpid() != self.pid:
            raise StoreForked(self.path, self.pid)
        if self._pending or self._batch_in_flight:
            with self._lock:
                self._commit_pending()
        if self._failure is not None or self._is_closed:
            self.raise_failure()

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Read through the writing connection, which is the only one of a store in memory."""
        with self._lock:
            return self.connection.execute(sql, parameters).fetchall()

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure.with_traceback(None)
        if self._is_closed:
            raise StoreClosed(self.path)

    # ---------------------------------------------------------------------------------------------------- transactions

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Hold the write lock for a change other than a batch; commits at the end, or changes nothing."""
        self.flush()
        with self._lock:
            self._commit_pending()
            self.raise_failure()
            is_committing = False
            try:
                self.database.begin(self.connection)
                yield self.connection
                is_committing = True
                self._commit()
            except BaseException as error:
                self._roll_back()
                if isinstance(error, self.database.error_type):
                    is_unknown = is_committing and self.database.is_lost(self.connection)
                    tell = self.database.commit_unknown if is_unknown else self.database.store_error
                    raise tell(error) from error
                raise

    def write_if_free(self, sql: str, parameters: Sequence[Any]) -> bool:
        """Carry out a statement that could as well be left out; return whether it was, and changed something.

        It waits for nobody who writes, and what goes wrong with it is nobody's failure.
        """
        self.flush()
        with self._lock:
            try:
                if not self.database.begin_if_free(self.connection):
                    return False
                changed = self.connection.execute(sql, parameters).rowcount
                self.database.commit(self.connection)
            except self.database.error_type:
                self.database.roll_back(self.connection)
                return False
            return changed > 0

    def will_have_changed(self, *kinds: str) -> None:
        """Tell those who listen of these kinds of changes when the open transaction commits."""
        self._changed.update(kinds)

    def _commit(self) -> None:
        changed = self._changed
        if changed:
            self.changes.watch.announce(self.database, self.connection, changed)
        self.database.commit(self.connection)
        self._lease_is_new = False
        if changed:
            self.changes.tell(changed)
            changed.clear()

    def _commit_pending(self) -> None:
        """Commit what waits, as one batch. Called with the lock held."""
        if not self._pending or self._failure is not None:
            return
        self._batch_in_flight = True
        batch: list[Pending] = []
        self._reached_commit = False
        try:
            for _ in range(len(self._pending)):
                batch.append(self._pending.popleft())
            self._commit_batch(batch)
        except (self.database.error_type, StoreError) as error:
            self._roll_back()
            if isinstance(error, StoreError):
                self._failure = error
            else:
                self._failure = self.database.store_error(error)
                self._failure.__cause__ = error
            self._pending.clear()
        except BaseException:
            # Ctrl-C at an arbitrary instruction: what was not committed waits for the next batch.
            was_open = self.database.is_open(self.connection)
            self._roll_back()
            if was_open or not self._reached_commit:
                self._pending.extendleft(reversed(batch))
            raise
        finally:
            self._batch_in_flight = False

    def _commit_batch(self, batch: Sequence[Pending]) -> None:
        """Commit the facts once, also when the connection is lost meanwhile and another can be had."""
        committing_id, owner_id = 0, self.owner_id
        for attempt in range(1, MOST_ATTEMPTS + 1):
            self.database.begin(self.connection)
            try:
                # Whoever was cut off while it committed has ended by now, as it held the lock that we hold: its facts
                # are there, or never will be.
                if committing_id and self._has_event(committing_id, batch[-1][1]):
                    self.owner_id = owner_id
                    self._changed.update(("events", "runs"))
                    self._commit()
                    return
                self._reached_commit = False
                self.write(batch)
                self._reached_commit = True
                self._commit()
                return
            except self.database.error_type:
                committing_id, owner_id = self._last_storage_id if self._reached_commit else 0, self.owner_id
                self._roll_back()
                if attempt == MOST_ATTEMPTS or not self.database.is_lost(self.connection):
                    raise

    def _has_event(self, storage_id: int, body: str) -> bool:
        # A server that crashed without having synchronous_commit on may give an id again, to what another wrote.
        sql = "SELECT 1 FROM events WHERE storage_id = ? AND body = ?"
        return bool(self.connection.execute(sql, (storage_id, body)).fetchall())

    def _roll_back(self) -> None:
        # Ids that were given in a transaction that never was must not be used.
        self._asset_ids.clear()
        self._changed.clear()
        if self._lease_is_new:
            self.owner_id, self._lease_is_new = None, False
        self.database.roll_back(self.connection)

    # --------------------------------------------------------------------------------------------------- facts to rows

    def write(self, batch: Sequence[Pending], taken_over: Mapping[str, int] | None = None) -> None:
        """Write events and the state that follows, inside the open transaction. Raises LeaseLost.

        `taken_over` holds the numbers of runs whose owner is gone, when the events are about those.
        """
        if taken_over is None and self.owner_id is not None and any(event.run_id for event, _ in batch):
            self._check_lease()
        elif self._asset_ids and not self._in_memory and any(type(event) in _HAS_ASSET for event, _ in batch):
            self._see_moves(self.connection.execute(f"SELECT {LAST_MOVE}").fetchone()[0])
        asset_ids = self._ids_of_assets(
            {event.asset for event, _ in batch if type(event) in _HAS_ASSET}  # type: ignore[attr-defined]
        )
        storage_id = self.database.id_before_next(self.connection, len(batch))
        self._changed.add("events")
        facts: list[Fact] = []
        values: list[Any] = []
        run_numbers = self._run_numbers if taken_over is None else taken_over
        for event, body in batch:
            storage_id += 1
            kind = type(event)
            run_number = (run_numbers.get(event.run_id) or self._find_run(event.run_id)) if event.run_id else None
            asset_id = partition = None
            if kind in _HAS_ASSET:
                asset_id = asset_ids[event.asset]  # type: ignore[attr-defined]
                if kind in _HAS_PARTITION:
                    partition = event.partition
                elif kind in _HAS_PARTITIONS and len(event.partitions) == 1:  # type: ignore[attr-defined]
                    partition = event.partitions[0]  # type: ignore[attr-defined]
            facts.append(Fact(storage_id, event, body, run_number, asset_id))
            values += (storage_id, run_number, _KIND[kind], event.step_key, asset_id, partition, event.timestamp, body)
            if kind in _ENDS_RUN:
                self._ended_run_ids.append(event.run_id)
        self._last_storage_id = storage_id
        self.database.insert_events(self.connection, len(batch), values)
        for changes in changes_of(facts):
            self._write_changes(changes)
        while len(self._ended_run_ids) > MOST_ENDED_RUNS_KNOWN:
            self._run_numbers.pop(self._ended_run_ids.popleft(), None)

    def _find_run(self, run_id: str) -> int:
        """Return the number of a run that ended so long ago that we do not remember it."""
        row = self.connection.execute("SELECT run_number FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        if row is None:
            raise UnknownRun(run_id)
        return int(row[0])

    def _write_changes(self, changes: StateChanges) -> None:
        execute_later = self.database.execute_later
        for table, rows in (
            (STEPS, changes.steps),
            (ASSET_STATES, changes.assets),
            (ASSET_PARTITIONS, changes.asset_partitions),
            (CHECK_STATES, changes.checks),
            (CHECK_PARTITIONS, changes.check_partitions),
            (ASSET_INVALIDATIONS, changes.invalidations),
        ):
            if rows:
                for sql, values in upserts(table, rows):
                    execute_later(self.connection, sql, values)
        if changes.runs:
            self._changed.add("runs")
        for run_number, change in changes.runs.items():
            if change["status"] in _ENDED:
                execute_later(self.connection, "DELETE FROM run_launches WHERE run_number = ?", (run_number,))
            if change["status"] == "STARTED":
                # Also a run that was queued, perhaps by another process, is now ours.
                change["owner_id"] = self.lease()
            execute_later(self.connection, update_run_sql(tuple(change)), (*change.values(), run_number))
        if changes.wipe is not None:
            carry_out_wipe(self.connection, self.database.dialect, changes.wipe)

    @property
    def last_storage_id(self) -> int:
        """The id of the last fact that this process wrote."""
        return self._last_storage_id

    def forget_asset_ids(self) -> None:
        """Look up again which asset a key means."""
        self._asset_ids.clear()

    def _ids_of_assets(self, keys: set[str]) -> dict[str, int]:
        known = self._asset_ids
        missing = [key for key in keys if key not in known]
        if missing:
            for start, count in chunks(len(missing)):
                sql = insert_sql("assets", ("asset_key",), count, "(asset_key) DO NOTHING")
                self.connection.execute(sql, missing[start : start + count])
            for part in batches(missing):
                found = f"SELECT asset_key, asset_id FROM assets WHERE asset_key IN {in_list(part)}"
                known.update(self.connection.execute(found, part).fetchall())
        return known

    # ----------------------------------------------------------------------------------------------------------- lease

    def own_run(self, run_id: str, run_number: int) -> None:
        """Take in events of this run from now on."""
        self._run_numbers[run_id] = run_number
        if not self._in_memory and self._thread is None:
            self._start_thread()

    def disown_run(self, run_id: str) -> None:
        self._run_numbers.pop(run_id, None)

    def lease(self) -> int | None:
        """Return the owner row of this process, made in the open transaction if there is none yet.

        A store in memory dies with its process, so its runs need no lease.
        """
        if self._in_memory:
            return None
        if self.owner_id is None:
            me = this_process()
            now = self.lease_clock()
            row = self.connection.execute(
                "INSERT INTO owners (host, boot_id, pid, process_started, lease_expires_at) VALUES (?, ?, ?, ?, ?)"
                " RETURNING owner_id",
                (me.host, me.boot_id, me.pid, me.started, now + self._lease_seconds),
            ).fetchone()
            self.owner_id, self._lease_is_new = int(row[0]), True
            self._renew_at = time.monotonic() + self._lease_seconds / 3
        else:
            self._check_lease()
        return self.owner_id

    def _check_lease(self) -> None:
        if self.owner_id is None:
            return
        row = self.connection.execute(f"SELECT {LAST_MOVE} FROM owners WHERE owner_id = ?", (self.owner_id,)).fetchone()
        if row is None:
            ended = set(self._ended_run_ids)
            raise LeaseLost(self.path, [run_id for run_id in self._run_numbers if run_id not in ended])
        self._see_moves(row[0])

    def _see_moves(self, last_move: int | None) -> None:
        """Another process may have given an asset another key: then ids are looked up again."""
        if last_move != self._last_move:
            self._last_move = last_move
            self._asset_ids.clear()

    def renew_lease(self) -> None:
        """Say that this process lives. A lease that another process took away is found lost here."""
        with self._lock:
            self._renew_at = time.monotonic() + self._lease_seconds / 3
            if self.owner_id is None or self._is_closed or self._failure is not None:
                return
            try:
                self.database.revive(self.connection)
                renewed = self.connection.execute(
                    "UPDATE owners SET lease_expires_at = ? WHERE owner_id = ?",
                    (self.lease_clock() + self._lease_seconds, self.owner_id),
                ).rowcount
                if not renewed:
                    self._check_lease()
            except LeaseLost as error:
                self._failure = error
            except self.database.error_type:
                # Another program holds the lock, or the disk is full: the next write says so, to those who wait for it.
                # A connection that was lost is opened again soon, since the lease may be all that has to be written.
                if self.database.is_lost(self.connection):
                    self._renew_at = time.monotonic() + min(1.0, self._lease_seconds / 3)
                return

    # ---------------------------------------------------------------------------------------------------------- thread

    def _start_thread(self) -> None:
        with self._lock:
            if self._thread is None and not self._is_closed:
                self._thread = threading.Thread(target=self._commit_forever, name="headwater-store", daemon=True)
                self._thread.start()

    def _commit_forever(self) -> None:
        last_commit = 0.0
        while not self._is_closed:
            until_renewal = self._renew_at - time.monotonic()
            self._wake.wait(None if until_renewal == float("inf") else max(until_renewal, 0.0))
            if time.monotonic() >= self._renew_at:
                self.renew_lease()
            # An idle store commits at once; a busy one gathers for a few milliseconds.
            too_early = last_commit + COMMIT_INTERVAL_SECONDS - time.monotonic()
            if too_early > 0 and not self._is_closed:
                time.sleep(too_early)
            self._wake.clear()
            if self._pending:
                # Whatever goes wrong, the facts wait on or the failure is kept: `flush` raises it where it is seen.
                # This thread must live on, since it renews the lease.
                with self._lock, contextlib.suppress(Exception):
                    if not self._is_closed:
                        self._commit_pending()
                last_commit = time.monotonic()

    def close(self) -> None:
        """Stop taking in facts, and close. The lease must have been given back before."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._wake.set()
            self.connection.close()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=1.0)
