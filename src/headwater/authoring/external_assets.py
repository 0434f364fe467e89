"""Assets that something else builds, and changes to the specs of whole lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from headwater.authoring.assets import AssetsDefinition
from headwater.model.keys import AssetKey
from headwater.model.specs import AssetSpec


def external_asset(spec: AssetSpec | str | AssetKey) -> AssetsDefinition:
    """Return a definition of an asset that something else builds."""
    return AssetsDefinition(specs=[spec if isinstance(spec, AssetSpec) else AssetSpec(spec)])


def external_assets_from_specs(specs: Sequence[AssetSpec]) -> list[AssetsDefinition]:
    """Return one definition for each spec of an asset that something else builds."""
    return [external_asset(spec) for spec in specs]


def map_asset_specs(
    func: Callable[[AssetSpec], AssetSpec], iterable: Iterable[AssetsDefinition | AssetSpec]
) -> list[Any]:
    """Return the same definitions and specs, with each spec replaced by what `func` makes of it."""
    return [
        func(item)
        if isinstance(item, AssetSpec)
        else item.map_asset_specs(func)
        if hasattr(item, "map_asset_specs")
        else item
        for item in iterable
    ]
