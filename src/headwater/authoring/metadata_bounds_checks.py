"""Checks that a number in the metadata of an asset stays within bounds, for whole lists of assets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

from headwater.authoring.built_checks import (
    built_checks,
    checked_assets,
    checked_severity,
    partitions_of,
    without_twins,
)
from headwater.model.errors import CheckError, InvalidDefinitionError
from headwater.model.metadata import metadata_from_data
from headwater.model.metadata_sets import READ_NAMESPACES
from headwater.model.policies import AssetCheckSeverity
from headwater.model.results import AssetCheckResult

if TYPE_CHECKING:
    from headwater.authoring.checks import AssetChecksDefinition
    from headwater.authoring.contexts import AssetCheckExecutionContext
    from headwater.model.keys import AssetKey
    from headwater.store.interface import Store

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]")


def build_metadata_bounds_checks(
    *,
    assets: Sequence[Any],
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    metadata_key: str,
    min_value: int | float | None = None,
    max_value: int | float | None = None,
    exclusive_min: bool = False,
    exclusive_max: bool = False,
) -> Sequence[AssetChecksDefinition]:
    """Return a check of each asset that passes while a number in its latest metadata is within bounds.

    The number is what the latest materialization recorded under `metadata_key`; in a run of one partition, the latest of
    that partition. Bounds belong to what is allowed, unless `exclusive_min` or `exclusive_max` says otherwise. The check
    fails when there is no materialization, no such entry, or one that is no number. It is named after the key:
    "row_count_bounds_check".

    assets: keys in any form, specs and definitions; all are in one definition that can be run for some of them.
    Raises CheckError for what is no asset or no number, InvalidDefinitionError for bounds that are missing or exclude all.
    """
    builder = "build_metadata_bounds_checks"
    checked = without_twins(checked_assets(assets, builder))
    checked_severity(severity, builder)
    if not isinstance(metadata_key, str) or not metadata_key:
        raise CheckError(
            what=f"{builder} was given metadata_key={metadata_key!r}.",
            why="It is the key of the entry to look at.",
            fix='Give the key as it is recorded, such as metadata_key="headwater/row_count".',
        )
    bounds = Bounds(min_value, max_value, exclusive_min, exclusive_max)
    check_name = f"{_NOT_IN_NAMES.sub('_', metadata_key)}_bounds_check"
    declared = {asset.key: asset.spec for asset in checked if asset.spec is not None}

    def evaluate(context: AssetCheckExecutionContext, key: AssetKey) -> AssetCheckResult:
        partition = None
        if context.has_partition_key and partitions_of(context, key, declared) is not None:
            partition = context.partition_key
        passed, description = _looked_at(context.instance.store, key, partition, metadata_key, bounds)
        return AssetCheckResult(
            passed=passed, asset_key=key, check_name=check_name, description=description, severity=severity
        )

    return built_checks(
        checked,
        check_name,
        evaluate,
        description=f"Whether `{metadata_key}` of the latest materialization is {bounds}.",
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number may be. Raises CheckError for a bound that is no number, InvalidDefinitionError for a range that is
    empty or has no bound."""

    least: int | float | None
    most: int | float | None
    excludes_least: bool = False
    excludes_most: bool = False

    def __post_init__(self) -> None:
        for name, bound in (("min_value", self.least), ("max_value", self.most)):
            if bound is not None and not _is_number(bound):
                raise CheckError(
                    what=f"{name} is {bound!r}.",
                    why="Numbers are compared with it.",
                    fix=f"Give an int or a float, such as {name}=1.",
                )
        if self.least is None and self.most is None:
            raise InvalidDefinitionError(
                what="build_metadata_bounds_checks was given neither min_value nor max_value.",
                why="Every number would pass.",
                fix="Give one of them, or both.",
            )
        if self.least is None or self.most is None:
            return
        if self.least > self.most or (self.least == self.most and (self.excludes_least or self.excludes_most)):
            raise InvalidDefinitionError(
                what=f"min_value is {self.least} and max_value is {self.most}: nothing is {self}.",
                why="No number would pass.",
                fix="Give a min_value that is below the max_value.",
            )

    def __str__(self) -> str:
        least = None if self.least is None else f"{'above' if self.excludes_least else 'at least'} {self.least}"
        most = None if self.most is None else f"{'below' if self.excludes_most else 'at most'} {self.most}"
        return " and ".join(part for part in (least, most) if part is not None)

    def fault_of(self, number: int | float) -> str | None:
        """Return in words which bound a number does not keep, None when it keeps both."""
        if self.least is not None and (number < self.least or (self.excludes_least and number == self.least)):
            return f"not {'above' if self.excludes_least else 'at least'} {self.least}"
        if self.most is not None and (number > self.most or (self.excludes_most and number == self.most)):
            return f"not {'below' if self.excludes_most else 'at most'} {self.most}"
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isnan(value)


def _looked_at(
    store: Store, key: AssetKey, partition: str | None, metadata_key: str, bounds: Bounds
) -> tuple[bool, str]:
    state = store.asset_state(key, partition)
    if state is None or state.materialization is None:
        return False, "It was never materialized." if partition is None else f'"{partition}" was never materialized.'
    data = _entry(state.materialization.metadata, metadata_key)
    if data is None:
        return False, f"The latest materialization has no `{metadata_key}` in its metadata."
    value = metadata_from_data(data).value
    if not _is_number(value):
        return False, f"`{metadata_key}` is {value!r}, which is no number."
    fault = bounds.fault_of(value)
    if fault is not None:
        return False, f"`{metadata_key}` is {value}, {fault}."
    return True, f"`{metadata_key}` is {value}, {bounds}."


def _entry(metadata: Mapping[str, Any], key: str) -> Any:
    """Return the entry under a key; one of ours and one of a program written for Dagster are the same one."""
    if key in metadata:
        return metadata[key]
    namespace, slash, name = key.partition("/")
    if slash and namespace in READ_NAMESPACES:
        return next((metadata[f"{other}/{name}"] for other in READ_NAMESPACES if f"{other}/{name}" in metadata), None)
    return None
