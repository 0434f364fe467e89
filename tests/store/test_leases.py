"""Who owns a run, and what becomes of it when its owner is gone."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from headwater.model.errors.store import LeaseLost
from headwater.model.events import AssetMaterialized, RunInterrupted, RunStarted, RunSucceeded, StepFailed, StepStarted
from headwater.model.keys import AssetKey
from headwater.model.runs import Run, RunStatus, StepStatus
from headwater.store.liveness import is_surely_gone, this_process
from headwater.store.sql_store import SqlStore
from tests.store.naive_fold import fold, told_by
from tests.store_places import open_at

ORPHAN = """
import os, sys
from headwater.model.events import RunStarted, StepRetryScheduled, StepStarted, StepSucceeded
from headwater.model.runs import Run
from headwater.store import open_store
store = open_store(sys.argv[1])
store.create_run(Run("orphan", "job"))
store.append(RunStarted(run_id="orphan", timestamp=1.0))
for key in ("done", "running", "waiting"):
    store.append(StepStarted(run_id="orphan", step_key=key, timestamp=2.0))
store.append(StepSucceeded(run_id="orphan", step_key="done", timestamp=3.0))
store.append(StepRetryScheduled(run_id="orphan", step_key="waiting", timestamp=3.0, attempt=2))
store.flush()
os._exit(9)
"""


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def holder(place: str, clock: Clock) -> Iterator[SqlStore]:
    """A store whose process has a run and then stops giving signs of life."""
    store = open_at(place, clock=clock)
    store.create_run(Run("r1", "job"))
    store.append(RunStarted(run_id="r1", timestamp=1.0))
    store.append(StepStarted(run_id="r1", step_key="a", timestamp=2.0))
    store.flush()
    yield store
    store._closing.detach()
    store._writer.close()


def test_a_run_whose_process_died_is_interrupted_with_its_steps_in_flight(place: str) -> None:
    assert subprocess.run([sys.executable, "-c", ORPHAN, place], timeout=30).returncode == 9
    with open_at(place) as store:
        (run,) = store.recover()
        assert run == store.find_run("orphan")
        assert run.status is RunStatus.INTERRUPTED
        assert run.cause is not None
        assert "is gone" in run.cause
        assert {step.step_key: (step.status, step.cause) for step in store.steps_of("orphan")} == {
            "done": (StepStatus.SUCCEEDED, None),
            "running": (StepStatus.FAILED, "lost"),
            "waiting": (StepStatus.FAILED, "lost"),
        }
        records = store.events_of_run("orphan")
        assert [type(record.event) for record in records[-3:]] == [StepFailed, StepFailed, RunInterrupted]
        assert told_by(store, ["orphan"]) == fold(["orphan"], records)
        assert store.recover() == []


def test_a_lease_that_was_not_renewed_is_taken_away_once(holder: SqlStore, place: str, clock: Clock) -> None:
    with open_at(place, clock=clock) as other:
        clock.now += 29
        assert other.recover() == []
        clock.now += 2
        assert [run.run_id for run in other.recover()] == ["r1"]
        assert other.recover() == []


def test_a_stale_holder_changes_nothing_and_learns_why(holder: SqlStore, place: str, clock: Clock) -> None:
    with open_at(place, clock=clock) as other:
        clock.now += 31
        other.recover()
        before = other.events_of_run("r1")
        holder.append(AssetMaterialized(run_id="r1", asset="late"))
        holder.append(RunSucceeded(run_id="r1", timestamp=9.0))
        with pytest.raises(LeaseLost, match=r"no longer owns its runs.*\(runs r1\).*Retry the interrupted run"):
            holder.flush()
        with pytest.raises(LeaseLost):
            holder.append(RunSucceeded(run_id="r1"))
        with pytest.raises(LeaseLost):
            holder.create_run(Run("r2", "job"))
        assert other.events_of_run("r1") == before
        assert other.asset_state(AssetKey("late")) is None


def test_an_expired_lease_that_nobody_took_is_renewed(holder: SqlStore, place: str, clock: Clock) -> None:
    clock.now += 100
    holder._writer.renew_lease()
    with open_at(place, clock=clock) as other:
        assert other.recover() == []
    holder.append(RunSucceeded(run_id="r1", timestamp=9.0))
    holder.flush()


def test_the_writer_renews_its_lease_by_itself(place: str) -> None:
    with open_at(place, lease_seconds=0.06) as holder, open_at(place) as other:
        holder.create_run(Run("r1", "job"))
        expiry = "SELECT lease_expires_at FROM owners"
        ((first,),) = other._rows(expiry)
        for _ in range(200):
            threading.Event().wait(0.01)
            if other._rows(expiry)[0][0] > first:
                break
        else:
            pytest.fail("The lease was never renewed.")


def test_two_processes_that_recover_at_once_interrupt_a_run_once(holder: SqlStore, place: str, clock: Clock) -> None:
    clock.now += 31
    stores = [open_at(place, clock=clock) for _ in range(4)]
    start = threading.Barrier(4)
    found: list[str] = []

    def recover(store: SqlStore) -> None:
        start.wait()
        found.extend(run.run_id for run in store.recover())

    threads = [threading.Thread(target=recover, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    interruptions = [record for record in stores[0].events_of_run("r1") if isinstance(record.event, RunInterrupted)]
    assert found == ["r1"]
    assert len(interruptions) == 1
    for store in stores:
        store.close()


def test_closing_interrupts_what_is_unfinished(place: str) -> None:
    with open_at(place) as store:
        store.create_run(Run("finished", "job"))
        store.append(RunSucceeded(run_id="finished", timestamp=1.0))
        store.create_run(Run("unfinished", "job"))
    with open_at(place) as store:
        statuses = {run.run_id: run.status for run in store.runs()}
        assert statuses == {"finished": RunStatus.SUCCESS, "unfinished": RunStatus.INTERRUPTED}
        assert store.recover() == []
        assert store._rows("SELECT count(*) FROM owners") == [(0,)]


def test_a_queued_run_waits_for_whoever_starts_it(place: str) -> None:
    with open_at(place) as store:
        store.create_run(Run("waiting", "job", status=RunStatus.QUEUED))
        store.create_run(Run("started", "job", status=RunStatus.QUEUED))
        store.append(RunStarted(run_id="started", timestamp=1.0))
    with open_at(place) as store:
        assert store.recover() == []
        statuses = {run.run_id: run.status for run in store.runs()}
        assert statuses == {"waiting": RunStatus.QUEUED, "started": RunStatus.INTERRUPTED}


def test_a_process_is_told_from_a_later_one_with_the_same_id() -> None:
    me = this_process()
    assert not is_surely_gone(me)
    assert is_surely_gone(replace(me, started="1")) or not me.boot_id
    assert not is_surely_gone(replace(me, host="elsewhere", started="1"))
    assert not is_surely_gone(replace(me, boot_id="another", started="1"))
