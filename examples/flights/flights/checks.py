"""What must be true of the data (blocking: nothing is built on rows that fail), and what somebody should look at."""

from collections.abc import Collection

import headwater as hw
import pandas as pd

from flights.assets import bronze, gold, silver
from flights.metadata import markdown_table
from flights.partitions import DAYS, Daily, rows_of
from flights.resources import Warehouse

FLIGHT_KEY = ["year", "month", "day", "carrier", "flight", "origin"]
"""What names a flight. Without the origin it does not: 24 flight numbers left from two airports on one day."""

VOLUME_WEEKS = 4
VOLUME_TOLERANCE = 0.25
LONGEST_TIME_ON_THE_GROUND_MINUTES = 5 * 60


@hw.asset_check(asset=bronze.flights, blocking=True, partitions_def=DAYS)
def flight_keys_are_never_null(flights: Daily) -> hw.AssetCheckResult:
    """Every row says which flight it is, where it was to go, and in which hour."""
    empty = rows_of(flights)[[*FLIGHT_KEY, "dest", "sched_dep_time", "time_hour"]].isna().sum()
    return hw.AssetCheckResult(
        passed=bool(empty.sum() == 0),
        metadata={"empty_by_column": {str(name): int(count) for name, count in empty.items()}},
    )


@hw.asset_check(asset=bronze.flights, blocking=True, partitions_def=DAYS)
def flights_are_unique_each_day(flights: Daily) -> hw.AssetCheckResult:
    """A carrier's flight number leaves an airport once a day."""
    rows = rows_of(flights)
    repeated = rows[rows.duplicated(FLIGHT_KEY, keep=False)]
    return hw.AssetCheckResult(
        passed=repeated.empty,
        metadata={
            "rows": len(rows),
            "repeated": len(repeated),
            "sample": markdown_table(repeated[FLIGHT_KEY].head(10)),
        },
    )


@hw.asset_check(asset=bronze.flights, partitions_def=DAYS)
def volume_is_near_its_trailing_mean(context: hw.AssetCheckExecutionContext) -> hw.AssetCheckResult:
    """A day has about as many flights as the same weekday of the four weeks before it; a warning, for holidays exist.

    The counts are those that the days' materializations recorded. A day with fewer than four such days before it is
    not judged.
    """
    judged = {day: same_weekday_before(day) for day in context.partition_keys}
    counts = recorded_row_counts(context.instance, bronze.flights.key, set(judged).union(*judged.values()))
    unusual = []
    for day, before in judged.items():
        trailing = [counts[other] for other in before if other in counts]
        if len(trailing) < VOLUME_WEEKS or day not in counts:
            continue
        mean = sum(trailing) / len(trailing)
        if abs(counts[day] - mean) > VOLUME_TOLERANCE * mean:
            unusual.append((day, counts[day], mean, counts[day] / mean - 1))
    return hw.AssetCheckResult(
        passed=not unusual,
        severity=hw.AssetCheckSeverity.WARN,
        description=", ".join(f"{day} ({change:+.0%})" for day, _, _, change in unusual) or None,
        metadata={
            "unusual_days": len(unusual),
            "unusual": markdown_table(pd.DataFrame(unusual, columns=["day", "flights", "trailing_mean", "change"])),
            "tolerance": VOLUME_TOLERANCE,
        },
    )


@hw.asset_check(asset=bronze.weather, partitions_def=DAYS)
def wind_is_plausible(weather: Daily) -> hw.AssetCheckResult:
    """No wind is faster than any that was ever measured; silver takes such readings for unknown."""
    rows = rows_of(weather)
    wild = rows[rows["wind_speed"] >= silver.FASTEST_WIND_MPH]
    return hw.AssetCheckResult(
        passed=wild.empty,
        severity=hw.AssetCheckSeverity.WARN,
        description=None if wild.empty else f"the fastest wind is {wild['wind_speed'].max():,.0f} mph",
        metadata={
            "readings": len(rows),
            "implausible": markdown_table(wild[["origin", "time_hour", "wind_speed"]].head(10)),
        },
    )


