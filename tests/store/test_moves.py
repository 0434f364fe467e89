"""Moves as several processes see them, and the pure value that says what a key meant when."""

from __future__ import annotations

import pytest

from headwater.model.errors.repair import AssetInUse
from headwater.model.events import AssetMaterialized, RunStarted
from headwater.model.keys import AssetKey
from headwater.model.runs import EventRecordsFilter, EventType, Run
from headwater.store.renames import Move, Renames
from tests.store_places import open_at, place

__all__ = ["place"]

ORDERS, SALES = AssetKey("orders"), AssetKey(["sales", "orders"])


def test_another_process_that_knew_the_old_key_does_not_write_into_the_moved_history(place: str) -> None:
    with open_at(place) as ours, open_at(place) as theirs:
        for store in (ours, theirs):
            store.append(AssetMaterialized(asset="orders", data_version="v1"))
            store.flush()
        theirs.create_run(Run("r1", "nightly", created_at=1.0))
        theirs.append(RunStarted(run_id="r1"))
        theirs.flush()
        ours.move_assets({ORDERS: SALES})
        theirs.append(AssetMaterialized(asset="orders", data_version="another asset", run_id="r1"))
        theirs.append(AssetMaterialized(asset="sales/orders", data_version="v3"))
        theirs.flush()
        for store in (ours, theirs):
            told = store.events(EventRecordsFilter(EventType.ASSET_MATERIALIZATION, asset_key=SALES))
            assert [record.event.data_version for record in told] == ["v3", "v1", "v1"]  # type: ignore[attr-defined]
            state = store.asset_state(ORDERS)
            assert state is not None
            assert state.materialization_count == 1


def test_what_reads_without_a_lease_sees_a_move_of_another_process(place: str) -> None:
    with open_at(place) as ours, open_at(place) as theirs:
        theirs.append(AssetMaterialized(asset="orders", data_version="v1"))
        theirs.flush()
        ours.move_assets({ORDERS: SALES})
        assert theirs.asset_keys() == [SALES]
        theirs.append(AssetMaterialized(asset="orders", data_version="v2"))
        assert theirs.asset_keys() == [ORDERS, SALES]
        assert ours.renames().former_keys("sales/orders") == ("orders",)


def test_a_key_means_the_asset_that_had_it_when_something_was_recorded() -> None:
    # 1 was called a, then b, then c; 2 took the key a after that, and gave it up.
    moves = [Move(10, 1, "a", 100.0), Move(20, 1, "b", 200.0), Move(30, 2, "a", 300.0)]
    renames = Renames(moves, {1: "c", 2: "d"})
    assert [renames.as_of("a", at) for at in (5, 15, 29, 35)] == ["c", "d", "d", "a"]
    assert [renames.as_of("b", at) for at in (5, 25)] == ["c", "b"]
    assert [renames.at("a", at) for at in (50.0, 150.0, 350.0)] == ["c", "d", "a"]
    assert renames.latest("a") == ("d", 300.0)
    assert renames.former_keys("c") == ("a", "b")
    assert not Renames()


def test_an_asset_is_told_under_the_key_that_it_had_then() -> None:
    renames = Renames([Move(10, 1, "a", 100.0), Move(20, 1, "b", 200.0)], {1: "c"})
    assert [renames.then("c", at) for at in (5, 15, 25)] == ["a", "b", "c"]
    assert renames.then("other", 5) == "other"


def test_an_asset_that_a_backfill_builds_stays_where_it_is(place: str) -> None:
    from tests.contracts.backfill_store_contract import MADE, PLAN

    with open_at(place) as store:
        store.append(AssetMaterialized(asset="raw", partition="a"))
        store.create_backfill(MADE, PLAN)
        with pytest.raises(AssetInUse, match="backfill b1"):
            store.move_assets({AssetKey("raw"): AssetKey("ore")})
