"""Sensors of several assets: their function sees what was materialized anew of each, and says what it has dealt with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.authoring.multi_asset_sensor_context import (
    HOW_TO_ADVANCE,
    MonitoredAssets,
    MultiAssetSensorEvaluationContext,
    keys_listed,
    keys_monitored,
)
from headwater.authoring.sensors import (
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SensorExecutionData,
    SensorReturnTypesUnion,
)
from headwater.authoring.triggers import results_listed
from headwater.model.errors import DefinitionError, InvalidDefinitionError
from headwater.model.errors.triggers import CursorIsNotYours, CursorNotAdvanced, UnknownMonitoredAsset
from headwater.model.keys import AssetKey
from headwater.model.named_arguments import spelling_checked

if TYPE_CHECKING:
    from headwater.authoring.definitions import Definitions
    from headwater.graph.selection import AssetSelection


class MultiAssetSensorDefinition(SensorDefinition):
    """A sensor whose function sees what was materialized anew of several assets.

    monitored_assets: keys, or a selection. request_assets: assets that it may start, instead of a job.
    Raises InvalidDefinitionError for what cannot be meant.
    """

    _context_class = MultiAssetSensorEvaluationContext
    _target_arguments = {"asset_selection": "request_assets"}
    _target_fix = "Give @multi_asset_sensor a job=, jobs=, job_name= or request_assets=."

    def __init__(
        self,
        name: str,
        monitored_assets: MonitoredAssets,
        job_name: str | None,
        asset_materialization_fn: Callable[..., SensorReturnTypesUnion],
        minimum_interval_seconds: int | None = None,
        description: str | None = None,
        job: Any = None,
        jobs: Sequence[Any] | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        request_assets: Any = None,
        required_resource_keys: Iterable[str] | None = None,
        tags: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        from headwater.graph.selection import AssetSelection

        super().__init__(
            name,
            evaluation_fn=asset_materialization_fn,
            job_name=job_name,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            job=job,
            jobs=jobs,
            default_status=default_status,
            asset_selection=request_assets,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
        )
        if isinstance(monitored_assets, str):
            monitored_assets = AssetSelection.from_string(monitored_assets)
        self.monitored_assets: Sequence[AssetKey] | AssetSelection = (
            monitored_assets
            if isinstance(monitored_assets, AssetSelection)
            else keys_listed(self._described, monitored_assets)
        )
        if not self.monitored_assets:
            raise InvalidDefinitionError(
                what=f"{self._described} monitors no assets.",
                why="It would never find anything new.",
                fix='Write monitored_assets=[AssetKey("orders")].',
            )

    def problems_in(self, definitions: Definitions) -> Sequence[DefinitionError]:
        """Return what is wrong with it as a part of a project: monitored assets that nothing provides."""
        if not isinstance(self.monitored_assets, tuple):
            try:
                keys_monitored(self._described, self.monitored_assets, definitions)
            except DefinitionError as error:
                return [error]
            return []
        known = definitions.index.definition_by_key
        return [UnknownMonitoredAsset(self._described, key, known) for key in self.monitored_assets if key not in known]

    def _own_context(self, context: SensorEvaluationContext) -> MultiAssetSensorEvaluationContext:
        if isinstance(context, MultiAssetSensorEvaluationContext):
            return context
        return MultiAssetSensorEvaluationContext(
            self.monitored_assets,
            context.instance,
            context.cursor,
            context.last_run_key,
            context.last_tick_completion_time,
            context.last_sensor_start_time,
            context.sensor_name or self.name,
            context.repository_name,
            context.resource_defs,
            context.definitions,
            context.log,
        )

    def evaluate_tick(self, context: SensorEvaluationContext) -> SensorExecutionData:
        """Return what it asks for now, and its cursor.

        A plain SensorEvaluationContext will do; it needs an instance, and definitions where assets are selected or
        partitioned. Raises what a sensor raises, CursorNotAdvanced when it asked for runs and consumed nothing, and
        CursorIsNotYours for a SensorResult with a cursor.
        """
        if isinstance(context, MultiAssetSensorEvaluationContext):
            return super().evaluate_tick(context)
        with self._own_context(context) as own:
            return super().evaluate_tick(own)

    def _returned(self, context: SensorEvaluationContext) -> list[Any]:
        assert isinstance(context, MultiAssetSensorEvaluationContext)
        returned = results_listed(self.function.evaluate(context))
        result = self._result_of(returned)
        if result.cursor is not None:
            raise CursorIsNotYours(self._described, f"SensorResult(cursor={result.cursor!r})", HOW_TO_ADVANCE)
        if (result.run_requests or result.backfill_requests) and not context.cursor_updated:
            raise CursorNotAdvanced(self._described)
        context.update_cursor_after_evaluation()
        return [result]


@spelling_checked
def multi_asset_sensor(
    monitored_assets: MonitoredAssets,
    *,
    job_name: str | None = None,
    name: str | None = None,
    minimum_interval_seconds: int | None = None,
    description: str | None = None,
    job: Any = None,
    jobs: Sequence[Any] | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    request_assets: Any = None,
    required_resource_keys: Iterable[str] | None = None,
    tags: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., SensorReturnTypesUnion]], MultiAssetSensorDefinition]:
    """Make a sensor of a function that sees what was materialized anew of several assets.

    It is called with a MultiAssetSensorEvaluationContext, returns what the function of `@sensor` returns, and says with
    `context.advance_cursor` or `context.advance_all_cursors` what it has dealt with.
    """

    def decorate(function: Callable[..., SensorReturnTypesUnion]) -> MultiAssetSensorDefinition:
        return MultiAssetSensorDefinition(
            name or function.__name__,
            monitored_assets,
            job_name,
            function,
            minimum_interval_seconds,
            description,
            job,
            jobs,
            default_status,
            request_assets,
            required_resource_keys,
            tags,
            metadata,
        )

    return decorate
