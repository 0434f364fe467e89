"""Declare assets that each depend on up to three earlier ones, put them in Definitions, and build their graph."""

import json
import sys
import time

import headwater as dg

parameters = dict(argument.split("=") for argument in sys.argv[1:])
SIZE = int(parameters["size"])

began = time.perf_counter()


def declared(number: int):
    upstream = sorted({earlier for earlier in (number - 1, number // 2, number - 7) if 0 <= earlier < number})

    @dg.asset(
        name=f"asset_{number}",
        deps=[f"asset_{earlier}" for earlier in upstream],
        group_name=f"group_{number % 20}",
        tags={"layer": "gold" if number % 3 == 0 else "silver"},
        owners=["team:data"],
        kinds={"python"},
        metadata={"number": number},
        description="One of many.",
    )
    def one():
        return None

    return one


definitions = dg.Definitions(assets=[declared(number) for number in range(SIZE)])
graph = definitions.resolve_asset_graph()
seconds = time.perf_counter() - began

assert len(list(graph.get_all_asset_keys())) == SIZE
print(json.dumps({"seconds": seconds}))
