"""Sensors of one asset: called with its latest new materialization."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from headwater.authoring.run_request import SkipReason
from headwater.authoring.sensors import (
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SensorReturnTypesUnion,
)
from headwater.authoring.triggers import results_listed
from headwater.model.keys import AssetKey, CoercibleToAssetKey
from headwater.model.named_arguments import spelling_checked


class AssetSensorDefinition(SensorDefinition):
    """A sensor whose function gets the latest new materialization of one asset; its cursor is that one's storage id."""

    _values_after_context = 1
    _target_fix = "Give @asset_sensor a job=, jobs=, job_name= or target=."

    def __init__(
        self,
        name: str,
        asset_key: CoercibleToAssetKey,
        job_name: str | None,
        asset_materialization_fn: Callable[..., SensorReturnTypesUnion],
        minimum_interval_seconds: int | None = None,
        description: str | None = None,
        job: Any = None,
        jobs: Sequence[Any] | None = None,
        default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
        required_resource_keys: Iterable[str] | None = None,
        tags: Mapping[str, str] | None = None,
        metadata: Mapping[str, Any] | None = None,
        target: Any = None,
    ) -> None:
        self.asset_key = AssetKey.from_coercible(asset_key)
        super().__init__(
            name,
            evaluation_fn=asset_materialization_fn,
            job_name=job_name,
            minimum_interval_seconds=minimum_interval_seconds,
            description=description,
            job=job,
            jobs=jobs,
            default_status=default_status,
            required_resource_keys=required_resource_keys,
            tags=tags,
            metadata=metadata,
            target=target,
        )

    def _returned(self, context: SensorEvaluationContext) -> list[Any]:
        from headwater.model.runs import AssetRecordsFilter

        after = int(context.cursor) if context.cursor else None
        found = context.instance.fetch_materializations(
            AssetRecordsFilter(self.asset_key, after_storage_id=after), limit=1
        ).records
        if not found:
            return [SkipReason(f'There is no new materialization of "{self.asset_key}".')]
        (record,) = found
        returned = results_listed(self.function.evaluate(context, record.event_log_entry))
        context.update_cursor(str(record.storage_id))
        return returned


@spelling_checked
def asset_sensor(
    asset_key: CoercibleToAssetKey,
    *,
    job_name: str | None = None,
    name: str | None = None,
    minimum_interval_seconds: int | None = None,
    description: str | None = None,
    job: Any = None,
    jobs: Sequence[Any] | None = None,
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    required_resource_keys: Iterable[str] | None = None,
    tags: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    target: Any = None,
) -> Callable[[Callable[..., SensorReturnTypesUnion]], AssetSensorDefinition]:
    """Make a sensor of a function that is called with the context and the latest new materialization of an asset.

    It returns what the function of `@sensor` returns; where nothing was materialized anew it is not called.
    """

    def decorate(function: Callable[..., SensorReturnTypesUnion]) -> AssetSensorDefinition:
        return AssetSensorDefinition(
            name or function.__name__,
            asset_key,
            job_name,
            function,
            minimum_interval_seconds,
            description,
            job,
            jobs,
            default_status,
            required_resource_keys,
            tags,
            metadata,
            target,
        )

    return decorate
