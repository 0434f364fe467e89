"""What waits to run, and what may start next: priorities, limits, fair share, and for each waiting item the reason why.

A lane holds the items that stand under the same limits, so that picking looks at lanes and not at items: a full pool
holds up its own lanes alone, and a hundred thousand items of one kind cost what one does.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True, slots=True)
class TagLimit:
    """At most `limit` items at a time with this tag: of this value, of each value apart, or of any value together."""

    key: str
    limit: int
    value: str | None = None
    each_value: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may go on at a time. None is no limit; a limit of 0 lets nothing start."""

    total: int | None = None
    locations: Mapping[str, int] = field(default_factory=dict)
    pools: Mapping[str, int] = field(default_factory=dict)
    default_pool: int | None = None
    tags: tuple[TagLimit, ...] = ()


@dataclass(frozen=True, slots=True)
class Demand:
    """Under which limits an item stands. `slots` is how many slots of the pool it takes."""

    location: str
    pool: str | None = None
    slots: int = 1
    tags: tuple[tuple[str, str], ...] = ()
    label: str = ""
    # Which workers can take it: those of one snapshot of a location's code.
    unit: str = ""
    is_async: bool = False
    # Items with the same affinity go to one worker: the run that is carried out in one.
    affinity: str = ""


@dataclass(slots=True)
class _Lane(Generic[Item]):
    demand: Demand
    # What of the demand a limit speaks of, by name: ("pool", "db") -> slots.
    counters: tuple[tuple[tuple[str, ...], int], ...]
    heap: list[tuple[float, int, Item]] = field(default_factory=list)


