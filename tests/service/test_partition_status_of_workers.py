"""A worker asks the server where partitions stand, and is told what the store says."""

from __future__ import annotations

from typing import Any

import headwater as hw
from headwater.model.events import AssetMaterialized, AssetNotMaterialized, RunStarted
from headwater.model.keys import AssetKey
from headwater.model.runs import Run
from headwater.service.questions import RemoteStore, answer
from headwater.store import SqliteStore
from headwater.views.partition_status import partition_status_of
from headwater.views.recorded_partitions import recorded_partitions

SALES = AssetKey("sales")
DAYS = hw.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-11")


def test_a_worker_sees_what_the_store_says() -> None:
    with SqliteStore(None) as store:
        remote: Any = RemoteStore(lambda question: remote.answered(answer(store, question)))
        for day in (1, 2, 4):
            store.append(AssetMaterialized(asset="sales", partition=f"2024-01-{day:02d}"))
        store.append(AssetNotMaterialized(asset="sales", partitions=("2024-01-04",), outcome="failed"))
        store.create_run(Run("r", "job", asset_selection=(SALES,), tags={"headwater/partition": "2024-01-09"}))
        store.append(RunStarted(run_id="r"))
        for _ in range(2):
            assert partition_status_of(DAYS, remote, SALES) == partition_status_of(DAYS, store, SALES)
            # The store keeps sets, and the worker reads those.
            recorded_partitions(DAYS, store, SALES, keep_from_rows=1)
        assert partition_status_of(DAYS, remote, SALES).counts.in_progress == 1
        # A worker keeps none itself.
        store.wipe(SALES, ["2024-01-01"])
        recorded_partitions(DAYS, remote, SALES, keep_from_rows=1)
        assert store.kept_partition_sets(SALES) is None


def test_a_worker_names_partitions_of_several_dimensions_by_their_keys() -> None:
    first, second = (hw.MultiPartitionKey({"day": "2024-01-01", "region": region}) for region in ("eu", "us"))
    with SqliteStore(None) as store:
        remote: Any = RemoteStore(lambda question: remote.answered(answer(store, question)))
        for key in (first, second):
            store.append(AssetMaterialized(asset="sales", partition=str(key)))
        assert remote.asset_state(SALES, first) == store.asset_state(SALES, str(first))
        assert remote.materialized_among(SALES, {first}) == {str(first)}
        remote.invalidate(SALES, [first], reason="wrong")
        assert set(store.invalidations()[SALES]) == {str(first)}
        remote.wipe(SALES, [first])
        assert store.materialized_partitions(SALES) == {str(second)}
