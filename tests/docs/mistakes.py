"""The mistakes that people make most, each as the smallest program that makes it.

The programs say `import dagster as dg`, so that the same text runs on Headwater under that name and on the real Dagster.
`python -m tests.docs.mistakes` rewrites docs/errors.md; see errors_page.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent


@dataclass(frozen=True, slots=True)
class Mistake:
    """A program that ends with an error, under the words in which its author would tell of it."""

    title: str
    program: str

    @property
    def source(self) -> str:
        return f"import dagster as dg\n\n{self.program}"


@dataclass(frozen=True, slots=True)
class Chapter:
    """Mistakes that are made in the same part of a project."""

    title: str
    mistakes: tuple[Mistake, ...]


def parsed(title: str, text: str) -> Chapter:
    """Return a chapter written as headings `## title`, each with its program under it."""
    mistakes = []
    for part in dedent(text).strip().split("\n## "):
        heading, _, program = part.removeprefix("## ").partition("\n")
        mistakes.append(Mistake(heading.strip(), program.strip() + "\n"))
    return Chapter(title, tuple(mistakes))


ASSETS = parsed(
    "Assets and what they need",
    """
    ## A parameter that names no asset
    @dg.asset
    def orders():
        return [1, 2, 3]

    @dg.asset
    def revenue(order):
        return sum(order)

    dg.materialize([orders, revenue])

    ## Two assets with one key
    @dg.asset
    def orders():
        return [1]

    @dg.asset(name="orders")
    def orders_again():
        return [2]

    dg.Definitions.validate_loadable(dg.Definitions(assets=[orders, orders_again]))

    ## Assets that need each other
    @dg.asset
    def chicken(egg):
        return egg

    @dg.asset
    def egg(chicken):
        return chicken

    dg.Definitions.validate_loadable(dg.Definitions(assets=[chicken, egg]))

    ## An asset that needs itself
    @dg.asset
    def total(total):
        return total + 1

    dg.materialize([total])

    ## A slash in the name of an asset
    @dg.asset(name="sales/orders")
    def orders():
        return [1]

    ## A space in the name of an asset
    @dg.asset(name="daily orders")
    def orders():
        return [1]

    ## A dependency that is neither an asset nor a key
    @dg.asset(deps=[42])
    def orders():
        return [1]

    ## An owner that is neither an e-mail address nor a team
    @dg.asset(owners=["finance"])
    def orders():
        return [1]

    ## An argument that the decorator does not know
    @dg.asset(descripton="What was ordered")
    def orders():
        return [1]

    ## Returning another type than was declared
    @dg.asset
    def order_count() -> int:
        return "twelve"

    dg.materialize([order_count])

    ## Returning nothing from a multi-asset
    @dg.multi_asset(outs={"orders": dg.AssetOut(), "customers": dg.AssetOut()})
    def shop():
        [1], ["Ada"]

    dg.materialize([shop])

    ## Returning too few values from a multi-asset
    @dg.multi_asset(outs={"orders": dg.AssetOut(), "customers": dg.AssetOut()})
    def shop():
        return ([1],)

    dg.materialize([shop])

    ## A multi-asset that gives an asset which it did not declare
    @dg.multi_asset(specs=[dg.AssetSpec("orders")])
    def shop():
        yield dg.MaterializeResult(asset_key="customers")

    dg.materialize([shop])

    ## A selection that no asset matches
    @dg.asset
    def orders():
        return [1]

    dg.materialize([orders], selection="ordres")

    ## A selection that cannot be read
    @dg.asset
    def orders():
        return [1]

    dg.materialize([orders], selection="tag:daily and or")
    """,
)

DEFINITIONS = parsed(
    "Definitions and jobs",
    """
    ## Definitions of something that is no list
    dg.Definitions.validate_loadable(dg.Definitions(assets=5))

    ## A plain function among the assets
    def orders():
        return [1]

    dg.Definitions.validate_loadable(dg.Definitions(assets=[orders]))

    ## A job that nobody defined
    @dg.job
    def nightly():
        pass

    dg.Definitions(jobs=[nightly]).get_job_def("nightl")

    ## A job of assets that do not exist
    @dg.asset
    def orders():
        return [1]

    job = dg.define_asset_job("nightly", selection=["ordres"])
    dg.Definitions.validate_loadable(dg.Definitions(assets=[orders], jobs=[job]))

    ## Two jobs with one name
    @dg.op
    def first():
        pass

    @dg.op
    def second():
        pass

    @dg.job(name="nightly")
    def one():
        first()

    @dg.job(name="nightly")
    def other():
        second()

    dg.Definitions.validate_loadable(dg.Definitions(jobs=[one, other]))
    """,
)

OPS = parsed(
    "Ops and graphs",
    """
    ## Calling an op of a job with too many arguments
    @dg.op
    def count(orders):
        return len(orders)

    @dg.op
    def load():
        return [1]

    @dg.job
    def nightly():
        count(load(), load())

    ## An input that nothing gives
    @dg.op
    def count(order_queue: object):
        return 1

    @dg.job
    def nightly():
        count()

    nightly.execute_in_process()

    ## Forgetting to yield an output
    @dg.op(out={"good": dg.Out(), "bad": dg.Out()})
    def sort_out():
        yield dg.Output([1], "good")

    @dg.job
    def nightly():
        sort_out()

    nightly.execute_in_process()

    ## The wrong number of outputs
    @dg.op(out={"good": dg.Out(), "bad": dg.Out()})
    def sort_out():
        return [1], [2], [3]

    @dg.job
    def nightly():
        sort_out()

    nightly.execute_in_process()

    ## An output under another name
    @dg.op(out={"good": dg.Out()})
    def sort_out():
        yield dg.Output([1], "god")

    @dg.job
    def nightly():
        sort_out()

    nightly.execute_in_process()

    ## An output of another type
    @dg.op
    def count() -> int:
        return "three"

    @dg.job
    def nightly():
        count()

    nightly.execute_in_process()

    ## An input of another type
    @dg.op
    def load():
        return "three"

    @dg.op
    def double(number: int):
        return 2 * number

    @dg.job
    def nightly():
        double(load())

    nightly.execute_in_process()
    """,
)

RESOURCES = parsed(
    "Resources, configuration and storage",
    """
    ## A resource that nobody provides
    class Database(dg.ConfigurableResource):
        url: str

    @dg.asset
    def orders(database: Database):
        return database.url

    dg.Definitions.validate_loadable(dg.Definitions(assets=[orders]))

    ## A resource under a misspelt key
    @dg.asset(required_resource_keys={"database"})
    def orders(context):
        return context.resources.database

    dg.materialize([orders], resources={"databse": 1})

    ## A resource that was never asked for
    @dg.asset
    def orders(context: dg.AssetExecutionContext):
        return context.resources.database

    dg.materialize([orders], resources={"database": 1})

    ## A misspelt key of the configuration
    class OrdersConfig(dg.Config):
        limit: int = 10

    @dg.asset
    def orders(config: OrdersConfig):
        return list(range(config.limit))

    dg.materialize([orders], run_config={"ops": {"orders": {"config": {"limt": 5}}}})

    ## Configuration for an asset that is not there
    class OrdersConfig(dg.Config):
        limit: int = 10

    @dg.asset
    def orders(config: OrdersConfig):
        return list(range(config.limit))

    dg.materialize([orders], run_config={"ops": {"ordres": {"config": {"limit": 5}}}})

    ## Configuration of the wrong type
    class OrdersConfig(dg.Config):
        limit: int = 10

    @dg.asset
    def orders(config: OrdersConfig):
        return list(range(config.limit))

    dg.materialize([orders], run_config={"ops": {"orders": {"config": {"limit": "many"}}}})

    ## Configuration that is missing
    class OrdersConfig(dg.Config):
        limit: int

    @dg.asset
    def orders(config: OrdersConfig):
        return list(range(config.limit))

    dg.materialize([orders])

    ## An environment variable that is not set
    class Database(dg.ConfigurableResource):
        url: str

    @dg.asset
    def orders(database: Database):
        return database.url

    dg.materialize([orders], resources={"database": Database(url=dg.EnvVar("SHOP_DATABASE_URL"))})

    ## An IO manager that nobody provides
    @dg.asset(io_manager_key="warehouse")
    def orders():
        return [1]

    dg.materialize([orders])
    """,
)

PARTITIONS = parsed(
    "Partitions",
    """
    ## Asking for the partition key without partitions
    @dg.asset
    def orders(context: dg.AssetExecutionContext):
        return context.partition_key

    dg.materialize([orders])

    ## Running a partitioned asset without a partition
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["north", "south"]))
    def orders(context: dg.AssetExecutionContext):
        return context.partition_key

    dg.materialize([orders])

    ## A partition that does not exist
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["north", "south"]))
    def orders():
        return [1]

    dg.materialize([orders], partition_key="nort")

    ## A partition of an asset that has none
    @dg.asset
    def orders():
        return [1]

    dg.materialize([orders], partition_key="north")

    ## Partitions on one side only
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["north", "south"]))
    def orders():
        return 1

    @dg.asset
    def report(orders: int):
        return orders

    instance = dg.DagsterInstance.ephemeral()
    for region in ("north", "south"):
        dg.materialize([orders], partition_key=region, instance=instance)
    dg.materialize([orders, report], selection=[report], instance=instance)

    ## Two dimensions given as one
    @dg.asset(
        partitions_def=dg.MultiPartitionsDefinition(
            {
                "region": dg.StaticPartitionsDefinition(["north", "south"]),
                "size": dg.StaticPartitionsDefinition(["small", "large"]),
            }
        )
    )
    def orders():
        return [1]

    dg.materialize([orders], partition_key="north")

    ## One partition twice
    dg.StaticPartitionsDefinition(["north", "south", "north"])

    ## A start that is no date
    dg.DailyPartitionsDefinition(start_date="01/02/2026")
    """,
)

AUTOMATION = parsed(
    "Schedules, sensors and checks",
    """
    ## A cron expression that cannot be read
    @dg.job
    def nightly():
        pass

    dg.ScheduleDefinition(job=nightly, cron_schedule="every night")

    ## A time zone that does not exist
    @dg.job
    def nightly():
        pass

    dg.ScheduleDefinition(job=nightly, cron_schedule="0 3 * * *", execution_timezone="Europe/Zurch")

    ## Two schedules with one name
    @dg.job
    def nightly():
        pass

    early = dg.ScheduleDefinition(name="nightly", job=nightly, cron_schedule="0 1 * * *")
    late = dg.ScheduleDefinition(name="nightly", job=nightly, cron_schedule="0 3 * * *")
    dg.Definitions.validate_loadable(dg.Definitions(jobs=[nightly], schedules=[early, late]))

    ## A sensor that returns something else
    @dg.job
    def nightly():
        pass

    @dg.sensor(job=nightly)
    def new_files():
        return 5

    new_files.evaluate_tick(dg.build_sensor_context())

    ## A check on an asset that is not there
    @dg.asset
    def orders():
        return [1]

    @dg.asset_check(asset="ordres")
    def orders_are_many():
        return dg.AssetCheckResult(passed=True)

    dg.materialize([orders, orders_are_many])

    ## A check that returns something else
    @dg.asset
    def orders():
        return [1]

    @dg.asset_check(asset=orders)
    def orders_are_many():
        return "yes"

    dg.materialize([orders, orders_are_many])

    ## Two checks with one name
    @dg.asset(check_specs=[dg.AssetCheckSpec("is_full", asset="orders")])
    def orders():
        yield dg.Output([1])
        yield dg.AssetCheckResult(passed=True)

    @dg.asset_check(asset=orders, name="is_full")
    def is_full():
        return dg.AssetCheckResult(passed=True)

    dg.Definitions.validate_loadable(dg.Definitions(assets=[orders], asset_checks=[is_full]))
    """,
)

CHAPTERS = (ASSETS, DEFINITIONS, OPS, RESOURCES, PARTITIONS, AUTOMATION)

if __name__ == "__main__":
    from tests.docs.errors_page import rewrite

    rewrite()
