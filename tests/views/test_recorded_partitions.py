"""What is recorded, as sets, is what a naive model says: after any writes, wipes and changes of definition, by any process."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from headwater.model.events import AssetMaterialized, AssetNotMaterialized, AssetUnchanged, AssetWiped
from headwater.model.keys import AssetKey
from headwater.model.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
)
from headwater.store import SqliteStore
from headwater.store.partition_sets import KeptPartitionSets
from headwater.store.sql_store import SqlStore
from headwater.views.recorded_partitions import recorded_partitions
from tests.store_places import open_at

SALES = AssetKey("sales")
DAYS = [f"2024-01-{day:02d}" for day in range(1, 13)]
DEFINITIONS: list[PartitionsDefinition[Any]] = [
    DailyPartitionsDefinition("2024-01-01", end_date="2024-01-13"),
    DailyPartitionsDefinition("2024-01-05", end_date="2024-01-09"),
    DailyPartitionsDefinition("2024-01-01", end_date="2024-01-13", timezone="Europe/Paris"),
    DailyPartitionsDefinition("2024-01-01", end_date="2024-01-13", fmt="%Y-%m-%dx"),
    StaticPartitionsDefinition(DAYS),
    StaticPartitionsDefinition(DAYS[::-2]),
    DynamicPartitionsDefinition(name="days"),
    MultiPartitionsDefinition({"a": StaticPartitionsDefinition(["x"]), "b": StaticPartitionsDefinition(["y", "z"])}),
]

keys = st.lists(st.sampled_from([*DAYS, "x|y", "x|z"]), min_size=1, max_size=5, unique=True)
moves = st.one_of(
    st.tuples(st.sampled_from(["materialized", "unchanged", "failed", "blocked", "skipped"]), keys),
    st.tuples(st.just("wipe"), st.just([]) | keys),
    st.tuples(st.just("look"), st.integers(0, len(DEFINITIONS) - 1)),
)


class NaiveModel:
    """Which keys have a value, and how the last attempt of each ended."""

    def __init__(self) -> None:
        self.values: set[str] = set()
        self.outcomes: dict[str, str] = {}

    def take(self, word: str, keys: list[str]) -> None:
        if word == "wipe":
            gone = keys or [*self.values, *self.outcomes]
            self.values -= set(gone)
            self.outcomes = {key: outcome for key, outcome in self.outcomes.items() if key not in gone}
            return
        self.outcomes.update(dict.fromkeys(keys, word))
        if word == "materialized":
            self.values |= set(keys)

    def agrees(self, definition: PartitionsDefinition[Any], found: Any) -> None:
        def readable(keys: Iterator[str] | set[str]) -> set[str]:
            return {key for key in keys if _is_readable(definition, key)}

        assert {str(key) for key in found.materialized} == readable(self.values)
        assert found.strange == self.values - readable(self.values)
        for word, subset in (("failed", found.failed), ("blocked", found.blocked)):
            assert {str(key) for key in subset} == readable({k for k, each in self.outcomes.items() if each == word})


def _is_readable(definition: PartitionsDefinition[Any], key: str) -> bool:
    if isinstance(definition, MultiPartitionsDefinition):
        return definition.find_ordinals(key) is not None
    return definition.find_ordinal(key) is not None


def record(store: SqlStore, word: str, keys: list[str]) -> None:
    if word == "wipe":
        store.append(AssetWiped(asset="sales", partitions=tuple(keys)))
    elif word in ("materialized", "unchanged"):
        kind = AssetMaterialized if word == "materialized" else AssetUnchanged
        for key in keys:
            store.append(kind(asset="sales", partition=key))
    else:
        store.append(AssetNotMaterialized(asset="sales", partitions=tuple(keys), outcome=word))
    store.flush()


def play(stores: list[SqlStore], story: list[tuple[str, Any]], chance: random.Random) -> None:
    model = NaiveModel()
    for word, what in story:
        store = chance.choice(stores)
        if word != "look":
            record(store, word, what)
            model.take(word, what)
            continue
        definition = DEFINITIONS[what]
        found = recorded_partitions(
            definition,
            store,
            SALES,
            keep_from_rows=chance.choice([1, 3, 500]),
            rows_at_once=chance.choice([1, 2, 20_000]),
        )
        model.agrees(definition, found)
    for definition in DEFINITIONS:
        model.agrees(definition, recorded_partitions(definition, stores[0], SALES, keep_from_rows=1))


@settings(max_examples=150, deadline=None)
@given(story=st.lists(moves, max_size=30), seed=st.integers(0, 1_000))
def test_sets_agree_with_a_naive_model_whatever_is_kept(
    story: list[tuple[str, Any]], seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    with SqliteStore(path) as one, SqliteStore(path) as other:
        play([one, other], story, random.Random(seed))


def test_sets_agree_with_a_naive_model_on_every_kind_of_store(place: str) -> None:
    chance = random.Random(7)
    story: list[tuple[str, Any]] = []
    for _ in range(250):
        some = chance.sample([*DAYS, "x|y", "x|z"], chance.randint(1, 5))
        words = ["materialized"] * 4 + ["unchanged", "failed", "blocked", "skipped", "look", "look", "look", "wipe"]
        word = chance.choice(words)
        story.append((word, chance.randrange(len(DEFINITIONS)) if word == "look" else some))
    with open_at(place) as one, open_at(place) as other:
        play([one, other], story, chance)


def test_sets_that_were_read_before_a_wipe_are_not_kept_after_it(place: str) -> None:
    days = DEFINITIONS[0]
    with open_at(place) as store, open_at(place) as other:
        record(store, "materialized", DAYS)
        recorded_partitions(days, store, SALES, keep_from_rows=1)
        kept = store.kept_partition_sets(SALES)
        assert kept is not None
        other.wipe(SALES, ["2024-01-03"])
        assert store.kept_partition_sets(SALES) is None
        # A reader that began before the wipe comes with what it found.
        assert store.keep_partition_sets(SALES, kept) is False
        assert store.kept_partition_sets(SALES) is None
        assert "2024-01-03" not in recorded_partitions(days, store, SALES).materialized
        assert len(recorded_partitions(days, store, SALES).materialized) == 11


def test_sets_that_were_read_before_a_move_are_not_kept_for_who_has_the_key_now(place: str) -> None:
    days = DEFINITIONS[0]
    with open_at(place) as store, open_at(place) as other:
        record(store, "materialized", DAYS[:3])
        recorded_partitions(days, store, SALES, keep_from_rows=1)
        kept = store.kept_partition_sets(SALES)
        assert kept is not None
        read = store.partition_changes(SALES, 0, rows=1)
        other.move_assets({SALES: AssetKey("revenue")})
        record(other, "materialized", DAYS[5:6])
        # A reader that began before the move comes with what it found, or reads on.
        assert store.keep_partition_sets(SALES, kept) is False
        assert store.partition_changes(SALES, read.up_to).forgotten != read.forgotten
        assert list(recorded_partitions(days, store, SALES).materialized) == DAYS[5:6]
        assert list(recorded_partitions(days, store, AssetKey("revenue")).materialized) == DAYS[:3]


def test_newer_sets_are_not_replaced_by_older_ones(place: str) -> None:
    days = DEFINITIONS[0]
    with open_at(place) as store:
        record(store, "materialized", DAYS[:3])
        recorded_partitions(days, store, SALES, keep_from_rows=1)
        old = store.kept_partition_sets(SALES)
        assert old is not None
        record(store, "materialized", DAYS[3:])
        recorded_partitions(days, store, SALES, keep_from_rows=1)
        new = store.kept_partition_sets(SALES)
        assert new is not None
        assert new.up_to > old.up_to
        assert store.keep_partition_sets(SALES, old) is False
        assert store.kept_partition_sets(SALES) == new


def test_a_body_that_cannot_be_read_is_read_again_from_the_rows(place: str) -> None:
    days = DEFINITIONS[0]
    with open_at(place) as store:
        record(store, "materialized", DAYS)
        recorded_partitions(days, store, SALES, keep_from_rows=1)
        kept = store.kept_partition_sets(SALES)
        assert kept is not None
        for body in (b"", b"{", b'{"materialized": 1}', b"\x00\x01"):
            store.keep_partition_sets(SALES, KeptPartitionSets(kept.space, kept.up_to + 1, kept.forgotten, body))
            with contextlib.closing(open_at(place)) as other:
                assert len(recorded_partitions(days, other, SALES).materialized) == 12


def test_somebody_who_writes_is_not_waited_for_to_keep_sets(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "store.sqlite") as store, SqliteStore(tmp_path / "store.sqlite") as other:
        record(store, "materialized", DAYS)
        with other._writer.transaction():
            assert len(recorded_partitions(DEFINITIONS[0], store, SALES, keep_from_rows=1).materialized) == 12
            assert store.kept_partition_sets(SALES) is None
        recorded_partitions(DEFINITIONS[0], store, SALES, keep_from_rows=1)
        assert store.kept_partition_sets(SALES) is not None


def test_many_strange_keys_are_kept_too(tmp_path: Path) -> None:
    keys = [f"customer {number:06d} of the old kind" for number in range(3_000)]
    with SqliteStore(tmp_path / "store.sqlite") as store:
        record(store, "materialized", [*keys, *DAYS])
        for _ in range(2):
            found = recorded_partitions(DEFINITIONS[0], store, SALES)
            assert (len(found.materialized), found.strange) == (12, frozenset(keys))
        kept = store.kept_partition_sets(SALES)
        assert kept is not None
        assert len(kept.body) < 40_000
