"""The part of the service that decides: told what happened, it answers with what should be done.

It has no clock, socket, thread or disk, so that a simulation can drive it through crashes. Its promise: what is appended is
a sequence of transactions, each of which holds a fact with all that follows from it; whoever folds them has the state.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from headwater.engine.run_state import Command, LaunchStep, Record, advance, begin, prepare
from headwater.model.codec import encode_event
from headwater.model.error_info import ErrorInfo
from headwater.model.events import Event, RunCancelRequested, RunFailed, RunStarted, RunSucceeded, StepStarted
from headwater.service.actions import Action, Append, Ended, ErrandLost, RunErrand, Send, Start, Stop
from headwater.service.active import (
    ENDS_RUN,
    ENDS_STEP,
    TOLD_TO_OTHERS,
    ActiveRun,
    Policy,
    RunningAttempt,
    Worker,
    failure_of,
    is_given_up,
    journal_for,
    told_by,
)
from headwater.service.adoption import left_run
from headwater.service.claims import Claims
from headwater.service.protocol import Attempt, CloseRun, Leave, OpenRun, StartAttempt, StopAttempt
from headwater.service.waiting import Demand, Limits, Waiting

SLOTS_TAG = "headwater/slots"


class Dispatcher:
    """Runs, workers, and what waits. Every method leaves actions to be taken with `take_actions`, in their order."""

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        run_limits: Limits | None = None,
        step_limits: Limits | None = None,
    ) -> None:
        self.policy = policy or Policy()
        self.runs: dict[str, ActiveRun] = {}
        self.workers: dict[int, Worker] = {}
        self.queued_runs: Waiting[str] = Waiting(run_limits)
        self.ready: Waiting[Attempt] = Waiting(step_limits)
        self._launches: dict[Attempt, LaunchStep] = {}
        self._delayed: list[tuple[float, int, Attempt]] = []
        self._number = 0
        self._errands: dict[str, deque[int]] = {}
        self._claims = Claims()
        # By attempt that builds something, those that wait for it.
        self._held_up: dict[Attempt, list[Attempt]] = {}
        self._actions: list[Action] = []
        self._starting: dict[str, int] = {}
        self._is_draining = False

    def take_actions(self) -> list[Action]:
        """Return what should be done now, in this order; it is forgotten here."""
        # Asked for once in a turn: workers that were asked for and are not there yet would be asked for again.
        self._want_workers()
        actions, self._actions = self._actions, []
        return actions

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and nothing waits."""
        return not self.runs and not any(worker.attempts or worker.errand for worker in self.workers.values())

    # ---------------------------------------------------------------------------------------------------------- runs

    def submit(self, run: ActiveRun, now: float) -> None:
        """Take up a run that is recorded and has not begun."""
        self.runs[run.run_id] = run
        self.queued_runs.add(run.run_id, self._run_demand(run), run.priority)
        self._proceed(now)

    def adopt(self, run: ActiveRun, past: Sequence[Event], now: float) -> None:
        """Take up a run that another process left: fold what is recorded, report what was in flight as lost.

        It goes on at the next `tick`, so that of several that are adopted together all hold what is theirs before any starts
        something new. Raises InvariantViolationError when what is recorded contradicts itself.
        """
        left = left_run(run.run_id, run.plan, past)
        self.runs[run.run_id] = run
        if left is None:
            self.queued_runs.add(run.run_id, self._run_demand(run), run.priority)
            return
        run.state = left.state
        if left.started_at is not None and run.plan.timeout_seconds is not None:
            run.ends_at = left.started_at + run.plan.timeout_seconds
        run.journal = [(0, encode_event(event)) for event in past if isinstance(event, TOLD_TO_OTHERS)]
        self.queued_runs.hold(run.run_id, self._run_demand(run))
        out: list[Event] = []
        self._follow(run, map(Record, left.owed), out, now)
        for lost in left.lost_attempts(run.run_id, past, now):
            self._take_in_all(run, [lost], out, now, from_worker=0)
        statuses = left.state.statuses
        self._launch(run, [launch for launch in left.launches if not statuses[launch.key].is_finished], now)
        self._append(out)
        self._end_if_closed(run, now)

    def cancel(self, run_id: str, reason: str, now: float) -> bool:
        """Stop a run: what waits is given up, what runs is ended. Says whether the run is one of ours."""
        run = self.runs.get(run_id)
        if run is None:
            return False
        out: list[Event] = []
        if run.state is None:
            self.queued_runs.remove(run_id)
            run.state = prepare(run_id, run.plan)
            self.queued_runs.hold(run_id, self._run_demand(run))
        if not run.state.is_canceled and run.ending is None:
            self._give_up(run, reason, out, now)
            self._append(out)
            self._end_if_closed(run, now)
        self._proceed(now)
        return True

    def _give_up(
        self, run: ActiveRun, reason: str, out: list[Event], now: float, error: ErrorInfo | None = None
    ) -> None:
        for attempt in [attempt for attempt in self._launches if attempt.run_id == run.run_id]:
            self._forget(attempt)
        asked = RunCancelRequested(run_id=run.run_id, timestamp=now, reason=reason, error=error)
        self._take_in_all(run, [asked], out, now, from_worker=0)
        for worker in list(self.workers.values()):
            for running in worker.attempts.values():
                if running.attempt.run_id == run.run_id:
                    self._end_attempt(worker, running, "canceled", reason, now)

    def _end_attempt(self, worker: Worker, running: RunningAttempt, cause: str, reason: str, now: float) -> None:
        if running.stopped is not None:
            return
        running.stopped = (cause, reason)
        running.must_end_at = now + self.policy.grace_seconds
        if running.step.is_async and cause == "canceled":
            self._actions.append(Send(worker.worker_id, StopAttempt(running.attempt)))
        else:
            worker.is_leaving = True
            self._actions.append(Stop(worker.worker_id, self.policy.grace_seconds))

    # ------------------------------------------------------------------------------------------------------- errands

    def ask(self, unit: str, errand_id: int, now: float) -> None:
        """Have a worker of these answer something, before any step gets it."""
        self._errands.setdefault(unit, deque()).append(errand_id)
        self._proceed(now)

    def errand_done(self, worker_id: int, errand_id: int, now: float) -> None:
        """Note that a worker has answered, and is free again."""
        worker = self.workers.get(worker_id)
        if worker is not None and worker.errand == errand_id:
            worker.errand = worker.errand_ends_at = None
            self._proceed(now)

    # ------------------------------------------------------------------------------------------------------- workers

    def worker_started(self, worker_id: int, unit: str, now: float) -> None:
        """A process is on its way."""
        self.workers[worker_id] = Worker(worker_id, unit, now)

    def worker_ready(self, worker_id: int, pid: int, now: float) -> None:
        """A worker can take steps."""
        worker = self.workers.get(worker_id)
        if worker is not None:
            worker.is_ready, worker.pid = True, pid
            self._proceed(now)

    def worker_beat(self, worker_id: int, resident_bytes: int) -> None:
        worker = self.workers.get(worker_id)
        if worker is not None:
            worker.resident_bytes = resident_bytes

    def worker_lost(self, worker_id: int, how: str, now: float) -> None:
        """A worker is gone: fail what it had, each attempt with the reason for which it was ended, or else as lost."""
        worker = self.workers.pop(worker_id, None)
        if worker is None:
            return
        if worker.errand is not None:
            self._actions.append(ErrandLost(worker.errand, how))
        touched: dict[str, list[Event]] = {}
        for run_id in [run_id for run_id in worker.runs if run_id in self.runs]:
            self.runs[run_id].open_in.discard(worker_id)
            if self.runs[run_id].worker == worker_id:
                self.runs[run_id].worker = None
            touched[run_id] = []
        for running in list(worker.attempts.values()):
            run = self.runs[running.attempt.run_id]
            self._release(worker, running.attempt, now)
            # It may have closed the run before it ended, and not have told how the attempt did.
            out = touched.setdefault(run.run_id, [])
            self._take_in_all(run, [failure_of(running, how, now)], out, now, from_worker=0)
        for run_id, out in touched.items():
            self._append(out)
            self._end_if_closed(self.runs[run_id], now)
        self._proceed(now)

    def facts_came(self, worker_id: int, attempt: Attempt, number: int, events: Sequence[Event], now: float) -> None:
        """Record what an attempt says, with all that follows from it. What comes late, twice or from elsewhere is dropped."""
        worker = self.workers.get(worker_id)
        running = worker.attempts.get(attempt) if worker is not None else None
        if worker is None or running is None or number <= running.last_number:
            return
        running.last_number = number
        run = self.runs[attempt.run_id]
        out: list[Event] = []
        ours = list(told_by(running, events, now))
        if any(isinstance(event, ENDS_STEP) for event in ours):
            self._release(worker, attempt, now)
        self._take_in_all(run, ours, out, now, from_worker=worker_id)
        self._append(out)
        self._recycle(worker, now)
        self._end_if_closed(run, now)
        self._proceed(now)

    def run_closed(self, worker_id: int, run_id: str, problem: ErrorInfo | None, now: float) -> None:
        """A worker has torn down what it had set up for a run. A run that cannot clean up has not succeeded."""
        worker, run = self.workers.get(worker_id), self.runs.get(run_id)
        if worker is not None:
            worker.runs.pop(run_id, None)
            worker.closing.discard(run_id)
            worker.must_close_at = now + self.policy.teardown_seconds if worker.closing else None
            worker.journal_at.pop(run_id, None)
        if run is None or worker_id not in run.open_in:
            return
        run.open_in.discard(worker_id)
        run.teardown_problem = run.teardown_problem or problem
        if worker is not None:
            self._recycle(worker, now)
        self._end_if_closed(run, now)
        self._proceed(now)

    def units(self) -> set[str]:
        """Return the snapshots of code that runs are pinned to, or that something is to be asked of."""
        return {run.unit for run in self.runs.values()} | {unit for unit, errands in self._errands.items() if errands}

    def move_runs(self, unit: str, new_unit: str, now: float) -> None:
        """Have runs that were pinned to one snapshot of code go on with another, because the first is gone."""
        for run in self.runs.values():
            if run.unit == unit:
                run.unit = new_unit
        for attempt, demand, _ in list(self.ready.waiting()):
            if demand.unit == unit:
                self.ready.move(attempt, replace(demand, unit=new_unit))
        self._errands.setdefault(new_unit, deque()).extend(self._errands.pop(unit, ()))
        self._proceed(now)

    def retire(self, unit: str, now: float) -> None:
        """Give the workers of a snapshot of code nothing that is new; they end with the runs that are pinned to it."""
        for errand in self._errands.pop(unit, ()):
            self._actions.append(ErrandLost(errand, "its code was imported anew before it was asked"))
        for worker in list(self.workers.values()):
            if worker.unit == unit and not any(run.unit == unit for run in self.runs.values()):
                self._dismiss(worker)

    def _recycle(self, worker: Worker, now: float) -> None:
        policy = self.policy
        if worker.attempts or worker.errand is not None:
            return
        is_worn = (
            worker.ended >= policy.steps_of_a_worker
            or now - worker.started_at > policy.worker_seconds
            or worker.resident_bytes > policy.worker_bytes
        )
        if is_worn and not worker.is_leaving and not self._is_bound(worker):
            self._dismiss(worker)

    def _is_bound(self, worker: Worker) -> bool:
        """Whether a run is carried out in this worker alone."""
        return any(run_id in self.runs and self.runs[run_id].worker == worker.worker_id for run_id in worker.runs)

    def _dismiss(self, worker: Worker) -> None:
        if not worker.is_leaving:
            worker.is_leaving = True
            self._actions.append(Send(worker.worker_id, Leave()))

    # ---------------------------------------------------------------------------------------------------------- time

    def tick(self, now: float) -> float | None:
        """Do what is due; return when to come again, None when nothing is to come."""
        while self._delayed and self._delayed[0][0] <= now:
            attempt = heapq.heappop(self._delayed)[2]
            launch = self._launches.get(attempt)
            if launch is not None and attempt.run_id in self.runs:
                self._wait(self.runs[attempt.run_id], attempt, launch)
        for run in list(self.runs.values()):
            if run.ends_at is not None and now >= run.ends_at and not is_given_up(run):
                self._time_out(run, now)
        for worker in list(self.workers.values()):
            if worker.must_close_at is not None and now >= worker.must_close_at:
                worker.must_close_at = None
                worker.is_leaving = True
                self._actions.append(Stop(worker.worker_id, 0.0))
            if worker.errand is not None and worker.errand_ends_at is not None and now >= worker.errand_ends_at:
                reason = f"it took more than {self.policy.planning_seconds:g} s"
                self._actions.append(ErrandLost(worker.errand, reason, is_over=True))
                worker.errand_ends_at = None
                worker.is_leaving = True
                self._actions.append(Stop(worker.worker_id, 0.0))
        for worker in list(self.workers.values()):
            for running in list(worker.attempts.values()):
                if running.must_end_at is not None and now >= running.must_end_at:
                    running.must_end_at = None
                    running.stopped = running.stopped or ("timeout", "its time limit was over")
                    worker.is_leaving = True
                    self._actions.append(Stop(worker.worker_id, 0.0 if running.stopped[0] == "canceled" else 0.25))
        self._proceed(now)
        times = [self._delayed[0][0]] if self._delayed else []
        times += [run.ends_at for run in self.runs.values() if run.ends_at is not None and not is_given_up(run)]
        times += [worker.must_close_at for worker in self.workers.values() if worker.must_close_at is not None]
        times += [worker.errand_ends_at for worker in self.workers.values() if worker.errand_ends_at is not None]
        times += [
            running.must_end_at
            for worker in self.workers.values()
            for running in worker.attempts.values()
            if running.must_end_at is not None
        ]
        return min(times, default=None)

    def _time_out(self, run: ActiveRun, now: float) -> None:
        from headwater.engine.error_info import error_info_from
        from headwater.model.errors.execution import RunTimeoutError

        assert run.state is not None
        seconds = run.plan.timeout_seconds or 0.0
        error = error_info_from(RunTimeoutError(seconds))
        out: list[Event] = []
        self._give_up(run, f"the time limit of the run, {seconds:g} s, was over", out, now, error)
        self._append(out)
        self._end_if_closed(run, now)

    # --------------------------------------------------------------------------------------------------- facts and state

    def _append(self, events: Sequence[Event]) -> None:
        if events:
            self._actions.append(Append(tuple(events)))

    def _take_in_all(
        self, run: ActiveRun, events: Iterable[Event], out: list[Event], now: float, from_worker: int
    ) -> None:
        """Advance the run by each fact; what follows from them comes after all of them."""
        commands: list[Command] = []
        for event in events:
            commands.extend(self._take_in(run, event, out, from_worker, now))
        self._follow(run, commands, out, now)

    def _take_in(
        self, run: ActiveRun, event: Event, out: list[Event], from_worker: int, now: float
    ) -> tuple[Command, ...]:
        assert run.state is not None
        if isinstance(event, ENDS_RUN):
            # Recorded when what was set up for the run is torn down: see _end_if_closed.
            run.ending = event
            for worker_id in sorted(run.open_in):
                worker = self.workers[worker_id]
                if run.run_id in worker.closing:
                    continue
                self._close(worker, run.run_id, now)
                if worker.is_inside_step_of_another(run.run_id):
                    # It cannot tear down before that step is over, for which this end does not wait.
                    run.open_in.discard(worker_id)
            return ()
        out.append(event)
        if isinstance(event, TOLD_TO_OTHERS):
            run.journal.append((from_worker, encode_event(event)))
        run.state, commands = advance(run.state, event)
        return commands

    def _follow(self, run: ActiveRun, commands: Iterable[Command], out: list[Event], now: float) -> None:
        pending = deque(commands)
        launches: list[LaunchStep] = []
        while pending:
            command = pending.popleft()
            if isinstance(command, Record):
                pending.extend(self._take_in(run, command.event, out, 0, now))
            else:
                launches.append(command)
        self._launch(run, launches, now)

    def _launch(self, run: ActiveRun, launches: Iterable[LaunchStep], now: float) -> None:
        for launch in launches:
            attempt = Attempt(run.run_id, launch.key, launch.attempt)
            self._launches[attempt] = launch
            if launch.not_before > now:
                self._number += 1
                heapq.heappush(self._delayed, (launch.not_before, self._number, attempt))
            else:
                self._wait(run, attempt, launch)

    def _end_if_closed(self, run: ActiveRun, now: float) -> None:
        if run.ending is None or run.open_in or run.run_id not in self.runs:
            return
        assert run.state is not None
        if run.teardown_problem is not None and isinstance(run.ending, RunSucceeded):
            run.ending = RunFailed(run_id=run.run_id, timestamp=run.ending.timestamp, error=run.teardown_problem)
        run.state, _ = advance(run.state, run.ending)
        self._append([run.ending])
        del self.runs[run.run_id]
        self.queued_runs.release(run.run_id)
        self._actions.append(Ended(run.run_id))

    # ------------------------------------------------------------------------------------------------- what starts next

    def _run_demand(self, run: ActiveRun) -> Demand:
        return Demand(run.location, tags=tuple(sorted(run.tags.items())), label=run.label)

    def _wait(self, run: ActiveRun, attempt: Attempt, launch: LaunchStep) -> None:
        step = launch.step
        try:
            slots = max(1, int(step.tags.get(SLOTS_TAG, "1")))
        except ValueError:
            slots = 1
        demand = Demand(
            location=run.location,
            pool=step.pool,
            slots=slots,
            tags=tuple(sorted(step.tags.items())),
            label=run.label,
            unit=run.unit,
            is_async=step.is_async,
            affinity=run.run_id if run.in_one_worker else "",
        )
        self.ready.add(attempt, demand, run.priority)

    def _forget(self, attempt: Attempt) -> None:
        self._launches.pop(attempt, None)
        self.ready.remove(attempt)

    def _proceed(self, now: float) -> None:
        """Start all that can start."""
        while (run_id := self.queued_runs.take_next()) is not None:
            self._begin(self.runs[run_id], now)
        for unit, errands in list(self._errands.items()):
            for worker in self.workers.values():
                if errands and worker.unit == unit and worker.is_idle:
                    worker.errand = errands.popleft()
                    worker.errand_ends_at = now + self.policy.planning_seconds
                    self._actions.append(RunErrand(worker.worker_id, worker.errand))
            if not errands:
                del self._errands[unit]
        while (attempt := self.ready.take_next(self._has_place, self._is_held_up)) is not None:
            self._start(attempt, now)

    def _begin(self, run: ActiveRun, now: float) -> None:
        out: list[Event] = []
        started = RunStarted(run_id=run.run_id, timestamp=now)
        run.state, commands = begin(run.run_id, run.plan, now)
        self._take_in(run, started, out, 0, now)
        if run.plan.timeout_seconds is not None:
            run.ends_at = now + run.plan.timeout_seconds
        self._follow(run, commands, out, now)
        self._append(out)
        self._end_if_closed(run, now)

    def _has_place(self, demand: Demand, attempt: Attempt) -> bool:
        return self._place(demand, attempt) is not None

    def _is_held_up(self, attempt: Attempt) -> bool:
        """Whether another run builds the same. Then it is asked again when that one is done."""
        holder = self._claimant(attempt)
        if holder is None:
            return False
        self._held_up.setdefault(holder, []).append(attempt)
        return True

    def _place(self, demand: Demand, attempt: Attempt) -> Worker | None:
        """Return the worker that takes an attempt: one that has its run open, if there is one."""
        bound = self.runs[attempt.run_id].worker if demand.affinity else None
        # Looked at for each step that starts, with all workers: hence in one pass.
        busy = 0
        found: Worker | None = None
        preferred: Worker | None = None
        joined: Worker | None = None
        for worker in self.workers.values():
            if worker.unit != demand.unit:
                continue
            if worker.attempts:
                busy += 1
                if not demand.is_async or joined is not None:
                    continue
            elif preferred is not None:
                continue
            if (bound is not None and worker.worker_id != bound) or not self._can_take(worker, demand):
                continue
            if worker.attempts:
                joined = worker
                preferred = preferred or worker
            elif attempt.run_id in worker.runs:
                preferred = worker
            else:
                found = found or worker
        # One more than these may be there; it is kept for what is asked in between.
        return joined if busy >= self.policy.workers else preferred or found

    def _can_take(self, worker: Worker, demand: Demand) -> bool:
        if worker.is_idle:
            return True
        return (
            demand.is_async
            and worker.is_ready
            and not worker.is_leaving
            and worker.errand is None
            and worker.runs_async_steps
            and len(worker.attempts) < self.policy.async_steps_of_a_worker
        )

    def _claimant(self, attempt: Attempt) -> Attempt | None:
        """Return the attempt of another run that builds what this one would build, if there is one."""
        return self._claims.holder(attempt, self._launches[attempt].step)

    def _start(self, attempt: Attempt, now: float) -> None:
        launch = self._launches.pop(attempt)
        run = self.runs[attempt.run_id]
        demand = self.ready.held[attempt]
        worker = self._place(demand, attempt)
        assert worker is not None
        assert run.state is not None
        self._claims.take(attempt, launch.step)
        if not launch.step.is_async:
            self._close_others(worker, run, now)
        told = journal_for(worker, run)
        if run.run_id not in worker.runs:
            worker.runs[run.run_id] = None
            run.open_in.add(worker.worker_id)
            self._actions.append(Send(worker.worker_id, OpenRun(run.run_id, run.record, run.plan_bytes, run.job)))
        if run.in_one_worker:
            run.worker = worker.worker_id
        limit = launch.step.timeout_seconds
        ends = [time for time in (None if limit is None else now + limit, run.ends_at) if time is not None]
        worker.attempts[attempt] = RunningAttempt(
            attempt, launch.step, now, must_end_at=min(ends) + self.policy.grace_seconds if ends else None
        )
        worker.journal_at[run.run_id] = len(run.journal)
        started = StepStarted(run_id=run.run_id, timestamp=now, step_key=attempt.step_key, attempt=attempt.number)
        run.state, _ = advance(run.state, started)
        self._append([started])
        message = StartAttempt(attempt, launch.mapping_key, told, run.ends_at, launch.lost_attempts)
        self._actions.append(Send(worker.worker_id, message))

    def _release(self, worker: Worker, attempt: Attempt, now: float) -> None:
        running = worker.attempts.pop(attempt, None)
        worker.ended += 1
        if worker.closing and worker.must_close_at is None:
            worker.must_close_at = now + self.policy.teardown_seconds
        self.ready.release(attempt)
        if running is not None:
            self._claims.release(attempt, running.step)
        for waiting in self._held_up.pop(attempt, ()):
            self.ready.put_back(waiting)

    def _close_others(self, worker: Worker, run: ActiveRun, now: float) -> None:
        """Have a worker tear down other runs first: inside a long step it could not, and their end would wait for it."""
        for run_id in [run_id for run_id in worker.runs if run_id != run.run_id and run_id not in worker.closing]:
            if self.runs[run_id].worker != worker.worker_id:
                self._close(worker, run_id, now)

    def _close(self, worker: Worker, run_id: str, now: float) -> None:
        worker.closing.add(run_id)
        if not worker.is_inside_step_of_another(run_id):
            worker.must_close_at = now + self.policy.teardown_seconds
        self._actions.append(Send(worker.worker_id, CloseRun(run_id)))

    def _want_workers(self) -> None:
        """Ask for as many workers as could be busy now, and spare ones; never more than the policy allows."""
        policy = self.policy
        waiting_units = {demand.unit: None for demand in self.ready.lanes()}
        for unit in waiting_units | dict.fromkeys(self._errands) | dict.fromkeys(self._starting):
            mine = [worker for worker in self.workers.values() if worker.unit == unit and not worker.is_leaving]
            busy = sum(not worker.is_idle and worker.is_ready for worker in mine)
            waiting = min(len(self.ready), policy.workers) if unit in waiting_units else 0
            # One that plans takes no place from the steps, however long it does so.
            planning = sum(worker.errand is not None for worker in mine)
            errands = len(self._errands.get(unit, ())) + planning
            wanted = max(
                min(busy - planning + waiting, policy.workers) + errands,
                min(busy + policy.spare_workers, policy.workers + 1),
            )
            wanted = max(wanted, self._starting.get(unit, 0))
            missing = wanted - len(mine)
            if missing > 0:
                self._actions.append(Start(unit, missing))

    def keep(self, unit: str, count: int, now: float) -> None:
        """Keep at least this many workers of a snapshot of code."""
        if count:
            self._starting[unit] = count
        else:
            self._starting.pop(unit, None)
        self._proceed(now)

    # ---------------------------------------------------------------------------------------------------- what is shown

    def waiting_attempts(self) -> Iterator[tuple[Attempt, Demand, float, str]]:
        """Yield what waits to start, in order, with its priority and what it waits for."""
        for attempt, demand, priority in self.ready.waiting():
            holder = self._claimant(attempt)
            if holder is not None:
                reason = f"run {holder.run_id[:8]}, which builds the same"
            else:
                reason = self.ready.reason(attempt) or "a free worker"
            yield attempt, demand, priority, reason

    def delayed_attempts(self) -> Iterator[tuple[Attempt, float]]:
        """Yield what is to be tried again later, and when."""
        for not_before, _, attempt in sorted(self._delayed):
            if attempt in self._launches:
                yield attempt, not_before
