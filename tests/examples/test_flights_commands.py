"""The commands of the flights example's README, run in their order; of the year only February."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from flights_project import FLIGHTS_PROJECT

# A month of days is the least of which a month of punctuality can be told; the model needs days before and after. What is
# told of the whole year would be made of the whole year, so it comes apart from the days.
WHOLE_YEAR = "headwater backfill 'group:bronze group:silver group:gold' --partition-range 2013-01-01...2013-12-31"
FEBRUARY = (
    "headwater backfill 'group:bronze group:silver' --partition-range 2013-02-01...2013-02-28",
    "headwater materialize 'group:gold' --partition-range 2013-02-01...2013-02-01",
)
SMALL_MODEL = '{"ops": {"gold__delay_model": {"config": {"test_from": "2013-02-20", "rounds": 3}}}}'

HEADWATER = Path(sys.executable).parent / "headwater"


def commands_of_the_readme() -> list[str]:
    text = (FLIGHTS_PROJECT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("headwater ")]


class Shell:
    """The headwater command in the example's folder, with state and data elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "HEADWATER_HOME": str(folder / "home"),
            "FLIGHTS_DATA_FOLDER": str(folder / "data"),
        }

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        program, *arguments = shlex.split(command)
        assert program == "headwater"
        return subprocess.run(
            [str(HEADWATER), *arguments],
            cwd=FLIGHTS_PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def json(self, command: str) -> Any:
        done = self.run(f"{command} --json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_the_readme_names_every_step_from_raw_tables_to_the_report() -> None:
    commands = commands_of_the_readme()
    assert commands[0] == WHOLE_YEAR
    assert "headwater job execute flights_report" in commands
    assert len(commands) >= 7


def test_the_commands_of_the_readme_work_in_their_order(shell: Shell, raw_flights: pd.DataFrame) -> None:
    commands = [part for each in commands_of_the_readme() for part in (FEBRUARY if each == WHOLE_YEAR else (each,))]
    for command in commands:
        if "group:gold" in command:
            command += f" --config '{SMALL_MODEL}'"
        done = shell.run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    february_flights = raw_flights["on_day"].str.startswith("2013-02").sum()
    page = (shell.folder / "data" / "reports" / "flights.html").read_text(encoding="utf-8")
    assert f"{february_flights:,} flights were scheduled" in page

    by_key = {asset["key"]: asset for asset in shell.json("headwater asset list")["assets"]}
    assert len(by_key) == 12
    assert {key for key, asset in by_key.items() if asset["status"] == "missing"} == set()
    assert by_key["bronze/flights"]["partitions"]["materialized"] == 28
    needed = by_key["gold/punctuality_by_airport"]["upstream"]
    assert set(needed) == {"bronze/airports", "silver/arrivals", "silver/departures"}
    runs = shell.json("headwater run list")["runs"]
    assert [run["status"] for run in runs] == ["succeeded"] * 5
