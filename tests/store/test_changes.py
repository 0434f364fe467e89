"""Who listens to a store is woken when something changes, by whichever process."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from headwater.model.errors.store import StoreClosed
from headwater.model.events import AssetMaterialized, RunStarted, StepStarted
from headwater.model.runs import Run
from headwater.store.sql_store import SqlStore
from tests.store_places import open_at

OTHER_PROCESS = """
import sys
from headwater.model.events import AssetMaterialized
from headwater.store import open_store
store = open_store(sys.argv[1])
sys.stdin.readline()
store.append(AssetMaterialized(asset="orders"))
store.close()
"""
LONG = 20.0


@pytest.fixture
def store(place: str) -> Iterator[SqlStore]:
    with open_at(place) as store:
        yield store


def test_each_kind_of_change_is_told_of_once(store: SqlStore) -> None:
    with store.listen() as changes, store.listen("queue") as others:
        drain(changes)
        store.create_run(Run("r1", "job"))
        assert changes.wait(LONG) == {"runs"}
        store.append(StepStarted(run_id="r1", step_key="a"))
        assert changes.wait(LONG) == {"events"}
        store.append(RunStarted(run_id="r1"))
        store.append(AssetMaterialized(asset="orders"))
        store.flush()
        assert changes.wait(LONG) == {"runs", "events"}
        assert changes.wait(0.15) <= {"runs", "events"}
        drain(others)


def test_others_have_words_of_their_own(store: SqlStore) -> None:
    with store.listen("queue", "slots") as changes:
        drain(changes)
        store.announce("queue")
        store.announce("unheard")
        assert changes.wait(LONG) == {"queue"}


def test_a_change_that_was_rolled_back_is_not_told_of(store: SqlStore) -> None:
    with store.listen("queue") as changes:
        drain(changes)
        with pytest.raises(RuntimeError), store._writer.transaction():
            store._writer.will_have_changed("queue")
            raise RuntimeError
        assert changes.wait(0.05) == set()


def test_what_another_process_changes_is_told_of(store: SqlStore, place: str) -> None:
    with store.listen("events") as changes:
        drain(changes)
        child = subprocess.Popen([sys.executable, "-c", OTHER_PROCESS, place], stdin=subprocess.PIPE, text=True)
        child.communicate("go\n", timeout=60)
        assert child.returncode == 0
        deadline = time.monotonic() + LONG
        while not store.asset_keys():
            assert changes.wait(LONG) == {"events"}
            assert time.monotonic() < deadline


def test_two_stores_hear_of_each_other(store: SqlStore, place: str) -> None:
    with open_at(place) as other, store.listen("slots") as changes:
        drain(changes)
        began = time.monotonic()
        other.announce("slots")
        assert changes.wait(LONG) == {"slots"}
        assert time.monotonic() - began < 5


def test_who_waits_when_the_store_is_closed_is_let_go(place: str) -> None:
    store = open_at(place)
    changes = store.listen()
    drain(changes)
    answers: list[frozenset[str]] = []
    thread = threading.Thread(target=lambda: answers.append(changes.wait(LONG)))
    thread.start()
    time.sleep(0.05)
    store.close()
    thread.join(timeout=LONG)
    assert not thread.is_alive()
    assert changes.wait(LONG) == set()
    with pytest.raises(StoreClosed):
        store.listen()


def test_a_store_that_is_forgotten_is_closed_though_somebody_listened(place: str) -> None:
    store = open_at(place)
    changes = store.listen()
    changes.close()
    forgotten = weakref.ref(store)
    del store
    gc.collect()
    assert forgotten() is None


def drain(changes: object) -> None:
    """Hear all that comes at the beginning: who has just begun to listen is told to look."""
    while changes.wait(0.3):  # type: ignore[attr-defined]
        pass
