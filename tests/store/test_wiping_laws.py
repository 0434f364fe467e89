"""Wiping one materialization leaves what there would be if it had never been recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings, strategies as st
from msgspec.structs import replace

from headwater.model.events import (
    AssetMaterialized,
    AssetNotMaterialized,
    AssetObserved,
    AssetUnchanged,
    AssetWiped,
    CheckEvaluated,
    Event,
)
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.runs import EventRecordsFilter, EventType
from headwater.store import SqliteStore
from tests.contracts.repair_contract import made_by_partition

ASSET = AssetKey("orders")
CHECKS = [AssetCheckKey(ASSET, name) for name in ("full", "new")]


def facts_of(partitions: Sequence[str | None]) -> st.SearchStrategy[Event]:
    part = st.sampled_from(partitions)
    word = st.sampled_from("xyz")
    named = [each for each in partitions if each is not None]
    some = st.lists(st.sampled_from(named), unique=True, min_size=1).map(tuple) if named else st.just(())
    return st.one_of(
        st.builds(
            lambda at, version, code: AssetMaterialized(
                asset="orders", partition=at, data_version=version, code_version=code, deps=("raw",)
            ),
            part,
            word,
            word,
        ),
        st.builds(
            lambda at, code: AssetUnchanged(asset="orders", partition=at, data_version="held", code_version=code),
            part,
            word,
        ),
        st.builds(lambda of, why: AssetNotMaterialized(asset="orders", partitions=of, cause=why), some, word),
        st.builds(lambda at, version: AssetObserved(asset="orders", partition=at, data_version=version), part, word),
        st.builds(
            lambda at, name, passed: CheckEvaluated(asset="orders", check=name, partition=at, passed=passed),
            part,
            st.sampled_from(["full", "new"]),
            st.booleans(),
        ),
        st.builds(lambda of: AssetWiped(asset="orders", partitions=of), some),
    )


def told(store: SqliteStore, *, is_partitioned: bool) -> Any:
    """Return all of state, without the ids of facts, which differ where one fact is not there."""

    def bare(state: Any) -> Any:
        return state and replace(state, materialization_storage_id=None, latest_observation_storage_id=None)

    provenances = (
        made_by_partition(store.partition_provenances(ASSET)) if is_partitioned else store.asset_provenances([ASSET])
    )
    return (
        bare(store.asset_state(ASSET)),
        {part: bare(state) for part, state in store.partition_states(ASSET).items()},
        provenances,
        {key: record.event for key, record in store.latest_checks().items()},
        [{part: record.event for part, record in store.partition_checks(key).items()} for key in CHECKS],
        store.failed_partitions(ASSET),
    )


def without(facts: Sequence[Event], wiped: int) -> list[Event]:
    """Return the facts as they would be without one: what was said of its value goes with it."""
    partition = facts[wiped].partition
    later = [n for n in range(wiped + 1, len(facts)) if _is_of(facts[n], partition, AssetMaterialized)]
    ends = [n for n in range(wiped + 1, len(facts)) if _covers(facts[n], partition)]
    until = min([*later, *ends], default=len(facts))
    is_latest = not later or (bool(ends) and min(ends) < min(later))
    dropped = {wiped}
    for number in range(wiped + 1, until):
        is_check = is_latest and not ends and _is_of(facts[number], partition, CheckEvaluated)
        if _is_of(facts[number], partition, AssetUnchanged) or is_check:
            dropped.add(number)
    return [fact for number, fact in enumerate(facts) if number not in dropped]


def _is_of(fact: Event, partition: str | None, kind: type[Event]) -> bool:
    return isinstance(fact, kind) and fact.partition == partition


def _covers(fact: Event, partition: str | None) -> bool:
    return isinstance(fact, AssetWiped) and (not fact.partitions or partition in fact.partitions)


def check(facts: Sequence[Event], choice: int, *, is_partitioned: bool) -> None:
    made = [number for number, fact in enumerate(facts) if isinstance(fact, AssetMaterialized)]
    if not made:
        return
    wiped = made[choice % len(made)]
    with SqliteStore(None) as store, SqliteStore(None) as never:
        for number, fact in enumerate(facts):
            store.append(replace(fact, timestamp=float(number)))
        ids = [
            record.storage_id
            for record in store.events(EventRecordsFilter(EventType.ASSET_MATERIALIZATION), ascending=True)
        ]
        store.wipe_materialization(ASSET, ids[made.index(wiped)])
        stamped = [replace(fact, timestamp=float(number)) for number, fact in enumerate(facts)]
        for fact in without(stamped, wiped):
            never.append(fact)
        assert told(store, is_partitioned=is_partitioned) == told(never, is_partitioned=is_partitioned)


@settings(max_examples=150, deadline=None)
@given(facts=st.lists(facts_of(["a", "b"]), max_size=10), choice=st.integers(0, 9))
def test_of_a_partition(facts: list[Event], choice: int) -> None:
    check(facts, choice, is_partitioned=True)


@settings(max_examples=150, deadline=None)
@given(facts=st.lists(facts_of([None]), max_size=10), choice=st.integers(0, 9))
def test_of_an_asset_without_partitions(facts: list[Event], choice: int) -> None:
    check(facts, choice, is_partitioned=False)
