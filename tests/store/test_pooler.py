"""A pooler that gives each transaction another session changes nothing but how changes are heard of.

The contract is kept through a real PgBouncer where there is one: in PATH, or where HEADWATER_TEST_PGBOUNCER says. That
nothing is left in a session is looked at in any case.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from headwater.model.events import AssetMaterialized, RunStarted
from headwater.model.runs import Run
from headwater.store import Store
from headwater.store.postgres import PostgresStore
from tests.contracts.event_store_contract import EventStoreContract
from tests.postgres_server import PostgresServer
from tests.store.cut_connection import CuttableWay, cuttable_way

PGBOUNCER = os.environ.get("HEADWATER_TEST_PGBOUNCER") or shutil.which("pgbouncer")
POOL_SIZE = 3
# What belongs to a session and would be missing, or be somebody else's, in the next transaction.
SESSION_STATE = """
SELECT 'prepared statement ' || name FROM pg_prepared_statements
UNION ALL SELECT 'listening to ' || channel FROM pg_listening_channels() AS channel
UNION ALL SELECT 'setting ' || name FROM pg_settings WHERE source = 'session'
UNION ALL SELECT 'advisory lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
UNION ALL SELECT 'table ' || relname FROM pg_class WHERE relpersistence = 't'
"""


def test_nothing_is_left_in_a_session(postgres_url: str) -> None:
    with PostgresStore(postgres_url, durability="full") as store:
        store.create_run(Run("r1", "job", tags={"a": "1"}))
        store.append(RunStarted(run_id="r1"))
        for number in range(50):
            store.append(AssetMaterialized(run_id="r1", asset="orders", partition=str(number)))
        store.add_dynamic_partitions("regions", ["eu"])
        store.set_cursor_values({"a": "1"})
        assert len(store.events_of_run("r1")) == 51
        assert store.prune(0.0) == 0
        assert store._rows(SESSION_STATE) == []
        assert store._writer.rows(SESSION_STATE) == []


@contextlib.contextmanager
def pooler(way: CuttableWay, database: str) -> Iterator[str]:
    """Give the URL of the database behind a pooler that hands out sessions for a transaction each."""
    assert PGBOUNCER is not None
    there = urlsplit(way.url)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="pooler-"))
    user = there.username or "postgres"
    (folder / "users.txt").write_text(f'"{user}" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{database} = host={there.hostname} port={there.port} dbname={database} user={user}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
        f"auth_file = {folder}/users.txt\npool_mode = transaction\ndefault_pool_size = {POOL_SIZE}\n"
        f"max_client_conn = 200\nserver_round_robin = 1\n"
    )
    command = [PGBOUNCER, str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:
        # It refuses to work as root.
        someone = pwd.getpwnam("nobody")
        for path in (folder, *folder.iterdir()):
            os.chown(path, someone.pw_uid, someone.pw_gid)
        command[1:1] = ["-u", "nobody"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    url = f"postgresql://{user}@127.0.0.1:{port}/{database}"
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                psycopg.connect(url, connect_timeout=5).close()
                break
            except psycopg.OperationalError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    process.kill()
                    pytest.fail(f"pgbouncer did not start: {error}\n{process.communicate()[0]}")
                time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def behind_a_pooler(postgres_server: PostgresServer) -> Iterator[tuple[str, str]]:
    """The URL of one database, directly and through a pooler."""
    if PGBOUNCER is None:
        pytest.skip("there is no pgbouncer: install it, or name it with HEADWATER_TEST_PGBOUNCER")
    # As another user it cannot reach the socket of a server that was started here, but a port of this machine.
    with (
        cuttable_way(postgres_server.url) as way,
        postgres_server.database() as direct,
        pooler(way, urlsplit(direct).path[1:]) as pooled,
    ):
        yield direct, pooled


@pytest.fixture
def urls(behind_a_pooler: tuple[str, str]) -> tuple[str, str]:
    with psycopg.connect(behind_a_pooler[0], autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return behind_a_pooler


class TestPostgresBehindAPooler(EventStoreContract):
    @pytest.fixture
    def store(self, urls: tuple[str, str]) -> Iterator[Store]:
        with PostgresStore(urls[1]) as store:
            yield store


def test_behind_a_pooler_who_listens_looks_every_second(urls: tuple[str, str]) -> None:
    with PostgresStore(urls[1]) as store, PostgresStore(urls[1]) as other, store.listen("queue") as changes:
        while changes.wait(0.1):
            pass
        assert not store.hears_of_changes
        other.announce("queue")
        assert changes.wait(20) == {"queue"}
        assert not store.hears_of_changes


def test_changes_are_heard_over_a_direct_connection_beside_the_pooler(urls: tuple[str, str]) -> None:
    direct, pooled = urls
    with (
        PostgresStore(pooled, direct_url=direct) as store,
        PostgresStore(pooled) as other,
        store.listen("queue") as changes,
    ):
        deadline = time.monotonic() + 20
        while not store.hears_of_changes:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        while changes.wait(0.2):
            pass
        other.announce("queue")
        assert changes.wait(20) == {"queue"}


def test_many_stores_share_the_few_sessions_of_a_pooler(urls: tuple[str, str]) -> None:
    direct, pooled = urls
    with contextlib.ExitStack() as stack:
        stores = [stack.enter_context(PostgresStore(pooled)) for _ in range(8)]
        for turn in range(5):
            for number, store in enumerate(stores):
                store.append(AssetMaterialized(asset=f"a{number}", partition=str(turn)))
            for store in stores:
                assert store.last_storage_id()
        assert len(stores[0].asset_keys()) == 8
        with psycopg.connect(direct) as connection:
            count = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            row = connection.execute(count).fetchone()
            assert row is not None
            assert row[0] <= POOL_SIZE
