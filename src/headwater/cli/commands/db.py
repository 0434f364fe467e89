"""headwater db: the database of runs and assets, brought up to date or made smaller."""

from __future__ import annotations

import re
import time

import click

from headwater.cli.lazy_group import LazyGroup
from headwater.cli.options import state_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace

_AGE = re.compile(r"^(\d+)\s*(d|h|w)$")
_SECONDS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}


@click.group(cls=LazyGroup)
def db() -> None:
    """Bring the database up to date, or trim its history."""


@db.command("migrate", short_help="Bring the database up to date.")
@state_options
def migrate(as_json: bool, home: str | None) -> None:
    """Bring the database to the schema of this release. Any command does so as well; this one says what it did."""
    screen = Screen(as_json)
    from headwater.runtime.home import STORE_FILE
    from headwater.store.schema import SCHEMA_VERSION

    workplace = Workplace(home=home)
    database = workplace.settings.database
    path = workplace.settings.home / STORE_FILE
    if database is not None:
        from headwater.store import postgres_schema_version

        before = postgres_schema_version(database.url) or None
    else:
        before = schema_version(str(path)) if path.exists() else None
    place = str(database or path)
    with workplace.instance():
        pass
    if as_json:
        screen.document({"path": place, "before": before, "version": SCHEMA_VERSION})
    elif before is None:
        screen.result(f"Made {place} with schema version {SCHEMA_VERSION}.")
    elif before < SCHEMA_VERSION:
        screen.result(f"Brought {place} from schema version {before} to {SCHEMA_VERSION}.")
    else:
        screen.result(f"{place} is up to date: schema version {SCHEMA_VERSION}.")


@db.command("prune", short_help="Delete events of old runs.")
@click.option(
    "--older-than",
    default="90d",
    show_default=True,
    metavar="AGE",
    help="Such as 90d, 12h or 4w, counted from a run's end.",
)
@click.option("--all-runs", is_flag=True, help="Also runs that did not succeed.")
@state_options
def prune(as_json: bool, home: str | None, older_than: str, all_runs: bool) -> None:
    """Delete events of old runs. What is known of assets, partitions, checks and runs stays."""
    match = _AGE.match(older_than.strip())
    if match is None:
        raise click.UsageError(f'--older-than "{older_than}" is no age. Write a number and a unit: 90d, 12h or 4w.')
    screen = Screen(as_json)
    from headwater.views.words import counted

    before = time.time() - int(match[1]) * _SECONDS[match[2]]
    with Workplace(home=home).instance() as instance:
        deleted = instance.store.prune(before, successful_only=not all_runs)
    if as_json:
        screen.document({"deleted_events": deleted})
    screen.result(f"Deleted {counted(deleted, 'event')} of runs that ended more than {older_than} ago.")


def schema_version(path: str) -> int:
    """Return the schema version of a database file, which is not changed. Raises NotAStore, or another StoreError."""
    import sqlite3
    from pathlib import Path

    from headwater.store.connections import SqliteDatabase, check_place
    from headwater.store.schema import version_of

    check_place(Path(path))
    database = SqliteDatabase(path, durability="normal", busy_timeout_seconds=5.0)
    try:
        connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
        try:
            return version_of(database, connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise database.store_error(error) from error
