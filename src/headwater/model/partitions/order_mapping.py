"""Mappings by order: a partition needs all that come before it, or the last few.

Both sides are windows of time (of any lengths), or have the same keys in the same order. Everything is counted in places:
numbers of windows, or positions of keys; so a million partitions cost as much as ten, unless windows of different lengths
are asked about one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError
from headwater.model.partitions.definition import DynamicPartitionsStore
from headwater.model.partitions.mapping import AnyDefinition, AnySubset, PartitionMapping, UpstreamPartitionsResult
from headwater.model.partitions.multi import MultiPartitionsDefinition
from headwater.model.partitions.ordinals import no_ordinals, ordinals_between, ordinals_of, runs, shifted, union_of
from headwater.model.partitions.static import StaticPartitionsDefinition
from headwater.model.partitions.subset import OrdinalPartitionsSubset
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition

if TYPE_CHECKING:
    from headwater.model.partitions.ordinals import Ordinals


@dataclass(frozen=True)
class AllEarlierPartitionMapping(PartitionMapping):
    """Each downstream partition needs every upstream partition that comes before it, as running totals do.

    include_same: whether it needs the upstream partition of its own place, too; False is for an asset that reads its own
        earlier partitions. Of windows of time, those that overlap its own are of its own place.
    """

    include_same: bool = True

    def validate_partition_mapping(
        self, upstream_partitions_def: AnyDefinition, downstream_partitions_def: AnyDefinition | None
    ) -> None:
        _check_order(self, upstream_partitions_def, downstream_partitions_def)

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        _check_order(self, upstream_partitions_def, downstream_partitions_def)
        assert downstream_partitions_def is not None
        order = _order_of(
            upstream_partitions_def,
            downstream_partitions_def,
            self.include_same,
            current_time,
            dynamic_partitions_store,
        )
        wanted = order.downstream_places(downstream_partitions_subset)
        there = order.upstream_there
        needed = there & _up_to(there, order.last_needed(wanted.max())) if wanted else no_ordinals()
        return UpstreamPartitionsResult(order.upstream_at(needed), upstream_partitions_def.empty_subset())

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        _check_order(self, upstream_partitions_def, downstream_partitions_def)
        order = _order_of(
            upstream_partitions_def,
            downstream_partitions_def,
            self.include_same,
            current_time,
            dynamic_partitions_store,
        )
        given = order.upstream_places(upstream_partitions_subset) & order.upstream_there
        there = order.downstream_there
        following = there & _from(there, order.first_needing(given.min())) if given else no_ordinals()
        return order.downstream_at(following)

    @property
    def description(self) -> str:
        if self.include_same:
            return "Each partition needs the upstream partition of its own place and every one before it."
        return "Each partition needs every upstream partition before its own place."

    def to_data(self) -> dict[str, Any]:
        return {"kind": "all_earlier", "include_same": self.include_same}


@dataclass(frozen=True)
class LastNPartitionMapping(PartitionMapping):
    """Each downstream partition needs the last `count` upstream partitions that exist, counted back from its own place.

    include_same: whether to count from the upstream partition of its own place, or from the one before. Of windows of
        time, the last one that overlaps its own is counted from.
    Where fewer come before, those are all. Raises InvalidPartitionsDefinitionError unless `count` is 1 or more.
    """

    count: int
    include_same: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.count, int) or isinstance(self.count, bool) or self.count < 1:
            raise InvalidPartitionsDefinitionError(
                what=f"LastNPartitionMapping(count={self.count!r}) counts back no partitions.",
                why="A partition would need nothing.",
                fix="Give a whole number from 1.",
            )

    def validate_partition_mapping(
        self, upstream_partitions_def: AnyDefinition, downstream_partitions_def: AnyDefinition | None
    ) -> None:
        _check_order(self, upstream_partitions_def, downstream_partitions_def)

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        _check_order(self, upstream_partitions_def, downstream_partitions_def)
        assert downstream_partitions_def is not None
        order = _order_of(
            upstream_partitions_def,
            downstream_partitions_def,
            self.include_same,
            current_time,
            dynamic_partitions_store,
        )
        wanted = order.downstream_places(downstream_partitions_subset)
        found = order.upstream_at(order.last_before(wanted, self.count))
        return UpstreamPartitionsResult(found, upstream_partitions_def.empty_subset())

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        _check_order(self, upstream_partitions_def, downstream_partitions_def)
        order = _order_of(
            upstream_partitions_def,
            downstream_partitions_def,
            self.include_same,
            current_time,
            dynamic_partitions_store,
        )
        given = order.upstream_places(upstream_partitions_subset)
        return order.downstream_at(order.counting_back_to(given, self.count))

    @property
    def description(self) -> str:
        which = "partition" if self.count == 1 else f"{self.count:,} partitions"
        place = "up to its own place" if self.include_same else "before its own place"
        return f"Each partition needs the last {which} upstream {place}."

    def to_data(self) -> dict[str, Any]:
        return {"kind": "last_n", "count": self.count, "include_same": self.include_same}


def has_lasting_order(definition: AnyDefinition) -> bool:
    """Whether the numbers of partitions are in the order of the keys, in every process."""
    return isinstance(definition, (TimeWindowPartitionsDefinition, StaticPartitionsDefinition))


def _check_order(mapping: PartitionMapping, upstream: AnyDefinition, downstream: AnyDefinition | None) -> None:
    if isinstance(upstream, TimeWindowPartitionsDefinition) and isinstance(downstream, TimeWindowPartitionsDefinition):
        return
    if upstream == downstream and not isinstance(upstream, MultiPartitionsDefinition):
        return
    found = "no partitions" if downstream is None else downstream.describe()
    raise InvalidPartitionsDefinitionError(
        what=f"Partitions do not match: {type(mapping).__name__} is used, but upstream is {upstream.describe()}, "
        f"downstream {found}.",
        why="It goes by order, so both must be windows of time, or have the same keys in the same order.",
        fix="Use the same partitions_def for both; of several dimensions, map the ordered one with MultiPartitionMapping; "
        "or use AllPartitionMapping().",
    )


def _order_of(
    upstream: AnyDefinition,
    downstream: AnyDefinition,
    include_same: bool,
    now: datetime | None,
    store: DynamicPartitionsStore | None,
) -> _Order:
    kind = _Windows if isinstance(upstream, TimeWindowPartitionsDefinition) else _Keys
    return kind(upstream, downstream, include_same, now, store)


class _Order:
    """Two definitions side by side. Places of both sides grow in the same direction."""

    # Whether a place means the same on both sides.
    is_in_step = True

    def __init__(
        self,
        upstream: AnyDefinition,
        downstream: AnyDefinition,
        include_same: bool,
        now: datetime | None,
        store: DynamicPartitionsStore | None,
    ) -> None:
        self.upstream = upstream
        self.downstream = downstream
        self.include_same = include_same
        self.back = 0 if include_same else 1
        self.now = now
        self.store = store

    @cached_property
    def upstream_there(self) -> Ordinals:
        """The places upstream where partitions exist."""
        return self.upstream.existing_ordinals(self.now, self.store)

    @cached_property
    def downstream_there(self) -> Ordinals:
        return self.downstream.existing_ordinals(self.now, self.store)

    def last_needed(self, place: int) -> int:
        """Return the last place upstream that a downstream place can need."""
        return place - self.back

    def first_needing(self, place: int) -> int:
        """Return the first downstream place that can need a place upstream."""
        return place + self.back

    def downstream_places(self, subset: AnySubset | None) -> Ordinals:
        assert isinstance(subset, OrdinalPartitionsSubset)
        return subset.ordinals

    def upstream_places(self, subset: AnySubset) -> Ordinals:
        assert isinstance(subset, OrdinalPartitionsSubset)
        return subset.ordinals

    def upstream_at(self, places: Ordinals) -> AnySubset:
        return self.upstream.subset_of_ordinals(places)

    def downstream_at(self, places: Ordinals) -> AnySubset:
        return self.downstream.subset_of_ordinals(places)

    # Counting back

    def last_before(self, wanted: Ordinals, count: int) -> Ordinals:
        """Return the last `count` existing places upstream of each wanted one, all together."""
        there = self.upstream_there
        if not there or not wanted:
            return no_ordinals()
        if not self.is_in_step:
            return self._last_before_each(wanted, count)
        if _is_unbroken(there):
            ends = shifted(wanted, -self.back)
            last = there.max()
            if ends and ends.max() > last:
                ends = (ends & _up_to(there, last)) | ordinals_of((last,))
            return _spread(ends, -1, count) & there
        if len(wanted) > _FEW:
            return self._at_positions(_spread(self._positions_needed(wanted), -1, count), with_gaps=False)
        blocks = []
        for first, last in runs(wanted):
            begin = max(_rank(there, first - self.back) - count, 0)
            end = _rank(there, last - self.back)
            if end > begin:
                blocks.append((there[begin], there[end - 1]))
        return union_of(ordinals_between(*block) for block in blocks) & there

    # Where exclusions leave gaps, places are turned into positions among those that exist: stretch by stretch

    @cached_property
    def _stretches(self) -> list[tuple[int, int, int]]:
        """Unbroken stretches of places upstream: the position of the first, the first, the last."""
        found, position = [], 0
        for first, last in runs(self.upstream_there):
            found.append((position, first, last))
            position += last - first + 1
        return found

    def _positions(self, places: Ordinals) -> Ordinals:
        """Return the positions of existing places."""
        return union_of(
            shifted(places & ordinals_between(first, last), position - first)
            for position, first, last in self._stretches
        )

    def _positions_needed(self, wanted: Ordinals) -> Ordinals:
        """Return the position of the last place upstream that each wanted one needs."""
        needed = shifted(self._positions(wanted), -self.back)
        # From within a gap, or after the end, the last place before it counts whether or not the own one is left out.
        befores, ends = [], [*(first for _, first, _ in self._stretches[1:]), wanted.max() + 1]
        for (position, first, last), following in zip(self._stretches, ends, strict=True):
            if _rank(wanted, following - 1) > _rank(wanted, last):
                befores.append(position + last - first)
        return needed | ordinals_of(befores)

    def _at_positions(self, positions: Ordinals, *, with_gaps: bool) -> Ordinals:
        """Return the places at these positions; with the gap after a place, too, and all that comes after the last one."""
        stretches = self._stretches
        beyond = self.downstream_there.max() + 1 if with_gaps else 0
        ends = [*(first for _, first, _ in stretches[1:]), beyond]
        blocks = []
        for (position, first, last), following in zip(stretches, ends, strict=True):
            end = position + last - first
            blocks.append(shifted(positions & ordinals_between(position, end), first - position))
            if with_gaps and end in positions:
                blocks.append(ordinals_between(last + 1, following - 1))
        return union_of(blocks)

    def _last_before_each(self, wanted: Ordinals, count: int) -> Ordinals:
        """The same where one side's windows are longer: each window of the side that has fewer is looked at."""
        there = self.upstream_there
        begin = max(_rank(there, self.last_needed(wanted.min())) - count, 0)
        end = _rank(there, self.last_needed(wanted.max()))
        if end - begin <= len(wanted):
            return ordinals_of(
                there[place] for place in range(begin, end) if self._is_counted_back_to(place, wanted, count)
            )

        def blocks() -> Iterator[tuple[int, int]]:
            for each in wanted:
                last = _rank(there, self.last_needed(each))
                if last:
                    yield there[max(last - count, 0)], there[last - 1]

        return union_of(ordinals_between(*block) for block in blocks()) & there

    def _is_counted_back_to(self, position: int, wanted: Ordinals, count: int) -> bool:
        first, last = self._span_that_counts_back_to(position, position, count, wanted.max())
        return last >= first and _rank(wanted, last) > _rank(wanted, first - 1)

    def _span_that_counts_back_to(self, first: int, last: int, count: int, end: int) -> tuple[int, int]:
        """Return the first and last downstream place that need some of the existing places from one to another.

        They are given by position among those that exist; the last need not exist, and is at most `end`.
        """
        there = self.upstream_there
        following = last + count
        until = self.first_needing(there[following]) - 1 if following < len(there) else end
        return self.first_needing(there[first]), min(until, end)

    def counting_back_to(self, given: Ordinals, count: int) -> Ordinals:
        """Return the existing downstream places that count back to any given place upstream."""
        there, below = self.upstream_there, self.downstream_there
        given = given & there
        if not given or not below:
            return no_ordinals()
        if self.is_in_step and _is_unbroken(there):
            spread = _spread(given, 1, count)
            # What is within reach of the last one there is stays so for all that comes after it.
            tail = given & _from(there, there.max() - count + 1)
            if tail:
                spread = spread | ordinals_between(tail.min(), below.max())
            return shifted(spread, self.back) & below
        if self.is_in_step and len(given) > _FEW:
            reached = _spread(self._positions(given), 1, count)
            return shifted(self._at_positions(reached, with_gaps=True), self.back) & below
        blocks = [
            self._span_that_counts_back_to(_rank(there, first) - 1, _rank(there, last) - 1, count, below.max())
            for first, last in runs(given)
        ]
        return union_of(ordinals_between(max(first, 0), last) for first, last in blocks) & below


