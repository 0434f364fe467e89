"""The partitions of definitions at one instant, shared by all assets that have them, and how they lie to one another."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from typing import Any

from headwater.graph.asset_graph import AssetGraph
from headwater.model.errors.partition_mapping import PartitionNeedsItselfError
from headwater.model.errors.partitions import UnknownPartitionError
from headwater.model.keys import AssetKey
from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.inference import default_partition_mapping
from headwater.model.partitions.mapping import (
    AllPartitionMapping,
    IdentityPartitionMapping,
    LastPartitionMapping,
    PartitionMapping,
    SpecificPartitionsPartitionMapping,
)
from headwater.model.partitions.order_mapping import AllEarlierPartitionMapping, LastNPartitionMapping
from headwater.model.partitions.ordinals import ordinals_of
from headwater.model.partitions.own_mapping import name_of
from headwater.model.partitions.spelling import spelling_of
from headwater.model.partitions.subset import OrdinalPartitionsSubset, PartitionsSubset
from headwater.model.partitions.time_mapping import TimeWindowPartitionMapping
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition

# Whatever the partition, these need the same ones upstream.
_SAME_FOR_ALL = (AllPartitionMapping, LastPartitionMapping, SpecificPartitionsPartitionMapping)


class PartitionSpace:
    """One definition, and which of its partitions exist now."""

    def __init__(self, definition: PartitionsDefinition[Any], store: DynamicPartitionsStore, now: datetime) -> None:
        self.definition = definition
        self.existing: PartitionsSubset[Any] = definition.subset_with_all_partitions(now, store)
        self.empty: PartitionsSubset[Any] = definition.empty_subset()
        self._ordinal_by_key: dict[str, int | None] = {}
        self._last: tuple[Collection[str], PartitionsSubset[Any]] = ((), self.empty)

    def existing_among(self, keys: Collection[str]) -> PartitionsSubset[Any]:
        """Return the set of those keys that exist now."""
        if not keys:
            return self.empty
        if keys == self._last[0]:
            return self._last[1]
        found = self._read(keys) & self.existing
        self._last = (keys, found)
        return found

    def _read(self, keys: Collection[str]) -> PartitionsSubset[Any]:
        if isinstance(self.existing, OrdinalPartitionsSubset):
            known = self._ordinal_by_key
            find = self.definition.find_ordinal
            for key in keys:
                if key not in known:
                    known[key] = find(key)
            return self.definition.subset_of_ordinals(
                ordinals_of(number for key in keys if (number := known[key]) is not None)
            )
        try:
            return self.definition.subset_with_partition_keys(keys)
        except UnknownPartitionError:
            # The definition has changed since some of them were recorded.
            found = self.empty
            for key in keys:
                with suppress(UnknownPartitionError):
                    found = found | self.definition.subset_with_partition_keys([key])
            return found


def _goes_back_in_order(mapping: PartitionMapping, definition: PartitionsDefinition[Any]) -> bool:
    """Whether a mapping of an asset to itself needs only what comes before in the order of a set's keys."""
    return isinstance(definition, TimeWindowPartitionsDefinition) and (
        (type(mapping) is TimeWindowPartitionMapping and mapping.end_offset < 0)
        or (isinstance(mapping, (AllEarlierPartitionMapping, LastNPartitionMapping)) and not mapping.include_same)
    )


