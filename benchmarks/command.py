"""What every benchmark's command has: its options, the run of both contenders, the table and the verdict."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.contenders import Contender, headwater, peer
from benchmarks.timing import Comparison, Limit, interleave


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One piece of work: how long `measure` takes for a contender, and the limit that was promised for it.

    `measure(contender, size)` returns seconds; `size` is the number of units (1 where there is nothing to count).
    """

    title: str
    measure: Callable[[Contender, int], float]
    limit: Limit
    runs: int
    size: int = 1
    unit: str = ""
    warm_ups: int = 1

    def compare(self, runs: int | None = None, size: int | None = None) -> Comparison:
        units = size or self.size
        contenders = [headwater(), peer()]
        measures = {each.name: partial(self.measure, each, units) for each in contenders}
        timings = interleave(measures, runs or self.runs, self.warm_ups)
        title = f"{self.title} ({units:,} {self.unit}s)" if self.unit else self.title
        return Comparison(title, timings["Headwater"], timings["Dagster"], units, self.unit)

    def main(self, arguments: list[str] | None = None) -> int:
        """Run the benchmark from the command line; return 1 when `--check` is given and a limit is missed."""
        parser = argparse.ArgumentParser(
            description=f"{self.title}: Headwater against Dagster, in one interleaved run."
        )
        parser.add_argument("--runs", type=int, help=f"how often each one runs (default {self.runs})")
        if self.unit:
            parser.add_argument("--size", type=int, help=f"how many {self.unit}s (default {self.size:,})")
        parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
        options = parser.parse_args(arguments)
        comparison = self.compare(options.runs, getattr(options, "size", None))
        kept = self.report(comparison)
        return 1 if options.check and not kept else 0

    def run(self) -> bool:
        """Time it as it is declared, print the table and the verdict; return whether every limit was kept."""
        return self.report(self.compare())

    def report(self, comparison: Comparison) -> bool:
        """Print the table and the verdict; return whether every limit was kept."""
        misses = self.limit.misses(comparison)
        print(comparison.table())
        print(f"  limit: {self.limit}: " + ("kept" if not misses else "MISSED: " + "; ".join(misses)), flush=True)
        return not misses
