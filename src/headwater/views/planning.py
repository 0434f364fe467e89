"""From what is asked for to what is to be built: through the partition mappings upward, and with a reason for each step."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.graph.asset_graph import AssetGraph
from headwater.model.keys import AssetKey
from headwater.model.partitions.definition import DynamicPartitionsStore
from headwater.model.staleness import StaleReason
from headwater.store.interface import Store
from headwater.views.materialization_plan import MaterializationPlan, PlannedStep
from headwater.views.partition_spaces import PartitionSpaces
from headwater.views.recorded_partitions import recorded_partitions
from headwater.views.staleness import Part, Staleness, difference, intersection, size_of, union
from headwater.views.words import counted, listed

MODES = ("requested", "stale", "missing", "failed", "all")
_UNSUCCESSFUL = ("failed", "blocked")
WARN_ABOVE_PARTITIONS = 1_000


@dataclass(frozen=True, slots=True)
class AskedFor:
    """The assets that are meant, in the order of dependencies, and of each which partitions (True: the whole of it)."""

    parts: Mapping[AssetKey, Part]
    modes: frozenset[str]
    adds_upstream: bool = True
    # Whether the value of an upstream asset is loaded for another one: then nothing of it may be missing.
    loads: Callable[[AssetKey, AssetKey], bool] = lambda downstream, upstream: False


class Presence:
    """Which partitions are there: from staleness where that is known, else from the store, and only of what is asked."""

    def __init__(self, spaces: PartitionSpaces, store: Store, staleness: Staleness | None) -> None:
        self.spaces = spaces
        self.store = store
        self.staleness = staleness
        self._missing: dict[AssetKey, Part] = {}
        self._whole: frozenset[AssetKey] | None = None

    def missing(self, key: AssetKey) -> Part:
        """Return the partitions that exist and were never built."""
        if self.staleness is not None and key in self.staleness:
            return self.staleness[key].missing
        found = self._missing.get(key)
        if found is None:
            space = self.spaces.of(key)
            if space is None:
                found = key not in self._built_whole()
            else:
                found = space.existing - recorded_partitions(space.definition, self.store, key).materialized
            self._missing[key] = found
        return found

    def unsuccessful(self, key: AssetKey) -> Mapping[str, Part]:
        """Return the partitions that exist and whose last attempt "failed", and those where a failure "blocked" it."""
        space = self.spaces.of(key)
        if space is None:
            state = self.store.asset_state(key)
            latest = None if state is None else state.last_attempt_outcome
            return {word: latest == word for word in _UNSUCCESSFUL}
        outcomes = self.store.partition_outcomes(key)
        return {
            word: space.existing_among([partition for partition, outcome in outcomes.items() if outcome == word])
            for word in _UNSUCCESSFUL
        }

    def _built_whole(self) -> frozenset[AssetKey]:
        if self._whole is None:
            keys = [key for key in self.spaces.graph.keys if self.spaces.graph.spec(key).partitions_def is None]
            provenances = self.store.asset_provenances(keys)
            self._whole = frozenset(key for key, each in provenances.items() if each[1].partition is None)
        return self._whole


def plan_of(
    asked: AskedFor,
    graph: AssetGraph,
    presence: Presence,
    seconds_of: Callable[[AssetKey, int], float | None],
    keys_store: DynamicPartitionsStore,
    warn_above: int = WARN_ABOVE_PARTITIONS,
) -> MaterializationPlan:
    """Return the plan. `seconds_of` says how long so many partitions of an asset are likely to take."""
    spaces, staleness = presence.spaces, presence.staleness
    wanted: dict[AssetKey, Part] = {}
    causes: dict[AssetKey, dict[str, Part]] = {}
    needed_by: dict[AssetKey, list[AssetKey]] = {}

    def want(key: AssetKey, part: Part, cause: str) -> bool:
        new = difference(part, wanted[key]) if key in wanted else part
        if not new:
            return False
        wanted[key] = union(wanted[key], new) if key in wanted else new
        of_key = causes.setdefault(key, {})
        of_key[cause] = union(of_key[cause], new) if cause in of_key else new
        return True

    for key, part in asked.parts.items():
        if "requested" in asked.modes or "all" in asked.modes:
            want(key, part, "requested")
        if "missing" in asked.modes:
            want(key, intersection(presence.missing(key), part), "missing")
        if "failed" in asked.modes:
            for word, of_word in presence.unsuccessful(key).items():
                want(key, intersection(of_word, part), word)
        if "stale" in asked.modes:
            assert staleness is not None
            want(key, intersection(staleness[key].stale, part), "stale")
    order = graph.toposort()
    _add_together(graph, spaces, order, wanted, want)
    if asked.adds_upstream:
        takes_all = "all" in asked.modes
        buildable = graph.materializable_nodes
        for key in reversed(order):
            if key not in wanted:
                continue
            # Its own earlier partitions first: what is added of them needs its inputs, too.
            for parent in (*((key,) if graph.has_self_dependency(key) else ()), *graph.parents(key)):
                if graph.node(parent) not in buildable:
                    continue
                while True:
                    cause = "upstream" if takes_all else "needed"
                    is_there = parent in wanted and _is_whole(spaces, parent, wanted[parent])
                    if is_there and cause not in causes[parent]:
                        break
                    need = spaces.upstream_of(key, wanted[key], parent)
                    if cause == "needed":
                        need = intersection(presence.missing(parent), need)
                        kept = causes[key].get("stale")
                        if need and kept and parent != key and not asked.loads(key, parent):
                            need = _without_what_is_done_without(presence, key, wanted[key], kept, parent)
                    added = False
                    for each in sorted(graph.execution_set(parent)) if need else ():
                        is_new = want(each, _as_part_of(spaces, each, need), cause)
                        added = added or (is_new and each == parent)
                        if cause in causes.get(each, ()) and key not in needed_by.setdefault(each, []):
                            needed_by[each].append(key)
                    # What needs its own earlier partitions needs those before them, too.
                    if parent != key or not added:
                        break
    # One step builds them: each is told its share.
    sharers = {
        key: sum(each in wanted for each in of_node) for of_node in graph.multi_assets.values() for key in of_node
    }

    def share_of_seconds(key: AssetKey, count: int) -> float | None:
        seconds = seconds_of(key, count)
        return None if seconds is None else seconds / sharers.get(key, 1)

    steps = tuple(
        _step(key, wanted[key], causes[key], needed_by.get(key, ()), graph, wanted, staleness, share_of_seconds)
        for key in order
        if key in wanted
    )
    return MaterializationPlan(steps, _warnings(steps, causes, warn_above), keys_store)


def _without_what_is_done_without(
    presence: Presence, key: AssetKey, part: Part, stale: Part, upstream: AssetKey
) -> Part:
    """Return what is missing upstream for a part of an asset, of which some is there and stale.

    What is there was built, and its function reads upstream by itself: it made do with what was there of it. To build it
    again needs no more, as long as anything of it is there still.
    """
    spaces, missing = presence.spaces, presence.missing(upstream)
    there = difference(spaces.upstream_of(key, stale, upstream), missing)
    if there:
        part = difference(part, intersection(spaces.downstream_of(upstream, there, key), stale))
    return intersection(missing, spaces.upstream_of(key, part, upstream))


def _is_whole(spaces: PartitionSpaces, key: AssetKey, part: Part) -> bool:
    space = spaces.of(key)
    return part is True or (space is not None and not isinstance(part, bool) and len(part) >= len(space.existing))


def _as_part_of(spaces: PartitionSpaces, key: AssetKey, part: Part) -> Part:
    """Return a part of an asset as one of another that is built together with it."""
    if spaces.of(key) is None:
        return bool(part)
    return part


def _add_together(
    graph: AssetGraph,
    spaces: PartitionSpaces,
    order: Sequence[AssetKey],
    wanted: Mapping[AssetKey, Part],
    want: Callable[[AssetKey, Part, str], bool],
) -> None:
    """Add what cannot be left out of a multi-asset of which something is built."""
    for key in [key for key in order if key in wanted]:
        for each in sorted(graph.execution_set(key)):
            if each != key:
                want(each, _as_part_of(spaces, each, wanted[key]), "together")


def _step(
    key: AssetKey,
    part: Part,
    causes: Mapping[str, Part],
    needed_by: Collection[AssetKey],
    graph: AssetGraph,
    wanted: Mapping[AssetKey, Part],
    staleness: Staleness | None,
    seconds_of: Callable[[AssetKey, int], float | None],
) -> PlannedStep:
    one = None if staleness is None else staleness.get(key)
    told: list[str] = []
    is_single = len(causes) == 1
    for cause, of_cause in causes.items():
        count = "" if is_single or isinstance(of_cause, bool) else f"{len(of_cause):,} "
        if cause == "needed":
            told.append(f"{count}missing, needed by {listed([str(each) for each in needed_by], 3)}")
        elif cause == "upstream":
            told.append(f"{count}upstream of {listed([str(each) for each in needed_by], 3)}")
        elif cause == "together":
            told.append(f"{count}built together with what is asked for")
        elif cause == "stale" and one is not None:
            told.append(f"{count}stale: {_topics(one, of_cause)}")
        elif cause == "missing":
            told.append(f"{count}never materialized")
        elif cause in _UNSUCCESSFUL:
            told.append(f"{count}{cause} when last tried")
        else:
            told.append(f"{count}{cause}")
    reasons: tuple[StaleReason, ...] = ()
    if one is not None and "stale" in causes:
        if isinstance(part, bool):
            reasons = one.reasons()
        elif len(part) == 1:
            reasons = one.reasons(next(iter(part)))
    return PlannedStep(
        key,
        None if isinstance(part, bool) else part,
        "; ".join(told),
        tuple(causes),
        reasons,
        tuple(parent for parent in graph.parents(key) if parent in wanted),
        seconds_of(key, size_of(part)),
        tuple(needed_by),
    )


def _topics(one: Any, part: Part) -> str:
    """Return why these partitions are stale: in full for one, by topics for several."""
    if isinstance(part, bool) or len(part) == 1:
        partition = None if isinstance(part, bool) else next(iter(part))
        return ", ".join(str(reason) for reason in one.reasons(partition))
    topics = one.topics(part)
    whole = len(part)
    return ", ".join(topic if count == whole else f"{topic} ({count:,})" for topic, count in list(topics.items())[:4])


def _warnings(
    steps: Sequence[PlannedStep], causes: Mapping[AssetKey, Mapping[str, Part]], above: int
) -> tuple[str, ...]:
    """Return what nobody should find out only when it runs: very many partitions, and those that were not asked for."""
    warnings: list[str] = []
    partitioned = [step for step in steps if step.partitions is not None]
    total = sum(step.partition_count for step in partitioned)
    if total > above:
        named = [
            f"{step.asset_key} ({step.partition_count:,})"
            for step in sorted(partitioned, key=lambda each: -each.partition_count)
        ]
        warnings.append(f"{counted(total, 'partition')} would be built: {listed(named, 3)}.")
    for step in partitioned:
        added = causes[step.asset_key].get("needed")
        if added is not None and size_of(added) > above:
            count = counted(size_of(added), "partition")
            warnings.append(f'{count} of "{step.asset_key}" were not asked for: they are needed and missing.')
    return tuple(warnings)
