"""What the server, its hosts and their workers say to each other, and how it is written: length-prefixed MessagePack.

Both ends must be of one release: the first message says which. Nothing that comes from a worker is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from headwater.model.backfills import Backfill, BackfillPlan, BackfillRequest
from headwater.model.error_info import ErrorInfo
from headwater.model.errors.service import MessageTooLarge, ServiceError, UnreadableMessage
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.runs import Run
from headwater.plan.run_plan import RunPlan

PROTOCOL: Final = 1
FRAME_BYTES_LIMIT: Final = 64 << 20
_JOURNAL_BYTES: Final = 8 << 20
_LENGTH_BYTES: Final = 4


class Attempt(Struct, frozen=True, array_like=True):
    """One attempt of one step of one run. It is the fence: what comes from an attempt that is over is not taken in."""

    run_id: str
    step_key: str
    number: int = 1

    def __str__(self) -> str:
        return f"{self.run_id[:8]}/{self.step_key}#{self.number}"


class Problem(Struct, frozen=True):
    """An error as words, for whoever asked. `error` is the whole of it."""

    what: str
    why: str = ""
    fix: str = ""
    kind: str = "HeadwaterError"
    error: ErrorInfo | None = None

    @classmethod
    def of(cls, error: BaseException) -> Problem:
        from headwater.engine.error_info import error_info_from

        return cls(
            what=getattr(error, "what", None) or f"{type(error).__name__}: {error}",
            why=getattr(error, "why", None) or "",
            fix=getattr(error, "fix", None) or "",
            # One that has come a long way keeps the name that it had.
            kind=getattr(error, "raised_as", None) or type(error).__name__,
            error=error_info_from(error),
        )

    def as_error(self) -> ServiceError:
        """Return an error that says the same."""
        error = ServiceError(what=self.what, why=self.why or "It was raised in another process.", fix=self.fix)
        error.raised_as = self.kind
        return error


class Message(Struct, frozen=True, tag=True):
    """One message. Which class it is of is written beside its fields."""


# ------------------------------------------------------------------------------------------------- from host to server


class HostReady(Message, frozen=True):
    """The user's module is imported, or `problem` says why it is not."""

    protocol: int
    version: str
    python: str
    pid: int
    problem: Problem | None = None
    can_fork: bool = True
    # The file of the module with the definitions.
    path: str | None = None
    # Keys that assets had before, each with the key now and whether the values are in the default storage.
    former_keys: tuple[tuple[str, str, bool], ...] = ()


class WorkerForked(Message, frozen=True):
    worker_id: int
    pid: int


class WorkerEnded(Message, frozen=True):
    """A worker is gone and reaped. `exit_code` is negative for a signal."""

    worker_id: int
    pid: int
    exit_code: int


# ------------------------------------------------------------------------------------------------- from server to host


class ForkWorker(Message, frozen=True):
    """Make a worker; the descriptor of its socket comes with this message."""

    worker_id: int


class SignalWorker(Message, frozen=True):
    """Tell a worker and all that it started to end (TERM), or end them (KILL)."""

    worker_id: int
    kills: bool = False


# ----------------------------------------------------------------------------------------------- from server to worker


class Surroundings(Message, frozen=True):
    """What a worker must know of the instance."""

    home: str
    storage_dir: str
    logs_dir: str
    log_bytes_limit: int


class LaunchRequest(Struct, frozen=True):
    """What is to be run: a job by name, or a selection of assets, for one partition, several, or none."""

    run_id: str
    job_name: str | None = None
    selection: str | None = None
    asset_keys: tuple[str, ...] | None = None
    check_keys: tuple[str, ...] | None = None
    partition_key: str | None = None
    partition_keys: tuple[str, ...] | None = None
    partition_range: tuple[str, str] | None = None
    run_config: Mapping[str, Any] = {}
    tags: Mapping[str, str] = {}
    step_keys: tuple[str, ...] | None = None
    parent_run_id: str | None = None
    root_run_id: str | None = None
    from_failure: bool = False
    check_only: bool = False
    adds_missing_upstream: bool = False
    location: str | None = None


class PlanRun(Message, frozen=True):
    """Work out the plan of a request; the answer is RunPlanned."""

    errand_id: int
    request: LaunchRequest


class PlanRuns(Message, frozen=True):
    """Work out the plans of several requests; the answer is RunsPlanned."""

    errand_id: int
    requests: tuple[LaunchRequest, ...]


class PlanBackfill(Message, frozen=True):
    """Work out what a backfill is to build; the answer is BackfillPlanned."""

    errand_id: int
    request: BackfillRequest


class OpenRun(Message, frozen=True):
    """A run of which steps will come. `run` is the record as JSON, `plan` the plan as the worker wrote it."""

    run_id: str
    run: bytes
    plan: bytes
    job: JobReference


class JobReference(Struct, frozen=True):
    """How a worker finds the job of a run among the definitions; keys are set for a job of selected assets."""

    job_name: str | None = None
    asset_keys: tuple[str, ...] | None = None
    check_keys: tuple[str, ...] | None = None


class Journal(Message, frozen=True):
    """What other workers made in a run, ahead of an attempt with which it would be too large for one message."""

    run_id: str
    entries: tuple[bytes, ...]


class StartAttempt(Message, frozen=True):
    """Run a step. `journal` holds what other workers made in this run since the last attempt that this one was given."""

    attempt: Attempt
    mapping_key: str | None = None
    journal: tuple[bytes, ...] = ()
    run_ends_at: float | None = None
    # How many attempts before this one were lost, not failed.
    lost_attempts: int = 0