class PartitionSpaces:
    """The spaces of all assets of a graph. Equal definitions share one."""

    def __init__(self, graph: AssetGraph, store: DynamicPartitionsStore, now: datetime) -> None:
        self.graph = graph
        self.store = store
        self.now = now
        self._by_asset: dict[AssetKey, PartitionSpace | None] = {}
        self._by_definition: dict[int, PartitionSpace] = {}
        self._spaces: list[PartitionSpace] = []
        self._upstream: dict[tuple[int, int, int], dict[str | None, tuple[str, ...]]] = {}
        self._mappings: dict[tuple[AssetKey, AssetKey], PartitionMapping] = {}
        self._equal: dict[PartitionMapping, PartitionMapping] = {}
        self._defaults: dict[tuple[int, int], PartitionMapping] = {}

    def of(self, key: AssetKey) -> PartitionSpace | None:
        """Return the space of an asset, None for one without partitions."""
        if key in self._by_asset:
            return self._by_asset[key]
        definition = self.graph.spec(key).partitions_def
        space = None if definition is None else self._space_of(definition)
        self._by_asset[key] = space
        return space

    def _space_of(self, definition: PartitionsDefinition[Any]) -> PartitionSpace:
        known = self._by_definition.get(id(definition))
        if known is None:
            # The class counts too: a definition of several dimensions is never taken for another kind.
            known = next(
                (
                    each
                    for each in self._spaces
                    if type(each.definition) is type(definition) and each.definition == definition
                ),
                None,
            )
            if known is None:
                known = PartitionSpace(definition, self.store, self.now)
                self._spaces.append(known)
            self._by_definition[id(definition)] = known
        return known

    def mapping(self, downstream: AssetKey, upstream: AssetKey) -> PartitionMapping:
        """Return the mapping of an edge: the stated one, or the default."""
        found = self._mappings.get((downstream, upstream))
        if found is None:
            found = self.graph.partition_mapping(downstream, upstream)
            if found is None:
                up, down = self.of(upstream), self.of(downstream)
                pair = (id(up), id(down))
                found = self._defaults.get(pair)
                if found is None:
                    found = self._defaults[pair] = default_partition_mapping(
                        None if up is None else up.definition, None if down is None else down.definition
                    )
            # Equal mappings are asked once. One that somebody wrote may have no hash.
            with suppress(TypeError):
                found = self._equal.setdefault(found, found)
            self._mappings[(downstream, upstream)] = found
        return found

    def is_same_key(self, downstream: AssetKey, upstream: AssetKey) -> bool:
        """Whether each partition needs the upstream partition of the same key, and no other."""
        up, down = self.of(upstream), self.of(downstream)
        if up is None or down is None:
            return False
        mapping = self.mapping(downstream, upstream)
        if type(mapping) is IdentityPartitionMapping:
            return True
        return (
            type(mapping) is TimeWindowPartitionMapping
            and mapping.start_offset == 0
            and mapping.end_offset == 0
            and isinstance(up.definition, TimeWindowPartitionsDefinition)
            and isinstance(down.definition, TimeWindowPartitionsDefinition)
            and (up is down or up.definition.equal_except_for_start_or_end(down.definition))
        )

    def needs_same_of_all(self, downstream: AssetKey, upstream: AssetKey) -> bool:
        """Whether all partitions need the same upstream ones."""
        return self.of(downstream) is None or isinstance(self.mapping(downstream, upstream), _SAME_FOR_ALL)

    def upstream_keys(self, downstream: AssetKey, partition: str | None, upstream: AssetKey) -> tuple[str, ...]:
        """Return the existing upstream partitions that one partition needs (None: an asset without partitions)."""
        mapping = self.mapping(downstream, upstream)
        up, down = self.of(upstream), self.of(downstream)
        assert up is not None
        known = self._upstream.setdefault((id(mapping), id(up), id(down)), {})
        asked = None if self.needs_same_of_all(downstream, upstream) else partition
        found = known.get(asked)
        if found is None:
            subset = None
            if down is not None and partition is not None:
                subset = down.definition.subset_with_partition_keys([partition])
            needed = mapping.upstream_of(
                subset, up.definition, self.now, self.store, (upstream, downstream)
            ).partitions_subset
            found = known[asked] = tuple(needed)
        return found

    def upstream_of(self, downstream: AssetKey, part: Any, upstream: AssetKey) -> Any:
        """Return the existing upstream partitions that a set needs: a set, or True for an asset without partitions."""
        up = self.of(upstream)
        if up is None:
            return bool(part)
        if not part:
            return up.empty
        if self.of(downstream) is self.of(upstream) and self.is_same_key(downstream, upstream):
            return part
        subset = None if isinstance(part, bool) else part
        mapping = self.mapping(downstream, upstream)
        return mapping.upstream_of(
            subset, up.definition, self.now, self.store, (upstream, downstream)
        ).partitions_subset

    def needed_of(self, downstream: AssetKey, part: Any, upstream: AssetKey) -> tuple[Any, Any]:
        """Return the upstream partitions that a set needs: those that exist, and those that do not (None: not told)."""
        up, down = self.of(upstream), self.of(downstream)
        if up is None or not part:
            return self.upstream_of(downstream, part, upstream), None
        mapping = self.mapping(downstream, upstream)
        subset = None if down is None or isinstance(part, bool) else part
        result = mapping.upstream_of(subset, up.definition, self.now, self.store, (upstream, downstream))
        return result.partitions_subset, result.required_but_nonexistent_subset

    def ready_of_itself(self, key: AssetKey, pending: Any) -> Any:
        """Return those pending partitions of an asset that need no other pending one of the same asset.

        Of an asset that does not read itself these are all. None are left over only where partitions need each other.
        """
        if not self.graph.has_self_dependency(key) or isinstance(pending, bool):
            return pending
        return pending - self.downstream_of(key, pending, key)

    def in_order_of_need(self, key: AssetKey, part: PartitionsSubset[Any]) -> tuple[str, ...]:
        """Return the keys of a set, each after those of the set that it needs of the same asset.

        Raises PartitionNeedsItselfError where partitions need each other.
        """
        if not self.graph.has_self_dependency(key) or _goes_back_in_order(self.mapping(key, key), part.partitions_def):
            return tuple(part)
        ordered: list[str] = []
        pending = part
        while pending:
            ready = self.ready_of_itself(key, pending)
            if not ready:
                spelled = spelling_of(pending, self.now, self.store)
                raise PartitionNeedsItselfError(key, spelled, name_of(self.mapping(key, key)))
            ordered.extend(ready)
            pending = pending - ready
        return tuple(ordered)

    def downstream_of(self, upstream: AssetKey, part: Any, downstream: AssetKey) -> Any:
        """Return the downstream partitions that need any of a set: a set, or a bool for an asset without partitions."""
        up, down = self.of(upstream), self.of(downstream)
        if up is None:
            return bool(part) if down is None else down.existing if part else down.empty
        if down is None:
            return bool(self.upstream_of(downstream, True, upstream) & part)
        if up is down and self.is_same_key(downstream, upstream):
            return part
        mapping = self.mapping(downstream, upstream)
        return mapping.downstream_of(part, down.definition, self.now, self.store, (upstream, downstream))
