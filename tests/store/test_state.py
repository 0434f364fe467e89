"""Laws: state is the fold of events, however they were batched; and trimming history changes no answer about state."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st

from headwater.model.events import (
    AssetMaterialized,
    AssetNotMaterialized,
    AssetObserved,
    AssetUnchanged,
    AssetWiped,
    CheckEvaluated,
    Event,
    HookRan,
    InputVersion,
    OutputProduced,
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
from headwater.model.runs import EventRecordsFilter, Run
from headwater.store import SqliteStore
from tests.store.naive_fold import fold, told_by

RUNS = ("r1", "r2")
FLUSH = "flush"

run_ids = st.sampled_from(RUNS)
times = st.integers(0, 1000).map(float)
of_step: dict[str, Any] = {"run_id": run_ids, "timestamp": times, "step_key": st.sampled_from(["a", "b", "c"])}
attempts = st.integers(1, 3)
of_asset: dict[str, Any] = {
    "run_id": st.sampled_from(["", *RUNS]),
    "timestamp": times,
    "asset": st.sampled_from(["orders", "sales/daily"]),
}
partitions = st.sampled_from(["p1", "p2", "p3"])
maybe_partition = st.none() | partitions
some_partitions = st.lists(partitions, unique=True, max_size=3).map(tuple)

events: st.SearchStrategy[Event] = st.one_of(
    st.builds(RunStarted, run_id=run_ids, timestamp=times),
    st.builds(RunSucceeded, run_id=run_ids, timestamp=times),
    st.builds(RunFailed, run_id=run_ids, timestamp=times, failed_steps=st.sampled_from([(), ("a",), ("a", "b")])),
    st.builds(RunCanceled, run_id=run_ids, timestamp=times, reason=st.sampled_from(["", "Ctrl-C"])),
    st.builds(StepStarted, **of_step, attempt=attempts),
    st.builds(StepSucceeded, **of_step, attempt=attempts),
    st.builds(StepFailed, **of_step, attempt=attempts, cause=st.sampled_from(["user", "lost", "canceled"])),
    st.builds(StepRetryScheduled, **of_step, attempt=attempts),
    st.builds(StepSkipped, **of_step, reason=st.sampled_from(["", "nothing new"])),
    st.builds(StepBlocked, **of_step, cause=st.just("a")),
    st.builds(OutputProduced, **of_step),
    st.builds(HookRan, **of_step),
    st.builds(
        AssetMaterialized,
        **of_asset,
        partition=maybe_partition,
        data_version=st.sampled_from([None, "d1", "d2"]),
        metadata=st.sampled_from([{}, {"rows": 3}]),
        inputs=st.sampled_from([(), (InputVersion("raw", None, "d"),)]),
    ),
    st.builds(AssetObserved, **of_asset, partition=maybe_partition),
    st.builds(AssetUnchanged, **of_asset, partition=maybe_partition),
    st.builds(
        AssetNotMaterialized,
        **of_asset,
        partitions=some_partitions,
        outcome=st.sampled_from(["failed", "blocked"]),
        cause=st.sampled_from(["", "raw"]),
    ),
    st.builds(AssetWiped, **of_asset, partitions=some_partitions),
    st.builds(
        CheckEvaluated,
        **of_asset,
        check=st.sampled_from(["no_nulls", "unique"]),
        partition=maybe_partition,
        passed=st.booleans(),
    ),
)
sequences = st.lists(events | st.just(FLUSH), max_size=60)
quickly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def filled(sequence: list[Event | str]) -> SqliteStore:
    store = SqliteStore(None)
    for run_id in RUNS:
        store.create_run(Run(run_id, "job", created_at=1.0))
    for event in sequence:
        if isinstance(event, Event):
            store.append(event)
        else:
            store.flush()
    return store


@quickly
@given(sequences)
def test_the_state_tables_are_the_fold_of_the_events_however_they_were_batched(sequence: list[Event | str]) -> None:
    store = filled(sequence)
    history = store.events(EventRecordsFilter(), ascending=True)
    assert [record.event for record in history] == [event for event in sequence if isinstance(event, Event)]
    assert told_by(store, RUNS) == fold(RUNS, history)
    store.close()


@quickly
@given(sequences, times, st.booleans(), st.integers(1, 20))
def test_pruning_changes_no_answer_about_state(
    sequence: list[Event | str], before: float, successful_only: bool, batch_size: int
) -> None:
    store = filled(sequence)
    told, runs, history = told_by(store, RUNS), store.runs(), store.events(EventRecordsFilter())
    deleted = store.prune(before, successful_only=successful_only, batch_size=batch_size)
    assert told_by(store, RUNS) == told
    assert store.runs() == runs
    assert len(store.events(EventRecordsFilter())) == len(history) - deleted
    store.close()
