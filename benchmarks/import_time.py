"""Cold import: one process that imports the package and ends. `python -m benchmarks.import_time`"""

import sys
from functools import partial

from benchmarks.command import Benchmark
from benchmarks.contenders import Contender, headwater
from benchmarks.timing import Limit, in_words, interleave

# A name is asked for on both sides, so that nothing is counted as saved that is only put off.
PLAIN = "import headwater; headwater.asset"
ALIAS = "import headwater.compat.dagster as alias; alias.install(); import dagster; dagster.asset"
ALIAS_LIMIT_SECONDS = 0.030


def measure(contender: Contender, size: int) -> float:
    return contender.seconds_to_run([contender.python, "-c", f"import {contender.module}"])


BENCHMARK = Benchmark("import the package", measure, Limit(seconds=0.100, part_of_peer=1 / 6), runs=7)


def report_alias(runs: int = 7) -> bool:
    """Print what the Dagster alias adds to importing the package and a name of it; return whether its limit was kept."""
    ours = headwater()
    measures = {code: partial(ours.seconds_to_run, [ours.python, "-c", code]) for code in (PLAIN, ALIAS)}
    timings = interleave(measures, runs)
    added = timings[ALIAS].minimum - timings[PLAIN].minimum
    kept = added <= ALIAS_LIMIT_SECONDS
    print(f"the Dagster alias adds {in_words(max(added, 0.0))} to the import of a name")
    print(f"  limit: at most {in_words(ALIAS_LIMIT_SECONDS)}: {'kept' if kept else 'MISSED'}", flush=True)
    return kept


if __name__ == "__main__":
    code = BENCHMARK.main()
    alias_kept = report_alias()
    raise SystemExit(code or (1 if "--check" in sys.argv and not alias_kept else 0))
