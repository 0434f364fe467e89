"""The asset graph at an instant: which partitions exist, and how sets of them lie upstream and downstream of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from headwater.automation.entity_subset import EntityKey, EntitySubset
from headwater.graph.asset_graph import AssetGraph
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.inference import default_partition_mapping
from headwater.model.partitions.mapping import AllPartitionMapping, IdentityPartitionMapping, PartitionMapping
from headwater.model.partitions.multi import MultiPartitionsDefinition
from headwater.model.partitions.ordinals import ordinals_between
from headwater.model.partitions.time_mapping import TimeWindowPartitionMapping
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition
from headwater.model.specs import AssetCheckSpec, AssetSpec

AnyDefinition = PartitionsDefinition[Any]


@dataclass(slots=True)
class AssetGraphView:
    """Assets and checks as they are at `evaluated_at`; sets that it returns hold only partitions that exist then."""

    graph: AssetGraph
    store: DynamicPartitionsStore
    evaluated_at: datetime
    _full: dict[EntityKey, EntitySubset[Any]] = field(default_factory=dict)
    _empty: dict[EntityKey, EntitySubset[Any]] = field(default_factory=dict)
    _check_specs: dict[AssetCheckKey, AssetCheckSpec] = field(default_factory=dict)

    @property
    def asset_graph(self) -> AssetGraph:
        return self.graph

    @property
    def effective_dt(self) -> datetime:
        """The instant of the evaluation."""
        return self.evaluated_at

    # Specs

    def spec(self, key: EntityKey) -> AssetSpec | AssetCheckSpec:
        return self.check_spec(key) if isinstance(key, AssetCheckKey) else self.graph.spec(key)

    def check_spec(self, key: AssetCheckKey) -> AssetCheckSpec:
        if not self._check_specs:
            graph = self.graph
            self._check_specs.update((check.key, check) for of in graph.keys for check in graph.checks_of(of))
        return self._check_specs.get(key) or self.graph.check_spec(key)

    def partitions_def(self, key: EntityKey) -> AnyDefinition | None:
        return self.spec(key).partitions_def

    def checks_of(self, key: AssetKey, *, blocking_only: bool = False) -> Sequence[AssetCheckKey]:
        """Return the checks of an asset, in the order of their declaration."""
        return [check.key for check in self.graph.checks_of(key) if check.blocking or not blocking_only]

    def upstream_keys(self, key: EntityKey) -> Sequence[AssetKey]:
        """Return the assets that an asset depends on; of a check, its asset and what else it reads.

        One that reads its own earlier partitions is among them, as the last.
        """
        if isinstance(key, AssetKey):
            own = (key,) if self.graph.has_self_dependency(key) else ()
            return (*self.graph.parents(key), *own)
        others = (dep.asset_key for dep in self.check_spec(key).additional_deps)
        return list(dict.fromkeys((key.asset_key, *others)))

    # Sets

    def get_full_subset(self, *, key: EntityKey) -> EntitySubset[Any]:
        """Return all partitions that exist now."""
        found = self._full.get(key)
        if found is None:
            definition = self.partitions_def(key)
            value = True if definition is None else definition.subset_with_all_partitions(self.evaluated_at, self.store)
            found = self._full[key] = EntitySubset(key, value)
        return found

    def get_empty_subset(self, *, key: EntityKey) -> EntitySubset[Any]:
        found = self._empty.get(key)
        if found is None:
            definition = self.partitions_def(key)
            found = self._empty[key] = EntitySubset(key, False if definition is None else definition.empty_subset())
        return found

    def get_subset_from_partition_keys(self, key: EntityKey, partition_keys: set[str]) -> EntitySubset[Any]:
        """Return those of the keys that exist now."""
        return self.get_full_subset(key=key).compute_intersection_with_partition_keys(partition_keys)

    def compute_latest_time_window_subset(
        self, key: EntityKey, lookback_delta: timedelta | None = None
    ) -> EntitySubset[Any]:
        """Return the latest window of time, or those that lie wholly within `lookback_delta` of its end.

        Of several dimensions, all partitions with such a window; all partitions of what has no windows.
        """
        definition, full = self.partitions_def(key), self.get_full_subset(key=key)
        several = definition if isinstance(definition, MultiPartitionsDefinition) else None
        dimension: str | None = None
        windows: Any = definition
        if several is not None and several.has_time_window_dimension:
            dimension, windows = several.time_window_dimension.name, several.time_window_partitions_def
        if not isinstance(windows, TimeWindowPartitionsDefinition):
            return full
        latest = windows.get_last_partition_window(self.evaluated_at)
        if latest is None:
            return self.get_empty_subset(key=key)
        cadence = windows.cadence
        last = cadence.number_at(latest.start.timestamp())
        first = last
        if lookback_delta is not None:
            first = cadence.number_from((latest.end - lookback_delta).timestamp())
        existing = windows.existing_ordinals(self.evaluated_at)
        within = ordinals_between(max(first, existing.min()), last) & existing
        if several is None or dimension is None:
            return EntitySubset(key, windows.subset_of_ordinals(within))
        sides = {
            name: within if name == dimension else item.existing_ordinals(self.evaluated_at, self.store)
            for name, item in several.defs_by_dimension.items()
        }
        return EntitySubset(key, several.subset_of_box(sides))

    # Edges

    def mapping(self, downstream: EntityKey, upstream: EntityKey) -> PartitionMapping:
        """Return the mapping of an edge; between what no edge joins, the one that such an edge would have by default."""
        stated = None
        if isinstance(upstream, AssetKey):
            deps = self.check_spec(downstream).additional_deps if isinstance(downstream, AssetCheckKey) else ()
            if isinstance(downstream, AssetKey):
                deps = self.graph.spec(downstream).deps
            stated = next((dep.partition_mapping for dep in deps if dep.asset_key == upstream), None)
        if stated is not None:
            return stated
        return default_partition_mapping(self.partitions_def(upstream), self.partitions_def(downstream))

    def upstream_of(self, subset: EntitySubset[Any], upstream: EntityKey) -> EntitySubset[Any]:
        """Return the partitions of `upstream` that these partitions need."""
        upstream_def = self.partitions_def(upstream)
        if subset.is_empty:
            return self.get_empty_subset(key=upstream)
        if upstream_def is None:
            return self.get_full_subset(key=upstream)
        mapping = self.mapping(subset.key, upstream)
        downstream = None if isinstance(subset.value, bool) else subset.value
        if mapping == AllPartitionMapping():
            return self.get_full_subset(key=upstream)
        needed = mapping.upstream_of(
            downstream, upstream_def, self.evaluated_at, self.store, (upstream, subset.key)
        ).partitions_subset
        return EntitySubset(upstream, needed)

    def downstream_of(self, subset: EntitySubset[Any], downstream: EntityKey) -> EntitySubset[Any]:
        """Return the partitions of `downstream` that need any of these partitions."""
        definition = self.partitions_def(downstream)
        if subset.is_empty:
            return self.get_empty_subset(key=downstream)
        if isinstance(subset.value, bool):
            return self.get_full_subset(key=downstream)
        if definition is None:
            # Of an asset without partitions, the mapping says which of the upstream ones it needs at all.
            needed = self.upstream_of(self.get_full_subset(key=downstream), subset.key)
            return EntitySubset(downstream, not (needed & subset).is_empty)
        mapping = self.mapping(downstream, subset.key)
        edge = (subset.key, downstream)
        found = mapping.downstream_of(subset.value, definition, self.evaluated_at, self.store, edge)
        return EntitySubset(downstream, found)

    def can_run_together(self, downstream: EntityKey, upstream: EntityKey) -> bool:
        """Return whether one run can build a partition of `downstream` with what it needs of `upstream`.

        It can when both have the same partitions and each needs the one of its own key, or others of its own time.
        """
        asset = upstream.asset_key if isinstance(upstream, AssetCheckKey) else upstream
        own = downstream.asset_key if isinstance(downstream, AssetCheckKey) else downstream
        if self.partitions_def(asset) != self.partitions_def(own):
            return False
        if self.partitions_def(asset) is None:
            return True
        return isinstance(self.mapping(own, asset), IdentityPartitionMapping | TimeWindowPartitionMapping)
