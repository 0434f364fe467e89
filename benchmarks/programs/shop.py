"""A week of a small shop, built, checked, counted and reported with what a data project usually uses.

Written against Dagster's public API and run unchanged by both engines. Its jobs are launched as a deployment launches them,
`execute_job` with each engine's default executor on an instance on disk, and in process, as tests and scripts do it. A
process may be started for each step and imports this file again: so everything is declared at its top, state is in files of
the folder that SHOP_FOLDER names, and only the program itself runs `main`.

The last line of stdout is one JSON document of what was recorded, without paths, ids or times; the last line of stderr is
one of the seconds that it took, imports of this process aside. Assets that do not depend on one another are declared
alphabetically, which is the order in which Dagster runs them.
"""

import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd

warnings.simplefilter("ignore")

DAYS = dg.DailyPartitionsDefinition(start_date="2024-03-01", end_date="2024-03-08")
LAUNCHED_DAYS = ["2024-03-02", "2024-03-03"]
PRODUCTS = {"apple": 3, "bread": 5, "cheese": 11, "dates": 7}
CUSTOMERS = ["ada", "ben", "cleo"]


def write_line(file: str, line: str) -> None:
    """Add a line to a file of the shop's folder, which every process finds."""
    with (Path(os.environ["SHOP_FOLDER"]) / file).open("a") as stream:
        stream.write(f"{line}\n")


def lines_of(file: str) -> list[str]:
    return (Path(os.environ["SHOP_FOLDER"]) / file).read_text().splitlines()


# Resources and storage


class Warehouse(dg.ConfigurableResource):
    """DuckDB: a file for the tables that are kept, and the memory of the process for questions about data frames."""

    path: str

    def query(self, statement: str, **frames: pd.DataFrame) -> pd.DataFrame:
        """Answer a question about data frames, on a cursor of DuckDB's connection of this process."""
        with duckdb.cursor() as cursor:
            return self._answer(cursor, statement, frames)

    def query_file(self, *statements: str, **frames: pd.DataFrame) -> pd.DataFrame:
        """Run statements in the file, which is open only meanwhile; return the answer of the last one."""
        with duckdb.connect(self.path) as connection:
            return [self._answer(connection, statement, frames) for statement in statements][-1]

    def _answer(
        self, connection: duckdb.DuckDBPyConnection, statement: str, frames: dict[str, pd.DataFrame]
    ) -> pd.DataFrame:
        for name, frame in frames.items():
            connection.register(name, frame)
        return connection.execute(statement).fetch_df()


class PriceList(dg.ConfigurableResource):
    """What things cost: the plain prices, or a season's."""

    markup_percent: int = 0

    def price_of(self, product: str) -> int:
        return PRODUCTS[product] * (100 + self.markup_percent)


class CsvFiles(dg.ConfigurableIOManager):
    """Data frames as CSV files: one file for an asset, or for each of its partitions."""

    folder: str

    def _file(self, path: list[str], partition: str | None) -> Path:
        place = Path(self.folder).joinpath(*path)
        return place / f"{partition}.csv" if partition else place.with_suffix(".csv")

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame) -> None:
        partition = context.partition_key if context.has_asset_partitions else None
        file = self._file(list(context.asset_key.path), partition)
        file.parent.mkdir(parents=True, exist_ok=True)
        obj.to_csv(file, index=False)
        context.add_output_metadata({"rows_stored": len(obj), "file": dg.MetadataValue.text(file.name)})

    def load_input(self, context: dg.InputContext) -> pd.DataFrame:
        path = list(context.asset_key.path)
        if context.has_asset_partitions:
            frames = [pd.read_csv(self._file(path, key)) for key in context.asset_partition_keys]
            return pd.concat(frames, ignore_index=True)
        return pd.read_csv(self._file(path, None))


# Assets: products and customers once, orders by the day, reports over all days


class CustomerConfig(dg.Config):
    names: list[str] = CUSTOMERS
    is_upper: bool = False


