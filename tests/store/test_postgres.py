"""What is particular to PostgreSQL: how a database is reached, what can go wrong with it, and what is kept then."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from headwater.model.database_url import redacted, without_secrets
from headwater.model.errors.postgres import (
    PostgresNotInstalled,
    PostgresUnsuitable,
    StoreUnreachable,
)
from headwater.model.errors.store import (
    NotAStore,
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreNotWritable,
    StoreTooNew,
)
from headwater.model.events import AssetMaterialized, ErrorInfo, RunFailed, RunStarted, RunSucceeded, StepFailed
from headwater.model.keys import AssetKey
from headwater.model.runs import EventRecordsFilter, Run, RunStatus
from headwater.store import SqliteStore
from headwater.store.postgres import PostgresStore
from headwater.store.postgres_connections import Address, numbered
from headwater.store.schema import SCHEMA_VERSION, migrations
from tests.postgres_server import PostgresServer
from tests.store.cut_connection import CuttableWay, cuttable_way

TERMINATE_OTHERS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND application_name = 'headwater' AND datname = current_database()"
)


@pytest.fixture
def own_database(postgres_server: PostgresServer) -> Iterator[str]:
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def way(own_database: str) -> Iterator[CuttableWay]:
    with cuttable_way(own_database) as way:
        yield way


def sql(url: str, text: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(text)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


def with_parts(url: str, **parts: str) -> str:
    return urlunsplit(urlsplit(url)._replace(**parts))


# ------------------------------------------------------------------------------------------------------------- opening


def test_both_kinds_of_database_have_the_same_migrations() -> None:
    assert list(migrations("postgres")) == list(range(1, SCHEMA_VERSION + 1))


def test_a_store_is_opened_again_with_all_that_was_in_it(postgres_url: str) -> None:
    with PostgresStore(postgres_url) as store:
        store.append(AssetMaterialized(asset="orders"))
    with PostgresStore(postgres_url) as store:
        assert store.asset_keys() == [AssetKey("orders")]
        assert store._rows("SELECT version FROM schema_version") == [(number,) for number in migrations("postgres")]


def test_many_may_open_a_new_store_at_once(postgres_url: str) -> None:
    failures: list[BaseException] = []

    def open_and_write(number: int) -> None:
        try:
            with PostgresStore(postgres_url) as store:
                store.append(AssetMaterialized(asset=f"a{number}"))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=open_and_write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with PostgresStore(postgres_url) as store:
        assert len(store.asset_keys()) == 6


def test_what_was_appended_is_kept_though_the_program_never_closes_the_store(postgres_url: str) -> None:
    program = (
        "import sys; from headwater.store import open_store; from headwater.model.events import AssetMaterialized\n"
        "store = open_store(sys.argv[1]); store.append(AssetMaterialized(asset='orders'))"
    )
    subprocess.run([sys.executable, "-c", program, postgres_url], check=True, timeout=60)
    with PostgresStore(postgres_url) as store:
        assert store.asset_keys() == [AssetKey("orders")]


def test_keys_are_sorted_as_on_sqlite_whatever_the_language_of_the_database(postgres_url: str) -> None:
    keys = ["b", "B", "a", "A", "ä", "z", "_", "10", "9"]
    with PostgresStore(postgres_url) as store, SqliteStore(None) as memory:
        for each in (store, memory):
            for key in keys:
                each.append(AssetMaterialized(asset="orders", partition=key))
        orders = AssetKey("orders")
        assert list(store.partition_states(orders)) == list(memory.partition_states(orders)) == sorted(keys)


def open_store_in_memory() -> SqliteStore:
    from headwater.store import SqliteStore

    return SqliteStore(None)


def test_text_that_postgresql_cannot_hold_stops_nothing(postgres_url: str) -> None:
    with PostgresStore(postgres_url) as store:
        store.create_run(Run("r1", "job", tags={"odd": "a\0b"}))
        error = ErrorInfo("ValueError", "bad byte \0 at 7")
        for number in range(20):
            store.append(StepFailed(run_id="r1", step_key=f"s\0{number}", error=error, timestamp=1.0))
        store.append(AssetMaterialized(run_id="r1", asset="orders", partition="p\0", metadata={"text": "\0"}))
        store.append(RunFailed(run_id="r1", error=error, timestamp=2.0))
        run = store.find_run("r1")
        assert run is not None
        assert run.cause == "ValueError: bad byte ␀ at 7"
        (record,) = store.events(EventRecordsFilter(asset_key=AssetKey("orders")))
        assert record.event.metadata == {"text": "\0"}  # type: ignore[attr-defined]
        assert list(store.partition_states(AssetKey("orders"))) == ["p␀"]


def test_a_tag_may_be_longer_than_what_an_index_takes(postgres_url: str) -> None:
    with PostgresStore(postgres_url) as store:
        store.create_run(Run("r1", "job", tags={"long": "".join(map(str, range(3_000)))}))
        store.add_run_tags("r1", {"longer": "x" * 100_000})


# ------------------------------------------------------------------------------------------- databases that are no good


def test_a_database_of_another_program_is_refused(own_database: str) -> None:
    sql(own_database, "CREATE TABLE customers (name text)")
    with pytest.raises(NotAStore, match=r"other tables \(customers\).*createdb headwater.*SET search_path"):
        PostgresStore(own_database)
    assert sql(own_database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("customers",)]


def test_a_store_of_a_later_release_is_refused(postgres_url: str) -> None:
    PostgresStore(postgres_url).close()
    sql(postgres_url, "INSERT INTO schema_version VALUES (999, 0)")
    with pytest.raises(StoreTooNew, match=r"schema version 999.*pip install --upgrade headwater"):
        PostgresStore(postgres_url)


def test_a_database_whose_text_is_not_unicode_is_refused(postgres_server: PostgresServer) -> None:
    expected = pytest.raises(PostgresUnsuitable, match=r"encoded as LATIN1.*ENCODING 'UTF8'")
    with postgres_server.database("ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'") as url, expected:
        PostgresStore(url)


def test_a_server_that_is_not_there_is_named_and_the_password_is_not() -> None:
    with pytest.raises(StoreUnreachable, match=r'"postgresql://127\.0\.0\.1:1/runs" cannot be reached') as caught:
        PostgresStore("postgresql://me:geheim@127.0.0.1:1/runs")
    assert_says_nothing_of("geheim", caught.value)


def test_a_wrong_password_is_told_without_the_password(way: CuttableWay, own_database: str) -> None:
    sql(own_database, "CREATE ROLE guest LOGIN PASSWORD 'right'")
    try:
        with closed_but_by_password(own_database):
            url = way.url.replace("//postgres@", "//guest:geheim@").replace("//postgres:@", "//guest:geheim@")
            with pytest.raises(
                StoreUnreachable, match=r"password authentication failed.*user and the password"
            ) as caught:
                PostgresStore(url)
            assert_says_nothing_of("geheim", caught.value)
    finally:
        sql(own_database, "DROP ROLE guest")


def test_a_database_that_is_not_there_is_told_with_how_to_make_it(postgres_server: PostgresServer) -> None:
    with pytest.raises(StoreUnreachable, match=r'database "nowhere" does not exist.*createdb'):
        PostgresStore(postgres_server.url_of("nowhere"))


def test_a_user_who_may_not_make_tables_is_told(own_database: str) -> None:
    sql(own_database, "CREATE ROLE reader LOGIN PASSWORD 'x'")
    try:
        url = own_database.replace("//postgres:@", "//reader:x@").replace("//postgres@", "//reader:x@")
        with pytest.raises(StoreNotWritable, match=r"permission denied.*right to make and change tables"):
            PostgresStore(url)
    finally:
        sql(own_database, "DROP ROLE reader")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://me:geheim@host/db", "does not begin with"),
        ("postgresql://me:ge@heim@host/db", r"more than one @.*%40"),
        ("postgresql://me:geheim@host:port/db", "port"),
        ("postgresql://host/db?nonsense=geheim&password=geheim", "nonsense"),
    ],
)
def test_a_url_that_is_none_is_told_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(StoreError, match=reason) as caught:
        PostgresStore(url)
    assert_says_nothing_of("heim@", caught.value)
    assert_says_nothing_of("password=geheim", caught.value)


def assert_says_nothing_of(secret: str, error: BaseException | None) -> None:
    assert secret not in str(error)
    assert secret not in repr(error)


def closed_but_by_password(url: str) -> PasswordOnly:
    return PasswordOnly(url)


class PasswordOnly:
    """While this is open the server asks whoever comes over TCP for a password."""

    def __init__(self, url: str) -> None:
        self._url = url
        ((file,),) = sql(url, "SHOW hba_file")
        self._file = Path(str(file))
        if not self._file.exists() or not os.access(self._file, os.W_OK):
            pytest.skip("the server's pg_hba.conf cannot be changed from here")

    def __enter__(self) -> None:
        self._before = self._file.read_text()
        self._file.write_text("local all guest scram-sha-256\nhost all guest all scram-sha-256\n" + self._before)
        sql(self._url, "SELECT pg_reload_conf()")
        time.sleep(0.2)

    def __exit__(self, *_: object) -> None:
        self._file.write_text(self._before)
        sql(self._url, "SELECT pg_reload_conf()")


def test_a_password_is_hidden_wherever_it_stands() -> None:
    assert redacted("postgresql://me:geheim@host/db") == "postgresql://me:***@host/db"
    assert redacted("postgresql://me:ge/he?im@host/db") == "postgresql://me:***@host/db"
    assert redacted("postgresql://me@host:5432/db") == "postgresql://me@host:5432/db"
    assert redacted("postgresql://h/db?user=me&password=geheim&x=1") == "postgresql://h/db?user=me&password=***&x=1"
    assert redacted("postgresql://:geheim@/db") == "postgresql://:***@/db"
    url = "postgresql://me:geheim@host/db"
    assert without_secrets(f"no {url}: geheim is wrong", url) == "no postgresql://me:***@host/db: *** is wrong"


def test_without_psycopg_it_is_said_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "psycopg.py").write_text("raise ImportError('no psycopg here')")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from headwater.store import open_store\n"
        "from headwater.model.errors.postgres import PostgresNotInstalled\n"
        "try: open_store('postgresql://me:geheim@host/db')\n"
        "except PostgresNotInstalled as error: print(error)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert "pip install 'headwater[postgres]'" in finished.stdout
    assert "geheim" not in finished.stdout
    assert issubclass(PostgresNotInstalled, StoreError)


def test_errors_of_the_server_are_told_as_what_they_mean() -> None:
    address = Address("postgresql://me:geheim@host/db")
    for raised, expected in (
        (psycopg.errors.DiskFull("could not extend file"), StoreFull),
        (psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"), StoreBusy),
        (psycopg.errors.ReadOnlySqlTransaction("cannot execute INSERT"), StoreNotWritable),
        (
            psycopg.errors.FeatureNotSupported("cannot set transaction read-write mode during recovery"),
            StoreNotWritable,
        ),
        (psycopg.errors.AdminShutdown("terminating connection"), StoreUnreachable),
        (psycopg.OperationalError("the connection is closed"), StoreUnreachable),
        (psycopg.errors.DataCorrupted("invalid page for postgresql://me:geheim@host/db"), StoreDamaged),
    ):
        told = address.store_error(raised, 30)
        assert type(told) is expected
        assert "postgresql://host/db" in str(told)
        assert_says_nothing_of("geheim", told)


def test_values_are_numbered() -> None:
    assert numbered("SELECT ? FROM x WHERE y IN (?, ?)").as_string() == "SELECT $1 FROM x WHERE y IN ($2, $3)"


# ----------------------------------------------------------------------------------------- a server that is busy or gone


def test_a_lock_held_by_another_program_is_named_after_the_timeout(postgres_url: str) -> None:
    with PostgresStore(postgres_url, lock_timeout_seconds=0.1) as store, psycopg.connect(postgres_url) as other:
        other.execute("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreBusy, match=r"locked for more than 0\.1 seconds"):
            store.create_run(Run("r1", "job"))
        other.rollback()
        # Nothing had been acknowledged, so nothing is lost and the store goes on.
        store.create_run(Run("r1", "job"))


def test_connections_that_the_server_ends_are_opened_again(own_database: str) -> None:
    with PostgresStore(own_database) as store:
        store.create_run(Run("r1", "job"))
        for number in range(3):
            assert len(store.runs()) == 1
            sql(own_database, TERMINATE_OTHERS)
            store.append(AssetMaterialized(run_id="r1", asset="orders", partition=str(number)))
        assert store.materialized_partitions(AssetKey("orders")) == {"0", "1", "2"}
        store.append(RunSucceeded(run_id="r1", timestamp=1.0))


@pytest.mark.parametrize("message", [b"BEGIN", b"pg_notify", b"COMMIT"])
def test_a_batch_whose_connection_is_cut_is_written_once(way: CuttableWay, message: bytes) -> None:
    with PostgresStore(way.url) as store:
        store.create_run(Run("r1", "job", status=RunStatus.QUEUED))
        for number in range(5):
            way.cut_after = message
            store.append(RunStarted(run_id="r1", timestamp=1.0))
            store.append(AssetMaterialized(run_id="r1", asset="orders", partition=str(number)))
            store.flush()
            assert way.cut_after is None
        state = store.asset_state(AssetKey("orders"))
        assert state is not None
        assert state.materialization_count == 5
        assert len(store.events_of_run("r1")) == 10
        # The lease that was made in the first of these batches is still known, or made again.
        assert store._rows("SELECT owner_id FROM runs") == [(store._writer.owner_id,)]
        store.append(RunSucceeded(run_id="r1", timestamp=2.0))


def test_a_server_that_stays_away_fails_the_writer_and_not_the_readers(way: CuttableWay) -> None:
    with PostgresStore(way.url, patience_seconds=0.3) as reader:
        store = PostgresStore(way.url, patience_seconds=0.3)
        store.append(AssetMaterialized(asset="kept"))
        store.flush()
        way.close()
        store.append(AssetMaterialized(asset="lost"))
        with pytest.raises(StoreUnreachable):
            store.flush()
        with pytest.raises(StoreUnreachable):
            reader.asset_keys()
        way.open()
        # Facts are never dropped in silence: a writer that lost some takes no more. What only reads goes on.
        with pytest.raises(StoreUnreachable):
            store.append(AssetMaterialized(asset="later"))
        with pytest.raises(StoreUnreachable):
            store.close()
        assert reader.asset_keys() == [AssetKey("kept")]
        reader.append(AssetMaterialized(asset="new"))
        assert reader.asset_keys() == [AssetKey("kept"), AssetKey("new")]


def test_a_server_that_comes_back_in_time_is_waited_for(way: CuttableWay) -> None:
    with PostgresStore(way.url, patience_seconds=20) as store:
        store.append(AssetMaterialized(asset="a"))
        store.flush()
        way.close()
        threading.Timer(0.5, way.open).start()
        store.append(AssetMaterialized(asset="b"))
        assert len(store.asset_keys()) == 2


def test_a_lease_is_renewed_though_the_connection_was_lost_and_nothing_else_is_written(own_database: str) -> None:
    with PostgresStore(own_database, lease_seconds=1.5) as store:
        store.create_run(Run("r1", "job"))
        store.append(RunStarted(run_id="r1"))
        store.flush()
        ((before,),) = sql(own_database, "SELECT lease_expires_at FROM owners")
        sql(own_database, TERMINATE_OTHERS)

        def is_renewed() -> bool:
            ((now,),) = sql(own_database, "SELECT lease_expires_at FROM owners")
            return now > before  # type: ignore[operator]

        wait_until(is_renewed)
        store.append(RunSucceeded(run_id="r1", timestamp=1.0))


def test_who_is_lost_amid_a_transaction_does_not_keep_the_lock(postgres_url: str) -> None:
    with (
        PostgresStore(postgres_url, lock_timeout_seconds=2) as other,
        PostgresStore(postgres_url, lock_timeout_seconds=1) as lost,
    ):
        lost.create_run(Run("r0", "job"))
        with pytest.raises(StoreUnreachable), lost._writer.transaction() as connection:
            other.create_run(Run("r1", "job"))
            connection.execute("DELETE FROM runs")
        lost.append(RunSucceeded(run_id="r0", timestamp=1.0))
        assert [run.run_id for run in lost.runs()] == ["r1", "r0"]


def test_what_fails_amid_a_batch_is_told_and_leaves_no_trace(own_database: str) -> None:
    store = PostgresStore(own_database)
    store.create_run(Run("r1", "job"))
    sql(own_database, "ALTER TABLE steps RENAME TO other_steps")
    store.append(AssetMaterialized(run_id="r1", asset="orders"))
    store.append(StepFailed(run_id="r1", step_key="a"))
    with pytest.raises(StoreDamaged, match=r'relation "steps" does not exist.*log of the database server'):
        store.flush()
    assert sql(own_database, "SELECT count(*) FROM events") == [(0,)]
    sql(own_database, "ALTER TABLE other_steps RENAME TO steps")
    with pytest.raises(StoreDamaged):
        store.close()
    with PostgresStore(own_database) as again:
        # The one that failed could still end its run.
        assert [run.status for run in again.runs()] == [RunStatus.INTERRUPTED]


def test_who_listens_hears_again_after_the_connection_was_lost(way: CuttableWay, own_database: str) -> None:
    with PostgresStore(way.url) as store, PostgresStore(own_database) as other, store.listen("queue") as changes:
        wait_until(lambda: store.hears_of_changes)
        way.close()
        wait_until(lambda: not store.hears_of_changes)
        way.open()
        wait_until(lambda: store.hears_of_changes)
        while changes.wait(0.2):
            pass
        other.announce("queue")
        assert changes.wait(20) == {"queue"}


def wait_until(holds: object) -> None:
    deadline = time.monotonic() + 20
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


# ------------------------------------------------------------------------------------------------------- few connections


def test_five_connections_are_enough_for_any_number_of_threads(way: CuttableWay) -> None:
    most = 0
    with PostgresStore(way.url) as store, store.listen():
        store.create_run(Run("r1", "job"))

        def work(number: int) -> None:
            nonlocal most
            for _ in range(3):
                store.append(AssetMaterialized(run_id="r1", asset=f"a{number % 10}"))
                store.asset_keys()
                most = max(most, way.connections)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.events_of_run("r1")) == 300
    assert 2 <= most <= 5


def test_a_reader_that_pages_by_storage_id_misses_nothing_that_two_writers_commit(postgres_url: str) -> None:
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        with PostgresStore(postgres_url) as reader:
            while True:
                is_last = done.is_set()
                after = seen[-1] if seen else None
                records = reader.events(EventRecordsFilter(after_cursor=after), ascending=True)
                seen.extend(record.storage_id for record in records)
                if is_last:
                    return

    def write(name: str) -> None:
        with PostgresStore(postgres_url) as store:
            for number in range(60):
                store.append(AssetMaterialized(asset=name, partition=str(number)))
                # The same rows in another order would make a deadlock, were there not one lock for all.
                store.append(AssetMaterialized(asset=("x", "y")[(number + len(name)) % 2]))
                store.append(AssetMaterialized(asset=("x", "y")[(number + len(name) + 1) % 2]))
                if number % 3 == 0:
                    store.flush()

    PostgresStore(postgres_url).close()
    reading = threading.Thread(target=read)
    writing = [threading.Thread(target=write, args=(name,)) for name in ("a", "bb")]
    for thread in (reading, *writing):
        thread.start()
    for thread in writing:
        thread.join()
    done.set()
    reading.join()
    assert seen == sorted(set(seen))
    assert len(seen) == 360


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_neither_writes_nor_ends_the_runs_of_its_parent(postgres_url: str) -> None:
    program = """
import os, sys
from headwater.model.errors.store import StoreForked
from headwater.model.events import AssetMaterialized, RunStarted
from headwater.model.runs import Run
from headwater.store import open_store
store = open_store(sys.argv[1])
store.create_run(Run("r1", "job"))
store.append(RunStarted(run_id="r1"))
store.runs()
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
store.append(AssetMaterialized(asset="parent"))
assert len(store.asset_keys()) == 1
"""
    subprocess.run([sys.executable, "-c", program, postgres_url], check=True, timeout=60)
