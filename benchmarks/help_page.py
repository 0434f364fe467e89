"""The command's help page, from the prompt and back to it. `python -m benchmarks.help_page`"""

from benchmarks.command import Benchmark
from benchmarks.contenders import Contender
from benchmarks.timing import Limit


def measure(contender: Contender, size: int) -> float:
    return contender.seconds_to_run([contender.command, "--help"])


BENCHMARK = Benchmark("print --help", measure, Limit(seconds=0.150), runs=7)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
