"""64 parallel steps of 10 ms for a minute: recorded events a second. `python -m benchmarks.service_parallel`"""

from __future__ import annotations

import argparse
import time

from benchmarks.contenders import peer
from benchmarks.service_figures import Figure, report
from benchmarks.service_project import ServedProject, executed_on_dagster

WORKERS = 64
_STEPS_OF_A_RUN = 640
_RUNS_AT_ONCE = 4
_PEER_WORKERS = 8
_DATABASE_WORDS = ("locked", "database", "StoreError", "Traceback")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=f"{WORKERS} parallel steps of 10 ms: what is recorded in a second.")
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long (default 60)")
    parser.add_argument("--workers", type=int, default=WORKERS, help=f"how many steps at a time (default {WORKERS})")
    parser.add_argument("--peer-size", type=int, default=16, help="how many of Dagster's steps (default 16)")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args(arguments)
    theirs = theirs_steps = None
    if options.peer_size:
        told = executed_on_dagster(peer(), "parallel_steps", options.peer_size, _PEER_WORKERS)
        theirs, theirs_steps = told["recorded"] / told["seconds"], options.peer_size / told["seconds"]
    with ServedProject("parallel_steps", _STEPS_OF_A_RUN, options.workers, steps_per_worker=10**6) as project:
        project.succeeded(project.launch(job_name="parallel_steps"), look_seconds=0.05)
        used, began = project.processor_seconds(), time.perf_counter()
        first = project.instance.store.last_storage_id()
        # Some runs are always there, so that no worker is idle where one run ends and another begins.
        going: list[str] = []
        launched = failed = 0
        while (now := time.perf_counter()) - began < options.seconds:
            while len(going) < _RUNS_AT_ONCE:
                going.append(project.launch(job_name="parallel_steps"))
                launched += 1
            ended = [run for each in going if (run := project.instance.store.find_run(each)) and run.is_finished]
            failed += sum(not run.is_success for run in ended)
            over = {run.run_id for run in ended}
            going = [each for each in going if each not in over]
            time.sleep(0.05)
        recorded = project.instance.store.last_storage_id() - first
        seconds = now - began
        processor = project.processor_seconds() - used
        workers = len(project.workers())
        for run_id in going:
            failed += not project.ended(run_id, look_seconds=0.05).is_success
        said = project.said.read_text()
    errors = failed + sum(said.count(word) for word in _DATABASE_WORDS)
    figures = [
        Figure("events a second", recorded / seconds, theirs, "", at_least=2_000),
        Figure("steps a second", recorded / seconds / 2, theirs_steps, ""),
        Figure("processor time of a step", processor / max(1, recorded / 2)),
        Figure("errors of the store", errors, None, "", at_most=0),
    ]
    kept = report(
        f"{options.workers} parallel steps of 10 ms for {seconds:.0f} s ({launched} runs, {workers} workers)",
        figures,
        [f"Dagster: {options.peer_size} steps, {_PEER_WORKERS} at a time, on its multiprocess executor."]
        if options.peer_size
        else (),
    )
    return 1 if options.check and not kept else 0


if __name__ == "__main__":
    raise SystemExit(main())
