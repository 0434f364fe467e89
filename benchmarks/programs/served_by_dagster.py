"""Runs a job of `served.py` on Dagster's multiprocess executor, and tells how long it took and what was recorded.

This one is for Dagster alone: Headwater's side of it is a launch at the service.
"""

import json
import os
import sys
import time

import dagster as dg
import served

if __name__ == "__main__":
    parameters = dict(argument.split("=") for argument in sys.argv[1:])
    job = getattr(served, parameters["work"], None)
    with dg.DagsterInstance.get() as instance:
        began = time.perf_counter()
        if job is None:
            assets = [served.awaiting(number) for number in range(served.SIZE)]
            result = dg.materialize(assets, instance=instance)
        else:
            processes = {"multiprocess": {"max_concurrent": int(parameters["workers"])}}
            result = dg.execute_job(
                dg.reconstructable(job), instance=instance, run_config={"execution": {"config": processes}}
            )
        seconds = time.perf_counter() - began
        assert result.success
        recorded = len(instance.all_logs(result.run_id))
    print(json.dumps({"seconds": seconds, "recorded": recorded, "pid": os.getpid()}))
