"""What is particular to the file: how it is opened, what can go wrong with it, and what is kept then."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import cast

import pytest

from headwater.model.errors.store import (
    NotAStore,
    StoreBusy,
    StoreFull,
    StoreNotWritable,
    StoreTooNew,
)
from headwater.model.events import AssetMaterialized, Event, RunStarted, StepStarted
from headwater.model.keys import AssetKey
from headwater.model.runs import EventRecordsFilter, Run
from headwater.store import SqliteStore
from headwater.store.connections import statements_of
from headwater.store.retention import Piece
from headwater.store.schema import SCHEMA_VERSION, migrations


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


def test_the_schema_version_is_the_number_of_the_last_migration(path: Path) -> None:
    assert list(migrations("sqlite")) == list(range(1, SCHEMA_VERSION + 1))
    with SqliteStore(path) as store:
        assert store._rows("SELECT version FROM schema_version") == [(number,) for number in migrations("sqlite")]


def test_a_script_is_split_where_its_statements_end() -> None:
    script = "CREATE TABLE a (x);  -- a; comment\nINSERT INTO a\nVALUES (';');\n"
    assert len(list(statements_of(script))) == 2


def test_a_store_is_opened_again_with_all_that_was_in_it(path: Path) -> None:
    with SqliteStore(path) as store:
        store.append(AssetMaterialized(asset="orders"))
    with SqliteStore(path) as store:
        assert store.asset_keys() == [AssetKey("orders")]


def test_many_may_open_a_new_store_at_once(path: Path) -> None:
    failures: list[BaseException] = []

    def open_and_write(number: int) -> None:
        try:
            with SqliteStore(path) as store:
                store.append(AssetMaterialized(asset=f"a{number}"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=open_and_write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with SqliteStore(path) as store:
        assert len(store.asset_keys()) == 8


def test_what_was_appended_is_kept_though_the_program_never_closes_the_store(path: Path) -> None:
    program = (
        "import sys; from headwater.store import SqliteStore; from headwater.model.events import AssetMaterialized\n"
        "store = SqliteStore(sys.argv[1]); store.append(AssetMaterialized(asset='orders'))"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=30)
    with SqliteStore(path) as store:
        assert store.asset_keys() == [AssetKey("orders")]


def test_what_was_appended_is_committed_soon_without_a_flush(path: Path) -> None:
    with SqliteStore(path) as writer, SqliteStore(path) as reader:
        writer.append(AssetMaterialized(asset="orders"))
        deadline = time.monotonic() + 5
        while not reader.asset_keys():
            assert time.monotonic() < deadline
            time.sleep(0.002)


def test_two_stores_on_one_file_see_each_others_facts(path: Path) -> None:
    with SqliteStore(path) as one, SqliteStore(path) as other:
        for number in range(20):
            writer = (one, other)[number % 2]
            writer.append(AssetMaterialized(asset="orders", partition=str(number)))
            writer.flush()
        assert one.materialized_partitions(AssetKey("orders")) == {str(number) for number in range(20)}
        state = other.asset_state(AssetKey("orders"))
        assert state is not None
        assert state.materialization_count == 20


# --------------------------------------------------------------------------------------------------- files that are not


def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(path: Path) -> None:
    path.write_text("hello, this is my diary")
    with pytest.raises(NotAStore, match=r"store\.sqlite.*not an SQLite database.*Point to another path"):
        SqliteStore(path)
    assert path.read_text() == "hello, this is my diary"


def test_a_database_of_another_program_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE customers (name)")
    connection.close()
    with pytest.raises(NotAStore, match=r"other tables \(customers\)"):
        SqliteStore(path)


def test_a_file_that_only_begins_like_a_database_is_refused(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\x00" + b"rubbish " * 1000)
    with pytest.raises(NotAStore):
        SqliteStore(path)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotAStore, match="it is a directory"):
        SqliteStore(tmp_path)


def test_an_empty_file_becomes_a_store(path: Path) -> None:
    path.touch()
    with SqliteStore(path) as store:
        assert store.asset_keys() == []


def test_a_store_of_a_later_release_is_refused(path: Path) -> None:
    SqliteStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO schema_version VALUES (999, 0)")
    connection.commit()
    connection.close()
    with pytest.raises(StoreTooNew, match=r"schema version 999.*pip install --upgrade headwater"):
        SqliteStore(path)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreNotWritable, match=r"cannot be written.*HEADWATER_HOME"):
        SqliteStore(tmp_path / "file" / "store.sqlite")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(StoreNotWritable):
        SqliteStore(tmp_path / "store.sqlite")


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="needs a file system that nobody may write")
def test_a_file_system_that_takes_no_files_is_named() -> None:
    with pytest.raises(StoreNotWritable):
        SqliteStore("/proc/store.sqlite")


# -------------------------------------------------------------------------------------------------------- while writing


def test_a_full_disk_stops_the_recording_and_loses_nothing_that_was_acknowledged(path: Path) -> None:
    store = SqliteStore(path)
    store.append(AssetMaterialized(asset="kept"))
    store.flush()
    ((pages,),) = store._writer.rows("PRAGMA page_count")
    store._writer.rows(f"PRAGMA max_page_count = {pages + 2}")
    for number in range(100):
        store._writer._pending.append((AssetMaterialized(asset=f"a{number}"), "x" * 1000))
    with pytest.raises(StoreFull, match=r"the disk is full.*Free some space"):
        store.flush()
    with pytest.raises(StoreFull):
        store.append(AssetMaterialized(asset="later"))
    with pytest.raises(StoreFull):
        store.asset_keys()
    with pytest.raises(StoreFull):
        store.close()
    with SqliteStore(path) as again:
        assert again.asset_keys() == [AssetKey("kept")]
        assert len(again.events(EventRecordsFilter())) == 1


def test_a_lock_held_by_another_program_is_named_after_the_timeout(path: Path) -> None:
    store = SqliteStore(path, busy_timeout_seconds=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match=r"locked for more than 0\.05 seconds"):
        store.create_run(Run("r1", "job"))
    other.execute("ROLLBACK")
    other.close()
    # Nothing had been acknowledged, so nothing is lost and the store goes on.
    store.create_run(Run("r1", "job"))
    store.close()


def test_a_change_that_fails_midway_leaves_no_trace(path: Path) -> None:
    with SqliteStore(path) as store:
        with pytest.raises(RuntimeError), store._writer.transaction() as connection:
            connection.execute("INSERT INTO cursors VALUES ('a', '1')")
            store._writer.lease()
            raise RuntimeError
        assert store.get_cursor_values(["a"]) == {}
        store.create_run(Run("r1", "job"))
        store.append(RunStarted(run_id="r1", timestamp=1.0))
        store.flush()


def test_ctrl_c_amid_a_batch_loses_no_fact(path: Path) -> None:
    with SqliteStore(path) as store:

        class Interrupted:
            @property
            def run_id(self) -> str:
                raise KeyboardInterrupt

        store._writer._pending.extend([(AssetMaterialized(asset="a"), '{"type":"asset_materialized","asset":"a"}')])
        store._writer._pending.append((cast(Event, Interrupted()), ""))
        with pytest.raises(KeyboardInterrupt):
            store.flush()
        assert len(store._writer._pending) == 2
        store._writer._pending.pop()
        assert store.asset_keys() == [AssetKey("a")]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_neither_writes_nor_ends_the_runs_of_its_parent(path: Path) -> None:
    program = """
