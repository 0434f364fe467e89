"""What runs do, done by a service: every kind of step, in workers that are separate processes."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from headwater.model.events import (
    AssetMaterialized,
    CheckEvaluated,
    Event,
    StepFailed,
    StepRetryScheduled,
    StepStarted,
    StepSucceeded,
)
from headwater.model.keys import AssetKey
from headwater.model.runs import Run, RunStatus
from headwater.runtime.project import find_definitions
from tests.service.running import RunningService

SOURCE = """
import asyncio
import os
import threading
import time
from pathlib import Path

import headwater as hw

SAID = Path(__file__).with_name("said.txt")


def say(*words):
    with SAID.open("a") as said:
        said.write(" ".join(map(str, words)) + "\\n")


# ------------------------------------------------------------------------------------------------ assets and partitions


@hw.asset
def orders() -> list[int]:
    say("orders", os.getpid())
    return [40, 2]


@hw.asset
def revenue(context, orders: list[int]) -> int:
    say("revenue", os.getpid())
    return sum(orders)


@hw.asset
def report(revenue: int, orders: list[int]) -> str:
    return f"{revenue} from {len(orders)}"


DAYS = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")


@hw.asset(partitions_def=DAYS)
def day(context) -> str:
    return context.partition_key


@hw.asset(partitions_def=DAYS, backfill_policy=hw.BackfillPolicy.single_run())
def days(context, day) -> dict[str, str]:
    return {key: f"about {key}" for key in context.partition_keys}


COLOURS = hw.DynamicPartitionsDefinition(name="colours")


@hw.asset
def palette(context) -> list[str]:
    context.instance.add_dynamic_partitions("colours", ["red", "blue"])
    return context.instance.get_dynamic_partitions("colours")


@hw.asset(partitions_def=COLOURS)
def paint(context) -> str:
    return context.partition_key.upper()


# ------------------------------------------------------------------------------------------------------- multi and dynamic


@hw.multi_asset(specs=[hw.AssetSpec("left"), hw.AssetSpec("right", deps=["left"])])
def both(context):
    yield hw.MaterializeResult(asset_key="left", metadata={"worker": os.getpid()})
    yield hw.MaterializeResult(asset_key="right")


@hw.op(out=hw.DynamicOut())
def parts():
    for number in range(5):
        yield hw.DynamicOutput(number, mapping_key=f"k{number}")


@hw.op
def squared(number: int) -> int:
    time.sleep(0.05)
    say("squared", os.getpid())
    return number * number


@hw.op
def added(numbers: list[int]) -> int:
    say("added", sum(numbers))
    return sum(numbers)


@hw.job
def fan():
    added(parts().map(squared).collect())


# ------------------------------------------------------------------------------------------------------------------- checks


@hw.asset
def measured() -> int:
    return -1


@hw.asset_check(asset=measured, blocking=True)
def is_positive(measured: int) -> bool:
    return measured > 0


@hw.asset(deps=[measured])
def after_measured() -> None: ...


# ---------------------------------------------------------------------------------------------------------- retries, hooks


@hw.asset(retry_policy=hw.RetryPolicy(max_retries=3, delay=0.2))
def flaky(context) -> int:
    say("flaky", context.retry_number)
    if context.retry_number < 2:
        raise ConnectionError("away")
    return context.retry_number


@hw.op(retry_policy=hw.RetryPolicy(max_retries=5))
def asks_for_retry(context):
    if context.retry_number == 0:
        raise hw.RetryRequested(max_retries=1, seconds_to_wait=0.05)


@hw.success_hook
def cheer(context):
    say("cheer", context.op.name, os.getpid())


@hw.failure_hook
def mourn(context):
    say("mourn", context.op.name, type(context.op_exception).__name__)


@hw.op
def good():
    return 1


@hw.op
def bad(value):
    raise ValueError("as it should")


@hw.job(hooks={cheer, mourn})
def hooked():
    bad(good())


@hw.job
def asking():
    asks_for_retry()


# ---------------------------------------------------------------------------------------------------------------- instance


@hw.asset(deps=[orders])
def looks_around(context) -> dict:
    same = hw.Instance.get()
    seen = same.get_latest_materialization_event(hw.AssetKey("orders"))
    runs = context.instance.get_runs(limit=5)
    return {
        "asset": str(seen.asset_key),
        "this_run": context.instance.get_run_by_id(context.run_id).status.value,
        "is_listed": context.run_id in [run.run_id for run in runs],
        "value": context.load_asset_value(hw.AssetKey("orders")),
    }


@hw.asset
def reports_of_others(context) -> None:
    context.instance.report_runless_asset_event(hw.AssetMaterialization("from_elsewhere", metadata={"rows": 3}))
    context.instance.add_run_tags(context.run_id, {"found": "yes"})


