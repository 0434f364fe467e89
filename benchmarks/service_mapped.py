"""Mapped outputs: the time grows as their number does. `python -m benchmarks.service_mapped`"""

from __future__ import annotations

import argparse
import time

from benchmarks.contenders import peer
from benchmarks.service_figures import Figure, report
from benchmarks.service_project import ServedProject, executed_on_dagster

WORKERS = 2
# Twice as many may take so many times as long.
_MOST_GROWTH = 2.2


def seconds_of(size: int, runs: int) -> tuple[float, float]:
    """Return the least wall time and the least processor time of some runs that map over so many outputs."""
    taken = []
    with ServedProject("mapped_outputs", size, WORKERS, steps_per_worker=10**6) as project:
        for _ in range(runs):
            used, began = project.processor_seconds(), time.perf_counter()
            project.succeeded(project.launch(job_name="mapped_outputs"), look_seconds=0.05)
            taken.append((time.perf_counter() - began, project.processor_seconds() - used))
    return min(wall for wall, _ in taken), min(processor for _, processor in taken)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="A step for each of many outputs of another.")
    parser.add_argument("--size", type=int, default=10_000, help="the greatest number of outputs (default 10,000)")
    parser.add_argument("--runs", type=int, default=2, help="how often each number is run (default 2)")
    parser.add_argument(
        "--peer-size", type=int, default=20, help="how many of Dagster's, about a second each (default 20)"
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args(arguments)
    theirs = None
    if options.peer_size:
        told = executed_on_dagster(peer(), "mapped_outputs", options.peer_size, WORKERS)
        theirs = told["seconds"] / (options.peer_size + 1)
    sizes = [options.size // part for part in (8, 4, 2, 1)]
    walls, processors = zip(*(seconds_of(size, options.runs) for size in sizes), strict=True)
    figures = [Figure(f"{size:,} outputs", wall) for size, wall in zip(sizes, walls, strict=True)]
    figures += [Figure(f"an output of {size:,}", wall / size) for size, wall in zip(sizes, walls, strict=True)]
    figures[-1] = Figure(f"an output of {sizes[-1]:,}", walls[-1] / sizes[-1], theirs)
    figures += [
        Figure(f"its processor time, of {size:,}", processor / size)
        for size, processor in zip(sizes, processors, strict=True)
    ]
    # Over the whole way, eight times as much, and of processor time: the wall time is also that of others.
    growth = (processors[-1] / processors[0]) ** (1 / 3)
    figures.append(Figure("for twice as many, times the processor time", growth, None, "", at_most=_MOST_GROWTH))
    kept = report(
        f"mapped outputs on {WORKERS} workers (least of {options.runs} runs)",
        figures,
        [f"Dagster: {options.peer_size} outputs on its multiprocess executor."] if options.peer_size else (),
    )
    return 1 if options.check and not kept else 0


if __name__ == "__main__":
    raise SystemExit(main())
