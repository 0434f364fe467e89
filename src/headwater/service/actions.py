"""What the dispatcher wants to be done."""

from __future__ import annotations

from dataclasses import dataclass

from headwater.model.events import Event
from headwater.service.protocol import Message


@dataclass(frozen=True, slots=True)
class Append:
    """Record these facts in one transaction."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Send:
    worker_id: int
    message: Message


@dataclass(frozen=True, slots=True)
class Start:
    """Start this many more workers."""

    unit: str
    count: int


@dataclass(frozen=True, slots=True)
class Stop:
    """End a worker with all that it started: TERM, and KILL after the grace period."""

    worker_id: int
    grace_seconds: float


@dataclass(frozen=True, slots=True)
class RunErrand:
    """A worker is free to be asked this."""

    worker_id: int
    errand_id: int


@dataclass(frozen=True, slots=True)
class ErrandLost:
    """Nobody will answer this. `is_over` says that it took too long, and would take as long another time."""

    errand_id: int
    reason: str
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a run is among what was appended."""

    run_id: str


Action = Append | Send | Start | Stop | RunErrand | ErrandLost | Ended