class OrderConfig(dg.Config):
    orders_per_day: int = 6


@dg.asset(io_manager_key="csv", group_name="source", kinds={"csv"})
def customers(config: CustomerConfig) -> pd.DataFrame:
    """Who buys here."""
    names = [name.upper() if config.is_upper else name for name in config.names]
    return pd.DataFrame({"customer_id": range(len(names)), "name": names})


@dg.asset(io_manager_key="csv", group_name="source", tags={"layer": "bronze"}, code_version="2")
def products(context: dg.AssetExecutionContext, prices: PriceList) -> dg.Output[pd.DataFrame]:
    """What is sold, and for how many cents."""
    frame = pd.DataFrame({"product": list(PRODUCTS), "cents": [prices.price_of(name) for name in PRODUCTS]})
    context.log.debug("%d products", len(frame))
    return dg.Output(frame, metadata={"dearest": str(frame.loc[frame.cents.idxmax(), "product"]), "mean": 650.0})


@dg.asset_check(asset=products, blocking=True, description="A price is a positive number of cents.")
def prices_are_positive(products: pd.DataFrame) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=bool((products.cents > 0).all()), metadata={"lowest": int(products.cents.min())})


@dg.asset_check(asset=products)
def prices_are_round(products: pd.DataFrame) -> dg.AssetCheckResult:
    uneven = int((products.cents % 500 != 0).sum())
    return dg.AssetCheckResult(passed=uneven == 0, severity=dg.AssetCheckSeverity.WARN, metadata={"uneven": uneven})


@dg.asset(
    io_manager_key="csv", partitions_def=DAYS, group_name="sales", retry_policy=dg.RetryPolicy(max_retries=2, delay=0)
)
def orders(
    context: dg.AssetExecutionContext, config: OrderConfig, customers: pd.DataFrame, products: pd.DataFrame
) -> pd.DataFrame:
    """One day's orders; the till answers at the second attempt on the third day."""
    day = context.partition_key
    write_line("attempts", day)
    if day == "2024-03-03" and lines_of("attempts").count(day) == 1:
        raise ConnectionError("the till does not answer")
    number = context.partition_time_window.start.day
    rows = [
        {
            "day": day,
            "customer_id": (number + index) % len(customers),
            "product": products["product"][(number * index) % len(products)],
            "quantity": 1 + (number + 2 * index) % 4,
        }
        for index in range(config.orders_per_day)
    ]
    context.add_output_metadata({"attempt": context.retry_number, "day_of_month": number})
    return pd.DataFrame(rows)


@dg.asset(io_manager_key="csv", partitions_def=DAYS, group_name="sales")
def income(warehouse: Warehouse, orders: pd.DataFrame, products: pd.DataFrame) -> dg.Output[pd.DataFrame]:
    """What one day brought in, by product."""
    frame = warehouse.query(
        "select o.day, product, sum(quantity * cents)::bigint as cents from orders o join products p using (product) "
        "group by all order by product",
        orders=orders,
        products=products,
    )
    return dg.Output(frame, metadata={"cents": int(frame.cents.sum()), "note": dg.MetadataValue.md("*cents*, no tax")})


@dg.multi_asset(
    group_name="report",
    outs={
        "best_customers": dg.AssetOut(io_manager_key="csv"),
        "best_products": dg.AssetOut(io_manager_key="csv", metadata={"unit": "cents"}),
    },
)
def rankings(
    warehouse: Warehouse, customers: pd.DataFrame, orders: pd.DataFrame, income: pd.DataFrame
) -> Iterator[dg.Output[pd.DataFrame]]:
    """Who bought most, and what sold best, over all days."""
    best = warehouse.query(
        "select name, sum(quantity)::bigint as pieces from orders join customers using (customer_id) "
        "group by name order by pieces desc, name",
        orders=orders,
        customers=customers,
    )
    yield dg.Output(best, output_name="best_customers", metadata={"first": str(best.name[0])})
    best = income.groupby("product", as_index=False).cents.sum().sort_values("cents", ascending=False)
    yield dg.Output(best, output_name="best_products", metadata={"first": str(best["product"].iloc[0])})


