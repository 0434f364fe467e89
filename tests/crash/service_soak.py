"""`python -m tests.crash.service_soak --kills 300 --seed 1`: kill workers, hosts and servers under load, and look for lies.

Runs of several kinds, and backfills, are launched all the time while a process of the service is killed with SIGKILL at
random moments, and the server is started again when it was the one. In the end: every run and backfill that was acknowledged
has ended, no step runs, every asset that a run or a backfill made is recorded once for it, all values are there and are what
they should be, nothing holds a slot, and no process is left.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headwater.model.backfills import BACKFILL_TAG, BackfillRequest, BackfillStatus, Outcome
from headwater.model.errors.service import ServiceError
from headwater.model.events import AssetMaterialized, StepFailed, StepSucceeded
from headwater.model.keys import AssetKey
from headwater.model.runs import Run, RunsFilter, RunStatus, StepStatus
from headwater.service.control import LaunchBackfill
from headwater.service.processes import descendants
from headwater.store import Store
from tests.service.running import RunningService

SOURCE = """
import os, random, time
import headwater as hw

DAYS = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-21")

def pause(most=0.02):
    time.sleep(random.random() * most)

@hw.asset(partitions_def=DAYS)
def raw(context) -> list:
    pause()
    return [context.partition_key] * 3

@hw.asset(partitions_def=DAYS, pool="narrow")
def clean(context, raw: list) -> dict:
    pause()
    return {"day": context.partition_key, "rows": len(raw)}

@hw.asset(partitions_def=DAYS)
def report(context, clean: dict) -> str:
    pause()
    return f"{clean['day']}: {clean['rows']}"

@hw.asset
async def fetched() -> int:
    import asyncio
    await asyncio.sleep(random.random() * 0.02)
    return 7

@hw.asset
def doubled(fetched: int) -> int:
    pause()
    return fetched * 2

@hw.multi_asset(outs={"left": hw.AssetOut(), "right": hw.AssetOut()})
def both(doubled: int):
    pause()
    yield hw.Output(doubled, "left")
    pause()
    yield hw.Output(doubled + 1, "right")

@hw.asset_check(asset=doubled, blocking=True)
def is_even(doubled: int) -> hw.AssetCheckResult:
    return hw.AssetCheckResult(passed=doubled % 2 == 0)

@hw.op(out=hw.DynamicOut())
def parts():
    for number in range(6):
        yield hw.DynamicOutput(number, mapping_key=f"k{number}")

@hw.op(pool="narrow")
def squared(number: int) -> int:
    pause()
    return number * number

@hw.op(retry_policy=hw.RetryPolicy(max_retries=5))
def added(context, numbers: list) -> int:
    pause()
    if random.random() < 0.2:
        raise RuntimeError("not this time")
    return sum(numbers)

@hw.job
def fan():
    added(parts().map(squared).collect())