@hw.asset_check(asset=hw.AssetKey(["silver", "arrivals"]), blocking=True, partitions_def=DAYS)
def time_on_the_ground_is_possible(arrivals: Daily) -> hw.AssetCheckResult:
    """Between gate and gate a flight is in the air, and a while, at most five hours, on the ground.

    Departure and arrival come from clocks in different zones, the time in the air from neither: one zone read wrongly,
    one night flight set on the wrong date, and this fails by an hour or a day.
    """
    landed = rows_of(arrivals).dropna(subset=["arrived_at", "air_time_minutes"])
    gate_to_gate = (landed["arrived_at"] - landed["departed_at"]).dt.total_seconds() / 60
    on_the_ground = gate_to_gate - landed["air_time_minutes"].astype("float64")
    possible = on_the_ground.between(0, LONGEST_TIME_ON_THE_GROUND_MINUTES)
    return hw.AssetCheckResult(
        passed=bool(possible.all()),
        metadata={
            "flights": len(landed),
            "impossible": int((~possible).sum()),
            "shortest_minutes": float(on_the_ground.min()) if len(landed) else None,
            "longest_minutes": float(on_the_ground.max()) if len(landed) else None,
        },
    )


@hw.asset_check(asset=gold.punctuality_by_airport)
def every_flight_has_one_fate(warehouse: Warehouse) -> hw.AssetCheckResult:
    """Cancelled, incomplete and arrived flights add up to those that were scheduled, in every month."""
    with warehouse.connect() as connection:
        wrong = connection.execute(
            """
            SELECT month, airport, flights, cancelled, incomplete, arrived FROM punctuality_by_airport
            WHERE cancelled + incomplete + arrived != flights OR on_time > arrived
            """
        ).df()
    return hw.AssetCheckResult(passed=wrong.empty, metadata={"wrong": markdown_table(wrong.head(10))})


@hw.asset_check(asset=gold.delay_model)
def model_beats_its_baseline(warehouse: Warehouse) -> hw.AssetCheckResult:
    """On days it never saw, the model is nearer than the median delay and tells late from not late; else a warning."""
    with warehouse.connect() as connection:
        scores = {
            metric: (model, baseline)
            for metric, model, baseline in connection.execute(
                "SELECT metric, model, baseline FROM delay_model_scores"
            ).fetchall()
        }
    mae, baseline_mae = scores["MAE (minutes)"]
    auc, _ = scores["AUC (late or not)"]
    return hw.AssetCheckResult(
        passed=mae < baseline_mae and auc > 0.6,
        severity=hw.AssetCheckSeverity.WARN,
        metadata={"minutes_gained": baseline_mae - mae, "auc": auc},
    )


def same_weekday_before(day: str) -> list[str]:
    """Return the partition keys of the same weekday in the weeks before `day`, latest first."""
    date = pd.Timestamp(day)
    return [(date - pd.Timedelta(weeks=weeks)).strftime("%Y-%m-%d") for weeks in range(1, VOLUME_WEEKS + 1)]


def recorded_row_counts(instance: hw.Instance, asset_key: hw.AssetKey, days: Collection[str]) -> dict[str, int]:
    """Return the row count that the latest materialization of each day recorded; days that never were are left out."""
    wanted = hw.AssetRecordsFilter(asset_key=asset_key, asset_partitions=sorted(days))
    counts: dict[str, int] = {}
    cursor = None
    while len(counts) < len(days):
        page = instance.fetch_materializations(wanted, limit=1000, cursor=cursor)  # the latest first
        for record in page.records:
            materialization = record.asset_materialization
            if materialization is None or materialization.partition is None:
                continue
            recorded = materialization.metadata.get("row_count")
            if recorded is not None and isinstance(recorded.value, int):
                counts.setdefault(materialization.partition, recorded.value)
        if not page.has_more:
            break
        cursor = page.cursor
    return counts
