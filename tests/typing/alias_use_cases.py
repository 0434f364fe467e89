"""What a type checker must understand of a program written for Dagster. `import dagster as dg` reads the same.

That needs a file of one line in the project, as docs/dagster.md says; the test writes it, and changes the import below.
"""

from __future__ import annotations

from typing import assert_type

import headwater as hw
from headwater.compat import dagster as dg


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2024-01-01"))
def orders(context: dg.AssetExecutionContext) -> list[int]:
    assert_type(context.partition_key, str)
    return [1, 2]


@dg.asset
def reported(orders: list[int]) -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": dg.MetadataValue.int(len(orders))})


class Warehouse(dg.ConfigurableResource):
    path: str


def names_that_carry_the_brand_are_ours() -> None:
    instance = dg.DagsterInstance.ephemeral()
    assert_type(instance, hw.Instance)
    assert_type(dg.materialize([orders, reported], instance=instance), hw.ExecuteInProcessResult)
    assert_type(orders(dg.build_asset_context(partition_key="2024-01-01")), list[int])
    assert_type(Warehouse(path="x").path, str)
    statuses: list[dg.DagsterRunStatus] = [dg.DagsterRunStatus.SUCCESS]
    events: list[dg.DagsterEvent] = []
    defs: hw.Definitions = dg.Definitions(assets=[orders, reported], resources={"warehouse": Warehouse(path="x")})
    try:
        defs.resolve_job_def("nothing")
    except dg.DagsterInvalidDefinitionError as error:
        assert_type(str(error), str)
    assert statuses
    assert not events


def what_is_not_there_is_refused() -> None:
    print(dg.assets)  # type: ignore[attr-defined]
    Warehouse(path=1)  # type: ignore[arg-type]
