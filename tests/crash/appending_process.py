"""A process that records runs as fast as it can and tells, after each flush, how many facts are acknowledged."""

from __future__ import annotations

import contextlib
import random
import sys
import time
from typing import Any

from headwater.model.events import (
    AssetMaterialized,
    CheckEvaluated,
    Event,
    RunStarted,
    RunSucceeded,
    StepFailed,
    StepStarted,
    StepSucceeded,
)
from headwater.model.runs import Run
from headwater.store import open_store


def facts_of(run_id: str, chance: random.Random) -> list[Event]:
    facts: list[Event] = [RunStarted(run_id=run_id, timestamp=time.time())]
    for step in range(chance.randrange(1, 12)):
        where: dict[str, Any] = {"run_id": run_id, "step_key": f"s{step}", "timestamp": time.time()}
        asset: dict[str, Any] = {"asset": f"a{step}", "partition": chance.choice([None, "p1", "p2"])}
        facts.append(StepStarted(**where))
        if chance.random() < 0.2:
            facts.append(StepFailed(**where))
        else:
            facts.append(AssetMaterialized(**where, **asset, metadata={"run": run_id}))
            facts.append(CheckEvaluated(**where, **asset, check="c"))
            facts.append(StepSucceeded(**where))
    return [*facts, RunSucceeded(run_id=run_id, timestamp=time.time())]


def main(place: str, name: str, seed: int, most_runs: int) -> None:
    chance = random.Random(seed)
    with contextlib.closing(open_store(place)) as store:
        acknowledged = 0
        for number in range(most_runs):
            run_id = f"{name}-{number}"
            store.create_run(Run(run_id, "job"))
            for appended, fact in enumerate(facts_of(run_id, chance), start=acknowledged + 1):
                store.append(fact)
                if chance.random() < 0.1:
                    store.flush()
                    print(appended, flush=True)
            acknowledged = appended


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
