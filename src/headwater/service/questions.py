"""Questions that a worker asks the server: methods of the store by name, with arguments written without pickle.

A worker is the user's code in the user's environment. What it asks is read as plain values; what it is answered is pickled
by the server, whose release is the same.
"""

from __future__ import annotations

import itertools
import os
import pickle
import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from headwater.model.backfills import BackfillStatus
from headwater.model.codec import decode_event, encode_event
from headwater.model.errors.service import MessageTooLarge, ServiceError
from headwater.model.errors.store import StoreError
from headwater.model.events import (
    Event,
    RunCanceled,
    RunCancelRequested,
    RunFailed,
    RunInterrupted,
    RunResumed,
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
from headwater.model.runs import EventRecordsFilter, EventType, Run, RunsFilter, RunStatus
from headwater.service.protocol import FRAME_BYTES_LIMIT, Answer, Problem, Question

# What a worker may ask. Runs are created and ended by the server alone.
ALLOWED: Final = frozenset(
    {
        "add_dynamic_partitions",
        "add_run_tags",
        "append",
        "ask_backfill",
        "append_all",
        "asset_keys",
        "asset_provenances",
        "asset_state",
        "asset_states",
        "attempt_outcomes",
        "backfill_plan",
        "backfill_progress",
        "backfills",
        "delete_dynamic_partition",
        "events",
        "events_of_run",
        "failed_partitions",
        "find_backfill",
        "find_run",
        "flush",
        "get_cursor_values",
        "get_dynamic_partitions",
        "has_dynamic_partition",
        "kept_partition_sets",
        "invalidate",
        "invalidations",
        "last_storage_id",
        "latest_checks",
        "latest_facts",
        "materialized_among",
        "materialized_partitions",
        "observed_versions",
        "partition_changes",
        "partition_checks",
        "partition_facts",
        "partition_outcomes",
        "partition_provenances",
        "partition_states",
        "partitions_attempted_by",
        "partitions_with_value",
        "renames",
        "run_count",
        "runs",
        "set_cursor_values",
        "step_seconds",
        "steps_of",
        "wipe",
        "wipe_materialization",
    }
)

# A little less than a message may be, for what is around it.
_MOST_BYTES: Final = FRAME_BYTES_LIMIT - (1 << 10)

_RECORDS: Final[Mapping[str, Any]] = {each.__name__: each for each in (RunsFilter, EventRecordsFilter, Run)}
_ENUMS: Final[Mapping[str, Any]] = {each.__name__: each for each in (RunStatus, EventType, BackfillStatus)}
_KIND: Final = "@"
_SERVER_SAYS: Final = (
    RunStarted,
    RunCancelRequested,
    RunSucceeded,
    RunFailed,
    RunCanceled,
    RunInterrupted,
    RunResumed,
    StepStarted,
    StepSucceeded,
    StepFailed,
    StepSkipped,
    StepBlocked,
    StepRetryScheduled,
)


def to_wire(value: Any) -> Any:
    """Return a value of plain parts that `from_wire` reads back. Raises ServiceError for what it does not know."""
    match value:
        case None | bool() | int() | float():
            return value
        case RunStatus() | EventType() | BackfillStatus():
            return {_KIND: type(value).__name__, "v": value.value}
        case str():
            # A key of several dimensions, say, is a text of its own class.
            return value if type(value) is str else str.__str__(value)
        case AssetKey():
            return {_KIND: "asset", "v": str(value)}
        case AssetCheckKey():
            return {_KIND: "check", "v": str(value)}
        case Event():
            return {_KIND: "event", "v": encode_event(value)}
        case RunsFilter() | EventRecordsFilter() | Run():
            fields = {name: to_wire(getattr(value, name)) for name in value.__struct_fields__}
            return {_KIND: type(value).__name__, "v": fields}
        case datetime():
            return {_KIND: "instant", "v": value.isoformat()}
        case Mapping():
            return {_KIND: "map", "v": [[to_wire(key), to_wire(each)] for key, each in value.items()]}
        case Iterable():
            return [to_wire(each) for each in value]
    raise ServiceError(
        what=f"A {type(value).__name__} cannot be handed to the server.",
        why="Questions to it are made of plain values, keys, events and filters.",
        fix="Give one of these.",
    )


def from_wire(value: Any) -> Any:
    """Return what `to_wire` was given; sequences come back as lists."""
    if isinstance(value, list):
        return [from_wire(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind, inner = value[_KIND], value["v"]
    match kind:
        case "asset":
            return AssetKey.parse(inner)
        case "check":
            return AssetCheckKey.parse(inner)
        case "event":
            return decode_event(inner)
        case "instant":
            return datetime.fromisoformat(inner)
        case "map":
            return {from_wire(key): from_wire(each) for key, each in inner}
    if kind in _ENUMS:
        return _ENUMS[kind](inner)
    return _RECORDS[kind](**{name: _sequence(from_wire(each)) for name, each in inner.items()})


def _sequence(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def answer(store: Any, question: Question) -> Answer:
    """Ask the store what a worker wants to know."""
    try:
        if question.method not in ALLOWED:
            raise ServiceError(
                what=f'A worker asked the server for "{question.method}".',
                why="Runs are created, ended and forgotten by the server alone.",
                fix="Do it outside of the step.",
            )
        positional, named = msgspec.msgpack.decode(question.arguments)
        arguments = [from_wire(each) for each in positional]
        told = arguments[:1] if question.method == "append" else arguments[0] if question.method == "append_all" else ()
        if refused := [each for each in told if isinstance(each, _SERVER_SAYS)]:
            raise ServiceError(
                what=f"A worker wanted to record {type(refused[0]).__name__}.",
                why="Where a run and its steps stand is for the server to say, which would go on against what it reads.",
                fix="Raise an error in the step to have it fail; raise headwater.Failure(..., allow_retries=False) to end it.",
            )
        value = getattr(store, question.method)(*arguments, **{name: from_wire(each) for name, each in named.items()})
        pickled = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        if len(pickled) > _MOST_BYTES:
            raise MessageTooLarge(f"What {question.method} found", len(pickled), _MOST_BYTES)
        return Answer(question.question, pickled)
    except Exception as error:
        return Answer(question.question, problem=Problem.of(error))


class RemoteStore:
    """The store as a worker sees it: every method asks the server, and waits for what it answers."""

    path = None

    def __init__(self, send: Callable[[Question], None]) -> None:
        self._send = send
        self._numbers = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[Answer]] = {}
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def answered(self, given: Answer) -> None:
        """Hand an answer to whoever waits for it."""
        with self._lock:
            waiting = self._waiting.pop(given.question, None)
        if waiting is not None:
            waiting.put(given)

    def _ask(self, method: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        if os.getpid() != self._pid:
            raise ServiceError(
                what=f'A child process of a step asked the server for "{method}".',
                why="It has been forked from the worker, which alone is connected, and would wait for an answer for ever.",
                fix="Ask in the step itself, and hand the child what it needs.",
            )
        wire = [[to_wire(each) for each in arguments], {name: to_wire(each) for name, each in named.items()}]
        box: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        with self._lock:
            number = next(self._numbers)
            self._waiting[number] = box
        try:
            self._send(Question(number, method, msgspec.msgpack.encode(wire)))
            given = box.get()
        finally:
            with self._lock:
                self._waiting.pop(number, None)
        if given.problem is not None:
            problem = given.problem
            raise StoreError(what=problem.what, why=problem.why or "The server said so.", fix=problem.fix)
        return pickle.loads(given.value)

    def __getattr__(self, name: str) -> Any:
        if name not in ALLOWED:
            raise AttributeError(name)

        def ask(*arguments: Any, **named: Any) -> Any:
            return self._ask(name, arguments, named)

        ask.__name__ = name
        self.__dict__[name] = ask
        return ask

    def recover(self, find_last_facts: object = None) -> tuple[Run, ...]:
        """Nothing is to be recovered in a worker: the server does that."""
        return ()

    def keep_partition_sets(self, key: AssetKey, sets: object) -> bool:
        """Whoever reads the store itself keeps sets for the next one."""
        return False

    def create_run(self, run: Run) -> None:
        raise _refused("create_run", "a run was to be created", "context.instance launches nothing here")

    def delete_run(self, run_id: str) -> None:
        raise _refused("delete_run", f"run {run_id[:8]} was to be deleted", "delete it with `headwater run delete`")

    def move_assets(self, *_: object, **__: object) -> None:
        raise _refused("move_assets", "an asset was to be moved", "move it with `headwater asset mv`")

    def prune(self, *_: object, **__: object) -> int:
        raise _refused("prune", "history was to be trimmed", "run `headwater db prune`")

    def close(self) -> None:
        """Nothing is held open."""


def _refused(method: str, what: str, instead: str) -> ServiceError:
    return ServiceError(
        what=f"In a worker, {what} ({method}).",
        why="One process writes the store, and a worker only asks it.",
        fix=f"Do it outside of the step; {instead}.",
    )
