"""Backfills as data: what was asked for, the runs that it takes, and where it stands.

A plan is worked out once, where the user's code is, and kept whole: it names keys, so that neither a server without the code
nor a definition that has changed since can misread it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, IntEnum
from itertools import pairwise
from typing import Any, Final

BACKFILL_TAG: Final = "headwater/backfill"
BACKFILL_RUN_TAG: Final = "headwater/backfill_run"
PARENT_BACKFILL_TAG: Final = "headwater/parent_backfill_id"

Span = tuple[int, int]
"""Positions from the first to before the second."""

_RUN_IDS: Final = uuid.UUID("5a8c8a4e-8b0f-4f0e-9f63-0d6f0f7c3b51")
_SPELLED = re.compile(r"(\d+)\.(\d+):((?:\d+-\d+)(?:,\d+-\d+)*)")


class BackfillStatus(Enum):
    """Where a backfill stands."""

    IN_PROGRESS = "IN_PROGRESS"
    PAUSED = "PAUSED"
    CANCELING = "CANCELING"  # nothing new begins; what runs is being ended
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"  # it has ended, and some of it was not materialized
    CANCELED = "CANCELED"

    @property
    def is_finished(self) -> bool:
        return self in (BackfillStatus.SUCCESS, BackfillStatus.FAILURE, BackfillStatus.CANCELED)


class Outcome(IntEnum):
    """What became of one asset × partition of a backfill."""

    WAITING = 0
    ISSUED = 1  # a run for it is recorded, and has not ended
    MATERIALIZED = 2
    FAILED = 3
    BLOCKED = 4  # what it needs failed
    CANCELED = 5
    SKIPPED = 6  # its step said Skip, or it was there already when only what is missing was asked for

    @property
    def is_bad(self) -> bool:
        """Whether what needs it cannot be made."""
        return self in (Outcome.FAILED, Outcome.BLOCKED, Outcome.CANCELED)


class BackfillNeed(Enum):
    """Which positions of a group one position of another needs."""

    SAME = "same"  # the one with the same number
    ALL = "all"
    LISTED = "listed"


@dataclass(frozen=True, slots=True)
class GroupNeed:
    """An asset of a group needs one that another group builds, or its own.

    `spans` holds for each position of the downstream asset the positions that it needs; it is given for LISTED alone.
    """

    downstream: str
    upstream: str
    group: int
    kind: BackfillNeed
    spans: tuple[tuple[Span, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class BackfillGroup:
    """Assets that one run builds together, for `chunk` of these partitions at a time; None: they have no partitions.

    `asset_keys` are in the order of their dependencies. `breaks` are the positions of windows of time that do not follow the
    one before, so that no run goes across them; None where the partitions of a run need not follow one another.
    """

    asset_keys: tuple[str, ...]
    partition_keys: tuple[str, ...] | None
    chunk: int = 1
    needs: tuple[GroupNeed, ...] = ()
    breaks: tuple[int, ...] | None = None

    @property
    def size(self) -> int:
        """How many positions there are."""
        return 1 if self.partition_keys is None else len(self.partition_keys)

    @property
    def unit_starts(self) -> Sequence[int]:
        """The position at which each unit begins: what one run builds as a rule."""
        if not self.breaks or self.chunk == 1:
            return range(0, self.size, self.chunk)
        parts = pairwise((0, *self.breaks, self.size))
        return [start for first, end in parts for start in range(first, end, self.chunk)]

    @property
    def unit_count(self) -> int:
        return len(self.unit_starts)


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """All that a backfill is to build: groups in an order in which they could be built."""

    groups: tuple[BackfillGroup, ...]

    @property
    def total(self) -> int:
        """How many asset × partition it holds."""
        return sum(group.size * len(group.asset_keys) for group in self.groups)

    @property
    def unit_count(self) -> int:
        """How many runs it takes when nothing fails."""
        return sum(group.unit_count for group in self.groups)

    @property
    def asset_keys(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(key for group in self.groups for key in group.asset_keys))


def key_of_job(job_name: str) -> str:
    """Return what stands for the runs of a job of ops among the assets of a backfill."""
    return f"job:{job_name}"


@dataclass(frozen=True, slots=True)
class BackfillRun:
    """One run of a backfill: these assets of a group, for these positions of one of its units."""

    group: int
    unit: int
    asset_keys: tuple[str, ...]
    spans: tuple[Span, ...]

    @property
    def spelled(self) -> str:
        """How the tag of the run says which it is."""
        return f"{self.group}.{self.unit}:{','.join(f'{first}-{end}' for first, end in self.spans)}"

    @property
    def name(self) -> str:
        """What tells it from all other runs of its backfill."""
        return f"{self.spelled} {' '.join(sorted(self.asset_keys))}"

    def run_id(self, backfill_id: str) -> str:
        """Return the id that this run has, whoever records it: it cannot be recorded twice."""
        return str(uuid.uuid5(_RUN_IDS, f"{backfill_id}/{self.name}"))

    def positions(self) -> Iterator[int]:
        for first, end in self.spans:
            yield from range(first, end)

    def partition_keys(self, plan: BackfillPlan) -> tuple[str, ...] | None:
        """Return the partitions that it builds; None where there are none."""
        keys = plan.groups[self.group].partition_keys
        return None if keys is None else tuple(key for first, end in self.spans for key in keys[first:end])

    @staticmethod
    def parse(spelled: str, asset_keys: tuple[str, ...]) -> BackfillRun | None:
        """Read what `spelled` wrote; None for anything else."""
        match = _SPELLED.fullmatch(spelled)
        if match is None:
            return None
        spans = tuple((int(first), int(end)) for first, _, end in (part.partition("-") for part in match[3].split(",")))
        return BackfillRun(int(match[1]), int(match[2]), asset_keys, spans)


@dataclass(frozen=True, slots=True)
class BackfillOptions:
    """How a backfill is carried out. `max_concurrent_runs` is None for as many as there are workers.

    With `only_missing`, what has been materialized meanwhile by others is left out when its turn comes.
    """

    run_config: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    priority: float = 0.0
    max_concurrent_runs: int | None = None
    only_missing: bool = False


@dataclass(frozen=True, slots=True)
class BackfillWish:
    """What is wanted of a backfill by others than the process that carries it out: "pause", "resume" or "cancel", and options."""

    wish: str | None = None
    max_concurrent_runs: int | None = None
    priority: float | None = None

    def granted(self, options: BackfillOptions) -> BackfillOptions:
        """Return the options as they are wanted; no concurrent runs means as many as there are workers."""
        if self.max_concurrent_runs is not None:
            options = replace(options, max_concurrent_runs=self.max_concurrent_runs or None)
        if self.priority is not None:
            options = replace(options, priority=self.priority)
        return options


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """What a backfill is to build: assets by selection, by key or as a job, and which of their partitions.

    Of `partition_keys`, `partition_range` (both ends are part of it), `partitions` (as the command line spells them),
    `all_partitions` and `keys_by_asset` at most one is given; without any, all partitions are meant. `mode` is "requested",
    "missing", "failed" or "stale": what of these is to be built; or "all": everything upstream of them, too. With `upstream`,
    what is needed and was never built is added.
    """

    selection: str | None = None
    asset_keys: tuple[str, ...] | None = None
    job_name: str | None = None
    partition_keys: tuple[str, ...] | None = None
    partition_range: tuple[str, str] | None = None
    partitions: str | None = None
    all_partitions: bool = False
    keys_by_asset: Mapping[str, tuple[str, ...]] | None = None
    mode: str = "requested"
    upstream: bool = True
    options: BackfillOptions = BackfillOptions()
    title: str = ""
    parent_backfill_id: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill as it is recorded. `counts` holds by asset how many partitions have each outcome; times are seconds since 1970.

    `location` names the code location whose server carries it out, None for one that a command carries out itself. `seconds`
    is how long it has been carried out for, without pauses and gaps. `is_owned` says whether a process does so now.
    """

    backfill_id: str
    title: str
    status: BackfillStatus
    asset_keys: tuple[str, ...]
    total: int
    created_at: float
    ended_at: float | None = None
    updated_at: float | None = None
    options: BackfillOptions = BackfillOptions()
    location: str | None = None
    job_name: str | None = None
    parent_backfill_id: str | None = None
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    cause: str | None = None
    seconds: float = 0.0
    estimated_seconds: float | None = None
    is_owned: bool = False

    @property
    def is_finished(self) -> bool:
        return self.status.is_finished

    @property
    def runs_a_job(self) -> bool:
        """Whether its runs are those of a job of ops, for which one key stands that is no asset."""
        return self.job_name is not None and tuple(self.asset_keys) == (key_of_job(self.job_name),)

    def count(self, *outcomes: Outcome) -> int:
        """Return how many asset × partition have one of these outcomes."""
        names = {outcome.name for outcome in outcomes}
        return sum(n for by_outcome in self.counts.values() for name, n in by_outcome.items() if name in names)

    @property
    def ended_count(self) -> int:
        return self.count(*(each for each in Outcome if each > Outcome.ISSUED))

    @property
    def rate(self) -> float | None:
        """How many asset × partition end in a second; None before any has."""
        done = self.ended_count
        return done / self.seconds if done and self.seconds > 0 else None

    @property
    def eta_seconds(self) -> float | None:
        """How long the rest will take, at the rate so far or else by the history of its steps; None if neither is known."""
        if self.is_finished:
            return None
        left = self.total - self.ended_count
        rate = self.rate
        return left / rate if rate else self.estimated_seconds