"""
SETTINGS = """
[tool.headwater.service]
workers = 3
grace_seconds = 1
[tool.headwater.pools]
narrow = 2
"""
VALUES = {"fetched": 7, "doubled": 14, "left": 14, "right": 15}


@dataclass
class Told:
    """What the soak did, and the lies that it found."""

    kills: Counter[str] = field(default_factory=Counter)
    launched: list[str] = field(default_factory=list)
    backfills: list[str] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    lost_attempts: int = 0
    lies: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def in_words(self) -> str:
        kills = ", ".join(f"{number} {name}s" for name, number in sorted(self.kills.items()))
        runs = ", ".join(f"{number} {name}" for name, number in sorted(self.ended.items()))
        return (
            f"{sum(self.kills.values())} kills ({kills}) in {self.seconds:.0f} s; {len(self.launched)} runs launched: {runs};"
            f" {len(self.backfills)} backfills; {self.steps} steps, {self.lost_attempts} attempts lost; lies: {len(self.lies)}"
        )


def soak(folder: Path, *, kills: int, seed: int, environment: dict[str, str] | None = None) -> Told:
    """Kill so many processes of a service under load, then look at what is recorded. Never raises for a lie: tells it."""
    chance = random.Random(seed)
    told = Told()
    began = time.monotonic()
    service = RunningService(folder, SOURCE, SETTINGS, environment or {})
    seen: set[int] = set()
    with service:
        for _ in range(kills):
            until = time.monotonic() + chance.random() * 0.4
            while time.monotonic() < until:
                _launch_one(service, chance, told)
                seen.update(descendants(service.process.pid) if service.process is not None else ())
                time.sleep(chance.random() * 0.03)
            _kill_one(service, chance, told)
        _let_end(service, told)
        _look(service, told)
    if told.lies or "Traceback" in service.said.read_text():
        told.lies.append("what the service said:\n" + service.said.read_text()[-4000:])
    left = [pid for pid in seen if _is_ours(pid, folder)]
    if left:
        told.lies.append(f"processes are left: {left}")
    told.seconds = time.monotonic() - began
    return told


def _launch_one(service: RunningService, chance: random.Random, told: Told) -> None:
    kind = chance.random()
    try:
        if kind < 0.08 and len(told.backfills) < 40:
            first = chance.randrange(1, 15)
            days = f"2024-01-{first:02d}", f"2024-01-{first + chance.randrange(1, 6):02d}"
            asked = BackfillRequest("raw or clean or report", partition_range=days)
            told.backfills.append(service.ask(LaunchBackfill(asked))["backfill_id"])
            return
        if kind < 0.4:
            day = f"2024-01-{chance.randrange(1, 21):02d}"
            run_id = service.launch(selection="raw clean report", partition_key=day)
        elif kind < 0.7:
            run_id = service.launch(selection="fetched doubled left right")
        else:
            run_id = service.launch(job_name="fan")
    except (ServiceError, OSError) as error:
        told.refused[getattr(error, "what", str(error))[:120]] += 1  # it was killed meanwhile: nothing is acknowledged
        return
    told.launched.append(run_id)


def _kill_one(service: RunningService, chance: random.Random, told: Told) -> None:
    kind = chance.choices(["worker", "host", "server"], [6, 2, 2])[0]
    pids: Sequence[int] = {"worker": service.workers, "host": service.hosts, "server": ()}[kind]
    assert service.process is not None
    if kind == "server":
        service.kill()
        told.kills[kind] += 1
        if chance.random() < 0.5:
            time.sleep(chance.random() * 0.2)
        service.start()
        return
    if pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(chance.choice(list(pids)), signal.SIGKILL)
            told.kills[kind] += 1


def _let_end(service: RunningService, told: Told) -> None:
    with service.instance() as instance:

        def all_ended() -> bool:
            # An interrupted run is about to be resumed.
            return all(
                run.is_finished and run.status is not RunStatus.INTERRUPTED for run in instance.store.runs()
            ) and all(backfill.is_finished for backfill in instance.store.backfills())

        try:
            service.wait_until(all_ended, "all runs to end", 40.0)
        except AssertionError as error:
            left = [
                f"{run.run_id[:8]} {run.job_name} {run.status.value}"
                for run in instance.store.runs()
                if not run.is_finished
            ]
            told.lies.append(f"runs have not ended: {left[:10]} {error} {service.described()}")


def _look(service: RunningService, told: Told) -> None:
    """Compare what is recorded with what must be so."""
    with service.instance() as instance:
        for run_id in told.launched:
            run = instance.store.find_run(run_id)
            if run is None:
                told.lies.append(f"run {run_id} was acknowledged and is not there")
                continue
            told.ended[run.status.value] += 1
            records = [record.event for record in instance.store.events_of_run(run_id)]
            told.lost_attempts += sum(isinstance(event, StepFailed) and event.cause == "lost" for event in records)
            told.steps += sum(isinstance(event, StepSucceeded) for event in records)
            told.lies += _lies_of_run(run, records)
            for step in instance.store.steps_of(run_id):
                if step.status in (StepStatus.RUNNING, StepStatus.WAITING_TO_RETRY):
                    told.lies.append(f"step {step.step_key} of {run_id} is {step.status.value} in a run that has ended")
        for backfill_id in told.backfills:
            told.lies += _lies_of_backfill(instance.store, backfill_id)
        from headwater.runtime.project import find_definitions

        definitions = find_definitions(file=service.folder / "definitions.py").definitions
        for name, value in VALUES.items():
            if instance.store.asset_state(AssetKey(name)) is not None:
                found = definitions.load_asset_value(name, instance=instance)
                if found != value:
                    told.lies.append(f"{name} is {found!r}, not {value!r}")
        for day in instance.store.materialized_partitions(AssetKey("report")):
            found = definitions.load_asset_value("report", instance=instance, partition_key=day)
            if found != f"{day}: 3":
                told.lies.append(f"report of {day} is {found!r}")
    described = service.described()
    held = {name: pool for name, pool in described["pools"].items() if pool["taken"]}
    if held or described["waiting_steps"] or described["waiting_runs"]:
        told.lies.append(f"slots are held when nothing runs: {held}, {described['waiting_steps'][:3]}")


def _lies_of_backfill(store: Store, backfill_id: str) -> list[str]:
    """Compare what a backfill says of itself with what its runs recorded."""
    backfill = store.find_backfill(backfill_id)
    if backfill is None or not backfill.is_finished:
        return [f"backfill {backfill_id} was acknowledged and has not ended: {backfill}"]
    made: Counter[tuple[str, str | None]] = Counter()
    has_failed = False
    for run in store.runs(RunsFilter(tags={BACKFILL_TAG: backfill_id})):
        has_failed |= run.status is RunStatus.FAILURE
        events = (record.event for record in store.events_of_run(run.run_id))
        made.update((event.asset, event.partition) for event in events if isinstance(event, AssetMaterialized))
    lies = [f"backfill {backfill_id} built {what} {times} times" for what, times in made.items() if times != 1]
    if backfill.count(Outcome.MATERIALIZED) != len(made):
        lies.append(f"backfill {backfill_id} says {backfill.counts}, and {len(made)} were made")
    if backfill.ended_count != backfill.total or (backfill.status is not BackfillStatus.SUCCESS and not has_failed):
        lies.append(f"backfill {backfill_id} ended as {backfill.status.value} with {backfill.counts}")
    return lies


def _lies_of_run(run: Run, events: Sequence[object]) -> list[str]:
    made = Counter(
        (event.asset, event.partition, event.step_key) for event in events if isinstance(event, AssetMaterialized)
    )
    ended = Counter(event.step_key for event in events if isinstance(event, StepSucceeded))
    lost = {event.step_key for event in events if isinstance(event, StepFailed)}
    lies = [f"{step} of {run.run_id} succeeded {times} times" for step, times in ended.items() if times != 1]
    for (asset, partition, step), times in made.items():
        # A multi-asset tells of each asset as it comes: what came before it was lost is built again.
        if times != 1 and not (step in lost and asset in ("left", "right")):
            lies.append(f"{asset} {partition} of {run.run_id} is recorded {times} times")
    if run.status is RunStatus.SUCCESS:
        wanted = {str(key) for key in run.asset_selection}
        missing = wanted - {asset for asset, _, _ in made}
        if missing:
            lies.append(f"run {run.run_id} succeeded without {sorted(missing)}")
    elif run.status is not RunStatus.FAILURE or not lost:
        told = [(type(event).__name__, getattr(event, "step_key", None)) for event in events]
        lies.append(f"run {run.run_id} ended as {run.status.value} and nobody asked for it: {run.cause}: {told}")
    return lies


def _is_ours(pid: int, folder: Path) -> bool:
    try:
        return str(folder) in os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return False


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill processes of a service under load, and look for lies.")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true", help="keep the state in a PostgreSQL that is started for it")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headwater-soak-"))).resolve()
        environment: dict[str, str] = {}
        if options.postgres:
            from tests.postgres_server import running_server

            server = stack.enter_context(running_server())
            environment["HEADWATER_DATABASE"] = stack.enter_context(server.database())
        told = soak(folder, kills=options.kills, seed=options.seed, environment=environment)
    print(told.in_words())
    for why, times in told.refused.most_common(5):
        print(f" ({times} launches were not taken: {why})")
    for lie in told.lies[:30]:
        print(" -", lie)
    return 1 if told.lies else 0


if __name__ == "__main__":
    raise SystemExit(main())
