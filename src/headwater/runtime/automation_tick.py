"""One evaluation of an automation condition sensor: what its conditions ask for now, as requests for runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from headwater.authoring.run_request import RunRequest
from headwater.authoring.sensors import SENSOR_TAG, SensorExecutionData
from headwater.authoring.step_scope import PARTITION_RANGE_END_TAG, PARTITION_RANGE_START_TAG, PARTITION_TAG
from headwater.automation.cursor import AutomationCursor
from headwater.automation.evaluate import checks_built_along, conditions_in, evaluate_conditions
from headwater.model.errors.triggers import MissingTriggerContextValue
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.policies import most_partitions_of_a_run

if TYPE_CHECKING:
    from headwater.authoring.automation_condition_sensor import AutomationConditionSensorDefinition
    from headwater.authoring.definitions import Definitions
    from headwater.authoring.sensors import SensorEvaluationContext
    from headwater.automation.entity_subset import EntityKey, EntitySubset
    from headwater.model.conditions import AutomationCondition
    from headwater.model.partitions import PartitionsDefinition


def evaluate_automation_sensor(
    sensor: AutomationConditionSensorDefinition, context: SensorEvaluationContext
) -> SensorExecutionData:
    """Evaluate the conditions of what a sensor looks after, on what the context's instance has recorded.

    The cursor is the context's, and the new one comes with the result. Raises MissingTriggerContextValue for a context
    without an instance or definitions.
    """
    definitions = context.definitions
    if definitions is None:
        raise MissingTriggerContextValue("repository_def", "build_sensor_context")
    cursor = AutomationCursor.deserialize(context.cursor) if context.cursor else None
    evaluated = evaluate_conditions(
        definitions.graph,
        context.instance.store,
        _conditions_of(sensor, definitions),
        cursor=cursor,
        built_along=checks_built_along(definitions.index.definitions),
    )
    requests = [
        RunRequest(
            tags={**sensor.run_tags, SENSOR_TAG: sensor.name, **tags},
            asset_selection=sorted(together.assets),
            asset_check_keys=sorted(together.checks),
            partition_key=tags.get(PARTITION_TAG),
        )
        for tags, together in _runs(
            evaluated.requested_subsets, definitions, context.instance, emits_ranges=sensor.emit_backfills
        )
    ]
    return SensorExecutionData(
        requests,
        None if requests else "No automation condition asks for anything now.",
        evaluated.cursor.serialize(),
        automation_condition_evaluations=evaluated.results,
    )


def _conditions_of(
    sensor: AutomationConditionSensorDefinition, definitions: Definitions
) -> Mapping[EntityKey, AutomationCondition]:
    """Return the conditions of what a sensor looks after; its own default for what it can run that has none."""
    graph = definitions.graph
    declared = conditions_in(graph)
    runnable: set[EntityKey] = set()
    if sensor.default_condition is not None:
        whole = definitions.global_asset_job
        runnable = {*whole.asset_keys, *whole.check_keys}
    chosen: set[EntityKey] = {
        *sensor.asset_selection.resolve(graph),
        *sensor.asset_selection.resolve_checks(graph),
    }
    found: dict[EntityKey, AutomationCondition] = {}
    for key in chosen:
        condition = declared.get(key) or (sensor.default_condition if key in runnable else None)
        if condition is not None:
            found[key] = condition
    return found


# ------------------------------------------------------------------------------------------------------------ requests


@dataclass(slots=True)
class _Together:
    """What one run can build."""

    assets: list[AssetKey] = field(default_factory=list)
    checks: list[AssetCheckKey] = field(default_factory=list)

    def add(self, key: EntityKey) -> None:
        if isinstance(key, AssetKey):
            self.assets.append(key)
        else:
            self.checks.append(key)


def _runs(
    subsets: Sequence[EntitySubset[Any]], definitions: Definitions, instance: Any, *, emits_ranges: bool
) -> list[tuple[dict[str, str], _Together]]:
    """Return the tags and contents of one run for all that has no partitions, and of one for each partition of the rest.

    With `emits_ranges`, assets whose backfill policy allows several partitions in a run get one for each range.
    """
    plain = _Together()
    by_key: dict[tuple[int, str], _Together] = {}
    by_range: dict[tuple[int, str, str], _Together] = {}
    definition_numbers: list[PartitionsDefinition[Any]] = []
    for subset in subsets:
        if not subset.is_partitioned:
            plain.add(subset.key)
            continue
        partitions_def = subset.get_internal_subset_value().partitions_def
        if partitions_def not in definition_numbers:
            definition_numbers.append(partitions_def)
        number = definition_numbers.index(partitions_def)
        most = _partitions_in_a_run(subset.key, definitions) if emits_ranges else 1
        for keys in _parts(list(subset.get_internal_subset_value()), partitions_def, instance, most):
            if len(keys) == 1:
                by_key.setdefault((number, keys[0]), _Together()).add(subset.key)
            else:
                by_range.setdefault((number, keys[0], keys[-1]), _Together()).add(subset.key)
    runs: list[tuple[dict[str, str], _Together]] = [({}, plain)] if plain.assets or plain.checks else []
    runs.extend(({PARTITION_TAG: str(key)}, together) for (_, key), together in by_key.items())
    runs.extend(
        ({PARTITION_RANGE_START_TAG: str(first), PARTITION_RANGE_END_TAG: str(last)}, together)
        for (_, first, last), together in by_range.items()
    )
    return runs


def _partitions_in_a_run(key: EntityKey, definitions: Definitions) -> int | None:
    """Return how many partitions one run may build, None for any number."""
    spec_key = key if isinstance(key, AssetKey) else key.asset_key
    definition = definitions.index.definition_by_key.get(spec_key)
    policy = definition.backfill_policy if definition is not None and isinstance(key, AssetKey) else None
    return most_partitions_of_a_run(policy)


def _parts(
    keys: list[str], partitions_def: PartitionsDefinition[Any], instance: Any, most: int | None
) -> Iterator[list[str]]:
    """Yield the keys in ranges without a gap, of at most so many; one by one where there are several dimensions."""
    from headwater.model.partitions import MultiPartitionsDefinition

    if most == 1 or len(keys) == 1 or isinstance(partitions_def, MultiPartitionsDefinition):
        yield from ([key] for key in keys)
        return
    place = {key: number for number, key in enumerate(partitions_def.get_partition_keys(None, instance))}
    for run in _runs_without_gap(keys, place):
        size = most or len(run)
        yield from (run[start : start + size] for start in range(0, len(run), size))


def _runs_without_gap(keys: Iterable[str], place: Mapping[str, int]) -> Iterator[list[str]]:
    run: list[str] = []
    for key in sorted(keys, key=place.__getitem__):
        if run and place[key] != place[run[-1]] + 1:
            yield run
            run = []
        run.append(key)
    if run:
        yield run
