"""The sensor that stands for automation conditions: which assets it looks after, and what their runs get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.authoring.sensors import (
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SensorExecutionData,
    SensorResult,
)
from headwater.model.conditions import AutomationCondition
from headwater.model.errors import CheckError, DefinitionError, InvalidDefinitionError
from headwater.model.errors.root import kind_of
from headwater.model.specs import checked_tags

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.graph.selection import AssetSelection
    from headwater.model.keys import AssetKey


class AutomationConditionSensorDefinition(SensorDefinition):
    """Asks for runs of the assets whose automation conditions hold, of those that `target` selects.

    run_tags: tags of the runs that it asks for. default_condition: what holds for assets and checks without a condition of
    their own. emit_backfills: whether one run may be asked for several partitions, where the backfill policy of an asset
    allows it. use_user_code_server: accepted, and changes nothing. Raises InvalidDefinitionError for what cannot be meant.
    """

    def __init__(
        self,
        name: str,
        *,
        target: Any,
        tags: Mapping[str, str] | None = None,
        run_tags: Mapping[str, Any] | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        minimum_interval_seconds: int | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        emit_backfills: bool = True,
        use_user_code_server: bool = False,
        default_condition: AutomationCondition | None = None,
    ) -> None:
        from headwater.authoring.op import json_tags
        from headwater.graph.selection import AssetSelection

        def evaluate(context: SensorEvaluationContext) -> SensorResult:
            data = self.evaluate_tick(context)
            return SensorResult(data.run_requests, None if data.run_requests else data.skip_message, cursor=data.cursor)

        super().__init__(
            name,
            evaluation_fn=evaluate,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            default_status=default_status,
            tags=tags,
            metadata=metadata,
        )
        if target is None:
            raise InvalidDefinitionError(
                what=f"{self._described} has no target.",
                why="It would look after nothing.",
                fix='Write target="*" for all assets, or give a selection.',
            )
        if default_condition is not None and not isinstance(default_condition, AutomationCondition):
            raise CheckError(
                what=f"{self._described} was given default_condition={default_condition!r}.",
                why=f"It is {kind_of(default_condition)}, not a condition.",
                fix="Write default_condition=AutomationCondition.eager().",
            )
        self.asset_selection: AssetSelection = AssetSelection.from_coercible(target)
        self.run_tags: Mapping[str, str] = checked_tags(json_tags(run_tags), self._described)
        self.emit_backfills = emit_backfills
        self.use_user_code_server = use_user_code_server
        self.default_condition = default_condition

    def evaluate_tick(self, context: SensorEvaluationContext) -> SensorExecutionData:
        """Return what the conditions ask for now, on what the context's instance has recorded since its cursor.

        The context needs an instance and definitions: build_sensor_context(instance=..., definitions=..., cursor=...).
        Raises MissingTriggerContextValue without them, and AutomationConditionError when a condition of your own raises.
        """
        from headwater.authoring.running import runtime_function

        data: SensorExecutionData = runtime_function("evaluate_automation_sensor")(self, context)
        return data

    def problems_in(self, definitions: Definitions) -> Sequence[DefinitionError]:
        """Return what is wrong with it as a part of a project: what it cannot select, and what another one does, too."""
        try:
            own = self.asset_selection.resolve(definitions.graph)
        except DefinitionError as error:
            return [error]
        for other in definitions.sensors:
            if other is self:
                break
            if isinstance(other, AutomationConditionSensorDefinition) and (
                shared := own & _selected(other, definitions)
            ):
                return [
                    InvalidDefinitionError(
                        what=f'{self._described} and sensor "{other.name}" both look after "{min(shared)}".',
                        why="Each of them would ask for a run of it.",
                        fix="Let each asset be selected by one of them.",
                    )
                ]
        return []


def _selected(sensor: AutomationConditionSensorDefinition, definitions: Definitions) -> frozenset[AssetKey]:
    try:
        return sensor.asset_selection.resolve(definitions.graph)
    except DefinitionError:
        # It is told as a problem of that sensor.
        return frozenset()
