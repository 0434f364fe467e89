"""`python -m tests.differential`: run every program on both engines and compare.

--record            write down what Dagster recorded as the expectations, and what Headwater records where it differs
                    on purpose
--here              do not run Dagster: compare with what is written down
FILE ...            only these files of programs (their names without .py)
FILE.program        only this program, with tracebacks
"""

from __future__ import annotations

import os
import sys

from benchmarks.contenders import peer_with_libraries
from tests.differential.comparison import (
    EXPECTED,
    PINNED,
    PROGRAM_FILES,
    compare,
    expected_of,
    faults_of,
    run_programs,
    to_pin,
    write_records,
)


def main(arguments: list[str]) -> int:
    """Compare, print what differs and the totals; return 1 where something differs that is not on the list."""
    is_recording, is_here = "--record" in arguments, "--here" in arguments
    named = [each for each in arguments if not each.startswith("--")]
    only = tuple(each.partition(".")[2] for each in named if "." in each)
    stems = {each.partition(".")[0] for each in named}
    if only:
        os.environ["DIFFERENTIAL_TRACEBACKS"] = "1"
    agreeing = deliberate = wrong = 0
    for path in PROGRAM_FILES:
        if stems and path.stem not in stems:
            continue
        if is_here:
            theirs = expected_of(path)
            theirs = {name: record for name, record in theirs.items() if not only or name in only}
        else:
            theirs = run_programs(str(peer_with_libraries().python), path, as_alias=False, only=only)
        faults = faults_of(path, theirs)
        if is_recording and faults:
            print(f"{path.stem}: nothing is written down before its programs are mended")
        elif is_recording and not only:
            write_records(EXPECTED / f"{path.stem}.json", theirs)
        elif not is_here and not only and theirs != expected_of(path):
            print(f"{path.stem}: Dagster records something else than what is written down; look, then use --record")
            wrong += 1
        ours = run_programs(sys.executable, path, as_alias=True, only=only)
        if is_recording and not faults and not only:
            write_records(PINNED / f"{path.stem}.json", to_pin(theirs, ours))
        compared = compare(path, theirs, ours)
        agreeing += compared.agreeing
        deliberate += len(compared.deliberate)
        wrong += len(faults) + len(compared.wrong) + len(compared.changed) + (0 if only else len(compared.gone))
        print(f"{path.stem}: {compared.agreeing} agree, {len(compared.deliberate)} differ on purpose")
        for place in faults:
            print(f"  FAULT {place}")
        for place in compared.wrong:
            print(f"  DIFFERS {place}")
        for place in compared.changed:
            print(f"  LISTED, AND CHANGED HERE {place}")
        for place in () if only else compared.gone:
            print(f"  LISTED AND NOT SHOWN {place}")
    print(f"{agreeing} programs agree, {deliberate} differ on purpose, {wrong} differences are not on the list")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
