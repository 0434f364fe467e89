"""Eleven selections resolved on 5,000 assets. `python -m benchmarks.selection`

Both engines must select equally many assets with each text, or the comparison is refused.
"""

from benchmarks.command import Benchmark
from benchmarks.contenders import BenchmarkFailed, Contender
from benchmarks.timing import Limit

counts_by_size: dict[int, tuple[str, dict[str, int]]] = {}


def measure(contender: Contender, size: int) -> float:
    answer = contender.answer_of("selection", size=size)
    other, counts = counts_by_size.setdefault(size, (contender.name, answer["counts"]))
    if counts != answer["counts"]:
        differing = {
            text: (counts[text], answer["counts"][text]) for text in counts if counts[text] != answer["counts"][text]
        }
        raise BenchmarkFailed(f"{other} and {contender.name} select differently: {differing}")
    return float(answer["seconds"])


BENCHMARK = Benchmark("resolve selections in a graph", measure, Limit(part_of_peer=1), runs=5, size=5_000, unit="asset")

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
