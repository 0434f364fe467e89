"""What values were made from, held against what is declared and there now: the reasons why a partition is stale by itself.

Rows of an asset are grouped by what made them, and inputs of the same key are compared as whole lists, so that a thousand
partitions of which nothing changed cost little more than one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headwater.graph.asset_graph import AssetGraph
from headwater.model.keys import AssetKey
from headwater.model.partitions.order_mapping import AllEarlierPartitionMapping, has_lasting_order
from headwater.model.partitions.static import RANGE_MARK
from headwater.model.provenance import (
    LISTED,
    NOTHING,
    SAME_KEY,
    WHOLE,
    MadeBy,
    ProvenanceGroup,
    VersionColumn,
    digest_of,
    digests_of_beginnings,
)
from headwater.model.specs import AssetSpec
from headwater.model.staleness import (
    CodeVersionChanged,
    ConfigChanged,
    DependencyAdded,
    DependencyRemoved,
    FailedSince,
    StaleReason,
    UpstreamChanged,
    UpstreamMissing,
    UpstreamPartitionsChanged,
)
from headwater.views.partition_spaces import PartitionSpaces

if TYPE_CHECKING:
    from headwater.views.staleness import AssetStaleness

_MOST_NAMED = 3
Reasons = tuple[StaleReason, ...]


@dataclass(slots=True)
class OwnReasons:
    """Why partitions of one asset are stale by themselves: reasons that many share, and those of single partitions."""

    of_groups: list[tuple[Sequence[str | None], Reasons]] = field(default_factory=list)
    of_each: dict[str | None, list[StaleReason]] = field(default_factory=dict)
    _shared: dict[str | None, Reasons] | None = None

    def __bool__(self) -> bool:
        return bool(self.of_groups or self.of_each)

    def add(self, partition: str | None, reason: StaleReason) -> None:
        self.of_each.setdefault(partition, []).append(reason)

    def of(self, partition: str | None) -> Reasons:
        return (*self._shared_by_partition().get(partition, ()), *self.of_each.get(partition, ()))

    def partitions(self) -> Sequence[str | None]:
        """Return the partitions that have reasons, each once."""
        if not self.of_groups:
            return list(self.of_each)
        if not self.of_each and len(self.of_groups) == 1:
            return self.of_groups[0][0]
        return list({**self._shared_by_partition(), **self.of_each})

    def partitions_by_topic(self) -> Mapping[str, Sequence[str | None]]:
        """Return the partitions that have each topic, as often as they have it."""
        found: dict[str, list[Sequence[str | None]]] = {}
        for partitions, reasons in self.of_groups:
            for topic in {reason.topic for reason in reasons}:
                found.setdefault(topic, []).append(partitions)
        singly: dict[str, list[str | None]] = {}
        for partition, own in self.of_each.items():
            for topic in {reason.topic for reason in own}:
                singly.setdefault(topic, []).append(partition)
        for topic, of_topic in singly.items():
            found.setdefault(topic, []).append(of_topic)
        return {
            topic: parts[0] if len(parts) == 1 else [each for part in parts for each in part]
            for topic, parts in found.items()
        }

    def _shared_by_partition(self) -> Mapping[str | None, Reasons]:
        if self._shared is None:
            self._shared = {partition: reasons for partitions, reasons in self.of_groups for partition in partitions}
        return self._shared


# Most assets have none: they share this one, to which nothing is added.
NO_REASONS = OwnReasons()


class ComparedInputs:
    """Compares assets in the order of dependencies: what is upstream is in `found` before it is asked for."""

    def __init__(
        self,
        graph: AssetGraph,
        spaces: PartitionSpaces,
        found: Mapping[AssetKey, AssetStaleness],
        declared_config: Mapping[AssetKey, str | None],
        given_config: Mapping[AssetKey, str],
    ) -> None:
        self.graph = graph
        self.spaces = spaces
        self.found = found
        self.declared_config = declared_config
        self.given_config = given_config
        self._together = {key: frozenset(of) for of in graph.multi_assets.values() if len(of) > 1 for key in of}
        self._blank = OwnReasons()
        self._digests: dict[AssetKey, tuple[str, ...]] = {}
        self._current: dict[tuple[AssetKey, tuple[str | None, ...]], Mapping[str | None, str]] = {}

    def own_reasons(
        self, one: AssetStaleness, failed: Sequence[str | None], marks: Mapping[str | None, StaleReason]
    ) -> OwnReasons:
        """Return the reasons of each partition that has any.

        `failed` are those whose last attempt did, `marks` what was marked as wrong by hand.
        """
        reasons = self._blank
        for partition, mark in marks.items():
            reasons.add(partition, mark)
        for group in one.groups:
            if group.partitions:
                self._compare(one, group, reasons)
        for partition in failed:
            reasons.add(partition, FailedSince())
        if not reasons:
            return NO_REASONS
        self._blank = OwnReasons()
        return reasons

    def _compare(self, one: AssetStaleness, group: ProvenanceGroup, reasons: OwnReasons) -> None:
        spec, made = self.graph.spec(one.key), group.made
        of_all = self._reasons_of_all(spec, made)
        if of_all:
            reasons.of_groups.append((group.partitions, tuple(of_all)))
        if not spec.deps:
            return
        singly: list[AssetKey] = []
        place_by_name = {dep[1:]: (place, dep[0]) for place, dep in enumerate(made.deps or ())}
        for dep in spec.deps:
            upstream = dep.asset_key
            place, mark = place_by_name.get(str(upstream), (-1, LISTED))
            if place < 0 and made.deps is not None:
                continue  # it was added: that is told already
            if mark == NOTHING and upstream in self._together.get(one.key, ()):
                continue  # the same step builds both
            if made.is_listed or not self._is_single(one.key, upstream, mark):
                singly.append(upstream)
                continue
            read, there = group.inputs[place], self._there_of_each(upstream, group.partitions)
            if read.is_same(there):
                continue
            for partition, before, now in zip(group.partitions, read.values, there.values, strict=True):
                if before != now:
                    reasons.add(partition, self._single_reason(upstream, partition, before, now))
        if singly:
            for place, partition in enumerate(group.partitions):
                read_by_asset = group.read_versions(place)
                for upstream in singly:
                    self._compare_one(one.key, partition, upstream, made, read_by_asset, reasons)

    def _there_of_each(self, upstream: AssetKey, partitions: tuple[str | None, ...]) -> VersionColumn:
        """Return the versions that are there now of these partitions upstream, or for each of them of the whole of it."""
        found = self.found[upstream]
        if found.space is None:
            return VersionColumn.repeated(found.versions.get(None), len(partitions))
        # As a rule the same partitions are there of both.
        for group in found.groups if not found.observed else ():
            if group.partitions == partitions:
                return group.versions
        return VersionColumn([found.versions.get(partition) for partition in partitions])

    def _is_single(self, key: AssetKey, upstream: AssetKey, mark: str) -> bool:
        """Whether one version was read of the input and one would be now: of the whole of it, or of the same key."""
        if self.spaces.of(upstream) is None:
            return mark in (WHOLE, NOTHING)
        return mark in (SAME_KEY, NOTHING) and self.spaces.is_same_key(key, upstream)

    def _reasons_of_all(self, spec: AssetSpec, made: MadeBy) -> list[StaleReason]:
        """Return the reasons that all rows have which were made so."""
        reasons: list[StaleReason] = []
        is_known = made.deps is not None
        if spec.code_version is not None and made.code_version != spec.code_version:
            if is_known or made.code_version is not None:
                reasons.append(CodeVersionChanged(made.code_version, spec.code_version))
        if is_known and spec.key in self.declared_config:
            declared = self.declared_config[spec.key]
            if declared != made.declared_config_hash:
                reasons.append(ConfigChanged(made.declared_config_hash, declared))
        given = self.given_config.get(spec.key)
        if is_known and given is not None and given != made.config_hash:
            reasons.append(ConfigChanged(made.config_hash, given, is_given=True))
        if is_known and (names := made.dep_names) != (current := tuple(str(dep.asset_key) for dep in spec.deps)):
            before, now = set(names or ()), set(current)
            reasons += [DependencyAdded(AssetKey.parse(name)) for name in sorted(now - before)]
            reasons += [DependencyRemoved(AssetKey.parse(name)) for name in sorted(before - now)]
        return reasons

    def _single_reason(
        self, upstream: AssetKey, partition: str | None, before: str | None, now: str | None
    ) -> StaleReason:
        space = self.spaces.of(upstream)
        of_upstream = None if space is None else partition
        if now is None:
            if space is not None and partition not in space.existing:
                return UpstreamPartitionsChanged(upstream, removed=(partition,), removed_count=1)
            return UpstreamMissing(upstream, of_upstream)
        return UpstreamChanged(upstream, of_upstream, before, now)

    # ------------------------------------------------------------------------------------------- partition by partition

    def _compare_one(
        self,
        key: AssetKey,
        partition: str | None,
        upstream: AssetKey,
        made: MadeBy,
        read_by_asset: Mapping[str, Mapping[str | None, str | None]],
        reasons: OwnReasons,
    ) -> None:
        read = read_by_asset.get(str(upstream))
        if read is None:
            if made.deps is None or upstream in self._together.get(key, ()):
                return  # nothing is known of it
            read = {}
        space = self.spaces.of(upstream)
        if is_digest(read) and (digest := self._digest_of_earlier(key, partition, upstream)) is not None:
            ((span, recorded),) = read.items()
            if recorded != digest:
                reasons.add(partition, UpstreamChanged(upstream, span, recorded, digest))
            return
        if space is None:
            needed: tuple[str | None, ...] = (None,)
        else:
            needed = self.spaces.upstream_keys(key, partition, upstream)
        there = self._there(upstream, needed)
        if read == there:
            return
        if is_digest(read):
            (recorded,) = read.values()
            digest = digest_of(there)
            if recorded != digest:
                reasons.add(partition, UpstreamChanged(upstream, next(iter(read)), recorded, digest))
            return
        if space is None and set(read) <= {None}:
            reasons.add(partition, self._single_reason(upstream, None, read.get(None), there.get(None)))
            return
        if space is not None and set(read) <= {partition} and self.spaces.is_same_key(key, upstream):
            reasons.add(partition, self._single_reason(upstream, partition, read.get(partition), there.get(partition)))
            return
        changed = [part for part, version in read.items() if part in there and there[part] != version]
        if changed:
            first = changed[0]
            reasons.add(partition, UpstreamChanged(upstream, first, read[first], there[first], len(changed)))
        needed_set = set(needed)
        gone = [part for part in read if part not in there and part in needed_set]
        if gone:
            reasons.add(partition, UpstreamMissing(upstream, gone[0], len(gone)))
        removed = [part for part in read if part not in needed_set]
        added = [part for part in there if part not in read]
        if added or removed:
            named = tuple(added[:_MOST_NAMED]), tuple(removed[:_MOST_NAMED])
            reasons.add(partition, UpstreamPartitionsChanged(upstream, *named, len(added), len(removed)))

    def _digest_of_earlier(self, key: AssetKey, partition: str | None, upstream: AssetKey) -> str | None:
        """Return the digest of all that a partition needs where that is all before it; None for another mapping.

        Each is the digest of the one before and a little more, so all of them take one pass over what is upstream.
        """
        space = self.spaces.of(upstream)
        if space is None or type(self.spaces.mapping(key, upstream)) is not AllEarlierPartitionMapping:
            return None
        if not has_lasting_order(space.definition):
            return None
        count = self.spaces.count_of_needed(key, partition, upstream)
        digests = self._digests.get(upstream)
        if digests is None:
            keys, versions = self.spaces.keys_in_order(space), self.found[upstream].versions
            digests = self._digests[upstream] = tuple(digests_of_beginnings(keys, versions))
        return digests[count]

    def _there(self, upstream: AssetKey, needed: tuple[str | None, ...]) -> Mapping[str | None, str]:
        """Return the versions that are there now of what is needed."""
        known = (upstream, needed)
        found = self._current.get(known)
        if found is None:
            versions = self.found[upstream].versions
            found = self._current[known] = {part: versions[part] for part in needed if part in versions}
        return found


def is_digest(read: Mapping[str | None, str | None]) -> bool:
    """Whether very many inputs were told as one digest, under the name of a range."""
    return len(read) == 1 and all(part is not None and RANGE_MARK in part for part in read)
