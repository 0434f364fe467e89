"""Plans of a project: what would be built for a request, and why, without building anything."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.authoring.op import OpDefinition
from headwater.model.clock import utc_now
from headwater.model.errors import CheckError, did_you_mean
from headwater.model.keys import AssetKey
from headwater.plan.partitions_of_request import keys_in_range
from headwater.runtime.moves import adopt_former_keys
from headwater.runtime.staleness import as_definitions, opened, selected_keys, staleness_in
from headwater.views.materialization_plan import MaterializationPlan
from headwater.views.partition_spaces import PartitionSpaces
from headwater.views.planning import MODES, AskedFor, Presence, plan_of
from headwater.views.staleness import Part

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.runtime.instance import Instance

_RUNS_FOR_AN_ESTIMATE = 5


def plan(
    definitions: Any,
    *,
    selection: Any = None,
    partition_key: str | None = None,
    partition_keys: Sequence[str] | None = None,
    partition_range: tuple[str, str] | None = None,
    instance: Instance | None = None,
    mode: str | Collection[str] = "requested",
    upstream: bool = True,
    run_config: Mapping[str, Any] | None = None,
) -> MaterializationPlan:
    """Return what a request would build and why, in `steps` (each with `asset_key`, `partitions`, `reason`). Builds nothing.

    `definitions` is a Definitions, or a list of assets. `selection` is an AssetSelection, or a text that means one; without
    one, all that can be built. Without partitions all that exist are meant; `partition_range` names the first and the last.

    `mode`: "requested" is what is selected, "stale" what of it is stale, "missing" what of it was never built, "all" what is
    selected and everything upstream of it; several may be given. With `upstream`, what is needed and was never built is
    added and says which step needs it. `run_config` is the config that a run would be given: what was made with another is
    stale. The instance is the project's unless one is given.

    Raises UnknownPartitionError, InvalidSubsetError and CheckError.
    """
    modes = frozenset((mode,) if isinstance(mode, str) else mode)
    unknown = sorted(modes - set(MODES))
    if unknown or not modes:
        raise CheckError(
            what=f"mode={unknown[0] if unknown else mode!r} is no mode of a plan.",
            why="It would not be known what to build.",
            fix=f"{did_you_mean(unknown[0], MODES) if unknown else ''}The modes are: {', '.join(MODES)}.",
        )
    project = as_definitions(definitions)
    with opened(instance) as remembered:
        adopt_former_keys(project, remembered)
        chosen = selected_keys(project, selection)
        graph = project.index.graph
        staleness = staleness_in(project, remembered, chosen, run_config) if "stale" in modes else None
        spaces = PartitionSpaces(graph, remembered, utc_now()) if staleness is None else staleness.spaces
        parts = _asked_parts(chosen, spaces, partition_key, partition_keys, partition_range)
        return plan_of(
            AskedFor(parts, modes, upstream),
            graph,
            Presence(spaces, remembered.store, staleness),
            _estimates(project, remembered),
            remembered if instance is not None else _KeysAsTheyAre(),
        )


class _KeysAsTheyAre:
    """Stands in for an instance that is closed when the plan is looked at."""

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        return ()

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        return True


def _asked_parts(
    chosen: Sequence[AssetKey],
    spaces: PartitionSpaces,
    partition_key: str | None,
    partition_keys: Sequence[str] | None,
    partition_range: tuple[str, str] | None,
) -> dict[AssetKey, Part]:
    given = [each for each in (partition_key, partition_keys, partition_range) if each is not None]
    if len(given) > 1:
        raise CheckError(
            what="Partitions were named in several ways.",
            why="It is not known which of them is meant.",
            fix="Give one of partition_key, partition_keys and partition_range.",
        )
    keys = (partition_key,) if partition_key is not None else partition_keys
    if keys is not None and not keys:
        raise CheckError(
            what="No partition was asked for: partition_keys is empty.",
            why="There would be nothing to plan.",
            fix="Name at least one partition, or leave the argument out for all of them.",
        )
    named: dict[int, Part] = {}
    parts: dict[AssetKey, Part] = {}
    for key in chosen:
        space = spaces.of(key)
        if space is None:
            parts[key] = True
        elif not given:
            parts[key] = space.existing
        else:
            if id(space) not in named:
                if partition_range is not None:
                    keys_of_space: Sequence[str] = keys_in_range(space.definition, partition_range, spaces.store)
                else:
                    keys_of_space = list(keys or ())
                    for each in keys_of_space:
                        space.definition.validate_partition_key(each, spaces.now, spaces.store)
                named[id(space)] = space.existing_among(keys_of_space)
            parts[key] = named[id(space)]
    if given and not named:
        told = partition_key or "...".join(partition_range or partition_keys or ())
        raise CheckError(
            what=f'Partition "{told}" was asked for, and nothing that is selected is partitioned.',
            why="There is no partition that it could mean.",
            fix="Leave the partition out, or select an asset with a partitions_def.",
        )
    return parts


def _estimates(definitions: Definitions, instance: Instance) -> Callable[[AssetKey, int], float | None]:
    """Return what says how long so many partitions of an asset take: by the median of its last runs."""
    by_key = definitions.index.definition_by_key
    names = {each.node_def.name for each in definitions.index.definitions if isinstance(each.node_def, OpDefinition)}
    seconds_by_step = {
        name: statistics.median(seconds[:_RUNS_FOR_AN_ESTIMATE])
        for name, seconds in instance.store.step_seconds(names).items()
    }

    def seconds_of(key: AssetKey, count: int) -> float | None:
        definition = by_key[key]
        node = definition.node_def
        median = seconds_by_step.get(node.name) if node is not None else None
        if median is None:
            return None
        policy = definition.backfill_policy
        per_run = 1 if policy is None else policy.max_partitions_per_run
        return median * (1 if per_run is None else -(-count // per_run))

    return seconds_of