# --------------------------------------------------------------------------------------------------------------- resources


class Warehouse(hw.ConfigurableResource):
    name: str
    secret: str = "none"

    def setup_for_execution(self, context) -> None:
        say("up", self.name, os.getpid())

    def teardown_after_execution(self, context) -> None:
        say("down", self.name, os.getpid())


@hw.asset(group_name="stored")
def first_stored(warehouse: Warehouse) -> str:
    return warehouse.secret


@hw.asset(group_name="stored")
def second_stored(first_stored: str, warehouse: Warehouse) -> str:
    return first_stored


@hw.resource
def fails_at_the_end():
    yield "sound"
    raise RuntimeError("could not clean up")


@hw.resource
def hangs_at_the_end():
    yield "sound"
    say("hangs", os.getpid())
    time.sleep(600)


@hw.asset(required_resource_keys={"fails_at_the_end"})
def unclean() -> None: ...


@hw.asset(required_resource_keys={"hangs_at_the_end"})
def hanging() -> None: ...


class Limits(hw.Config):
    rows: int = 1
    token: str


@hw.asset
def configured(config: Limits) -> str:
    return f"{config.rows} {config.token}"


# -------------------------------------------------------------------------------------------------------------- in one worker


@hw.op
def makes_handle():
    say("handle", os.getpid())
    return threading.Lock()  # which no file could hold


@hw.op
def uses_handle(handle):
    say("handle", os.getpid())
    return handle.locked()


@hw.job(executor_def=hw.in_process_executor, resource_defs={"io_manager": hw.mem_io_manager})
def in_memory():
    uses_handle(makes_handle())


# ------------------------------------------------------------------------------------------------------------------ async


def waiting(number):
    @hw.asset(name=f"wait_{number}", group_name="waiting")
    async def wait() -> int:
        await asyncio.sleep(0.5)
        return os.getpid()

    return wait


@hw.asset(group_name="mixed")
async def fetched() -> int:
    await asyncio.sleep(0.01)
    return 7


@hw.asset(group_name="mixed")
def doubled(fetched: int) -> int:
    return fetched * 2


# ------------------------------------------------------------------------------------------------------------- time limits


@hw.asset(timeout=0.3)
def slow() -> None:
    time.sleep(60)


@hw.asset(timeout=0.3)
async def slow_async() -> None:
    await asyncio.sleep(60)


@hw.asset
def endless() -> None:
    time.sleep(60)


limited = hw.define_asset_job("limited", selection="endless", tags={"headwater/max_runtime": "0.4"})


# ------------------------------------------------------------------------------------------------------------ again


SWITCH = Path(__file__).with_name("mended")


@hw.asset
def sound() -> int:
    say("sound")
    return 1


@hw.asset
def broken(sound: int) -> int:
    say("broken")
    if not SWITCH.exists():
        raise RuntimeError("not mended yet")
    return sound + 1


@hw.asset
def last(broken: int) -> int:
    say("last")
    return broken + 1


again = hw.define_asset_job("again", selection="+last")


defs = hw.Definitions(
    assets=[
        orders, revenue, report, day, days, palette, paint, both, measured, after_measured, flaky, looks_around,
        reports_of_others, first_stored, second_stored, unclean, hanging, configured, fetched, doubled, slow,
        slow_async, endless, sound, broken, last, *[waiting(number) for number in range(1_000)],
    ],
    asset_checks=[is_positive],
    jobs=[fan, hooked, asking, in_memory, limited, again],
    resources={
        "warehouse": Warehouse(name="main", secret=hw.EnvVar("WAREHOUSE_SECRET")),
        "fails_at_the_end": fails_at_the_end,
        "hangs_at_the_end": hangs_at_the_end,
    },
)
"""
SETTINGS = """
[tool.headwater.service]
workers = 2
grace_seconds = 0.5
teardown_seconds = 1
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("runs")
    environment = {"WAREHOUSE_SECRET": "s3cret", "NOT_SET_ANYWHERE_ELSE": "t0ken"}
    with RunningService(folder, SOURCE, SETTINGS, environment) as running:
        yield running


def done(service: RunningService, **asked: Any) -> tuple[Run, Sequence[Event]]:
    """Launch a run and wait for it; return it and its events."""
    run = service.ended(service.launch(**asked), seconds=40)
    return run, service.events(run.run_id)


def value(service: RunningService, asset: str, partition: str | None = None) -> Any:
    found = find_definitions(file=service.folder / "definitions.py").definitions
    with service.instance() as instance:
        return found.load_asset_value(asset, instance=instance, partition_key=partition)


