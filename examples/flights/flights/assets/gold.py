"""Gold: the answers. Two tables that SQL builds in the warehouse, and a model of delay."""

import time
from datetime import UTC, datetime

import headwater as hw
import pandas as pd

from flights.metadata import markdown_table
from flights.model import FEATURES, DelayModel, train_delay_model
from flights.partitions import MONTHS, Daily, rows_of
from flights.resources import Warehouse

LATE_AFTER_MINUTES = 15
"""A flight is late from its 15th minute, as the US Department of Transportation counts."""

ALL_DEPARTURES = hw.AssetIn(key=["silver", "departures"], metadata={"allow_missing_partitions": True})
"""The days that there are: whoever has loaded a week so far gets the answers for that week."""

DELAY_BY_CARRIER_AND_HOUR = f"""
    CREATE OR REPLACE TABLE delay_by_carrier_and_hour AS
    SELECT
        carrier,
        any_value(carrier_name)                                        AS carrier_name,
        scheduled_hour,
        count(*)                                                       AS flights,
        count(*) FILTER (status = 'cancelled')                         AS cancelled,
        avg(departure_delay_minutes)                                   AS mean_delay_minutes,
        median(departure_delay_minutes)                                AS median_delay_minutes,
        avg((departure_delay_minutes >= {LATE_AFTER_MINUTES})::INTEGER) AS late_share
    FROM departures
    GROUP BY carrier, scheduled_hour
    ORDER BY carrier, scheduled_hour
"""

PUNCTUALITY_BY_AIRPORT = f"""
    INSERT INTO punctuality_by_airport
    SELECT
        left(departures.scheduled_on, 7) || '-01'                               AS month,
        departures.dest                                                         AS airport,
        any_value(airports.name)                                                AS airport_name,
        count(*)                                                                AS flights,
        count(*) FILTER (departures.status = 'cancelled')                       AS cancelled,
        count(*) FILTER (departures.status = 'incomplete')                      AS incomplete,
        count(*) FILTER (arrival_delay_minutes IS NOT NULL)                     AS arrived,
        count(*) FILTER (arrival_delay_minutes < {LATE_AFTER_MINUTES})          AS on_time,
        count(*) FILTER (arrival_delay_minutes < {LATE_AFTER_MINUTES}) / count(*) AS on_time_share,
        avg(arrival_delay_minutes)                                              AS mean_delay_minutes
    FROM departures
    LEFT JOIN arrivals USING (flight_id)
    LEFT JOIN airports ON airports.faa = departures.dest
    GROUP BY month, airport
    ORDER BY month, airport
"""

PUNCTUALITY_TABLE = """
    CREATE TABLE IF NOT EXISTS punctuality_by_airport (
        month VARCHAR, airport VARCHAR, airport_name VARCHAR, flights BIGINT, cancelled BIGINT, incomplete BIGINT,
        arrived BIGINT, on_time BIGINT, on_time_share DOUBLE, mean_delay_minutes DOUBLE
    )
"""


class DelayModelConfig(hw.Config):
    """How the model is trained. The days before `test_from` teach it, the days from then on judge it."""

    test_from: str = "2013-10-01"
    rounds: int = 15
    seed: int = 0


@hw.asset(
    key_prefix="gold",
    group_name="gold",
    kinds={"duckdb"},
    owners=["team:aviation"],
    ins={"departures": ALL_DEPARTURES},
)
def delay_by_carrier_and_hour(departures: Daily, warehouse: Warehouse) -> hw.MaterializeResult[None]:
    """How late each carrier's flights leave, by the hour they were scheduled for; over all days there are.

    The mean is over the flights that left. A flight that never left has no delay; it is counted as cancelled instead.
    """
    with warehouse.connect() as connection:
        connection.register("departures", rows_of(departures))
        connection.execute(DELAY_BY_CARRIER_AND_HOUR)
        carriers = connection.execute(
            """
            SELECT
                carrier_name AS carrier,
                sum(flights)::BIGINT AS flights,
                sum(mean_delay_minutes * (flights - cancelled)) / sum(flights - cancelled) AS mean_delay_minutes
            FROM delay_by_carrier_and_hour GROUP BY carrier_name ORDER BY mean_delay_minutes DESC
            """
        ).df()
        count = row_count(connection.execute("SELECT count(*) FROM delay_by_carrier_and_hour").fetchone())
    return hw.MaterializeResult(
        metadata={
            "row_count": count,
            "flights": int(carriers["flights"].sum()),
            "database": hw.MetadataValue.path(warehouse.database),
            "carriers": markdown_table(carriers),
            "query": hw.MetadataValue.md(f"```sql\n{DELAY_BY_CARRIER_AND_HOUR}\n```"),
        }
    )