@dg.asset(group_name="report", deps=[income], check_specs=[dg.AssetCheckSpec("adds_up", asset="ledger")])
def ledger(warehouse: Warehouse, best_products: pd.DataFrame) -> dg.MaterializeResult:
    """A table of DuckDB, which is written here and handed on by name."""
    answer = warehouse.query_file(
        "create or replace table ledger as select * from best_products",
        "select sum(cents)::bigint as cents from ledger",
        best_products=best_products,
    )
    total = int(answer.cents[0])
    return dg.MaterializeResult(
        metadata={"cents": total, "table": "ledger", "columns": {"product": "text", "cents": "bigint"}},
        check_results=[dg.AssetCheckResult(passed=total == int(best_products.cents.sum()), check_name="adds_up")],
    )


@dg.asset(group_name="report")
def summary(best_customers: pd.DataFrame, best_products: pd.DataFrame) -> str:
    return f"{best_customers.name[0]} buys most; {best_products['product'][0]} sells best"


@dg.asset_check(asset=summary)
def says_both(summary: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=summary.count("best") == 1 and "most" in summary)


# A job of ops, with a graph, a dynamic output and hooks


class GreetingConfig(dg.Config):
    word: str = "Hello"


@dg.success_hook
def note_success(context: dg.HookContext) -> None:
    write_line("hooks", f"success: {context.op.name}")


@dg.failure_hook
def note_failure(context: dg.HookContext) -> None:
    write_line("hooks", f"failure: {context.op.name}: {type(context.op_exception).__name__}")


@dg.op(out={"names": dg.Out(list), "count": dg.Out(int)})
def read_customers(warehouse: Warehouse) -> tuple[list, int]:
    names = list(warehouse.query("select unnest(['ada', 'ben', 'cleo']) as name").name)
    return names, len(names)


@dg.op(out=dg.DynamicOut(str))
def one_by_one(names: list) -> Iterator[dg.DynamicOutput[str]]:
    for name in names:
        yield dg.DynamicOutput(str(name), mapping_key=str(name))


@dg.op
def greet(config: GreetingConfig, name: str) -> str:
    return f"{config.word}, {name}"


@dg.op
def signed(line: str) -> str:
    return f"{line}. Yours, the shop"


@dg.graph
def letter(name: str) -> str:
    return signed(greet(name))


@dg.op
def send(context: dg.OpExecutionContext, letters: list, count: int) -> dict:
    context.log.debug("sending")
    return {"sent": sorted(letters), "expected": count}


@dg.job(hooks={note_success}, tags={"team": "post"})
def mailing() -> None:
    names, count = read_customers()
    send(one_by_one(names).map(letter).collect(), count)


@dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
def ring(context: dg.OpExecutionContext) -> None:
    raise dg.RetryRequested(max_retries=1) if context.retry_number == 0 else dg.Failure("nobody is at home")


@dg.op(ins={"start": dg.In(dg.Nothing)})
def leave() -> None:
    raise AssertionError("not reached")


@dg.job(hooks={note_failure, note_success})
def visit() -> None:
    leave(ring())


# What asks for runs

sources_job = dg.define_asset_job("sources_job", selection=dg.AssetSelection.groups("source"))
reports_job = dg.define_asset_job("reports_job", selection=dg.AssetSelection.groups("report"))
daily_job = dg.define_asset_job("daily_job", selection=dg.AssetSelection.assets(orders, income), partitions_def=DAYS)


