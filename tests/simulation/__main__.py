"""Play worlds by hand: one with all that happens in it, or many.

python -m tests.simulation --seed 7 --trace
python -m tests.simulation --seeds 0..100000
"""

from __future__ import annotations

import argparse
import sys
import time

from tests.simulation.ledger import Violation
from tests.simulation.world import Size, simulate


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one")
    parser.add_argument("--seeds", help="play all of A..B")
    parser.add_argument("--trace", action="store_true", help="say all that happens")
    parser.add_argument("--shrink", action="store_true", help="look for a smaller world in which the seed fails too")
    parser.add_argument("--most-runs", type=int, default=Size().most_runs)
    parser.add_argument("--most-steps", type=int, default=Size().most_steps)
    parser.add_argument("--chaos-seconds", type=float, default=Size().chaos_seconds)
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first seed that fails")
    given = parser.parse_args()
    size = Size(given.most_runs, given.most_steps, given.chaos_seconds)
    if given.seeds is not None:
        first, _, last = given.seeds.partition("..")
        return _play_many(range(int(first), int(last)), size, given.keep_going)
    if given.seed is None:
        parser.error("give --seed or --seeds")
    if given.shrink:
        size = _shrink(given.seed, size)
    simulate(given.seed, size, given.trace)
    return 0


def _play_many(seeds: range, size: Size, keeps_going: bool) -> int:
    began = time.monotonic()
    failed = 0
    for number, seed in enumerate(seeds, start=1):
        try:
            simulate(seed, size)
        except Violation as error:
            failed += 1
            print(error, file=sys.stderr)
            if not keeps_going:
                return 1
        if number % 1_000 == 0:
            print(f"{number} worlds in {time.monotonic() - began:.1f} s, {failed} failed", flush=True)
    print(f"{len(seeds)} worlds in {time.monotonic() - began:.1f} s, {failed} failed")
    return 1 if failed else 0


def _shrink(seed: int, size: Size) -> Size:
    """Return the smallest size at which a seed fails; another world each time, so the fault may be another one too."""
    for runs in range(1, size.most_runs + 1):
        for steps in range(1, size.most_steps + 1):
            smaller = Size(runs, steps, size.chaos_seconds)
            try:
                simulate(seed, smaller)
            except Violation as error:
                print(error, file=sys.stderr)
                return smaller
    return size


if __name__ == "__main__":
    sys.exit(main())
