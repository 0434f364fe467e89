"""Processes that write and read partitions are killed at random: the sets that they kept never say what the rows do not."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headwater.model.keys import AssetKey
from headwater.store.sql_store import SqlStore
from headwater.views.recorded_partitions import recorded_partitions
from tests.crash.partition_sets_process import DEFINITIONS
from tests.store_places import open_at

PROGRAM = Path(__file__).with_name("partition_sets_process.py")
SALES = AssetKey("sales")


def process(place: str, seed: int, most_moves: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), place, str(seed), str(most_moves)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def assert_sets_say_what_the_rows_say(store: SqlStore) -> None:
    made = set(store.materialized_partitions(SALES))
    failed = {key for key, outcome in store.partition_outcomes(SALES).items() if outcome == "failed"}
    for definition in DEFINITIONS:
        # With what was kept; then from what was just kept.
        for _ in range(2):
            found = recorded_partitions(definition, store, SALES, keep_from_rows=1)
            assert (set(found.materialized), set(found.failed)) == (made, failed)


@pytest.mark.parametrize("seed", range(4))
def test_killed_processes_leave_sets_that_agree_with_the_rows(place: str, seed: int) -> None:
    chance = random.Random(seed)
    children = [process(place, 10 * seed + number, 1_000_000) for number in range(2)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
    for child in children:
        time.sleep(chance.uniform(0.0, 0.3))
        child.send_signal(signal.SIGKILL)
        _, errors = child.communicate(timeout=30)
        assert errors == ""
    with open_at(place) as store:
        assert_sets_say_what_the_rows_say(store)


def test_processes_that_write_at_once_keep_sets_that_agree_with_the_rows(place: str) -> None:
    children = [process(place, seed, 150) for seed in range(3)]
    for child in children:
        _, errors = child.communicate(timeout=60)
        assert (child.returncode, errors) == (0, "")
    with open_at(place) as store:
        assert_sets_say_what_the_rows_say(store)
