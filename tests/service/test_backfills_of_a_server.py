"""What carries backfills out, without processes: a real store, and workers that answer when the test says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from headwater.model.backfills import (
    BACKFILL_RUN_TAG,
    BACKFILL_TAG,
    Backfill,
    BackfillGroup,
    BackfillOptions,
    BackfillPlan,
    BackfillStatus,
)
from headwater.model.errors.service import LocationNotLoaded, RunNotActive, UnknownLocation
from headwater.model.events import AssetMaterialized, AssetNotMaterialized, RunStarted, RunSucceeded
from headwater.model.keys import AssetKey
from headwater.model.runs import Run, RunStatus
from headwater.service.backfills import ActiveBackfill, Backfills
from headwater.service.protocol import (
    JobReference,
    LaunchRequest,
    PlanRuns,
    Problem,
    RunPlanned,
    RunsPlanned,
    encode_run,
)
from headwater.store.sqlite import SqliteStore

PLAN = BackfillPlan((BackfillGroup(("raw",), tuple(f"p{number:03}" for number in range(200))),))


class Server:
    """What backfills ask of the server that they are part of."""

    def __init__(self, store: SqliteStore, workers: int = 2) -> None:
        self.store = store
        self.options = SimpleNamespace(
            policy=SimpleNamespace(workers=workers), locations=[SimpleNamespace(name="here")], resumes=True
        )
        self.dispatcher = SimpleNamespace(runs={})
        self.current: dict[str, Any] = {"here": object()}
        self.not_resumed: set[str] = set()
        self.failures: list[BaseException] = []
        self.canceled: list[str] = []
        self.asked: list[tuple[LaunchRequest, ...]] = []
        self.problem_of: Callable[[LaunchRequest], Problem | None] = lambda asked: None
        self.hold: asyncio.Event | None = None
        self.before_answer: Callable[[], None] = lambda: None
        self.backfills = Backfills(self)  # type: ignore[arg-type]

    async def location_of(self, wanted: str | None) -> Any:
        if wanted != "here":
            raise UnknownLocation(wanted, ("here",))
        if wanted not in self.current:
            raise LocationNotLoaded(wanted, "it does not import.")
        return self.options.locations[0]

    async def ask_worker(self, location: Any, errand: Callable[[int], PlanRuns]) -> RunsPlanned:
        asked = errand(1).requests
        self.asked.append(asked)
        if self.hold is not None:
            await self.hold.wait()
        self.before_answer()
        return RunsPlanned(1, tuple(self._planned(each) for each in asked))

    def _planned(self, asked: LaunchRequest) -> RunPlanned:
        problem = self.problem_of(asked)
        if problem is not None:
            return RunPlanned(0, problem=problem)
        run = Run(
            run_id=asked.run_id,
            job_name="job",
            status=RunStatus.NOT_STARTED,
            tags=dict(asked.tags),
            asset_selection=tuple(map(AssetKey.parse, asked.asset_keys or ())),
        )
        return RunPlanned(0, run=encode_run(run), plan=b"", job=JobReference(None, asked.asset_keys))

    def submit(self, run: Run, launched: Any) -> None:
        assert launched.location in self.current
        self.dispatcher.runs[run.run_id] = run

    def cancel(self, run_id: str, reason: str) -> None:
        if run_id not in self.dispatcher.runs:
            raise RunNotActive(run_id, None)
        self.canceled.append(run_id)

    def fail(self, error: BaseException) -> None:
        self.failures.append(error)

    # ---------------------------------------------------------------------------------------------- said by the test

    def begin(self, plan: BackfillPlan = PLAN, **fields: Any) -> ActiveBackfill:
        self.record(plan, **fields)
        self.backfills.adopt("here")
        return self.backfills.active["b1"]

    def record(self, plan: BackfillPlan = PLAN, **fields: Any) -> None:
        record = Backfill(
            "b1", "b1", BackfillStatus.IN_PROGRESS, plan.asset_keys, plan.total, time.time(), location="here"
        )
        self.store.create_backfill(replace(record, **fields), plan)

    def end(self, run_id: str, *events: Any) -> None:
        del self.dispatcher.runs[run_id]
        at = time.time()
        told = [RunStarted(run_id=run_id, timestamp=at), *events, RunSucceeded(run_id=run_id, timestamp=at)]
        self.store.append_all(told)
        self.store.flush()
        self.backfills.facts_recorded(told)

    @property
    def found(self) -> Backfill:
        found = self.store.find_backfill("b1")
        assert found is not None
        return found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "headwater.db") as opened:
        yield opened


def carried_out(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 20.0))


async def until(is_so: Callable[[], Any], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come to be so"
        await asyncio.sleep(0.005)


def test_a_wish_that_was_not_granted_when_the_server_died_is_granted_by_the_next(store: SqliteStore):
    async def story() -> None:
        server = Server(store)
        server.begin()
        store.ask_backfill("b1", "cancel")
        server.backfills._save = lambda *_: (_ for _ in ()).throw(ZeroDivisionError)  # type: ignore[method-assign]
        with pytest.raises(ZeroDivisionError):
            server.backfills.look_after()
        assert store.backfill_wishes(["b1"])["b1"].wish == "cancel"

    carried_out(story)


def test_runs_of_a_backfill_that_was_being_canceled_are_canceled_by_the_next_server(store: SqliteStore):
    async def story() -> None:
        first = Server(store)
        active = first.begin()
        await until(lambda: first.dispatcher.runs)
        first.cancel = lambda run_id, reason: None  # type: ignore[method-assign]  # it dies before that is recorded
        store.ask_backfill("b1", "cancel")
        first.backfills.look_after()
        assert first.found.status is BackfillStatus.CANCELING
        active.task.cancel()  # type: ignore[union-attr]
        second = Server(store)
        second.dispatcher.runs.update(first.dispatcher.runs)
        second.backfills.adopt("here")
        assert sorted(second.canceled) == sorted(first.dispatcher.runs)

    carried_out(story)


def test_a_cancel_ends_a_backfill_that_waits_for_a_worker_that_plans(store: SqliteStore):
    async def story() -> None:
        server = Server(store)
        server.hold = asyncio.Event()
        server.begin()
        await until(lambda: server.asked)
        store.ask_backfill("b1", "cancel")
        server.backfills.look_after()
        await until(lambda: server.found.status is BackfillStatus.CANCELED, 1.0)
        assert not server.failures
        assert store.run_count() == 0

    carried_out(story)


def test_a_cancel_needs_no_code(store: SqliteStore):
    async def story() -> None:
        server = Server(store)
        del server.current["here"]
        server.record()
        store.ask_backfill("b1", "cancel")
        assert server.backfills.change("b1")
        await until(lambda: server.found.status is BackfillStatus.CANCELED, 1.0)

    carried_out(story)


def test_a_cancel_needs_no_code_location_of_that_name(store: SqliteStore):
    async def story() -> None:
        server = Server(store)
        server.record(location="gone")
        store.ask_backfill("b1", "cancel")
        assert server.backfills.change("b1")
        await until(lambda: server.found.status is BackfillStatus.CANCELED, 1.0)

    carried_out(story)


def test_one_that_waits_for_its_code_says_so_where_it_is_looked_up(store: SqliteStore):
    async def story() -> None:
        server = Server(store)
        server.begin()
        del server.current["here"]
        await until(lambda: server.found.cause)
        server.current["here"] = object()
        server.backfills.active["b1"].wake.set()
        await until(lambda: server.dispatcher.runs)
        server.end(next(iter(server.dispatcher.runs)))
        await until(lambda: server.found.cause is None)

    carried_out(story)


def test_code_that_is_gone_by_the_time_that_runs_are_planned_is_waited_for(store: SqliteStore):
    async def story() -> None:
        server = Server(store)
        server.before_answer = server.current.clear
        server.begin()
        await until(lambda: server.asked)
        await asyncio.sleep(0.05)
        assert not server.failures
        assert store.run_count() == 0
        server.before_answer = lambda: None
        server.current["here"] = object()
        await until(lambda: server.dispatcher.runs, 3.0)

    carried_out(story)


def test_one_that_another_server_took_over_is_left_to_it_also_at_its_end(store: SqliteStore, tmp_path: Path):
    async def story() -> None:
        server = Server(store)
        active = server.begin(BackfillPlan((BackfillGroup(("raw",), ("p0",)),)))
        await until(lambda: server.dispatcher.runs)
        store.release_backfill("b1")
        server.end(next(iter(server.dispatcher.runs)))
        await until(lambda: active.task.done())  # type: ignore[union-attr]
        assert not server.failures
        assert not server.backfills.active

    carried_out(story)


def test_what_a_run_skipped_before_the_server_died_stays_skipped(store: SqliteStore):
    async def story() -> None:
        plan = BackfillPlan((BackfillGroup(("raw", "clean"), ("p0",)),))
        first = Server(store)
        active = first.begin(plan)
        await until(lambda: first.dispatcher.runs)
        (run_id,) = first.dispatcher.runs
        at = time.time()
        skipped = AssetNotMaterialized(
            run_id=run_id, timestamp=at, asset="clean", partitions=("p0",), outcome="skipped", step_key="clean"
        )
        made = AssetMaterialized(run_id=run_id, timestamp=at, asset="raw", partition="p0", step_key="raw")
        store.append_all([RunStarted(run_id=run_id, timestamp=at), skipped, made])
        store.flush()
        active.task.cancel()  # type: ignore[union-attr]
        second = Server(store)
        second.dispatcher.runs.update(first.dispatcher.runs)
        second.backfills.adopt("here")
        told = [RunSucceeded(run_id=run_id, timestamp=at)]
        store.append_all(told)
        store.flush()
        second.backfills.facts_recorded(told)
        await until(lambda: second.found.is_finished)
        assert second.found.counts == {"raw": {"MATERIALIZED": 1}, "clean": {"SKIPPED": 1}}

    carried_out(story)


@pytest.mark.parametrize("spelled", ["0.0:0-1", "9.0:0-1", "0.900:900-901"])
def test_a_run_that_somebody_launched_with_the_tags_of_a_backfill_is_not_one_of_its_runs(
    store: SqliteStore, spelled: str
):
    async def story() -> None:
        tags = {BACKFILL_TAG: "b1", BACKFILL_RUN_TAG: spelled}
        asset = AssetKey("raw")
        store.create_run(Run("again", "job", RunStatus.STARTED, tags=tags, asset_selection=(asset,)))
        server = Server(store)
        server.begin()
        await until(lambda: server.dispatcher.runs)
        assert len(server.backfills.active["b1"].progress.in_flight) == len(server.dispatcher.runs)

    carried_out(story)


def test_a_run_that_is_recorded_already_is_not_recorded_again(store: SqliteStore):
    async def story() -> None:
        first = Server(store)
        active = first.begin(options=BackfillOptions(max_concurrent_runs=2))
        await until(lambda: len(first.dispatcher.runs) == 2)
        ended, runs = first.dispatcher.runs
        first.end(ended)
        active.task.cancel()  # type: ignore[union-attr]
        # Its end was recorded by another server, whose clock is behind.
        record = replace(active.record, updated_at=time.time() + 3600)
        if active.save_timer is not None:
            active.save_timer.cancel()
        store.save_backfill(record, None)
        second = Server(store)
        second.dispatcher.runs[runs] = first.dispatcher.runs[runs]
        second.backfills.adopt("here")
        await until(lambda: second.failures or ended in second.backfills.active["b1"].run_by_id)
        second.backfills.look_after()
        await until(lambda: second.failures or len(second.dispatcher.runs) > 1)
        assert not second.failures
        assert second.backfills.active["b1"].progress.counts()["raw"]["MATERIALIZED"] == 1

    carried_out(story)


def test_progress_that_cannot_be_read_holds_up_that_backfill_alone(store: SqliteStore):
    async def story() -> None:
        server = Server(store)
        server.record()
        assert store.adopt_backfill("b1")
        store.save_backfill(server.found, b"not what was saved")
        store.release_backfill("b1")
        server.backfills.adopt("here")
        assert not server.backfills.active
        assert "cannot go on" in (server.found.cause or "")
        store.ask_backfill("b1", "cancel")
        server.backfills.change("b1")
        assert server.found.status is BackfillStatus.CANCELED

    carried_out(story)


@pytest.mark.parametrize("most", [1, 3, 5])
def test_as_many_runs_as_were_asked_for_are_there_while_there_are_workers_for_them(store: SqliteStore, most: int):
    async def story() -> None:
        server = Server(store, workers=8)
        server.begin(options=BackfillOptions(max_concurrent_runs=most))
        await until(lambda: len(server.dispatcher.runs) == most)
        server.end(next(iter(server.dispatcher.runs)))
        await until(lambda: len(server.dispatcher.runs) == most, 1.0)

    carried_out(story)


@pytest.mark.parametrize("most", [0, -1])
def test_no_number_of_runs_keeps_a_backfill_from_going_on(store: SqliteStore, most: int):
    async def story() -> None:
        server = Server(store)
        server.begin(options=BackfillOptions(max_concurrent_runs=most))
        await until(lambda: server.dispatcher.runs, 1.0)

    carried_out(story)


def test_why_some_of_it_failed_is_told_when_it_has_ended(store: SqliteStore):
    async def story() -> None:
        server = Server(store)
        gone = Problem('"p000" is no partition', kind="UnknownPartitionError")
        server.problem_of = lambda asked: gone if asked.partition_key == "p000" else None
        plan = BackfillPlan((BackfillGroup(("raw",), tuple(f"p{number:03}" for number in range(20))),))
        server.begin(plan)
        while not server.found.is_finished:
            for run_id in list(server.dispatcher.runs):
                server.end(run_id)
            await asyncio.sleep(0.01)
        assert server.found.status is BackfillStatus.FAILURE
        assert server.found.cause == gone.what

    carried_out(story)


def test_few_partitions_are_planned_in_one_errand_when_each_run_has_many(store: SqliteStore):
    async def story() -> None:
        keys = tuple(f"a customer with a rather long name, {number:07}" for number in range(1_000_000))
        server = Server(store, workers=64)
        server.begin(BackfillPlan((BackfillGroup(("raw",), keys, 20_000),)))
        await until(lambda: len(server.asked) > 3)
        assert max(sum(len(each.partition_keys or ()) for each in asked) for asked in server.asked) <= 100_000

    carried_out(story)


@pytest.mark.parametrize("kind", ["PlanningTooLong", "MessageTooLarge"])
def test_runs_that_cannot_be_planned_together_are_planned_one_by_one(store: SqliteStore, kind: str):
    async def story() -> None:
        server = Server(store, workers=64)
        answer = server.ask_worker

        async def ask(location: Any, errand: Callable[[int], PlanRuns]) -> RunsPlanned:
            if len(errand(1).requests) > 1:
                return RunsPlanned(1, problem=Problem("too much", kind=kind))
            return await answer(location, errand)

        server.ask_worker = ask  # type: ignore[method-assign]
        server.begin()
        await until(lambda: len(server.dispatcher.runs) > 20)
        assert server.found.status is BackfillStatus.IN_PROGRESS

    carried_out(story)


def test_a_worker_that_is_lost_while_it_plans_does_not_stop_a_backfill(store: SqliteStore):
    async def story() -> None:
        server = Server(store)
        answer = server.ask_worker
        lost = Problem("The process that planned the run is gone.", kind="WorkerLost")

        async def ask(location: Any, errand: Callable[[int], PlanRuns]) -> RunsPlanned:
            server.ask_worker = answer  # type: ignore[method-assign]
            return RunsPlanned(1, problem=lost)

        server.ask_worker = ask  # type: ignore[method-assign]
        server.begin()
        await until(lambda: server.dispatcher.runs, 4.0)
        assert server.backfills.active["b1"].record.status is BackfillStatus.IN_PROGRESS

    carried_out(story)


def test_a_backfill_with_work_left_that_nothing_can_begin_pauses_and_says_so(store: SqliteStore):
    async def story() -> None:
        server = Server(store)
        active = server.begin()
        active.progress.issue = lambda *_: []  # type: ignore[method-assign]
        await until(lambda: server.found.status is BackfillStatus.PAUSED)
        assert "wait" in (server.found.cause or "")

    carried_out(story)


def test_assets_that_are_built_together_are_built_together_also_when_one_is_there(store: SqliteStore):
    async def story() -> None:
        store.append(AssetMaterialized(asset="raw", partition="p1", timestamp=time.time()))
        store.flush()
        server = Server(store)
        together = Problem('"clean" cannot be built without "raw"', kind="InvalidSubsetError")
        server.problem_of = lambda asked: together if asked.asset_keys == ("clean",) else None
        plan = BackfillPlan((BackfillGroup(("raw", "clean"), ("p0", "p1")),))
        server.begin(plan, options=BackfillOptions(only_missing=True))
        await until(lambda: len(server.dispatcher.runs) == 2)
        for run_id in list(server.dispatcher.runs):
            server.end(run_id)
        await until(lambda: server.found.is_finished)
        assert server.found.counts == {"raw": {"MATERIALIZED": 2}, "clean": {"MATERIALIZED": 2}}

    carried_out(story)


def test_the_time_of_a_pause_does_not_count_also_when_it_ends_with_a_cancel(store: SqliteStore):
    async def story() -> None:
        server = Server(store)
        active = server.begin()
        await until(lambda: server.dispatcher.runs)
        store.ask_backfill("b1", "pause")
        server.backfills.look_after()
        active.began_at -= 1000.0
        store.ask_backfill("b1", "cancel")
        server.backfills.look_after()
        assert server.found.seconds < 100.0

    carried_out(story)


def test_a_run_that_its_server_left_while_the_backfill_was_canceled_is_canceled(store: SqliteStore):
    async def story() -> None:
        server = Server(store)
        server.begin(options=BackfillOptions(max_concurrent_runs=1))
        await until(lambda: server.dispatcher.runs)
        (run_id,) = server.dispatcher.runs
        server.dispatcher.runs.clear()  # it is with another server
        store.ask_backfill("b1", "cancel")
        server.backfills.look_after()
        asked: list[str] = []
        server.cancel = lambda run_id, reason: asked.append(run_id)  # type: ignore[method-assign]
        server.backfills.look_after()
        assert asked == [run_id]

    carried_out(story)
