"""Which partitions each asset of a run builds: what was asked for, checked against what each asset has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from headwater.model.errors import CheckError, InvariantViolationError
from headwater.model.errors.partition_spelling import RangeWrongWayRoundError

if TYPE_CHECKING:
    from headwater.authoring.asset_index import AssetIndex
    from headwater.authoring.job import JobDefinition
    from headwater.model.keys import AssetKey
    from headwater.model.partitions import DynamicPartitionsStore, PartitionsDefinition


def requested_keys(
    job: JobDefinition,
    store: DynamicPartitionsStore,
    partition_key: str | None,
    partition_keys: Sequence[str] | None,
    partition_range: tuple[str, str] | None,
) -> tuple[str, ...] | None:
    """Return the partitions that a request names, in the order of the definition; None when it names none.

    Raises UnknownPartitionError, and InvariantViolationError for partitions of something that has none.
    """
    if partition_key is None and partition_keys is None and partition_range is None:
        return None
    definitions = partitions_defs_of(job)
    if not definitions:
        given = partition_key or (
            partition_keys[0] if partition_keys else partition_range[0] if partition_range else ""
        )
        raise CheckError(
            what=f'Partition "{given}" was asked for, and {_named(job)} partitioned.',
            why="There is no partition that it could mean.",
            fix=f"Leave the partition out, or give the {'asset' if job.is_asset_job else 'job'} a partitions_def.",
        )
    if partition_range is not None:
        return keys_in_range(definitions[0], partition_range, store)
    if partition_key is not None:
        for definition in definitions:
            definition.validate_partition_key(partition_key, None, store)
        return (key_of(definitions[0], partition_key),)
    keys = tuple(partition_keys or ())
    for definition in definitions:
        for key in keys:
            definition.validate_partition_key(key, None, store)
    if not keys:
        raise InvariantViolationError(
            what=f'No partition was asked for: an empty list was given for "{job.name}".',
            why="There would be nothing to run.",
            fix="Name at least one partition.",
        )
    if len(keys) == 1:
        return (key_of(definitions[0], keys[0]),)
    return tuple(definitions[0].subset_with_partition_keys(keys))


def _named(job: JobDefinition) -> str:
    """Name what a job builds, or the job where it builds no assets."""
    if not job.is_asset_job:
        return f'job "{job.name}" is not'
    names = [f'"{key}"' for key in sorted(job.asset_keys or {check.asset_key for check in job.check_keys})]
    if len(names) == 1:
        return f"asset {names[0]} is not"
    return f"none of {', '.join(names[:5])}{', ...' if len(names) > 5 else ''} is"


def key_of(definition: PartitionsDefinition[Any], written: str) -> str:
    """Return a key as the definition gives it: one of several dimensions, written as text, knows them again."""
    read = getattr(definition, "get_partition_key_from_str", str)
    return cast(str, read(written))


def keys_in_range(
    definition: PartitionsDefinition[Any], ends: tuple[str, str], store: DynamicPartitionsStore
) -> tuple[str, ...]:
    """Return the keys from the first to the last named one, both included. Raises when they are the wrong way round."""
    from headwater.model.partitions import PartitionKeyRange

    start, end = ends
    keys = definition.get_partition_keys_in_range(PartitionKeyRange(start, end), None, store)
    if not keys:
        raise RangeWrongWayRoundError(start, end, definition.describe())
    return tuple(keys)


def partitions_defs_of(job: JobDefinition) -> list[PartitionsDefinition[Any]]:
    """Return the different partitions definitions of what a job runs, in order of declaration."""
    found: list[PartitionsDefinition[Any]] = []
    index = job.asset_index
    if job.explicit_partitions_def is not None or job.is_asset_job is False:
        definition = job.partitions_def
        return [definition] if definition is not None else []
    assert index is not None
    for definition_of_assets, keys, checks in job.assets_definitions():
        for key in definition_of_assets.specs_by_key:
            definition = definition_of_assets.specs_by_key[key].partitions_def if key in keys else None
            if definition is not None and definition not in found:
                found.append(definition)
        for check in definition_of_assets.check_specs:
            if check.key in checks and not keys:
                definition = check.partitions_def or _partitions_of_asset(index, check.asset_key)
                if definition is not None and definition not in found:
                    found.append(definition)
    return found


def _partitions_of_asset(index: AssetIndex, key: AssetKey) -> PartitionsDefinition[Any] | None:
    spec = index.spec(key)
    return spec.partitions_def if spec is not None else None
