"""The backfills that a server carries out: their runs are planned in workers, some at a time, and recorded together.

A backfill is its own queue: only as many of its runs are there as can start soon, so that it can be stopped at once, and so
that ten thousand partitions cost no more than ten.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from headwater.engine.backfill_progress import BackfillProgress, RunEnd
from headwater.model.backfills import (
    BACKFILL_RUN_TAG,
    BACKFILL_TAG,
    Backfill,
    BackfillPlan,
    BackfillRequest,
    BackfillRun,
    BackfillStatus,
    BackfillWish,
    Outcome,
)
from headwater.model.errors.backfills import BackfillNotOurs
from headwater.model.errors.service import LocationNotLoaded, RunNotActive
from headwater.model.errors.store import RunAlreadyExists, StoreError
from headwater.model.events import AssetNotMaterialized, Event, RunCanceled, RunFailed, RunSucceeded
from headwater.model.runs import Run, RunStatus
from headwater.runtime.backfills import end_of_run, materialized_positions, run_as_planned, runs_since_saved
from headwater.service.launched import Launched, queued_run
from headwater.service.protocol import (
    BackfillPlanned,
    LaunchRequest,
    PlanBackfill,
    PlanRuns,
    Problem,
    RunPlanned,
    RunsPlanned,
)

if TYPE_CHECKING:
    from headwater.service.server import Service

# Runs that one errand plans: ever more of them while that is quick, and fewer when it is not.
_FIRST_BATCH: Final = 16
_BATCH: Final = 64
_QUICK_SECONDS: Final = 1.0
_SLOW_SECONDS: Final = 10.0
# Asset x partition that one errand plans, so that question and answer fit into messages.
_MOST_POSITIONS: Final = 50_000
_MOST_LOST: Final = 5
# Units that are looked at in one turn of the loop.
_MOST_UNITS: Final = 2_000
_MOST_AHEAD: Final = 512
_SAVE_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 1.0
_GOES_ON: Final = (BackfillStatus.IN_PROGRESS, BackfillStatus.PAUSED, BackfillStatus.CANCELING)
_ENDS_RUN = (RunSucceeded, RunFailed, RunCanceled)
_PRIORITY_TAG: Final = "headwater/priority"


@dataclass(slots=True)
class ActiveBackfill:
    """A backfill that this server carries out."""

    record: Backfill
    plan: BackfillPlan
    progress: BackfillProgress
    run_by_id: dict[str, BackfillRun] = field(default_factory=dict)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    # When the latest of its runs ended: how many do so in a second says how many should be there.
    ended_at: deque[float] = field(default_factory=lambda: deque(maxlen=_MOST_AHEAD))
    batch: int = _FIRST_BATCH
    # How many workers in a row were lost while they planned.
    lost: int = 0
    # What the cause says when nothing holds it up: why some of it failed.
    failed_by: str | None = None
    is_held_up: bool = False
    # Whether some assets of a run may be left out of it; not where they can only be built together.
    leaves_out_parts: bool = True
    planning: asyncio.Task[RunsPlanned] | None = None
    began_at: float = field(default_factory=time.monotonic)
    seconds_before: float = 0.0
    saved_at: float = 0.0
    save_timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None

    @property
    def backfill_id(self) -> str:
        return self.record.backfill_id

    def room(self, workers: int) -> int:
        """Return how many more runs should be there now."""
        most = self.record.options.max_concurrent_runs
        if most is None or most < 1:
            now = time.monotonic()
            while self.ended_at and self.ended_at[0] < now - 1.0:
                self.ended_at.popleft()
            most = min(_MOST_AHEAD, max(2 * workers, len(self.ended_at)))
        here = len(self.progress.in_flight)
        # A few at a time cost as much as many; but no worker is to wait for that.
        return most - here if here <= max(most // 2, workers) or most - here >= _BATCH else 0

    def stop(self) -> None:
        """Have nothing more done."""
        for task in (self.planning, self.task):
            if task is not None:
                task.cancel()


class Backfills:
    """All backfills of a server."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.store = service.store
        self.active: dict[str, ActiveBackfill] = {}
        self._backfill_of_run: dict[str, ActiveBackfill] = {}
        # Runs in which not all was materialized, though they may have succeeded.
        self._partial: set[str] = set()

    # ------------------------------------------------------------------------------------------------- beginnings

    async def launch(self, request: BackfillRequest) -> dict[str, Any]:
        """Plan and record a backfill, and begin it; return its id and what is to be said of it."""
        service = self.service
        location = await service.location_of(request.location)
        service.adopt_former_keys(location.name)
        asked = replace(request, location=location.name)
        planned = await service.ask_worker(location, lambda errand_id: PlanBackfill(errand_id, asked))
        assert isinstance(planned, BackfillPlanned)
        if planned.problem is not None:
            raise planned.problem.as_error()
        assert planned.backfill is not None
        assert planned.plan is not None
        record = replace(planned.backfill, location=location.name)
        self.store.create_backfill(record, planned.plan, owned=True)
        self._begin(record, planned.plan, BackfillProgress(planned.plan))
        return {"backfill_id": record.backfill_id, "warnings": list(planned.warnings)}

    def adopt(self, location: str) -> None:
        """Go on with the backfills of a location that nobody carries out."""
        for record in self.store.backfills(_GOES_ON):
            if record.location == location and record.backfill_id not in self.active:
                self._adopt(record)

    def end_canceled(self) -> None:
        """End those that nobody carries out and that are to be canceled: that takes no code."""
        left = [each for each in self.store.backfills(_GOES_ON) if each.location is not None and not each.is_owned]
        wishes = self.store.backfill_wishes([each.backfill_id for each in left])
        for record in left:
            if record.backfill_id not in self.active and _is_given_up(record, wishes):
                self._adopt(record)

    def _adopt(self, record: Backfill) -> None:
        backfill_id = record.backfill_id
        if not self.store.adopt_backfill(backfill_id):
            return
        try:
            plan = self.store.backfill_plan(backfill_id)
            progress = BackfillProgress(plan, self.store.backfill_progress(backfill_id), self._recorded(record, plan))
        except StoreError:
            raise
        except Exception as error:
            # Of another release, or damaged. It stays as it is, and does not keep the others from going on.
            left = replace(record, cause=f"It cannot go on: {getattr(error, 'what', None) or repr(error)}")
            if _is_given_up(record, self.store.backfill_wishes([backfill_id])):
                left = replace(left, status=BackfillStatus.CANCELED, ended_at=time.time())
            if left != record:
                self.store.save_backfill(left, None)
            self.store.release_backfill(backfill_id)
            return
        self._begin(record, plan, progress)

    def _recorded(self, record: Backfill, plan: BackfillPlan) -> list[tuple[BackfillRun, RunEnd | None]]:
        """Return the runs of a backfill that may have ended since its progress was saved, with their ends."""
        unfinished = [status for status in RunStatus if status not in _FINISHED]
        found: list[tuple[BackfillRun, RunEnd | None]] = []
        for run in runs_since_saved(self.store, record, unfinished):
            each = run_as_planned(record, run, plan)
            # One that only has its tags was run again, by whoever wanted that.
            if each is not None and each.run_id(record.backfill_id) == run.run_id:
                found.append((each, self._end_of(run.run_id, run.status, each, plan)))
        return found

    def _begin(self, record: Backfill, plan: BackfillPlan, progress: BackfillProgress) -> None:
        active = ActiveBackfill(record, plan, progress, seconds_before=record.seconds)
        self.active[record.backfill_id] = active
        for run in progress.in_flight.values():
            self._note_run(active, run)
        # What they had skipped before is told by the store alone.
        self._partial.update(active.run_by_id)
        if progress.is_success:
            active.is_held_up = record.cause is not None
        else:
            active.failed_by = record.cause
        if record.status is BackfillStatus.CANCELING:
            progress.cancel()
            self._cancel_runs(active)
        active.wake.set()
        active.task = asyncio.get_running_loop().create_task(self._carry_out(active))

    def _note_run(self, active: ActiveBackfill, run: BackfillRun) -> None:
        run_id = run.run_id(active.backfill_id)
        active.run_by_id[run_id] = run
        self._backfill_of_run[run_id] = active

    # ------------------------------------------------------------------------------------------------- carrying out

    async def _carry_out(self, active: ActiveBackfill) -> None:
        try:
            while not active.record.is_finished:
                await active.wake.wait()
                active.wake.clear()
                if active.progress.is_over:
                    self._end(active)
                elif active.record.status is BackfillStatus.IN_PROGRESS:
                    await self._issue(active)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.service.fail(error)

    async def _issue(self, active: ActiveBackfill) -> None:
        """Record the runs that should be there and are not."""
        service = self.service
        while (room := active.room(service.options.policy.workers)) > 0 and self._goes_on(active):
            issued = runs = self._next_runs(active, room)
            if active.record.options.only_missing:
                runs = [left for run in issued for left in self._still_missing(active, run)]
            if issued and not runs:
                self._save_soon(active)
                await asyncio.sleep(0)
                continue
            if not runs:
                if not active.progress.has_looked_at_all:
                    self._save_soon(active)
                    await asyncio.sleep(0)
                    continue
                if active.progress.is_over:
                    active.wake.set()
                elif not active.progress.in_flight:
                    self._pause(active, Problem("What is left waits for what nothing builds, so none of it can begin."))
                return
            began_at = time.monotonic()
            planning = active.planning = asyncio.get_running_loop().create_task(self._planned(active, runs))
            await asyncio.wait({planning})
            active.planning = None
            # Whoever pauses or cancels it does not wait for code that is imported, or for a function that never ends.
            if planning.cancelled() or not self._goes_on(active):
                self._give_back(active, runs)
                return
            try:
                planned = planning.result()
            except LocationNotLoaded as problem:
                self._give_back(active, runs)
                self._hold_up(active, problem.what)
                return
            if planned.problem is not None:
                self._give_back(active, runs)
                if self._goes_on_without(active, planned.problem, len(runs)):
                    continue
                return
            active.lost = 0
            seconds = time.monotonic() - began_at
            if seconds > _SLOW_SECONDS:
                active.batch = max(1, active.batch // 4)
            elif seconds < _QUICK_SECONDS and len(runs) >= active.batch:
                active.batch = min(_BATCH, 2 * active.batch)
            if active.record.location not in service.current:
                # Its host has ended since; another is on its way.
                self._give_back(active, runs)
                active.wake.set()
                return
            if not self._record(active, runs, planned.runs):
                return

    def _next_runs(self, active: ActiveBackfill, room: int) -> list[BackfillRun]:
        runs: list[BackfillRun] = []
        positions = 0
        while len(runs) < min(room, active.batch) and positions < _MOST_POSITIONS:
            issued = active.progress.issue(1, _MOST_UNITS)
            if not issued:
                break
            runs += issued
            positions += sum((end - first) * len(run.asset_keys) for run in issued for first, end in run.spans)
        return runs

    async def _planned(self, active: ActiveBackfill, runs: Sequence[BackfillRun]) -> RunsPlanned:
        location = await self.service.location_of(active.record.location)
        requests = tuple(self._request(active, run) for run in runs)
        planned = await self.service.ask_worker(location, lambda errand_id: PlanRuns(errand_id, requests))
        assert isinstance(planned, RunsPlanned)
        return planned

    def _goes_on_without(self, active: ActiveBackfill, problem: Problem, count: int) -> bool:
        """Do what follows when runs could not be planned together; say whether to go on at once, with fewer."""
        if problem.kind in _TOO_MUCH and count > 1:
            active.batch = max(1, count // 8)
            return True
        if problem.kind == "WorkerLost":
            active.lost += 1
            if active.lost < _MOST_LOST:
                self._hold_up(active, problem.what)
                return False
        active.lost = 0
        self._pause(active, problem)
        return False

    def _hold_up(self, active: ActiveBackfill, why: str) -> None:
        """Try again soon, and say meanwhile what it waits for."""
        if active.record.cause != why:
            self._change(active, cause=why)
            self._save_soon(active)
        active.is_held_up = True
        asyncio.get_running_loop().call_later(_AGAIN_SECONDS, active.wake.set)

    def _goes_on(self, active: ActiveBackfill) -> bool:
        return active.record.status is BackfillStatus.IN_PROGRESS

    def _give_back(self, active: ActiveBackfill, runs: Iterable[BackfillRun]) -> None:
        for run in runs:
            active.progress.give_back(run)
        if active.progress.is_over:
            active.wake.set()

    def _record(self, active: ActiveBackfill, runs: list[BackfillRun], answers: Sequence[RunPlanned]) -> bool:
        """Record planned runs and let them begin; say whether more may be issued."""
        found: list[tuple[BackfillRun, Run, Launched]] = []
        stopped_by: Problem | None = None
        for run, answer in zip(runs, answers, strict=True):
            problem = answer.problem
            if problem is None:
                found.append((run, queued_run(answer), Launched.of(active.record.location or "", answer)))
                continue
            if problem.kind == "UnknownPartitionError":
                # The definition has changed since; what it still has goes on.
                active.progress.ended(run, Outcome.FAILED)
                active.failed_by = problem.what
                self._change(active, cause=problem.what)
                self._save_soon(active)
            elif problem.kind == "InvalidSubsetError" and active.progress.put_back(run):
                # Its assets are built together or not at all, though some of them are there.
                active.leaves_out_parts = False
            else:
                active.progress.give_back(run)
                stopped_by = problem
        if found:
            self._create(active, found)
        if stopped_by is not None:
            self._pause(active, stopped_by)
        elif active.is_held_up:
            active.is_held_up = False
            self._change(active, cause=active.failed_by)
            self._save_soon(active)
        return stopped_by is None

    def _create(self, active: ActiveBackfill, found: Sequence[tuple[BackfillRun, Run, Launched]]) -> None:
        try:
            self.store.create_runs([(record, launched.encoded()) for _, record, launched in found])
        except RunAlreadyExists:
            # Another process recorded it. What became of it is found by looking: see `look_after`.
            is_known = {record.run_id: self.store.find_run(record.run_id) is not None for _, record, _ in found}
            for run, record, _ in found:
                if is_known[record.run_id]:
                    self._note_run(active, run)
            found = [each for each in found if not is_known[each[1].run_id]]
            self.store.create_runs([(record, launched.encoded()) for _, record, launched in found])
        for run, record, launched in found:
            self._note_run(active, run)
            self.service.submit(record, launched)

    def _request(self, active: ActiveBackfill, run: BackfillRun) -> LaunchRequest:
        record, options = active.record, active.record.options
        tags = {**options.tags, BACKFILL_TAG: record.backfill_id, BACKFILL_RUN_TAG: run.spelled}
        if options.priority:
            tags[_PRIORITY_TAG] = f"{options.priority:g}"
        keys = run.partition_keys(active.plan)
        return LaunchRequest(
            run_id=run.run_id(record.backfill_id),
            job_name=record.job_name,
            asset_keys=None if record.runs_a_job else run.asset_keys,
            partition_key=keys[0] if keys is not None and len(keys) == 1 else None,
            partition_keys=keys if keys is not None and len(keys) > 1 else None,
            run_config=options.run_config,
            tags=tags,
            location=record.location,
        )

    def _still_missing(self, active: ActiveBackfill, run: BackfillRun) -> list[BackfillRun]:
        """Return what of a run is still to be done: others may have materialized some of it meanwhile."""
        there = materialized_positions(self.store, run, active.plan)
        if not active.leaves_out_parts:
            whole = set.intersection(*(set(there.get(key, ())) for key in run.asset_keys))
            there = {key: sorted(whole) for key in run.asset_keys} if whole else {}
        return active.progress.leave_out(run, there) if there else [run]

    # ------------------------------------------------------------------------------------------------- what ended

    def facts_recorded(self, events: Iterable[Event]) -> None:
        """Take in what was recorded: runs of backfills that ended."""
        if not self._backfill_of_run:
            return
        for event in events:
            if isinstance(event, AssetNotMaterialized) and event.run_id in self._backfill_of_run:
                self._partial.add(event.run_id)
            elif isinstance(event, _ENDS_RUN) and event.run_id in self._backfill_of_run:
                self._run_ended(event.run_id, _STATUS_OF[type(event)])

    def _run_ended(self, run_id: str, status: RunStatus) -> None:
        active = self._backfill_of_run.pop(run_id)
        run = active.run_by_id.pop(run_id)
        is_whole = status is RunStatus.SUCCESS and run_id not in self._partial
        self._partial.discard(run_id)
        end = Outcome.MATERIALIZED if is_whole else self._end_of(run_id, status, run, active.plan)
        if end is not None:
            active.progress.ended(run, end)
        active.ended_at.append(time.monotonic())
        self._save_soon(active)
        active.wake.set()

    def _end_of(self, run_id: str, status: RunStatus, run: BackfillRun, plan: BackfillPlan) -> RunEnd | None:
        """Return what became of each asset and partition of a run; None while it has not ended."""
        if status not in _FINISHED:
            return None
        return end_of_run(self.store, run_id, status, run, plan)

    def look_after(self) -> None:
        """Find what this server was not told of: wishes noted by other processes, and runs that others ended."""
        if not self.active:
            return
        for backfill_id, wish in self.store.backfill_wishes(list(self.active)).items():
            self._grant(self.active[backfill_id], wish)
        for run_id in [run_id for run_id in self._backfill_of_run if run_id not in self.service.dispatcher.runs]:
            run = self.store.find_run(run_id)
            if run is None:
                active = self._backfill_of_run.pop(run_id)
                self._give_back(active, [active.run_by_id.pop(run_id)])
                active.wake.set()
            elif run.status in _FINISHED or run_id in self.service.not_resumed:
                self._partial.add(run_id)
                self._run_ended(run_id, run.status if run.status in _FINISHED else RunStatus.FAILURE)
            elif self._backfill_of_run[run_id].record.status is BackfillStatus.CANCELING:
                # Whoever had it when the backfill was canceled may have ended since.
                if run.status in (RunStatus.QUEUED, RunStatus.INTERRUPTED):
                    self._cancel_run(self._backfill_of_run[run_id], run_id)

    # ------------------------------------------------------------------------------------------------- what is wanted

    def change(self, backfill_id: str) -> bool:
        """Do what was noted as wanted of a backfill; False when another process carries it out."""
        active = self.active.get(backfill_id)
        if active is None:
            record = self.store.find_backfill(backfill_id)
            if record is None or record.is_finished:
                return False
            if record.location in self.service.current:
                self.adopt(record.location)
            elif _is_given_up(record, self.store.backfill_wishes([backfill_id])):
                self._adopt(record)
            active = self.active.get(backfill_id)
            if active is None:
                found = self.store.find_backfill(backfill_id)
                return found is not None and found.is_finished
        for wish in self.store.backfill_wishes([backfill_id]).values():
            self._grant(active, wish)
        return True

    def _grant(self, active: ActiveBackfill, wish: BackfillWish) -> None:
        self._change(active, options=wish.granted(active.record.options))
        status = active.record.status
        if wish.wish == "cancel" and status is not BackfillStatus.CANCELING:
            if status is BackfillStatus.PAUSED:
                active.began_at = time.monotonic()
            active.progress.cancel()
            self._change(active, status=BackfillStatus.CANCELING, cause=active.failed_by)
        elif wish.wish == "pause" and status is BackfillStatus.IN_PROGRESS:
            self._note_seconds(active)
            self._change(active, status=BackfillStatus.PAUSED)
        elif wish.wish == "resume" and status is BackfillStatus.PAUSED:
            active.began_at = time.monotonic()
            self._change(active, status=BackfillStatus.IN_PROGRESS, cause=active.failed_by)
        self._save(active, wish)
        if active.record.status is not BackfillStatus.IN_PROGRESS and active.planning is not None:
            active.planning.cancel()
        # What it is to be is recorded first: whoever goes on after a crash cancels them, too.
        if wish.wish == "cancel":
            self._cancel_runs(active)
        active.wake.set()

    def _cancel_runs(self, active: ActiveBackfill) -> None:
        for run_id in list(active.run_by_id):
            self._cancel_run(active, run_id)

    def _cancel_run(self, active: ActiveBackfill, run_id: str) -> None:
        with contextlib.suppress(RunNotActive):
            self.service.cancel(run_id, f"backfill {active.backfill_id[:8]} was canceled")

    def _pause(self, active: ActiveBackfill, problem: Problem) -> None:
        """Stop issuing runs that cannot be planned: ten thousand partitions must not fail for one mistake."""
        self._note_seconds(active)
        fix = "" if problem.kind == "WorkerLost" else problem.fix
        self._change(active, status=BackfillStatus.PAUSED, cause=f"{problem.what} {fix}".strip())
        self._save(active)

    # ------------------------------------------------------------------------------------------------- what is kept

    def _change(self, active: ActiveBackfill, **changes: Any) -> None:
        active.record = replace(active.record, **changes)

    def _note_seconds(self, active: ActiveBackfill) -> None:
        now = time.monotonic()
        active.seconds_before += now - active.began_at
        active.began_at = now

    def _end(self, active: ActiveBackfill) -> None:
        if active.record.status is BackfillStatus.CANCELING:
            status = BackfillStatus.CANCELED
        else:
            status = BackfillStatus.SUCCESS if active.progress.is_success else BackfillStatus.FAILURE
        self._change(active, status=status, ended_at=time.time())
        self._save(active)
        self.active.pop(active.backfill_id, None)

    def _save_soon(self, active: ActiveBackfill) -> None:
        if active.save_timer is None:
            wait_seconds = max(0.0, active.saved_at + _SAVE_SECONDS - time.monotonic())
            active.save_timer = asyncio.get_running_loop().call_later(wait_seconds, self._save, active)

    def _save(self, active: ActiveBackfill, granted: BackfillWish | None = None) -> None:
        if active.save_timer is not None:
            active.save_timer.cancel()
            active.save_timer = None
        if active.backfill_id not in self.active:
            return
        active.saved_at = time.monotonic()
        running = 0.0 if active.record.status is BackfillStatus.PAUSED else active.saved_at - active.began_at
        self._change(
            active,
            counts=active.progress.counts(),
            updated_at=time.time(),
            seconds=active.seconds_before + running,
        )
        try:
            self.store.save_backfill(active.record, active.progress.saved(), granted=granted)
        except BackfillNotOurs:
            # Another server took this one for dead. It goes on there.
            self.active.pop(active.backfill_id, None)
            active.stop()
        except StoreError as error:
            self.service.fail(error)

    def close(self) -> None:
        """Record where all of them stand. What runs is interrupted, and goes on with the next server."""
        for active in list(self.active.values()):
            with contextlib.suppress(StoreError):
                self._save(active)
            active.stop()

    def described(self) -> list[dict[str, Any]]:
        """Return what is told of them: how much is left, and how many runs are there."""
        return [
            {
                "backfill_id": active.backfill_id,
                "title": active.record.title,
                "status": active.record.status.value,
                "total": active.record.total,
                "waiting": sum(told.get("WAITING", 0) for told in active.progress.counts().values()),
                "runs": len(active.progress.in_flight),
                "cause": active.record.cause,
            }
            for active in self.active.values()
        ]


_FINISHED: Final = (RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED)
_STATUS_OF: Final = {
    RunSucceeded: RunStatus.SUCCESS,
    RunFailed: RunStatus.FAILURE,
    RunCanceled: RunStatus.CANCELED,
}


# A batch that cannot be planned at once may be planned in parts.
_TOO_MUCH: Final = ("PlanningTooLong", "MessageTooLarge")


def _is_given_up(record: Backfill, wishes: Mapping[str, BackfillWish]) -> bool:
    wish = wishes.get(record.backfill_id)
    return record.status is BackfillStatus.CANCELING or (wish is not None and wish.wish == "cancel")
