"""What an external process is told of the step for which it works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headwater.authoring.contexts import OpExecutionContext
from headwater.model.errors import HeadwaterError
from headwater.model.errors.pipes import PipesExtrasError
from headwater.model.keys import AssetKey
from headwater.model.plain_json import NotPlain, plain_json
from headwater.pipes.protocol import (
    PipesContextData,
    PipesDataProvenance,
    PipesExtras,
    PipesPartitionKeyRange,
    PipesTimeWindow,
    written_key,
)

if TYPE_CHECKING:
    from headwater.model.data_versions import DataProvenance


def context_data_of(context: OpExecutionContext, extras: PipesExtras | None = None) -> PipesContextData:
    """Return the context of an op, asset or check as plain data. Raises PipesExtrasError for what JSON cannot hold."""
    keys = asset_keys_of(context)
    versions: dict[str, str | None] | None = None
    provenance: dict[str, PipesDataProvenance | None] | None = None
    if keys is not None:
        specs = context.assets_def.specs_by_key
        versions = {written_key(key.parts): specs[key].code_version for key in keys}
        provenance = {written_key(key.parts): _provenance(context.get_asset_provenance(key)) for key in keys}
    return {
        "asset_keys": None if keys is None else [written_key(key.parts) for key in keys],
        "code_version_by_asset_key": versions,
        "provenance_by_asset_key": provenance,
        "partition_key": str(context.partition_key) if context.has_partition_key else None,
        "partition_key_range": _partition_range(context),
        "partition_time_window": _time_window(context),
        "run_id": context.run_id,
        "job_name": _job_name(context),
        "retry_number": context.retry_number,
        "extras": _plain_extras(extras),
    }


def asset_keys_of(context: OpExecutionContext) -> tuple[AssetKey, ...] | None:
    """Return the assets that the step is to build, in the order of their definition; None for an op that builds none.

    A step that only evaluates checks builds no asset: its answer is empty.
    """
    if not context.has_assets_def:
        return None
    return tuple(key for key in context.assets_def.specs_by_key if key in context.selected_asset_keys)


def _partition_range(context: OpExecutionContext) -> PipesPartitionKeyRange | None:
    if not context.has_partitions:
        return None
    keys = context.partition_keys
    return {"start": str(keys[0]), "end": str(keys[-1])} if keys else None


def _time_window(context: OpExecutionContext) -> PipesTimeWindow | None:
    if not context.has_partitions:
        return None
    try:
        window = context.partition_time_window
    except HeadwaterError:
        # Its partitions are no windows of time.
        return None
    return {"start": window.start.isoformat(), "end": window.end.isoformat()}


def _job_name(context: OpExecutionContext) -> str | None:
    try:
        return context.job_name
    except HeadwaterError:
        # A context that was built for a direct call belongs to no job.
        return None


def _provenance(found: DataProvenance | None) -> PipesDataProvenance | None:
    if found is None:
        return None
    return {
        "code_version": found.code_version,
        "input_data_versions": {
            written_key(key.parts): version.value for key, version in found.input_data_versions.items()
        },
        "is_user_provided": found.is_user_provided,
    }


def _plain_extras(extras: PipesExtras | None) -> Mapping[str, Any]:
    if extras is None:
        return {}
    if not isinstance(extras, Mapping):
        raise PipesExtrasError("", type(extras).__name__, "They are looked up by name", "Give a dict.")
    try:
        plain: Mapping[str, Any] = plain_json(dict(extras))
    except NotPlain as problem:
        raise PipesExtrasError("".join(problem.path), problem.found, problem.reason, problem.fix) from None
    return plain