class _Windows(_Order):
    """Windows of time; places are the numbers of windows."""

    def __init__(
        self,
        upstream: AnyDefinition,
        downstream: AnyDefinition,
        include_same: bool,
        now: datetime | None,
        store: DynamicPartitionsStore | None,
    ) -> None:
        super().__init__(upstream, downstream, include_same, now, store)
        assert isinstance(upstream, TimeWindowPartitionsDefinition)
        assert isinstance(downstream, TimeWindowPartitionsDefinition)
        self.above = upstream.cadence
        self.below = downstream.cadence
        self.is_in_step = self.above is self.below

    def last_needed(self, place: int) -> int:
        if self.is_in_step:
            return place - self.back
        if self.include_same:
            return self.above.number_before(self.below.instant(place + 1))
        return self.above.number_at(self.below.instant(place)) - 1

    def first_needing(self, place: int) -> int:
        if self.is_in_step:
            return place + self.back
        if self.include_same:
            return self.below.number_at(self.above.instant(place))
        return self.below.number_from(self.above.instant(place + 1))


class _Keys(_Order):
    """The same keys on both sides; places are positions among those that exist."""

    @cached_property
    def _ordinal_at(self) -> list[int] | None:
        """The ordinal at each position; None where they are the same."""
        if isinstance(self.upstream, StaticPartitionsDefinition):
            return None
        keys = self.upstream.get_partition_keys(self.now, self.store)
        return list(map(self.upstream._dictionary().ordinal, keys))

    @cached_property
    def _place_of(self) -> dict[int, int]:
        return {ordinal: place for place, ordinal in enumerate(self._ordinal_at or ())}

    @cached_property
    def upstream_there(self) -> Ordinals:
        ordinals = self._ordinal_at
        count = self.upstream.get_num_partitions(self.now, self.store) if ordinals is None else len(ordinals)
        return ordinals_between(0, count - 1)

    @cached_property
    def downstream_there(self) -> Ordinals:
        return self.upstream_there

    def downstream_places(self, subset: AnySubset | None) -> Ordinals:
        assert isinstance(subset, OrdinalPartitionsSubset)
        if self._ordinal_at is None:
            return subset.ordinals & self.upstream_there
        return ordinals_of(place for each in subset.ordinals if (place := self._place_of.get(each)) is not None)

    def upstream_places(self, subset: AnySubset) -> Ordinals:
        return self.downstream_places(subset)

    def upstream_at(self, places: Ordinals) -> AnySubset:
        ordinals = self._ordinal_at
        if ordinals is None:
            return self.upstream.subset_of_ordinals(places)
        return self.upstream.subset_of_ordinals(ordinals_of([ordinals[place] for place in places]))

    def downstream_at(self, places: Ordinals) -> AnySubset:
        return self.upstream_at(places)


# So many are looked at one by one.
_FEW = 500


def _is_unbroken(ordinals: Ordinals) -> bool:
    return bool(ordinals.max() - ordinals.min() + 1 == len(ordinals))


def _rank(ordinals: Ordinals, last: int) -> int:
    """Return how many of the ordinals are at most `last`."""
    return int(ordinals.rank(last)) if last >= 0 else 0


def _up_to(ordinals: Ordinals, last: int) -> Ordinals:
    return ordinals_between(ordinals.min(), last) if ordinals else ordinals


def _from(ordinals: Ordinals, first: int) -> Ordinals:
    return ordinals_between(max(first, 0), ordinals.max()) if ordinals else ordinals


def _spread(ordinals: Ordinals, step: int, count: int) -> Ordinals:
    """Return the ordinals with the `count - 1` that follow each of them in the direction of `step`; by doubling."""
    reached = 1
    while reached < count:
        by = min(reached, count - reached)
        ordinals = ordinals | shifted(ordinals, step * by)
        reached += by
    return ordinals
