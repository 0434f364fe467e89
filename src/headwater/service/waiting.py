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
class _Entry(Generic[Item]):
    demand: Demand
    priority: float
    number: int
    # None while it is set aside: something that concerns it alone is in its way.
    lane: _Lane[Item] | None = None


@dataclass(slots=True, eq=False)
class _Lane(Generic[Item]):
    key: tuple[object, ...]
    # Of one of its items; the others differ in nothing that any limit, or the choice of a worker, looks at.
    demand: Demand
    # What of the demand a limit speaks of, by name: ("pool", "db") -> slots.
    counters: tuple[tuple[tuple[str, ...], int], ...]
    heap: list[tuple[float, int, Item]] = field(default_factory=list)


class Waiting(Generic[Item]):
    """Items that wait, and those that hold slots. All costs are in the number of lanes, which are few."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._lanes: dict[tuple[object, ...], _Lane[Item]] = {}
        self._entries: dict[Item, _Entry[Item]] = {}
        self._held: dict[Item, Demand] = {}
        self._used: Counter[tuple[str, ...]] = Counter()
        self._share: Counter[str] = Counter()
        self._number = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, item: object) -> bool:
        return item in self._entries

    @property
    def held(self) -> Mapping[Item, Demand]:
        """Who holds slots now, and which."""
        return self._held

    @property
    def limits(self) -> Limits:
        return self._limits

    def lanes(self) -> Iterable[Demand]:
        """Return for each lane in which anything waits the demand of one of its items."""
        return [lane.demand for lane in self._lanes.values() if self._clean_head(lane)]

    def set_limits(self, limits: Limits) -> None:
        """From now on these hold. What runs beyond a lowered limit runs to its end."""
        self._limits = limits
        held, self._held = self._held, {}
        self._used.clear()
        self._share.clear()
        for item, demand in held.items():
            self._take(item, demand)
        self._lanes = {}
        for item, entry in self._entries.items():
            if entry.lane is not None:
                self._push(item, entry)

    def add(self, item: Item, demand: Demand, priority: float = 0.0) -> None:
        """Let an item wait. Higher priorities go first; among equals the label with the least share, then the oldest."""
        self._number += 1
        entry = self._entries[item] = _Entry(demand, priority, self._number)
        self._push(item, entry)

    def remove(self, item: Item) -> bool:
        """Take an item out that waits; say whether it did."""
        return self._entries.pop(item, None) is not None

    def move(self, item: Item, demand: Demand) -> None:
        """Have an item that waits stand under other limits, or go to other workers; it keeps its place in the order."""
        entry = self._entries[item]
        entry.demand = demand
        if entry.lane is not None and entry.lane.key != self._key(demand):
            self._push(item, entry)

    def put_back(self, item: Item) -> None:
        """Let an item that was set aside be asked again; does nothing with another."""
        entry = self._entries.get(item)
        if entry is not None and entry.lane is None:
            self._push(item, entry)

    def take_next(
        self,
        has_place: Callable[[Demand, Item], bool] = lambda demand, item: True,
        is_held_up: Callable[[Item], bool] = lambda item: False,
    ) -> Item | None:
        """Return the item that starts now, which holds its slots from here on; None when nothing can.

        `has_place` is asked whether there is a worker for items like it. `is_held_up` is asked whether something that
        concerns the item alone is in its way: then it is set aside, and what stands behind it is not held up with it.
        """
        while True:
            lane = self._next_lane(has_place)
            if lane is None:
                return None
            item = heapq.heappop(lane.heap)[2]
            entry = self._entries[item]
            if is_held_up(item):
                entry.lane = None
                continue
            del self._entries[item]
            self._take(item, entry.demand)
            return item

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
        """Return which limit an item waits for, in words; None when no limit is in its way."""
        entry = self._entries.get(item)
        if entry is None:
            return None
        for counter, slots in self._counters(entry.demand):
            if (limit := self._full(counter, slots)) is not None:
                return _in_words(counter, self._used[counter], limit, slots)
        pool = entry.demand.pool
        if pool is None or entry.lane is None:
            return None
        for lane in self._in_order():
            if lane is entry.lane:
                return None
            if lane.demand.pool == pool and self._is_saving(lane):
                counter, slots = ("pool", pool), lane.demand.slots
                taken = _in_words(counter, self._used[counter], self._limit_of(counter) or 0, entry.demand.slots)
                return f"{taken}, the rest is kept for what needs {slots}"
        return None

    def waiting(self) -> Iterator[tuple[Item, Demand, float]]:
        """Yield what waits, with its demand and priority, in the order in which it would start were there no limits."""
        for item, entry in sorted(self._entries.items(), key=lambda each: (-each[1].priority, each[1].number)):
            yield item, entry.demand, entry.priority

    # ----------------------------------------------------------------------------------------------------------- lanes

    def _key(self, demand: Demand) -> tuple[object, ...]:
        """Return what tells lanes apart: the limits that hold, and which workers can take the item."""
        return self._counters(demand), demand.label, demand.unit, demand.is_async, demand.affinity

    def _push(self, item: Item, entry: _Entry[Item]) -> None:
        key = self._key(entry.demand)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(key, entry.demand, self._counters(entry.demand))
        entry.lane = lane
        heapq.heappush(lane.heap, (-entry.priority, entry.number, item))

    def _in_order(self) -> list[_Lane[Item]]:
        lanes = [lane for lane in list(self._lanes.values()) if self._clean(lane)]
        lanes.sort(key=lambda lane: (lane.heap[0][0], self._share[lane.demand.label], lane.heap[0][1]))
        return lanes

    def _next_lane(self, has_place: Callable[[Demand, Item], bool]) -> _Lane[Item] | None:
        # Pools whose slots are being saved up for an item that needs several: smaller ones would overtake it for ever.
        saved: set[str | None] = set()
        for lane in self._in_order():
            if lane.demand.pool is not None and lane.demand.pool in saved:
                continue
            if any(self._full(counter, slots) is not None for counter, slots in lane.counters):
                if self._is_saving(lane):
                    saved.add(lane.demand.pool)
            elif has_place(lane.demand, lane.heap[0][2]):
                return lane
        return None

    def _is_saving(self, lane: _Lane[Item]) -> bool:
        """Whether a lane waits for nothing but several slots of its pool."""
        if lane.demand.pool is None or lane.demand.slots == 1:
            return False
        full = [counter for counter, slots in lane.counters if self._full(counter, slots) is not None]
        return full == [("pool", lane.demand.pool)]

    def _clean(self, lane: _Lane[Item]) -> bool:
        """Drop what was removed from the head of a lane; say whether anything is left. An empty lane is forgotten."""
        if self._clean_head(lane):
            return True
        self._lanes.pop(lane.key, None)
        return False

    def _clean_head(self, lane: _Lane[Item]) -> bool:
        heap = lane.heap
        while heap:
            _, number, item = heap[0]
            entry = self._entries.get(item)
            if entry is not None and entry.number == number and entry.lane is lane:
                return True
            heapq.heappop(heap)
        return False

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
        counters: dict[tuple[str, ...], int] = {("total",): 1, ("location", demand.location): 1}
        if demand.pool is not None:
            counters["pool", demand.pool] = demand.slots
        if limits.tags:
            tags = dict(demand.tags)
            for limit in limits.tags:
                value = tags.get(limit.key)
                if value is None or (limit.value is not None and value != limit.value):
                    continue
                # Of one value, or of any value together.
                apart = limit.each_value or limit.value is not None
                counters[("tag", limit.key, value) if apart else ("tag", limit.key)] = 1
        return tuple(counters.items())

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
                    if each.key == key and (each.value == value or (each.value is None and each.each_value))
                ]
                return min(found, default=None)
            case ("tag", key):
                found = [
                    each.limit for each in limits.tags if each.key == key and each.value is None and not each.each_value
                ]
                return min(found, default=None)
        return None

    def _full(self, counter: tuple[str, ...], slots: int) -> int | None:
        """Return the limit that leaves no room, None when there is. More slots than there are need the pool alone."""
        limit = self._limit_of(counter)
        if limit is None:
            return None
        wanted = min(slots, limit) if limit > 0 else 1
        return limit if self._used[counter] + wanted > limit else None


def _in_words(counter: tuple[str, ...], used: int, limit: int, slots: int) -> str:
    taken = f"{used} of {limit} taken" + (f", {slots} needed" if slots > 1 else "")
    match counter:
        case ("total",):
            return f"a free place: {taken} in all"
        case ("location", name):
            return f'a free place in the code location "{name}": {taken}'
        case ("pool", name):
            return f'a slot of the pool "{name}": {taken}'
        case ("tag", key, *value):
            return f"the limit of the tag {'='.join((key, *value))}: {taken}"
    return taken