class StopAttempt(Message, frozen=True):
    """End an `async` attempt; the others in the worker go on."""

    attempt: Attempt


class CloseRun(Message, frozen=True):
    """No more steps of this run will come: tear down what was set up for it."""

    run_id: str


class Answer(Message, frozen=True):
    """The answer to a question: pickled by the server, or the problem."""

    question: int
    value: bytes = b""
    problem: Problem | None = None


class Leave(Message, frozen=True):
    """End when nothing runs any more."""


# ----------------------------------------------------------------------------------------------- from worker to server


class WorkerReady(Message, frozen=True):
    pid: int
    version: str


class RunPlanned(Message, frozen=True):
    """The answer to PlanRun: the run's record and plan, or the problem."""

    errand_id: int
    run: bytes = b""
    plan: bytes = b""
    job: JobReference | None = None
    in_one_worker: bool = False
    problem: Problem | None = None


class RunsPlanned(Message, frozen=True):
    """The answer to PlanRuns: one for each request, in order."""

    errand_id: int
    runs: tuple[RunPlanned, ...] = ()
    problem: Problem | None = None


class BackfillPlanned(Message, frozen=True):
    """The answer to PlanBackfill: the record of the backfill and its plan, or the problem."""

    errand_id: int
    backfill: Backfill | None = None
    plan: BackfillPlan | None = None
    warnings: tuple[str, ...] = ()
    problem: Problem | None = None


class Facts(Message, frozen=True):
    """What happened in an attempt: events as JSON. `number` counts the messages of the attempt, from 1."""

    attempt: Attempt
    number: int
    events: tuple[bytes, ...]


class RunClosed(Message, frozen=True):
    """What was set up for the run is torn down, or could not be."""

    run_id: str
    problem: Problem | None = None


class Question(Message, frozen=True):
    """Something that only the server knows: a method of the store by name."""

    question: int
    method: str
    arguments: bytes


class Beat(Message, frozen=True):
    """A sign of life, with what the worker holds in memory."""

    resident_bytes: int
    attempts_ended: int


FromHost = HostReady | WorkerForked | WorkerEnded
ToHost = ForkWorker | SignalWorker
Errand = PlanRun | PlanRuns | PlanBackfill
ErrandDone = RunPlanned | RunsPlanned | BackfillPlanned
FromWorker = WorkerReady | ErrandDone | Facts | RunClosed | Question | Beat
ToWorker = Surroundings | Errand | OpenRun | Journal | StartAttempt | StopAttempt | CloseRun | Answer | Leave


def _to_plain(value: Any) -> Any:
    if isinstance(value, (AssetKey, AssetCheckKey)):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)


def _from_plain(kind: Any, value: Any) -> Any:
    if kind is AssetKey:
        return AssetKey.parse(value)
    if kind is AssetCheckKey:
        return AssetCheckKey.parse(value)
    raise NotImplementedError(kind)


_encoder = msgspec.msgpack.Encoder(enc_hook=_to_plain)


@cache
def _decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind, dec_hook=_from_plain)


def encode(message: Message) -> bytes:
    """Return the message as one frame. Raises MessageTooLarge."""
    body = _encoder.encode(message)
    if len(body) > FRAME_BYTES_LIMIT:
        raise MessageTooLarge(type(message).__name__, len(body), FRAME_BYTES_LIMIT)
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def in_parts(message: Message) -> Iterator[Message]:
    """Yield what is sent for a message: itself, after the journal that it could be too large with."""
    if not isinstance(message, StartAttempt) or sum(map(len, message.journal)) <= _JOURNAL_BYTES:
        yield message
        return
    entries: list[bytes] = []
    size = 0
    for entry in message.journal:
        if entries and size + len(entry) > _JOURNAL_BYTES:
            yield Journal(message.attempt.run_id, tuple(entries))
            entries, size = [], 0
        entries.append(entry)
        size += len(entry)
    yield msgspec.structs.replace(message, journal=tuple(entries))


def decode(kind: Any, body: bytes | memoryview) -> Any:
    """Return the message of one frame's body. Raises UnreadableMessage."""
    try:
        return _decoder(kind).decode(body)
    except msgspec.MsgspecError as error:
        raise UnreadableMessage(str(error)) from error


class Frames:
    """Cuts a stream of bytes into the bodies of frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def take(self, data: bytes | memoryview) -> list[bytes]:
        """Take in bytes as they come; return the bodies that are complete now. Raises MessageTooLarge."""
        buffer = self._buffer
        buffer += data
        bodies: list[bytes] = []
        start = 0
        while len(buffer) - start >= _LENGTH_BYTES:
            length = int.from_bytes(buffer[start : start + _LENGTH_BYTES], "big")
            if length > FRAME_BYTES_LIMIT:
                raise MessageTooLarge("a message", length, FRAME_BYTES_LIMIT)
            end = start + _LENGTH_BYTES + length
            if len(buffer) < end:
                break
            bodies.append(bytes(memoryview(buffer)[start + _LENGTH_BYTES : end]))
            start = end
        if start:
            del buffer[:start]
        return bodies


def encode_plan(plan: RunPlan) -> bytes:
    """Return a plan as bytes that `decode_plan` reads back."""
    return _encoder.encode(plan)


def encode_run(run: Run) -> bytes:
    """Return the record of a run as bytes that `decode_run` reads back."""
    return _encoder.encode(run)


def decode_run(data: bytes) -> Run:
    run: Run = decode(Run, data)
    return run


def decode_plan(data: bytes) -> RunPlan:
    plan: RunPlan = decode(RunPlan, data)
    return plan