import os, sys
from headwater.model.errors.store import StoreForked
from headwater.model.events import AssetMaterialized, RunStarted
from headwater.model.runs import Run
from headwater.store import SqliteStore
from headwater.store.connections import statements_of
store = SqliteStore(sys.argv[1])
store.create_run(Run("r1", "job"))
store.append(RunStarted(run_id="r1"))
if os.fork() == 0:
    store.append(AssetMaterialized(asset="child"))
    try:
        store.asset_keys()
    except StoreForked:
        sys.exit(7)
    sys.exit(0)
_, status = os.wait()
assert os.waitstatus_to_exitcode(status) == 7
assert store.find_run("r1").status.value == "STARTED"
assert store.asset_keys() == []
"""
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=30)


def test_pruning_takes_pieces_so_small_that_a_writer_need_not_wait() -> None:
    piece = Piece(500, 5_000)
    piece.took(0.001)
    assert piece.size == 1_000
    piece.took(0.09)
    piece.took(0.09)
    assert piece.size == 250


def test_a_writer_gets_its_turn_while_history_is_pruned(path: Path) -> None:
    with SqliteStore(path) as store:
        store.create_run(Run("old", "job"))
        for number in range(20_000):
            store.append(StepStarted(run_id="old", step_key=str(number % 50), timestamp=1.0))
        store.flush()
        store._writer.connection.execute("UPDATE runs SET status = 'SUCCESS', ended_at = 2.0")
        waits: list[float] = []
        pruning = threading.Thread(target=store.prune, args=(50.0,))
        pruning.start()
        while pruning.is_alive():
            began = time.monotonic()
            store.set_cursor_values({"a": "1"})
            waits.append(time.monotonic() - began)
        pruning.join()
        assert store.events_of_run("old") == []
        assert sorted(waits)[len(waits) // 2] < 0.1
