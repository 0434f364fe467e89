"""Mappings where one side or both have several dimensions: each dimension is mapped by itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from headwater.model.errors.partitions import InvalidPartitionsDefinitionError
from headwater.model.errors.root import did_you_mean
from headwater.model.partitions import product
from headwater.model.partitions.definition import DynamicPartitionsStore
from headwater.model.partitions.mapping import (
    AnyDefinition,
    AnySubset,
    IdentityPartitionMapping,
    PartitionMapping,
    UpstreamPartitionsResult,
)
from headwater.model.partitions.multi import MultiPartitionsDefinition
from headwater.model.partitions.multi_subset import ProductPartitionsSubset
from headwater.model.partitions.subset import OrdinalPartitionsSubset
from headwater.model.partitions.time_mapping import TimeWindowPartitionMapping
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition

if TYPE_CHECKING:
    from headwater.model.partitions.ordinals import Ordinals


@dataclass(frozen=True)
class DimensionPartitionMapping:
    """The downstream dimension that an upstream dimension corresponds to, and how its partitions do."""

    dimension_name: str
    partition_mapping: PartitionMapping


def _ordinals(subset: AnySubset) -> Ordinals:
    assert isinstance(subset, OrdinalPartitionsSubset)
    return subset.ordinals


@dataclass(frozen=True, eq=False)
class MultiPartitionMapping(PartitionMapping):
    """Maps each named upstream dimension to a downstream one; others need, and are needed by, all.

    Raises InvalidPartitionsDefinitionError when two upstream dimensions go to the same downstream one.
    """

    downstream_mappings_by_upstream_dimension: Mapping[str, DimensionPartitionMapping]

    def __post_init__(self) -> None:
        targets = [item.dimension_name for item in self.downstream_mappings_by_upstream_dimension.values()]
        repeated = sorted({name for name in targets if targets.count(name) > 1})
        if repeated:
            raise InvalidPartitionsDefinitionError(
                what=f'Several upstream dimensions are mapped to the downstream dimension "{repeated[0]}".',
                why="Dimensions are mapped one by one, so their combinations could not be kept apart.",
                fix="Map each downstream dimension from one upstream dimension.",
            )

    @cached_property
    def upstream_by_downstream_dimension(self) -> Mapping[str, tuple[str, PartitionMapping]]:
        return {
            item.dimension_name: (upstream, item.partition_mapping)
            for upstream, item in self.downstream_mappings_by_upstream_dimension.items()
        }

    def validate_partition_mapping(
        self, upstream_partitions_def: AnyDefinition, downstream_partitions_def: AnyDefinition | None
    ) -> None:
        upstream = _several("upstream", upstream_partitions_def)
        downstream = _several("downstream", downstream_partitions_def)
        for name, item in self.downstream_mappings_by_upstream_dimension.items():
            _check_dimension("upstream", name, upstream)
            _check_dimension("downstream", item.dimension_name, downstream)
            item.partition_mapping.validate_partition_mapping(
                upstream.defs_by_dimension[name], downstream.defs_by_dimension[item.dimension_name]
            )

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        upstream = _several("upstream", upstream_partitions_def)
        downstream = _several("downstream", downstream_partitions_def)
        for name, mapped in self.downstream_mappings_by_upstream_dimension.items():
            _check_dimension("upstream", name, upstream)
            _check_dimension("downstream", mapped.dimension_name, downstream)
        assert isinstance(downstream_partitions_subset, ProductPartitionsSubset)
        asked: dict[str, dict[Ordinals, tuple[Ordinals, Ordinals]]] = {name: {} for name in upstream.defs_by_dimension}
        is_missing = False

        def ask(name: str, own: Ordinals) -> tuple[Ordinals, Ordinals]:
            """Return what exists, and what is needed, of an upstream dimension for ordinals of the one it is mapped to."""
            nonlocal is_missing
            known = asked[name].get(own)
            if known is None:
                item = self.downstream_mappings_by_upstream_dimension[name]
                result = item.partition_mapping.upstream_of(
                    downstream.defs_by_dimension[item.dimension_name].subset_of_ordinals(own),
                    upstream.defs_by_dimension[name],
                    current_time,
                    dynamic_partitions_store,
                )
                existing = _ordinals(result.partitions_subset)
                missing = _ordinals(result.required_but_nonexistent_subset)
                is_missing = is_missing or bool(missing)
                known = asked[name][own] = (existing, existing | missing)
            return known

        sources = {name: item.dimension_name for name, item in self.downstream_mappings_by_upstream_dimension.items()}
        whole = _whole_sides(upstream, sources, current_time, dynamic_partitions_store)

        def needed(which: int) -> ProductPartitionsSubset:
            return _mapped(
                downstream_partitions_subset, upstream, sources, lambda name, own: ask(name, own)[which], whole
            )

        found = needed(0)
        return UpstreamPartitionsResult(found, needed(1) - found if is_missing else upstream.empty_subset())

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        upstream = _several("upstream", upstream_partitions_def)
        downstream = _several("downstream", downstream_partitions_def)
        assert isinstance(upstream_partitions_subset, ProductPartitionsSubset)
        asked: dict[tuple[str, Ordinals], Ordinals] = {}

        def following(name: str, own: Ordinals) -> Ordinals:
            """Return what follows in a downstream dimension from ordinals of the upstream one that is mapped to it."""
            known = asked.get((name, own))
            if known is None:
                source, mapping = self.upstream_by_downstream_dimension[name]
                above = upstream.defs_by_dimension[source].subset_of_ordinals(own)
                below = downstream.defs_by_dimension[name]
                known = _ordinals(mapping.downstream_of(above, below, current_time, dynamic_partitions_store))
                asked[(name, own)] = known
            return known

        sources = {name: source for name, (source, _) in self.upstream_by_downstream_dimension.items()}
        whole = _whole_sides(downstream, sources, current_time, dynamic_partitions_store)
        return _mapped(upstream_partitions_subset, downstream, sources, following, whole)

    @property
    def description(self) -> str:
        pairs = "; ".join(
            f'upstream "{name}" and downstream "{item.dimension_name}": {item.partition_mapping.description}'
            for name, item in self.downstream_mappings_by_upstream_dimension.items()
        )
        return f"Dimension by dimension. {pairs}"

    def to_data(self) -> dict[str, Any]:
        return {
            "kind": "multi",
            "dimensions": {
                name: {"dimension_name": item.dimension_name, "mapping": item.partition_mapping.to_data()}
                for name, item in self.downstream_mappings_by_upstream_dimension.items()
            },
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiPartitionMapping) and dict(
            other.downstream_mappings_by_upstream_dimension
        ) == dict(self.downstream_mappings_by_upstream_dimension)

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.downstream_mappings_by_upstream_dimension)))


def _whole_sides(
    definition: MultiPartitionsDefinition,
    mapped_names: Collection[str],
    current_time: datetime | None,
    store: DynamicPartitionsStore | None,
) -> Mapping[str, Ordinals]:
    """Return all that exists in each dimension that no mapping names."""
    return {
        name: item.existing_ordinals(current_time, store)
        for name, item in definition.defs_by_dimension.items()
        if name not in mapped_names
    }


def _mapped(
    given: ProductPartitionsSubset,
    definition: MultiPartitionsDefinition,
    sources: Mapping[str, str],
    ask: Callable[[str, Ordinals], Ordinals],
    whole: Mapping[str, Ordinals],
) -> ProductPartitionsSubset:
    """Return a set mapped dimension by dimension: `sources` names the given dimension for each that is mapped."""
    names = list(definition.defs_by_dimension)
    places = {name: place for place, name in enumerate(given.partitions_def.defs_by_dimension)}
    if len(places) == len(names) and all(places[source] == names.index(name) for name, source in sources.items()):

        def side_of(name: str) -> Callable[[Ordinals], Ordinals]:
            return partial(ask, name) if name in sources else lambda own: whole[name] if own else own

        return given.mapped(definition, [side_of(name) for name in names]) if given else definition.empty_subset()
    boxes = [
        [ask(name, box[sources[name]]) if name in sources else whole[name] for name in names] for box in given.boxes()
    ]
    return ProductPartitionsSubset(definition, product.of_boxes(boxes, definition.depth))


def _several(side: str, definition: AnyDefinition | None) -> MultiPartitionsDefinition:
    if isinstance(definition, MultiPartitionsDefinition):
        return definition
    found = "no partitions" if definition is None else definition.describe()
    raise InvalidPartitionsDefinitionError(
        what=f"Partitions do not match: a MultiPartitionMapping is used, but {side} is {found}.",
        why="It joins two definitions of several dimensions.",
        fix="Use MultiToSingleDimensionPartitionMapping() when one side has a single dimension.",
    )


def _check_dimension(side: str, name: str, definition: MultiPartitionsDefinition) -> None:
    known = definition.partition_dimension_names
    if name not in known:
        raise InvalidPartitionsDefinitionError(
            what=f'The mapping names the {side} dimension "{name}", which {definition.describe()} does not have.',
            why="There is nothing to map.",
            fix=f"{did_you_mean(name, known)}The dimensions are: {', '.join(known)}.",
        )


@dataclass(frozen=True)
class MultiToSingleDimensionPartitionMapping(PartitionMapping):
    """Joins a definition of several dimensions, on either side, with one that is like one of its dimensions.

    partition_dimension_name: which dimension; None for the only one that is equal, or else the only one of windows.
    All partitions that share the key in that dimension belong together; windows of time do where they overlap.
    """

    partition_dimension_name: str | None = None

    def validate_partition_mapping(
        self, upstream_partitions_def: AnyDefinition, downstream_partitions_def: AnyDefinition | None
    ) -> None:
        self._parts(upstream_partitions_def, downstream_partitions_def)

    def _parts(
        self, upstream: AnyDefinition, downstream: AnyDefinition | None
    ) -> tuple[MultiPartitionsDefinition, str, PartitionMapping]:
        """Return the side of several dimensions, the dimension that counts, and the mapping along it."""
        if downstream is not None and isinstance(upstream, MultiPartitionsDefinition) != isinstance(
            downstream, MultiPartitionsDefinition
        ):
            several, single = (
                (upstream, downstream) if isinstance(upstream, MultiPartitionsDefinition) else (downstream, upstream)
            )
            assert isinstance(several, MultiPartitionsDefinition)
            if self.partition_dimension_name is not None:
                _check_dimension("named", self.partition_dimension_name, several)
            name = matching_dimension(several, single, self.partition_dimension_name)
            if name is not None:
                same = several.defs_by_dimension[name] == single
                windows = isinstance(single, TimeWindowPartitionsDefinition)
                return (
                    several,
                    name,
                    TimeWindowPartitionMapping() if windows and not same else IdentityPartitionMapping(),
                )
        found = "no partitions" if downstream is None else downstream.describe()
        raise InvalidPartitionsDefinitionError(
            what=f"Partitions do not match: upstream is {upstream.describe()}, downstream {found}.",
            why="One side must have several dimensions, and the other must be equal to exactly one of them, or both be "
            "windows of time.",
            fix="Name the dimension with MultiToSingleDimensionPartitionMapping(partition_dimension_name=...), or use "
            "another mapping.",
        )

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        several, name, mapping = self._parts(upstream_partitions_def, downstream_partitions_def)
        assert downstream_partitions_subset is not None
        if several is downstream_partitions_def:
            own = _side(downstream_partitions_subset, several, name)
            return mapping.upstream_of(own, upstream_partitions_def, current_time, dynamic_partitions_store)
        result = mapping.upstream_of(
            downstream_partitions_subset, several.defs_by_dimension[name], current_time, dynamic_partitions_store
        )
        return UpstreamPartitionsResult(
            _spread(several, name, result.partitions_subset, current_time, dynamic_partitions_store),
            _spread(several, name, result.required_but_nonexistent_subset, current_time, dynamic_partitions_store),
        )

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        several, name, mapping = self._parts(upstream_partitions_def, downstream_partitions_def)
        if several is upstream_partitions_def:
            own = _side(upstream_partitions_subset, several, name)
            return mapping.downstream_of(own, downstream_partitions_def, current_time, dynamic_partitions_store)
        along = mapping.downstream_of(
            upstream_partitions_subset, several.defs_by_dimension[name], current_time, dynamic_partitions_store
        )
        return _spread(several, name, along, current_time, dynamic_partitions_store)

    @property
    def description(self) -> str:
        which = f'the dimension "{self.partition_dimension_name}"' if self.partition_dimension_name else "the dimension"
        return f"Partitions belong together that share {which} which both sides have."

    def to_data(self) -> dict[str, Any]:
        return {"kind": "multi_to_single", "partition_dimension_name": self.partition_dimension_name}


def matching_dimension(
    several: MultiPartitionsDefinition, single: AnyDefinition, wanted: str | None = None
) -> str | None:
    """Return the one dimension equal to `single`, else the one of time windows if `single` is; None if not just one."""
    names = [wanted] if wanted is not None else several.partition_dimension_names
    equal = [name for name in names if several.defs_by_dimension[name] == single]
    if equal:
        return equal[0] if len(equal) == 1 else None
    if not isinstance(single, TimeWindowPartitionsDefinition):
        return None
    windows = [name for name in names if isinstance(several.defs_by_dimension[name], TimeWindowPartitionsDefinition)]
    return windows[0] if len(windows) == 1 else None


def _side(subset: AnySubset, several: MultiPartitionsDefinition, name: str) -> AnySubset:
    assert isinstance(subset, ProductPartitionsSubset)
    return several.defs_by_dimension[name].subset_of_ordinals(subset.side(name))


def _spread(
    several: MultiPartitionsDefinition,
    name: str,
    along: AnySubset,
    current_time: datetime | None,
    store: DynamicPartitionsStore | None,
) -> ProductPartitionsSubset:
    """Return all partitions whose key in one dimension is in a set."""
    return several.subset_of_box(
        {
            other: _ordinals(along) if other == name else item.existing_ordinals(current_time, store)
            for other, item in several.defs_by_dimension.items()
        }
    )
