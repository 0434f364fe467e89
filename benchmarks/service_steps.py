"""1,000 trivial isolated steps on two workers. `python -m benchmarks.service_steps`"""

from __future__ import annotations

import argparse
import time

from benchmarks.contenders import peer
from benchmarks.service_figures import Figure, percentile, report
from benchmarks.service_project import ServedProject, executed_on_dagster

WORKERS = 2


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Trivial steps, each isolated from the server, on two workers.")
    parser.add_argument("--size", type=int, default=1_000, help="how many steps (default 1,000)")
    parser.add_argument("--runs", type=int, default=3, help="how often (default 3)")
    parser.add_argument(
        "--peer-size", type=int, default=20, help="how many of Dagster's, about a second each (default 20)"
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args(arguments)
    theirs = None
    if options.peer_size:
        told = executed_on_dagster(peer(), "trivial_steps", options.peer_size, WORKERS)
        theirs = told["seconds"] / options.peer_size
    ours = []
    with ServedProject("trivial_steps", options.size, WORKERS) as project:
        project.succeeded(project.launch(job_name="trivial_steps"), look_seconds=0.02)
        for _ in range(options.runs):
            began = time.perf_counter()
            project.succeeded(project.launch(job_name="trivial_steps"), look_seconds=0.02)
            ours.append((time.perf_counter() - began) / options.size)
    figures = [
        Figure("a step, least", min(ours), theirs, at_most=0.003),
        Figure("a step, median", percentile(ours, 0.5)),
    ]
    kept = report(
        f"{options.size:,} trivial isolated steps on {WORKERS} workers ({options.runs} runs)",
        figures,
        [f"Dagster: one run of {options.peer_size} steps on its multiprocess executor."] if theirs is not None else (),
    )
    return 1 if options.check and not kept else 0


if __name__ == "__main__":
    raise SystemExit(main())
