"""Silver: flights as people speak of them, with instants instead of clock readings, and what was known beside them.

Nothing is guessed and no row is dropped: a cancelled flight stays, a plane that the register does not know is empty,
and so is the weather of an hour that was not observed.
"""

from collections.abc import Iterator

import headwater as hw
import pandas as pd

from flights.metadata import column_schema
from flights.partitions import DAYS, NEW_YORK, Daily, calendar_day, frames_by_day, rows_of, split_by_day

# The four destinations that the table of airports leaves out: Puerto Rico and the Virgin Islands.
ZONES_BEYOND_THE_AIRPORT_TABLE = {
    "SJU": "America/Puerto_Rico",
    "BQN": "America/Puerto_Rico",
    "PSE": "America/Puerto_Rico",
    "STT": "America/St_Thomas",
}

WEATHER_COLUMNS = {
    "temp": "temperature_f",
    "wind_speed": "wind_mph",
    "precip": "precipitation_in",
    "visib": "visibility_mi",
    "pressure": "pressure_mb",
}

FASTEST_WIND_MPH = 200.0
"""No wind was ever measured at ground level in New York at this speed; the source has one reading of 1,048 mph."""

FLIGHT_COLUMNS = [
    "flight_id", "scheduled_on", "scheduled_hour", "origin", "dest", "carrier", "carrier_name", "status",
]  # fmt: skip

DEPARTURE_COLUMNS = [
    *FLIGHT_COLUMNS, "scheduled_departure_at", "departed_at", "departure_delay_minutes",
    "distance_mi", "tailnum", "plane_year", "seats", *WEATHER_COLUMNS.values(),
]  # fmt: skip

ARRIVAL_COLUMNS = [
    *FLIGHT_COLUMNS, "departed_at", "scheduled_arrival_at", "arrived_at", "arrival_delay_minutes", "air_time_minutes",
]  # fmt: skip


@hw.asset(
    key_prefix="silver",
    group_name="silver",
    kinds={"pandas"},
    owners=["team:aviation"],
    code_version="1",
    partitions_def=DAYS,
    backfill_policy=hw.BackfillPolicy.single_run(),
    ins={
        "raw_flights": hw.AssetIn(key=["bronze", "flights"]),
        "weather": hw.AssetIn(key=["bronze", "weather"]),
        "planes": hw.AssetIn(key=["bronze", "planes"]),
        "airports": hw.AssetIn(key=["bronze", "airports"]),
        "airlines": hw.AssetIn(key=["bronze", "airlines"]),
    },
)
def flights(
    context: hw.AssetExecutionContext,
    raw_flights: Daily,
    weather: Daily,
    planes: pd.DataFrame,
    airports: pd.DataFrame,
    airlines: pd.DataFrame,
) -> Daily:
    """Every scheduled flight with its instants in UTC, its fate, its plane, its carrier's name and the hour's weather.

    `status` says what became of it: `cancelled` (it has no departure), `arrived` (its arrival delay is known), or
    `incomplete` (it left, and the source has no arrival delay: it was diverted, turned back, or its record is lost).
    """
    rows = describe_flights(rows_of(raw_flights), rows_of(weather), planes, airports, airlines)
    context.add_asset_metadata(
        {
            "column_schema": column_schema(rows),
            "flights_without_weather": int(rows["temperature_f"].isna().sum()),
            "flights_without_known_plane": int(rows["seats"].isna().sum()),
            "status": hw.MetadataValue.json({str(name): int(n) for name, n in rows["status"].value_counts().items()}),
        }
    )
    daily = split_by_day(rows, rows["scheduled_on"], context.partition_keys)
    for day, frame in frames_by_day(daily, context.partition_keys).items():
        context.add_asset_metadata({"row_count": len(frame)}, partition_key=day)
    return daily


@hw.multi_asset(
    outs={
        "departures": hw.AssetOut(
            key_prefix="silver",
            group_name="silver",
            kinds={"pandas"},
            is_required=False,
            description="Every scheduled flight as seen from its gate in New York; the cancelled ones too.",
        ),
        "arrivals": hw.AssetOut(
            key_prefix="silver",
            group_name="silver",
            kinds={"pandas"},
            is_required=False,
            description="Every flight that left, as seen from where it was going.",
        ),
    },
    ins={"flights": hw.AssetIn(key=["silver", "flights"])},
    partitions_def=DAYS,
    backfill_policy=hw.BackfillPolicy.single_run(),
    can_subset=True,
)
def departures_and_arrivals(context: hw.AssetExecutionContext, flights: Daily) -> Iterator[hw.Output[Daily]]:
    """The two ends of a flight, each in a table of its own; either can be built without the other."""
    rows = rows_of(flights)
    keys = context.partition_keys
    if "departures" in context.selected_output_names:
        departures = rows[DEPARTURE_COLUMNS]
        yield hw.Output(
            split_by_day(departures, departures["scheduled_on"], keys),
            output_name="departures",
            metadata={
                "column_schema": column_schema(departures),
                "mean_delay_minutes": mean_or_none(departures["departure_delay_minutes"]),
            },
        )
    if "arrivals" in context.selected_output_names:
        arrivals = rows.loc[rows["status"] != "cancelled", ARRIVAL_COLUMNS]
        yield hw.Output(
            split_by_day(arrivals, arrivals["scheduled_on"], keys),
            output_name="arrivals",
            metadata={
                "column_schema": column_schema(arrivals),
                "mean_delay_minutes": mean_or_none(arrivals["arrival_delay_minutes"]),
            },
        )


