"""A project with values of every kind, and a process that runs it in children and kills them when it is told to.

The process imports the project once and forks a child for each run, so a child is at work within milliseconds. It reads
one line of JSON for each child, {"home": ..., "database": ... or null, "kill_after_seconds": ... or null}, and answers with
how the child ended.
Importing this file imports nothing heavy: pandas comes with the first table.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import headwater as hw

DAYS = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-13")
RANGE = {
    "headwater/asset_partition_range_start": "2024-01-01",
    "headwater/asset_partition_range_end": "2024-01-12",
}


def frame(seed: str, rows: int) -> Any:
    import pandas

    return pandas.DataFrame({"seed": [seed] * rows, "n": range(rows), "half": [n / 2 for n in range(rows)]})


@hw.asset(key=["raw", "settings"])
def settings() -> dict[str, Any]:
    return {"answer": 42, "names": ["a", "b"]}


@hw.asset(key=["raw", "run"])
def run_of_now(context: hw.AssetExecutionContext) -> str:
    """Another value in every run, so that what is stored and what is recorded can be told apart."""
    return context.run_id * 10


@hw.asset
def some_bytes(context: hw.AssetExecutionContext) -> bytes:
    return context.run_id.encode() * 1_000


@hw.asset
def pickled(context: hw.AssetExecutionContext) -> set[str]:
    return {context.run_id}


@hw.asset(ins={"text": hw.AssetIn(["raw", "run"])})
def table(context: hw.AssetExecutionContext, text: str) -> Any:
    context.log.info("makes a table")
    return frame(text, 2_000)


@hw.asset
def table_again(table: Any) -> Any:
    return table.assign(n=table["n"] + 1)


@hw.asset(deps=[table])
def without_value() -> hw.MaterializeResult[Any]:
    return hw.MaterializeResult(metadata={"rows": 3})


@hw.multi_asset(outs={f"part_{number}": hw.AssetOut() for number in range(5)})
def parts(context: hw.AssetExecutionContext) -> Iterator[hw.Output[Any]]:
    for number in range(5):
        time.sleep(0.002)
        yield hw.Output({"part": number, "run": context.run_id}, f"part_{number}", metadata={"number": number})


@hw.multi_asset(specs=[hw.AssetSpec("told_1"), hw.AssetSpec("told_2")])
def told() -> Iterator[hw.MaterializeResult[Any]]:
    yield hw.MaterializeResult(asset_key="told_1", data_version=hw.DataVersion("one"))
    time.sleep(0.003)
    yield hw.MaterializeResult(asset_key="told_2", data_version=hw.DataVersion("two"))


def waiting_asset(name: str) -> hw.AssetsDefinition:
    @hw.asset(name=name, group_name="waiting")
    async def waits(context: hw.AssetExecutionContext) -> list[str]:
        for turn in range(4):
            print(f"turn {turn}")
            await asyncio.sleep(0.004)
        return [name, context.run_id]

    return waits


waiting = [waiting_asset(f"waiting_{number}") for number in range(4)]


@hw.asset(retry_policy=hw.RetryPolicy(max_retries=3, delay=0.004))
def flaky(context: hw.AssetExecutionContext) -> int:
    print("attempt", context.retry_number)
    if context.retry_number < 2:
        raise ConnectionError("not yet")
    return context.retry_number


@hw.asset
def talks() -> int:
    for number in range(400):
        print(f"line {number} {'.' * (number % 90)}")
        if number % 40 == 0:
            logging.getLogger("project").warning("warned %d", number)
    return 400


@hw.asset(check_specs=[hw.AssetCheckSpec("own", asset="checked")])
def checked() -> Iterator[Any]:
    yield hw.Output(list(range(100)))
    yield hw.AssetCheckResult(check_name="own", passed=True)


@hw.asset_check(asset=checked, blocking=True)
def has_rows(checked: list[int]) -> hw.AssetCheckResult:
    return hw.AssetCheckResult(passed=len(checked) == 100, metadata={"rows": len(checked)})


@hw.asset(deps=[checked])
def after_check(flaky: int) -> int:
    return flaky


@hw.asset(partitions_def=DAYS)
def daily(context: hw.AssetExecutionContext) -> dict[str, Any]:
    time.sleep(0.002)
    return {key: {"day": key, "run": context.run_id} for key in context.partition_keys}


@hw.asset(partitions_def=DAYS)
def daily_table(context: hw.AssetExecutionContext, daily: dict[str, Any]) -> dict[str, Any]:
    return {key: frame(value["run"], 20) for key, value in daily.items()}


ASSETS: list[Any] = [
    *(settings, run_of_now, some_bytes, pickled, table, table_again, without_value, parts, told, *waiting),
    *(flaky, talks, checked, has_rows, after_check, daily, daily_table),
]


@hw.op(out=hw.DynamicOut())
def numbers() -> Iterator[hw.DynamicOutput[int]]:
    for number in range(4):
        yield hw.DynamicOutput(number, mapping_key=f"n{number}")


@hw.op
def squared(number: int) -> int:
    return number * number


@hw.op
def summed(squares: list[int]) -> int:
    return sum(squares)


@hw.job
def squares() -> None:
    summed(numbers().map(squared).collect())


def run_all(instance: hw.Instance) -> list[Any]:
    """Run everything once: all assets in one run, then the job."""
    return [
        hw.materialize(ASSETS, instance=instance, tags=RANGE),
        squares.execute_in_process(instance=instance),
    ]


def _run(home: str, database: str | None) -> None:
    said = os.open(os.path.join(os.path.dirname(home), "said.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(said, 1)
    os.dup2(said, 2)
    code = 1
    try:
        with hw.Instance.open(home, database=database) as instance:
            run_all(instance)
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
        sys.stderr.flush()
    os._exit(code)


def _kill_and_wait(child: int, kill_after_seconds: float | None) -> int:
    if kill_after_seconds is not None:
        time.sleep(kill_after_seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    # All that is imported late is imported now, or it would take up most of the time of each child.
    with contextlib.redirect_stdout(None), hw.Instance.ephemeral() as instance:
        run_all(instance)
    with contextlib.suppress(ImportError):
        pass
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        started_at = time.perf_counter()
        child = os.fork()
        if child == 0:
            _run(order["home"], order["database"])
        exit_code = _kill_and_wait(child, order["kill_after_seconds"])
        print(json.dumps({"exit_code": exit_code, "seconds": time.perf_counter() - started_at}), flush=True)


if __name__ == "__main__":
    main()
