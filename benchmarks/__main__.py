"""Runs the benchmarks that are named, or all: `python -m benchmarks [NAME ...] [--check]`"""

from __future__ import annotations

import argparse

from benchmarks import declare_graph, help_page, import_time, one_asset, selection, thousand_assets
from benchmarks.command import Benchmark

BENCHMARKS: dict[str, Benchmark] = {
    "import_time": import_time.BENCHMARK,
    "help_page": help_page.BENCHMARK,
    "one_asset": one_asset.BENCHMARK,
    "declare_graph": declare_graph.BENCHMARK,
    "selection": selection.BENCHMARK,
    "thousand_assets": thousand_assets.BENCHMARK,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Headwater against Dagster.")
    parser.add_argument("names", nargs="*", help=f"which ones (default: all of {', '.join(BENCHMARKS)})")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    kept = [BENCHMARKS[name].report(BENCHMARKS[name].compare()) for name in options.names or BENCHMARKS]
    return 1 if options.check and not all(kept) else 0


if __name__ == "__main__":
    raise SystemExit(main())
