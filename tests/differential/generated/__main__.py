"""`python -m tests.differential.generated`: compare specs that are written down, or fresh ones, on both engines.

(nothing)           run Headwater, and compare with what Dagster recorded
--record [KIND ..]  draw the specs again and write down what Dagster records
--fresh N           draw N new ones, run both engines, and print the smallest that differs
--seed S            draw those of this seed (it is printed)
KIND ...            only these kinds: graphs failures partitions mappings configs jobs
"""

from __future__ import annotations

import argparse
import json
import random
import sys

from tests.differential.comparison import FAULT
from tests.differential.generated.drawing import STRATEGIES, draw, smallest
from tests.differential.generated.engines import Drawn, Engine, Record, Spec, dagster, headwater, on_both
from tests.differential.generated.recorded import COUNTS, read, write
from tests.differential.generated.rules import differences, told


def main(arguments: list[str]) -> int:
    """Compare, print what differs and the totals; return 1 where a spec differs as no rule allows."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential.generated")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--fresh", type=int, metavar="N")
    parser.add_argument("--seed", type=int)
    parser.add_argument("kinds", nargs="*", metavar="KIND")
    options = parser.parse_args(arguments)
    kinds: list[str] = options.kinds or list(STRATEGIES)
    if options.record:
        return _record(kinds)
    if options.fresh is not None:
        return _fresh(kinds, options.fresh, options.seed if options.seed is not None else random.randrange(10**6))
    return _written_down(kinds)


def _wrong(drawn: list[Drawn], theirs: list[Record], ours: list[Record]) -> list[tuple[Spec, str]]:
    """Return the specs that differ, the smallest first, and what to print of each."""
    wrong = []
    for (kind, spec), was, became in zip(drawn, theirs, ours, strict=True):
        labels = list(differences(kind, spec, was, became))
        if labels:
            wrong.append((spec, told(kind, spec, was, became, labels)))
    return sorted(wrong, key=lambda pair: len(json.dumps(pair[0])))


def _written_down(kinds: list[str]) -> int:
    agreeing = wrong = 0
    with headwater() as ours:
        for kind in kinds:
            pairs = read(kind)
            drawn = [each for each, _ in pairs]
            found = _wrong(drawn, [record for _, record in pairs], ours.records(drawn))
            print(f"{kind}: {len(drawn) - len(found)} agree")
            for _, text in found:
                print(f"  DIFFERS {text}")
            agreeing += len(drawn) - len(found)
            wrong += len(found)
    print(f"{agreeing} generated programs agree, {wrong} differ")
    return 1 if wrong else 0


def _record(kinds: list[str]) -> int:
    faults = 0
    with dagster() as theirs:
        for kind in kinds:
            drawn = draw(kind, COUNTS[kind], 0)
            records = theirs.records(drawn)
            sound = [pair for pair in zip(drawn, records, strict=True) if FAULT not in json.dumps(pair[1])]
            for (_, spec), record in zip(drawn, records, strict=True):
                if FAULT in record:
                    print(f"  FAULT {record[FAULT]}: {json.dumps(spec)}")
            faults += len(drawn) - len(sound)
            write(kind, [spec for spec, _ in sound], [record for _, record in sound])
            print(f"{kind}: {len(sound)} written down")
    return 1 if faults else 0


def _fresh(kinds: list[str], count: int, seed: int) -> int:
    wrong = 0
    print(f"seed {seed}")
    with dagster() as theirs, headwater() as ours:
        for kind in kinds:
            share = max(1, count // len(kinds))
            drawn = draw(kind, share, seed)
            found = _wrong(drawn, *on_both(theirs, ours, drawn))
            print(f"{kind}: {len(drawn) - len(found)} agree")
            if found:
                wrong += len(found)
                _print_smallest(kind, found, share, seed, theirs, ours)
    print(f"{wrong} of {count} generated programs differ; again: --fresh {count} --seed {seed}")
    return 1 if wrong else 0


def _print_smallest(
    kind: str, found: list[tuple[Spec, str]], share: int, seed: int, theirs: Engine, ours: Engine
) -> None:
    def differs(spec: Spec) -> bool:
        return any(differences(kind, spec, theirs.record(kind, spec), ours.record(kind, spec)))

    spec = smallest(kind, differs, share, seed) or found[0][0]
    text = _wrong([(kind, spec)], [theirs.record(kind, spec)], [ours.record(kind, spec)])
    print(f"  {len(found)} DIFFER, the smallest like this:")
    print(f"  {text[0][1] if text else found[0][1]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
