"""A shop's week, written for Dagster and run unchanged by both engines. `python -m benchmarks.shop`"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.contenders import HERE, BenchmarkFailed, Contender, headwater, peer_with_libraries
from benchmarks.timing import Comparison, Limit, Timings, interleave

PROGRAM = HERE / "programs" / "shop.py"
LIMIT = Limit(part_of_peer=1 / 20)
RUNS = 3


class Shop:
    """The program's runs: what each contender printed, and how long each of its processes took."""

    def __init__(self) -> None:
        self.documents: dict[str, object] = {}
        self.process_seconds: dict[str, list[float]] = {}

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
            took = time.perf_counter() - began
            document = json.loads(out.read_text().splitlines()[-1])
            seconds = float(timing.read_text().splitlines()[-1].removeprefix("seconds "))
        if self.documents.setdefault(contender.name, document) != document:
            raise BenchmarkFailed(f"{contender.name} printed another document than in its run before.")
        self.process_seconds.setdefault(contender.name, []).append(took)
        return seconds


def compare(runs: int = RUNS) -> tuple[Comparison, Comparison]:
    """Return the comparisons of the work and of the whole process; both engines must have printed the same document."""
    shop = Shop()
    contenders = [headwater(), peer_with_libraries()]
    work = interleave({each.name: partial(shop.measure, each) for each in contenders}, runs)
    ours, theirs = shop.documents["Headwater"], shop.documents["Dagster"]
    if ours != theirs:
        raise BenchmarkFailed(f"The documents differ.\nHeadwater: {json.dumps(ours)}\nDagster:   {json.dumps(theirs)}")
    process = {
        name: Timings(name, tuple(seconds[-runs:]))  # what came before was the warm-up
        for name, seconds in shop.process_seconds.items()
    }
    return (
        Comparison("a shop's week under the alias: the work", work["Headwater"], work["Dagster"]),
        Comparison("a shop's week under the alias: the whole process", process["Headwater"], process["Dagster"]),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="A program written for Dagster, on Dagster and under the alias.")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"how often each one runs (default {RUNS})")
    parser.add_argument("--check", action="store_true", help="exit with 1 when the limit is missed")
    options = parser.parse_args()
    work, process = compare(options.runs)
    misses = LIMIT.misses(work)
    print("both printed the same document")
    print(work.table())
    print(f"  limit: {LIMIT}: " + ("kept" if not misses else "MISSED: " + "; ".join(misses)))
    print(process.table(), flush=True)
    return 1 if options.check and misses else 0


if __name__ == "__main__":
    raise SystemExit(main())
