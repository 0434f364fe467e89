"""A definition of five dimensions with 10,000,000 cells, and sets of them. `python -m benchmarks.five_dimensions`

No peer: Dagster's definitions have two dimensions at most, and its sets of them are sets of keys. What must not depend on
the number of cells has a limit: declaring and counting, whether a cell is there, and mapping a set that is whole or a slice.
What a thousand cells at random cost is told beside. Memory is what the process grows by, each set in a process of its own.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import headwater as hw
from benchmarks.timing import in_words
from headwater.model.partitions import PartitionsSubset
from headwater.model.partitions.own_mapping import size_of
from headwater.model.partitions.spelling import read_partitions

CELLS = 10_000_000
SLICE = "region=region-3,date=2022-01-01...2022-12-31"
LIMIT_SECONDS = {"declare": 0.010, "membership": 0.001, "mapping": 0.010}
LIMIT_BYTES = 5_000_000
RUNS = 7
SETS = ("full", "slice", "random", "minus")
_SAID = {
    "full": "all cells",
    "slice": SLICE,
    "random": "1,000 cells at random",
    "minus": "all cells but those 1,000",
}


def declared() -> hw.MultiPartitionsDefinition:
    """Return 1,000 days x 10 regions x 100 products x 5 channels x 2 plans."""

    def keys(name: str, count: int) -> hw.StaticPartitionsDefinition:
        return hw.StaticPartitionsDefinition([f"{name}-{number}" for number in range(count)])

    return hw.MultiPartitionsDefinition(
        {
            "date": hw.DailyPartitionsDefinition("2021-01-01", "2023-09-28"),
            "region": keys("region", 10),
            "product": keys("product", 100),
            "channel": keys("channel", 5),
            "plan": keys("plan", 2),
        }
    )


def cells_at_random(definition: hw.MultiPartitionsDefinition, count: int = 1_000) -> list[hw.MultiPartitionKey]:
    chance = random.Random(1)
    keys = {name: each.get_partition_keys() for name, each in definition.defs_by_dimension.items()}
    return [hw.MultiPartitionKey({name: chance.choice(of) for name, of in keys.items()}) for _ in range(count)]


def made(name: str, definition: hw.MultiPartitionsDefinition) -> PartitionsSubset[Any]:
    """Return one of the sets."""
    match name:
        case "full":
            return definition.subset_with_all_partitions()
        case "slice":
            return read_partitions(SLICE, definition)
        case "random":
            return definition.subset_with_partition_keys(cells_at_random(definition))
        case _:
            return made("full", definition) - made("random", definition)


def by_dimension() -> hw.MultiPartitionMapping:
    """Return a mapping of its own for each dimension: the day before, the last three products, the rest as it is."""
    same = hw.IdentityPartitionMapping()
    before = hw.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    mappings = {"date": before, "product": hw.LastNPartitionMapping(3), "region": same, "channel": same, "plan": same}
    return hw.MultiPartitionMapping({name: hw.DimensionPartitionMapping(name, each) for name, each in mappings.items()})


def least(work: Callable[[], object], runs: int = RUNS) -> float:
    """Return the seconds of the fastest of several runs."""
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def resident_bytes() -> int:
    import os

    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def bytes_of(name: str) -> int:
    """Return by how much a process of its own grows when it makes a set, with what it needs on the way."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.five_dimensions", "--grow-by", name],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout)


def _grown_by(name: str) -> int:
    definition = declared()
    # Whatever is imported and numbered once is there before.
    kept = [definition.subset_with_partition_keys(cells_at_random(definition, 3)), read_partitions(SLICE, definition)]
    before = resident_bytes()
    kept.append(made(name, definition))
    return resident_bytes() - before


def _told_of(name: str, definition: hw.MultiPartitionsDefinition, told: Callable[..., None]) -> int:
    """Tell what a set costs; return by how many bytes a process grows that makes it."""
    mapping, cell = by_dimension(), str(cells_at_random(definition)[0])
    some, other = made(name, definition), made("slice", definition)
    text = some.serialize()
    is_regular = name in ("full", "slice")
    print(f"{_SAID[name]}: {size_of(some):,} cells")
    told("make", least(lambda: made(name, definition), 3), "declare" if is_regular else None)
    told("is a cell in it", least(lambda: cell in some), "membership")
    told("union with the slice", least(lambda: some | other, 3))
    told("without the slice", least(lambda: some - other, 3))
    limit = "mapping" if is_regular else None
    told("what it needs, by dimension", least(lambda: mapping.upstream_of(some, definition), 3), limit)
    told("what needs it", least(lambda: mapping.downstream_of(some, definition), 3), limit)
    told(f"write ({len(text):,} characters)", least(some.serialize, 3))
    told("read", least(lambda: definition.deserialize_subset(text), 3))
    grown = bytes_of(name)
    print(f"  {'memory':<34}{grown / 1e6:>7.1f} MB")
    return grown


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Declare ten million cells in five dimensions, and work with sets.")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--check", action="store_true", help="exit with 1 when a limit is missed")
    parser.add_argument("--grow-by", choices=SETS, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.grow_by:
        print(_grown_by(options.grow_by))
        return 0
    runs: int = options.runs
    missed: list[str] = []

    def told(label: str, seconds: float, limit: str | None = None) -> None:
        print(f"  {label:<34}{in_words(seconds):>10}")
        if limit is not None and seconds > LIMIT_SECONDS[limit]:
            missed.append(f"{label}: {in_words(seconds)} is over {in_words(LIMIT_SECONDS[limit])}")

    definition = declared()
    count = definition.get_num_partitions()
    assert count == CELLS
    print(f"{count:,} cells: {' x '.join(definition.defs_by_dimension)}")
    told("declare and count", least(lambda: declared().get_num_partitions(), runs), "declare")
    cell = str(cells_at_random(definition)[0])
    told("is a cell there", least(lambda: definition.has_partition_key(cell), runs), "membership")
    for name in SETS:
        grown = _told_of(name, definition, told)
        if grown > LIMIT_BYTES:
            missed.append(f"{_SAID[name]}: {grown / 1e6:.1f} MB is over {LIMIT_BYTES / 1e6:.0f} MB")
    print("limits: " + ("; ".join(f"MISSED: {each}" for each in missed) if missed else "kept"))
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
