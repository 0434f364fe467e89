"""Runs whose owner is gone: found, ended as interrupted, and freed, in one transaction.

What is written are events like any other (a lost attempt for each step in flight, then the interruption), so the state
stays the fold of history. Doing it twice, or in two processes at once, changes nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headwater.model.codec import encode_event
from headwater.model.events import Event, RunInterrupted, StepFailed
from headwater.store.database import Connection
from headwater.store.liveness import ProcessIdentity, is_surely_alive, is_surely_gone
from headwater.store.statements import in_list
from headwater.store.writer import Writer

Rows = Callable[..., list[Any]]


def has_foreign_runs(owner_id: int | None) -> tuple[str, tuple[int]]:
    """Return the query that says whether `recover` has anything to look at: it needs no lock when not."""
    return "SELECT 1 FROM runs WHERE owner_id IS NOT NULL AND owner_id <> ? LIMIT 1", (owner_id or 0,)


def lost_run_ids(rows: Rows, writer: Writer) -> Sequence[str]:
    """Return the unfinished runs of dead owners as they are known now, without a lock; oldest first."""
    owners = list(_dead_owners(rows, writer))
    if not owners:
        return ()
    sql = f"SELECT run_id FROM runs WHERE owner_id IN {in_list(owners)} ORDER BY run_number"
    return [run_id for (run_id,) in rows(sql, owners)]


def interrupt_lost_runs(
    connection: Connection, writer: Writer, now: float, last_facts: Mapping[str, Sequence[Event]]
) -> Sequence[str]:
    """End the unfinished runs of dead owners, inside the open transaction; return their ids, oldest first.

    `last_facts` are recorded first, by run id.
    """

    def rows(sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        return connection.execute(sql, parameters).fetchall()

    return interrupt_runs_of(connection, writer, _dead_owners(rows, writer), now, last_facts)


def living_owners(rows: Rows, writer: Writer) -> set[int]:
    """Return the owners that are there, as far as can be known; this process's own, too."""
    return _owners(rows, writer)[1]


def _dead_owners(rows: Rows, writer: Writer) -> dict[int, str]:
    """Return what is to be said of each owner that is gone, by its id."""
    dead, alive = _owners(rows, writer)
    for (owner_id,) in rows("SELECT DISTINCT owner_id FROM runs WHERE owner_id IS NOT NULL"):
        if owner_id not in alive:
            dead.setdefault(owner_id, "The process that ran it is gone.")
    return dead


def _owners(rows: Rows, writer: Writer) -> tuple[dict[int, str], set[int]]:
    own_id, now = writer.owner_id, writer.lease_clock()
    dead: dict[int, str] = {}
    alive: set[int] = set()
    for owner_id, host, boot_id, pid, started, expires_at in rows(
        "SELECT owner_id, host, boot_id, pid, process_started, lease_expires_at FROM owners"
    ):
        if owner_id != own_id and is_surely_gone(ProcessIdentity(host, boot_id, pid, started)):
            dead[owner_id] = f"Process {pid} on {host}, which ran it, is gone."
        elif (
            owner_id != own_id
            and expires_at < now
            and not is_surely_alive(ProcessIdentity(host, boot_id, pid, started))
        ):
            dead[owner_id] = f"Process {pid} on {host}, which ran it, has given no sign of life."
        else:
            alive.add(owner_id)
    return dead, alive


def interrupt_runs_of(
    connection: Connection,
    writer: Writer,
    reason_by_owner: Mapping[int, str],
    now: float,
    last_facts: Mapping[str, Sequence[Event]] = {},
) -> Sequence[str]:
    """End the unfinished runs of these owners and take their leases away; return the run ids, oldest first."""
    if not reason_by_owner:
        return ()
    owners = list(reason_by_owner)
    lost = connection.execute(
        f"SELECT run_number, run_id, owner_id, status FROM runs WHERE owner_id IN {in_list(owners)} ORDER BY run_number",
        owners,
    ).fetchall()
    resumable = {number for (number,) in connection.execute("SELECT run_number FROM run_launches")}
    events: list[Event] = []
    for run_number, run_id, owner_id, status in lost:
        # What was being ended for a run that was given up has ended so.
        cause = "canceled" if status == "CANCELING" else "lost"
        events += last_facts.get(run_id, ())
        # What is to be tried again later still is, in a run that can go on.
        lost_statuses = "('RUNNING')" if run_number in resumable else "('RUNNING', 'WAITING_TO_RETRY')"
        in_flight = connection.execute(
            f"SELECT step_key, attempt FROM steps WHERE run_number = ? AND status IN {lost_statuses} ORDER BY position",
            (run_number,),
        ).fetchall()
        events += [
            StepFailed(run_id=run_id, timestamp=now, step_key=step_key, attempt=attempt, cause=cause)
            for step_key, attempt in in_flight
        ]
        events.append(RunInterrupted(run_id=run_id, timestamp=now, reason=reason_by_owner[owner_id]))
    run_numbers = {run_id: run_number for run_number, run_id, _, _ in lost}
    if events:
        writer.write([(event, encode_event(event).decode()) for event in events], taken_over=run_numbers)
    connection.execute(f"DELETE FROM owners WHERE owner_id IN {in_list(owners)}", owners)
    return list(run_numbers)
