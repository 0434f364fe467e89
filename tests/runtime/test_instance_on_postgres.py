"""Runs recorded in PostgreSQL: through settings, from the command line, and after a process was killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import headwater as hw
from headwater.model.errors.project import InvalidSetting
from headwater.model.keys import AssetKey
from headwater.model.runs import EventRecordsFilter, RunsFilter, RunStatus, StepStatus
from headwater.runtime.settings import Settings
from headwater.store.postgres import PostgresStore
from tests.store.naive_fold import fold, told_by

PROJECT = """
import time
from pathlib import Path

import headwater as hw


@hw.asset
def orders() -> list[int]:
    return [1, 2, 3]


@hw.asset
def slow(orders: list[int]) -> int:
    while not Path("finish").exists():
        time.sleep(0.01)
    return sum(orders)


@hw.asset
def report(slow: int) -> str:
    return f"{slow} orders"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str) -> Path:
    (tmp_path / "definitions.py").write_text(PROJECT)
    (tmp_path / "pyproject.toml").write_text("[tool.headwater]\nfile = 'definitions.py'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HEADWATER_HOME", raising=False)
    monkeypatch.setenv("HEADWATER_DATABASE", postgres_url)
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from headwater.cli.main import main; main()", *arguments]


def headwater(*arguments: str, exit_code: int = 0) -> str:
    finished = subprocess.run(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100
    )
    assert finished.returncode == exit_code, finished.stdout
    return finished.stdout


# ------------------------------------------------------------------------------------------------------------ settings


def test_the_database_of_the_environment_wins_and_no_password_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.headwater]\ndatabase = 'postgresql://me:geheim@host/runs'\n")
    monkeypatch.delenv("HEADWATER_DATABASE", raising=False)
    settings = Settings.load(tmp_path)
    assert settings.database is not None
    assert settings.database.url == "postgresql://me:geheim@host/runs"
    assert settings.state_place == "postgresql://me:***@host/runs"
    assert settings.source_of("database") == str(tmp_path / "pyproject.toml")
    assert "geheim" not in f"{settings} {settings!r} {settings.database}"
    monkeypatch.setenv("HEADWATER_DATABASE", "postgres://other:geheim@host/runs")
    settings = Settings.load(tmp_path)
    assert str(settings.database) == "postgres://other:***@host/runs"
    assert settings.source_of("database") == "HEADWATER_DATABASE"


@pytest.mark.parametrize("url", ["mysql://me:geheim@host/runs", "geheim", "postgresql://a:geheim@b@host/x"])
def test_a_database_that_is_no_url_is_refused_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("HEADWATER_DATABASE", url)
    with pytest.raises(InvalidSetting, match="HEADWATER_DATABASE") as caught:
        Settings.load(tmp_path)
    assert "geheim" not in str(caught.value)


# ------------------------------------------------------------------------------------------------------------- instance


@hw.asset
def first() -> int:
    return 1


@hw.asset(partitions_def=hw.StaticPartitionsDefinition(["a", "b"]))
def second(context: hw.AssetExecutionContext, first: int) -> int:
    return first + len(context.partition_key)


@hw.asset_check(asset=first)
def is_one(first: int) -> hw.AssetCheckResult:
    return hw.AssetCheckResult(passed=first == 1)


def test_a_run_is_recorded_in_the_database_and_read_by_another_instance(tmp_path: Path, postgres_url: str) -> None:
    with hw.Instance.open(tmp_path / "one", database=postgres_url) as instance:
        assert hw.materialize([first, is_one], instance=instance).success
        assert hw.materialize([second, first], instance=instance, partition_key="a", selection=[second]).success
        assert not (tmp_path / "one" / "store.sqlite").exists()
        assert "postgresql://" in instance.info_str()
    with hw.Instance.open(tmp_path / "two", database=postgres_url) as other:
        assert [run.status for run in other.store.runs()] == [RunStatus.SUCCESS] * 2
        assert other.store.materialized_partitions(AssetKey("second")) == {"a"}
        assert other.get_latest_materialization_event(AssetKey("first")) is not None


def test_a_home_that_is_opened_by_path_has_its_own_file(project: Path, tmp_path: Path) -> None:
    with hw.Instance.open(tmp_path / "home") as instance:
        assert hw.materialize([first], instance=instance).success
        assert (tmp_path / "home" / "store.sqlite").exists()
    with hw.Instance.get() as instance:
        assert list(instance.store.runs()) == []


# ---------------------------------------------------------------------------------------------------------- command line


def test_commands_work_on_the_database(project: Path) -> None:
    assert "no state in postgresql://" in headwater("doctor")
    assert "There is no state at postgresql://" in headwater("run", "list")
    told = headwater("db", "migrate")
    assert "Made postgresql://" in told
    assert "with schema version 6" in told
    assert "is up to date" in headwater("db", "migrate")
    assert json.loads(headwater("db", "migrate", "--json"))["version"] == 6
    headwater("materialize", "orders")
    assert "succeeded" in headwater("run", "list")
    assert "Deleted 0 events" in headwater("db", "prune")
    told = headwater("doctor")
    assert "reachable, PostgreSQL" in told
    assert "1 run" in told
    assert "HEADWATER_DATABASE" in told
    assert not (project / ".headwater" / "store.sqlite").exists()
    assert (project / ".headwater" / "storage").exists()


def test_a_database_that_cannot_be_reached_ends_a_command_with_its_name(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADWATER_DATABASE", "postgresql://me:geheim@127.0.0.1:1/runs")
    for arguments in (["materialize", "orders"], ["run", "list"], ["db", "migrate"], ["doctor"]):
        told = headwater(*arguments, exit_code=4)
        assert "postgresql://127.0.0.1:1/runs" in told
        assert "geheim" not in told


# ------------------------------------------------------------------------------------------------------------- recovery


def test_a_run_whose_process_was_killed_is_interrupted_and_its_work_goes_on(project: Path, postgres_url: str) -> None:
    child = subprocess.Popen(command("materialize", "*"), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    with PostgresStore(postgres_url) as looking:
        deadline = time.monotonic() + 60
        while not any(step.step_key == "slow" for run in looking.runs() for step in looking.steps_of(run.run_id)):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    (project / "finish").touch()
    with hw.Instance.get() as instance:
        (lost,) = instance.recovered_runs
        assert lost.status is RunStatus.INTERRUPTED
        assert lost.cause is not None
        assert "is gone" in lost.cause
        store = instance.store
        assert {step.step_key: step.status for step in store.steps_of(lost.run_id)} == {
            "orders": StepStatus.SUCCEEDED,
            "slow": StepStatus.FAILED,
        }
        assert store.runs(RunsFilter(statuses=[RunStatus.STARTED])) == []
        run_ids = [run.run_id for run in store.runs()]
        assert told_by(store, run_ids) == fold(run_ids, store.events(EventRecordsFilter(), ascending=True))
    headwater("materialize", "*")
    with hw.Instance.get() as instance:
        assert instance.recovered_runs == ()
        assert [run.status for run in instance.store.runs()] == [RunStatus.SUCCESS, RunStatus.INTERRUPTED]
        assert [str(key) for key in instance.store.asset_keys()] == ["orders", "report", "slow"]
