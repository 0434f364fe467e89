"""Which partitions of an upstream asset a partition of a downstream asset needs, and back.

A mapping answers for whole sets at once. Its two directions agree: an existing upstream partition is needed by an
existing downstream one exactly when that one follows from it. Everyone asks through `upstream_of` and `downstream_of`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from headwater.model.errors.partition_mapping import PartitionMappingError
from headwater.model.errors.partitions import InvalidPartitionsDefinitionError, PartitionsMismatchError
from headwater.model.errors.root import did_you_mean
from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.static import StaticPartitionsDefinition
from headwater.model.partitions.subset import OrdinalPartitionsSubset, PartitionsSubset

AnyDefinition = PartitionsDefinition[Any]
AnySubset = PartitionsSubset[Any]


@dataclass(frozen=True, slots=True)
class UpstreamPartitionsResult:
    """What a downstream set needs: the upstream partitions that exist, and those that would be needed but do not."""

    partitions_subset: AnySubset
    required_but_nonexistent_subset: AnySubset

    @property
    def required_but_nonexistent_partition_keys(self) -> Sequence[str]:
        return list(self.required_but_nonexistent_subset)


class PartitionMapping:
    """How the partitions of two assets depend on each other. Subclass it to say so in a way of your own.

    Write one of two methods for a direction, or both directions: for whole sets,
    `get_upstream_mapped_partitions_result_for_partitions` and `get_downstream_partitions_for_partitions`; or key by key,
    `upstream_keys_of` and `downstream_keys_of`. A direction that is left out is found by asking the other one for each
    partition, for at most 10,000 of them. Each may return a set of partitions, a list of keys, or one key.

    A mapping is a declaration: it is asked often, in any order, by plans, runs and automation, and should answer from what
    it is given. What it raises, or returns that is no partition, becomes a PartitionMappingError that names both assets.
    """

    def upstream_keys_of(self, partition_key: str) -> AnySubset | Iterable[str]:
        """Return the upstream partitions that one downstream partition needs."""
        raise NotImplementedError

    def downstream_keys_of(self, partition_key: str) -> AnySubset | Iterable[str]:
        """Return the downstream partitions that need one upstream partition."""
        raise NotImplementedError

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        """Return what the downstream set needs; None stands for a downstream asset without partitions."""
        from headwater.model.partitions.own_mapping import upstream_by_keys

        return upstream_by_keys(
            self, downstream_partitions_subset, upstream_partitions_def, current_time, dynamic_partitions_store
        )

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        """Return the existing downstream partitions that need any of the upstream set."""
        from headwater.model.partitions.own_mapping import downstream_by_keys

        return downstream_by_keys(
            self, upstream_partitions_subset, downstream_partitions_def, current_time, dynamic_partitions_store
        )

    def validate_partition_mapping(
        self, upstream_partitions_def: AnyDefinition, downstream_partitions_def: AnyDefinition | None
    ) -> None:
        """Raise InvalidPartitionsDefinitionError if the mapping cannot join these definitions."""

    @property
    def description(self) -> str:
        """A sentence for people."""
        return f"Maps partitions by {type(self).__name__}."

    def to_data(self) -> dict[str, Any]:
        """Return the mapping as plain JSON values. A class of your own is only named, and cannot be read back."""
        return {"kind": "custom", "class": f"{type(self).__module__}.{type(self).__qualname__}"}

    def then(self, following: PartitionMapping, via: AnyDefinition) -> PartitionMapping:
        """Return the mapping that joins the upstream with `via` by this one, and `via` with the downstream by `following`."""
        from headwater.model.partitions.composed_mapping import ChainedPartitionMapping

        return ChainedPartitionMapping(self, via, following)

    def __bool__(self) -> bool:
        # A class of a user's that is also a named tuple without fields would otherwise count as none given.
        return True

    def __or__(self, other: object) -> PartitionMapping:
        """Return the mapping by which a partition needs what either of the two says."""
        from headwater.model.partitions.composed_mapping import UnionPartitionMapping

        return UnionPartitionMapping((self, other)) if isinstance(other, PartitionMapping) else NotImplemented

    def upstream_of(
        self,
        downstream: AnySubset | None,
        upstream_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
        edge: tuple[object, object] | None = None,
    ) -> UpstreamPartitionsResult:
        """Return what a downstream set (None: an asset without partitions) needs of `upstream_def`.

        `edge` is the upstream and the downstream asset, for errors. Raises PartitionMappingError for a mapping of the
        user's own that raises or gives no partitions.
        """
        try:
            if self._is_own:
                from headwater.model.partitions.own_mapping import ask_upstream

                return ask_upstream(self, downstream, upstream_def, current_time, dynamic_partitions_store)
            return self.get_upstream_mapped_partitions_result_for_partitions(
                downstream,
                None if downstream is None else downstream.partitions_def,
                upstream_def,
                current_time,
                dynamic_partitions_store,
            )
        except PartitionMappingError as error:
            raise (error if edge is None else error.told_of(*edge)) from error.__cause__

    def downstream_of(
        self,
        upstream: AnySubset,
        downstream_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
        edge: tuple[object, object] | None = None,
    ) -> AnySubset:
        """Return the existing partitions of `downstream_def` that need any of an upstream set. As with `upstream_of`."""
        try:
            if self._is_own:
                from headwater.model.partitions.own_mapping import ask_downstream

                return ask_downstream(self, upstream, downstream_def, current_time, dynamic_partitions_store)
            return self.get_downstream_partitions_for_partitions(
                upstream, upstream.partitions_def, downstream_def, current_time, dynamic_partitions_store
            )
        except PartitionMappingError as error:
            raise (error if edge is None else error.told_of(*edge)) from error.__cause__

    @property
    def _is_own(self) -> bool:
        """Whether the class is the user's."""
        return not type(self).__module__.startswith(__package__ or "")


