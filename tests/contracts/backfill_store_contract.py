"""What every backend of the store must do with backfills."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headwater.model.backfills import (
    Backfill,
    BackfillGroup,
    BackfillNeed,
    BackfillOptions,
    BackfillPlan,
    BackfillStatus,
    BackfillWish,
    GroupNeed,
)
from headwater.model.errors.backfills import BackfillAlreadyExists, BackfillHasEnded, BackfillNotOurs, UnknownBackfill
from headwater.model.errors.store import RunAlreadyExists
from headwater.model.events import AssetMaterialized, AssetNotMaterialized
from headwater.model.keys import AssetKey
from headwater.model.runs import Run, RunStatus
from headwater.store import Store

PLAN = BackfillPlan(
    (
        BackfillGroup(("raw", "clean"), ("a", "b"), 1, (GroupNeed("clean", "raw", 0, BackfillNeed.SAME),)),
        BackfillGroup(("sums",), ("x",), 1, (GroupNeed("sums", "clean", 0, BackfillNeed.LISTED, (((0, 1), (1, 2)),)),)),
        BackfillGroup(("total",), None, 1, (GroupNeed("total", "sums", 1, BackfillNeed.ALL),)),
    )
)
MADE = Backfill(
    "b1",
    "All of it",
    BackfillStatus.IN_PROGRESS,
    PLAN.asset_keys,
    PLAN.total,
    created_at=100.0,
    updated_at=100.0,
    options=BackfillOptions({"ops": {"raw": {"config": {"n": 1}}}}, {"team": "sales"}, 2.0, 3, True),
    counts={"raw": {"WAITING": 2}},
    estimated_seconds=12.5,
)


class BackfillStoreContract:
    """Subclasses give a fixture `store` with an empty, open store."""

    def test_a_backfill_is_read_back_with_its_plan(self, store: Store) -> None:
        store.create_backfill(MADE, PLAN)
        assert store.find_backfill("b1") == MADE
        assert store.backfill_plan("b1") == PLAN
        assert store.backfill_progress("b1") is None

    def test_backfills_are_listed_from_the_newest(self, store: Store) -> None:
        for number in range(4):
            status = BackfillStatus.PAUSED if number == 2 else BackfillStatus.IN_PROGRESS
            store.create_backfill(replace(MADE, backfill_id=f"b{number}", status=status), PLAN)
        assert [each.backfill_id for each in store.backfills()] == ["b3", "b2", "b1", "b0"]
        assert [each.backfill_id for each in store.backfills(limit=2)] == ["b3", "b2"]
        assert [each.backfill_id for each in store.backfills(cursor="b2")] == ["b1", "b0"]
        assert [each.backfill_id for each in store.backfills([BackfillStatus.PAUSED])] == ["b2"]

    def test_an_id_is_taken_once(self, store: Store) -> None:
        store.create_backfill(MADE, PLAN)
        with pytest.raises(BackfillAlreadyExists, match="b1"):
            store.create_backfill(MADE, PLAN)

    def test_its_owner_says_where_it_stands(self, store: Store) -> None:
        store.create_backfill(MADE, PLAN, owned=True)
        now = replace(MADE, status=BackfillStatus.PAUSED, counts={"raw": {"MATERIALIZED": 2}}, updated_at=101.0)
        store.save_backfill(now, b"progress")
        found = store.find_backfill("b1")
        assert found is not None
        assert replace(found, is_owned=False) == now
        assert store.backfill_progress("b1") == b"progress"
        store.save_backfill(replace(now, status=BackfillStatus.SUCCESS, ended_at=102.0), b"all")
        found = store.find_backfill("b1")
        assert found is not None
        assert found.is_finished
        assert not found.is_owned
        assert not store.adopt_backfill("b1")

    def test_what_does_not_exist_is_told_by_name(self, store: Store) -> None:
        assert store.find_backfill("b1") is None
        assert not store.adopt_backfill("b1")
        with pytest.raises(UnknownBackfill, match="b1"):
            store.backfill_plan("b1")
        with pytest.raises(UnknownBackfill, match="b1"):
            store.ask_backfill("b1", "cancel")
        with pytest.raises(BackfillNotOurs, match="b1"):
            store.save_backfill(MADE, b"")

    def test_wishes_are_noted_together_and_taken_once(self, store: Store) -> None:
        store.create_backfill(MADE, PLAN)
        store.ask_backfill("b1", "pause")
        store.ask_backfill("b1", max_concurrent_runs=5)
        store.ask_backfill("b1", "resume", priority=1.5)
        assert store.take_backfill_wishes(["b1", "b2"]) == {"b1": BackfillWish("resume", 5, 1.5)}
        assert store.take_backfill_wishes(["b1"]) == {}
        store.ask_backfill("b1", "cancel")
        store.ask_backfill("b1", "resume")
        assert store.take_backfill_wishes(["b1"]) == {"b1": BackfillWish("cancel")}

    def test_a_wish_is_noted_until_what_was_granted_is_recorded(self, store: Store) -> None:
        store.create_backfill(MADE, PLAN, owned=True)
        store.ask_backfill("b1", "pause", priority=2.0)
        wish = BackfillWish("pause", None, 2.0)
        assert store.backfill_wishes(["b1", "b2"]) == store.backfill_wishes(["b1"]) == {"b1": wish}
        store.ask_backfill("b1", "resume")
        store.save_backfill(MADE, None, granted=wish)
        assert store.backfill_wishes(["b1"]) == {"b1": BackfillWish("resume", None, 2.0)}
        store.save_backfill(MADE, None, granted=BackfillWish("resume", None, 2.0))
        assert store.backfill_wishes(["b1"]) == {}

    def test_nothing_is_asked_of_one_that_has_ended(self, store: Store) -> None:
        store.create_backfill(MADE, PLAN, owned=True)
        store.save_backfill(replace(MADE, status=BackfillStatus.CANCELED), b"")
        with pytest.raises(BackfillHasEnded, match="canceled"):
            store.ask_backfill("b1", "pause")

    def test_how_a_run_left_each_partition_is_told_of_that_run_alone(self, store: Store) -> None:
        orders = AssetKey("orders")
        for run_id in ("r1", "r2"):
            store.create_run(Run(run_id, "job", RunStatus.STARTED))
        for key in ("a", "b"):
            store.append(AssetMaterialized(run_id="r1", asset="orders", partition=key))
        store.append(AssetMaterialized(run_id="r2", asset="orders", partition="b"))
        store.append(AssetNotMaterialized(run_id="r1", asset="orders", partitions=("c",), outcome="failed"))
        store.append(AssetMaterialized(run_id="r1", asset="total"))
        assert store.attempt_outcomes(orders, ["a", "b", "c", "d"], "r1") == {"a": "materialized", "c": "failed"}
        assert store.attempt_outcomes(AssetKey("total"), None, "r1") == {None: "materialized"}
        assert store.attempt_outcomes(AssetKey("total"), None, "r2") == {}

    def test_runs_are_recorded_together_or_not_at_all(self, store: Store) -> None:
        queued = [Run(f"r{number}", "job", RunStatus.QUEUED, tags={"n": str(number)}) for number in range(3)]
        store.create_runs([(run, b"launch") for run in queued])
        assert [run.run_id for run in store.runs()] == ["r2", "r1", "r0"]
        assert store.is_launched("r1")
        with pytest.raises(RunAlreadyExists):
            store.create_runs([(Run("r9", "job", RunStatus.QUEUED), b""), (queued[0], b"")])
        assert store.find_run("r9") is None
