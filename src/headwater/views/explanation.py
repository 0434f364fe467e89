"""The chain of facts behind an asset: why it stands as it does, followed upstream to what changed first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from headwater.graph.asset_graph import AssetGraph
from headwater.model.keys import AssetKey
from headwater.model.runs import AssetState, EventRecordsFilter
from headwater.model.staleness import (
    FailedSince,
    Freshness,
    NeverMaterialized,
    StaleReason,
    UpstreamChanged,
    UpstreamMissing,
    UpstreamStale,
)
from headwater.store.interface import Store
from headwater.views.staleness import Staleness, intersection
from headwater.views.words import instant_as_iso


@dataclass(frozen=True, slots=True)
class ExplainedAsset:
    """One link: where an asset (or one partition) stands and why. `depth` is how far upstream of what was asked about."""

    depth: int
    asset_key: AssetKey
    partition: str | None
    freshness: Freshness
    is_buildable: bool
    reasons: tuple[StaleReason, ...]
    state: AssetState | None
    # Of a partitioned upstream, how many more partitions are in the same place.
    more_partitions: int = 0
    is_told_above: bool = False

    def to_data(self) -> dict[str, Any]:
        made = self.state.materialization if self.state is not None else None
        return {
            "depth": self.depth,
            "asset": str(self.asset_key),
            "partition": self.partition,
            "status": self.freshness.value if self.is_buildable else "external",
            "reasons": [{**reason.to_data(), "text": str(reason)} for reason in self.reasons],
            "more_partitions": self.more_partitions,
            "materialization": None
            if made is None
            else {
                "at": instant_as_iso(made.timestamp),
                "run_id": made.run_id,
                "data_version": made.data_version,
                "code_version": made.code_version,
            },
        }


def explained(
    graph: AssetGraph, store: Store, staleness: Staleness, key: AssetKey, partition: str | None = None
) -> Sequence[ExplainedAsset]:
    """Return the links from an asset up to each root cause, each link below the one that it explains."""
    found: list[ExplainedAsset] = []
    seen: set[tuple[AssetKey, str | None]] = set()
    waiting: list[tuple[int, AssetKey, str | None, int]] = [(0, key, partition, 0)]
    while waiting:
        depth, at, part, more = waiting.pop()
        link = _link(store, staleness, depth, at, part, more)
        if (at, part) in seen:
            found.append(replace(link, is_told_above=True))
            continue
        seen.add((at, part))
        found.append(link)
        following: dict[AssetKey, tuple[str | None, int]] = {}
        for reason in link.reasons:
            if isinstance(reason, UpstreamStale):
                following[reason.asset] = _first_stale(staleness, at, part, reason.asset)
            elif isinstance(reason, (UpstreamChanged, UpstreamMissing)):
                is_key = reason.partition is None or "..." not in reason.partition
                if reason.asset in staleness and is_key:
                    following.setdefault(reason.asset, (reason.partition, reason.count - 1))
        waiting += [(depth + 1, upstream, *where) for upstream, where in reversed(following.items())]
    return found


def _link(
    store: Store, staleness: Staleness, depth: int, key: AssetKey, partition: str | None, more: int
) -> ExplainedAsset:
    one = staleness[key]
    state = store.asset_state(key, partition)
    reasons: list[StaleReason] = []
    for reason in one.reasons(partition) if one.is_buildable else ():
        if isinstance(reason, FailedSince) and state is not None:
            reason = FailedSince(state.last_attempt_cause)
        elif isinstance(reason, NeverMaterialized):
            reason = NeverMaterialized(_was_wiped(store, key, partition))
            reasons.append(reason)
            if state is not None and state.last_attempt_outcome == "failed":
                reasons.append(FailedSince(state.last_attempt_cause))
            continue
        reasons.append(reason)
    freshness = one.freshness(partition)
    if not one.is_buildable and partition is None and one.versions:
        freshness = Freshness.FRESH
    return ExplainedAsset(depth, key, partition, freshness, one.is_buildable, tuple(reasons), state, more)


def _was_wiped(store: Store, key: AssetKey, partition: str | None) -> bool:
    wipes = store.events(EventRecordsFilter("ASSET_WIPED", asset_key=key))
    return any(
        not (parts := getattr(record.event, "partitions", ())) or partition is None or partition in parts
        for record in wipes
    )


def _first_stale(
    staleness: Staleness, key: AssetKey, partition: str | None, upstream: AssetKey
) -> tuple[str | None, int]:
    """Return the first stale partition of what a partition needs upstream, and how many more there are."""
    spaces = staleness.spaces
    if spaces.of(upstream) is None:
        return None, 0
    stale = staleness[upstream].stale
    own = spaces.of(key)
    part: Any = True if own is None or partition is None else own.definition.subset_with_partition_keys([partition])
    needed = intersection(spaces.upstream_of(key, part, upstream), stale)
    if isinstance(needed, bool) or not needed:
        return None, 0
    return next(iter(needed)), len(needed) - 1