@hw.asset(
    key_prefix="gold",
    group_name="gold",
    kinds={"duckdb"},
    owners=["team:aviation"],
    partitions_def=MONTHS,
    backfill_policy=hw.BackfillPolicy.single_run(),
    ins={
        "departures": hw.AssetIn(key=["silver", "departures"]),
        "arrivals": hw.AssetIn(key=["silver", "arrivals"]),
        "airports": hw.AssetIn(key=["bronze", "airports"]),
    },
)
def punctuality_by_airport(
    context: hw.AssetExecutionContext,
    departures: Daily,
    arrivals: Daily,
    airports: pd.DataFrame,
    warehouse: Warehouse,
) -> hw.MaterializeResult[None]:
    """How often flights to each airport arrive on time, by month; a month is rebuilt from its days as a whole.

    On time means less than 15 minutes late. The share is of all flights that were scheduled: for who wanted to fly, a
    cancelled flight was not on time.
    """
    months = list(context.partition_keys)
    with warehouse.connect() as connection:
        connection.register("departures", rows_of(departures))
        connection.register("arrivals", rows_of(arrivals)[["flight_id", "arrival_delay_minutes"]])
        connection.register("airports", airports)
        connection.execute(PUNCTUALITY_TABLE)
        connection.execute("DELETE FROM punctuality_by_airport WHERE list_contains(?, month)", [months])
        connection.execute(PUNCTUALITY_BY_AIRPORT)
        by_month = connection.execute(
            """
            SELECT
                month,
                count(*) AS airports,
                sum(flights)::BIGINT AS flights,
                sum(cancelled)::BIGINT AS cancelled,
                sum(on_time) / sum(flights) AS on_time_share
            FROM punctuality_by_airport WHERE list_contains(?, month) GROUP BY month ORDER BY month
            """,
            [months],
        ).df()
    for row in by_month.to_dict("records"):
        context.add_asset_metadata(
            {"row_count": row["airports"], "flights": row["flights"], "on_time_share": row["on_time_share"]},
            partition_key=row["month"],
        )
    return hw.MaterializeResult(
        metadata={"database": hw.MetadataValue.path(warehouse.database), "months": markdown_table(by_month, 3)}
    )


@hw.asset(
    key_prefix="gold",
    group_name="gold",
    kinds={"scikitlearn"},
    owners=["team:aviation"],
    code_version="1",
    ins={"departures": ALL_DEPARTURES},
)
def delay_model(
    context: hw.AssetExecutionContext, config: DelayModelConfig, departures: Daily, warehouse: Warehouse
) -> hw.Output[DelayModel]:
    """A small model that says, before the day, how likely a flight leaves late and how late it will typically be.

    It is judged on days later than all that taught it, beside the answer "as late as the median flight".
    """
    started = time.perf_counter()
    model, scores = train_delay_model(
        rows_of(departures),
        test_from=config.test_from,
        late_after_minutes=LATE_AFTER_MINUTES,
        rounds=config.rounds,
        seed=config.seed,
    )
    context.log.info("MAE %.2f minutes, AUC %.3f on %d flights", scores.mae_minutes, scores.auc, scores.rows_tested)
    table = pd.DataFrame(
        [
            ("MAE (minutes)", scores.mae_minutes, scores.baseline_mae_minutes),
            ("AUC (late or not)", scores.auc, 0.5),
        ],
        columns=["metric", "model", "baseline"],
    )
    with warehouse.connect() as connection:
        connection.register("scores", table)
        connection.execute("CREATE OR REPLACE TABLE delay_model_scores AS SELECT * FROM scores")
    return hw.Output(
        model,
        metadata={
            "mae_minutes": scores.mae_minutes,
            "baseline_mae_minutes": scores.baseline_mae_minutes,
            "auc": scores.auc,
            "rows_trained": scores.rows_trained,
            "rows_tested": scores.rows_tested,
            "features": hw.MetadataValue.json(FEATURES),
            "scores": markdown_table(table, decimals=3),
            "test_from": config.test_from,
            "beats_baseline": scores.mae_minutes < scores.baseline_mae_minutes,
            "training_seconds": time.perf_counter() - started,
            "trained_at": hw.MetadataValue.timestamp(datetime.now(UTC)),
            "method": hw.MetadataValue.url("https://scikit-learn.org/stable/modules/ensemble.html"),
        },
    )


def row_count(row: tuple[int, ...] | None) -> int:
    """Return the single number that a query for a count gave."""
    return row[0] if row else 0
