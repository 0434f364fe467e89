"""1,000 assets in chains of ten, in process, every event recorded. `python -m benchmarks.thousand_assets`

`--profile` runs Headwater alone under cProfile, to say where the time of a step goes.
"""

import sys

from benchmarks.command import Benchmark
from benchmarks.contenders import Contender, headwater
from benchmarks.timing import Limit


def measure(contender: Contender, size: int) -> float:
    return float(contender.answer_of("thousand_assets", size=size)["seconds"])


# No warm-up: the peer's alone would take a minute, and each turn is a new process anyway.
BENCHMARK = Benchmark(
    "materialize chains of ten, in process, recorded on disk",
    measure,
    Limit(part_of_peer=1 / 100),
    runs=3,
    warm_ups=0,
    size=1_000,
    unit="step",
)

if __name__ == "__main__":
    if "--profile" in sys.argv:
        print(headwater().profile_of("thousand_assets", size=BENCHMARK.size))
        raise SystemExit(0)
    raise SystemExit(BENCHMARK.main())
