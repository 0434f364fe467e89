"""Cold import: one process that imports the package and ends. `python -m benchmarks.import_time`"""

import sys
from functools import partial

from benchmarks.command import Benchmark
from benchmarks.contenders import Contender, headwater
from benchmarks.timing import Limit, in_words, interleave

PLAIN = "import headwater"
ALIAS = "import headwater, headwater.compat.dagster as alias; alias.install(); import dagster"
ALIAS_LIMIT_SECONDS = 0.030


def measure(contender: Contender, size: int) -> float:
    return contender.seconds_to_run([contender.python, "-c", f"import {contender.module}"])


BENCHMARK = Benchmark("import the package", measure, Limit(seconds=0.100, part_of_peer=1 / 6), runs=7)


def report_alias(runs: int = 7) -> bool:
    """Print what installing and importing the Dagster alias adds to the import; return whether its limit was kept."""
    ours = headwater()
    measures = {code: partial(ours.seconds_to_run, [ours.python, "-c", code]) for code in (PLAIN, ALIAS)}
    timings = interleave(measures, runs)
    added = timings[ALIAS].minimum - timings[PLAIN].minimum
    kept = added <= ALIAS_LIMIT_SECONDS
    print(f"the Dagster alias adds {in_words(max(added, 0.0))} to the import")
    print(f"  limit: at most {in_words(ALIAS_LIMIT_SECONDS)}: {'kept' if kept else 'MISSED'}", flush=True)
    return kept


if __name__ == "__main__":
    code = BENCHMARK.main()
    alias_kept = report_alias()
    raise SystemExit(code or (1 if "--check" in sys.argv and not alias_kept else 0))
