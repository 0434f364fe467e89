"""A process that records, wipes and reads partitions as fast as it can, and keeps sets of them after every few."""

from __future__ import annotations

import contextlib
import random
import sys

from headwater.model.events import AssetMaterialized, AssetNotMaterialized, AssetWiped
from headwater.model.keys import AssetKey
from headwater.model.partitions import DailyPartitionsDefinition, StaticPartitionsDefinition
from headwater.store import open_store
from headwater.views.recorded_partitions import recorded_partitions

DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2024-07-01")
KEYS = tuple(DAYS.get_partition_keys())
DEFINITIONS = (DAYS, StaticPartitionsDefinition(KEYS[::-1]))


def main(place: str, seed: int, most_moves: int) -> None:
    chance = random.Random(seed)
    with contextlib.closing(open_store(place)) as store:
        for number in range(most_moves):
            keys = tuple(chance.sample(KEYS, chance.randint(1, 20)))
            move = chance.random()
            if move < 0.5:
                for key in keys:
                    store.append(AssetMaterialized(asset="sales", partition=key))
            elif move < 0.7:
                store.append(AssetNotMaterialized(asset="sales", partitions=keys, outcome="failed"))
            elif move < 0.78:
                store.append(AssetWiped(asset="sales", partitions=keys if chance.random() < 0.8 else ()))
            else:
                recorded_partitions(
                    chance.choice(DEFINITIONS), store, AssetKey("sales"), keep_from_rows=1, rows_at_once=7
                )
            if number == 5:
                print("begun", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