@dg.schedule(job=daily_job, cron_schedule="0 6 * * *", execution_timezone="UTC")
def every_morning(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    if context.scheduled_execution_time.weekday() == 6:
        return dg.SkipReason("closed on Sundays")
    day = context.scheduled_execution_time.strftime("%Y-%m-%d")
    return dg.RunRequest(run_key=day, partition_key=day, tags={"asked_by": "schedule"})


@dg.sensor(job=mailing, minimum_interval_seconds=30)
def new_customers(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    seen = int(context.cursor or 0)
    requests = [
        dg.RunRequest(run_key=name, run_config={"ops": {"letter": {"ops": {"greet": {"config": {"word": "Welcome"}}}}}})
        for name in CUSTOMERS[seen:]
    ]
    return dg.SensorResult(run_requests=requests, cursor=str(len(CUSTOMERS)))


# The project

RESOURCES = {
    "csv": CsvFiles(folder=dg.EnvVar("SHOP_FOLDER")),
    "prices": PriceList(markup_percent=0),
    "warehouse": Warehouse(path=dg.EnvVar("SHOP_WAREHOUSE")),
}
ASSETS = [customers, products, orders, income, rankings, ledger, summary]
CHECKS = [prices_are_positive, prices_are_round, says_both]

defs = dg.Definitions(
    assets=ASSETS,
    asset_checks=CHECKS,
    jobs=[sources_job, daily_job, reports_job, mailing, visit],
    schedules=[every_morning],
    sensors=[new_customers],
    resources=RESOURCES,
)


# Functions without arguments, which a process that is started for a job can call again


def make_sources() -> dg.JobDefinition:
    return defs.get_job_def("sources_job")


def make_daily() -> dg.JobDefinition:
    return defs.get_job_def("daily_job")


def make_reports() -> dg.JobDefinition:
    return defs.get_job_def("reports_job")


def make_mailing() -> dg.JobDefinition:
    return defs.get_job_def("mailing")


# Running it, and writing down what was recorded

document: dict[str, object] = {}
seconds = {"launched": 0.0, "in process": 0.0}


@contextmanager
def timed(part: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds[part] += time.perf_counter() - began


def metadata_of(recorded: dg.AssetMaterialization | dg.AssetCheckEvaluation) -> dict[str, object]:
    return {name: value.value for name, value in sorted(recorded.metadata.items()) if name != "path"}


def note_run(
    label: str, result: dg.ExecuteInProcessResult | dg.JobExecutionResult, outputs: tuple[str, ...] = ()
) -> None:
    """Record a run: what each step went through, and the materializations and check results with their metadata.

    Steps of one run may run side by side, so the order is kept within each step and not among them.
    """
    told = ("STEP_SUCCESS", "STEP_FAILURE", "STEP_UP_FOR_RETRY", "STEP_RESTARTED", "STEP_SKIPPED")
    steps: dict[str, list[str]] = {}
    for event in result.all_events:
        if event.event_type_value in told:
            steps.setdefault(event.step_key, []).append(event.event_type_value)
    assets, checks = {}, {}
    for event in result.get_asset_materialization_events():
        each = event.step_materialization_data.materialization
        assets[each.asset_key.to_user_string()] = [each.partition, metadata_of(each)]
    for each in result.get_asset_check_evaluations():
        name = f"{each.asset_key.to_user_string()}: {each.check_name}"
        checks[name] = [each.passed, each.severity.value, metadata_of(each)]
    values = {name: result.output_for_node(name) for name in outputs}
    document[label] = {
        "success": result.success,
        "steps": steps,
        "materialized": assets,
        "checks": checks,
        "outputs": values,
    }


def few_orders() -> dg.RunConfig:
    return dg.RunConfig({"orders": OrderConfig(orders_per_day=5)})


def greeting(word: str) -> dict[str, object]:
    return {"ops": {"letter": {"ops": {"greet": {"config": {"word": word}}}}}}


def launch_week(instance: dg.DagsterInstance) -> None:
    """Launch what a deployment would: the sources, two days, and a mailing."""
    names = dg.RunConfig({"customers": CustomerConfig(names=[*CUSTOMERS, "dora"])})
    with dg.execute_job(dg.reconstructable(make_sources), instance, run_config=names.to_config_dict()) as result:
        note_run("sources", result)
    for day in LAUNCHED_DAYS:
        tags = {"dagster/partition": day}
        with dg.execute_job(
            dg.reconstructable(make_daily), instance, run_config=few_orders().to_config_dict(), tags=tags
        ) as result:
            note_run(f"day {day}", result)
    with dg.execute_job(dg.reconstructable(make_mailing), instance, run_config=greeting("Hello")) as result:
        note_run("mailing Hello", result, outputs=("send",))


def launch_reports(instance: dg.DagsterInstance) -> None:
    with dg.execute_job(dg.reconstructable(make_reports), instance) as result:
        note_run("reports", result)


def run_in_process(instance: dg.DagsterInstance) -> None:
    """Run what a script or a test would: the other days, a mistake, a mailing and a job that fails."""
    for day in DAYS.get_partition_keys():
        if day not in LAUNCHED_DAYS:
            result = make_daily().execute_in_process(few_orders(), instance, partition_key=day)
            note_run(f"day {day}", result)
    dear = dg.materialize(
        [*ASSETS, *CHECKS],
        selection=dg.AssetSelection.assets(products),
        instance=instance,
        resources={**RESOURCES, "prices": PriceList(markup_percent=-200)},
        raise_on_error=False,
    )
    note_run("prices below zero", dear)
    # Back to right prices for what follows.
    note_run("products again", dg.materialize([products], instance=instance, resources=RESOURCES))
    note_run("mailing Welcome", make_mailing().execute_in_process(greeting("Welcome"), instance), outputs=("send",))
    note_run("visit", defs.get_job_def("visit").execute_in_process(instance=instance, raise_on_error=False))


def ask_for_runs(instance: dg.DagsterInstance) -> None:
    """Evaluate the schedule on a Monday and a Sunday, and the sensor at two places."""
    for moment in (datetime(2024, 3, 4, 6, tzinfo=UTC), datetime(2024, 3, 3, 6, tzinfo=UTC)):
        with dg.build_schedule_context(instance, scheduled_execution_time=moment) as context:
            asked = every_morning(context)
        request = isinstance(asked, dg.RunRequest)
        document[f"schedule {moment:%A}"] = [asked.run_key, asked.partition_key] if request else asked.skip_message
    for cursor in (None, "2"):
        with dg.build_sensor_context(instance, cursor=cursor) as context:
            asked = new_customers(context)
        document[f"sensor {cursor}"] = [[each.run_key for each in asked.run_requests], asked.cursor]


def note_state(instance: dg.DagsterInstance) -> None:
    """Record what the instance and the shop's files hold at the end."""
    document["partitions"] = sorted(instance.get_materialized_partitions(dg.AssetKey("orders")))
    document["runs"] = sorted(run.status.value for run in instance.get_runs())
    latest = instance.get_latest_materialization_event(dg.AssetKey("ledger"))
    document["summary"] = defs.load_asset_value("summary", instance=instance)
    document["ledger"] = latest.asset_materialization.metadata["cents"].value
    document["hooks"] = sorted(lines_of("hooks"))
    document["attempts"] = sorted(lines_of("attempts"))


def main(folder: str) -> None:
    os.environ["SHOP_FOLDER"], os.environ["SHOP_WAREHOUSE"] = folder, str(Path(folder) / "shop.duckdb")
    (Path(folder) / "instance").mkdir()
    with dg.DagsterInstance.local_temp(str(Path(folder) / "instance")) as instance:
        with timed("launched"):
            launch_week(instance)
        with timed("in process"):
            run_in_process(instance)
            ask_for_runs(instance)
        with timed("launched"):
            launch_reports(instance)
        with timed("in process"):
            note_state(instance)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="shop-") as place:
        main(place)
    print(json.dumps(seconds), file=sys.stderr)
    print(json.dumps(document, sort_keys=True))
