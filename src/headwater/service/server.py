"""The server: the one process that writes the store. It does what the dispatcher decides, with real processes.

What is recorded comes first: in each turn of its loop all facts that came are committed in one batch, and only then is
anything done that follows from them.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from headwater import __version__
from headwater.model.codec import decode_event
from headwater.model.error_info import ErrorInfo
from headwater.model.errors.root import HeadwaterError
from headwater.model.errors.service import (
    LocationNotLoaded,
    MessageTooLarge,
    RunNotActive,
    ServiceAlreadyRuns,
    ServiceError,
    UnknownLocation,
)
from headwater.model.errors.store import StoreError
from headwater.model.events import RunCanceled, RunInterrupted, RunResumed
from headwater.model.runs import Run, RunStatus
from headwater.service.actions import Append, Ended, ErrandLost, RunErrand, Send, Start, Stop
from headwater.service.active import ActiveRun
from headwater.service.backfills import Backfills
from headwater.service.control import (
    FACTS_FILE,
    Asked,
    Cancel,
    ChangeBackfill,
    Describe,
    Launch,
    LaunchBackfill,
    Reload,
    Reply,
    ServiceFacts,
    SetLimits,
    Shutdown,
    find_service,
    socket_path,
)
from headwater.service.hosting import HOST_START_SECONDS, Hosting, ServiceOptions
from headwater.service.launched import Launched, queued_run
from headwater.service.location import LocationSettings, Snapshot
from headwater.service.processes import adopt_orphans
from headwater.service.protocol import (
    BackfillPlanned,
    Beat,
    Errand,
    ErrandDone,
    Facts,
    Frames,
    LaunchRequest,
    PlanBackfill,
    PlanRun,
    PlanRuns,
    Problem,
    Question,
    RunClosed,
    RunPlanned,
    RunsPlanned,
    WorkerReady,
    decode,
    decode_plan,
    encode,
)
from headwater.service.questions import answer
from headwater.service.waiting import Limits

if TYPE_CHECKING:
    from headwater.runtime.instance import Instance

PRIORITY_TAGS: Final = ("headwater/priority", "dagster/priority")
_WATCH_SECONDS: Final = 0.5
_ADOPT_SECONDS: Final = 10.0
_CANCEL_ASKED: Final = "headwater/cancel_asked/"


class Service(Hosting):
    """A server with its code locations. `run` returns when it is told to end."""

    def __init__(self, instance: Instance, options: ServiceOptions) -> None:
        super().__init__(instance, options)
        self.store = instance.store
        self.started_at = time.time()
        # Runs that could not go on here. They are not tried again with each look for what others left.
        self.not_resumed: set[str] = set()
        self._errand_numbers = itertools.count(1)
        self._errands: dict[int, tuple[Errand, asyncio.Future[Any]]] = {}
        self.backfills = Backfills(self)
        self._asked = ThreadPoolExecutor(4, thread_name_prefix="headwater-questions")
        self._acting = False
        self._timer: asyncio.TimerHandle | None = None
        self._failure: BaseException | None = None

    # ----------------------------------------------------------------------------------------------------- life

    async def run(self, when_ready: Callable[[Service], None] = lambda service: None) -> None:
        """Serve until `stop`. Raises ServiceAlreadyRuns, and what kept the store from recording."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._take_fault)
        adopt_orphans()
        home = self.instance.home
        assert home is not None
        with _only_one(home):
            path = socket_path(home)
            # What a server that was killed left: found by commands, it would be taken for this one, which is not ready.
            for left in (home / FACTS_FILE, path):
                left.unlink(missing_ok=True)
            before = os.umask(0o177)
            try:
                server = await asyncio.start_unix_server(self._serve_client, path=str(path))
            finally:
                os.umask(before)
            for number in (signal.SIGTERM, signal.SIGINT):
                with contextlib.suppress(NotImplementedError, RuntimeError):
                    self._loop.add_signal_handler(number, self.stop)
            try:
                for location in self.options.locations:
                    self._start_snapshot(location)
                await self._first_snapshots()
                if not self._stopping.is_set():
                    self._write_facts(home, path)
                    self.is_ready.set()
                    when_ready(self)
                    watching = [
                        self._loop.create_task(self._watch_wishes()),
                        self._loop.create_task(self._watch_others()),
                    ]
                    if self.options.reloads:
                        watching.append(self._loop.create_task(self._watch_files()))
                    for each in watching:
                        each.add_done_callback(self._watch_ended)
                    await self._stopping.wait()
                    for each in watching:
                        each.cancel()
            finally:
                server.close()
                with contextlib.suppress(FileNotFoundError):
                    (home / FACTS_FILE).unlink()
                    path.unlink()
                self.backfills.close()
                self._end_processes()
                self._asked.shutdown(wait=False, cancel_futures=True)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the service. What runs is interrupted, and resumed by the next one."""
        self._stopping.set()

    def _watch_ended(self, task: asyncio.Task[None]) -> None:
        """Without it nobody would take over what another server leaves, or see that code has changed."""
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.fail(error)

    def _take_fault(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A fault of ours in the middle of a turn: the state in memory is not to be trusted, and what is recorded is."""
        error = context.get("exception")
        if error is not None and not isinstance(error, OSError):
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """The store does not record any more: nothing may be done that could not be recorded."""
        if self._failure is None:
            self._failure = error
        self._stopping.set()

    def _write_facts(self, home: Path, path: Path) -> None:
        facts = ServiceFacts(os.getpid(), str(path), __version__, self.started_at, tuple(self.current))
        scratch = home / f"{FACTS_FILE}.{os.getpid()}"
        scratch.write_bytes(msgspec.json.encode(facts))
        scratch.replace(home / FACTS_FILE)

    # ------------------------------------------------------------------------------------------------ what workers say

    def _take(self, worker_id: int, message: Any) -> None:
        """Take in what a worker says."""
        now = time.time()
        match message:
            case Facts(attempt=attempt, number=number, events=bodies):
                try:
                    events = [decode_event(body) for body in bodies]
                except msgspec.MsgspecError:
                    self._peer_lost(worker_id)
                    return
                self.dispatcher.facts_came(worker_id, attempt, number, events, now)
            case Question():
                self._loop.run_in_executor(self._asked, self._answer, worker_id, message)
                return
            case WorkerReady(pid=pid):
                self.dispatcher.worker_ready(worker_id, pid, now)
            case (
                RunPlanned(errand_id=errand_id)
                | RunsPlanned(errand_id=errand_id)
                | BackfillPlanned(errand_id=errand_id)
            ):
                known = self._errands.pop(errand_id, None)
                if known is not None and not known[1].done():
                    known[1].set_result(message)
                self.dispatcher.errand_done(worker_id, errand_id, now)
            case RunClosed(run_id=run_id, problem=problem):
                self.dispatcher.run_closed(worker_id, run_id, _error_of(problem), now)
            case Beat(resident_bytes=resident_bytes):
                self.dispatcher.worker_beat(worker_id, resident_bytes)
        self._act_soon()

    def _answer(self, worker_id: int, question: Question) -> None:
        given = answer(self.store, question)
        self._loop.call_soon_threadsafe(self._send, worker_id, given)

    # ------------------------------------------------------------------------------------------------- what follows

    def _act_soon(self) -> None:
        if not self._acting:
            self._acting = True
            self._loop.call_soon(self._act)

    def _act(self) -> None:
        """Commit what is to be recorded, then do what was decided."""
        self._acting = False
        due = self.dispatcher.tick(time.time())
        actions = self.dispatcher.take_actions()
        recorded = [event for action in actions if isinstance(action, Append) for event in action.events]
        if recorded:
            try:
                self.store.append_all(recorded)
                self.store.flush()
            except StoreError as error:
                self.fail(error)
                return
            self.backfills.facts_recorded(recorded)
        for action in actions:
            match action:
                case Send(worker_id=worker_id, message=message):
                    self._send(worker_id, message)
                case Start(unit=unit, count=count):
                    for _ in range(count):
                        self._start_worker(unit)
                case Stop(worker_id=worker_id, grace_seconds=grace_seconds):
                    self._stop_worker(worker_id, grace_seconds)
                case RunErrand(worker_id=worker_id, errand_id=errand_id):
                    self._send_errand(worker_id, errand_id)
                case ErrandLost():
                    self._errand_lost(action)
                case Ended():
                    for snapshot in list(self.snapshots.values()):
                        if snapshot.ready is not None and snapshot not in self.current.values():
                            self.dispatcher.retire(snapshot.unit, time.time())
                            self._end_if_drained(snapshot)
                            self._act_soon()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer = self._loop.call_later(max(0.0, due - time.time()), self._act_soon)

    # --------------------------------------------------------------------------------------------------------- runs

    async def launch(self, request: LaunchRequest) -> str:
        """Plan and record a run, and let it begin when its turn comes; return its id. Raises what is wrong with it."""
        location = await self.location_of(request.location)
        self.adopt_former_keys(location.name)
        request = replace(request, run_id=request.run_id or str(uuid.uuid4()), location=location.name)
        planned = await self.ask_worker(location, lambda errand_id: PlanRun(errand_id, request))
        assert isinstance(planned, RunPlanned)
        if planned.problem is not None:
            raise planned.problem.as_error()
        await self.location_of(request.location)
        run, launched = queued_run(planned), Launched.of(location.name, planned)
        self.store.create_run(run, launched.encoded())
        if self.store.adopt_run(run.run_id):
            self.submit(run, launched)
        return run.run_id

    def submit(self, run: Run, launched: Launched) -> None:
        """Let a run that is recorded, and ours, begin when its turn comes."""
        active = self._active(run.run_id, run.tags, launched, self.current[launched.location])
        self.dispatcher.submit(active, time.time())
        self._act_soon()

    async def location_of(self, wanted: str | None) -> LocationSettings:
        """Return the location whose code is asked for; one that is being loaded is waited for.

        Raises UnknownLocation and LocationNotLoaded.
        """
        names = tuple(location.name for location in self.options.locations)
        found = [
            location
            for location in self.options.locations
            if wanted == location.name or (wanted is None and len(names) == 1)
        ]
        if not found:
            raise UnknownLocation(wanted, names)
        name = found[0].name
        until = time.monotonic() + HOST_START_SECONDS
        while name not in self.current:
            problem = self.broken.get(name)
            if problem is not None or time.monotonic() > until:
                raise LocationNotLoaded(name, problem.what if problem is not None else "it is still being imported.")
            await asyncio.sleep(0.01)
        return found[0]

    async def ask_worker(self, location: LocationSettings, errand: Callable[[int], Errand]) -> ErrandDone:
        """Have a worker of a location answer something; what is wrong with it is part of the answer."""
        for _ in range(3):
            errand_id = next(self._errand_numbers)
            answered: asyncio.Future[ErrandDone] = self._loop.create_future()
            self._errands[errand_id] = (errand(errand_id), answered)
            await self.location_of(location.name)
            self.dispatcher.ask(self.current[location.name].unit, errand_id, time.time())
            self._act_soon()
            done = await answered
            if done.problem is None or done.problem.kind != "WorkerLost":
                return done
        return done

    def _send_errand(self, worker_id: int, errand_id: int) -> None:
        errand, answered = self._errands[errand_id]
        try:
            self._send(worker_id, errand)
        except MessageTooLarge as error:
            del self._errands[errand_id]
            if not answered.done():
                answered.set_result(_ANSWER_TO[type(errand)](errand_id, problem=Problem.of(error)))
            self.dispatcher.errand_done(worker_id, errand_id, time.time())
            self._act_soon()

    def _errand_lost(self, lost: ErrandLost) -> None:
        known = self._errands.pop(lost.errand_id, None)
        if known is not None and not known[1].done():
            if lost.is_over:
                fix = "Look at the functions of its partitions, config and mappings: one of them does not end."
                problem = Problem(f"The run was not planned: {lost.reason}.", "", fix, "PlanningTooLong")
            else:
                what = f"The process that planned the run is gone: {lost.reason}."
                problem = Problem(what, "", "Launch it again.", "WorkerLost")
            known[1].set_result(_ANSWER_TO[type(known[0])](lost.errand_id, problem=problem))

    def _active(self, run_id: str, tags: Mapping[str, str], launched: Launched, snapshot: Snapshot) -> ActiveRun:
        priority = 0.0
        for name in PRIORITY_TAGS:
            with contextlib.suppress(ValueError):
                priority = float(tags[name]) if name in tags else priority
        share_tag = self.options.share_tag
        return ActiveRun(
            run_id=run_id,
            location=launched.location,
            unit=snapshot.unit,
            plan=decode_plan(launched.plan),
            job=launched.job,
            record=launched.record,
            plan_bytes=launched.plan,
            tags=dict(tags),
            priority=priority,
            label=tags.get(share_tag, "") if share_tag is not None else "",
            in_one_worker=launched.in_one_worker,
        )

    def _adopt_runs(self, location: str) -> None:
        """Go on with what a server before left of a location: runs that were queued or interrupted, and backfills."""
        if not self.options.resumes:
            return
        now = time.time()
        for run_id, body in self.store.launches().items():
            if run_id in self.dispatcher.runs or run_id in self.not_resumed:
                continue
            try:
                launched = Launched.decode(body)
            except msgspec.MsgspecError:
                # Of another release. It stays as it is, and does not keep the others from going on.
                self.not_resumed.add(run_id)
                continue
            if launched.location != location or not self.store.adopt_run(run_id):
                continue
            run = self.store.find_run(run_id)
            if run is None:
                continue
            past = [record.event for record in self.store.events_of_run(run_id)]
            if run.status is RunStatus.INTERRUPTED:
                self.store.append(RunResumed(run_id=run_id, timestamp=now))
            try:
                self.dispatcher.adopt(self._active(run_id, run.tags, launched, self.current[location]), past, now)
            except (HeadwaterError, LookupError) as error:
                self.not_resumed.add(run_id)
                self.dispatcher.runs.pop(run_id, None)
                reason = f"It cannot go on: {getattr(error, 'what', repr(error))}"
                self.store.append(RunInterrupted(run_id=run_id, timestamp=now, reason=reason))
        self.backfills.adopt(location)
        self._act_soon()

    def cancel(self, run_id: str, reason: str) -> None:
        """Stop a run; one that another server carries out is stopped by that one. Raises RunNotActive."""
        if self.dispatcher.cancel(run_id, reason, time.time()):
            self._act_soon()
            return
        run = self.store.find_run(run_id)
        is_left = run is not None and run.status is RunStatus.INTERRUPTED
        if run is None or (run.is_finished and not is_left) or not self.store.is_launched(run_id):
            raise RunNotActive(run_id, run.status.value if run is not None else None)
        if self.store.adopt_run(run_id):
            # Nobody carries it out, and now nobody will.
            self.store.append(RunCanceled(run_id=run_id, timestamp=time.time(), reason=reason or "canceled"))
            self.store.flush()
            return
        self.store.set_cursor_values({f"{_CANCEL_ASKED}{run_id}": reason or "canceled"})

    async def _watch_wishes(self) -> None:
        """Stop and change what other processes were asked to. It waits for nothing else, so that a cancel is heard at once."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            keys = [f"{_CANCEL_ASKED}{run_id}" for run_id in self.dispatcher.runs]
            try:
                for key, reason in self.store.get_cursor_values(keys).items():
                    if self.dispatcher.cancel(key.removeprefix(_CANCEL_ASKED), reason, time.time()):
                        self._act_soon()
                self.backfills.look_after()
            except StoreError as error:
                self.fail(error)
                return

    async def _watch_others(self) -> None:
        """Take over what servers that share this store leave behind when they die."""
        while True:
            await asyncio.sleep(_ADOPT_SECONDS)
            try:
                await self._loop.run_in_executor(self._asked, self.store.recover)
                for name in list(self.current):
                    self._adopt_runs(name)
                self.backfills.end_canceled()
            except StoreError as error:
                self.fail(error)
                return

    # ------------------------------------------------------------------------------------------------------ clients

    async def _serve_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = Frames()
        try:
            while data := await reader.read(1 << 18):
                for body in frames.take(data):
                    try:
                        reply = Reply(await self._reply(decode(Asked, body)))
                    except Exception as error:
                        reply = Reply(problem=Problem.of(error))
                    writer.write(encode(reply))  # type: ignore[arg-type]
                    await writer.drain()
        except (ConnectionError, ServiceError):
            pass
        finally:
            writer.close()

    async def _reply(self, asked: Any) -> Any:
        match asked:
            case Launch(request=request):
                return await self.launch(request)
            case LaunchBackfill(request=backfill):
                return await self.backfills.launch(backfill)
            case ChangeBackfill(backfill_id=backfill_id):
                return self.backfills.change(backfill_id)
            case Cancel(run_id=run_id, reason=reason):
                self.cancel(run_id, reason)
            case Describe():
                return self.describe()
            case Reload(location=location):
                self.reload(location)
            case SetLimits(pools=pools):
                limits = self.dispatcher.ready.limits
                changed = Limits(
                    limits.total, limits.locations, {**limits.pools, **pools}, limits.default_pool, limits.tags
                )
                self.dispatcher.ready.set_limits(changed)
                self._act_soon()
            case Shutdown():
                self._loop.call_soon(self.stop)
        return None

    def describe(self) -> dict[str, Any]:
        """Return what the service does now, as plain values."""
        from headwater.service.describe import described

        return described(self)


_ANSWER_TO: Final = {PlanRun: RunPlanned, PlanRuns: RunsPlanned, PlanBackfill: BackfillPlanned}


def _error_of(problem: Problem | None) -> ErrorInfo | None:
    return None if problem is None else problem.error


@contextlib.contextmanager
def _only_one(home: Path) -> Any:
    """Hold the lock of the service of a home. Raises ServiceAlreadyRuns."""
    import fcntl

    lock = os.open(home / "service.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for attempt in range(20):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if attempt == 19:
                    facts = find_service(home)
                    raise ServiceAlreadyRuns(str(home), facts.pid if facts is not None else 0) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(lock)
