"""What every backend of the store must do when what is recorded is moved, wiped one by one, or marked as wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from headwater.model.errors.repair import (
    AssetHasHistory,
    AssetInUse,
    BadMove,
    ChangedMeanwhile,
    NothingRecorded,
    UnknownMaterialization,
)
from headwater.model.events import (
    AssetMaterialized,
    AssetNotMaterialized,
    AssetObserved,
    AssetUnchanged,
    CheckEvaluated,
    InputVersion,
    RunCanceled,
    RunFailed,
    RunStarted,
    RunSucceeded,
)
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.provenance import ProvenanceGroup, read_made_by
from headwater.model.runs import EventRecordsFilter, EventType, Run, RunStatus
from headwater.store import Store
from tests.contracts.event_store_contract import NO_NULLS, ORDERS, SALES, materialized


def made_by_partition(groups: Sequence[ProvenanceGroup]) -> dict[str | None, Any]:
    """Return what made each partition, its version, and what it read."""
    return {
        partition: (group.made, group.versions.values[place], group.read_versions(place))
        for group in groups
        for place, partition in enumerate(group.partitions)
    }


class RepairContract:
    """Moves, single wipes and marks. Subclasses give a fixture `store` with an empty, open store."""

    def test_a_moved_asset_keeps_all_that_is_known_of_it_under_its_new_key(self, store: Store) -> None:
        store.create_run(Run("r1", "nightly", asset_selection=(ORDERS,), check_selection=(NO_NULLS,), created_at=1.0))
        store.append(RunStarted(run_id="r1", timestamp=1.0))
        store.append(materialized(ORDERS, "a", run_id="r1", data_version="v1", timestamp=2.0))
        store.append(materialized(ORDERS, "a", run_id="r1", data_version="v2", timestamp=3.0))
        store.append(AssetObserved(asset="orders", partition="b", data_version="seen", timestamp=4.0))
        store.append(AssetNotMaterialized(asset="orders", partitions=("c", "d"), cause="ValueError", timestamp=5.0))
        store.append(CheckEvaluated(asset="orders", check="no_nulls", partition="a", passed=False, timestamp=6.0))
        store.append(RunSucceeded(run_id="r1", timestamp=7.0))
        before = store.partition_states(ORDERS)
        whole = store.asset_state(ORDERS)
        assert whole is not None
        store.move_assets({ORDERS: SALES})
        assert store.asset_keys() == [SALES]
        assert store.asset_state(ORDERS) is None
        moved = store.partition_states(SALES)
        assert list(moved) == list(before)
        for partition, state in moved.items():
            was = before[partition]
            assert (state.asset_key, state.materialization_count) == (SALES, was.materialization_count)
            assert (state.last_attempt_outcome, state.last_attempt_cause) == (
                was.last_attempt_outcome,
                was.last_attempt_cause,
            )
            assert state.materialization is None or state.materialization.asset_key == SALES
            assert state.latest_observation is None or state.latest_observation.asset_key == SALES
        now = store.asset_state(SALES)
        assert now is not None
        assert now.materialization_count == whole.materialization_count == 2
        check = AssetCheckKey(SALES, "no_nulls")
        assert list(store.latest_checks()) == [check]
        assert store.partition_checks(check)["a"].asset_key == SALES
        history = store.events(EventRecordsFilter(asset_key=SALES), ascending=True)
        assert [record.event_type.value for record in history] == [
            "ASSET_MATERIALIZATION",
            "ASSET_MATERIALIZATION",
            "ASSET_OBSERVATION",
            "ASSET_FAILED_TO_MATERIALIZE",
            "ASSET_CHECK_EVALUATION",
            "ASSET_MOVED",
        ]
        assert {record.asset_key for record in history} == {SALES}
        assert {record.asset_key for record in store.events_of_run("r1")} == {SALES, None}
        run = store.find_run("r1")
        assert run is not None
        assert (run.asset_selection, run.check_selection) == ((SALES,), (check,))
        assert store.runs() == [run]
        renames = store.renames()
        assert renames.former_keys("sales/daily") == ("orders",)
        latest = renames.latest("orders")
        assert latest is not None
        assert latest[0] == "sales/daily"

    def test_a_moved_asset_goes_on_being_written_and_can_move_back(self, store: Store) -> None:
        store.append(materialized(ORDERS, data_version="v1"))
        store.move_assets({ORDERS: SALES})
        store.append(materialized(SALES, data_version="v2"))
        store.move_assets({SALES: ORDERS})
        store.append(materialized(ORDERS, data_version="v3"))
        state = store.asset_state(ORDERS)
        assert state is not None
        assert state.materialization_count == 3
        assert store.renames().latest("orders") is None
        records = store.events(EventRecordsFilter(EventType.ASSET_MATERIALIZATION, asset_key=ORDERS))
        assert [record.event.data_version for record in records] == ["v3", "v2", "v1"]  # type: ignore[attr-defined]

    def test_what_was_read_from_a_moved_asset_is_told_under_its_new_key(self, store: Store) -> None:
        report, sums = AssetKey("report"), AssetKey("sums")
        read = (InputVersion("orders", None, "v1"),)
        many = tuple(InputVersion("orders", f"{n}", f"v{n}" * 10) for n in range(100))
        store.append(materialized(ORDERS, data_version="v1"))
        store.append(materialized(report, data_version="r1", deps=("orders",), inputs=read))
        store.append(materialized(sums, "p", data_version="s1", deps=("orders",), inputs=many))
        store.append(materialized(sums, "q", data_version="s2", deps=("orders",), inputs=many[:2]))
        store.move_assets({ORDERS: SALES})
        made_by, provenance = store.asset_provenances([report])[report]
        assert read_made_by(made_by).dep_names == ("sales/daily",)
        assert provenance.read_versions(read_made_by(made_by)) == {"sales/daily": {None: "v1"}}
        for group in store.partition_provenances(sums):
            assert group.made.dep_names == ("sales/daily",)
            for place in range(len(group.partitions)):
                assert set(group.read_versions(place)) == {"sales/daily"}
        event = store.events(EventRecordsFilter(EventType.ASSET_MATERIALIZATION, asset_key=report))[0].event
        assert isinstance(event, AssetMaterialized)
        assert (event.deps, event.inputs[0].asset) == (("sales/daily",), "sales/daily")
        # A new asset takes the old key: it is another, before and after.
        store.append(materialized(ORDERS, data_version="n1"))
        store.append(
            materialized(report, data_version="r2", deps=("orders",), inputs=(InputVersion("orders", None, "n1"),))
        )
        newer, older = store.events(EventRecordsFilter(EventType.ASSET_MATERIALIZATION, asset_key=report))
        assert (newer.event.deps, older.event.deps) == (("orders",), ("sales/daily",))  # type: ignore[attr-defined]
        state = store.asset_state(report)
        assert state is not None
        assert state.materialization == newer.event
        assert store.asset_state(ORDERS) != store.asset_state(SALES)

    def test_several_assets_move_together_or_not_at_all(self, store: Store) -> None:
        a, b, c = AssetKey("a"), AssetKey("b"), AssetKey("c")
        for key in (a, b, c):
            store.append(materialized(key, data_version=str(key)))
        with pytest.raises(AssetHasHistory, match="cannot become"):
            store.move_assets({a: AssetKey("x"), b: c})
        assert store.asset_keys() == [a, b, c]
        store.move_assets({a: b, b: a})
        states = store.asset_states([a, b])
        assert [states[key].materialization.data_version for key in (a, b)] == ["b", "a"]  # type: ignore[union-attr]

    def test_a_move_that_cannot_be_meant_changes_nothing(self, store: Store) -> None:
        store.append(materialized(ORDERS))
        with pytest.raises(NothingRecorded, match='Did you mean "orders"'):
            store.move_assets({AssetKey("order"): SALES})
        with pytest.raises(BadMove):
            store.move_assets({ORDERS: ORDERS})
        store.move_assets({ORDERS: SALES}, is_dry=True)
        assert store.asset_keys() == [ORDERS]
        assert store.renames().latest("orders") is None
        state = store.asset_state(ORDERS)
        assert state is not None
        assert state.materialization is not None

    def test_an_asset_does_not_move_while_a_run_builds_it_or_what_reads_it(self, store: Store) -> None:
        report = AssetKey("report")
        store.append(materialized(ORDERS))
        store.append(materialized(report, deps=("orders",)))
        for run_id, built in (("r1", ORDERS), ("r2", report), ("r3", SALES)):
            store.create_run(Run(run_id, "nightly", asset_selection=(built,), created_at=1.0))
            with pytest.raises(AssetInUse, match=run_id):
                store.move_assets({ORDERS: SALES})
            store.append(RunStarted(run_id=run_id))
            store.append(RunFailed(run_id=run_id))
        store.create_run(Run("r4", "nightly", status=RunStatus.QUEUED, asset_selection=(ORDERS,), created_at=1.0))
        with pytest.raises(AssetInUse):
            store.move_assets({ORDERS: SALES})
        store.append(RunCanceled(run_id="r4"))
        store.move_assets({ORDERS: SALES})

    def test_an_asset_takes_the_key_of_a_wiped_one_whose_history_stays_apart(self, store: Store) -> None:
        store.append(materialized(SALES, data_version="other"))
        store.append(materialized(ORDERS, data_version="v1"))
        store.wipe(SALES)
        store.move_assets({ORDERS: SALES})
        records = store.events(EventRecordsFilter(EventType.ASSET_MATERIALIZATION, asset_key=SALES))
        assert [record.event.data_version for record in records] == ["v1"]  # type: ignore[attr-defined]
        assert store.asset_keys() == [SALES]
        everything = store.events(EventRecordsFilter(EventType.ASSET_MATERIALIZATION))
        assert {str(record.asset_key) for record in everything} > {"sales/daily"}

    def test_an_asset_that_was_built_since_its_values_were_prepared_does_not_move(self, store: Store) -> None:
        store.append(materialized(ORDERS))
        seen = store.latest_facts([ORDERS])[ORDERS].attempt_id
        store.append(materialized(ORDERS))
        with pytest.raises(ChangedMeanwhile):
            store.move_assets({ORDERS: SALES}, {ORDERS: seen})
        assert store.asset_keys() == [ORDERS]

    # ------------------------------------------------------------------------------------------------------ one wiped

    @pytest.mark.parametrize("partition", [None, "a"])
    def test_state_after_wiping_the_latest_materialization_is_what_it_was_before_it(
        self, store: Store, partition: str | None
    ) -> None:
        parts = () if partition is None else (partition, "z")
        read = (InputVersion("raw", None, "x1"),)
        facts = [
            materialized(ORDERS, partition, data_version="v1", code_version="c1", deps=("raw",), inputs=read),
            AssetUnchanged(asset="orders", partition=partition, data_version="v1", code_version="c2", deps=("raw",)),
            AssetNotMaterialized(asset="orders", partitions=parts, cause="ValueError"),
            AssetObserved(asset="orders", partition=partition, data_version="seen"),
            CheckEvaluated(asset="orders", check="no_nulls", partition=partition, passed=False),
        ]
        for fact in facts:
            store.append(fact)

        def told() -> tuple[Any, ...]:
            provenances = (
                store.asset_provenances([ORDERS])
                if partition is None
                else made_by_partition(store.partition_provenances(ORDERS))
            )
            return (
                store.asset_state(ORDERS, partition),
                store.asset_state(ORDERS),
                provenances,
                store.latest_facts([ORDERS]),
                store.latest_checks(),
                store.partition_checks(NO_NULLS),
            )

        before = told()
        store.append(materialized(ORDERS, partition, data_version="v2", code_version="c3", deps=("raw", "more")))
        store.append(AssetUnchanged(asset="orders", partition=partition, data_version="v2", code_version="c4"))
        store.append(CheckEvaluated(asset="orders", check="no_nulls", partition=partition, passed=True))
        store.append(CheckEvaluated(asset="orders", check="of the new value", partition=partition, passed=True))
        made = store.asset_state(ORDERS, partition)
        assert made is not None
        assert made.materialization_storage_id is not None
        wiped = store.wipe_materialization(ORDERS, made.materialization_storage_id)
        assert wiped.data_version == "v2"
        assert told() == before
        kinds = [r.event_type.value for r in store.events(EventRecordsFilter(asset_key=ORDERS), ascending=True)]
        assert kinds.count("ASSET_MATERIALIZATION") == 1
        assert kinds[-1] == "ASSET_WIPED"

    def test_wiping_an_older_materialization_changes_history_and_the_count_alone(self, store: Store) -> None:
        for version in ("v1", "v2", "v3"):
            store.append(materialized(ORDERS, "a", data_version=version))
        before = store.asset_state(ORDERS, "a")
        assert before is not None
        ids = [record.storage_id for record in store.events(EventRecordsFilter(asset_key=ORDERS), ascending=True)]
        store.wipe_materialization(ORDERS, ids[1])
        after = store.asset_state(ORDERS, "a")
        assert after == replace(before, materialization_count=2)
        assert store.asset_state(ORDERS).materialization_count == 2  # type: ignore[union-attr]
        left = store.events(EventRecordsFilter(EventType.ASSET_MATERIALIZATION, asset_key=ORDERS))
        assert [record.storage_id for record in left] == [ids[2], ids[0]]

    def test_wiping_the_only_materialization_leaves_nothing(self, store: Store) -> None:
        store.append(materialized(ORDERS, "a"))
        store.append(materialized(ORDERS, "b"))
        made = store.asset_state(ORDERS, "b")
        assert made is not None
        store.wipe_materialization(ORDERS, made.materialization_storage_id or 0)
        assert store.materialized_partitions(ORDERS) == {"a"}
        whole = store.asset_state(ORDERS)
        assert whole is not None
        assert (whole.materialization_count, whole.materialization.partition) == (1, "a")  # type: ignore[union-attr]
        store.wipe_materialization(ORDERS, whole.materialization_storage_id or 0)
        assert store.asset_state(ORDERS) is None

    def test_what_an_earlier_wipe_made_count_no_longer_does_not_come_back(self, store: Store) -> None:
        store.append(materialized(ORDERS, "a", data_version="v1"))
        store.wipe(ORDERS, ["a"])
        store.append(materialized(ORDERS, "a", data_version="v2"))
        made = store.asset_state(ORDERS, "a")
        assert made is not None
        store.wipe_materialization(ORDERS, made.materialization_storage_id or 0)
        assert store.asset_state(ORDERS, "a") is None

    def test_a_materialization_that_is_not_there_is_not_wiped(self, store: Store) -> None:
        store.append(materialized(ORDERS))
        store.append(materialized(SALES))
        other = store.asset_state(SALES)
        assert other is not None
        with pytest.raises(UnknownMaterialization):
            store.wipe_materialization(ORDERS, other.materialization_storage_id or 0)
        with pytest.raises(UnknownMaterialization):
            store.wipe_materialization(AssetKey("nope"), 1)

    def test_a_value_that_replaced_the_one_that_counts_again_is_marked_as_wrong(self, store: Store) -> None:
        for version in ("v1", "v1", "v2"):
            store.append(materialized(ORDERS, data_version=version, has_value=True))
        ids = [record.storage_id for record in store.events(EventRecordsFilter(asset_key=ORDERS), ascending=True)]
        store.wipe_materialization(ORDERS, ids[2])
        assert "wiped" in store.invalidations()[ORDERS][None].reason
        store.append(materialized(ORDERS, data_version="v1", has_value=True))
        assert store.invalidations() == {}
        newest = store.asset_state(ORDERS)
        assert newest is not None
        store.wipe_materialization(ORDERS, newest.materialization_storage_id or 0)
        # The same content is in storage as was recorded then; the mark from before is newer than that record.
        assert "wiped" in store.invalidations()[ORDERS][None].reason

    # ---------------------------------------------------------------------------------------------------------- marks

    def test_a_mark_holds_until_the_value_is_made_again(self, store: Store) -> None:
        for partition in "abc":
            store.append(materialized(ORDERS, partition))
        store.invalidate(ORDERS, ["a", "b"], "sensor was broken")
        assert {part: str(mark) for part, mark in store.invalidations()[ORDERS].items()} == {
            "a": "marked as wrong by hand: sensor was broken",
            "b": "marked as wrong by hand: sensor was broken",
        }
        store.append(AssetUnchanged(asset="orders", partition="a"))
        store.append(materialized(ORDERS, "b"))
        assert set(store.invalidations()[ORDERS]) == {"a"}
        store.invalidate(ORDERS, ["a"], is_undone=True)
        assert store.invalidations() == {}

    def test_one_mark_stands_for_all_partitions_and_can_be_taken_back_for_some(self, store: Store) -> None:
        for partition in "abc":
            store.append(materialized(ORDERS, partition))
        store.invalidate(ORDERS, None, "all of it")
        store.append(materialized(ORDERS, "d"))
        assert set(store.invalidations()[ORDERS]) == {"a", "b", "c"}
        store.invalidate(ORDERS, ["b"], is_undone=True)
        assert set(store.invalidations()[ORDERS]) == {"a", "c"}
        store.invalidate(ORDERS, ["b"], "again")
        assert store.invalidations()[ORDERS]["b"].reason == "again"
        store.invalidate(ORDERS, None, is_undone=True)
        assert store.invalidations() == {}
        store.invalidate(ORDERS, [])
        assert store.invalidations() == {}

    def test_a_mark_follows_a_move_and_goes_with_a_wipe(self, store: Store) -> None:
        store.append(materialized(ORDERS))
        store.invalidate(ORDERS, None, "wrong")
        store.move_assets({ORDERS: SALES})
        assert store.invalidations()[SALES][None].reason == "wrong"
        store.wipe(SALES)
        assert store.invalidations() == {}

    def test_names_with_odd_letters_are_found_among_inputs_that_are_listed(self, store: Store) -> None:
        odd = AssetKey(["a_b%", 'quo"ted!'])
        store.append(materialized(odd, data_version="v1"))
        read = tuple(InputVersion(str(odd), str(number), "v") for number in range(3))
        store.append(materialized(ORDERS, data_version="o", deps=(str(odd),), inputs=read))
        store.append(materialized(SALES, data_version="s", inputs=read))
        store.move_assets({odd: AssetKey("plain")})
        for key in (ORDERS, SALES):
            made_by, provenance = store.asset_provenances([key])[key]
            assert set(provenance.read_versions(read_made_by(made_by))) == {"plain"}

    def test_more_partitions_than_one_event_can_tell_of_are_marked_and_wiped_at_once(self, store: Store) -> None:
        keys = [f"{number:0250}" for number in range(5_000)]
        store.append(materialized(ORDERS, keys[0]))
        store.append(materialized(ORDERS, keys[-1]))
        store.append(materialized(ORDERS, "another"))
        store.invalidate(ORDERS, keys, "wrong")
        assert set(store.invalidations()[ORDERS]) == {keys[0], keys[-1]}
        store.wipe(ORDERS, keys)
        assert store.materialized_partitions(ORDERS) == {"another"}

    def test_what_counts_again_after_a_wipe_is_told_under_the_keys_of_today(self, store: Store) -> None:
        raw, read = AssetKey("raw"), InputVersion(asset="raw", partition=None, data_version="1")
        for partition in (None, "a"):
            store.append(AssetMaterialized(asset="raw", partition=partition, data_version="1"))
            inputs = (replace(read, partition=partition),)
            made = AssetMaterialized(
                asset="orders", partition=partition, data_version="1", deps=("raw",), inputs=inputs
            )
            store.append(made)
            before = store.asset_provenances([ORDERS])[ORDERS]
            store.append(replace(made, data_version="2"))
            latest = store.asset_state(ORDERS, partition)
            assert latest is not None
            assert latest.materialization_storage_id is not None
            store.move_assets({raw: AssetKey("source")})
            store.wipe_materialization(ORDERS, latest.materialization_storage_id)
            made_by, provenance = store.asset_provenances([ORDERS])[ORDERS]
            assert read_made_by(made_by).dep_names == ("source",)
            assert provenance == before[1]
            store.wipe(ORDERS)
            store.move_assets({AssetKey("source"): raw})

    def test_an_asset_that_has_no_partitions_any_more_keeps_its_value_when_old_ones_are_wiped(
        self, store: Store
    ) -> None:
        for partition in ("a", "b", None):
            store.append(materialized(ORDERS, partition))
        store.append(AssetObserved(asset="orders", data_version="seen"))
        whole = store.asset_state(ORDERS)
        assert whole is not None
        assert whole.materialization is not None
        store.wipe(ORDERS, ["a"])
        assert store.asset_state(ORDERS) == replace(whole, materialization_count=2)
        of_b = store.partition_states(ORDERS)["b"].materialization_storage_id
        assert of_b is not None
        store.wipe_materialization(ORDERS, of_b)
        assert store.partition_states(ORDERS) == {}
        assert store.asset_state(ORDERS) == replace(whole, materialization_count=1)

    def test_the_partitions_count_again_when_a_later_value_of_the_whole_is_wiped(self, store: Store) -> None:
        store.append(materialized(ORDERS, "a"))
        before = store.asset_state(ORDERS)
        store.append(materialized(ORDERS))
        latest = store.asset_state(ORDERS)
        assert latest is not None
        assert latest.materialization_storage_id is not None
        store.wipe_materialization(ORDERS, latest.materialization_storage_id)
        assert store.asset_state(ORDERS) == before