def said(service: RunningService, word: str) -> list[list[str]]:
    """What steps have said in the project's file since it was last asked for this."""
    path: Path = service.folder / "said.txt"
    if not path.exists():
        return []
    lines = [line.split() for line in path.read_text().splitlines()]
    path.write_text("".join(" ".join(line) + "\n" for line in lines if line[0] != word))
    return [line[1:] for line in lines if line[0] == word]


def of(kind: type, events: Sequence[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


# ------------------------------------------------------------------------------------------------------------------ assets


def test_assets_load_what_others_made_in_other_workers(service: RunningService):
    run, events = done(service, selection="+report")
    assert run.is_success
    assert [str(event.asset) for event in of(AssetMaterialized, events)] == ["orders", "revenue", "report"]
    assert value(service, "report") == "42 from 2"


def test_a_run_of_one_partition_and_of_a_range(service: RunningService):
    launched = [service.launch(selection="day", partition_key=f"2024-01-0{number}") for number in (2, 3, 4)]
    assert all(service.ended(run_id).is_success for run_id in launched)
    run, events = done(service, selection="days", partition_range=("2024-01-02", "2024-01-04"))
    assert run.is_success
    assert [event.partition for event in of(AssetMaterialized, events)] == ["2024-01-02", "2024-01-03", "2024-01-04"]
    assert value(service, "day", "2024-01-03") == "2024-01-03"
    assert value(service, "days", "2024-01-04") == "about 2024-01-04"


def test_partitions_that_a_step_adds_are_there_for_it_and_for_everyone(service: RunningService):
    assert done(service, selection="palette")[0].is_success
    assert value(service, "palette") == ["red", "blue"]
    with service.instance() as instance:
        assert instance.get_dynamic_partitions("colours") == ["red", "blue"]
    assert done(service, selection="paint", partition_key="blue")[0].is_success
    assert value(service, "paint", "blue") == "BLUE"


def test_a_multi_asset_tells_of_each_of_its_assets(service: RunningService):
    run, events = done(service, selection="left,right")
    assert run.is_success
    assert [str(event.asset) for event in of(AssetMaterialized, events)] == ["left", "right"]


def test_mapped_outputs_run_in_several_workers_and_are_collected(service: RunningService):
    run, events = done(service, job_name="fan")
    assert run.is_success
    assert len(of(StepSucceeded, events)) == 7
    assert said(service, "added") == [["30"]]
    assert len({pid for (pid,) in said(service, "squared")}) == 2


def test_a_blocking_check_that_fails_blocks_what_comes_after(service: RunningService):
    run, events = done(service, selection="measured,after_measured")
    assert run.status is RunStatus.FAILURE
    assert [event.passed for event in of(CheckEvaluated, events)] == [False]
    assert [str(event.asset) for event in of(AssetMaterialized, events)] == ["measured"]


# ------------------------------------------------------------------------------------------------------- retries and hooks


def test_a_step_is_tried_again_after_its_delay(service: RunningService):
    run, events = done(service, selection="flaky")
    assert run.is_success
    assert [event.attempt for event in of(StepStarted, events)] == [1, 2, 3]
    failures, starts = of(StepFailed, events), of(StepStarted, events)
    assert all(start.timestamp - fail.timestamp >= 0.19 for fail, start in zip(failures, starts[1:], strict=True))
    assert value(service, "flaky") == 2


def test_a_step_may_ask_to_be_tried_again(service: RunningService):
    run, events = done(service, job_name="asking")
    assert run.is_success
    assert len(of(StepRetryScheduled, events)) == 1


def test_hooks_run_in_the_worker_of_their_step(service: RunningService):
    run, _ = done(service, job_name="hooked")
    assert run.status is RunStatus.FAILURE
    ((op, pid),) = said(service, "cheer")
    assert op == "good"
    assert int(pid) != os.getpid()
    ((op, error),) = said(service, "mourn")
    assert (op, error) == ("bad", "ValueError")


# ---------------------------------------------------------------------------------------------------------------- instance


def test_a_step_reads_the_state_through_its_instance(service: RunningService):
    run, _ = done(service, selection="orders,looks_around")
    assert run.is_success, run.cause
    told = value(service, "looks_around")
    assert told == {"asset": "orders", "this_run": "STARTED", "is_listed": True, "value": [40, 2]}


def test_what_a_step_reports_about_other_assets_is_recorded(service: RunningService):
    run, _ = done(service, selection="reports_of_others")
    assert run.is_success
    with service.instance() as instance:
        event = instance.get_latest_materialization_event(AssetKey("from_elsewhere"))
        assert event is not None
        assert event.asset_materialization.metadata["rows"].value == 3
        found = instance.get_run_by_id(run.run_id)
        assert found is not None
        assert found.tags["found"] == "yes"


# --------------------------------------------------------------------------------------------------------------- resources


def test_a_resource_is_set_up_once_for_a_run_in_a_worker_and_torn_down_before_the_run_ends(service: RunningService):
    said(service, "up"), said(service, "down")
    run, _ = done(service, selection="group:stored")
    assert run.is_success
    ups, downs = Counter(pid for _, pid in said(service, "up")), Counter(pid for _, pid in said(service, "down"))
    assert ups == downs
    assert set(ups.values()) == {1}
    assert value(service, "second_stored") == "s3cret"


def test_a_run_whose_resource_cannot_be_torn_down_has_failed(service: RunningService):
    run, events = done(service, selection="unclean")
    assert run.status is RunStatus.FAILURE
    assert "could not clean up" in (run.cause or "")
    assert len(of(AssetMaterialized, events)) == 1


def test_a_teardown_that_hangs_is_cut_off(service: RunningService):
    run, _ = done(service, selection="hanging")
    assert run.is_finished
    ((pid,),) = said(service, "hangs")
    service.wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the worker that hung to be gone", 5)


def test_config_of_a_run_and_variables_of_the_environment_reach_the_worker(service: RunningService):
    config = {"rows": 5, "token": {"env": "NOT_SET_ANYWHERE_ELSE"}}
    run, _ = done(service, selection="configured", run_config={"ops": {"configured": {"config": config}}})
    assert run.is_success, run.cause
    assert value(service, "configured") == "5 t0ken"
    assert "t0ken" not in json.dumps(run.run_config)


def test_a_job_with_the_executor_in_process_stays_in_one_worker(service: RunningService):
    run, _ = done(service, job_name="in_memory")
    assert run.is_success, run.cause
    pids = [pid for (pid,) in said(service, "handle")]
    assert len(pids) == 2
    assert len(set(pids)) == 1


# ------------------------------------------------------------------------------------------------------------------- async


def test_a_thousand_async_assets_wait_together_in_one_worker(service: RunningService):
    run, events = done(service, selection="group:waiting")
    assert run.is_success
    assert len(of(AssetMaterialized, events)) == 1_000
    assert value(service, "wait_0") == value(service, "wait_999")
    # Each waits half a second: one after the other they would take minutes.
    assert (run.duration_seconds or 0) < 30


def test_async_and_ordinary_assets_hand_values_to_each_other(service: RunningService):
    assert done(service, selection="group:mixed")[0].is_success
    assert value(service, "doubled") == 14


# ------------------------------------------------------------------------------------------------------------- time limits


@pytest.mark.parametrize("asset", ["slow", "slow_async"])
def test_a_step_that_is_over_its_time_limit_fails(service: RunningService, asset: str):
    run, events = done(service, selection=asset)
    assert run.status is RunStatus.FAILURE
    (failed,) = of(StepFailed, events)
    assert failed.cause == "timeout"
    assert (run.duration_seconds or 0) < 3


def test_a_run_that_is_over_its_time_limit_is_stopped(service: RunningService):
    run, _ = done(service, job_name="limited")
    assert run.status is RunStatus.FAILURE
    assert "0.4 s" in (run.cause or "")
    assert (run.duration_seconds or 0) < 3


# -------------------------------------------------------------------------------------------------------- run it again


def test_a_run_is_retried_from_its_failure_then_whole_then_a_step_of_it(service: RunningService):
    failed, _ = done(service, job_name="again")
    assert failed.status is RunStatus.FAILURE
    assert (said(service, "sound"), said(service, "broken"), said(service, "last")) == ([[]], [[]], [])
    (service.folder / "mended").touch()

    service.command("run", "retry", failed.run_id, "--wait")
    assert (said(service, "sound"), said(service, "broken"), said(service, "last")) == ([], [[]], [[]])
    assert value(service, "last") == 3
    with service.instance() as instance:
        retried = instance.store.runs(limit=1)[0]
    assert (retried.parent_run_id, retried.root_run_id) == (failed.run_id, failed.run_id)

    service.command("run", "retry", failed.run_id, "--all", "--wait")
    assert (said(service, "sound"), said(service, "broken"), said(service, "last")) == ([[]], [[]], [[]])

    service.command("run", "retry", "latest", "--step", "broken", "--wait")
    assert (said(service, "sound"), said(service, "broken"), said(service, "last")) == ([], [[]], [])
    with service.instance() as instance:
        assert instance.store.runs(limit=1)[0].root_run_id == failed.run_id


def test_a_run_that_succeeded_is_not_retried_by_mistake(service: RunningService):
    run, _ = done(service, selection="orders")
    told = service.command("run", "retry", run.run_id, code=2)
    assert "succeeded" in told
    assert "--all" in told
