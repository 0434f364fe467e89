"""What a reader is told besides the result: triggers, limits of the release, and the first fault of a failed set-up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Headwater

DEFINITIONS = """
import headwater as hw

class Api(hw.ConfigurableResource):
    token: str

class Disk(hw.ConfigurableResource):
    def setup_for_execution(self, context):
        raise ValueError("the disk is away")

@hw.asset
def fetched(api: Api): ...

@hw.asset
def spilled(disk: Disk): ...

@hw.asset
def plain(): ...

nightly = hw.define_asset_job("nightly", selection="plain", executor_def=hw.multiprocess_executor)

@hw.sensor(job=nightly)
def watching(context): ...

defs = hw.Definitions(
    assets=[fetched, spilled, plain],
    jobs=[nightly],
    schedules=[
        hw.ScheduleDefinition("early", cron_schedule="0 1 * * *", job=nightly, execution_timezone="Europe/Berlin"),
        hw.ScheduleDefinition("all_of_it", cron_schedule="@daily", target="plain"),
    ],
    sensors=[watching],
    resources={"api": Api(token=hw.EnvVar("TOKEN_THAT_NOBODY_SETS")), "disk": Disk()},
)
"""


@pytest.fixture(autouse=True)
def _declared(project: Path) -> None:
    (project / "definitions.py").write_text(DEFINITIONS)


def test_triggers_are_listed_with_when_and_what_they_start(headwater: Headwater):
    answer = headwater("definitions", "list")
    rows = [line.split() for line in answer.lines]
    assert ["early", "0", "1", "*", "*", "*", "Europe/Berlin", "nightly"] in rows
    assert ["watching", "nightly"] in rows
    all_of_it = next(row for row in rows if row and row[0] == "all_of_it")
    assert all_of_it[1:3] == ["@daily", "UTC"]
    assert "plain" in all_of_it[3]
    assert "Schedules and sensors do not fire by themselves in this version." in answer.err


def test_worker_processes_that_are_not_there_yet_are_told_of(headwater: Headwater, caplog: pytest.LogCaptureFixture):
    assert headwater("definitions", "validate").err.count("steps run in one process") == 1
    assert headwater("job", "execute", "nightly").exit_code == 0
    assert [record.levelname for record in caplog.records if "steps run in one process" in record.message] == [
        "WARNING"
    ]


def test_a_run_without_its_resources_names_the_first_fault(headwater: Headwater):
    answer = headwater("materialize", "fetched")
    assert answer.exit_code == 1
    assert "nothing was to be done" not in answer.out
    headwater("materialize", "spilled")
    spilled, fetched = (run["cause"] for run in headwater("run", "list", "--json").document["runs"])
    assert "TOKEN_THAT_NOBODY_SETS" in fetched
    assert "ValueError: the disk is away." in spilled


def test_broken_json_is_told_with_line_and_column(headwater: Headwater, project: Path):
    (project / "broken.json").write_text('{"ops":\n  {"plain": ,}}')
    answer = headwater("materialize", "plain", "--config", "broken.json")
    assert answer.exit_code == 2
    assert "broken JSON" in answer.err
    assert "line 2, column 13" in answer.err


def test_a_wipe_says_where_the_files_stay(headwater: Headwater, project: Path):
    headwater("materialize", "plain")
    answer = headwater("asset", "wipe", "plain", "--yes")
    assert f"The files stay, in {project / '.headwater' / 'storage'}." in answer.out
