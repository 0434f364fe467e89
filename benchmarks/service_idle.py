"""What the idle service holds in memory, and how soon it accepts a run. `python -m benchmarks.service_idle`"""

from __future__ import annotations

import argparse
import time

from benchmarks.contenders import peer
from benchmarks.service_figures import Figure, percentile, report
from benchmarks.service_project import DagsterProject, Memory, ServedProject

WORKERS = 2
_SETTLE_SECONDS = 1.0


def started() -> tuple[float, float, Memory]:
    """Start a service; return the seconds until it listens, until it has recorded a run, and what it holds when idle."""
    began = time.perf_counter()
    with ServedProject() as project:
        run_id = project.launch(job_name="everything")
        accepted = time.perf_counter() - began
        project.succeeded(run_id)
        until = time.monotonic() + 20
        while len(project.workers()) < WORKERS and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(_SETTLE_SECONDS)
        return project.seconds_to_ready, accepted, project.memory()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="The idle service: its memory, and how soon it accepts a run.")
    parser.add_argument("--runs", type=int, default=5, help="how often it is started (default 5)")
    parser.add_argument("--no-peer", action="store_true", help="without Dagster")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args(arguments)
    theirs: tuple[float, Memory] | None = None
    if not options.no_peer:
        with DagsterProject(peer()) as dagster:
            time.sleep(_SETTLE_SECONDS)
            theirs = dagster.seconds_to_ready, dagster.memory()
    ours = [started() for _ in range(options.runs)]
    ready, accepted = [each[0] for each in ours], [each[1] for each in ours]
    rss, pss = [each[2].rss for each in ours], [each[2].pss for each in ours]
    figures = [
        Figure("accepts runs after, least", min(ready), theirs and theirs[0], at_most=1.0),
        Figure("accepts runs after, median", percentile(ready, 0.5)),
        Figure("has recorded one, least", min(accepted)),
        Figure("resident, sum", max(rss), theirs and theirs[1].rss, "bytes", at_most=200e6),
        Figure("resident, shared once", max(pss), theirs and theirs[1].pss, "bytes"),
        Figure("processes", ours[-1][2].processes, theirs and theirs[1].processes, ""),
    ]
    kept = report(
        f"the idle service of one asset: server, host, {WORKERS} warm workers ({options.runs} starts)",
        figures,
        ["Dagster: `dagster-daemon` and its code server, without a web server, which `dagster dev` has as well."]
        if theirs is not None
        else (),
    )
    return 1 if options.check and not kept else 0


if __name__ == "__main__":
    raise SystemExit(main())
