"""Cold import: one process that imports the package and ends. `python -m benchmarks.import_time`"""

from benchmarks.command import Benchmark
from benchmarks.contenders import Contender
from benchmarks.timing import Limit


def measure(contender: Contender, size: int) -> float:
    return contender.seconds_to_run([contender.python, "-c", f"import {contender.module}"])


BENCHMARK = Benchmark("import the package", measure, Limit(seconds=0.100, part_of_peer=1 / 6), runs=7)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
