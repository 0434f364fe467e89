"""headwater doctor: everything that commands rely on, looked at in turn; what is wrong comes with what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headwater.cli.error_report import (
    DEFINITIONS_DO_NOT_LOAD,
    STATE_UNUSABLE,
    DefinitionsNotLoaded,
    error_document,
    exit_code_of,
)
from headwater.cli.options import project_options
from headwater.cli.screen import Screen
from headwater.cli.workplace import Workplace

if TYPE_CHECKING:
    from headwater.model.database_url import DatabaseUrl
    from headwater.runtime.settings import Settings

_LIBRARIES = ("click", "msgspec", "pydantic", "rich", "cronsim", "pyroaring")
_EXTRAS = ("pandas", "pyarrow", "polars", "duckdb", "fsspec", "cloudpickle", "psycopg")
_LEAST_FREE_BYTES = 500_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `word` is ok, warning or error."""

    subject: str
    word: str
    told: str
    exit_code: int = 0


@click.command()
@project_options
def doctor(workplace: Workplace, as_json: bool) -> int:
    """Examine this installation: versions, settings and where each comes from, the database, free space, stale runs."""
    screen = Screen(as_json)
    settings: Settings | None = None
    findings: list[Finding] = list(_installation())
    try:
        settings = workplace.settings
    except DefinitionsNotLoaded as error:
        findings.append(_failed("settings", error))
    else:
        findings += _state(workplace, settings)
    findings += _project(workplace)
    if as_json:
        screen.document(
            {
                "findings": [
                    {"subject": finding.subject, "status": finding.word, "told": finding.told} for finding in findings
                ],
                "settings": None
                if settings is None
                else {name: {"value": value, "from": source} for name, value, source in _settings(settings)},
            }
        )
    else:
        screen.table(("what", "status", "finding"), [(each.subject, each.word, each.told) for each in findings])
        if settings is not None:
            screen.heading("Settings")
            screen.table(("setting", "value", "from"), list(_settings(settings)))
    return max((finding.exit_code for finding in findings), default=0)


def _installation() -> Iterator[Finding]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    yield Finding("headwater", "ok", f"{version('headwater')}, in {Path(__file__).parents[2]}")
    yield Finding("python", "ok", f"{platform.python_version()}, {sys.executable}")
    versions, missing = [], []
    for name in (*_LIBRARIES, *_EXTRAS):
        try:
            versions.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            if name in _LIBRARIES:
                missing.append(name)
    yield Finding("libraries", "ok", ", ".join(versions))
    if missing:
        yield Finding("libraries", "error", f"not installed: {', '.join(missing)}. Run: pip install headwater")


def _settings(settings: Settings) -> Iterator[tuple[str, str, str]]:
    yield "project", str(settings.project_dir), str(settings.path) if settings.path is not None else "found from here"
    for name in (
        *("home", "module", "file", "storage"),
        *("database", "database_direct", "durability", "retention_days", "warn_above"),
    ):
        value: Any = settings.storage_dir if name == "storage" else getattr(settings, name)
        if value is not None:
            yield name, str(value), settings.source_of(name)


def _state(workplace: Workplace, settings: Settings) -> Iterator[Finding]:
    import shutil

    from headwater.runtime.home import STORE_FILE
    from headwater.views.words import counted, size_in_words

    path = settings.home / STORE_FILE
    existing = next((folder for folder in (settings.home, *settings.home.parents) if folder.exists()), Path("/"))
    free = shutil.disk_usage(existing).free
    yield Finding(
        "free space",
        "ok" if free >= _LEAST_FREE_BYTES else "warning",
        f"{size_in_words(free)} where {settings.home} is",
    )
    if settings.database is not None:
        yield from _state_in_database(workplace, settings.database)
        return
    if not path.exists():
        if workplace.home is not None and not settings.home.exists():
            yield Finding(
                "state", "error", f"There is no state at {settings.home}, which --home names.", STATE_UNUSABLE
            )
            return
        yield Finding(
            "state", "ok", f"There is no state at {settings.home} yet; the folder is made when something runs"
        )
        return
    try:
        problem = _integrity(path)
        with workplace.instance() as instance:
            runs = instance.store.run_count()
            lost = instance.recovered_runs
            unfinished = _unfinished(instance)
    except Exception as error:
        yield _failed("state", error)
        return
    if problem is not None:
        yield Finding("state", "error", f"{path} is damaged: {problem}", STATE_UNUSABLE)
    else:
        size = size_in_words(path.stat().st_size)
        yield Finding("state", "ok", f"{path}: sound, {size}, {counted(runs, 'run')}")
    yield from _runs(len(lost), unfinished)


def _state_in_database(workplace: Workplace, database: DatabaseUrl) -> Iterator[Finding]:
    from headwater.store import postgres_schema_version
    from headwater.views.words import counted, size_in_words

    try:
        if not postgres_schema_version(database.url):
            yield Finding(
                "state", "ok", f"There is no state in {database} yet; its tables are made when something runs"
            )
            return
        with workplace.instance() as instance:
            facts = instance.store.server_facts()  # type: ignore[attr-defined]
            runs = instance.store.run_count()
            lost = len(instance.recovered_runs)
            unfinished = _unfinished(instance)
    except Exception as error:
        yield _failed("state", error)
        return
    size = size_in_words(facts["size_bytes"])
    told = f"{database}: reachable, PostgreSQL {facts['version']}, {size}, {counted(runs, 'run')}"
    yield Finding("state", "ok", told)
    yield from _runs(lost, unfinished)


def _runs(lost: int, unfinished: int) -> Iterator[Finding]:
    from headwater.views.words import counted

    if lost:
        yield Finding("runs", "warning", f"{counted(lost, 'run')} had lost its process, now shown as interrupted")
    yield Finding("runs", "ok", f"{counted(unfinished, 'run')} in progress, none of a process that is gone")


def _unfinished(instance: Any) -> int:
    from headwater.model.runs import RunsFilter, RunStatus

    open_statuses = [status for status in RunStatus if not status.is_finished]
    return int(instance.store.run_count(RunsFilter(statuses=open_statuses)))


def _integrity(path: Path) -> str | None:
    """Return what SQLite finds wrong with the file, None when it is sound. Raises NotAStore."""
    import sqlite3

    from headwater.store.connections import check_place, store_error

    check_place(path)
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise store_error(error, str(path), 5.0) from error
    return None if answer == "ok" else str(answer)


def _project(workplace: Workplace) -> Iterator[Finding]:
    from headwater.views.words import counted

    try:
        project = workplace.project
        graph = workplace.graph
    except DefinitionsNotLoaded as error:
        cause = error.__cause__
        if getattr(cause, "code", "") == "no-project-found":
            yield Finding("definitions", "ok", "there is no project here")
            return
        yield _failed("definitions", error)
        return
    yield Finding("definitions", "ok", f"{project.name}: {counted(len(graph), 'asset')}")


def _failed(subject: str, error: Exception) -> Finding:
    cause = error.__cause__ if isinstance(error, DefinitionsNotLoaded) and error.__cause__ is not None else error
    document = error_document(cause)
    told = " ".join(part for part in (document["what"], document["fix"]) if part)
    return Finding(subject, "error", told, exit_code_of(error) or DEFINITIONS_DO_NOT_LOAD)
