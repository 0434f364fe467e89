"""Plans of a project: what would be built for a request, and why, without building anything."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.authoring.graph_definition import GraphDefinition
from headwater.model.clock import utc_now
from headwater.model.errors import CheckError, did_you_mean
from headwater.model.keys import AssetKey
from headwater.model.partitions.spelling import read_partitions
from headwater.model.policies import most_partitions_of_a_run
from headwater.plan.partitions_of_request import keys_in_range
from headwater.runtime.moves import adopt_former_keys
from headwater.runtime.staleness import as_definitions, opened, selected_keys, staleness_in
from headwater.views.materialization_plan import MaterializationPlan
from headwater.views.partition_spaces import PartitionSpaces
from headwater.views.planning import MODES, WARN_ABOVE_PARTITIONS, AskedFor, Presence, plan_of
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
    partitions: str | None = None,
    instance: Instance | None = None,
    mode: str | Collection[str] = "requested",
    upstream: bool = True,
    run_config: Mapping[str, Any] | None = None,
    warn_above: int = WARN_ABOVE_PARTITIONS,
) -> MaterializationPlan:
    """Return what a request would build and why, in `steps` (each with `asset_key`, `partitions`, `reason`). Builds nothing.

    `definitions` is a Definitions, or a list of assets. `selection` is an AssetSelection, or a text that means one; without
    one, all that can be built. Without partitions all that exist are meant; `partition_range` names the first and the last,
    and `partitions` is a text such as "2024-01-01...2024-01-31" or "region=eu,date=2024-01-05...".

    `mode`: "requested" is what is selected, "stale" what of it is stale, "missing" what of it was never built, "failed" what
    failed when last tried, "all" what is selected and everything upstream of it; several may be given. With `upstream`, what is
    needed and was never built is added and says which step needs it. `run_config` is the config that a run would be given: what
    was made with another is stale. Of more than `warn_above` partitions the plan warns. The instance is the project's unless one
    is given.

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
        parts = _asked_parts(chosen, spaces, partition_key, partition_keys, partition_range, partitions)
        return plan_of(
            AskedFor(parts, modes, upstream, loading(project)),
            graph,
            Presence(spaces, remembered.store, staleness),
            estimates(project, remembered),
            remembered if instance is not None else _KeysAsTheyAre(),
            warn_above,
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
    partitions: str | None,
) -> dict[AssetKey, Part]:
    given = [each for each in (partition_key, partition_keys, partition_range, partitions) if each is not None]
    if len(given) > 1:
        raise CheckError(
            what="Partitions were named in several ways.",
            why="It is not known which of them is meant.",
            fix="Give one of partition_key, partition_keys, partition_range and partitions.",
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
            if id(space) not in named and partitions is not None:
                named[id(space)] = read_partitions(partitions, space.definition, spaces.now, spaces.store)
            elif id(space) not in named:
                if partition_range is not None:
                    keys_of_space: Sequence[str] = keys_in_range(space.definition, partition_range, spaces.store)
                else:
                    keys_of_space = list(keys or ())
                    for each in keys_of_space:
                        space.definition.validate_partition_key(each, spaces.now, spaces.store)
                named[id(space)] = space.existing_among(keys_of_space)
            parts[key] = named[id(space)]
    if given and not named:
        told = partition_key or partitions or "...".join(partition_range or partition_keys or ())
        raise CheckError(
            what=f'Partition "{told}" was asked for, and nothing that is selected is partitioned.',
            why="There is no partition that it could mean.",
            fix="Leave the partition out, or select an asset with a partitions_def.",
        )
    return parts


def loading(definitions: Definitions) -> Callable[[AssetKey, AssetKey], bool]:
    """Return what says whether the value of an upstream asset is a parameter of another one, and may not be missing in part."""

    def loads(downstream: AssetKey, upstream: AssetKey) -> bool:
        definition = definitions.index.definition_by_key[downstream]
        ports = getattr(definition.node_def, "ins", {})
        return any(
            not getattr(port, "is_nothing", False) and not (port.metadata or {}).get("allow_missing_partitions")
            for name, key in definition.loaded_by_input.items()
            if key == upstream and (port := ports.get(name)) is not None
        )

    return loads


def estimates(definitions: Definitions, instance: Instance) -> Callable[[AssetKey, int], float | None]:
    """Return what says how long so many partitions of an asset take, by what their last runs took."""
    by_key = definitions.index.definition_by_key
    steps_by_node = {
        each.node_def: tuple(_step_keys(each.node_def, each.node_def.name))
        for each in definitions.index.definitions
        if each.node_def is not None
    }
    names = {name for of_node in steps_by_node.values() for name in of_node}
    median_by_step = {
        name: statistics.median(seconds[:_RUNS_FOR_AN_ESTIMATE])
        for name, seconds in instance.store.step_seconds(names).items()
    }

    def seconds_of(key: AssetKey, count: int) -> float | None:
        definition = by_key[key]
        if definition.node_def is None:
            return None
        steps = steps_by_node[definition.node_def]
        known = [median_by_step[name] for name in steps if name in median_by_step]
        if not known:
            return None
        per_run = most_partitions_of_a_run(definition.backfill_policy)
        if per_run == 1 or count == 1:
            return sum(known) * count
        # A run of several takes as long as there are partitions in it.
        rate = _seconds_per_partition(instance, key, steps)
        return rate * count if rate is not None else sum(known) * (1 if per_run is None else -(-count // per_run))

    return seconds_of


def _step_keys(node: Any, path: str) -> Iterator[str]:
    """Yield the keys of the steps that a node becomes: one for each op in a graph."""
    if isinstance(node, GraphDefinition):
        for name, use in node.uses.items():
            yield from _step_keys(use.definition, f"{path}.{name}")
    else:
        yield path


def _seconds_per_partition(instance: Instance, key: AssetKey, steps: Collection[str]) -> float | None:
    """Return what the last run of an asset took for each of its partitions; None when that is not known."""
    state = instance.store.asset_state(key)
    made = None if state is None else state.materialization
    run = None if made is None or made.run_id is None else instance.store.find_run(made.run_id)
    if run is None or run.plan is None:
        return None
    planned = {
        len(asset["partitions"] or ())
        for step in run.plan.get("steps", ())
        for asset in step["assets"]
        if asset["key"] == str(key)
    }
    seconds = sum(
        step.ended_at - step.started_at
        for step in instance.store.steps_of(run.run_id)
        if step.step_key in steps and step.started_at is not None and step.ended_at is not None
    )
    count = max(planned, default=0)
    return seconds / count if count and seconds > 0 else None
