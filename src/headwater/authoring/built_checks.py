"""Checks that a builder makes alike for several assets: one definition, which can be run for some of them only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from headwater.authoring.asset_index import as_assets_definition
from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.checks import AssetChecksDefinition, multi_asset_check
from headwater.authoring.contexts import AssetCheckExecutionContext
from headwater.model.errors import CheckError, DefinitionError, InvalidDefinitionError, InvalidPropertyError
from headwater.model.errors.root import kind_of
from headwater.model.keys import AssetKey
from headwater.model.policies import AssetCheckSeverity
from headwater.model.results import AssetCheckResult
from headwater.model.specs import AssetCheckSpec, AssetSpec

if TYPE_CHECKING:
    from headwater.model.partitions import PartitionsDefinition


@dataclass(frozen=True, slots=True)
class CheckedAsset:
    """One asset that was given to a builder; its spec where that is known, not only its key."""

    key: AssetKey
    spec: AssetSpec | None = None


def checked_assets(assets: Any, builder: str) -> list[CheckedAsset]:
    """Return the assets in what a builder was given: keys in any form, specs, definitions of one or more assets.

    The order is kept and an asset may come twice. Raises CheckError when it is no sequence, or holds what is no
    asset; InvalidAssetKey for text that is no key.
    """
    if isinstance(assets, (str, AssetKey, AssetsDefinition, AssetSpec, Mapping)) or not isinstance(assets, Iterable):
        raise CheckError(
            what=f"{builder} was given assets={assets!r}.",
            why="It makes checks for a list of assets.",
            fix=f"Write {builder}(assets=[...]).",
        )
    return [checked for asset in assets for checked in _assets_in(asset, builder)]


def _assets_in(asset: Any, builder: str) -> list[CheckedAsset]:
    if isinstance(asset, (str, AssetKey, list, tuple)):
        return [CheckedAsset(AssetKey.from_coercible(asset))]
    try:
        if isinstance(asset, AssetChecksDefinition):
            raise InvalidDefinitionError
        return [CheckedAsset(spec.key, spec) for spec in as_assets_definition(asset).specs]
    except DefinitionError as error:
        raise CheckError(
            what=f"{builder} was given {asset!r} among its assets.",
            why=f"It is {kind_of(asset)}, which names no asset.",
            fix='Give keys ("orders", AssetKey([...])), what @asset or @multi_asset made, AssetSpecs or SourceAssets.',
        ) from error


def without_twins(assets: Iterable[CheckedAsset]) -> list[CheckedAsset]:
    """Return each asset once, in the order in which they first came."""
    return list({asset.key: asset for asset in assets}.values())


def refuse_twins(assets: Sequence[CheckedAsset], builder: str) -> None:
    """Raise CheckError when an asset was given twice."""
    keys = [asset.key for asset in assets]
    twice = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) != len(keys) else None
    if twice is not None:
        raise CheckError(
            what=f'{builder} was given "{twice}" twice.',
            why="An asset has one check of a name, and their results could not be told apart.",
            fix="Leave one of them out.",
        )


def checked_severity(severity: Any, builder: str) -> AssetCheckSeverity:
    """Return the severity. Raises CheckError for anything else."""
    if not isinstance(severity, AssetCheckSeverity):
        raise CheckError(
            what=f"{builder} was given severity={severity!r}.",
            why="A check that does not pass is a warning or an error.",
            fix="Write severity=AssetCheckSeverity.WARN or AssetCheckSeverity.ERROR.",
        )
    return severity


def built_checks(
    assets: Sequence[CheckedAsset],
    check_name: str,
    evaluate: Callable[[AssetCheckExecutionContext, AssetKey], AssetCheckResult],
    *,
    description: str,
    blocking: bool = False,
    metadata: Mapping[str, Any] | None = None,
) -> Sequence[AssetChecksDefinition]:
    """Return one definition with a check of this name for each asset, or none when there are no assets.

    `evaluate` gives the result for one asset; its key is that under which the project knows the asset in the end.
    """
    if not assets:
        return []
    specs = [
        AssetCheckSpec(check_name, asset=asset.key, description=description, blocking=blocking, metadata=metadata)
        for asset in assets
    ]
    # The same assets get the same name in every process, and other assets another one.
    written = "\n".join(sorted(str(asset.key) for asset in assets))
    node_name = f"{check_name}_{sha256(written.encode()).hexdigest()[:8]}"

    @multi_asset_check(specs=specs, name=node_name, description=description, can_subset=True)
    def evaluate_each(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
        selected = context.selected_asset_check_keys
        for spec in context.check_specs:
            if spec.key in selected:
                yield evaluate(context, spec.asset_key)

    return [evaluate_each]


def partitions_of(
    context: AssetCheckExecutionContext, key: AssetKey, declared: Mapping[AssetKey, AssetSpec]
) -> PartitionsDefinition[Any] | None:
    """Return how the asset is partitioned, by the job that runs or else by what the builder was given."""
    try:
        index = context.job_def.asset_index
    except InvalidPropertyError:
        index = None
    spec = index.spec(key) if index is not None else None
    if spec is None:
        spec = declared.get(key)
    return spec.partitions_def if spec is not None else None
