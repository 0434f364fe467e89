"""A week of a small shop, built, checked, counted and reported with what a data project usually uses.

Written against Dagster's public API and run unchanged by both engines. The last line of stdout is one JSON document of
what was recorded, in order and without paths, ids or times; stderr says how many seconds the work took, imports aside.
Assets that do not depend on one another are declared alphabetically, which is the order in which Dagster runs them.
"""

import json
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pandas as pd

warnings.simplefilter("ignore")

DAYS = dg.DailyPartitionsDefinition(start_date="2024-03-01", end_date="2024-03-08")
PRODUCTS = {"apple": 3, "bread": 5, "cheese": 11, "dates": 7}
CUSTOMERS = ["ada", "ben", "cleo"]

document: dict[str, object] = {}
hook_calls: list[str] = []
attempts: dict[str, int] = {}


# Resources and storage


class Warehouse(dg.ConfigurableResource):
    """A DuckDB file; every use opens a connection and closes it."""

    path: str
    read_only: bool = False

    def query(self, statement: str, **frames: pd.DataFrame) -> pd.DataFrame:
        connection = duckdb.connect(self.path, config={"threads": "1"})
        try:
            for name, frame in frames.items():
                connection.register(name, frame)
            return connection.execute(statement).fetch_df()
        finally:
            connection.close()


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
    attempts[day] = attempts.get(day, 0) + 1
    if day == "2024-03-03" and attempts[day] == 1:
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
    warehouse.query("create or replace table ledger as select * from best_products", best_products=best_products)
    total = int(warehouse.query("select sum(cents)::bigint as cents from ledger").cents[0])
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
    hook_calls.append(f"success: {context.op.name}")


@dg.failure_hook
def note_failure(context: dg.HookContext) -> None:
    hook_calls.append(f"failure: {context.op.name}: {type(context.op_exception).__name__}")


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


# Running it, and writing down what was recorded


def note_run(label: str, result: dg.ExecuteInProcessResult, outputs: tuple[str, ...] = ()) -> None:
    """Record a run: its steps in order, and the materializations and check results with their metadata."""
    steps = ("STEP_SUCCESS", "STEP_FAILURE", "STEP_UP_FOR_RETRY", "STEP_RESTARTED", "STEP_SKIPPED")
    materialized = [
        event.step_materialization_data.materialization for event in result.get_asset_materialization_events()
    ]
    document[label] = {
        "success": result.success,
        "steps": [
            [event.event_type_value, event.step_key] for event in result.all_events if event.event_type_value in steps
        ],
        "materialized": [
            {
                "asset": each.asset_key.to_user_string(),
                "partition": each.partition,
                "metadata": {name: value.value for name, value in sorted(each.metadata.items())},
            }
            for each in materialized
        ],
        "checks": [
            {
                "asset": each.asset_key.to_user_string(),
                "check": each.check_name,
                "passed": each.passed,
                "severity": each.severity.value,
                "metadata": {name: value.value for name, value in sorted(each.metadata.items())},
            }
            for each in result.get_asset_check_evaluations()
        ],
        "outputs": {name: result.output_for_node(name) for name in outputs},
    }


def work(folder: str) -> None:
    resources = {
        "csv": CsvFiles(folder=folder),
        "io_manager": dg.InMemoryIOManager(),
        "prices": PriceList(markup_percent=0),
        "warehouse": Warehouse(path=str(Path(folder) / "shop.duckdb")),
    }
    checks = [prices_are_positive, prices_are_round, says_both]
    defs = dg.Definitions(
        assets=[customers, products, orders, income, rankings, ledger, summary],
        asset_checks=checks,
        jobs=[daily_job, mailing, visit],
        schedules=[every_morning],
        sensors=[new_customers],
        resources=resources,
    )
    assets = [customers, products, orders, income, rankings, ledger, summary, *checks]
    with dg.DagsterInstance.ephemeral() as instance:
        sources = dg.materialize(
            assets,
            selection=dg.AssetSelection.groups("source"),
            instance=instance,
            resources=resources,
            run_config=dg.RunConfig({"customers": CustomerConfig(names=[*CUSTOMERS, "dora"])}),
        )
        note_run("sources", sources)
        for day in DAYS.get_partition_keys():
            result = defs.get_job_def("daily_job").execute_in_process(
                instance=instance, partition_key=day, run_config={"ops": {"orders": {"config": {"orders_per_day": 5}}}}
            )
            note_run(f"day {day}", result)
        reports = dg.materialize(
            assets, selection=dg.AssetSelection.groups("report"), instance=instance, resources=resources
        )
        note_run("reports", reports, outputs=("summary",))
        dear = dg.materialize(
            assets,
            selection=dg.AssetSelection.assets(products),
            instance=instance,
            resources={**resources, "prices": PriceList(markup_percent=-200)},
            raise_on_error=False,
        )
        note_run("prices below zero", dear)
        for word in ("Hello", "Welcome"):
            config = {"ops": {"letter": {"ops": {"greet": {"config": {"word": word}}}}}}
            mailed = defs.get_job_def("mailing").execute_in_process(instance=instance, run_config=config)
            note_run(f"mailing {word}", mailed, outputs=("send",))
        note_run("visit", defs.get_job_def("visit").execute_in_process(instance=instance, raise_on_error=False))
        document["partitions"] = sorted(instance.get_materialized_partitions(dg.AssetKey("orders")))
        document["runs"] = sorted(run.status.value for run in instance.get_runs())
        latest = instance.get_latest_materialization_event(dg.AssetKey("ledger"))
        document["ledger"] = latest.asset_materialization.metadata["cents"].value
        monday, sunday = pd.Timestamp("2024-03-04 06:00", tz="UTC"), pd.Timestamp("2024-03-03 06:00", tz="UTC")
        for moment in (monday, sunday):
            with dg.build_schedule_context(instance, scheduled_execution_time=moment.to_pydatetime()) as context:
                asked = every_morning(context)
            request = isinstance(asked, dg.RunRequest)
            told = [asked.run_key, asked.partition_key] if request else asked.skip_message
            document[f"schedule {moment.day_name()}"] = told
        for cursor in (None, "2", "3"):
            with dg.build_sensor_context(instance, cursor=cursor) as context:
                asked = new_customers(context)
            document[f"sensor {cursor}"] = [[each.run_key for each in asked.run_requests], asked.cursor]
        document["hooks"] = hook_calls
        document["attempts"] = attempts


with tempfile.TemporaryDirectory(prefix="shop-") as place:
    began = time.perf_counter()
    work(place)
    seconds = time.perf_counter() - began
print(f"seconds {seconds:.6f}", file=sys.stderr)
print(json.dumps(document, sort_keys=True))
