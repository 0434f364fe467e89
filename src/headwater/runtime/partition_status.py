"""Where the partitions of an asset stand: a project's definitions and an instance put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwater.model.errors.graph import UnknownAsset
from headwater.model.errors.partition_status import NotPartitioned
from headwater.model.keys import AssetKey
from headwater.model.partitions.spelling import read_partitions
from headwater.model.partitions.subset import PartitionsSubset
from headwater.runtime.moves import adopt_former_keys
from headwater.runtime.staleness import as_definitions, opened, staleness_in
from headwater.views.partition_status import PartitionStatus, partition_status_of

if TYPE_CHECKING:
    from headwater.runtime.instance import Instance


def partition_status(
    definitions: Any,
    key: Any,
    *,
    instance: Instance | None = None,
    partitions: str | Iterable[str] | None = None,
    stale: bool = False,
) -> PartitionStatus:
    """Return where the partitions of an asset stand, as sets: materialized, failed, in progress and missing.

    `definitions` is a Definitions, or a list of assets; `key` names the asset. `partitions` narrows it to some, as the command
    line spells them: keys, ranges ("2024-01-01...2024-01-31", both ends included) and slices by dimension ("region=north"). With
    `stale` it also tells which values are not what would be built now: that reads what each value was made from, so it takes
    longer where there are many. The instance is the project's unless one is given.

    Raises UnknownAsset, NotPartitioned, UnknownDimensionError, UnknownPartitionError and UnreadablePartitionSpelling.
    """
    project = as_definitions(definitions)
    asset_key = AssetKey.from_coercible_or_definition(key)
    if not project.index.graph.has(asset_key):
        raise UnknownAsset(str(asset_key), map(str, project.index.graph.keys), "")
    definition = project.index.graph.spec(asset_key).partitions_def
    if definition is None:
        raise NotPartitioned(str(asset_key))
    with opened(instance) as remembered:
        adopt_former_keys(project, remembered)
        status = partition_status_of(definition, remembered.store, asset_key)
        if stale:
            part = staleness_in(project, remembered, [asset_key])[asset_key].stale
            status = replace(status, stale=part if isinstance(part, PartitionsSubset) else definition.empty_subset())
        if partitions is not None:
            status = status.among(read_partitions(partitions, definition, None, remembered))
    return status
