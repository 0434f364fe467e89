"""A worker: a process that has imported the user's code, and runs the steps that the server gives it.

It decides nothing and records nothing: it loads inputs, calls functions, stores values and says what happened.
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from headwater import __version__
from headwater.engine.executors.inline import InlineExecutor
from headwater.engine.run_scope import RunScope
from headwater.engine.run_state import LaunchStep
from headwater.engine.step_attempt import StepAttempt
from headwater.model.codec import decode_event, encode_event
from headwater.model.errors.service import MessageTooLarge
from headwater.model.events import (
    AssetMaterialized,
    AssetObserved,
    Event,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from headwater.plan.already_built import narrowed_to_plan
from headwater.plan.job_steps import JobStep, steps_of_job
from headwater.plan.run_config import op_configs, required_keys
from headwater.service.channel import Channel
from headwater.service.descriptors import Descriptors, WorkerLogs
from headwater.service.errands import errand_done, job_of
from headwater.service.processes import children_by_parent, kill_children
from headwater.service.protocol import (
    Answer,
    Attempt,
    Beat,
    CloseRun,
    Facts,
    JobReference,
    Journal,
    Leave,
    OpenRun,
    PlanBackfill,
    PlanRun,
    PlanRuns,
    Problem,
    RunClosed,
    StartAttempt,
    StopAttempt,
    Surroundings,
    ToWorker,
    WorkerReady,
    decode_plan,
    decode_run,
)
from headwater.service.questions import RemoteStore
from headwater.service.resources import LazyResources

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.authoring.job import JobDefinition
    from headwater.plan.run_plan import PlanStep, RunPlan
    from headwater.runtime.instance import Instance

# What an attempt says is cut into messages of about this size; the last one holds its end.
_FACTS_BYTES = 4 << 20
_BEAT_SECONDS = 10.0
_CODES_KEPT = 4


class Canceled(KeyboardInterrupt):
    """Raised inside the step that is to end."""


@dataclass(frozen=True, slots=True)
class RunCode:
    """What runs of one job with one plan have in common: the plan, and the code of its steps. No run changes it."""

    job: JobDefinition
    plan: RunPlan
    steps: Mapping[str, JobStep]
    resource_keys: Set[str]
    # Only a graph inside of the job makes config of its ops from none that is given.
    nests_graphs: bool

    @classmethod
    def of(cls, definitions: Definitions, message: OpenRun) -> RunCode:
        plan = decode_plan(message.plan)
        job = job_of(definitions, message.job)
        planned = {step.key: step for step in plan.steps}
        steps = {step.key: narrowed_to_plan(step, planned.get(step.key)) for step in steps_of_job(job)}
        mine = {key: steps[key] for key in plan.step_keys if key in steps}
        nests_graphs = any(len(step.path) > 1 for step in steps.values())
        return cls(job, plan, steps, required_keys(job, mine), nests_graphs)


class OpenedRun:
    """A run as this worker sees it: its plan and the code of its steps, with resources that are set up when needed."""

    def __init__(self, worker: WorkerProcess, message: OpenRun) -> None:
        self.run = decode_run(message.run)
        self.worker = worker
        code = worker.code_of(message)
        job, self.plan, self.steps = code.job, code.plan, code.steps
        config = self.run.run_config
        from headwater.runtime.launch import loggers_of, with_default_manager

        resources = with_default_manager(job, worker.instance, in_memory=False)
        self.resources = LazyResources(resources, config.get("resources"), instance=worker.instance, run=self.run)
        self.scope = RunScope(
            run=self.run,
            plan=self.plan,
            job=job,
            steps=self.steps,
            instance=worker.instance,
            resources=self.resources,
            logs=worker.logs,
            loggers=loggers_of(job, config, self.run),
            input_values=job.input_values,
            op_configs=op_configs(job, config, self.steps, code.resource_keys) if config or code.nests_graphs else {},
            keeps_values=False,
        )
        self.executor = WorkerExecutor(self.scope, worker)
        self._unread: list[bytes] = []

    def hear(self, journal: tuple[bytes, ...]) -> None:
        """Keep what other workers made in this run until a step comes."""
        self._unread += journal

    def learn(self, journal: tuple[bytes, ...], step: PlanStep) -> None:
        """Take in what other workers made in this run. It is kept unread until a step comes that could ask for it."""
        self.scope.forget_recorded()
        self._unread += journal
        if not (step.inputs or step.needs or step.assets or step.checks):
            return
        unread, self._unread = self._unread, []
        for body in unread:
            event = decode_event(body)
            if isinstance(event, AssetMaterialized):
                self.scope.record_built(event)
            elif isinstance(event, AssetObserved):
                self.scope.record_observed(event)
            elif isinstance(event, StepSucceeded) and event.step_key is not None:
                self.scope.record_given(event.step_key, [(ref.name, ref.mapping_key) for ref in event.outputs])

    def close(self) -> Problem | None:
        self.executor.close()
        try:
            self.resources.close()
        except Exception as error:
            return Problem.of(error)
        return None


class WorkerExecutor(InlineExecutor):
    """Runs steps as the executor in process does; what `async` ones say goes out at once."""

    def __init__(self, scope: RunScope, worker: WorkerProcess) -> None:
        super().__init__(scope)
        self._worker = worker
        self._outbox = _Outlet(self)  # type: ignore[assignment]

    def start_async(self, launch: LaunchStep) -> None:
        self._ready_async.append(launch)
        self._start_async()

    def run(self, launch: LaunchStep) -> Iterator[Event]:
        return self._run(launch)

    def gives_one_by_one(self, launch: LaunchStep) -> bool:
        """Whether a step says what it made while it goes on: then each thing is recorded as it comes."""
        return self._attempt(launch).op.signature.kind == "generator"

    def say(self, event: Event) -> None:
        self._worker.say_async(self._ended(event))

    def _is_over(self, attempt: StepAttempt) -> None:
        self._worker.say_rest(attempt.run_id, attempt.key)


class _Outlet:
    """Where `async` steps put what happens: it is sent from their own thread."""

    def __init__(self, executor: WorkerExecutor) -> None:
        self._executor = executor

    def put(self, event: Event | None) -> None:
        if event is not None:
            self._executor.say(event)

    def get_nowait(self) -> Event:
        raise queue.Empty


class WorkerProcess:
    """One worker, from its first word to its last."""

    def __init__(self, connection: Any, load: Callable[[], Definitions]) -> None:
        self.channel = Channel(connection)
        self.load = load
        self.definitions: Definitions
        self.instance: Instance
        self.logs: WorkerLogs
        self.store = RemoteStore(self.channel.send)
        self.runs: dict[str, OpenedRun] = {}
        self._codes: dict[tuple[JobReference, bytes], RunCode] = {}
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._current: Attempt | None = None
        self._numbers: dict[Attempt, int] = {}
        self._async: dict[tuple[str, str], Attempt] = {}
        self._told_async: dict[Attempt, list[bytes]] = {}
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._ended = 0
        self._is_ending = False
        # From the end of a step until it is told: whoever ends this process waits for that.
        self._is_telling = False

    def serve(self) -> None:
        """Work until the server says that it is enough, or is gone."""
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=self._listen, name="headwater-channel", daemon=True).start()
        first = self._inbox.get()
        assert isinstance(first, Surroundings)
        self._set_up(first)
        self.channel.send(WorkerReady(os.getpid(), __version__))
        beat_at = time.monotonic() + _BEAT_SECONDS
        with self.logs.capturing():
            while True:
                try:
                    message = self._inbox.get(timeout=max(0.0, beat_at - time.monotonic()))
                except queue.Empty:
                    beat_at = time.monotonic() + _BEAT_SECONDS
                    self.channel.send(Beat(resident_bytes(), self._ended))
                    continue
                if isinstance(message, Leave):
                    self._close_all()
                    return
                self._handle(message)

    def _set_up(self, surroundings: Surroundings) -> None:
        from headwater.runtime.instance import Instance

        self.logs = WorkerLogs(surroundings.logs_dir, surroundings.log_bytes_limit)
        self.logs.descriptors = Descriptors()
        self.instance = Instance.of_worker(self.store, surroundings.home, surroundings.storage_dir)
        self.definitions = self.load()

    def _listen(self) -> None:
        try:
            for message in self.channel.messages(ToWorker):
                if isinstance(message, Answer):
                    self.store.answered(message)
                elif isinstance(message, StopAttempt):
                    self._stop_async(message.attempt)
                else:
                    self._inbox.put(message)
        finally:
            if not self._is_ending:
                # The server is gone, and with it whoever would record what we do.
                with contextlib.suppress(OSError):
                    os.killpg(0, signal.SIGKILL)
                os._exit(1)

    def _on_term(self, _number: int, _frame: object) -> None:
        if self._is_ending:
            return
        self._is_ending = True
        if self._is_telling:
            return
        if self._current is not None:
            raise Canceled("canceled")
        self._end()

    def _end(self) -> None:
        """Tear down what was set up, and end."""
        for run in list(self.runs.values()):
            if isinstance(run, OpenedRun):
                run.executor.close()
        self._close_all()
        os._exit(0)

    def _handle(self, message: Any) -> None:
        match message:
            case OpenRun():
                self._open(message)
            case Journal(run_id=run_id, entries=entries):
                run = self.runs.get(run_id)
                if isinstance(run, OpenedRun):
                    run.hear(entries)
            case StartAttempt():
                self._start(message)
            case CloseRun(run_id=run_id):
                run = self.runs.pop(run_id, None)
                problem = run.close() if isinstance(run, OpenedRun) else None
                self.channel.send(RunClosed(run_id, problem))
            case PlanRun() | PlanRuns() | PlanBackfill():
                done = errand_done(self.definitions, self.instance, message)
                try:
                    self.channel.send(done)
                except MessageTooLarge as error:
                    self.channel.send(type(done)(message.errand_id, problem=Problem.of(error)))

    def code_of(self, message: OpenRun) -> RunCode:
        """Return the code of a run; that of the last few is kept, since runs of one job come one after the other."""
        key = (message.job, message.plan)
        code = self._codes.pop(key, None) or RunCode.of(self.definitions, message)
        self._codes[key] = code
        while len(self._codes) > _CODES_KEPT:
            del self._codes[next(iter(self._codes))]
        return code

    def _open(self, message: OpenRun) -> None:
        try:
            self.runs[message.run_id] = OpenedRun(self, message)
        except Exception as error:
            # Told with the first attempt, which is what fails by it.
            self.runs[message.run_id] = error  # type: ignore[assignment]

    # --------------------------------------------------------------------------------------------------------- attempts

    def _start(self, message: StartAttempt) -> None:
        attempt = message.attempt
        run = self.runs.get(attempt.run_id)
        self._numbers[attempt] = 0
        try:
            if not isinstance(run, OpenedRun):
                raise run if isinstance(run, Exception) else RuntimeError("The run was not opened in this worker.")
            template = attempt.step_key
            if message.mapping_key is not None:
                template = template[: -len(message.mapping_key) - 2]
            step = run.scope.plan_steps[template]
            run.learn(message.journal, step)
            if template not in run.steps:
                raise _step_is_gone(template, run.scope.job.name)
        except Exception as error:
            self._fail(attempt, error)
            return
        launch = LaunchStep(
            step if message.mapping_key is None else replace(step, key=attempt.step_key),
            attempt.number,
            mapping_key=message.mapping_key,
            lost_attempts=message.lost_attempts,
        )
        run.scope.ends_at = message.run_ends_at
        if step.is_async:
            self.logs.takes_descriptors = False
            with self._lock:
                self._async[(attempt.run_id, attempt.step_key)] = attempt
            run.executor.start_async(launch)
        else:
            self._run(run, launch, attempt)

    def _run(self, run: OpenedRun, launch: LaunchStep, attempt: Attempt) -> None:
        """Run one ordinary step in this thread."""
        told: list[bytes] = []
        size = 0
        is_over = False
        self.logs.takes_descriptors = True
        directory = _working_directory()
        streams = sys.stdin, sys.stdout, sys.stderr
        one_by_one = run.executor.gives_one_by_one(launch)
        is_limited = launch.step.timeout_seconds is not None or run.scope.ends_at is not None
        children = set(children_by_parent().get(self._pid, ())) if is_limited else set()
        self._current = attempt
        has_ended = False
        try:
            for event in run.executor.run(launch):
                if isinstance(event, StepStarted):
                    continue  # the server has recorded it
                body = encode_event(event)
                # The end goes out with all that follows it: hooks are told after it, and what comes later is not taken.
                has_ended = has_ended or isinstance(event, (StepSucceeded, StepFailed, StepSkipped))
                if told and not has_ended and size + len(body) > _FACTS_BYTES:
                    self._say(attempt, told)
                    told, size = [], 0
                told.append(body)
                size += len(body)
                if one_by_one and not has_ended:
                    self._say(attempt, told)
                    told, size = [], 0
                is_over = is_over or (isinstance(event, StepFailed) and event.cause == "timeout")
            self._is_telling = True
            self._current = None
        except KeyboardInterrupt:
            self._current = None
            self._end_if_forked()
            self._is_ending = True
            told += [encode_event(event) for event in run.executor.break_off()]
            self._say(attempt, told)
            # Within the grace period, after which this process is killed.
            self._close_all()
            os._exit(0)
        except BaseException as error:
            self._is_telling = True
            self._current = None
            self._end_if_forked()
            sys.stdin, sys.stdout, sys.stderr = streams
            self._fail(attempt, error)
            self._is_telling = False
            if self._is_ending:
                self._end()
            return
        self._end_if_forked()
        sys.stdin, sys.stdout, sys.stderr = streams
        if is_over:
            # It was told so, and what it started ends with it.
            kill_children(but=children)
        self._say(attempt, told)
        self._is_telling = False
        if self._is_ending:
            # It was told to end meanwhile, or the step has caught what was raised in it.
            self._end()
        self._ended += 1
        signal.signal(signal.SIGTERM, self._on_term)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if directory is not None:
            with contextlib.suppress(OSError):
                os.chdir(directory)

    def _end_if_forked(self) -> None:
        """End a child that a step forked and that came back from it: the worker is its parent."""
        if os.getpid() != self._pid:
            os._exit(0)

    def _fail(self, attempt: Attempt, error: BaseException) -> None:
        from headwater.engine.error_info import error_info_from

        failed = StepFailed(
            run_id=attempt.run_id,
            timestamp=time.time(),
            step_key=attempt.step_key,
            attempt=attempt.number,
            error=error_info_from(error),
        )
        self._say(attempt, [encode_event(failed)])

    def _say(self, attempt: Attempt, events: list[bytes]) -> None:
        if not events:
            return
        with self._lock:
            number = self._numbers[attempt] = self._numbers.get(attempt, 0) + 1
        try:
            self.channel.send(Facts(attempt, number, tuple(events)))
        except MessageTooLarge as error:
            self._fail(attempt, error)

    def say_async(self, event: Event) -> None:
        """Tell what happened in an `async` step."""
        if isinstance(event, StepStarted) or event.step_key is None:
            return
        attempt = self._async.get((event.run_id, event.step_key))
        if attempt is not None:
            # Recorded together with the end of the attempt, so that what was made is never told of twice.
            self._told_async.setdefault(attempt, []).append(encode_event(event))

    def say_rest(self, run_id: str, step_key: str) -> None:
        """Tell all that an `async` step has done, when it is over."""
        with self._lock:
            attempt = self._async.pop((run_id, step_key), None)
        if attempt is not None:
            self._say(attempt, self._told_async.pop(attempt, []))

    def _stop_async(self, attempt: Attempt) -> None:
        run = self.runs.get(attempt.run_id)
        if isinstance(run, OpenedRun):
            run.executor.stop_async(attempt.step_key)

    def _close_all(self) -> None:
        self._is_ending = True
        for run_id, run in list(self.runs.items()):
            if isinstance(run, OpenedRun):
                self.channel.send(RunClosed(run_id, run.close()))


def _working_directory() -> str | None:
    """Return where this process is; None where that has been removed, as a checkout of other code may do."""
    try:
        return os.getcwd()
    except OSError:
        return None


def _step_is_gone(step: str, job: str) -> Exception:
    from headwater.model.errors.execution import UnusableResult

    return UnusableResult(
        what=f'Job "{job}" has no step "{step}" any more.',
        why="The run was planned with other code than this worker has imported.",
        fix="Launch it anew.",
    )


def resident_bytes() -> int:
    """Return how much memory this process holds."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def work(connection: Any, load: Callable[[], Definitions]) -> None:
    """Be a worker until the end of this process."""
    code = 0
    try:
        WorkerProcess(connection, load).serve()
    except ConnectionError:
        code = 1  # the server is gone: there is nobody to tell, and nothing went wrong here
    except BaseException:
        import traceback

        traceback.print_exc()
        code = 1
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def prime() -> None:
    """Import what every worker needs, so that a fork of this process has it."""
    import headwater.authoring.contexts
    import headwater.engine.input_loading
    import headwater.engine.step_outputs
    import headwater.io.filesystem
    import headwater.io.formats
    import headwater.runtime.execute
    import headwater.runtime.instance
    import headwater.runtime.launch  # noqa: F401

    gc.collect()
    gc.freeze()