def describe_flights(
    flights: pd.DataFrame, weather: pd.DataFrame, planes: pd.DataFrame, airports: pd.DataFrame, airlines: pd.DataFrame
) -> pd.DataFrame:
    """Return one row for each row of `flights`, with the columns of both ends of a flight."""
    rows = flights.merge(
        weather[["origin", "time_hour", *WEATHER_COLUMNS]].rename(columns=WEATHER_COLUMNS),
        # The instant, not the clock: the hour from one to two comes twice on 3 November.
        on=["origin", "time_hour"],
        how="left",
        validate="many_to_one",
    )
    rows = rows.merge(
        planes[["tailnum", "year", "seats"]].rename(columns={"year": "plane_year"}),
        on="tailnum",
        how="left",
        validate="many_to_one",
    )
    rows = rows.merge(
        airlines.rename(columns={"name": "carrier_name"}), on="carrier", how="left", validate="many_to_one"
    )

    rows["scheduled_on"] = calendar_day(rows)
    rows["flight_id"] = (
        rows["scheduled_on"] + "/" + rows["origin"] + "/" + rows["carrier"] + rows["flight"].astype("str")
    )
    rows["status"] = "arrived"
    rows.loc[rows["arr_delay"].isna(), "status"] = "incomplete"
    rows.loc[rows["dep_time"].isna(), "status"] = "cancelled"
    rows["wind_mph"] = rows["wind_mph"].where(rows["wind_mph"] < FASTEST_WIND_MPH)

    rows["scheduled_departure_at"] = rows["time_hour"] + pd.to_timedelta(rows["minute"], unit="min")
    rows["departed_at"] = rows["scheduled_departure_at"] + minutes(rows["dep_delay"])
    zones = airports.set_index("faa")["tzone"].to_dict() | ZONES_BEYOND_THE_AIRPORT_TABLE
    rows["scheduled_arrival_at"] = next_time_the_clock_shows(
        rows["sched_arr_time"], rows["dest"].map(zones), after=rows["scheduled_departure_at"]
    )
    rows["arrived_at"] = rows["scheduled_arrival_at"] + minutes(rows["arr_delay"])
    rows["scheduled_hour"] = rows["scheduled_departure_at"].dt.tz_convert(NEW_YORK).dt.hour.astype("int16")
    rows = rows.rename(
        columns={
            "dep_delay": "departure_delay_minutes",
            "arr_delay": "arrival_delay_minutes",
            "air_time": "air_time_minutes",
            "distance": "distance_mi",
        }
    )
    # A column that both ends have, such as departed_at, is here once.
    return rows[list(dict.fromkeys(DEPARTURE_COLUMNS + ARRIVAL_COLUMNS))]


def next_time_the_clock_shows(clock: pd.Series, zone: pd.Series, after: pd.Series) -> pd.Series:
    """Return the first instant later than `after` at which a clock in `zone` reads `clock` (1545 is 15:45).

    The source gives arrivals as readings of the clock at the destination, without a date. No flight takes a day, so
    the next time that this clock shows the reading is when the flight is due. NaT where the zone is unknown.
    """
    due_at = pd.Series(pd.NaT, index=clock.index, dtype=after.dtype)
    for name in zone.dropna().unique():
        here = zone == name
        local = after[here].dt.tz_convert(name).dt.tz_localize(None)
        reading = clock[here].astype("int64")
        due = local.dt.normalize() + pd.to_timedelta(reading // 100 * 60 + reading % 100, unit="min")
        due = due.where(due > local, due + pd.Timedelta(days=1))
        due_at[here] = due.dt.tz_localize(name, ambiguous=True, nonexistent="shift_forward").dt.tz_convert("UTC")
    return due_at


def minutes(number: pd.Series) -> pd.Series:
    """Return lengths of time; NaT where the number is missing."""
    return pd.to_timedelta(number.astype("float64"), unit="min")


def mean_or_none(column: pd.Series) -> float | None:
    """Return the mean of the known values, None when there is none."""
    known = column.dropna()
    return float(known.mean()) if len(known) else None
