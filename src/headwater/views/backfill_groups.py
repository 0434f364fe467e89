"""From what is to be built to the runs of a backfill: which assets go together, and which positions wait for which.

Positions count the partitions that are built, so that what is needed and not built here is not waited for.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from headwater.graph.asset_graph import AssetGraph
from headwater.model.backfills import BackfillGroup, BackfillNeed, BackfillPlan, GroupNeed, Span
from headwater.model.errors.backfill_requests import PartitionsNeedEachOther
from headwater.model.errors.definition import InvalidDefinitionError
from headwater.model.keys import AssetKey
from headwater.model.partitions.ordinals import ordinals_between, runs
from headwater.model.partitions.subset import OrdinalPartitionsSubset, PartitionsSubset
from headwater.model.partitions.time_mapping import TimeWindowPartitionMapping
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition
from headwater.views.materialization_plan import MaterializationPlan
from headwater.views.partition_spaces import PartitionSpace, PartitionSpaces

Spans = tuple[tuple[Span, ...], ...]


def backfill_plan_of(
    plan: MaterializationPlan, spaces: PartitionSpaces, most_in_a_run: Callable[[AssetKey], int | None]
) -> BackfillPlan:
    """Return the groups of a plan. `most_in_a_run` says how many partitions of an asset one run takes (None: all).

    Assets with the same partitions that the same number of go into a run are built together, unless one of them needs
    other partitions of another than its own. Raises PartitionsNeedEachOther.
    """
    return _Grouping(plan, spaces, most_in_a_run).result()


@dataclass(eq=False, slots=True)
class _Built:
    """A set of partitions that some assets are built for; None: assets without partitions."""

    space: PartitionSpace | None
    part: PartitionsSubset[Any] | None
    keys: tuple[str, ...] | None
    _positions: dict[str, int] | None = None

    @property
    def positions(self) -> Mapping[str, int]:
        if self._positions is None:
            self._positions = {key: position for position, key in enumerate(self.keys or ())}
        return self._positions


@dataclass(slots=True)
class _Group:
    built: _Built
    most: int | None
    is_sequential: bool
    assets: list[AssetKey] = field(default_factory=list)

    @property
    def alike(self) -> tuple[int, int | None, bool]:
        """What assets that are built in the same runs have in common."""
        return id(self.built), self.most, self.is_sequential


class _Grouping:
    def __init__(
        self, plan: MaterializationPlan, spaces: PartitionSpaces, most_in_a_run: Callable[[AssetKey], int | None]
    ) -> None:
        self.spaces = spaces
        self.graph: AssetGraph = spaces.graph
        self.most_in_a_run = most_in_a_run
        self._sets: dict[tuple[int, int], list[_Built]] = {}
        self.built: dict[AssetKey, _Built] = {}
        for step in plan.steps:
            self.built[step.asset_key] = self._built(step.asset_key, step.partitions)
        self.groups: list[_Group] = []
        self.group_of: dict[AssetKey, int] = {}
        self._listed: dict[tuple[int, int, int], Spans] = {}
        self._kept: list[Any] = []

    def result(self) -> BackfillPlan:
        for together in self._atoms():
            self._place(together)
        return BackfillPlan(tuple(self._as_group(number, group) for number, group in enumerate(self.groups)))

    def _built(self, key: AssetKey, part: PartitionsSubset[Any] | None) -> _Built:
        space = None if part is None else self.spaces.of(key)
        of_size = self._sets.setdefault((id(space), 0 if part is None else len(part)), [])
        for each in of_size:
            if part is None or each.part == part:
                return each
        # A key of several dimensions is more than text.
        made = _Built(space, part, None if part is None else tuple(map(str, part)))
        of_size.append(made)
        return made

    # ------------------------------------------------------------------------------------------ which assets go together

    def _atoms(self) -> Iterator[list[AssetKey]]:
        """Yield assets that can only be built together, after all that they depend on."""
        order = {key: place for place, key in enumerate(self.built)}
        atom_of: dict[AssetKey, int] = {}
        atoms: list[list[AssetKey]] = []
        for key in self.built:
            if key not in atom_of:
                together = sorted(
                    (each for each in self.graph.execution_set(key) if each in order), key=order.__getitem__
                )
                atom_of.update(dict.fromkeys(together, len(atoms)))
                atoms.append(together)
        followers: list[set[int]] = [set() for _ in atoms]
        waits = [0] * len(atoms)
        for key, atom in atom_of.items():
            for parent in self.graph.parents(key):
                before = atom_of.get(parent)
                if before is not None and before != atom and atom not in followers[before]:
                    followers[before].add(atom)
                    waits[atom] += 1
        ready = [atom for atom, count in enumerate(waits) if not count]
        while ready:
            atom = heapq.heappop(ready)
            yield atoms[atom]
            for follower in followers[atom]:
                waits[follower] -= 1
                if not waits[follower]:
                    heapq.heappush(ready, follower)
        if any(waits):
            stuck = [str(key) for atom, count in enumerate(waits) if count for key in atoms[atom]]
            raise InvalidDefinitionError(
                what=f"Assets wait for one another: {', '.join(stuck[:5])}.",
                why="Some of them are built together by one function, and need what needs another of them.",
                fix="Let the multi-asset build its assets one by one (can_subset=True), or take a dependency away.",
            )

    def _place(self, together: Sequence[AssetKey]) -> None:
        built = self.built[together[0]]
        sizes = [size for key in together if (size := self.most_in_a_run(key)) is not None]
        most = 1 if built.keys is None else min(sizes, default=None)
        # What waits for its own earlier partitions would make everything that it shares runs with wait, too.
        is_sequential = built.keys is not None and any(map(self.graph.has_self_dependency, together))
        alike = (id(built), most, is_sequential)
        place = 0
        for key in together:
            for parent in self.graph.parents(key):
                if parent in self.group_of:
                    same_run = self.built[parent] is built and self._is_same(key, parent)
                    place = max(place, self.group_of[parent] + (not same_run))
        while place < len(self.groups) and self.groups[place].alike != alike:
            place += 1
        if place == len(self.groups):
            self.groups.append(_Group(built, most, is_sequential))
        self.groups[place].assets += together
        self.group_of.update(dict.fromkeys(together, place))

    def _is_same(self, key: AssetKey, parent: AssetKey) -> bool:
        """Whether each position needs that of the same number, where both are built for equal partitions."""
        return self.built[key].keys is None or self.spaces.is_same_key(key, parent)

    # ------------------------------------------------------------------------------------------------- what waits for what

    def _as_group(self, number: int, group: _Group) -> BackfillGroup:
        needs: list[GroupNeed] = []
        size = 1 if group.built.keys is None else len(group.built.keys)
        chunk = size if group.most is None else min(group.most, size)
        # In a multi-asset, an asset may stand before one that it depends on.
        assets = _in_order(group.assets, self.graph)
        for key in assets:
            needs += [self._need(key, parent) for parent in self.graph.parents(key) if parent in self.group_of]
            if self.graph.has_self_dependency(key) and group.built.keys is not None:
                needs.append(self._need(key, key))
        needs = [need for need in needs if need.kind is not BackfillNeed.LISTED or any(need.spans or ())]
        own = [need for need in needs if need.group == number and need.spans is not None]
        breaks = None if chunk == 1 else _breaks(group.built)
        found = BackfillGroup(tuple(map(str, assets)), group.built.keys, chunk, tuple(needs), breaks)
        return _without_circles(found, own) if own else found

    def _need(self, key: AssetKey, parent: AssetKey) -> GroupNeed:
        kind, spans = self._kind(key, parent)
        group = self.group_of[parent]
        if kind is BackfillNeed.ALL and group == self.group_of[key]:
            whole = ((0, len(self.built[parent].keys or (0,))),)
            kind, spans = BackfillNeed.LISTED, (whole,) * len(self.built[key].keys or (0,))
        return GroupNeed(str(key), str(parent), group, kind, spans)

    def _kind(self, key: AssetKey, parent: AssetKey) -> tuple[BackfillNeed, Spans | None]:
        down, up = self.built[key], self.built[parent]
        if up.keys is None:
            return (BackfillNeed.SAME if down.keys is None else BackfillNeed.ALL), None
        if down.keys is not None and key != parent and self.spaces.is_same_key(key, parent):
            if down is up or down.keys == up.keys:
                return BackfillNeed.SAME, None
            return BackfillNeed.LISTED, self._once(key, parent, self._same_keys)
        if key != parent and self.spaces.needs_same_of_all(key, parent):
            needed = self._spans_of_keys(self.spaces.upstream_keys(key, (down.keys or (None,))[0], parent), up)
            if needed == ((0, len(up.keys)),):
                return BackfillNeed.ALL, None
            return BackfillNeed.LISTED, (needed,) * (1 if down.keys is None else len(down.keys))
        return BackfillNeed.LISTED, self._once(key, parent, self._by_position)

    def _once(
        self, key: AssetKey, parent: AssetKey, work_out: Callable[[AssetKey, AssetKey, _Built, _Built], Spans]
    ) -> Spans:
        """Work a pair of sets out once for each mapping."""
        mapping, down, up = self.spaces.mapping(key, parent), self.built[key], self.built[parent]
        name = (id(mapping), id(down), id(up))
        found = self._listed.get(name)
        if found is None:
            found = self._listed[name] = work_out(key, parent, down, up)
            self._kept.append(mapping)
        return found

    @staticmethod
    def _same_keys(key: AssetKey, parent: AssetKey, down: _Built, up: _Built) -> Spans:
        positions = up.positions
        return tuple(
            () if (position := positions.get(each)) is None else ((position, position + 1),) for each in down.keys or ()
        )

    def _by_position(self, key: AssetKey, parent: AssetKey, down: _Built, up: _Built) -> Spans:
        mapping = self.spaces.mapping(key, parent)
        if type(mapping) is TimeWindowPartitionMapping:
            return tuple(_overlapping(mapping, down, up))
        return tuple(self._spans_of_keys(self.spaces.upstream_keys(key, each, parent), up) for each in down.keys or ())

    @staticmethod
    def _spans_of_keys(keys: Iterable[str], up: _Built) -> tuple[Span, ...]:
        positions = up.positions
        return _as_spans(sorted(position for key in keys if (position := positions.get(key)) is not None))


def _as_spans(positions: Sequence[int]) -> tuple[Span, ...]:
    if not positions:
        return ()
    if positions[-1] - positions[0] == len(positions) - 1:
        return ((positions[0], positions[-1] + 1),)
    starts = [positions[0], *(here for before, here in pairwise(positions) if here != before + 1)]
    ends = [*(before + 1 for before, here in pairwise(positions) if here != before + 1), positions[-1] + 1]
    return tuple(zip(starts, ends, strict=True))


def _overlapping(mapping: TimeWindowPartitionMapping, down: _Built, up: _Built) -> Iterator[tuple[Span, ...]]:
    """Yield the spans of each position by arithmetic on the numbers of windows."""
    assert isinstance(down.part, OrdinalPartitionsSubset)
    assert isinstance(up.part, OrdinalPartitionsSubset)
    here, there = down.part.partitions_def, up.part.partitions_def
    assert isinstance(here, TimeWindowPartitionsDefinition)
    assert isinstance(there, TimeWindowPartitionsDefinition)
    ordinals = up.part.ordinals
    lowest, highest = ordinals.min(), ordinals.max()
    is_unbroken = highest - lowest + 1 == len(ordinals)
    start, end = mapping.start_offset, mapping.end_offset
    known: dict[Span, tuple[Span, ...]] = {}
    for number in down.part.ordinals:
        first, last = number + start, number + end
        if last < first:
            yield ()
            continue
        if here.cadence is not there.cadence:
            last = there.cadence.number_before(here.cadence.instant(last + 1))
            first = there.cadence.number_at(here.cadence.instant(first))
        first, last = max(first, lowest), min(last, highest)
        if first > last:
            yield ()
            continue
        if is_unbroken:
            span = (first - lowest, last - lowest + 1)
        else:
            span = (ordinals.rank(first - 1) if first > lowest else 0, ordinals.rank(last))
        if span[0] == span[1]:
            yield ()
            continue
        spans = known.get(span)
        if spans is None:
            spans = known[span] = (span,)
        yield spans


def _in_order(assets: Sequence[AssetKey], graph: AssetGraph) -> list[AssetKey]:
    """Return assets in the order of the graph."""
    inside = set(assets)
    place = {key: place for place, key in enumerate(assets)}
    if all(place[parent] < place[key] for key in assets for parent in graph.parents(key) if parent in inside):
        return list(assets)
    return [key for key in graph.toposort() if key in inside]


def _breaks(built: _Built) -> tuple[int, ...] | None:
    """Return the positions of windows of time that do not follow the one before; None for other partitions."""
    part = built.part
    if not isinstance(part, OrdinalPartitionsSubset) or built.space is None:
        return None
    if not isinstance(part.partitions_def, TimeWindowPartitionsDefinition):
        return None
    existing = built.space.existing
    assert isinstance(existing, OrdinalPartitionsSubset)
    between = ordinals_between(part.ordinals.min(), part.ordinals.max()) & existing.ordinals
    return tuple(part.ordinals.rank(first) for first, _ in runs(between - part.ordinals))


def _without_circles(group: BackfillGroup, own: Sequence[GroupNeed]) -> BackfillGroup:
    """Return a group whose runs can follow one another: as it is, or else with one partition in a run."""
    if group.unit_count == 1 or not _units_in_a_circle(group, own):
        return group
    single = replace(group, chunk=1, breaks=None)
    stuck = _units_in_a_circle(single, own)
    if stuck:
        raise PartitionsNeedEachOther(own[0].downstream, [(group.partition_keys or ())[unit] for unit in stuck])
    return single


def _units_in_a_circle(group: BackfillGroup, own: Sequence[GroupNeed]) -> list[int]:
    """Return units that can never begin as each waits for another of them."""
    starts = group.unit_starts
    ends = [*starts[1:], group.size]
    if all(
        stop <= end
        for need in own
        for start, end in zip(starts, ends, strict=True)
        for spans in (need.spans or ())[start:end]
        for _, stop in spans
    ):
        return []  # all need earlier ones
    followers: list[list[int]] = [[] for _ in starts]
    waits = [0] * len(starts)
    for unit, (start, end) in enumerate(zip(starts, ends, strict=True)):
        needed: set[int] = set()
        for need in own:
            for spans in (need.spans or ())[start:end]:
                for first, stop in spans:
                    needed.update(range(bisect_right(starts, first) - 1, bisect_right(starts, stop - 1)))
        needed.discard(unit)
        waits[unit] = len(needed)
        for each in needed:
            followers[each].append(unit)
    ready = [unit for unit, waiting in enumerate(waits) if not waiting]
    while ready:
        for follower in followers[ready.pop()]:
            waits[follower] -= 1
            if not waits[follower]:
                ready.append(follower)
    return [unit for unit, waiting in enumerate(waits) if waiting]
