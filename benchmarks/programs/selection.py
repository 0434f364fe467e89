"""Resolve a mix of selections against a graph of many assets: by key, lineage, group, tag, and set operations."""

import json
import sys
import time

import headwater as dg

parameters = dict(argument.split("=") for argument in sys.argv[1:])
SIZE = int(parameters["size"])
MIDDLE = SIZE // 2


def declared(number: int):
    upstream = sorted({earlier for earlier in (number - 1, number // 2, number - 7) if 0 <= earlier < number})

    @dg.asset(
        name=f"asset_{number}",
        deps=[f"asset_{earlier}" for earlier in upstream],
        group_name=f"group_{number % 20}",
        tags={"layer": "gold" if number % 3 == 0 else "silver"},
    )
    def one():
        return None

    return one


graph = dg.Definitions(assets=[declared(number) for number in range(SIZE)]).resolve_asset_graph()
TEXTS = [
    "key:asset_7",
    f"key:asset_{SIZE - 1}+",
    f"+key:asset_{SIZE - 1}",
    "key:asset_0+",
    f"2+key:asset_{MIDDLE}+2",
    "group:group_3",
    "tag:layer=gold",
    "not group:group_3",
    "group:group_3 or group:group_4",
    f"tag:layer=gold and key:asset_{MIDDLE}+",
    "key:asset_1*",
]

counts = {}
began = time.perf_counter()
for text in TEXTS:
    counts[text] = len(dg.AssetSelection.from_string(text).resolve(graph))
seconds = time.perf_counter() - began

# The harness refuses to compare two engines that answer differently.
print(json.dumps({"seconds": seconds, "counts": counts}))
