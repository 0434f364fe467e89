"""What would be built, and why: a step for each asset with its partitions, as a value, as JSON and as a tree of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.model.keys import AssetKey
from headwater.model.partitions.definition import DynamicPartitionsStore
from headwater.model.partitions.keys import PartitionKeyRange
from headwater.model.partitions.subset import PartitionsSubset
from headwater.model.staleness import StaleReason
from headwater.views.words import counted, duration_in_words

_MOST_RANGES = 20


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One asset that would be built, with the partitions of it; `partitions` is None for one without partitions.

    `reason` says why in words, `causes` in fixed ones: "requested", "stale", "missing", "needed" by another step and missing,
    "upstream" of one where everything was asked for, or "together" with one that cannot be built without it.
    `needed_by` are the assets for which it was added. `stale_reasons` are those of an asset or a single partition that is stale.
    `upstream` are the steps that come before.
    `seconds` is what it is likely to take, None when that is not known: it never ran, or not lately.
    """

    asset_key: AssetKey
    partitions: PartitionsSubset[Any] | None
    reason: str
    causes: tuple[str, ...]
    stale_reasons: tuple[StaleReason, ...] = ()
    upstream: tuple[AssetKey, ...] = ()
    seconds: float | None = None
    needed_by: tuple[AssetKey, ...] = ()

    @property
    def partition_keys(self) -> tuple[str, ...] | None:
        """The keys one by one; None for an asset without partitions."""
        return None if self.partitions is None else tuple(self.partitions)

    @property
    def partition_count(self) -> int:
        """How many partitions there are; 1 for an asset without."""
        return 1 if self.partitions is None else len(self.partitions)

    def ranges(self, store: DynamicPartitionsStore | None = None) -> Sequence[PartitionKeyRange]:
        """Return the ranges that hold exactly these partitions; none for an asset without."""
        return () if self.partitions is None else self.partitions.ranges(store)

    def to_data(self, store: DynamicPartitionsStore | None = None) -> dict[str, Any]:
        """Return the step as plain JSON values. Very many ranges are told by the first of them and their number."""
        ranges = self.ranges(store)
        partitions = None
        if self.partitions is not None:
            partitions = {
                "count": len(self.partitions),
                "range_count": len(ranges),
                "ranges": [[part.start, part.end] for part in ranges[:_MOST_RANGES]],
            }
        return {
            "asset": str(self.asset_key),
            "partitions": partitions,
            "reason": self.reason,
            "causes": list(self.causes),
            "stale_reasons": [reason.to_data() for reason in self.stale_reasons],
            "needed_by": [str(key) for key in self.needed_by],
            "upstream": [str(key) for key in self.upstream],
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True)
class MaterializationPlan:
    """What a request comes to: steps in an order in which they could be built, and what one should know before."""

    steps: tuple[PlannedStep, ...]
    warnings: tuple[str, ...] = ()
    store: DynamicPartitionsStore | None = None

    @property
    def asset_keys(self) -> tuple[AssetKey, ...]:
        """The assets of the steps, in their order."""
        return tuple(step.asset_key for step in self.steps)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.steps

    @property
    def partition_count(self) -> int:
        """How many partitions would be built of assets that have some."""
        return sum(len(step.partitions) for step in self.steps if step.partitions is not None)

    @property
    def seconds(self) -> float | None:
        """What the steps took before, one after the other; steps without one count nothing. None when none has one."""
        known = [step.seconds for step in self.steps if step.seconds is not None]
        return sum(known) if known else None

    def step(self, asset_key: AssetKey) -> PlannedStep | None:
        """Return the step of an asset, None when it is not built."""
        return next((step for step in self.steps if step.asset_key == asset_key), None)

    def to_data(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return {
            "steps": [step.to_data(self.store) for step in self.steps],
            "asset_count": len(self.steps),
            "partition_count": self.partition_count,
            "seconds": self.seconds,
            "warnings": list(self.warnings),
        }

    @property
    def summary(self) -> str:
        """One line: "3 assets, 62 partitions, about 2 min"."""
        if not self.steps:
            return "Nothing to do."
        told = [counted(len(self.steps), "asset")]
        if self.partition_count:
            told.append(counted(self.partition_count, "partition"))
        if self.seconds is not None:
            unknown = sum(step.seconds is None for step in self.steps)
            more = f", without {counted(unknown, 'asset')} of which no time is known" if unknown else ""
            told.append(f"about {duration_in_words(self.seconds)}{more}")
        return ", ".join(told)

    def tree(self) -> str:
        """Return the steps as a tree, what comes first at the top: each asset once, under the last that it waits for."""
        return "\n".join(self.tree_lines())

    def tree_lines(self) -> Iterator[str]:
        """Yield the lines of `tree()`."""
        depth: dict[AssetKey, int] = {}
        under: dict[AssetKey | None, list[PlannedStep]] = {}
        for step in self.steps:
            parent = max(step.upstream, key=lambda key: depth.get(key, 0), default=None)
            depth[step.asset_key] = 0 if parent is None else depth.get(parent, 0) + 1
            under.setdefault(parent, []).append(step)
        yield from self._lines(under)

    def _lines(self, under: Mapping[AssetKey | None, Sequence[PlannedStep]]) -> Iterator[str]:
        # A stack, as a chain of assets may be longer than Python's.
        waiting = [(step, "", "", "") for step in reversed(under.get(None, ()))]
        while waiting:
            step, before, joint, below = waiting.pop()
            yield f"{before}{joint}{self._told(step)}"
            following = under.get(step.asset_key, ())
            for place, each in reversed(list(enumerate(following))):
                is_last = place == len(following) - 1
                waiting.append((each, before + below, "└─ " if is_last else "├─ ", "   " if is_last else "│  "))

    def _told(self, step: PlannedStep) -> str:
        told = str(step.asset_key)
        if step.partitions is not None:
            ranges = step.ranges(self.store)
            named = [part.start if part.start == part.end else f"{part.start}...{part.end}" for part in ranges[:2]]
            more = ", ..." if len(ranges) > 2 else ""
            told += f" [{', '.join(named)}{more}]"
            if len(step.partitions) > 1:
                told += f" ({len(step.partitions):,})"
        told += f"  {step.reason}"
        if step.seconds is not None:
            told += f"  ~{duration_in_words(step.seconds)}"
        return told
