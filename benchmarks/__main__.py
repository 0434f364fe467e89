"""Runs the benchmarks that are named, or all: `python -m benchmarks [NAME ...] [--check]`"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from benchmarks import declare_graph, help_page, import_time, one_asset, selection, shop, thousand_assets

# Each prints its tables and returns whether every limit was kept.
BENCHMARKS: dict[str, Callable[[], bool]] = {
    "import_time": import_time.BENCHMARK.run,
    "alias_import": import_time.report_alias,
    "help_page": help_page.BENCHMARK.run,
    "one_asset": one_asset.BENCHMARK.run,
    "declare_graph": declare_graph.BENCHMARK.run,
    "selection": selection.BENCHMARK.run,
    "thousand_assets": thousand_assets.BENCHMARK.run,
    "shop": shop.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Headwater against Dagster.")
    parser.add_argument("names", nargs="*", help=f"which ones (default: all of {', '.join(BENCHMARKS)})")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    kept = [BENCHMARKS[name]() for name in options.names or BENCHMARKS]
    return 1 if options.check and not all(kept) else 0


if __name__ == "__main__":
    raise SystemExit(main())
