"""How the partitions of two assets hang together: which are needed, which follow, by which mappings, and what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headwater.graph.asset_graph import AssetGraph
from headwater.model.keys import AssetKey
from headwater.model.partitions.absence import why_absent
from headwater.model.partitions.mapping import PartitionMapping, translated
from headwater.model.partitions.own_mapping import description_of, name_of, size_of
from headwater.model.partitions.spelling import spelling_of
from headwater.store.interface import Store
from headwater.views.partition_spaces import PartitionSpaces

Part = Any  # a set of partitions, or a bool of an asset without


@dataclass(frozen=True, slots=True)
class MappedEdge:
    """One dependency between two assets, and the mapping that joins their partitions."""

    upstream: AssetKey
    downstream: AssetKey
    mapping: PartitionMapping
    is_default: bool

    @property
    def mapping_name(self) -> str:
        return name_of(self.mapping)

    @property
    def description(self) -> str:
        return description_of(self.mapping)

    def to_data(self) -> dict[str, Any]:
        return {
            "upstream": str(self.upstream),
            "downstream": str(self.downstream),
            "mapping": self.mapping_name,
            "is_default": self.is_default,
            "description": self.description,
        }


@dataclass(frozen=True, slots=True)
class MappedPart:
    """Partitions of one asset that a question led to: which exist, which were built, which there should be and are not."""

    asset_key: AssetKey
    is_partitioned: bool
    count: int
    partitions: str | None
    materialized_count: int
    missing: str | None
    failed: str | None
    # What is needed and does not exist: as it is spelled, and why.
    nonexistent: tuple[tuple[str, str], ...] = ()
    nonexistent_count: int = 0
    nonexistent_ranges: int = 0

    def to_data(self) -> dict[str, Any]:
        return {
            "asset": str(self.asset_key),
            "is_partitioned": self.is_partitioned,
            "count": self.count,
            "partitions": self.partitions,
            "materialized": self.materialized_count,
            "missing": self.missing,
            "failed": self.failed,
            "nonexistent_count": self.nonexistent_count,
            "nonexistent": [{"partitions": spelled, "why": why} for spelled, why in self.nonexistent],
        }


@dataclass(frozen=True, slots=True)
class PartitionLinks:
    """An answer: from `asked` along `edges` to `found`. Between them are the assets that it passes, in that order."""

    asked: MappedPart
    passed: tuple[MappedPart, ...]
    found: MappedPart

    def to_data(self) -> dict[str, Any]:
        return {
            "asked": self.asked.to_data(),
            "by_way_of": [each.to_data() for each in self.passed],
            "found": self.found.to_data(),
        }


_MOST_RANGES = 6


class PartitionTies:
    """All ways from one asset down to another, over as many edges as there are; an edge between the two goes alone."""

    def __init__(
        self, graph: AssetGraph, store: Store, spaces: PartitionSpaces, upstream: AssetKey, downstream: AssetKey
    ) -> None:
        self.graph = graph
        self.store = store
        self.spaces = spaces
        self.upstream = upstream
        self.downstream = downstream
        self.is_direct = upstream == downstream or upstream in graph.parents(downstream)
        if self.is_direct:
            self._between: tuple[AssetKey, ...] = ()
        else:
            among = graph.descendants(upstream) & graph.ancestors(downstream)
            self._between = tuple(key for key in graph.toposort() if key in among and key not in (upstream, downstream))

    @property
    def edges(self) -> tuple[MappedEdge, ...]:
        """The dependencies on the ways, in the order of the data."""
        return tuple(
            MappedEdge(parent, child, self.spaces.mapping(child, parent), self._is_default(child, parent))
            for child in (*self._between, self.downstream)
            for parent in self._parents(child)
        )

    def _is_default(self, child: AssetKey, parent: AssetKey) -> bool:
        return self.graph.partition_mapping(child, parent) is None

    def _parents(self, child: AssetKey) -> Iterator[AssetKey]:
        """Yield the parents of an asset that lie on the ways."""
        if self.is_direct:
            yield self.upstream
            return
        among = {self.upstream, *self._between}
        yield from (parent for parent in self.graph.parents(child) if parent in among)

    def needed_by(self, part: Part) -> PartitionLinks:
        """Return what partitions of the downstream asset need of the upstream one."""
        wanted: dict[AssetKey, Part] = {self.downstream: part}
        absent: dict[AssetKey, Part] = {}
        if self.is_direct:
            wanted = {}
            needed, nonexistent = self.spaces.needed_of(self.downstream, part, self.upstream)
            wanted[self.upstream], absent[self.upstream] = needed, nonexistent
        else:
            for child in (self.downstream, *reversed(self._between)):
                for parent in self._parents(child):
                    needed, nonexistent = self.spaces.needed_of(child, wanted.get(child, False), parent)
                    wanted[parent] = _union(wanted.get(parent), needed)
                    absent[parent] = _union(absent.get(parent), nonexistent)
        passed = tuple(self._told(key, wanted[key], absent.get(key)) for key in reversed(self._between))
        found = self._told(self.upstream, wanted[self.upstream], absent.get(self.upstream))
        return PartitionLinks(self._told(self.downstream, part), passed, found)

    def following_from(self, part: Part) -> PartitionLinks:
        """Return what partitions of the downstream asset need any of these of the upstream one."""
        reached: dict[AssetKey, Part] = {}
        if self.is_direct:
            reached[self.downstream] = self.spaces.downstream_of(self.upstream, part, self.downstream)
        else:
            reached[self.upstream] = part
            for child in (*self._between, self.downstream):
                for parent in self._parents(child):
                    following = self.spaces.downstream_of(parent, reached[parent], child)
                    reached[child] = _union(reached.get(child), following)
        passed = tuple(self._told(key, reached[key]) for key in self._between)
        absent = self._absent_namesakes(part, reached[self.downstream])
        return PartitionLinks(
            self._told(self.upstream, part), passed, self._told(self.downstream, reached[self.downstream], absent)
        )

    # -------------------------------------------------------------------------------------------------------- telling

    def _told(self, key: AssetKey, part: Part, absent: Part = None) -> MappedPart:
        space = self.spaces.of(key)
        if space is None:
            state = self.store.asset_state(key)
            is_built = state is not None and state.materialization is not None
            missing = "*" if part and not is_built else None
            return MappedPart(key, False, int(bool(part)), None, int(bool(part) and is_built), missing, None)
        if isinstance(part, bool):
            part = space.existing if part else space.empty
        built = space.existing_among(self.store.materialized_partitions(key)) & part
        failed = space.existing_among(frozenset(self.store.failed_partitions(key))) & part
        return MappedPart(
            key,
            True,
            size_of(part),
            self._spelled(part),
            size_of(built),
            self._spelled(part - built),
            self._spelled(failed),
            *((), 0, 0) if absent is None or isinstance(absent, bool) else self._absences(absent),
        )

    def _spelled(self, part: Part) -> str | None:
        return spelling_of(part, self.spaces.now, self.spaces.store) or None

    def _absences(self, absent: Part) -> tuple[tuple[tuple[str, str], ...], int, int]:
        """Return the first ranges of what does not exist, each with the reason; how many partitions and ranges there are."""
        ranges = absent.ranges(self.spaces.store)
        told = []
        for start, end in ranges[:_MOST_RANGES]:
            why = why_absent(absent.partitions_def, start, self.spaces.now, self.spaces.store) or ""
            told.append((start if start == end else f"{start}...{end}", why))
        return tuple(told), size_of(absent), len(ranges)

    def _absent_namesakes(self, part: Part, reached: Part) -> Part:
        """Return partitions that the downstream asset would have for these, by the same keys, and has not."""
        if not self.is_direct or reached or not self.spaces.is_same_key(self.downstream, self.upstream):
            return None
        space = self.spaces.of(self.downstream)
        return None if space is None else translated(part, space.definition)


def _union(left: Part, right: Part) -> Part:
    if left is None or left is False:
        return right
    if isinstance(left, bool) or isinstance(right, bool):
        return left or right
    return left | right


def ties_between(
    graph: AssetGraph, store: Store, spaces: PartitionSpaces, one: AssetKey, other: AssetKey
) -> PartitionTies | None:
    """Return the ways between two assets, whichever of them is upstream; None when neither depends on the other."""
    if one == other:
        return PartitionTies(graph, store, spaces, one, one) if graph.has_self_dependency(one) else None
    if one in graph.ancestors(other):
        return PartitionTies(graph, store, spaces, one, other)
    return PartitionTies(graph, store, spaces, other, one) if other in graph.ancestors(one) else None