def divided(
    needed: AnySubset, current_time: datetime | None, store: DynamicPartitionsStore | None
) -> UpstreamPartitionsResult:
    """Return a needed set as what exists of it and what does not."""
    existing = needed & needed.partitions_def.subset_with_all_partitions(current_time, store)
    return UpstreamPartitionsResult(existing, needed - existing)


def translated(subset: AnySubset, definition: AnyDefinition) -> AnySubset:
    """Return the partitions of the same keys under another definition, whether or not it could have them."""
    empty = definition.empty_subset()
    if subset.partitions_def.ordinal_space == definition.ordinal_space:
        return empty | subset
    if isinstance(empty, OrdinalPartitionsSubset) and isinstance(subset, OrdinalPartitionsSubset):
        converted = definition.converted(subset.ordinals, subset.partitions_def)
        if converted is None:
            converted = definition.ordinals_of_any_keys(subset)
        return definition.subset_of_ordinals(converted)
    try:
        return empty | subset
    except PartitionsMismatchError:
        return definition.subset_with_partition_keys(subset)


def _all_or_none(
    condition: bool, definition: AnyDefinition, current_time: datetime | None, store: DynamicPartitionsStore | None
) -> AnySubset:
    return definition.subset_with_all_partitions(current_time, store) if condition else definition.empty_subset()


@dataclass(frozen=True)
class IdentityPartitionMapping(PartitionMapping):
    """Each downstream partition needs the upstream partition of the same key."""

    def validate_partition_mapping(
        self, upstream_partitions_def: AnyDefinition, downstream_partitions_def: AnyDefinition | None
    ) -> None:
        if downstream_partitions_def is None or not _share_keys(upstream_partitions_def, downstream_partitions_def):
            found = "no partitions" if downstream_partitions_def is None else downstream_partitions_def.describe()
            raise InvalidPartitionsDefinitionError(
                what=f"Partitions do not match: upstream is {upstream_partitions_def.describe()}, downstream {found}.",
                why="Without a mapping each partition needs the upstream partition of the same key.",
                fix="Use the same partitions_def for both, or say how they correspond with a partition_mapping, such "
                "as AllPartitionMapping() or StaticPartitionMapping({...}).",
            )

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        if downstream_partitions_subset is None:
            self.validate_partition_mapping(upstream_partitions_def, None)
            return divided(upstream_partitions_def.empty_subset(), current_time, dynamic_partitions_store)
        needed = translated(downstream_partitions_subset, upstream_partitions_def)
        return divided(needed, current_time, dynamic_partitions_store)

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        existing = downstream_partitions_def.subset_with_all_partitions(current_time, dynamic_partitions_store)
        return translated(upstream_partitions_subset, downstream_partitions_def) & existing

    @property
    def description(self) -> str:
        return "Each partition needs the upstream partition of the same key."

    def to_data(self) -> dict[str, Any]:
        return {"kind": "identity"}


