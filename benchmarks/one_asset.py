"""One asset materialized from the command line, recorded on disk. `python -m benchmarks.one_asset`"""

import tempfile
from pathlib import Path

from benchmarks.command import Benchmark
from benchmarks.contenders import Contender
from benchmarks.timing import Limit


def measure(contender: Contender, size: int) -> float:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        module = Path(folder) / "one_asset.py"
        module.write_text(contender.text_of("one_asset"), encoding="utf-8")
        if contender.module == "dagster":
            arguments = ["asset", "materialize", "--select", "orders", "-f", module.name]
        else:
            arguments = ["materialize", "orders", "-f", module.name]
        return contender.seconds_to_run([contender.command, *arguments], cwd=Path(folder))


BENCHMARK = Benchmark("materialize one asset from the command line", measure, Limit(part_of_peer=1 / 10), runs=5)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
