"""365 partitions as 365 runs on two workers; 10,000 accepted, canceled and killed. `python -m benchmarks.backfill`"""

from __future__ import annotations

import argparse
import datetime
import random
import time
from collections import Counter

from benchmarks.contenders import BenchmarkFailed, peer
from benchmarks.service_figures import Figure, report
from benchmarks.service_project import DagsterProject, ServedProject
from headwater.model.backfills import BACKFILL_TAG, Backfill, BackfillOptions, BackfillRequest, BackfillStatus
from headwater.model.events import AssetMaterialized
from headwater.model.runs import EventRecordsFilter, RunsFilter
from headwater.service.control import ChangeBackfill, LaunchBackfill

WORKERS = 2
FIRST = datetime.date(1990, 1, 1)


def day(number: int) -> str:
    return str(FIRST + datetime.timedelta(days=number))


class Backfilled(ServedProject):
    """A project with a trivial daily asset, served."""

    def begin(self, size: int, options: BackfillOptions = BackfillOptions()) -> tuple[str, float]:
        """Ask for a backfill of so many days; return its id and the seconds until it was recorded."""
        began = time.perf_counter()
        request = BackfillRequest("daily", partition_range=(day(0), day(size - 1)), options=options)
        told = self.client.ask(LaunchBackfill(request), timeout_seconds=60.0)
        return told["backfill_id"], time.perf_counter() - began

    def backfill(self, backfill_id: str) -> Backfill:
        found = self.instance.store.find_backfill(backfill_id)
        assert found is not None
        return found

    def finished(self, backfill_id: str, status: BackfillStatus, seconds: float = 600.0) -> Backfill:
        until = time.monotonic() + seconds
        while not (found := self.backfill(backfill_id)).is_finished:
            if time.monotonic() > until:
                raise BenchmarkFailed(f"{found} has not ended within {seconds:g} s:\n{self.said.read_text()}")
            time.sleep(0.02)
        if found.status is not status:
            raise BenchmarkFailed(f"{found} ended as {found.status}:\n{self.said.read_text()}")
        return found

    def run_count(self, backfill_id: str) -> int:
        return self.instance.store.run_count(RunsFilter(tags={BACKFILL_TAG: backfill_id}))


def seconds_of_backfill(size: int, turns: int) -> list[float]:
    """Return the seconds from asking for a backfill to its recorded end, for each turn."""
    found = []
    for _ in range(turns):
        with Backfilled("daily", workers=WORKERS) as project:
            project.finished(project.begin(1)[0], BackfillStatus.SUCCESS)
            began = time.perf_counter()
            backfill_id, _ = project.begin(size)
            project.finished(backfill_id, BackfillStatus.SUCCESS)
            found.append(time.perf_counter() - began)
            if project.run_count(backfill_id) != size:
                raise BenchmarkFailed(f"{project.run_count(backfill_id)} runs for {size} partitions")
    return found


def enqueued(size: int) -> tuple[float, float, float, int]:
    """Return the seconds until it is recorded, runs queued a second, seconds from cancel to end, and runs issued after."""
    with Backfilled("daily", workers=WORKERS) as project:
        project.finished(project.begin(1)[0], BackfillStatus.SUCCESS)
        backfill_id, accepted_seconds = project.begin(size)
        time.sleep(1.0)
        project.instance.store.ask_backfill(backfill_id, "cancel")
        asked = time.perf_counter()
        project.client.ask(ChangeBackfill(backfill_id))
        project.finished(backfill_id, BackfillStatus.CANCELED)
        ended_seconds = time.perf_counter() - asked
        issued = project.run_count(backfill_id)
        time.sleep(1.0)
        after = project.run_count(backfill_id) - issued
        # As runs, all at once: this many of them may be there.
        began = time.perf_counter()
        backfill_id, _ = project.begin(size, BackfillOptions(max_concurrent_runs=size))
        while project.run_count(backfill_id) < size:
            time.sleep(0.02)
        queued_seconds = time.perf_counter() - began
        project.instance.store.ask_backfill(backfill_id, "cancel")
    return accepted_seconds, size / queued_seconds, ended_seconds, after


def killed(size: int, kills: int, seed: int) -> tuple[int, int]:
    """Kill the server again and again during a backfill; return how many partitions were built, and how many twice."""
    draw = random.Random(seed)
    with Backfilled("daily", workers=WORKERS) as project:
        backfill_id, _ = project.begin(size)
        for _ in range(kills):
            time.sleep(draw.uniform(0.2, 2.0))
            if project.backfill(backfill_id).is_finished:
                break
            project.kill_and_restart()
        project.finished(backfill_id, BackfillStatus.SUCCESS)
        built = Counter(
            record.event.partition
            for record in project.instance.store.events(EventRecordsFilter())
            if isinstance(record.event, AssetMaterialized)
        )
    return len(built), sum(count > 1 for count in built.values())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Backfills of a trivial daily asset.")
    parser.add_argument("--size", type=int, default=365, help="partitions of the backfill that is timed (default 365)")
    parser.add_argument("--runs", type=int, default=3, help="how often (default 3)")
    parser.add_argument("--peer-size", type=int, default=12, help="Dagster's partitions, seconds each (default 12)")
    parser.add_argument("--large", type=int, default=10_000, help="partitions of the large one (default 10,000)")
    parser.add_argument("--kills", type=int, default=10, help="kills of the server during the large one (default 10)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args(arguments)
    theirs = None
    if options.peer_size:
        queue = (
            "run_coordinator:\n  module: dagster.core.run_coordinator\n  class: QueuedRunCoordinator\n"
            f"  config:\n    max_concurrent_runs: {WORKERS}\n"
        )
        with DagsterProject(peer(), "daily", queue) as dagster:
            seconds = dagster.seconds_of_backfill(day(0), day(options.peer_size - 1), options.peer_size)
            theirs = seconds / options.peer_size
    ours = [seconds / options.size for seconds in seconds_of_backfill(options.size, options.runs)]
    figures = [
        Figure("a partition, least", min(ours), theirs, at_most=None if theirs is None else theirs / 200),
        Figure("a partition, greatest", max(ours)),
    ]
    if theirs is not None:
        figures.append(Figure("times as fast, least of the turns", theirs / max(ours), unit="", at_least=200))
    notes = (
        [f"Dagster: {options.peer_size} partitions, at most {WORKERS} runs at a time."] if theirs is not None else []
    )
    kept = report(f"Backfill of {options.size} partitions as runs of their own on {WORKERS} workers", figures, notes)
    if options.large:
        accepted, queued, ended, after = enqueued(options.large)
        built, twice = killed(options.large, options.kills, options.seed)
        kept &= report(
            f"Backfill of {options.large:,} partitions",
            [
                Figure("accepted and recorded, partitions a second", options.large / accepted, unit="", at_least=1_000),
                Figure("queued as runs, all at once, a second", queued, unit="", at_least=1_000),
                Figure("from cancel to its recorded end", ended, at_most=1.0),
                Figure("runs issued after that", after, unit="", at_most=0),
                Figure(f"built, with {options.kills} kills of the server", built, unit="", at_least=options.large),
                Figure("built twice", twice, unit="", at_most=0),
            ],
        )
    return 1 if options.check and not kept else 0


if __name__ == "__main__":
    raise SystemExit(main())