def _share_keys(upstream: AnyDefinition, downstream: AnyDefinition) -> bool:
    """Return whether keys of one can be keys of the other."""
    if upstream == downstream or upstream.ordinal_space == downstream.ordinal_space:
        return True
    both_static = isinstance(upstream, StaticPartitionsDefinition) and isinstance(
        downstream, StaticPartitionsDefinition
    )
    return both_static and not set(upstream.get_partition_keys()).isdisjoint(downstream.get_partition_keys())


@dataclass(frozen=True)
class AllPartitionMapping(PartitionMapping):
    """Each downstream partition needs every upstream partition."""

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        wanted = downstream_partitions_subset is None or not downstream_partitions_subset.is_empty
        needed = _all_or_none(wanted, upstream_partitions_def, current_time, dynamic_partitions_store)
        return UpstreamPartitionsResult(needed, upstream_partitions_def.empty_subset())

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        touched = not upstream_partitions_subset.is_empty
        return _all_or_none(touched, downstream_partitions_def, current_time, dynamic_partitions_store)

    @property
    def description(self) -> str:
        return "Each partition needs every upstream partition."

    def to_data(self) -> dict[str, Any]:
        return {"kind": "all"}


@dataclass(frozen=True)
class LastPartitionMapping(PartitionMapping):
    """Each downstream partition needs the last upstream partition that exists."""

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        wanted = downstream_partitions_subset is None or not downstream_partitions_subset.is_empty
        last = _last(upstream_partitions_def, current_time, dynamic_partitions_store)
        nothing = upstream_partitions_def.empty_subset()
        return UpstreamPartitionsResult(last if wanted else nothing, nothing)

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        last = _last(upstream_partitions_def, current_time, dynamic_partitions_store)
        touched = not last.isdisjoint(upstream_partitions_subset)
        return _all_or_none(touched, downstream_partitions_def, current_time, dynamic_partitions_store)

    @property
    def description(self) -> str:
        return "Each partition needs the last upstream partition."

    def to_data(self) -> dict[str, Any]:
        return {"kind": "last"}


def _last(definition: AnyDefinition, current_time: datetime | None, store: DynamicPartitionsStore | None) -> AnySubset:
    key = definition.get_last_partition_key(current_time, store)
    return definition.subset_with_partition_keys(() if key is None else (key,))


@dataclass(frozen=True)
class SpecificPartitionsPartitionMapping(PartitionMapping):
    """Each downstream partition needs the upstream partitions with these keys."""

    partition_keys: Sequence[str]

    def __post_init__(self) -> None:
        if isinstance(self.partition_keys, str):
            raise InvalidPartitionsDefinitionError(
                what=f"The partition keys are one string, {self.partition_keys!r}.",
                why="Each of its letters would be taken for a key.",
                fix=f"Write SpecificPartitionsPartitionMapping([{self.partition_keys!r}]).",
            )
        object.__setattr__(self, "partition_keys", tuple(self.partition_keys))

    def validate_partition_mapping(
        self, upstream_partitions_def: AnyDefinition, downstream_partitions_def: AnyDefinition | None
    ) -> None:
        if isinstance(upstream_partitions_def, StaticPartitionsDefinition):
            _check_known("upstream", self.partition_keys, upstream_partitions_def)

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        wanted = downstream_partitions_subset is None or not downstream_partitions_subset.is_empty
        needed = self._named(upstream_partitions_def) if wanted else upstream_partitions_def.empty_subset()
        return divided(needed, current_time, dynamic_partitions_store)

    def _named(self, definition: AnyDefinition) -> AnySubset:
        if isinstance(definition, StaticPartitionsDefinition):
            return definition.subset_of_ordinals(definition.ordinals_of_any_keys(self.partition_keys))
        return definition.subset_with_partition_keys(self.partition_keys)

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        touched = not self._named(upstream_partitions_def).isdisjoint(upstream_partitions_subset)
        return _all_or_none(touched, downstream_partitions_def, current_time, dynamic_partitions_store)

    @property
    def description(self) -> str:
        return f"Each partition needs the upstream partitions {', '.join(self.partition_keys)}."

    def to_data(self) -> dict[str, Any]:
        return {"kind": "specific", "partition_keys": list(self.partition_keys)}


