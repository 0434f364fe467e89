"""Random plans: chains, diamonds, fan-ins, mapped steps and what collects them, assets that several runs build."""

from __future__ import annotations

import random

from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.policies import Backoff, RetryPolicy
from headwater.plan.run_plan import KnownOutputs, Need, PlannedAsset, PlanStep, RunPlan
from headwater.service.dispatcher import SLOTS_TAG

POOLS = ("db", "api")
ASSETS = tuple(AssetKey((f"asset{number}",)) for number in range(5))
PARTITIONS = ("p0", "p1", "p2")
MAPPED = "many"


def random_plan(draw: random.Random, most_steps: int) -> RunPlan:
    steps: list[PlanStep] = []
    known: dict[str, KnownOutputs] = {}
    assets = list(ASSETS)
    draw.shuffle(assets)
    has_assets = draw.random() < 0.7
    if draw.random() < 0.1:  # an earlier run has given the values to map over
        keys = [(MAPPED, f"k{number}") for number in range(draw.randrange(3))]
        known["before"] = KnownOutputs("an-earlier-run", (("result", None), *keys))
    for number in range(draw.randrange(most_steps + 1) if draw.random() < 0.03 else draw.randint(1, most_steps)):
        needs, origin = _random_needs(draw, steps, known)
        planned: list[PlannedAsset] = []
        while has_assets and origin is None and assets and len(planned) < 2 and draw.random() < 0.45:
            partitions = tuple(draw.sample(PARTITIONS, draw.randint(1, 3))) if draw.random() < 0.5 else None
            planned.append(PlannedAsset(assets.pop(), "result", partitions))
        checks = (AssetCheckKey(planned[0].key, "is_whole"),) if planned and draw.random() < 0.3 else ()
        tags = {SLOTS_TAG: str(draw.choice((2, 2, 3)))} if draw.random() < 0.15 else {}
        if draw.random() < 0.2:
            tags["kind"] = draw.choice(("red", "blue"))
        steps.append(
            PlanStep(
                key=f"s{number}",
                kind="asset" if planned else "op",
                needs=needs,
                assets=tuple(planned),
                checks=checks,
                mapped_over=origin,
                dynamic_outputs=frozenset({MAPPED} if origin is None and draw.random() < 0.2 else ()),
                retry_policy=_random_policy(draw) if draw.random() < 0.4 else None,
                timeout_seconds=draw.uniform(0.5, 3.0) if draw.random() < 0.12 else None,
                is_async=draw.random() < 0.25,
                pool=draw.choice(POOLS) if draw.random() < 0.4 else None,
                tags=tags,
            )
        )
    return RunPlan(
        job_name="job",
        steps=tuple(steps),
        known_outputs=known,
        timeout_seconds=draw.uniform(3.0, 15.0) if draw.random() < 0.12 else None,
        infrastructure_retries=draw.choice((0, 1, 3, 3)),
    )


def _random_policy(draw: random.Random) -> RetryPolicy:
    delay = draw.choice((None, 0.5, 2.0))
    backoff = draw.choice((None, Backoff.EXPONENTIAL)) if delay is not None else None
    return RetryPolicy(max_retries=draw.randint(1, 2), delay=delay, backoff=backoff)


def _random_needs(
    draw: random.Random, steps: list[PlanStep], known: dict[str, KnownOutputs]
) -> tuple[tuple[Need, ...], tuple[str, str] | None]:
    sources = draw.sample(steps, k=min(len(steps), draw.choice((0, 1, 1, 2, 3))))
    plain = [source for source in sources if not source.dynamic_outputs]
    dynamic = next((source for source in sources if source.dynamic_outputs), None)
    mapped = next((source for source in plain if source.mapped_over), None)
    origin = (dynamic.key, MAPPED) if dynamic is not None else None
    if origin is None and mapped is not None and draw.random() < 0.6:
        origin = mapped.mapped_over
    needs: list[Need] = []
    if origin is None and known and draw.random() < 0.5:
        if draw.random() < 0.5:
            origin = ("before", MAPPED)
            needs.append(Need((origin,)))
        else:
            needs.append(Need((("before", draw.choice(("result", "other"))),)))
    usable = [source for source in plain if source.mapped_over in (None, origin)]
    if len(usable) > 1 and draw.random() < 0.3:
        needs.append(Need(tuple((source.key, "result") for source in usable), is_fan_in=True))
    else:
        needs += [Need(((source.key, draw.choice(("result", "result", "maybe", None))),)) for source in usable]
    needs += [
        Need(((source.key, "result"),), is_collected=True)
        for source in plain
        if source.mapped_over not in (None, origin)
    ]
    if dynamic is not None:
        needs.append(Need(((dynamic.key, MAPPED),)))
    return tuple(needs), origin