class Waiting(Generic[Item]):
    """Items that wait, and those that hold slots. All costs are in the number of lanes, which are few."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lanes: dict[Demand, _Lane[Item]] = {}
        self._demand_of: dict[Item, tuple[Demand, float]] = {}
        self._held: dict[Item, Demand] = {}
        self._used: Counter[tuple[str, ...]] = Counter()
        self._share: Counter[str] = Counter()
        self._number = 0

    def __len__(self) -> int:
        return len(self._demand_of)

    def __contains__(self, item: object) -> bool:
        return item in self._demand_of

    @property
    def held(self) -> Mapping[Item, Demand]:
        """Who holds slots now, and which."""
        return self._held

    @property
    def limits(self) -> Limits:
        return self._limits

    def lanes(self) -> Iterable[Demand]:
        """Return the demands under which anything waits."""
        return [demand for demand, lane in self._lanes.items() if self._clean_head(lane)]

    def set_limits(self, limits: Limits) -> None:
        """From now on these hold. What runs beyond a lowered limit runs to its end."""
        self._limits = limits
        held, self._held = self._held, {}
        self._used.clear()
        self._share.clear()
        for item, demand in held.items():
            self._take(item, demand)
        waiting = {demand: lane.heap for demand, lane in self._lanes.items()}
        self._lanes = {demand: _Lane(demand, self._counters(demand), heap) for demand, heap in waiting.items()}

    def add(self, item: Item, demand: Demand, priority: float = 0.0) -> None:
        """Let an item wait. Higher priorities go first; among equals the label with the least share, then the oldest."""
        lane = self._lanes.get(demand)
        if lane is None:
            lane = self._lanes[demand] = _Lane(demand, self._counters(demand))
        self._number += 1
        self._demand_of[item] = (demand, priority)
        heapq.heappush(lane.heap, (-priority, self._number, item))

    def remove(self, item: Item) -> bool:
        """Take an item out that waits; say whether it did."""
        return self._demand_of.pop(item, None) is not None

    def take_next(self, has_place: Callable[[Demand, Item], bool] = lambda demand, item: True) -> Item | None:
        """Return the item that starts now, which holds its slots from here on; None when nothing can.

        `has_place` is asked whether there is a worker for it.
        """
        lanes = [lane for demand in list(self._lanes) if self._clean(lane := self._lanes[demand])]
        lanes.sort(key=lambda lane: (lane.heap[0][0], self._share[lane.demand.label], lane.heap[0][1]))
        # Pools whose slots are being saved up for an item that needs several: smaller ones would overtake it for ever.
        saved: set[str | None] = set()
        for lane in lanes:
            demand, item = lane.demand, lane.heap[0][2]
            if demand.pool is not None and demand.pool in saved:
                continue
            if self._obstacle(lane) is not None:
                if demand.slots > 1:
                    saved.add(demand.pool)
                continue
            if has_place(demand, item):
                heapq.heappop(lane.heap)
                self._demand_of.pop(item)
                self._take(item, demand)
                return item
        return None

    def hold(self, item: Item, demand: Demand) -> None:
        """Note that an item holds slots already, as after a restart."""
        self._take(item, demand)

    def release(self, item: Item) -> None:
        """Give back what an item holds; does nothing when it holds nothing."""
        demand = self._held.pop(item, None)
        if demand is None:
            return
        self._share[demand.label] -= 1
        if not self._share[demand.label]:
            del self._share[demand.label]
        for counter, slots in self._counters(demand):
            self._used[counter] -= slots
            if not self._used[counter]:
                del self._used[counter]

    def reason(self, item: Item) -> str | None:
        """Return what an item waits for, in words; None when it does not wait, or could start now."""
        known = self._demand_of.get(item)
        if known is None:
            return None
        lane = self._lanes[known[0]]
        return self._obstacle(lane)

    def waiting(self) -> Iterator[tuple[Item, Demand, float]]:
        """Yield what waits, with its demand and priority, in the order in which it would start were there no limits."""
        entries = [
            (rank, number, demand, item)
            for demand, lane in self._lanes.items()
            for rank, number, item in lane.heap
            if item in self._demand_of
        ]
        for rank, _, demand, item in sorted(entries, key=lambda entry: entry[:2]):
            yield item, demand, -rank

    # ---------------------------------------------------------------------------------------------------------- limits

    def used(self) -> Mapping[tuple[str, ...], int]:
        """Return how many slots of each limit are taken: ("pool", "db") -> 3."""
        return self._used

    def _take(self, item: Item, demand: Demand) -> None:
        self._held[item] = demand
        self._share[demand.label] += 1
        for counter, slots in self._counters(demand):
            self._used[counter] += slots

    def _counters(self, demand: Demand) -> tuple[tuple[tuple[str, ...], int], ...]:
        limits = self._limits
        counters: list[tuple[tuple[str, ...], int]] = [(("total",), 1), (("location", demand.location), 1)]
        if demand.pool is not None:
            counters.append((("pool", demand.pool), demand.slots))
        tags = dict(demand.tags)
        for limit in limits.tags:
            value = tags.get(limit.key)
            if value is None or (limit.value is not None and value != limit.value):
                continue
            counters.append((("tag", limit.key, value if limit.each_value or limit.value is not None else ""), 1))
        return tuple(counters)

    def _limit_of(self, counter: tuple[str, ...]) -> int | None:
        limits = self._limits
        match counter:
            case ("total",):
                return limits.total
            case ("location", name):
                return limits.locations.get(name)
            case ("pool", name):
                return limits.pools.get(name, limits.default_pool)
            case ("tag", key, value):
                found = [
                    each.limit
                    for each in limits.tags
                    if each.key == key
                    and (each.value == value or (each.value is None and (each.each_value or not value)))
                ]
                return min(found, default=None)
        return None

    def _obstacle(self, lane: _Lane[Item]) -> str | None:
        """Return the first limit that leaves no room for the lane. More slots than there are need the pool alone."""
        for counter, slots in lane.counters:
            limit = self._limit_of(counter)
            if limit is None:
                continue
            used = self._used[counter]
            wanted = min(slots, limit) if limit > 0 else 1
            if used + wanted > limit:
                return _in_words(counter, used, limit, slots)
        return None

    def _clean(self, lane: _Lane[Item]) -> bool:
        """Drop what was removed from the head of a lane; say whether anything is left. An empty lane is forgotten."""
        if self._clean_head(lane):
            return True
        self._lanes.pop(lane.demand, None)
        return False

    def _clean_head(self, lane: _Lane[Item]) -> bool:
        heap = lane.heap
        while heap:
            known = self._demand_of.get(heap[0][2])
            if known is not None and known[0] == lane.demand:
                return True
            heapq.heappop(heap)
        return False


def _in_words(counter: tuple[str, ...], used: int, limit: int, slots: int) -> str:
    taken = f"{used} of {limit} taken" + (f", {slots} needed" if slots > 1 else "")
    match counter:
        case ("total",):
            return f"a free place: {taken} in all"
        case ("location", name):
            return f'a free place in the code location "{name}": {taken}'
        case ("pool", name):
            return f'a slot of the pool "{name}": {taken}'
        case ("tag", key, value):
            named = f"{key}={value}" if value else key
            return f"the limit of the tag {named}: {taken}"
    return taken
