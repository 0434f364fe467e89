"""From a launch to the first line of user code, and to success, through the service. `python -m benchmarks.service_launch`"""

from __future__ import annotations

import argparse
import statistics
import time

from benchmarks.contenders import peer
from benchmarks.service_figures import Figure, percentile, report
from benchmarks.service_project import DagsterProject, ServedProject

_PAUSE_SECONDS = 0.02


def launches(project: ServedProject, count: int) -> list[tuple[float, float]]:
    """Return for each launch the seconds to the first line of user code and to the end that can be read."""
    taken = []
    for _ in range(count):
        time.sleep(_PAUSE_SECONDS)
        began = time.time_ns()
        run_id = project.launch(job_name="everything")
        project.succeeded(run_id)
        ended = time.time_ns()
        first_line = int(project.first_line.read_text().split()[-1])
        taken.append(((first_line - began) / 1e9, (ended - began) / 1e9))
    return taken


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="From a launch to the first line of user code, and to success.")
    parser.add_argument("--runs", type=int, default=100, help="how many launches (default 100)")
    parser.add_argument(
        "--peer-runs", type=int, default=2, help="how many of Dagster's, which take seconds (default 2)"
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args(arguments)
    theirs: list[tuple[float, float]] = []
    if options.peer_runs:
        with DagsterProject(peer()) as dagster:
            theirs = [dagster.seconds_of_launch() for _ in range(options.peer_runs)]
    with ServedProject() as project:
        launches(project, 5)
        ours = launches(project, options.runs)
    lines, ends = [first for first, _ in ours], [end for _, end in ours]
    their_lines, their_ends = ([first for first, _ in theirs], [end for _, end in theirs]) if theirs else ([], [])
    figures = [
        Figure("first line, least", min(lines), min(their_lines, default=None)),
        Figure("first line, p50", percentile(lines, 0.5), _median(their_lines), at_most=0.030),
        Figure("first line, p95", percentile(lines, 0.95), at_most=0.100),
        Figure("success, least", min(ends), min(their_ends, default=None)),
        Figure("success, p50", percentile(ends, 0.5), _median(their_ends)),
        Figure("success, p95", percentile(ends, 0.95)),
    ]
    kept = report(
        f"launch of one asset at a service that runs ({options.runs} launches)",
        figures,
        [f"Dagster: {options.peer_runs} of `dagster job launch` beside its daemon, from the command's start."]
        if theirs
        else (),
    )
    return 1 if options.check and not kept else 0


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None


if __name__ == "__main__":
    raise SystemExit(main())
