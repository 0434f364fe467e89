"""Which partitions of assets are fresh, stale or missing, and why: recorded provenance against what is declared now.

The promise: nothing is compared by time. What was read is compared with what would be read, so an input that was rebuilt to
the same version makes nothing stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast

from headwater.graph.asset_graph import AssetGraph
from headwater.model.clock import utc_now
from headwater.model.keys import AssetKey
from headwater.model.partitions.definition import PartitionsDefinition
from headwater.model.partitions.subset import PartitionsSubset
from headwater.model.provenance import Provenance, ProvenanceGroup, group_of_rows, read_made_by
from headwater.model.staleness import Freshness, MarkedWrong, NeverMaterialized, UpstreamStale
from headwater.store.interface import Store
from headwater.store.latest_facts import LatestFacts
from headwater.views.compared_inputs import NO_REASONS, ComparedInputs, OwnReasons, Reasons
from headwater.views.partition_spaces import PartitionSpace, PartitionSpaces

# Of an asset with partitions a set of them; of one without whether it is in the set.
Part = bool | PartitionsSubset[Any]
_READ_AHEAD_FROM = 20
# There are thousands of assets, and most have nothing to tell: they share what is empty.
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


def _nothing() -> Mapping[Any, Any]:
    return _NOTHING


def _no_reasons() -> OwnReasons:
    return NO_REASONS


@dataclass(slots=True)
class AssetStaleness:
    """One asset: which of its partitions are there, stale and missing. Unpartitioned assets have the partition None."""

    key: AssetKey
    is_buildable: bool
    space: PartitionSpace | None
    materialized: Part
    stale: Part = False
    # What is recorded of the partitions that exist, and the versions of those that were observed since.
    groups: Sequence[ProvenanceGroup] = ()
    observed: Mapping[str | None, str] = field(default_factory=_nothing)
    # Why partitions are stale by themselves, and where upstream ones make them so.
    own_reasons: OwnReasons = field(default_factory=_no_reasons)
    stale_upstream: Mapping[AssetKey, Part] = field(default_factory=_nothing)
    # Partitions that are recorded and that the definition does not have now.
    unreachable: tuple[str, ...] = ()
    _versions: Mapping[str | None, str] | None = None

    @property
    def versions(self) -> Mapping[str | None, str]:
        """The versions that are there now."""
        if self._versions is None:
            versions: dict[str | None, str] = {}
            for group in self.groups:
                for partition, version in zip(group.partitions, group.versions.values, strict=True):
                    assert version is not None
                    versions[partition] = version
            versions.update(self.observed)
            self._versions = versions
        return self._versions

    @property
    def partitions_def(self) -> PartitionsDefinition[Any] | None:
        return None if self.space is None else self.space.definition

    @property
    def existing(self) -> Part:
        """All partitions that exist now."""
        return True if self.space is None else self.space.existing

    @property
    def missing(self) -> Part:
        """The partitions that exist and were never built."""
        if isinstance(self.materialized, bool):
            return not self.materialized
        assert self.space is not None
        return self.space.existing - self.materialized

    def freshness(self, partition: str | None = None) -> Freshness:
        """Return where one partition stands."""
        if not has_part(self.materialized, partition):
            return Freshness.MISSING
        return Freshness.STALE if has_part(self.stale, partition) else Freshness.FRESH

    def reasons(self, partition: str | None = None) -> Reasons:
        """Return why a partition is stale or missing; none when it is fresh."""
        if not has_part(self.materialized, partition):
            return (NeverMaterialized(),)
        upstream = tuple(UpstreamStale(key) for key, part in self.stale_upstream.items() if has_part(part, partition))
        return (*self.own_reasons.of(partition), *upstream)

    def topics(self, among: Part = True) -> dict[str, int]:
        """Return how many stale partitions there are for each reason, most first; one may have several reasons."""
        found: dict[str, int] = {}
        for topic, partitions in self.own_reasons.partitions_by_topic().items():
            part: Part = True if self.space is None else self.space.existing_among(cast("Sequence[str]", partitions))
            if count := size_of(intersection(part, among)):
                found[topic] = count
        for key, part in self.stale_upstream.items():
            count = size_of(intersection(part, among))
            if count:
                found[UpstreamStale(key).topic] = count
        return dict(sorted(found.items(), key=lambda one: -one[1]))


class Staleness(Mapping[AssetKey, AssetStaleness]):
    """Assets by key, with all that is upstream of what was asked for, in the order of dependencies."""

    def __init__(self, of_assets: Mapping[AssetKey, AssetStaleness], spaces: PartitionSpaces) -> None:
        self._of_assets = of_assets
        self.spaces = spaces

    def __getitem__(self, key: AssetKey) -> AssetStaleness:
        return self._of_assets[key]

    def __iter__(self) -> Any:
        return iter(self._of_assets)

    def __len__(self) -> int:
        return len(self._of_assets)

    @property
    def stale_keys(self) -> set[AssetKey]:
        """The assets of which something is stale."""
        return {key for key, each in self._of_assets.items() if each.stale}


def staleness_of(
    graph: AssetGraph,
    store: Store,
    keys: Iterable[AssetKey] | None = None,
    *,
    declared_config: Mapping[AssetKey, str | None] | None = None,
    given_config: Mapping[AssetKey, str] | None = None,
    now: Any = None,
) -> Staleness:
    """Return how these assets (default: all) and all upstream of them stand.

    `declared_config` names the config that the code of an asset declares now; of one that is left out it is not compared.
    `given_config` names config that is to be given now, for the assets that are to have some.
    """
    order = graph.toposort()
    if keys is not None:
        wanted = set(keys)
        wanted |= graph.ancestors(wanted)
        order = tuple(key for key in order if key in wanted)
    spaces = PartitionSpaces(graph, store, now or utc_now())
    facts = store.latest_facts(order)
    whole = store.asset_provenances([key for key in order if key in facts and graph.spec(key).partitions_def is None])
    seen = _seen_versions(store, order, facts, whole)
    marks = store.invalidations()
    found: dict[AssetKey, AssetStaleness] = {}
    comparison = ComparedInputs(graph, spaces, found, declared_config or {}, given_config or {})
    parted = [key for key in order if key in facts and graph.spec(key).partitions_def is not None]
    with _read_ahead(store, parted) as provenances_of:
        for key in order:
            fact = facts.get(key)
            one = _what_is_there(graph, store, spaces, key, fact, whole.get(key), seen.get(key), provenances_of)
            found[key] = one
            if not one.is_buildable or not one.materialized:
                continue
            one.own_reasons = comparison.own_reasons(one, _failed(store, one, fact), _marks(one, marks.get(key)))
            if one.own_reasons:
                one.stale = _part_of(one, one.own_reasons.partitions())
            _take_from_upstream(graph, spaces, found, one)
    return Staleness(found, spaces)


@contextmanager
def _read_ahead(store: Store, keys: Sequence[AssetKey]) -> Iterator[Callable[[AssetKey], Sequence[ProvenanceGroup]]]:
    """Read what made the partitions of many assets while those before them are compared, where the store can.

    Half of the time is the database's, which needs nothing of Python meanwhile.
    """
    if len(keys) < _READ_AHEAD_FROM or not getattr(store, "reads_beside", False):
        yield store.partition_provenances
        return
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1, thread_name_prefix="headwater-staleness")
    try:
        read_by_key = {key: pool.submit(store.partition_provenances, key) for key in keys}
        yield lambda key: read_by_key.pop(key).result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _what_is_there(
    graph: AssetGraph,
    store: Store,
    spaces: PartitionSpaces,
    key: AssetKey,
    fact: LatestFacts | None,
    whole: tuple[str, Provenance] | None,
    seen: str | None,
    provenances_of: Callable[[AssetKey], Sequence[ProvenanceGroup]],
) -> AssetStaleness:
    """Return an asset with what is there of it, and the rows that say what that was made from."""
    is_buildable = graph.is_materializable(key)
    space = spaces.of(key)
    if space is None:
        # The value of one partition, from when the asset had some, is not the whole of it.
        groups: Sequence[ProvenanceGroup] = ()
        if whole is not None and whole[1].partition is None:
            groups = (group_of_rows(read_made_by(whole[0]), [whole[1]]),)
        one = AssetStaleness(key, is_buildable, None, bool(groups), groups=groups)
        if seen is not None:
            one.observed = {None: seen}
        return one
    if fact is None:
        return AssetStaleness(key, is_buildable, space, space.empty, space.empty)
    groups = provenances_of(key) if fact.materialization_id is not None else ()
    keys: Any = groups[0].partitions if len(groups) == 1 else tuple(part for each in groups for part in each.partitions)
    materialized = space.existing_among(keys)
    unreachable: tuple[str, ...] = ()
    if len(materialized) != len(keys):
        unreachable = tuple(part for part in keys if part not in materialized)
        gone = frozenset(unreachable)
        groups = [
            each.only([place for place, part in enumerate(each.partitions) if part not in gone]) for each in groups
        ]
    one = AssetStaleness(key, is_buildable, space, materialized, space.empty, groups)
    one.unreachable = unreachable
    if fact.observation_id is not None:
        one.observed = {
            part: version for part, version in store.observed_versions(key).items() if part in space.existing
        }
    return one


def _seen_versions(
    store: Store,
    order: Sequence[AssetKey],
    facts: Mapping[AssetKey, LatestFacts],
    whole: Mapping[AssetKey, tuple[str, Provenance]],
) -> dict[AssetKey, str]:
    """Return the versions of unpartitioned assets that were observed after they were last materialized."""
    observed = [
        key
        for key in order
        if (fact := facts.get(key)) is not None and (fact.observation_id or 0) > (fact.materialization_id or 0)
    ]
    return {
        key: state.latest_observation.data_version
        for key, state in store.asset_states(observed).items()
        if state.latest_observation is not None
        and state.latest_observation.partition is None
        and state.latest_observation.data_version is not None
    }


def _failed(store: Store, one: AssetStaleness, fact: LatestFacts | None) -> Sequence[str | None]:
    """Return the partitions that are there, and that someone tried in vain to build again."""
    if one.space is None:
        return (None,) if fact is not None and fact.attempt_outcome == "failed" else ()
    return [part for part in store.failed_partitions(one.key) if has_part(one.materialized, part)]


def _marks(one: AssetStaleness, marks: Mapping[str | None, MarkedWrong] | None) -> Mapping[str | None, MarkedWrong]:
    """Return the marks of what is there."""
    return {part: mark for part, mark in (marks or {}).items() if has_part(one.materialized, part)}


def _take_from_upstream(
    graph: AssetGraph, spaces: PartitionSpaces, found: Mapping[AssetKey, AssetStaleness], one: AssetStaleness
) -> None:
    """Make stale what stands on something stale."""
    for parent in graph.parents(one.key):
        upstream = found[parent]
        if not upstream.stale:
            continue
        affected = intersection(spaces.downstream_of(upstream.key, upstream.stale, one.key), one.materialized)
        if affected:
            one.stale_upstream = {**one.stale_upstream, parent: affected}
            one.stale = union(one.stale, affected)
    if one.stale and graph.has_self_dependency(one.key):
        reached: Part = False
        frontier: Part = one.stale
        while frontier:
            following = intersection(spaces.downstream_of(one.key, frontier, one.key), one.materialized)
            reached = following if reached is False else union(reached, following)
            frontier = difference(following, one.stale)
            one.stale = union(one.stale, following)
        if reached:
            one.stale_upstream = {**one.stale_upstream, one.key: reached}


def _part_of(one: AssetStaleness, partitions: Sequence[str | None]) -> Part:
    if one.space is None:
        return None in partitions
    if len(partitions) == size_of(one.materialized):
        return one.materialized
    return one.space.existing_among([part for part in partitions if part is not None])


# ------------------------------------------------------------------------------------------------------------------ sets


def has_part(part: Part, partition: str | None) -> bool:
    if isinstance(part, bool):
        return part and partition is None
    return partition is not None and partition in part


def size_of(part: Part) -> int:
    return int(part) if isinstance(part, bool) else len(part)


def union(left: Part, right: Part) -> Part:
    if isinstance(left, bool) or isinstance(right, bool):
        return bool(left) or bool(right)
    return left | right


def intersection(left: Part, right: Part) -> Part:
    """Return what is in both; True stands for all, of an asset with partitions too."""
    if right is True:
        return left
    if left is True:
        return right
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    return left & right


def difference(left: Part, right: Part) -> Part:
    if isinstance(left, bool) or isinstance(right, bool):
        return bool(left) and not right
    return left - right
