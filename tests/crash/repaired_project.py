"""A process that moves or wipes assets, and kills itself in the midst: `repaired_project.py ORDER`, ORDER a JSON object.

It has "home", "database" (or null), "operation", and "calls": after so many calls of functions it sends itself SIGKILL.
Without "calls" it carries the operation out, and prints how many calls that took.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import headwater as hw
from headwater.runtime.instance import Instance
from headwater.runtime.moves import move_assets, moves_of_prefix
from headwater.runtime.stored_values import io_managers

LETTERS = hw.StaticPartitionsDefinition(["a", "b", "c", "d"])
PREFIXES = ("raw", "bronze")


def project(prefix: str) -> hw.Definitions:
    @hw.asset(key=[prefix, "orders"])
    def orders(context: hw.AssetExecutionContext) -> list[str]:
        return [context.run_id]

    @hw.asset(key=[prefix, "parts"], partitions_def=LETTERS)
    def parts(context: hw.AssetExecutionContext) -> str:
        return f"{context.partition_key} {context.run_id}"

    @hw.asset(ins={"rows": hw.AssetIn([prefix, "orders"])})
    def revenue(rows: list[str]) -> int:
        return len(rows)

    @hw.asset(ins={"part": hw.AssetIn([prefix, "parts"])}, partitions_def=LETTERS)
    def lower(part: str) -> str:
        return part.lower()

    return hw.Definitions(assets=[orders, parts, revenue, lower])


def perform(instance: Instance, operation: str) -> None:
    if operation.startswith("move"):
        former, prefix = PREFIXES if operation == "move" else reversed(PREFIXES)
        moves = moves_of_prefix(instance, hw.AssetKey(former), hw.AssetKey(prefix))
        move_assets(instance, moves, definitions=project(prefix))
        return
    key = hw.AssetKey([PREFIXES[0], "parts"])
    if operation == "wipe one":
        state = instance.store.asset_state(key, "b")
        assert state is not None
        instance.wipe_materialization(key, state.materialization_storage_id or 0)
        return
    instance.wipe_asset_partitions(key, ["a", "b"])
    with io_managers(project(PREFIXES[0]), instance) as manager_of:
        manager_of(key).remove(key, ["a", "b"])


def main(order: dict[str, Any]) -> None:
    made = 0
    last = order["calls"]

    def count(_frame: Any, _event: str, _argument: Any) -> None:
        nonlocal made
        made += 1
        if made == last:
            os.kill(os.getpid(), signal.SIGKILL)

    with Instance.open(order["home"], database=order["database"]) as instance:
        instance.get_asset_keys()
        sys.setprofile(count)
        perform(instance, order["operation"])
        sys.setprofile(None)
    print(made)


def warm_up() -> None:
    """Do all of it once, so that calls are those of the repair and not of imports."""
    with Instance.local_temp() as instance:
        assets = list(project(PREFIXES[0]).assets or ())
        for _ in range(2):
            hw.materialize([each for each in assets if each.partitions_def], instance=instance, partition_key="b")
        for operation in ("wipe one", "move", "move back", "wipe with values"):
            perform(instance, operation)


def serve() -> None:
    """Fork a child for each order on stdin, and tell how it ended: the imports are paid for once."""
    warm_up()
    for line in sys.stdin:
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(read)
            os.dup2(write, 1)
            code = 1
            try:
                main(json.loads(line))
                sys.stdout.flush()
                code = 0
            finally:
                os._exit(code)
        os.close(write)
        with os.fdopen(read) as told:
            said = told.read().strip()
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"said": said, "exit": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    serve()
