"""A request over 5,000 assets, 500 of them with 1,000 partitions each, as a plan. `python -m benchmarks.plan_5000`

Everything is recorded as built: the plan of what is stale reads what 500,000 partitions were made from. No peer: Dagster
has no such plan. `--check` makes a missed limit an exit code; limits are times of one process, so give it a quiet machine.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import headwater as hw
from benchmarks.timing import Timings, in_words
from headwater.model.events import AssetMaterialized, InputVersion

LIMIT_SECONDS = 1.0
RUNS = 5


def declared(assets: int, partitioned: int, partitions: int) -> hw.Definitions:
    """Return chains of ten: partitioned ones first, then unpartitioned ones."""
    days = hw.DailyPartitionsDefinition("2020-01-01", end_date=_day_after("2020-01-01", partitions))
    made: list[hw.AssetsDefinition] = []
    for number in range(assets):
        deps = [made[number - 1]] if number % 10 and number != partitioned else []
        is_partitioned = number < partitioned

        @hw.asset(name=f"asset_{number}", deps=deps, code_version="1", partitions_def=days if is_partitioned else None)
        def one() -> None: ...

        made.append(one)
    return hw.Definitions(made)


def _day_after(start: str, days: int) -> str:
    from datetime import date, timedelta

    return (date.fromisoformat(start) + timedelta(days=days)).isoformat()


def record_all(definitions: hw.Definitions, instance: hw.Instance) -> None:
    """Record every asset and partition as built from what its upstream is."""
    from headwater.model.runs import Run

    instance.store.create_run(Run("run", "all"))
    for definition in definitions.index.definitions:
        (spec,) = definition.specs_by_key.values()
        keys: Sequence[str | None] = [None]
        if spec.partitions_def is not None:
            keys = spec.partitions_def.get_partition_keys()
        deps = tuple(str(dep.asset_key) for dep in spec.deps)
        for key in keys:
            instance.store.append(
                AssetMaterialized(
                    run_id="run",
                    timestamp=1.0,
                    step_key=str(spec.key),
                    asset=str(spec.key),
                    partition=key,
                    metadata={"rows": {"kind": "int", "value": 1}},
                    data_version=f"{hash((str(spec.key), key)) & 0xFFFFFFFFFFFFFFFF:032x}",
                    code_version="1",
                    deps=deps,
                    inputs=tuple(
                        InputVersion(dep, key, f"{hash((dep, key)) & 0xFFFFFFFFFFFFFFFF:032x}") for dep in deps
                    ),
                )
            )
        instance.store.flush()


def timed(definitions: hw.Definitions, instance: hw.Instance, mode: str, runs: int) -> Timings:
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        plan = hw.plan(definitions, instance=instance, mode=mode)
        seconds.append(time.perf_counter() - began)
    print(f"  {mode:<10} {plan.summary}")
    return Timings(mode, tuple(seconds))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Plan a request over many assets and partitions.")
    parser.add_argument("--assets", type=int, default=5_000)
    parser.add_argument("--partitioned", type=int, default=500)
    parser.add_argument("--partitions", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--check", action="store_true", help="exit with 1 when the limit is missed")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as home, hw.Instance.open(Path(home)) as instance:
        definitions = declared(options.assets, options.partitioned, options.partitions)
        record_all(definitions, instance)
        print(f"{options.assets:,} assets, {options.partitioned:,} of them with {options.partitions:,} partitions each")
        found = [timed(definitions, instance, mode, options.runs) for mode in ("requested", "missing", "stale")]
        # The first twentieth of the partitioned assets is another code now: it and what stands on it is stale.
        edited = [
            each if number >= options.partitioned // 20 else each.map_asset_specs(_with_new_code)
            for number, each in enumerate(definitions.index.definitions)
        ]
        found.append(timed(hw.Definitions(edited), instance, "stale", options.runs))
    for label, each in zip(("requested", "missing", "stale: nothing", "stale: some"), found, strict=True):
        print(f"  {label:<16} minimum {in_words(each.minimum):>8}  median {in_words(each.median):>8}")
    missed = [each.name for each in found if each.minimum > LIMIT_SECONDS]
    print(f"  limit: at most {in_words(LIMIT_SECONDS)}: " + (f"MISSED: {', '.join(missed)}" if missed else "kept"))
    return 1 if options.check and missed else 0


def _with_new_code(spec: hw.AssetSpec) -> hw.AssetSpec:
    return spec.replace_attributes(code_version="2")


if __name__ == "__main__":
    raise SystemExit(main())
