"""Materialize chains of ten assets in this process, everything recorded in a state directory on disk."""

import json
import sys
import tempfile
import time

import headwater as dg

parameters = dict(argument.split("=") for argument in sys.argv[1:])
SIZE = int(parameters["size"])
CHAIN = 10


def chained(number: int):
    chain, position = divmod(number, CHAIN)
    if position == 0:

        @dg.asset(name=f"chain_{chain}_{position}")
        def first():
            return 1

        return first

    @dg.asset(name=f"chain_{chain}_{position}", ins={"before": dg.AssetIn(f"chain_{chain}_{position - 1}")})
    def following(before):
        return before + 1

    return following


Instance = getattr(dg, "Instance", None) or dg.DagsterInstance
assets = [chained(number) for number in range(SIZE)]

with tempfile.TemporaryDirectory() as folder, Instance.local_temp(folder) as instance:
    began = time.perf_counter()
    result = dg.materialize(assets, instance=instance)
    seconds = time.perf_counter() - began
    assert result.success
    last = dg.AssetKey(f"chain_{(SIZE - 1) // CHAIN}_{(SIZE - 1) % CHAIN}")
    recorded = instance.get_latest_materialization_event(last)
    assert recorded is not None, "the last asset's materialization was not recorded"

print(json.dumps({"seconds": seconds}))
