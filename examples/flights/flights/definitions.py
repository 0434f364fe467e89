"""All of the project, put together."""

import headwater as hw

from flights import checks
from flights.assets import bronze, gold, silver
from flights.jobs import REPORT_KEY, flights_report, refresh_day
from flights.resources import DATA_FOLDER, FlightsSource, Warehouse

# The job writes it and says so; declared here, it stands at the end of the lineage.
report = hw.AssetSpec(
    REPORT_KEY,
    deps=[gold.delay_by_carrier_and_hour, gold.punctuality_by_airport, gold.delay_model],
    group_name="reports",
    kinds={"html"},
    description="The page that the job flights_report writes.",
)

defs = hw.Definitions(
    assets=[*hw.load_assets_from_modules([bronze, silver, gold]), report],
    asset_checks=hw.load_asset_checks_from_modules([checks]),
    jobs=[flights_report, refresh_day],
    resources={
        "flights_source": FlightsSource(),
        "warehouse": Warehouse(database=str(DATA_FOLDER / "flights.duckdb")),
    },
)