@dataclass(frozen=True, eq=False)
class StaticPartitionMapping(PartitionMapping):
    """Which downstream keys (one or several) follow from each upstream key, written out.

    Upstream keys that are not written have no downstream, and downstream keys that are not written need nothing.
    """

    downstream_partition_keys_by_upstream_partition_key: Mapping[str, str | Collection[str]]

    @cached_property
    def downstream_by_upstream(self) -> Mapping[str, tuple[str, ...]]:
        return {
            upstream: (keys,) if isinstance(keys, str) else tuple(keys)
            for upstream, keys in self.downstream_partition_keys_by_upstream_partition_key.items()
        }

    @cached_property
    def upstream_by_downstream(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for upstream, keys in self.downstream_by_upstream.items():
            for key in keys:
                found.setdefault(key, []).append(upstream)
        return {downstream: tuple(keys) for downstream, keys in found.items()}

    def validate_partition_mapping(
        self, upstream_partitions_def: AnyDefinition, downstream_partitions_def: AnyDefinition | None
    ) -> None:
        for side, definition, keys in (
            ("upstream", upstream_partitions_def, tuple(self.downstream_by_upstream)),
            ("downstream", downstream_partitions_def, tuple(self.upstream_by_downstream)),
        ):
            if not isinstance(definition, StaticPartitionsDefinition):
                found = "no partitions" if definition is None else definition.describe()
                raise InvalidPartitionsDefinitionError(
                    what=f"Partitions do not match: a StaticPartitionMapping is used, but {side} is {found}.",
                    why="It writes out the keys of two static definitions.",
                    fix="Use StaticPartitionsDefinition on both sides, or another mapping.",
                )
            if side == "upstream":  # a downstream key that is not there yet asks for nothing
                _check_known(side, keys, definition)

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset: AnySubset | None,
        downstream_partitions_def: AnyDefinition | None,
        upstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> UpstreamPartitionsResult:
        if downstream_partitions_subset is None:
            self.validate_partition_mapping(upstream_partitions_def, None)
        keys = {
            upstream
            for key in downstream_partitions_subset or ()
            for upstream in self.upstream_by_downstream.get(key, ())
        }
        needed = upstream_partitions_def.subset_of_ordinals(upstream_partitions_def.ordinals_of_any_keys(sorted(keys)))
        return divided(needed, current_time, dynamic_partitions_store)

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset: AnySubset,
        upstream_partitions_def: AnyDefinition,
        downstream_partitions_def: AnyDefinition,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> AnySubset:
        keys = {
            downstream for key in upstream_partitions_subset for downstream in self.downstream_by_upstream.get(key, ())
        }
        return downstream_partitions_def.subset_with_partition_keys(
            downstream_partitions_def.filter_valid_partition_keys(keys, current_time, dynamic_partitions_store)
        )

    @property
    def description(self) -> str:
        pairs = "; ".join(f"{up} -> {', '.join(down)}" for up, down in list(self.downstream_by_upstream.items())[:5])
        return f"Partitions correspond as written: {pairs}."

    def to_data(self) -> dict[str, Any]:
        return {
            "kind": "static",
            "downstream_by_upstream": {k: list(v) for k, v in self.downstream_by_upstream.items()},
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StaticPartitionMapping) and other.downstream_by_upstream == self.downstream_by_upstream

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.downstream_by_upstream)))


def _check_known(side: str, keys: Sequence[str], definition: StaticPartitionsDefinition) -> None:
    for key in keys:
        if not definition.has_partition_key(key):
            raise InvalidPartitionsDefinitionError(
                what=f'The mapping names the {side} partition "{key}", which is not among {definition.describe()}.',
                why="It could never be met.",
                fix=f"{did_you_mean(key, definition.get_partition_keys())}Correct the key or add it to the definition.",
            )
