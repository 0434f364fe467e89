"""A project with partitions of many kinds, for the tests of backfills.

Keys that stand in the file `broken` fail; a day of `slow` takes as many seconds as stand in `slowness`.
"""

from __future__ import annotations

SOURCE = """
import time
from pathlib import Path

import headwater as hw

HERE = Path(__file__).parent

days = hw.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-02-01")
weeks = hw.WeeklyPartitionsDefinition(start_date="2024-01-07", end_date="2024-01-28")
regions = hw.StaticPartitionsDefinition(["north", "south", "west"])
grid = hw.MultiPartitionsDefinition({"day": days, "region": regions})


def refuse_broken(keys):
    broken = HERE / "broken"
    named = broken.read_text().split() if broken.exists() else []
    for key in keys:
        if key in named:
            raise ValueError(f"no data, of all days, on {key}")


@hw.asset(partitions_def=days)
def sales(context) -> str:
    refuse_broken(context.partition_keys)
    return context.partition_key


@hw.asset(partitions_def=days)
def clean(sales: str) -> str:
    return sales


@hw.asset(partitions_def=weeks)
def weekly(clean: dict[str, str]) -> int:
    return len(clean)


@hw.asset(partitions_def=days, backfill_policy=hw.BackfillPolicy.multi_run(2))
def pairs(context) -> dict[str, int]:
    return {key: 1 for key in context.partition_keys}


@hw.asset(partitions_def=days, backfill_policy=hw.BackfillPolicy.single_run())
def loaded(context) -> dict[str, int]:
    return {key: 1 for key in context.partition_keys}


@hw.asset(partitions_def=regions)
def region() -> None: ...


@hw.asset(partitions_def=grid)
def visits() -> None: ...


@hw.asset(partitions_def=hw.DynamicPartitionsDefinition(name="customers"))
def invoices() -> None: ...


@hw.asset
def countries() -> list[str]:
    return ["no"]


@hw.asset(partitions_def=days)
def slow(context) -> None:
    with (HERE / "slow.log").open("a") as log:
        log.write(f"{context.partition_key}\\n")
    slowness = HERE / "slowness"
    time.sleep(float(slowness.read_text()) if slowness.exists() else 0.1)


@hw.asset(partitions_def=days, config_schema={"factor": hw.Field(int, default_value=1)})
def scaled(context) -> int:
    return context.op_config["factor"]


class Raising(hw.PartitionMapping):
    def get_upstream_mapped_partitions_result_for_partitions(self, *args, **kwargs):
        raise RuntimeError("the mapping is broken")

    def get_downstream_partitions_for_partitions(self, *args, **kwargs):
        raise RuntimeError("the mapping is broken")

    @property
    def description(self):
        return "raises"


class Inventing(hw.PartitionMapping):
    def get_upstream_mapped_partitions_result_for_partitions(
        self, downstream_partitions_subset, downstream_partitions_def, upstream_partitions_def, *args, **kwargs
    ):
        from headwater import UpstreamPartitionsResult

        return UpstreamPartitionsResult(
            partitions_subset=hw.StaticPartitionsDefinition(["east"]).subset_with_partition_keys(["east"]),
            required_but_nonexistent_subset=upstream_partitions_def.empty_subset(),
        )

    def get_downstream_partitions_for_partitions(
        self, upstream_partitions_subset, upstream_partitions_def, downstream_partitions_def, *args, **kwargs
    ):
        return downstream_partitions_def.empty_subset()

    @property
    def description(self):
        return "invents"


EXTRA
feed = hw.AssetSpec("feed")
daily = hw.define_asset_job("daily", selection=["sales", "clean"])
nothing_made = hw.job(name="nothing_made")(lambda: None)


of_the_day = hw.PartitionedConfig(days, lambda part: {"ops": {"export": {"config": {"day": part.name}}}})


@hw.op(config_schema={"day": str})
def export(context):
    refuse_broken([context.op_config["day"]])


@hw.job(config=of_the_day)
def exporting():
    export()


defs = hw.Definitions(
    assets=[sales, clean, weekly, pairs, loaded, region, visits, countries, slow, scaled, invoices, *extra, feed],
    jobs=[daily, nothing_made, exporting],
)
"""

RAISING = """
@hw.asset(partitions_def=regions, deps=[hw.AssetDep("region", partition_mapping=Raising())])
def mapped() -> None: ...
"""

INVENTING = """
@hw.asset(partitions_def=regions, deps=[hw.AssetDep("region", partition_mapping=Inventing())])
def mapped() -> None: ...
"""


def source(extra: str = "") -> str:
    """Return the definitions, with what is to be added to them."""
    return SOURCE.replace("EXTRA", f"{extra}\nextra = [mapped]\n" if extra else "extra = []\n")
