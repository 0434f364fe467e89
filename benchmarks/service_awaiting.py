"""1,000 async assets that await together, in one worker. `python -m benchmarks.service_awaiting`"""

from __future__ import annotations

import argparse
import threading
import time

from benchmarks.contenders import peer
from benchmarks.service_figures import Figure, report
from benchmarks.service_project import Memory, ServedProject, executed_on_dagster

_AWAIT_SECONDS = 5.0
_PEER_AWAIT_SECONDS = 1.0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Async assets that await at the same time, in one worker.")
    parser.add_argument("--size", type=int, default=1_000, help="how many assets (default 1,000)")
    parser.add_argument("--peer-size", type=int, default=3, help="how many of Dagster's (default 3)")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args(arguments)
    theirs = None
    if options.peer_size:
        told = executed_on_dagster(peer(), "awaiting_assets", options.peer_size)
        theirs = told["seconds"] / _PEER_AWAIT_SECONDS
    with ServedProject("awaiting_assets", options.size, 1, await_seconds=_AWAIT_SECONDS) as project:
        greatest = [0]
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(0.1):
                greatest[0] = max([greatest[0], *(Memory.of([pid]).rss for pid in project.workers())])

        watching = threading.Thread(target=watch)
        watching.start()
        began = time.perf_counter()
        try:
            run = project.succeeded(project.launch(selection="group:awaiting"), look_seconds=0.05)
        finally:
            is_over.set()
            watching.join()
        seconds = time.perf_counter() - began
        awaited = len(project.instance.store.steps_of(run.run_id))
    figures = [
        Figure("from launch to success", seconds, None, at_most=2 * _AWAIT_SECONDS),
        Figure("the same in awaits", seconds / _AWAIT_SECONDS, theirs, ""),
        Figure("the worker's memory at most", greatest[0], None, "bytes", at_most=300e6),
    ]
    kept = report(
        f"{awaited:,} assets that await {_AWAIT_SECONDS:g} s together in one worker",
        figures,
        [f"Dagster: {options.peer_size} assets in process, {_PEER_AWAIT_SECONDS:g} s each, one after the other."]
        if options.peer_size
        else (),
    )
    return 1 if options.check and not kept else 0


if __name__ == "__main__":
    raise SystemExit(main())
