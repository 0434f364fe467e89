"""Kept sets, rows, status, staleness and plans tell the same of partitions, after any writes and repairs by two processes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors.backfill_requests import NothingToBackfill
from headwater.model.errors.repair import RepairError
from headwater.model.events import AssetMaterialized, AssetNotMaterialized, AssetUnchanged
from headwater.model.keys import AssetKey
from headwater.runtime.backfill_planning import planned_backfill
from headwater.runtime.instance import Instance
from headwater.runtime.staleness import staleness_in
from headwater.views.partition_status import partition_status_of
from headwater.views.recorded_partitions import recorded_partitions

ASSETS = ("x", "y", "z")
KEYS = ["a", "b", "c", "2024-01-01", "2024-01-02", "2024-01-03"]
DEFINITIONS: list[hw.PartitionsDefinition[Any]] = [
    hw.StaticPartitionsDefinition(["a", "b", "c"]),
    hw.StaticPartitionsDefinition(["c", "a"]),
    hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-03"),
    hw.DailyPartitionsDefinition("2024-01-02", end_date="2024-01-05"),
    hw.DynamicPartitionsDefinition(name="some"),
]
WORDS = ["materialize"] * 5 + ["report", "failed", "blocked", "unchanged", "wipe", "wipe asset", "wipe one", "move"]
WORDS += ["invalidate", "restore", "add key", "delete key", "look", "look"]


def project(definition: hw.PartitionsDefinition[Any]) -> hw.Definitions:
    def declared(name: str) -> hw.AssetsDefinition:
        @hw.asset(key=name, partitions_def=definition)
        def one() -> None: ...

        return one

    return hw.Definitions(assets=[declared(name) for name in ASSETS])


PROJECTS = [project(definition) for definition in DEFINITIONS]


class NaiveModel:
    """By asset: the partitions with a value, how the last attempt of each ended, and those that are marked as wrong."""

    def __init__(self) -> None:
        self.values: dict[str, set[str]] = {name: set() for name in ASSETS}
        self.outcomes: dict[str, dict[str, str]] = {name: {} for name in ASSETS}
        self.marked: dict[str, set[str]] = {name: set() for name in ASSETS}

    def made(self, name: str, keys: list[str]) -> None:
        self.values[name] |= set(keys)
        self.marked[name] -= set(keys)
        self.outcomes[name].update(dict.fromkeys(keys, "materialized"))

    def wiped(self, name: str, keys: list[str]) -> None:
        self.values[name] -= set(keys)
        self.marked[name] -= set(keys)
        for key in keys:
            self.outcomes[name].pop(key, None)

    def moved(self, former: str, name: str) -> None:
        self.values[name], self.values[former] = self.values[former], set()
        self.outcomes[name], self.outcomes[former] = self.outcomes[former], {}
        self.marked[name], self.marked[former] = self.marked[former], set()

    def with_outcome(self, name: str, *words: str) -> set[str]:
        return {key for key, outcome in self.outcomes[name].items() if outcome in words}


def do(word: str, name: str, keys: list[str], instance: Instance, model: NaiveModel, chance: random.Random) -> None:
    store, there = instance.store, [key for key in keys if key in model.values[name]]
    if word == "materialize":
        store.append_all(
            [AssetMaterialized(asset=name, partition=key, data_version=str(chance.random())) for key in keys]
        )
        store.flush()
        model.made(name, keys)
    elif word == "report":
        instance.report_runless_asset_event(hw.AssetMaterialization(name, partition=keys[0]))
        model.made(name, keys[:1])
    elif word in ("failed", "blocked"):
        store.append(AssetNotMaterialized(asset=name, partitions=tuple(keys), outcome=word))
        store.flush()
        model.outcomes[name].update(dict.fromkeys(keys, word))
    elif word == "unchanged":
        store.append_all([AssetUnchanged(asset=name, partition=key) for key in there])
        store.flush()
        model.outcomes[name].update(dict.fromkeys(there, word))
    elif word == "wipe":
        instance.wipe_asset_partitions(AssetKey(name), keys)
        model.wiped(name, keys)
    elif word == "wipe asset":
        instance.wipe_assets([AssetKey(name)])
        model.wiped(name, KEYS)
    elif word == "wipe one" and there:
        wipe_one(name, there[0], instance, model)
    elif word == "move":
        other = chance.choice([each for each in ASSETS if each != name])
        try:
            instance.move_asset(name, other)
        except RepairError:
            assert not model.outcomes[name] or model.outcomes[other]
        else:
            model.moved(name, other)
    elif word in ("invalidate", "restore") and there:
        instance.invalidate(name, there, undo=word == "restore")
        model.marked[name] = model.marked[name] - set(there) if word == "restore" else model.marked[name] | set(there)
    elif word == "add key":
        instance.add_dynamic_partitions("some", keys)
    elif word == "delete key":
        instance.delete_dynamic_partition("some", keys[0])


def wipe_one(name: str, partition: str, instance: Instance, model: NaiveModel) -> None:
    """Wipe the latest materialization. What it leaves is what tests/store/test_wiping_laws.py is about, so it is believed."""
    key, store = AssetKey(name), instance.store
    made = store.partition_states(key)[partition].materialization_storage_id
    assert made is not None
    instance.wipe_materialization(key, made)
    model.wiped(name, [partition])
    left = store.partition_states(key).get(partition)
    if left is not None and left.last_attempt_outcome is not None:
        model.outcomes[name][partition] = left.last_attempt_outcome
    if left is not None and left.materialization is not None:
        model.values[name].add(partition)
        if partition in store.invalidations().get(key, {}):
            model.marked[name].add(partition)


def look(place: int, instance: Instance, model: NaiveModel, chance: random.Random) -> None:
    definition, definitions = DEFINITIONS[place], PROJECTS[place]
    existing = {str(key) for key in definition.get_partition_keys(dynamic_partitions_store=instance)}
    staleness = staleness_in(definitions, instance)
    for name in ASSETS:
        key = AssetKey(name)
        values, failed = model.values[name] & existing, model.with_outcome(name, "failed") & existing
        again = model.with_outcome(name, "failed", "blocked") & existing
        stale = values & (model.marked[name] | failed)
        rows, keep = chance.choice([1, 2, 20_000]), chance.choice([1, 3, 500])
        recorded = recorded_partitions(definition, instance.store, key, keep_from_rows=keep, rows_at_once=rows)
        assert texts(recorded.materialized) & existing == values
        status = partition_status_of(definition, instance.store, key)
        assert [texts(each) for each in (status.materialized, status.failed, status.missing)] == [
            values,
            failed,
            existing - values - failed,
        ]
        assert texts(staleness[key].materialized) == values
        assert texts(staleness[key].stale) == stale
        assert instance.store.materialized_partitions(key) == model.values[name]
        state, parts = instance.store.asset_state(key), instance.store.partition_states(key)
        count = sum(each.materialization_count for each in parts.values())
        assert (0 if state is None else state.materialization_count) == count
        assert planned(definitions, name, "missing", instance) == existing - values
        assert planned(definitions, name, "failed", instance) == again
        assert planned(definitions, name, "stale", instance) >= stale


def texts(subset: Any) -> set[str]:
    return {str(key) for key in subset}


def planned(definitions: hw.Definitions, name: str, mode: str, instance: Instance) -> set[str]:
    try:
        plan = planned_backfill(definitions, hw.BackfillRequest(asset_keys=(name,), mode=mode), instance).plan
    except NothingToBackfill:
        return set()
    return {key for group in plan.groups for key in group.partition_keys or ()}


@pytest.mark.parametrize("seed", range(12))
def test_whatever_was_done_all_ways_of_asking_agree(seed: int, tmp_path: Path) -> None:
    chance, model = random.Random(seed), NaiveModel()
    with Instance.open(tmp_path) as one, Instance.open(tmp_path) as other:
        for _ in range(40):
            word, instance = chance.choice(WORDS), chance.choice([one, other])
            if word == "look":
                look(chance.randrange(len(DEFINITIONS)), instance, model, chance)
            else:
                do(word, chance.choice(ASSETS), chance.sample(KEYS, chance.randint(1, 3)), instance, model, chance)
        for place in range(len(DEFINITIONS)):
            look(place, one, model, chance)
