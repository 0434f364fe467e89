"""What every backend of the store must do. A new backend is done when a subclass with its `store` fixture passes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.model.errors.store import (
    EventTooLarge,
    RunAlreadyExists,
    RunInProgress,
    StoreClosed,
    UnknownEventType,
    UnknownRun,
)
from headwater.model.events import (
    AssetMaterialized,
    AssetNotMaterialized,
    AssetObserved,
    AssetUnchanged,
    AssetWiped,
    CheckEvaluated,
    ErrorInfo,
    HookRan,
    InputVersion,
    RunCanceled,
    RunFailed,
    RunStarted,
    RunSucceeded,
    StepBlocked,
    StepFailed,
    StepRetryScheduled,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.runs import EventRecordsFilter, EventType, Run, RunsFilter, RunStatus, StepStatus
from headwater.store import Store
from headwater.store.partition_sets import KeptPartitionSets

ORDERS = AssetKey("orders")
SALES = AssetKey(["sales", "daily"])
NO_NULLS = AssetCheckKey(ORDERS, "no_nulls")


def materialized(asset: AssetKey = ORDERS, partition: str | None = None, **fields: Any) -> AssetMaterialized:
    return AssetMaterialized(asset=str(asset), partition=partition, **fields)


class EventStoreContract:
    """Subclasses give a fixture `store` with an empty, open store."""

    # ------------------------------------------------------------------------------------------------------------ runs

    def test_a_run_is_read_back_as_it_was_created(self, store: Store) -> None:
        run = Run(
            "r1",
            "nightly",
            tags={"team": "sales"},
            run_config={"ops": {"x": {"config": {"n": 1}}}},
            asset_selection=(ORDERS, SALES),
            check_selection=(NO_NULLS,),
            step_keys=("orders", "sales__daily"),
            parent_run_id="r0",
            root_run_id="r0",
            created_at=10.0,
            plan={"steps": [{"key": "orders"}]},
        )
        store.create_run(run)
        assert store.find_run("r1") == run

    def test_an_unknown_run_is_none(self, store: Store) -> None:
        assert store.find_run("nope") is None
        assert store.steps_of("nope") == []
        assert store.events_of_run("nope") == []

    def test_a_run_id_is_given_once(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        with pytest.raises(RunAlreadyExists, match='Run "r1" is already recorded'):
            store.create_run(Run("r1", "other"))
        run = store.find_run("r1")
        assert run is not None
        assert run.job_name == "job"

    def test_a_run_follows_its_events(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        store.append(RunStarted(run_id="r1", timestamp=5.0))
        run = store.find_run("r1")
        assert run is not None
        assert (run.status, run.started_at, run.ended_at) == (RunStatus.STARTED, 5.0, None)
        store.append(RunFailed(run_id="r1", timestamp=9.0, failed_steps=("a", "b")))
        run = store.find_run("r1")
        assert run is not None
        assert (run.status, run.started_at, run.ended_at) == (RunStatus.FAILURE, 5.0, 9.0)
        assert run.cause == "Failed: a, b"

    def test_a_canceled_run_says_why(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        store.append(RunCanceled(run_id="r1", timestamp=9.0, reason="Ctrl-C"))
        run = store.find_run("r1")
        assert run is not None
        assert (run.status, run.cause) == (RunStatus.CANCELED, "Ctrl-C")

    def test_runs_come_newest_first_in_pages(self, store: Store) -> None:
        for number in range(5):
            store.create_run(Run(f"r{number}", "job"))
        assert [run.run_id for run in store.runs(limit=2)] == ["r4", "r3"]
        assert [run.run_id for run in store.runs(limit=2, cursor="r3")] == ["r2", "r1"]
        assert [run.run_id for run in store.runs(cursor="r0")] == []

    def test_runs_are_found_by_each_filter(self, store: Store) -> None:
        store.create_run(Run("r1", "nightly", tags={"team": "sales", "env": "prod"}, created_at=100.0))
        store.create_run(Run("r2", "hourly", tags={"team": "ops"}, created_at=200.0))
        store.append(RunStarted(run_id="r2", timestamp=300.0))

        def found(**fields: Any) -> list[str]:
            filters = RunsFilter(**fields)
            ids = [run.run_id for run in store.runs(filters)]
            assert store.run_count(filters) == len(ids)
            return ids

        assert found() == ["r2", "r1"]
        assert found(run_ids=["r1", "r9"]) == ["r1"]
        assert found(run_ids=[]) == []
        assert found(job_name="hourly") == ["r2"]
        assert found(statuses=[RunStatus.STARTED]) == ["r2"]
        assert found(tags={"team": "sales"}) == ["r1"]
        assert found(tags={"team": ["sales", "ops"]}) == ["r2", "r1"]
        assert found(tags={"team": "sales", "env": "dev"}) == []
        assert found(created_after=datetime.fromtimestamp(150, UTC)) == ["r2"]
        assert found(created_before=datetime.fromtimestamp(150, UTC)) == ["r1"]

    def test_tags_are_added_and_replaced(self, store: Store) -> None:
        store.create_run(Run("r1", "job", tags={"a": "1", "b": "1"}))
        store.add_run_tags("r1", {"b": "2", "c": "3"})
        run = store.find_run("r1")
        assert run is not None
        assert run.tags == {"a": "1", "b": "2", "c": "3"}
        assert store.run_count(RunsFilter(tags={"b": "2"})) == 1
        assert store.run_count(RunsFilter(tags={"b": "1"})) == 0

    def test_a_deleted_run_is_forgotten_but_what_it_made_stays(self, store: Store) -> None:
        store.create_run(Run("r1", "job", tags={"a": "1"}))
        store.append(StepStarted(run_id="r1", step_key="orders"))
        store.append(materialized(run_id="r1"))
        store.append(RunSucceeded(run_id="r1", timestamp=1.0))
        store.delete_run("r1")
        assert store.find_run("r1") is None
        assert store.steps_of("r1") == []
        assert store.events_of_run("r1") == []
        assert store.run_count(RunsFilter(tags={"a": "1"})) == 0
        state = store.asset_state(ORDERS)
        assert state is not None
        assert state.materialization is not None
        with pytest.raises(UnknownRun):
            store.append(RunStarted(run_id="r1"))

    def test_a_run_in_progress_is_not_deleted(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        store.append(RunStarted(run_id="r1"))
        with pytest.raises(RunInProgress, match="in progress"):
            store.delete_run("r1")

    def test_an_event_of_a_run_that_was_never_created_is_refused(self, store: Store) -> None:
        with pytest.raises(UnknownRun, match='Run "r9"'):
            store.append(RunStarted(run_id="r9"))
        store.flush()

    def test_recover_leaves_the_runs_of_this_process_alone(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        store.append(RunStarted(run_id="r1"))
        assert store.recover() == []
        run = store.find_run("r1")
        assert run is not None
        assert run.status is RunStatus.STARTED

    # ----------------------------------------------------------------------------------------------------------- steps

    def test_a_step_follows_its_events(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        error = ErrorInfo("ValueError", "no rows\nat all")
        step: dict[str, Any] = {"run_id": "r1", "step_key": "a"}
        told = []
        for event in (
            StepStarted(**step, timestamp=1.0),
            StepFailed(**step, timestamp=2.0, error=error),
            StepRetryScheduled(**step, timestamp=2.0, attempt=2, not_before=3.0),
            StepStarted(**step, timestamp=3.0, attempt=2),
            StepSucceeded(**step, timestamp=4.0, attempt=2),
        ):
            store.append(event)
            (record,) = store.steps_of("r1")
            told.append((record.status, record.attempt, record.started_at, record.ended_at, record.cause))
        assert told == [
            (StepStatus.RUNNING, 1, 1.0, None, None),
            (StepStatus.FAILED, 1, 1.0, 2.0, "ValueError: no rows"),
            (StepStatus.WAITING_TO_RETRY, 2, 1.0, 2.0, "ValueError: no rows"),
            (StepStatus.RUNNING, 2, 3.0, None, None),
            (StepStatus.SUCCEEDED, 2, 3.0, 4.0, None),
        ]

    def test_a_step_in_one_batch_ends_as_it_would_event_by_event(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        store.append(StepStarted(run_id="r1", step_key="a", timestamp=1.0))
        store.append(StepFailed(run_id="r1", step_key="a", timestamp=2.0, cause="canceled"))
        store.append(StepSkipped(run_id="r1", step_key="b", timestamp=3.0, reason="nothing new"))
        store.append(StepBlocked(run_id="r1", step_key="c", timestamp=4.0, cause="a"))
        assert [(step.step_key, step.status, step.cause) for step in store.steps_of("r1")] == [
            ("a", StepStatus.CANCELED, "canceled"),
            ("b", StepStatus.SKIPPED, "nothing new"),
            ("c", StepStatus.BLOCKED, "a"),
        ]

    def test_steps_come_in_the_order_in_which_they_started(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        for key in ("z", "a", "m"):
            store.append(StepStarted(run_id="r1", step_key=key))
        store.flush()
        store.append(StepSucceeded(run_id="r1", step_key="a"))
        assert [step.step_key for step in store.steps_of("r1")] == ["z", "a", "m"]

    # ---------------------------------------------------------------------------------------------------------- assets

    def test_a_materialization_is_read_back_whole(self, store: Store) -> None:
        event = materialized(
            timestamp=3.0,
            description="all orders",
            metadata={"rows": 3, "path": "/tmp/x", "nested": {"a": [1, None]}},
            tags={"k": "v"},
            data_version="d1",
            code_version="c1",
            config_hash="h",
            inputs=(InputVersion("raw", None, "d0"),),
            has_value=True,
        )
        store.append(event)
        state = store.asset_state(ORDERS)
        assert state is not None
        assert state.materialization == event
        assert (state.materialization_count, state.last_attempt_outcome, state.last_attempt_at) == (
            1,
            "materialized",
            3.0,
        )
        (record,) = store.events(EventRecordsFilter(asset_key=ORDERS))
        assert record.event == event
        assert record.storage_id == state.materialization_storage_id

    def test_what_is_unknown_is_none_or_empty(self, store: Store) -> None:
        assert store.asset_state(ORDERS) is None
        assert store.asset_state(ORDERS, "x") is None
        assert store.asset_states([ORDERS]) == {}
        assert store.partition_states(ORDERS) == {}
        assert store.materialized_partitions(ORDERS) == frozenset()
        assert store.latest_checks([NO_NULLS]) == {}
        assert store.asset_keys() == []
        assert store.events(EventRecordsFilter(asset_key=ORDERS)) == []

    def test_keys_are_listed_in_order_and_by_prefix(self, store: Store) -> None:
        for key in (SALES, ORDERS, AssetKey(["sales", "hourly"]), AssetKey(["salesman"])):
            store.append(materialized(key))
        assert [str(key) for key in store.asset_keys()] == ["orders", "sales/daily", "sales/hourly", "salesman"]
        assert [str(key) for key in store.asset_keys(["sales"])] == ["sales/daily", "sales/hourly"]

    def test_a_later_attempt_that_fails_keeps_the_materialization(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        store.append(materialized(timestamp=1.0))
        store.append(
            AssetNotMaterialized(run_id="r1", timestamp=2.0, asset="orders", outcome="failed", cause="ValueError: x")
        )
        state = store.asset_state(ORDERS)
        assert state is not None
        assert state.materialization is not None
        assert (state.last_attempt_outcome, state.last_attempt_at) == ("failed", 2.0)
        assert (state.last_attempt_run_id, state.last_attempt_cause) == ("r1", "ValueError: x")
        store.append(AssetUnchanged(run_id="r1", timestamp=3.0, asset="orders"))
        state = store.asset_state(ORDERS)
        assert state is not None
        assert state.materialization is not None
        assert (state.last_attempt_outcome, state.last_attempt_cause) == ("unchanged", None)

    def test_each_partition_has_a_state_of_its_own(self, store: Store) -> None:
        store.append(materialized(partition="a", timestamp=1.0))
        store.append(materialized(partition="b", timestamp=2.0))
        store.append(AssetNotMaterialized(asset="orders", partitions=("b", "c"), outcome="blocked", cause="raw"))
        assert store.materialized_partitions(ORDERS) == {"a", "b"}
        assert store.partition_outcomes(ORDERS) == {"a": "materialized", "b": "blocked", "c": "blocked"}
        states = store.partition_states(ORDERS)
        assert list(states) == ["a", "b", "c"]
        assert states["b"].materialization == materialized(partition="b", timestamp=2.0)
        assert states["c"].materialization is None
        assert list(store.partition_states(ORDERS, ["c", "x"])) == ["c"]
        assert store.asset_state(ORDERS, "a") == states["a"]

    def test_the_state_of_an_asset_is_the_latest_over_its_partitions(self, store: Store) -> None:
        store.append(materialized(partition="a", timestamp=1.0))
        store.append(materialized(partition="b", timestamp=2.0))
        store.append(AssetNotMaterialized(asset="orders", partitions=("c",), timestamp=3.0))
        store.append(materialized(SALES))
        states = store.asset_states([ORDERS, SALES, AssetKey("unknown")])
        assert set(states) == {ORDERS, SALES}
        assert states[ORDERS].materialization == materialized(partition="b", timestamp=2.0)
        assert states[ORDERS].materialization_count == 2
        assert states[ORDERS].last_attempt_outcome == "failed"
        assert states[ORDERS] == store.asset_state(ORDERS)

    def test_the_latest_facts_of_many_are_told_by_their_ids(self, store: Store) -> None:
        assert store.last_storage_id() == 0
        assert store.latest_facts([ORDERS]) == {}
        store.append(materialized(partition="a", data_version="1"))
        before = store.last_storage_id()
        store.append(AssetObserved(asset=str(ORDERS), partition="b"))
        store.append(AssetNotMaterialized(asset=str(ORDERS), partitions=("c",), outcome="failed"))
        assert store.latest_facts([ORDERS, SALES]) == {ORDERS: (None, 1, 2, "1", 3, "failed", "")}
        assert store.partition_facts(ORDERS, 0) == [
            ("a", 1, None, "1", 1, "materialized", ""),
            ("b", None, 2, None, None, None, None),
        ]
        assert [facts.partition for facts in store.partition_facts(ORDERS, before)] == ["b"]
        assert store.last_storage_id() == 3

    def test_an_observation_is_kept_beside_the_materialization(self, store: Store) -> None:
        observed = AssetObserved(asset="orders", partition="a", data_version="d9", metadata={"rows": 1})
        store.append(materialized(partition="a"))
        store.append(observed)
        for state in (store.asset_state(ORDERS), store.asset_state(ORDERS, "a")):
            assert state is not None
            assert state.latest_observation == observed
            assert state.materialization is not None
            assert state.last_attempt_outcome == "materialized"

    def test_a_wiped_asset_is_unknown_but_its_history_stays(self, store: Store) -> None:
        store.append(materialized(partition="a"))
        store.append(CheckEvaluated(asset="orders", check="no_nulls", partition="a"))
        store.wipe(ORDERS)
        assert store.asset_keys() == []
        assert store.asset_state(ORDERS) is None
        assert store.partition_states(ORDERS) == {}
        assert store.latest_checks() == {}
        assert len(store.events(EventRecordsFilter(event_type=EventType.ASSET_MATERIALIZATION))) == 1
        assert len(store.events(EventRecordsFilter(event_type=EventType.ASSET_WIPED, asset_key=ORDERS))) == 1
        store.append(materialized())
        state = store.asset_state(ORDERS)
        assert state is not None
        assert state.materialization_count == 1

    def test_wiping_some_partitions_leaves_the_others(self, store: Store) -> None:
        for partition in ("a", "b", "c"):
            store.append(materialized(partition=partition))
            store.append(CheckEvaluated(asset="orders", check="no_nulls", partition=partition))
        store.wipe(ORDERS, ["c", "x"])
        store.wipe(ORDERS, [])
        assert store.materialized_partitions(ORDERS) == {"a", "b"}
        state = store.asset_state(ORDERS)
        assert state is not None
        assert state.materialization == materialized(partition="b")
        assert state.materialization_count == 2
        assert store.latest_checks()[NO_NULLS].partition_key == "b"
        store.wipe(ORDERS, ["a", "b"])
        assert store.asset_keys() == []

    def test_a_wipe_amid_a_batch_takes_only_what_came_before(self, store: Store) -> None:
        store.append(materialized(partition="a"))
        store.append(AssetWiped(asset="orders"))
        store.append(materialized(partition="b"))
        store.append(AssetWiped(asset="orders", partitions=("c",)))
        assert store.materialized_partitions(ORDERS) == {"b"}

    # ----------------------------------------------------------------------------------------------- sets of partitions

    def test_changes_of_partitions_come_in_the_order_of_their_last_attempts_in_pages(self, store: Store) -> None:
        for partition in ("a", "b", "c", 'd "é"\n,', "a"):
            store.append(materialized(partition=partition))
        store.append(AssetNotMaterialized(asset="orders", partitions=("b", "x"), outcome="failed"))
        store.append(AssetUnchanged(asset="orders", partition="c"))
        store.append(AssetObserved(asset="orders", partition="only observed"))
        store.append(materialized())
        first = store.partition_changes(ORDERS, 0, rows=2)
        assert (list(first.materialized), list(first.others), first.is_last) == (['d "é"\n,', "a"], [], False)
        second = store.partition_changes(ORDERS, first.up_to, rows=2)
        assert list(second.materialized) == []
        assert sorted(second.others) == [("b", True, "failed"), ("x", False, "failed")]
        third = store.partition_changes(ORDERS, second.up_to, rows=2)
        assert (list(third.others), third.is_last) == ([("c", True, "unchanged")], True)
        last = store.partition_changes(ORDERS, third.up_to)
        assert (list(last.materialized), list(last.others), last.up_to, last.is_last) == ([], [], third.up_to, True)
        assert list(store.partition_changes(SALES, 0).materialized) == []

    def test_one_fact_about_many_partitions_is_never_cut_in_two(self, store: Store) -> None:
        parts = tuple(f"p{number}" for number in range(50))
        store.append(AssetNotMaterialized(asset="orders", partitions=parts, outcome="blocked"))
        changes = store.partition_changes(ORDERS, 0, rows=10)
        assert sorted(each.partition for each in changes.others) == sorted(parts)
        assert list(store.partition_changes(ORDERS, changes.up_to).others) == []

    def test_kept_sets_hold_until_something_is_taken_back(self, store: Store) -> None:
        assert store.kept_partition_sets(ORDERS) is None
        store.append(materialized(partition="a"))
        changes = store.partition_changes(ORDERS, 0)
        sets = KeptPartitionSets("letters", changes.up_to, changes.forgotten, b"\x00a\xff")
        assert store.keep_partition_sets(ORDERS, sets)
        assert store.kept_partition_sets(ORDERS) == sets
        assert not store.keep_partition_sets(SALES, sets)
        store.append(materialized(partition="b"))
        assert store.kept_partition_sets(ORDERS) == sets
        assert list(store.partition_changes(ORDERS, sets.up_to).materialized) == ["b"]
        store.wipe(ORDERS, ["a"])
        assert store.kept_partition_sets(ORDERS) is None
        assert not store.keep_partition_sets(ORDERS, sets)
        again = store.partition_changes(ORDERS, 0)
        assert (again.forgotten, list(again.materialized)) == (changes.forgotten + 1, ["b"])
        assert store.keep_partition_sets(ORDERS, sets._replace(forgotten=again.forgotten))
        store.wipe(ORDERS)
        assert store.kept_partition_sets(ORDERS) is None

    def test_the_partitions_that_a_run_came_to_an_end_with_are_known(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        store.append(materialized(partition="before"))
        store.append(StepStarted(run_id="r1", step_key="orders"))
        for partition in ("a", "b"):
            store.append(materialized(partition=partition, run_id="r1"))
        store.append(AssetNotMaterialized(asset="orders", run_id="r1", partitions=("c",), outcome="failed"))
        store.append(materialized(partition="b"))
        assert store.partitions_attempted_by(ORDERS, "r1") == {"a", "c"}
        assert store.partitions_attempted_by(ORDERS, "r1", ["a", "b", "x"]) == {"a"}
        assert store.partitions_attempted_by(ORDERS, "nope") == frozenset()

    # ---------------------------------------------------------------------------------------------------------- checks

    def test_the_latest_evaluation_of_each_check_is_known(self, store: Store) -> None:
        unique = AssetCheckKey(SALES, "unique")
        store.append(CheckEvaluated(asset="orders", check="no_nulls", passed=True))
        store.append(CheckEvaluated(asset="orders", check="no_nulls", passed=False, metadata={"nulls": 3}))
        store.append(CheckEvaluated(asset="sales/daily", check="unique", partition="a"))
        latest = store.latest_checks()
        assert set(latest) == {NO_NULLS, unique}
        assert latest[NO_NULLS].event == CheckEvaluated(
            asset="orders", check="no_nulls", passed=False, metadata={"nulls": 3}
        )
        assert set(store.latest_checks([unique, AssetCheckKey(SALES, "x")])) == {unique}

    def test_each_partition_has_its_latest_evaluation(self, store: Store) -> None:
        for partition, passed in (("a", True), ("b", False), ("a", False)):
            store.append(CheckEvaluated(asset="orders", check="no_nulls", partition=partition, passed=passed))
        by_partition = store.partition_checks(NO_NULLS)
        assert {key: record.event.passed for key, record in by_partition.items()} == {  # type: ignore[attr-defined]
            "a": False,
            "b": False,
        }
        assert list(store.partition_checks(NO_NULLS, ["b"])) == ["b"]
        assert store.latest_checks()[NO_NULLS].partition_key == "a"

    # --------------------------------------------------------------------------------------------------------- history

    def test_events_come_newest_first_and_by_each_filter(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        store.append(RunStarted(run_id="r1", timestamp=1.0))
        store.append(materialized(run_id="r1", timestamp=2.0, partition="a"))
        store.append(materialized(SALES, timestamp=3.0))
        store.append(AssetNotMaterialized(run_id="r1", timestamp=4.0, asset="orders", partitions=("a", "b")))
        everything = store.events(EventRecordsFilter())
        ids = [record.storage_id for record in everything]
        assert ids == sorted(ids, reverse=True)
        assert [record.timestamp for record in everything] == [4.0, 3.0, 2.0, 1.0]

        def times(limit: int | None = None, ascending: bool = False, **fields: Any) -> list[float]:
            return [record.timestamp for record in store.events(EventRecordsFilter(**fields), limit, ascending)]

        assert times(ascending=True, limit=2) == [1.0, 2.0]
        assert times(event_type=EventType.ASSET_MATERIALIZATION) == [3.0, 2.0]
        assert times(event_type="RUN_START") == [1.0]
        assert times(run_id="r1") == [4.0, 2.0, 1.0]
        assert times(run_id="") == [3.0]
        assert times(asset_key=ORDERS) == [4.0, 2.0]
        assert times(asset_key=ORDERS, asset_partitions=["a"]) == [4.0, 2.0]
        assert times(asset_key=ORDERS, asset_partitions=["b"]) == [4.0]
        assert times(after_timestamp=2.0) == [4.0, 3.0]
        assert times(before_timestamp=2.0) == [1.0]
        assert times(after_cursor=ids[1]) == [4.0]
        assert times(before_cursor=ids[1]) == [2.0, 1.0]
        assert times(storage_ids=[ids[0], ids[3]]) == [4.0, 1.0]

    def test_hooks_are_found_by_how_they_ended(self, store: Store) -> None:
        for outcome in ("completed", "errored"):
            store.append(HookRan(hook="mail", outcome=outcome))
        for outcome in ("completed", "errored"):
            (record,) = store.events(EventRecordsFilter(event_type=f"HOOK_{outcome.upper()}"))
            assert record.event.outcome == outcome  # type: ignore[attr-defined]

    def test_a_filter_on_a_type_that_does_not_exist_is_refused(self, store: Store) -> None:
        with pytest.raises(UnknownEventType, match='Did you mean "STEP_START"'):
            store.events(EventRecordsFilter(event_type="STEP_STRAT"))

    def test_the_events_of_a_run_come_in_their_order_and_in_pages(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        for number in range(5):
            store.append(StepStarted(run_id="r1", step_key=str(number)))
        first = store.events_of_run("r1", limit=2)
        rest = store.events_of_run("r1", after=first[-1].storage_id)
        assert [record.step_key for record in [*first, *rest]] == ["0", "1", "2", "3", "4"]

    def test_pruning_takes_events_of_old_successful_runs_only(self, store: Store) -> None:
        for run_id, end in (
            ("old", RunSucceeded(run_id="old", timestamp=10.0)),
            ("failed", RunFailed(run_id="failed", timestamp=10.0)),
            ("new", RunSucceeded(run_id="new", timestamp=99.0)),
        ):
            store.create_run(Run(run_id, "job"))
            store.append(StepStarted(run_id=run_id, step_key="a", timestamp=1.0))
            store.append(end)
        store.create_run(Run("unfinished", "job"))
        store.append(RunStarted(run_id="unfinished", timestamp=1.0))
        store.append(materialized(timestamp=5.0))
        assert store.prune(50.0) == 3
        assert store.events_of_run("old") == []
        assert [len(store.events_of_run(run_id)) for run_id in ("failed", "new", "unfinished")] == [2, 2, 1]
        assert store.prune(50.0, successful_only=False, batch_size=1) == 2
        assert store.prune(50.0, successful_only=False) == 0
        assert [step.step_key for step in store.steps_of("old")] == ["a"]
        assert store.asset_state(ORDERS) is not None

    def test_storage_ids_go_on_after_pruning(self, store: Store) -> None:
        store.append(materialized(timestamp=1.0))
        (before,) = store.events(EventRecordsFilter())
        store.prune(2.0)
        store.append(materialized(timestamp=3.0))
        (after,) = store.events(EventRecordsFilter())
        assert after.storage_id > before.storage_id

    # -------------------------------------------------------------------------------------------------- limits of size

    def test_a_materialization_that_is_too_large_is_refused_by_name(self, store: Store) -> None:
        with pytest.raises(EventTooLarge, match=r'asset "orders".*metadata entry "blob".*MetadataValue\.path'):
            store.append(materialized(metadata={"rows": 1, "blob": "x" * 2_000_000}))
        store.flush()
        assert store.asset_state(ORDERS) is None

    def test_a_failure_is_always_recorded_however_long_its_message(self, store: Store) -> None:
        store.create_run(Run("r1", "job"))
        error = ErrorInfo("ValueError", "x" * 3_000_000, cause=ErrorInfo("KeyError", "y" * 3_000_000))
        store.append(StepFailed(run_id="r1", step_key="a", error=error, metadata={"blob": "z" * 3_000_000}))
        (record,) = store.events_of_run("r1")
        assert isinstance(record.event, StepFailed)
        assert record.event.error is not None
        assert record.event.error.message.endswith("more characters left out)")
        (step,) = store.steps_of("r1")
        assert step.cause is not None
        assert len(step.cause) == 500

    # ---------------------------------------------------------------------------------------------------- small values

    def test_dynamic_partitions_are_a_list_without_doubles(self, store: Store) -> None:
        store.add_dynamic_partitions("regions", ["eu", "us", "eu"])
        store.add_dynamic_partitions("regions", ["us", "asia"])
        store.add_dynamic_partitions("other", ["x"])
        assert store.get_dynamic_partitions("regions") == ["eu", "us", "asia"]
        store.delete_dynamic_partition("regions", "us")
        assert store.get_dynamic_partitions("regions") == ["eu", "asia"]
        assert not store.has_dynamic_partition("regions", "us")
        store.add_dynamic_partitions("regions", ["us", "africa"])
        assert store.get_dynamic_partitions("regions") == ["eu", "us", "asia", "africa"]
        assert store.has_dynamic_partition("regions", "us")
        assert store.get_dynamic_partitions("none") == []

    def test_cursor_values_are_set_and_replaced(self, store: Store) -> None:
        store.set_cursor_values({"a": "1", "b": "2"})
        store.set_cursor_values({"a": "3"})
        assert store.get_cursor_values(["a", "b", "c"]) == {"a": "3", "b": "2"}

    # --------------------------------------------------------------------------------------------------------- threads

    def test_every_thread_reads_what_it_wrote(self, store: Store) -> None:
        failures: list[BaseException] = []

        def work(name: str) -> None:
            try:
                store.create_run(Run(name, "job"))
                for number in range(30):
                    store.append(materialized(AssetKey(name), partition=str(number), run_id=name))
                    assert len(store.materialized_partitions(AssetKey(name))) == number + 1
            except BaseException as error:
                failures.append(error)

        run_in_threads([lambda name=f"t{number}": work(name) for number in range(4)])  # type: ignore[misc]
        assert failures == []
        assert len(store.events(EventRecordsFilter())) == 120

    def test_a_closed_store_says_so(self, store: Store) -> None:
        store.close()
        store.close()
        with pytest.raises(StoreClosed, match="is closed"):
            store.append(materialized())
        with pytest.raises(StoreClosed):
            store.runs()


def run_in_threads(tasks: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
