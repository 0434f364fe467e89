"""What a request needs beyond what it names: upstream assets and partitions that were never built."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headwater.authoring.asset_index import AssetIndex
    from headwater.graph.asset_graph import AssetGraph
    from headwater.model.keys import AssetKey
    from headwater.model.partitions import DynamicPartitionsStore, PartitionKeyRange, PartitionsDefinition
    from headwater.model.specs import AssetDep
    from headwater.store.interface import AssetStore

# So many partitions are looked up one by one; of more it is quicker to read which there are.
_LOOKED_UP = 5_000


@dataclass(frozen=True, slots=True)
class UnbuiltPartitions:
    """Partitions of an upstream asset that another asset needs, and that nothing has built."""

    upstream: AssetKey
    needed_by: AssetKey
    keys: tuple[str, ...]
    partitions_def: PartitionsDefinition[Any]

    def ranges(self, store: DynamicPartitionsStore) -> Sequence[PartitionKeyRange]:
        """Return the ranges that hold exactly these partitions."""
        return self.partitions_def.subset_with_partition_keys(self.keys).ranges(store)


def missing_upstream(
    graph: AssetGraph,
    store: AssetStore,
    selected: Collection[AssetKey],
    partition_keys: Sequence[str] | None = None,
) -> tuple[AssetKey, ...]:
    """Return upstream assets that can be built and have to be, for the selected ones to find their inputs; in order.

    One that was built is left alone, and so is all above it. A partitioned one is named when it has the partitions of
    the asset that needs it and some of `partition_keys` are missing: other partitions take a run of their own. Assets
    that can only be built together come together.
    """
    chosen = set(selected)
    above = graph.ancestors(selected) - chosen
    if not above:
        return ()
    states = store.asset_states(above)

    def is_missing(parent: AssetKey, child: AssetKey) -> bool:
        state = states.get(parent)
        partitions_def = graph.spec(parent).partitions_def
        if partitions_def is None:
            return state is None or state.materialization is None
        if partition_keys is None or graph.spec(child).partitions_def != partitions_def:
            return False
        if graph.partition_mapping(child, parent) is not None:
            return False
        return state is None or not store.materialized_among(parent, partition_keys).issuperset(partition_keys)

    def missing_parents(child: AssetKey) -> Iterator[AssetKey]:
        for parent in graph.parents(child):
            if parent not in chosen and graph.is_materializable(parent) and is_missing(parent, child):
                yield from graph.execution_set(parent)

    waiting = list(chosen)
    while waiting:
        for key in missing_parents(waiting.pop()):
            if key not in chosen:
                chosen.add(key)
                waiting.append(key)
    added = chosen.difference(selected)
    return tuple(key for key in graph.toposort() if key in added) if added else ()


def unbuilt_partitions(
    index: AssetIndex,
    store: AssetStore,
    selected: Collection[AssetKey],
    partition_keys: Sequence[str] | None,
    dynamic_partitions_store: DynamicPartitionsStore,
) -> tuple[UnbuiltPartitions, ...]:
    """Return what the selected assets need of partitions that neither the record has nor the request builds; in order.

    A parameter needs every partition that its mapping names, unless it allows for missing ones. What is only in `deps` is
    read by the function itself, perhaps in part: it is named when none of its partitions is there.
    """
    from headwater.model.partitions import default_partition_mapping

    graph = index.graph
    chosen = set(selected)
    built_now = frozenset(partition_keys or ())
    found: list[UnbuiltPartitions] = []
    for child in (key for key in graph.toposort() if key in chosen):
        own_def = graph.spec(child).partitions_def
        if own_def is not None and partition_keys is None:
            continue
        own = own_def.subset_with_partition_keys(partition_keys or ()) if own_def is not None else None
        for dep in graph.spec(child).deps:
            parent = dep.asset_key
            parent_def = graph.spec(parent).partitions_def
            if parent_def is None or not graph.is_materializable(parent):
                continue
            mapping = dep.partition_mapping or default_partition_mapping(parent_def, own_def)
            needed = mapping.upstream_of(
                own, parent_def, None, dynamic_partitions_store, (parent, child)
            ).partitions_subset
            made = (
                store.materialized_among(parent, map(str, needed))
                if len(needed) <= _LOOKED_UP
                else store.materialized_partitions(parent)
            )
            here = built_now if parent in chosen else frozenset()
            missing = tuple(key for key in needed if key not in made and key not in here)
            if missing and (len(missing) == len(needed) or _needs_all(index, child, dep)):
                if not _allows_missing(index, child, dep):
                    found.append(UnbuiltPartitions(parent, child, missing, parent_def))
    return tuple(found)


def _ports(index: AssetIndex, child: AssetKey, dep: AssetDep) -> Iterator[Any]:
    """Give the inputs of the function that load the value of a dependency."""
    definition = index.definition_by_key[child]
    ports = getattr(definition.node_def, "ins", {})
    for name, key in definition.loaded_by_input.items():
        port = ports.get(name)
        if key == dep.asset_key and port is not None and not getattr(port, "is_nothing", False):
            yield port


def _needs_all(index: AssetIndex, child: AssetKey, dep: AssetDep) -> bool:
    return any(True for _ in _ports(index, child, dep))


def _allows_missing(index: AssetIndex, child: AssetKey, dep: AssetDep) -> bool:
    ports = list(_ports(index, child, dep))
    return bool(ports) and all((port.metadata or {}).get("allow_missing_partitions") for port in ports)
