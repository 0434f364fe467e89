"""What a request needs beyond what it names: upstream assets that were never built."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headwater.graph.asset_graph import AssetGraph
    from headwater.model.keys import AssetKey
    from headwater.store.interface import AssetStore


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
        return state is None or not store.materialized_partitions(parent).issuperset(partition_keys)

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
