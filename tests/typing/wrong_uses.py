"""Uses that mypy must refuse, each with the codes of its errors behind `# refused:`. Never run."""

from __future__ import annotations

import headwater as hw
from headwater.compat import dagster as dg


class Limits(hw.Config):
    most: int


class Client(hw.ConfigurableResource):
    path: str


@hw.asset
def orders() -> list[int]:
    return [1]


@hw.asset_check(asset=orders)
def enough(orders: list[int]) -> hw.AssetCheckResult:
    return hw.AssetCheckResult(passed=len(orders) > 2)


print(hw.assets)  # refused: attr-defined
print(dg.AutoMaterializePolicy)  # refused: attr-defined
orders(1)  # refused: call-arg
wrong: str = orders()  # refused: assignment
enough("text")  # refused: arg-type
Limits(most="many")  # refused: arg-type
Limits(least=1)  # refused: call-arg
Limits()  # refused: call-arg
Client(path=1)  # refused: arg-type
Client(file="x")  # refused: call-arg
hw.asset(orders, grup_name="x")  # refused: call-overload
hw.AssetSpec("x", group="y")  # refused: call-arg
hw.RetryPolicy(max_retries="3")  # refused: arg-type
hw.AssetCheckResult(passed="yes")  # refused: arg-type
hw.DailyPartitionsDefinition()  # refused: call-arg
hw.StaticPartitionsDefinition(3)  # refused: arg-type
print(hw.materialize([orders]).succes)  # refused: attr-defined
hw.materialize([orders], instance="here")  # refused: arg-type
hw.RunRequest(run_kee="x")  # refused: call-arg
hw.SensorResult(run_requests=[1])  # refused: list-item
hw.ScheduleDefinition(job_name="x", cron_schedule=5)  # refused: arg-type
hw.Definitions(asset=[orders])  # refused: call-arg
print(hw.AssetKey("x").paths)  # refused: attr-defined
hw.FreshnessPolicy.time_window(fail_window=3600)  # refused: arg-type


@hw.asset
def misread(context: hw.AssetExecutionContext, config: Limits) -> int:
    print(context.partition_keyy)  # refused: attr-defined
    context.log.inform("x")  # refused: attr-defined
    return config.least  # refused: attr-defined, no-any-return


@hw.success_hook
def told(context: hw.HookContext) -> None:
    print(context.step_keys)  # refused: attr-defined


@hw.sensor(job_name="x")
def watching(context: hw.SensorEvaluationContext) -> hw.SensorResult:
    return hw.SensorResult(cursor=context.cursor + 1)  # refused: arg-type, operator
