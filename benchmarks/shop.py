"""A shop's week, written for Dagster and run unchanged by both engines. `python -m benchmarks.shop`

What is compared is the time to get the same work done and recorded with what each engine does by default. The program
launches jobs on an instance on disk (`execute_job`) under the default executor: Dagster's starts a process for each step,
two or more at a time, each of which imports the program again; Headwater's runs the steps in the process that asked, one
after another. Dagster buys with it that a step which kills its process fails alone; that is worth something, and whoever
wants it pays for it there. So the second table compares the engines alone: the runs that both did in process, what pandas
and DuckDB take included. The third is the whole process, with the imports of pandas, DuckDB and the engine itself.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from benchmarks.contenders import HERE, BenchmarkFailed, Contender, headwater, peer_with_libraries
from benchmarks.timing import Comparison, Limit, Timings, interleave

PROGRAM = HERE / "programs" / "shop.py"
LIMIT = Limit(part_of_peer=1 / 20)
RUNS = 2
WORK = "a shop's week under the alias: the work, launched and in process"
IN_PROCESS = "of it, what both ran in process"
WHOLE = "the whole process, imports included"


class Shop:
    """The program's runs: what each contender printed, and the seconds of each part of its runs, in order."""

    def __init__(self) -> None:
        self.documents: dict[str, object] = {}
        self.seconds: dict[str, dict[str, list[float]]] = {}

    def measure(self, contender: Contender) -> float:
        """Run the program once; return the seconds that its work took, as the program itself says."""
        alias = [] if contender.module == "dagster" else ["-m", "headwater.compat.dagster"]
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            out, timing = Path(folder) / "document", Path(folder) / "seconds"
            command = [str(contender.python), *alias, str(PROGRAM)]
            # Both streams go to files, because the contender hands on neither.
            run = f"import subprocess, sys; sys.exit(subprocess.call({command!r}, stdout=open({str(out)!r}, 'w'), "
            run += f"stderr=open({str(timing)!r}, 'w')))"
            began = time.perf_counter()
            contender.seconds_to_run([contender.python, "-c", run], cwd=Path(folder))
            whole = time.perf_counter() - began
            document = json.loads(out.read_text().splitlines()[-1])
            parts: Mapping[str, float] = json.loads(timing.read_text().splitlines()[-1])
        if self.documents.setdefault(contender.name, document) != document:
            raise BenchmarkFailed(f"{contender.name} printed another document than in its run before.")
        work = sum(parts.values())
        taken = self.seconds.setdefault(contender.name, {})
        for title, seconds in {WORK: work, IN_PROCESS: parts["in process"], WHOLE: whole}.items():
            taken.setdefault(title, []).append(seconds)
        return work

    def comparison(self, title: str) -> Comparison:
        """Return how both did in one part."""
        ours, peer = (Timings(name, tuple(self.seconds[name][title])) for name in ("Headwater", "Dagster"))
        return Comparison(title, ours, peer)


def compare(runs: int = RUNS) -> tuple[Comparison, Comparison, Comparison]:
    """Return the comparisons of the work, of what ran in process on both, and of the whole process.

    Raises BenchmarkFailed when the engines, or two runs of one, did not print the same document.
    """
    shop = Shop()
    # No turn is thrown away: Dagster takes a minute or two for each, and files that were cold tell in no minimum.
    interleave({each.name: partial(shop.measure, each) for each in (headwater(), peer_with_libraries())}, runs, 0)
    ours, theirs = shop.documents["Headwater"], shop.documents["Dagster"]
    if ours != theirs:
        raise BenchmarkFailed(f"The documents differ.\nHeadwater: {json.dumps(ours)}\nDagster:   {json.dumps(theirs)}")
    return shop.comparison(WORK), shop.comparison(IN_PROCESS), shop.comparison(WHOLE)


def run(runs: int = RUNS) -> bool:
    """Print the three tables, the first with its limit; return whether it was kept."""
    work, in_process, whole = compare(runs)
    misses = LIMIT.misses(work)
    print("a program written for Dagster: both printed the same document")
    print(work.table())
    print(f"  limit: {LIMIT}: " + ("kept" if not misses else "MISSED: " + "; ".join(misses)))
    print(in_process.table())
    print(whole.table(), flush=True)
    return not misses


def main() -> int:
    parser = argparse.ArgumentParser(description="A program written for Dagster, on Dagster and under the alias.")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"how often each one runs (default {RUNS})")
    parser.add_argument("--check", action="store_true", help="exit with 1 when the limit is missed")
    options = parser.parse_args()
    kept = run(options.runs)
    return 1 if options.check and not kept else 0


if __name__ == "__main__":
    raise SystemExit(main())
