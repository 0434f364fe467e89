"""One year of flights for all tests that only read it, an empty project for those that write."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import headwater as hw

sys.path.insert(0, str(Path(__file__).parent))

from flights_project import FLIGHTS_PROJECT, Project, ValuesInMemory, raw_table

sys.path.insert(0, str(FLIGHTS_PROJECT))


@pytest.fixture(scope="session")
def raw_flights() -> pd.DataFrame:
    """All rows of the raw table, with the partition that a row belongs to in the column `on_day`."""
    rows = raw_table("flights.csv.zip")
    rows["on_day"] = [f"{y}-{m:02d}-{d:02d}" for y, m, d in zip(rows.year, rows.month, rows.day, strict=True)]
    return rows


@pytest.fixture(scope="session")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The whole of 2013, from bronze to gold, in one backfill, as the README has it."""
    with hw.instance_for_test() as instance:
        project = Project(instance, tmp_path_factory.mktemp("flights"), io_manager=ValuesInMemory())
        done = project.backfill("group:bronze or group:silver or group:gold", ("2013-01-01", "2013-12-31"))
        assert done.status is hw.BackfillStatus.SUCCESS
        yield project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project that stores its values the way a new one does."""
    with hw.instance_for_test() as instance:
        yield Project(instance, tmp_path)


@pytest.fixture
def source_of(tmp_path: Path) -> Callable[[pd.DataFrame], Any]:
    """Make a source whose flights are the given raw rows, and whose other tables are the real ones."""

    def make(rows: pd.DataFrame) -> Any:
        from flights.resources import FlightsSource

        folder = tmp_path / "raw"
        folder.mkdir()
        real = FlightsSource()
        for name in ("weather.csv", "planes.csv", "airports.csv", "airlines.csv"):
            (folder / name).symlink_to(real.path_of(name))
        rows.drop(columns="on_day").to_csv(folder / "flights.csv.zip", index=False)
        return FlightsSource(folder=str(folder))

    return make
