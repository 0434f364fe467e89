"""Where the partitions of an asset stand, as sets: also after its definition has changed, and while runs make some of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

import headwater as hw
from headwater.model.errors.graph import UnknownAsset
from headwater.model.errors.partition_spelling import RangeWrongWayRoundError, UnknownDimensionError
from headwater.model.errors.partition_status import NotPartitioned
from headwater.model.errors.partitions import UnknownPartitionError
from headwater.model.events import AssetMaterialized, AssetNotMaterialized, RunStarted, StepStarted
from headwater.model.keys import AssetKey
from headwater.model.runs import Run, RunStatus
from headwater.store.sql_store import SqlStore
from headwater.views.partition_status import keys_of, partition_status_of, range_in_words, ranges_of
from tests.store_places import open_at

SALES = AssetKey("sales")
DAYS = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-11")
REGIONS = hw.StaticPartitionsDefinition(["north", "south", "west"])


def made(store: Any, *keys: str) -> None:
    for key in keys:
        store.append(AssetMaterialized(asset="sales", partition=key))


def failed(store: Any, *keys: str) -> None:
    store.append(AssetNotMaterialized(asset="sales", partitions=keys, outcome="failed"))


def in_words(subset: hw.PartitionsSubset) -> list[str]:
    return [range_in_words(each) for each in ranges_of(subset)]


@pytest.fixture
def store() -> Any:
    with hw.Instance.ephemeral() as instance:
        yield instance.store


def test_the_sets_are_ranges_and_what_has_a_value_and_failed_again_is_both(store: SqlStore) -> None:
    made(store, "2024-01-01", "2024-01-02", "2024-01-04")
    failed(store, "2024-01-04", "2024-01-05")
    status = partition_status_of(DAYS, store, SALES)
    assert in_words(status.materialized) == ["2024-01-01...2024-01-02", "2024-01-04"]
    assert in_words(status.failed) == ["2024-01-04...2024-01-05"]
    assert in_words(status.missing) == ["2024-01-03", "2024-01-06...2024-01-10"]
    assert status.counts == hw.PartitionCounts(total=10, materialized=3, failed=2, missing=6)
    words = [status.word_for(f"2024-01-{day:02d}") for day in (1, 3, 4, 11)]
    assert words == ["materialized", "missing", "failed", "unknown"]
    data = status.to_data(most_ranges=1)
    assert data["ranges"]["missing"] == [{"start": "2024-01-03", "end": "2024-01-03"}]
    assert data["cut"] == ["materialized", "missing"]


def test_a_failure_is_over_when_the_partition_is_made_again(store: SqlStore) -> None:
    failed(store, "2024-01-01", "2024-01-02")
    made(store, "2024-01-01")
    assert in_words(partition_status_of(DAYS, store, SALES).failed) == ["2024-01-02"]


# --------------------------------------------------------------------------------------------- changes of definition


def told(definition: hw.PartitionsDefinition, store: Any) -> tuple[list[str], int, tuple[str, ...]]:
    status = partition_status_of(definition, store, SALES)
    return [str(key) for key in status.materialized], status.unreachable.count, status.unreachable.examples


def test_a_start_that_was_moved_leaves_out_what_lies_before_and_brings_it_back(store: SqlStore) -> None:
    made(store, "2024-01-01", "2024-01-02", "2024-01-05")
    later = hw.DailyPartitionsDefinition("2024-01-03", end_date="2024-01-11")
    assert told(later, store) == (["2024-01-05"], 2, ("2024-01-01", "2024-01-02"))
    assert told(DAYS, store) == (["2024-01-01", "2024-01-02", "2024-01-05"], 0, ())
    said = str(partition_status_of(later, store, SALES).unreachable)
    assert said == "2 partitions are recorded that the definition no longer has: 2024-01-01, 2024-01-02"


def test_keys_that_are_taken_away_are_told_of_and_count_again_when_they_come_back(store: SqlStore) -> None:
    made(store, "north", "south")
    assert told(hw.StaticPartitionsDefinition(["west", "south"]), store) == (["south"], 1, ("north",))
    assert told(hw.StaticPartitionsDefinition(["south", "east", "north"]), store) == (["south", "north"], 0, ())
    assert told(REGIONS, store) == (["north", "south"], 0, ())


def test_dynamic_keys_that_are_deleted_are_told_of_and_count_again(store: SqlStore) -> None:
    customers = hw.DynamicPartitionsDefinition(name="customers")
    store.add_dynamic_partitions("customers", ["ada", "grace"])
    made(store, "ada", "grace")
    store.delete_dynamic_partition("customers", "ada")
    assert told(customers, store) == (["grace"], 1, ("ada",))
    store.add_dynamic_partitions("customers", ["ada"])
    assert told(customers, store)[1:] == (0, ())


def test_a_key_written_otherwise_names_nothing_any_more(store: SqlStore) -> None:
    made(store, "2024-01-01", "2024-01-02")
    other = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-11", fmt="%d.%m.%Y")
    assert told(other, store) == ([], 2, ("2024-01-01", "2024-01-02"))


def test_hours_that_a_timezone_does_not_have_are_told_of(store: SqlStore) -> None:
    made(store, "2024-03-31-01:00", "2024-03-31-02:00")
    utc, berlin = (
        hw.HourlyPartitionsDefinition("2024-03-31-00:00", end_date="2024-04-01-00:00", timezone=zone)
        for zone in ("UTC", "Europe/Berlin")
    )
    assert told(utc, store) == (["2024-03-31-01:00", "2024-03-31-02:00"], 0, ())
    # The clock went from 2 to 3 in that night.
    assert told(berlin, store) == (["2024-03-31-01:00"], 1, ("2024-03-31-02:00",))


def test_a_dimension_that_is_added_makes_what_was_recorded_unreachable(store: SqlStore) -> None:
    made(store, "2024-01-01", "2024-01-02")
    both = hw.MultiPartitionsDefinition({"day": DAYS, "region": REGIONS})
    assert told(both, store) == ([], 2, ("2024-01-01", "2024-01-02"))
    made(store, "2024-01-01|north")
    assert told(both, store) == (["2024-01-01|north"], 2, ("2024-01-01", "2024-01-02"))
    assert told(DAYS, store) == (["2024-01-01", "2024-01-02"], 1, ("2024-01-01|north",))
    # Dimensions are in order of their names, so that this one has the region first.
    renamed = hw.MultiPartitionsDefinition({"day": DAYS, "area": REGIONS})
    assert told(renamed, store)[:2] == ([], 3)


def test_of_many_unreachable_partitions_some_are_named(store: SqlStore) -> None:
    made(store, *DAYS.get_partition_keys())
    gone = partition_status_of(REGIONS, store, SALES).unreachable
    assert (gone.count, len(gone.examples)) == (10, 5)
    assert str(gone).endswith(", 2024-01-05, ...")


# ------------------------------------------------------------------------------------------------------- in progress


def test_what_a_run_is_to_make_is_in_progress_until_it_comes_to_an_end_with_it(place: str) -> None:
    first, last = "headwater/asset_partition_range_start", "headwater/asset_partition_range_end"
    tags = {first: "2024-01-02", last: "2024-01-05"}
    with open_at(place) as store, open_at(place) as other:
        tag_of_one = {"headwater/partition": "2024-01-09"}
        store.create_run(Run("q", "job", RunStatus.QUEUED, asset_selection=(SALES,), tags=tag_of_one))
        store.create_run(Run("r", "job", asset_selection=(SALES,), tags=tags))
        store.append(RunStarted(run_id="r"))
        store.append(StepStarted(run_id="r", step_key="sales"))
        store.append(AssetMaterialized(run_id="r", asset="sales", partition="2024-01-02"))
        store.append(AssetNotMaterialized(run_id="r", asset="sales", partitions=("2024-01-03",), outcome="failed"))
        store.flush()
        # Another process sees the same.
        status = partition_status_of(DAYS, other, SALES)
        assert in_words(status.in_progress) == ["2024-01-04...2024-01-05"]
        assert status.word_for("2024-01-04") == "in progress"
        assert len(status.missing) == 6
        store.close()
        with open_at(place) as again:
            # Its process is gone, so nothing makes them any more.
            again.recover()
            assert partition_status_of(DAYS, again, SALES).in_progress.is_empty


def test_more_partitions_than_are_looked_up_are_in_progress_until_they_are_made(store: SqlStore) -> None:
    hours = hw.HourlyPartitionsDefinition("2020-01-01-00:00", end_date="2021-01-01-00:00")
    first, last = hours.get_first_partition_key(), hours.get_last_partition_key()
    assert first is not None
    assert last is not None
    tags = {"headwater/asset_partition_range_start": first, "headwater/asset_partition_range_end": last}
    store.create_run(Run("r", "job", asset_selection=(SALES,), tags=tags))
    store.append(RunStarted(run_id="r"))
    assert len(partition_status_of(hours, store, SALES).in_progress) == 8784
    store.append(StepStarted(run_id="r", step_key="sales"))
    store.append(AssetMaterialized(run_id="r", asset="sales", partition="2020-05-05-05:00"))
    status = partition_status_of(hours, store, SALES)
    assert "2020-05-05-05:00" not in status.in_progress
    assert len(status.in_progress) == 8783


# ------------------------------------------------------------------------------------------------------ pages of keys


@pytest.mark.parametrize(
    "definition",
    [
        DAYS,
        REGIONS,
        hw.MultiPartitionsDefinition({"day": DAYS, "region": REGIONS}),
        hw.MultiPartitionsDefinition({"a": REGIONS, "b": REGIONS, "c": REGIONS}),
    ],
    ids=["days", "regions", "two", "three"],
)
def test_pages_of_keys_are_together_all_of_them(definition: hw.PartitionsDefinition) -> None:
    everything = definition.subset_with_all_partitions(datetime(2025, 1, 1, tzinfo=UTC))
    every = [str(key) for key in everything]
    some = everything - definition.subset_with_partition_keys(every[::3])
    for subset in (everything, some):
        listed = [str(key) for key in subset]
        for after in every:
            assert list(keys_of(subset, after)) == [key for key in listed if every.index(key) > every.index(after)]


# -------------------------------------------------------------------------------------------------- from Python, slices


@hw.asset(partitions_def=hw.MultiPartitionsDefinition({"day": DAYS, "region": REGIONS}))
def sales() -> None: ...


@hw.asset
def plain() -> None: ...


def test_slices_are_by_range_and_by_dimension() -> None:
    with hw.Instance.ephemeral() as instance:
        made(instance.store, "2024-01-01|north", "2024-01-02|north", "2024-01-02|west", "2024-01-09|west")
        whole = hw.partition_status([sales, plain], "sales", instance=instance)
        assert isinstance(whole, hw.PartitionStatus)
        assert (whole.counts.total, whole.counts.materialized) == (30, 4)
        north = hw.partition_status([sales], sales, instance=instance, partitions="region=north")
        assert (north.counts.total, north.counts.materialized) == (10, 2)
        box = hw.partition_status(
            [sales],
            "sales",
            instance=instance,
            partitions="region=north,west,day=2024-01-02...2024-01-03",
        )
        assert (box.counts.total, box.counts.materialized) == (4, 2)
        ranged = hw.partition_status(
            [sales], "sales", instance=instance, partitions="2024-01-01|north...2024-01-02|south"
        )
        assert (ranged.counts.total, ranged.counts.materialized) == (4, 2)


def test_what_cannot_be_meant_is_refused() -> None:
    with hw.Instance.ephemeral() as instance:

        def ask(key: str = "sales", **named: Any) -> None:
            hw.partition_status([sales, plain], key, instance=instance, **named)

        with pytest.raises(UnknownAsset, match="sales"):
            ask("sale")
        with pytest.raises(NotPartitioned, match="plain"):
            ask("plain")
        with pytest.raises(UnknownDimensionError, match='"region"'):
            ask(partitions="regoin=north")
        with pytest.raises(UnknownPartitionError, match="norht"):
            ask(partitions="region=norht")
        with pytest.raises(RangeWrongWayRoundError, match="wrong way round"):
            ask(partitions="day=2024-01-03...2024-01-02")
        with pytest.raises(UnknownPartitionError):
            ask(partitions="2024-01-01|north...2024-02-01|north")


def test_stale_partitions_are_found_when_they_are_asked_for() -> None:
    def declared(code_version: str) -> hw.AssetsDefinition:
        @hw.asset(partitions_def=REGIONS, code_version=code_version)
        def total() -> int:
            return 1

        return total

    with hw.Instance.ephemeral() as instance:
        hw.materialize([declared("1")], partition_key="north", instance=instance)
        hw.materialize([declared("2")], partition_key="south", instance=instance)
        status = hw.partition_status([declared("2")], "total", instance=instance)
        assert status.stale is None
        status = hw.partition_status([declared("2")], "total", instance=instance, stale=True)
        assert status.stale is not None
        assert list(status.stale) == ["north"]
        assert status.to_data()["counts"]["stale"] == 1


def test_statuses_by_partition_are_those_of_the_sets() -> None:
    with hw.Instance.ephemeral() as instance:
        made(instance.store, "north", "gone")
        failed(instance.store, "south")
        found = instance.get_status_by_partition(SALES, ["north", "south", "west", "gone"], REGIONS)
        assert [None if each is None else each.value for each in found.values()] == [
            "MATERIALIZED",
            "FAILED",
            None,
            None,
        ]
