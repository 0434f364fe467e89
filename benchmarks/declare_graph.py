"""5,000 assets declared and their graph built. `python -m benchmarks.declare_graph`"""

from benchmarks.command import Benchmark
from benchmarks.contenders import Contender
from benchmarks.timing import Limit


def measure(contender: Contender, size: int) -> float:
    return float(contender.answer_of("declare_graph", size=size)["seconds"])


BENCHMARK = Benchmark(
    "declare assets and build their graph", measure, Limit(part_of_peer=1 / 5), runs=5, size=5_000, unit="asset"
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
