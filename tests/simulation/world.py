"""An imagined world around the real dispatcher: a clock, a store, code hosts, workers, clients, and what goes wrong.

All that happens follows from one seed. The store keeps transactions; a crash of the server may lose those that are not
committed yet, or cut what was done after a commit. Messages take their time, come twice, and overtake those of other
channels, never those of their own.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from headwater.model.codec import decode_event
from headwater.model.error_info import ErrorInfo
from headwater.model.events import (
    AssetMaterialized,
    AssetUnchanged,
    CheckEvaluated,
    Event,
    OutputRef,
    RunInterrupted,
    RunResumed,
    RunSucceeded,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from headwater.plan.run_plan import PlanStep, RunPlan
from headwater.service.actions import Append, Ended, ErrandLost, RunErrand, Send, Start, Stop
from headwater.service.active import ActiveRun, Policy
from headwater.service.dispatcher import Dispatcher
from headwater.service.protocol import (
    Attempt,
    CloseRun,
    JobReference,
    Leave,
    OpenRun,
    StartAttempt,
    StopAttempt,
)
from headwater.service.waiting import Limits, TagLimit
from tests.simulation.ledger import Ledger, Violation, require, slots_of
from tests.simulation.plans import MAPPED, POOLS, random_plan

# Of these the dispatcher hears nothing.
INSIDE_WORKERS = frozenset({"hear", "tell", "step_over", "close", "answer", "die", "terminate"})
MOST_EVENTS = 20_000
LATEST = 5_000.0


@dataclass(frozen=True, slots=True)
class Size:
    """How large the world is; smaller ones are easier to read when they fail."""

    most_runs: int = 3
    most_steps: int = 6
    chaos_seconds: float = 8.0


@dataclass(slots=True)
class ImaginedWorker:
    worker_id: int
    unit: str
    life: int
    is_alive: bool = True
    inbox: deque[Any] = field(default_factory=deque)
    is_busy: bool = False
    attempts: dict[Attempt, PlanStep] = field(default_factory=dict)
    # By run that is open, which outputs of its steps are known here.
    known: dict[str, set[str]] = field(default_factory=dict)
    numbers: dict[Attempt, int] = field(default_factory=dict)
    # When the last message of each direction arrives: none overtakes another.
    heard_at: float = 0.0
    told_at: float = 0.0


@dataclass(slots=True)
class WorkerAsTold:
    """What the dispatcher can know of a worker, from what it was told and from what it has done."""

    unit: str
    is_ready: bool = False
    is_leaving: bool = False
    errand: int | None = None
    attempts: dict[Attempt, PlanStep] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Submitted:
    run_id: str
    plan: RunPlan
    location: str
    tags: dict[str, str]
    priority: float
    label: str
    in_one_worker: bool


class World:
    """`run` plays it to its end, and raises Violation where a law does not hold."""

    def __init__(self, seed: int, size: Size = Size(), trace: bool = False) -> None:
        self.seed = seed
        self.size = size
        self.trace = trace
        self.draw = draw = random.Random(seed)
        self.now = 1_000.0
        self.chaos_ends = self.now + size.chaos_seconds
        self.events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self.number = 0
        self.life = 0
        self.timer_at: float | None = None
        self.ledger = Ledger()
        self.committed: list[tuple[Event, ...]] = []
        self.uncommitted: list[tuple[Event, ...]] = []
        self.submitted: dict[str, Submitted] = {}
        self.workers: dict[int, ImaginedWorker] = {}
        self.told: dict[int, WorkerAsTold] = {}
        self.bound: dict[str, int] = {}
        self.gone: set[int] = set()
        self.worker_number = 0
        self.unit_number = 0
        self.errand_number = 0
        self.errands: set[int] = set()
        # By location, its newest unit; and which units have imported their code.
        self.current: dict[str, str] = {}
        self.ready_units: set[str] = set()
        self.latency = draw.choice((0.0, 0.01, 0.2))
        self.is_commit_first = draw.random() < 0.7
        self.turn = draw.choice((1, 1, 3))
        self.crashes = draw.random() < 0.75
        self.server_crashes = self.crashes and draw.random() < 0.5
        self.keeps = draw.choice((0, 1, 2))
        self.locations = ("here", "there") if draw.random() < 0.25 else ("here",)
        self.policy = Policy(
            workers=draw.randint(1, 3),
            spare_workers=draw.randint(0, 1),
            steps_of_a_worker=draw.choice((1, 3, 1_000)),
            worker_seconds=draw.choice((5.0, 3_600.0)),
            async_steps_of_a_worker=draw.randint(1, 3),
            grace_seconds=0.5,
            teardown_seconds=3.0,
        )
        self.step_limits = self._random_limits()
        self.run_limits = self._random_run_limits()
        self.dispatcher: Dispatcher
        self.start_server()
        self._plan_what_happens()

    # ------------------------------------------------------------------------------------------------------- clockwork

    def at(self, time: float, does: Callable[..., None], *arguments: Any) -> None:
        self.number += 1
        heapq.heappush(self.events, (time, self.number, does, arguments))

    def after(self, seconds: float, does: Callable[..., None], *arguments: Any) -> None:
        self.at(self.now + seconds, does, *arguments)

    def say(self, *words: object) -> None:
        if self.trace:
            print(f"{self.now - 1_000.0:9.3f}", *words)

    def run(self) -> None:
        happened = 0
        while self.events:
            waited = self.waiting_attempts() if self.turn == 1 else None
            is_heard_of = False
            for _ in range(self.draw.randint(1, self.turn)):
                if not self.events:
                    break
                time, _, does, arguments = heapq.heappop(self.events)
                self.now = max(self.now, time)
                does(*arguments)
                happened += 1
                is_heard_of |= does.__name__ not in INSIDE_WORKERS
            if is_heard_of:
                self.act(waited)
            require(
                happened < MOST_EVENTS and self.now < LATEST + 1_000.0, "it does not come to an end:", self.unfinished()
            )
        self.check_end()

    @property
    def is_chaos(self) -> bool:
        return self.now < self.chaos_ends

    def chance(self, probability: float) -> bool:
        """Whether something goes wrong now; nothing does when the crashes have stopped."""
        return self.crashes and self.is_chaos and self.draw.random() < probability

    def unfinished(self) -> list[str]:
        return [run_id for run_id, run in self.ledger.runs.items() if run.end is None]

    # --------------------------------------------------------------------------------------------------- what happens

    def _random_limits(self) -> Limits:
        draw = self.draw
        tags = [TagLimit("kind", draw.randint(1, 2), each_value=True)] if draw.random() < 0.25 else []
        tags += [TagLimit("kind", draw.randint(1, 2), value="red")] if draw.random() < 0.15 else []
        tags += [TagLimit("kind", draw.randint(1, 3))] if draw.random() < 0.15 else []
        return Limits(
            total=draw.randint(1, 4) if draw.random() < 0.25 else None,
            locations={"here": draw.randint(1, 3)} if draw.random() < 0.2 else {},
            pools={pool: draw.randint(1, 3) for pool in POOLS if draw.random() < 0.6},
            default_pool=1 if draw.random() < 0.2 else None,
            tags=tuple(tags),
        )

    def _random_run_limits(self) -> Limits:
        draw = self.draw
        return Limits(
            total=draw.randint(1, 3) if draw.random() < 0.4 else None,
            tags=(TagLimit("team", 1, each_value=True),) if draw.random() < 0.25 else (),
        )

    def _plan_what_happens(self) -> None:
        draw, length = self.draw, self.size.chaos_seconds
        start = self.now
        runs = draw.randint(1, self.size.most_runs)
        for number in range(runs):
            self.at(start + draw.uniform(0, length * 0.5), self.submit, f"run-{number}")
            if draw.random() < 0.2:
                self.at(start + draw.uniform(0, length), self.cancel, f"run-{number}")
        for _ in range(draw.choice((0, 0, 1, 3))):
            self.at(start + draw.uniform(0, length), self.ask)
        for _ in range(draw.choice((0, 0, 1, 2))):
            self.at(start + draw.uniform(0, length), self.reload, draw.choice(self.locations))
        for _ in range(draw.choice((0, 0, 2))):
            self.at(start + draw.uniform(0, length), self.change_limits)
        if self.crashes:
            for _ in range(draw.choice((0, 1, 3))):
                self.at(start + draw.uniform(0, length), self.kill_any_worker)
            for _ in range(draw.choice((0, 0, 1))):
                self.at(start + draw.uniform(0, length), self.crash_host, draw.choice(self.locations))
        if self.server_crashes:
            for _ in range(draw.choice((1, 2))):
                self.at(start + draw.uniform(0, length), self.crash_server)
        self.at(self.chaos_ends, self.restore_limits)

    # --------------------------------------------------------------------------------------------------------- clients

    def submit(self, run_id: str) -> None:
        draw = self.draw
        location = draw.choice(self.locations)
        if self.current[location] not in self.ready_units:
            self.after(0.3, self.submit, run_id)
            return
        given = Submitted(
            run_id,
            random_plan(draw, self.size.most_steps),
            location,
            {"team": draw.choice(("a", "b"))} if draw.random() < 0.5 else {},
            draw.choice((0.0, 0.0, 1.0, -1.0)),
            draw.choice(("", "", "one", "two")),
            draw.random() < 0.15,
        )
        self.submitted[run_id] = given
        self.ledger.add(run_id, given.plan, location, given.tags)
        self.say("submit", run_id, given)
        self.dispatcher.submit(self.active(given), self.now)

    def active(self, given: Submitted) -> ActiveRun:
        return ActiveRun(
            run_id=given.run_id,
            location=given.location,
            unit=self.current[given.location],
            plan=given.plan,
            job=JobReference("job"),
            record=b"",
            plan_bytes=b"",
            tags=given.tags,
            priority=given.priority,
            label=given.label,
            in_one_worker=given.in_one_worker,
        )

    def cancel(self, run_id: str) -> None:
        self.act()
        ours = self.dispatcher.cancel(run_id, "by hand", self.now)
        self.say("cancel", run_id, ours)
        known = self.ledger.runs.get(run_id)
        require(ours == (known is not None and known.end is None), f"{run_id}: cancel says {ours}")

    def ask(self) -> None:
        location = self.draw.choice(self.locations)
        if self.current[location] in self.ready_units:
            self.errand_number += 1
            self.errands.add(self.errand_number)
            self.say("ask", self.errand_number)
            self.dispatcher.ask(self.current[location], self.errand_number, self.now)

    def change_limits(self) -> None:
        if self.is_chaos:
            self._set_limits(self._random_limits(), self._random_run_limits())

    def restore_limits(self) -> None:
        self._set_limits(Limits(total=2, pools={"db": 2}), Limits(total=2))

    def _set_limits(self, step_limits: Limits, run_limits: Limits) -> None:
        self.act()  # what was decided before was decided under the limits of before
        self.say("limits", step_limits, run_limits)
        self.step_limits, self.run_limits = step_limits, run_limits
        self.ledger.step_limits, self.ledger.run_limits = step_limits, run_limits
        self.dispatcher.ready.set_limits(step_limits)
        self.dispatcher.queued_runs.set_limits(run_limits)

    # ------------------------------------------------------------------------------------------------- server and hosts

    def start_server(self) -> None:
        self.dispatcher = Dispatcher(self.policy, run_limits=self.run_limits, step_limits=self.step_limits)
        self.ledger.step_limits, self.ledger.run_limits = self.step_limits, self.run_limits
        self.timer_at = None
        for location in self.locations:
            unit = self.new_unit(location)
            self.current[location] = unit
            self.ready_units.add(unit)
            self.dispatcher.keep(unit, self.keeps, self.now)

    def new_unit(self, location: str) -> str:
        self.unit_number += 1
        return f"{location}#{self.unit_number}"

    def crash_server(self) -> None:
        """The server dies, and with it every host and worker; the next one starts from what was committed."""
        lost = len(self.uncommitted)
        if self.is_commit_first:
            self.committed += self.uncommitted
            lost = 0
        else:
            kept = self.draw.randint(0, lost)
            self.committed += self.uncommitted[:kept]
            lost -= kept
        self.uncommitted = []
        self.say("--- the server crashes,", lost, "transactions are lost")
        self.life += 1
        for worker in self.workers.values():
            worker.is_alive = False
        self.workers, self.told, self.bound = {}, {}, {}
        self.ready_units = set()
        self.errands = set()
        self.ledger = Ledger()
        for given in self.submitted.values():
            self.ledger.add(given.run_id, given.plan, given.location, given.tags)
        self.ledger.checks_limits = False
        for transaction in self.committed:
            for event in transaction:
                self.ledger.take(event)
        self.start_server()
        self._adopt()

    def _adopt(self) -> None:
        by_run: dict[str, list[Event]] = {run_id: [] for run_id in self.submitted}
        for transaction in self.committed:
            for event in transaction:
                by_run[event.run_id].append(event)
        interrupts = self.draw.random() < 0.6
        for run_id, given in self.submitted.items():
            past = by_run[run_id]
            if self.ledger.runs[run_id].end is not None:
                continue
            if interrupts and past:
                # As the store does it for runs whose owner is gone.
                attempts = [attempt for attempt in self.ledger.running if attempt.run_id == run_id]
                cause = "canceled" if self.ledger.runs[run_id].is_canceled else "lost"
                found: list[Event] = [
                    StepFailed(run_id=run_id, timestamp=self.now, step_key=a.step_key, attempt=a.number, cause=cause)
                    for a in attempts
                ]
                found.append(RunInterrupted(run_id=run_id, timestamp=self.now, reason="its process is gone"))
                past += found
                self.record(tuple(found))
                self.record((RunResumed(run_id=run_id, timestamp=self.now),))
            self.dispatcher.adopt(self.active(given), past, self.now)
        self.ledger.checks_limits = True

    def reload(self, location: str) -> None:
        """A new host imports the code; when it is sound, new runs go to it."""
        unit = self.new_unit(location)
        self.say("reload", location, unit)
        self.after(0.5, self.host_ready, self.life, location, unit)

    def host_ready(self, life: int, location: str, unit: str) -> None:
        if life != self.life:
            return
        self.say("host ready", unit)
        before = self.current[location]
        self.current[location] = unit
        self.ready_units.add(unit)
        self.dispatcher.keep(unit, self.keeps, self.now)
        if before != unit:
            self.dispatcher.keep(before, 0, self.now)
            if before in self.ready_units:
                self.dispatcher.retire(before, self.now)
            else:  # it never came up, and this one came before its successor
                self.dispatcher.move_runs(before, unit, self.now)

    def crash_host(self, location: str) -> None:
        """A host dies with all of its workers; another takes its place, and the runs that were pinned to it."""
        if not self.is_chaos:
            return
        units = sorted(unit for unit in self.ready_units if unit.startswith(f"{location}#"))
        if not units:
            return
        unit = self.draw.choice(units)
        self.say("--- the host crashes:", unit)
        self.ready_units.discard(unit)
        for worker_id in [worker_id for worker_id, worker in self.told.items() if worker.unit == unit]:
            self.workers[worker_id].is_alive = False
            self.worker_gone(self.life, worker_id)
        self.dispatcher.keep(unit, 0, self.now)
        if self.current[location] == unit:
            heir = self.current[location] = self.new_unit(location)
            self.after(0.5, self.host_ready, self.life, location, heir)
        self.dispatcher.move_runs(unit, self.current[location], self.now)

    def kill_any_worker(self) -> None:
        alive = [worker for worker in self.workers.values() if worker.is_alive]
        if alive and self.is_chaos:
            self.die(self.draw.choice(alive), "killed")

    # ------------------------------------------------------------------------------------------------- what is decided

    def act(self, waited: dict[Attempt, float] | None = None) -> None:
        """Do what the dispatcher decides, as the server does: record first, then act."""
        while True:
            due = self.dispatcher.tick(self.now)
            actions = self.dispatcher.take_actions()
            if all(isinstance(action, Start) and action.unit not in self.ready_units for action in actions):
                break  # those are started when their host has come up
            life = self.life
            appended = [action.events for action in actions if isinstance(action, Append)]
            self.check_starts(appended, waited)
            if self.is_commit_first:
                # One transaction for a turn, and all is safe before anything is done.
                transactions = [tuple(event for events in appended for event in events)] if appended else []
            else:
                transactions = appended
            for transaction in transactions:
                self.uncommitted.append(transaction)
            if self.is_commit_first or self.draw.random() < 0.5:
                self.committed += self.uncommitted
                self.uncommitted = []
            for action in actions:
                self.perform(action)
            if self.server_crashes and self.chance(0.01):
                self.crash_server()
            waited = None
            if life == self.life and any(isinstance(action, Ended) for action in actions):
                for unit in sorted({worker.unit for worker in self.told.values()} - set(self.current.values())):
                    self.dispatcher.retire(unit, self.now)
        if due is not None and (self.timer_at is None or due < self.timer_at or self.timer_at <= self.now):
            self.timer_at = max(due, self.now)
            self.at(self.timer_at, self.timer, self.life)
        self.check_settled()

    def timer(self, life: int) -> None:
        if life == self.life:
            self.timer_at = None

    def record(self, events: tuple[Event, ...]) -> None:
        self.uncommitted.append(events)
        if self.is_commit_first:
            self.committed += self.uncommitted
            self.uncommitted = []
        for event in events:
            self.note(event)

    def note(self, event: Event) -> None:
        self.say("  record", event)
        self.ledger.take(event)
        if event.step_key is not None:
            for worker in self.told.values():
                for attempt in [each for each in worker.attempts if each not in self.ledger.running]:
                    del worker.attempts[attempt]

    def perform(self, action: Any) -> None:
        match action:
            case Append(events=events):
                for event in events:
                    self.note(event)
            case Send(worker_id=worker_id, message=message):
                self.send(worker_id, message)
            case Start(unit=unit, count=count):
                self.start_workers(unit, count)
            case Stop(worker_id=worker_id, grace_seconds=grace_seconds):
                self.stop(worker_id, grace_seconds)
            case RunErrand(worker_id=worker_id) if worker_id in self.gone:
                pass
            case RunErrand(worker_id=worker_id, errand_id=errand_id):
                told = self.told[worker_id]
                require(told.is_ready and not told.is_leaving and not told.attempts, f"worker {worker_id} is not free")
                require(told.errand is None, f"worker {worker_id} has an errand")
                told.errand = errand_id
                self.deliver_to(worker_id, ("errand", errand_id))
            case ErrandLost(errand_id=errand_id):
                require(errand_id in self.errands, f"errand {errand_id} is lost twice")
                self.errands.discard(errand_id)
            case Ended(run_id=run_id):
                require(self.ledger.runs[run_id].end is not None, f"{run_id}: told as ended, and is not recorded so")

    def send(self, worker_id: int, message: Any) -> None:
        self.say("  to worker", worker_id, message)
        if worker_id in self.gone:
            return  # lost in the same turn
        told = self.told[worker_id]
        require(
            told.is_ready or isinstance(message, Leave),
            f"worker {worker_id} is told something and is not there:",
            message,
        )
        match message:
            case OpenRun(run_id=run_id):
                require(run_id not in told.open, f"worker {worker_id} has {run_id} open already")
                told.open.add(run_id)
            case CloseRun(run_id=run_id):
                # It may have closed the run by itself in the same turn.
                require(run_id in told.open or self.turn > 1, f"worker {worker_id} has not {run_id} open")
                told.open.discard(run_id)
            case StartAttempt(attempt=attempt):
                self._give(worker_id, told, attempt)
            case Leave():
                require(not told.attempts, f"worker {worker_id} is to leave and is busy")
                told.is_leaving = True
        self.deliver_to(worker_id, message)

    def _give(self, worker_id: int, told: WorkerAsTold, attempt: Attempt) -> None:
        require(not told.is_leaving, f"{attempt} goes to worker {worker_id}, which is leaving")
        require(attempt.run_id in told.open, f"{attempt} goes to worker {worker_id}, where its run is not open")
        require(told.errand is None, f"{attempt} goes to worker {worker_id}, which is asked something")
        require(attempt in self.ledger.running, f"{attempt} is started and not recorded so")
        step = self.ledger.running[attempt]
        given = self.submitted[attempt.run_id]
        if told.attempts:
            require(step.is_async and all(each.is_async for each in told.attempts.values()), f"{attempt}: not alone")
            require(len(told.attempts) < self.policy.async_steps_of_a_worker, f"{attempt}: too many beside it")
        else:
            others = sum(bool(each.attempts) for each in self.told.values() if each.unit == told.unit)
            require(others < self.policy.workers, f"{attempt}: more workers are busy than there may be")
        if given.in_one_worker:
            require(self.bound.setdefault(attempt.run_id, worker_id) == worker_id, f"{attempt}: in another worker")
        for worker in self.workers.values():
            same = [
                each for each in worker.attempts if (each.run_id, each.step_key) == (attempt.run_id, attempt.step_key)
            ]
            require(not worker.is_alive or not same, f"{attempt}: it runs in worker {worker.worker_id} still")
        told.attempts[attempt] = step

    def start_workers(self, unit: str, count: int) -> None:
        self.say("  start", count, "workers of", unit)
        if unit not in self.ready_units:
            return
        for _ in range(count):
            self.worker_number += 1
            worker = ImaginedWorker(self.worker_number, unit, self.life)
            self.workers[worker.worker_id] = worker
            self.told[worker.worker_id] = WorkerAsTold(unit)
            self.dispatcher.worker_started(worker.worker_id, unit, self.now)
            if self.chance(0.1):
                self.after(self.delay(), self.die, worker, "died while it started")
            else:
                self.deliver_from(worker, self.worker_ready)
        staying = sum(not worker.is_leaving for worker in self.told.values() if worker.unit == unit)
        if not self.errand_number:
            require(staying <= max(self.policy.workers + 1, self.keeps), f"{staying} workers of {unit}")

    def stop(self, worker_id: int, grace_seconds: float) -> None:
        self.say("  stop worker", worker_id, grace_seconds)
        worker, told = self.workers.get(worker_id), self.told.get(worker_id)
        if worker is None or told is None:
            return
        told.is_leaving = True
        if grace_seconds > 0:
            self.after(self.delay(), self.terminate, worker)
        self.after(grace_seconds, self.die, worker, "killed by the server")

    # -------------------------------------------------------------------------------------------------------- channels

    def delay(self) -> float:
        return self.draw.expovariate(1.0 / self.latency) if self.latency else 0.0

    def deliver_to(self, worker_id: int, message: Any) -> None:
        worker = self.workers[worker_id]
        worker.heard_at = max(worker.heard_at, self.now + self.delay())
        self.at(worker.heard_at, self.hear, worker, message)

    def deliver_from(
        self, worker: ImaginedWorker, takes: Callable[..., None], *arguments: Any, twice: bool = True
    ) -> None:
        worker.told_at = max(worker.told_at, self.now + self.delay())
        self.at(worker.told_at, takes, self.life, worker.worker_id, *arguments)
        if twice and self.chance(0.08):
            self.at(worker.told_at + self.draw.uniform(0, 2.0), takes, self.life, worker.worker_id, *arguments)

    def worker_ready(self, life: int, worker_id: int) -> None:
        if life == self.life:
            if worker_id in self.told:
                self.told[worker_id].is_ready = True
            self.dispatcher.worker_ready(worker_id, worker_id, self.now)

    def facts_came(self, life: int, worker_id: int, attempt: Attempt, number: int, events: list[Event]) -> None:
        if life == self.life:
            self.say("facts", worker_id, attempt, number, events)
            self.dispatcher.facts_came(worker_id, attempt, number, events, self.now)

    def run_closed(self, life: int, worker_id: int, run_id: str, problem: ErrorInfo | None) -> None:
        if life == self.life:
            self.say("closed", run_id, "in worker", worker_id, problem)
            if worker_id in self.told:
                self.told[worker_id].open.discard(run_id)
            self.dispatcher.run_closed(worker_id, run_id, problem, self.now)

    def errand_done(self, life: int, worker_id: int, errand_id: int) -> None:
        if life == self.life and worker_id in self.told:
            self.errands.discard(errand_id)
            told = self.told[worker_id]
            if told.errand == errand_id:
                told.errand = None
            self.dispatcher.errand_done(worker_id, errand_id, self.now)

    def worker_gone(self, life: int, worker_id: int) -> None:
        if life == self.life and worker_id in self.told:
            self.say("lost worker", worker_id)
            del self.told[worker_id]
            del self.workers[worker_id]
            self.gone.add(worker_id)
            self.bound = {run_id: bound for run_id, bound in self.bound.items() if bound != worker_id}
            self.dispatcher.worker_lost(worker_id, "it is gone", self.now)

    # --------------------------------------------------------------------------------------------------------- workers

    def die(self, worker: ImaginedWorker, why: str) -> None:
        if worker.is_alive:
            self.say("--- worker", worker.worker_id, why)
            worker.is_alive = False
            worker.attempts = {}
            self.after(self.delay(), self.worker_gone, worker.life, worker.worker_id)

    def terminate(self, worker: ImaginedWorker) -> None:
        """TERM: most obey, some say what they were at, some hear nothing."""
        if not worker.is_alive or self.draw.random() < 0.3:
            return
        for attempt in list(worker.attempts):
            if self.draw.random() < 0.7:
                self.tell(worker, attempt, [self.failure(attempt, cause="canceled", allow_retries=False)])
        self.die(worker, "ended when told")

    def hear(self, worker: ImaginedWorker, message: Any) -> None:
        if not worker.is_alive:
            return
        if isinstance(message, StopAttempt):
            attempt = message.attempt
            if attempt in worker.attempts and self.draw.random() < 0.7:
                self.after(self.delay(), self.step_over, worker, attempt, [self.failure(attempt, cause="canceled")])
            return
        worker.inbox.append(message)
        self.work(worker)

    def work(self, worker: ImaginedWorker) -> None:
        """Take what came, one after another; inside an ordinary step nothing is heard."""
        while worker.is_alive and worker.inbox and not worker.is_busy:
            message = worker.inbox.popleft()
            match message:
                case OpenRun(run_id=run_id):
                    require(run_id not in worker.known, f"worker {worker.worker_id}: {run_id} is open")
                    worker.known[run_id] = set()
                case CloseRun(run_id=run_id):
                    require(
                        not any(each.run_id == run_id for each in worker.attempts), f"{run_id} is closed under a step"
                    )
                    worker.is_busy = True
                    if not self.chance(0.05):  # else its teardown hangs
                        self.after(self.delay(), self.close, worker, run_id)
                case StartAttempt():
                    self.begin(worker, message)
                case Leave():
                    require(not worker.attempts, f"worker {worker.worker_id} leaves its steps")
                    for run_id in worker.known:
                        self.deliver_from(worker, self.run_closed, run_id, None, twice=False)
                    self.die(worker, "leaves")
                case ("errand", int(errand_id)):
                    worker.is_busy = True
                    if self.chance(0.1):
                        self.after(0.1, self.die, worker, "died while it planned")
                    else:
                        self.after(0.1, self.answer, worker, errand_id)

    def close(self, worker: ImaginedWorker, run_id: str) -> None:
        if worker.is_alive:
            worker.is_busy = False
            worker.known.pop(run_id, None)
            problem = ErrorInfo("OSError", "the connection was gone") if self.draw.random() < 0.05 else None
            self.deliver_from(worker, self.run_closed, run_id, problem, twice=False)
            self.work(worker)

    def answer(self, worker: ImaginedWorker, errand_id: int) -> None:
        if worker.is_alive:
            worker.is_busy = False
            self.deliver_from(worker, self.errand_done, errand_id)
            self.work(worker)

    def begin(self, worker: ImaginedWorker, message: StartAttempt) -> None:
        attempt = message.attempt
        require(attempt.run_id in worker.known, f"{attempt}: its run is not open in worker {worker.worker_id}")
        known = worker.known[attempt.run_id]
        known |= {event.step_key for event in map(decode_event, message.journal) if isinstance(event, StepSucceeded)}  # type: ignore[misc]
        ledger = self.ledger.runs[attempt.run_id]
        for need in ledger.needs(attempt.step_key):
            for source, _ in need.sources:
                if source in ledger.plan.known_outputs:
                    continue
                keys = [source]
                if source in ledger.steps and ledger.steps[source].mapped_over is not None:
                    keys = ledger.instances(source)
                missing = [key for key in keys if ledger.status(key) == "SUCCEEDED" and key not in known]
                require(not missing, f"{attempt}: worker {worker.worker_id} does not know what {missing} gave")
        step = ledger.template_of(attempt.step_key)
        for other in self.workers.values():
            for theirs in other.attempts if other.is_alive else ():
                require(
                    (theirs.run_id, theirs.step_key) != (attempt.run_id, attempt.step_key), f"{attempt}: runs twice"
                )
        worker.attempts[attempt] = step
        worker.numbers[attempt] = 0
        worker.is_busy = not step.is_async
        self.play(worker, attempt, step)

    def play(self, worker: ImaginedWorker, attempt: Attempt, step: PlanStep) -> None:
        """Draw what a step will say, when, and how it ends."""
        draw = self.draw
        end, built = self._outcome(attempt, step)
        parts: list[list[Event]] = [[]]
        for event in built:
            parts[-1].append(event)
            if draw.random() < 0.4:
                parts.append([])
        parts[-1].append(end)
        if draw.random() < 0.1:
            parts[-1] += self._what_it_may_not_say(attempt)
            parts[0][:0] = self._what_is_not_its_own(attempt)
        length = draw.expovariate(1.5)
        limit = step.timeout_seconds
        has_limit = limit is not None or self.submitted[attempt.run_id].plan.timeout_seconds is not None
        if has_limit and draw.random() < 0.25:
            length = 1e9  # it hangs
        elif draw.random() < 0.1:
            length += 3.0
        if limit is not None and length > limit and draw.random() < 0.7:
            length, parts = limit, [[self.failure(attempt, cause="timeout")]]
        dies_after = draw.randrange(len(parts)) if self.chance(0.06) else None
        for number, part in enumerate(parts):
            time = self.now + length * (number + 1) / len(parts)
            if time > LATEST:
                break
            if number == dies_after:
                self.at(time, self.die, worker, "crashed in a step")
                break
            self.at(time, self.step_over if number == len(parts) - 1 else self.tell, worker, attempt, part)

    def _outcome(self, attempt: Attempt, step: PlanStep) -> tuple[Event, list[Event]]:
        draw = self.draw
        about: dict[str, Any] = {"run_id": attempt.run_id, "step_key": attempt.step_key}
        kinds = (AssetMaterialized, AssetMaterialized, AssetMaterialized, AssetUnchanged)
        built: list[Event] = [
            draw.choice(kinds)(**about, timestamp=self.now, asset=str(asset.key), partition=partition)
            for asset in step.assets
            for partition in (asset.partitions or (None,))
        ]
        built += [CheckEvaluated(**about, asset=str(check.asset_key), check=check.name) for check in step.checks]
        outcome = draw.random()
        if outcome < 0.15:
            asks = {"requested_retries": draw.randint(0, 2), "requested_delay_seconds": draw.choice((None, 1.0))}
            fields = asks if draw.random() < 0.3 else {"allow_retries": draw.random() < 0.9}
            return self.failure(attempt, **fields), built[: draw.randint(0, len(built))]
        if outcome < 0.2:
            return StepSkipped(**about, timestamp=self.now, reason="nothing new"), []
        outputs = [OutputRef("result")] if draw.random() < 0.9 else []
        if draw.random() < 0.7:
            outputs.append(OutputRef("maybe"))
        if step.dynamic_outputs:
            outputs += [OutputRef(MAPPED, f"k{number}") for number in range(draw.randint(0, 3))]
        return StepSucceeded(**about, timestamp=self.now, attempt=attempt.number, outputs=tuple(outputs)), built

    def _what_it_may_not_say(self, attempt: Attempt) -> list[Event]:
        """Facts that only the server tells, and an end after the end: they must be dropped."""
        about: dict[str, Any] = {"run_id": attempt.run_id, "timestamp": self.now}
        return [
            StepStarted(**about, step_key=attempt.step_key, attempt=attempt.number),
            StepSucceeded(**about, step_key=attempt.step_key, attempt=attempt.number),
            RunSucceeded(**about),
        ]

    def _what_is_not_its_own(self, attempt: Attempt) -> list[Event]:
        """Facts about other steps, attempts and runs: they must be dropped too."""
        others = [key for key in self.ledger.runs[attempt.run_id].steps if key != attempt.step_key]
        return [
            *(StepSucceeded(run_id=attempt.run_id, timestamp=self.now, step_key=key, attempt=1) for key in others),
            StepFailed(run_id=attempt.run_id, step_key=attempt.step_key, attempt=attempt.number + 1),
            StepSucceeded(run_id="run-none", timestamp=self.now, step_key=attempt.step_key, attempt=attempt.number),
        ]

    def failure(self, attempt: Attempt, cause: str = "user", **fields: Any) -> StepFailed:
        return StepFailed(
            run_id=attempt.run_id,
            timestamp=self.now,
            step_key=attempt.step_key,
            attempt=attempt.number,
            cause=cause,
            **fields,
        )

    def tell(self, worker: ImaginedWorker, attempt: Attempt, events: list[Event]) -> None:
        if worker.is_alive and attempt in worker.attempts and events:
            worker.numbers[attempt] += 1
            self.deliver_from(worker, self.facts_came, attempt, worker.numbers[attempt], events)

    def step_over(self, worker: ImaginedWorker, attempt: Attempt, events: list[Event]) -> None:
        if not worker.is_alive or attempt not in worker.attempts:
            return
        self.tell(worker, attempt, events)
        step = worker.attempts.pop(attempt)
        if any(isinstance(event, StepSucceeded) and event.step_key == attempt.step_key for event in events):
            worker.known[attempt.run_id].add(attempt.step_key)
        if not step.is_async:
            worker.is_busy = False
            self.work(worker)

    # ---------------------------------------------------------------------------------------------------------- checks

    def waiting_attempts(self) -> dict[Attempt, float]:
        return {attempt: priority for attempt, _, priority in self.dispatcher.ready.waiting()}

    def workers_for(self, attempt: Attempt, step: PlanStep) -> list[int]:
        """Return the workers that could take an attempt now."""
        given = self.submitted[attempt.run_id]
        run = self.dispatcher.runs.get(attempt.run_id)
        bound = self.bound.get(attempt.run_id) if given.in_one_worker else None
        mine = {
            worker_id: worker for worker_id, worker in self.told.items() if run is not None and worker.unit == run.unit
        }
        is_full = sum(bool(worker.attempts) for worker in mine.values()) >= self.policy.workers
        found: list[int] = []
        for worker_id, worker in mine.items():
            if not worker.is_ready or worker.is_leaving or worker.errand is not None:
                continue
            if bound is not None and worker_id != bound:
                continue
            if not worker.attempts:
                if not is_full:
                    found.append(worker_id)
            elif step.is_async and all(each.is_async for each in worker.attempts.values()):
                if len(worker.attempts) < self.policy.async_steps_of_a_worker:
                    found.append(worker_id)
        return found

    def can_start(self, attempt: Attempt, step: PlanStep) -> bool:
        ledger = self.ledger
        return (
            not ledger.full_limits(attempt.run_id, step)
            and ledger.rival(attempt.run_id, step) is None
            and bool(self.workers_for(attempt, step))
        )

    def step_of(self, attempt: Attempt) -> PlanStep:
        return self.ledger.runs[attempt.run_id].template_of(attempt.step_key)

    def saves_pool(self, attempt: Attempt, step: PlanStep) -> bool:
        """Whether an attempt needs several slots of its pool, and nothing else is in its way."""
        return slots_of(step) > 1 and self.ledger.full_limits(attempt.run_id, step) == ["pool"]

    def check_starts(self, appended: list[tuple[Event, ...]], waited: dict[Attempt, float] | None) -> None:
        """None that waited with a higher priority could have started in place of one that starts."""
        starts = [event for events in appended for event in events if isinstance(event, StepStarted)]
        if not starts or not waited or len(starts) > 1:
            return
        (start,) = starts
        assert start.step_key is not None
        started = Attempt(start.run_id, start.step_key, start.attempt)
        if any(event.step_key is not None and event is not start for events in appended for event in events):
            return  # other things changed in this turn before it
        mine = self.submitted[started.run_id]
        step = self.step_of(started)
        for attempt in self.waiting_attempts():
            other = self.submitted[attempt.run_id]
            if attempt not in waited or attempt == started:
                continue
            if other.priority > mine.priority:
                theirs = self.step_of(attempt)
                shares = theirs.pool is not None and any(
                    each.pool == theirs.pool and slots_of(each) > 1
                    for each in map(self.step_of, self.waiting_attempts())
                )
                require(shares or not self.can_start(attempt, theirs), f"{started} overtakes {attempt}")
            elif other.priority == mine.priority and other.label == mine.label and started in waited:
                theirs = self.step_of(attempt)
                order = list(waited)
                if step.pool is not None and theirs.pool == step.pool and order.index(attempt) < order.index(started):
                    require(not self.saves_pool(attempt, theirs), f"{started} takes the slots that {attempt} waits for")

    def check_settled(self) -> None:
        """Hold what the dispatcher has come to against the ledger."""
        dispatcher, ledger = self.dispatcher, self.ledger
        waiting = list(dispatcher.waiting_attempts())
        coming = {each[0] for each in waiting} | {attempt for attempt, _ in dispatcher.delayed_attempts()}
        require(
            set(dispatcher.ready.held) == set(ledger.running),
            "slots are held by others than those that run:",
            set(dispatcher.ready.held) ^ set(ledger.running),
        )
        active = {run_id for run_id, run in ledger.runs.items() if run.end is None}
        require(set(dispatcher.runs) == active, "runs:", set(dispatcher.runs) ^ active)
        for run_id, run in dispatcher.runs.items():
            if run.state is not None:
                statuses = {key: status.value for key, status in run.state.statuses.items()}
                ledger.runs[run_id].check_settled(run.ending is None, coming, statuses)
            else:
                require(run_id in dispatcher.queued_runs, f"{run_id} has not begun, and does not wait")
                require(bool(ledger.full_run_limits(run_id)), f"{run_id} could begin and does not")
                require(dispatcher.queued_runs.reason(run_id) is not None, f"{run_id} waits without a reason")
        heavy = [each for each in waiting if each[1].slots > 1 and self.saves_pool(each[0], self.step_of(each[0]))]
        for attempt, demand, priority, reason in waiting:
            step = self.step_of(attempt)
            full = ledger.full_limits(attempt.run_id, step)
            rival = ledger.rival(attempt.run_id, step)
            saved = demand.pool is not None and any(
                each[1].pool == demand.pool and each[2] >= priority for each in heavy
            )
            idle = self.workers_for(attempt, step)
            require(
                bool(full or rival or saved or not idle),
                f"{attempt} could start in worker {idle} and does not: {reason}",
            )
            if reason == "a free worker":
                require(
                    not full and not rival and not idle, f"{attempt} waits for more than {reason}:", full, rival, saved
                )
            elif reason.startswith("run "):
                require(rival is not None, f"{attempt} waits for nobody: {reason}")
            elif "kept for" in reason:
                require(saved, f"{attempt}: nothing is kept: {reason}")
            else:
                require(bool(full), f"{attempt}: no limit is full: {reason}")

    def check_end(self) -> None:
        """Everything has ended, and nothing is left behind."""
        dispatcher = self.dispatcher
        require(not self.unfinished(), "these runs never ended:", self.unfinished())
        require(not self.errands, "these errands were never answered:", self.errands)
        require(dispatcher.is_idle, "something runs still")
        for name in ("_launches", "_claims", "_held_up", "_errands", "runs"):
            require(not getattr(dispatcher, name), f"{name} is left:", getattr(dispatcher, name))
        for waiting in (dispatcher.ready, dispatcher.queued_runs):
            require(not len(waiting) and not waiting.held and not waiting.used(), "slots are left:", waiting.held)
            require(not list(waiting.lanes()), "lanes are left")
        require(not list(dispatcher.delayed_attempts()), "delayed attempts are left")
        for worker in dispatcher.workers.values():
            require(not worker.attempts and worker.errand is None, f"worker {worker.worker_id} is busy")
            require(not worker.runs, f"worker {worker.worker_id} has runs open:", worker.runs)


def simulate(seed: int, size: Size = Size(), trace: bool = False) -> World:
    """Play one world. Raises Violation, or what the dispatcher raised, with the command that plays it again."""
    world = World(seed, size, trace)
    try:
        world.run()
    except Exception as error:
        wide = Size()
        flags = "".join(
            f" --{name.replace('_', '-')} {getattr(size, name)}"
            for name in ("most_runs", "most_steps", "chaos_seconds")
            if getattr(size, name) != getattr(wide, name)
        )
        again = f"python -m tests.simulation --seed {seed}{flags} --trace"
        raise Violation(f"Seed {seed}: {type(error).__name__}: {error}\nPlay it again: {again}") from error
    return world
