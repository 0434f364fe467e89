"""What a type checker must understand of a user's project. Checked by mypy --strict and by pyright, never run.

A line that ends in `type: ignore[...]` must be refused: mypy reports an ignore that hides nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, assert_type

from pydantic import Field as ConfigField

import headwater as hw

# --- an asset stays the function that was written -------------------------------------------------------------------


@hw.asset
def orders() -> list[int]:
    return [1, 2, 3]


@hw.asset(group_name="sales", owners=["team:sales"], tags={"layer": "gold"}, kinds={"python"}, metadata={"rows": 3})
def total(orders: list[int]) -> int:
    return sum(orders)


@hw.asset(deps=[orders, "elsewhere", hw.AssetKey(["raw", "prices"])], key_prefix=["gold"], code_version="2", timeout=60)
def priced(context: hw.AssetExecutionContext, orders: list[int]) -> dict[str, float]:
    return {context.partition_key: float(len(orders))}


@hw.asset
async def fetched() -> bytes:
    return b""


@hw.asset
def streamed() -> Iterator[hw.Output[int] | hw.AssetCheckResult]:
    yield hw.Output(1)


@hw.asset
def described(orders: list[int]) -> hw.MaterializeResult[list[int]]:
    return hw.MaterializeResult(
        value=orders, metadata={"rows": len(orders), "note": hw.MetadataValue.md("**three**")}, tags={"fresh": "yes"}
    )


@hw.asset
def perhaps(orders: list[int]) -> list[int] | hw.Skip | hw.Unchanged:
    return orders or hw.Skip("no orders today")


def calling_an_asset_returns_its_declared_type() -> None:
    context = hw.build_asset_context(partition_key="2013-01-01")
    assert_type(orders(), list[int])
    assert_type(total([1, 2]), int)
    assert_type(total(orders=orders()), int)
    assert_type(priced(context, [1]), dict[str, float])
    assert_type(streamed(), Iterator[hw.Output[int] | hw.AssetCheckResult])
    assert_type(described([1]), hw.MaterializeResult[list[int]])
    assert_type(perhaps([1]), list[int] | hw.Skip | hw.Unchanged)


async def an_async_asset_is_awaited() -> None:
    assert_type(await fetched(), bytes)


def calling_an_asset_with_other_things_is_refused() -> None:
    total("not a list")  # type: ignore[arg-type]
    total()  # type: ignore[call-arg]
    priced([1])  # type: ignore[call-arg, arg-type]


def an_asset_is_a_definition_too() -> None:
    assert_type(total.key, hw.AssetKey)

    hw.Definitions(assets=[orders, total, priced, fetched, streamed, described])
    hw.AssetSelection.assets(orders, "total", total.key)


# --- several assets from one function ---------------------------------------------------------------------------------


@hw.multi_asset(specs=[hw.AssetSpec("arrivals", deps=[orders]), hw.AssetSpec("departures")], can_subset=True)
def both(context: hw.AssetExecutionContext) -> Iterator[hw.MaterializeResult[None]]:
    for key in context.selected_asset_keys:
        yield hw.MaterializeResult(asset_key=key)


@hw.multi_asset(outs={"small": hw.AssetOut(io_manager_key="files"), "large": hw.AssetOut(is_required=False)})
def split(orders: list[int]) -> tuple[list[int], list[int]]:
    return orders[:1], orders[1:]


def a_multi_asset_stays_callable() -> None:
    assert_type(split([1, 2]), tuple[list[int], list[int]])


# --- config and resources ---------------------------------------------------------------------------------------------


class Window(hw.Config):
    days: int = ConfigField(default=7, gt=0)
    carriers: list[str] = []


class Warehouse(hw.ConfigurableResource):
    path: str
    read_only: bool = False

    def query(self, text: str) -> list[tuple[Any, ...]]:
        return [(self.path, text)]


class Api(hw.ConfigurableResource):
    warehouse: Warehouse
    token: str

    def get(self, path: str) -> Mapping[str, str]:
        return {path: self.warehouse.path}


@hw.asset
def windowed(context: hw.AssetExecutionContext, config: Window, warehouse: Warehouse) -> int:
    context.log.info("looking at %s days", config.days)
    assert_type(config.days, int)
    assert_type(config.carriers, list[str])
    assert_type(warehouse.path, str)
    return len(warehouse.query("select 1"))


def resources_and_config_are_ordinary_objects() -> None:
    warehouse = Warehouse(path=":memory:")
    assert_type(warehouse.query("select 1"), list[tuple[Any, ...]])
    api = Api(warehouse=warehouse, token=hw.EnvVar("API_TOKEN"))
    assert_type(api.get("/"), Mapping[str, str])
    hw.Definitions(assets=[windowed], resources={"warehouse": warehouse, "api": api})
    assert_type(windowed(hw.build_asset_context(), Window(days=3), warehouse), int)


class Files(hw.ConfigurableIOManager):
    root: str = "data"

    def handle_output(self, context: hw.OutputContext, obj: object) -> None:
        assert_type(context.asset_key, hw.AssetKey)

    def load_input(self, context: hw.InputContext) -> object:
        return context.asset_key.path


# --- what a context tells ---------------------------------------------------------------------------------------------

days = hw.DailyPartitionsDefinition(start_date="2013-01-01", end_date=datetime(2014, 1, 1))


@hw.asset(partitions_def=days, backfill_policy=hw.BackfillPolicy.single_run())
def daily(context: hw.AssetExecutionContext) -> None:
    assert_type(context.run_id, str)
    assert_type(context.partition_key, str)
    assert_type(context.partition_time_window.start, datetime)
    assert_type(context.has_partition_key, bool)
    assert_type(context.asset_key, hw.AssetKey)
    assert_type(context.retry_number, int)
    keys: Sequence[str] = context.partition_keys
    context.add_output_metadata({"days": len(keys), "link": hw.MetadataValue.url("https://example.com")})


# --- checks -----------------------------------------------------------------------------------------------------------


@hw.asset_check(asset=orders, blocking=True, description="There are orders.")
def some_orders(orders: list[int]) -> hw.AssetCheckResult:
    return hw.AssetCheckResult(passed=bool(orders), severity=hw.AssetCheckSeverity.ERROR, metadata={"n": len(orders)})


def a_check_stays_callable() -> None:
    assert_type(some_orders([1]), hw.AssetCheckResult)


# --- ops, graphs and jobs ---------------------------------------------------------------------------------------------


@hw.op
def one() -> int:
    return 1


@hw.op(out=hw.Out(description="one more"), retry_policy=hw.RetryPolicy(max_retries=2, delay=0.5))
def increase(context: hw.OpExecutionContext, number: int) -> int:
    return number + 1


class Step(hw.Config):
    by: int = 1


@hw.op
def increase_by(context: hw.OpExecutionContext, config: Step, warehouse: Warehouse, number: int) -> int:
    return number + config.by


# Composing a job hands over values only: contexts, config and resources are filled in by the run.
@hw.job
def counting() -> None:
    increase_by.alias("again")(increase_by(increase(one())))


def jobs_are_values() -> None:
    assert_type(counting, hw.JobDefinition)
    assert_type(counting.execute_in_process().success, bool)
    nightly = hw.define_asset_job("nightly", selection="group:sales", tags={"team": "sales"})
    hw.Definitions(
        assets=[orders, total],
        asset_checks=[some_orders],
        jobs=[counting, nightly],
        schedules=[hw.ScheduleDefinition(job=nightly, cron_schedule="0 6 * * *")],
    )


# --- running and reading ----------------------------------------------------------------------------------------------


def running_returns_a_result() -> None:
    with hw.Instance.local_temp() as instance:
        result = hw.materialize([orders, total], instance=instance, selection="total", raise_on_error=False)
        assert_type(result, hw.ExecuteInProcessResult)
        assert_type(result.success, bool)
        assert_type(result.run_id, str)
        latest = instance.get_latest_materialization_event(hw.AssetKey("total"))
        if latest is not None and latest.asset_materialization is not None:
            assert_type(latest.asset_materialization.asset_key, hw.AssetKey)


@hw.asset
async def many() -> AsyncIterator[hw.Output[int]]:
    yield hw.Output(1)
