"""What the benchmarks of the service run: steps that cost nothing by themselves, as jobs and assets of one project.

In the environment, `WORK` says which (a name of `JOBS`, one_asset, awaiting_assets) and `SIZE` of how many steps, or mapped
outputs. `FIRST_LINE` names the file to which the first line of user code writes when that was.
"""

import asyncio
import os
import time

import headwater as dg

SIZE = int(os.environ.get("SIZE", "1"))
AWAIT_SECONDS = float(os.environ.get("AWAIT_SECONDS", "1"))


@dg.asset
def orders():
    now = time.time_ns()
    if path := os.environ.get("FIRST_LINE"):
        with open(path, "a", encoding="ascii") as file:
            file.write(f"{now}\n")
    return [1, 2, 3]


@dg.op
def nothing():
    return None


@dg.op
def ten_milliseconds():
    time.sleep(0.01)


@dg.job
def trivial_steps():
    for number in range(SIZE):
        nothing.alias(f"step_{number}")()


@dg.job
def parallel_steps():
    for number in range(SIZE):
        ten_milliseconds.alias(f"step_{number}")()


@dg.op(out=dg.DynamicOut(int))
def parts():
    for number in range(SIZE):
        yield dg.DynamicOutput(number, mapping_key=str(number))


@dg.op
def doubled(number: int):
    return 2 * number


@dg.job
def mapped_outputs():
    parts().map(doubled)


def awaiting(number: int):
    @dg.asset(name=f"awaiting_{number}", group_name="awaiting")
    async def asset():
        await asyncio.sleep(AWAIT_SECONDS)
        return number

    return asset


WORK = os.environ.get("WORK", "one_asset")
# As many days as are wanted, from 1990 on.
days = dg.DailyPartitionsDefinition("1990-01-01")


@dg.asset(partitions_def=days)
def daily():
    return None


JOBS = {"trivial_steps": trivial_steps, "parallel_steps": parallel_steps, "mapped_outputs": mapped_outputs}
defs = dg.Definitions(
    assets=[awaiting(number) for number in range(SIZE)]
    if WORK == "awaiting_assets"
    else [daily]
    if WORK == "daily"
    else [orders],
    jobs=[JOBS[WORK]] if WORK in JOBS else [dg.define_asset_job("everything")],
)
