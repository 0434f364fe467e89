"""Processes that record runs are killed at random moments: nothing acknowledged is lost, and nothing lies after."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headwater.model.runs import EventRecordsFilter, RunsFilter, RunStatus, StepStatus
from headwater.store.sql_store import SqlStore
from headwater.store.sqlite import SqliteStore
from tests.store.naive_fold import fold, told_by
from tests.store_places import open_at

PROGRAM = Path(__file__).with_name("appending_process.py")


def appending_process(place: str, name: str, seed: int, most_runs: int = 1_000_000) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), place, name, str(seed), str(most_runs)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def assert_state_is_the_fold_of_history(store: SqlStore) -> None:
    run_ids = [run.run_id for run in store.runs()]
    assert told_by(store, run_ids) == fold(run_ids, store.events(EventRecordsFilter(), ascending=True))


@pytest.mark.parametrize("seed", range(8))
def test_a_killed_process_leaves_every_acknowledged_fact_and_no_run_that_claims_to_be_running(
    place: str, seed: int
) -> None:
    child = appending_process(place, "run", seed)
    assert child.stdout is not None
    told = [child.stdout.readline()]
    time.sleep(random.Random(seed).uniform(0.0, 0.15))
    child.send_signal(signal.SIGKILL)
    rest, errors = child.communicate(timeout=30)
    assert errors == ""
    # The last line may have been cut in two by the kill.
    told += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    acknowledged = int(told[-1])

    with open_at(place) as store:
        assert len(store.events(EventRecordsFilter())) >= acknowledged
        assert_state_is_the_fold_of_history(store)
        unfinished = store.runs(RunsFilter(statuses=[RunStatus.NOT_STARTED, RunStatus.STARTED]))
        assert len(unfinished) <= 1
        recovered = store.recover()
        assert [run.run_id for run in recovered] == [run.run_id for run in unfinished]
        assert all(run.status is RunStatus.INTERRUPTED for run in recovered)
        assert all(step.status is not StepStatus.RUNNING for run in store.runs() for step in store.steps_of(run.run_id))
        assert_state_is_the_fold_of_history(store)
        assert store.recover() == []
        if isinstance(store, SqliteStore):
            assert store._rows("PRAGMA integrity_check") == [("ok",)]


def test_two_processes_write_to_one_store_without_a_lock_error(place: str) -> None:
    children = [appending_process(place, name, seed, most_runs=40) for seed, name in enumerate(["left", "right"])]
    for child in children:
        _, errors = child.communicate(timeout=60)
        assert errors == ""
        assert child.returncode == 0
    with open_at(place) as store:
        assert store.run_count(RunsFilter(statuses=[RunStatus.SUCCESS])) == 80
        assert_state_is_the_fold_of_history(store)


def test_a_process_that_recovers_while_another_writes_leaves_it_alone(place: str) -> None:
    child = appending_process(place, "busy", 3, most_runs=25)
    with open_at(place) as store:
        while child.poll() is None:
            assert store.recover() == []
            time.sleep(0.005)
        _, errors = child.communicate(timeout=30)
        assert errors == ""
        assert store.run_count(RunsFilter(statuses=[RunStatus.SUCCESS])) == 25
