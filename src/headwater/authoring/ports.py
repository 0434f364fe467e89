"""Inputs and outputs as authors write them: In, Out, AssetIn, AssetOut and their kin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.authoring.no_value import NO_VALUE as NO_VALUE
from headwater.model.errors import CheckError
from headwater.model.keys import AssetKey, CoercibleToAssetKey, CoercibleToAssetKeyPrefix, prefix_parts
from headwater.model.specs import AssetSpec

if TYPE_CHECKING:
    from headwater.model.partitions import PartitionMapping, PartitionsDefinition


class In:
    """An input of an op: its type, its default, and how it is loaded when nothing upstream in the graph gives it."""

    __slots__ = (
        "asset_key",
        "asset_partitions",
        "dagster_type",
        "default_value",
        "description",
        "input_manager_key",
        "metadata",
    )

    def __init__(
        self,
        dagster_type: Any = NO_VALUE,
        description: str | None = None,
        default_value: Any = NO_VALUE,
        metadata: Mapping[str, Any] | None = None,
        asset_key: CoercibleToAssetKey | None = None,
        asset_partitions: Any = None,
        input_manager_key: str | None = None,
    ) -> None:
        self.dagster_type = dagster_type
        self.description = description
        self.default_value = default_value
        self.metadata: Mapping[str, Any] = metadata or {}
        self.asset_key = None if asset_key is None else AssetKey.from_coercible(asset_key)
        self.asset_partitions = asset_partitions
        self.input_manager_key = input_manager_key

    @property
    def has_default_value(self) -> bool:
        return self.default_value is not NO_VALUE


class Out:
    """An output of an op: its type, whether it always comes, and which IO manager stores it."""

    __slots__ = ("code_version", "dagster_type", "description", "io_manager_key", "is_required", "metadata", "name")

    is_dynamic = False

    def __init__(
        self,
        dagster_type: Any = NO_VALUE,
        description: str | None = None,
        is_required: bool = True,
        io_manager_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        code_version: str | None = None,
        name: str | None = None,
    ) -> None:
        self.dagster_type = dagster_type
        self.description = description
        self.is_required = is_required
        self.io_manager_key = io_manager_key or "io_manager"
        self.metadata: Mapping[str, Any] = metadata or {}
        self.code_version = code_version
        self.name = name


class DynamicOut(Out):
    """An output that gives any number of values, each under a mapping key; use `.map` and `.collect` on it."""

    __slots__ = ()

    is_dynamic = True


class GraphIn:
    """An input of a graph."""

    __slots__ = ("description",)

    def __init__(self, description: str | None = None) -> None:
        self.description = description


class GraphOut:
    """An output of a graph."""

    __slots__ = ("description",)

    def __init__(self, description: str | None = None) -> None:
        self.description = description


class AssetIn:
    """Which asset a parameter means, and how its value is loaded."""

    __slots__ = ("dagster_type", "input_manager_key", "key", "key_prefix", "metadata", "partition_mapping")

    def __init__(
        self,
        key: CoercibleToAssetKey | None = None,
        metadata: Mapping[str, Any] | None = None,
        key_prefix: CoercibleToAssetKeyPrefix | None = None,
        input_manager_key: str | None = None,
        partition_mapping: PartitionMapping | None = None,
        dagster_type: Any = NO_VALUE,
    ) -> None:
        if key is not None and key_prefix is not None:
            raise CheckError(
                what=f"AssetIn was given both key={key!r} and key_prefix={key_prefix!r}.",
                why="A key has its prefix in it; a key_prefix stands before the name of the parameter.",
                fix="Keep one of them.",
            )
        self.key = None if key is None else AssetKey.from_coercible(key)
        self.metadata: Mapping[str, Any] = metadata or {}
        self.key_prefix = prefix_parts(key_prefix) if key_prefix is not None else None
        self.input_manager_key = input_manager_key
        self.partition_mapping = partition_mapping
        self.dagster_type = dagster_type

    @classmethod
    def from_coercible(cls, value: Any) -> AssetIn:
        return value if isinstance(value, AssetIn) else cls(key=AssetKey.from_coercible(value))

    def key_for(self, parameter: str) -> AssetKey:
        """Return the asset that is meant when this stands at the given parameter."""
        if self.key is not None:
            return self.key
        return AssetKey((*(self.key_prefix or ()), parameter))


class AssetOut:
    """One asset of a multi-asset, by output name."""

    __slots__ = (
        "automation_condition",
        "backfill_policy",
        "code_version",
        "dagster_type",
        "description",
        "freshness_policy",
        "group_name",
        "io_manager_key",
        "is_required",
        "key",
        "key_prefix",
        "kinds",
        "metadata",
        "owners",
        "tags",
    )

    def __init__(
        self,
        key_prefix: CoercibleToAssetKeyPrefix | None = None,
        key: CoercibleToAssetKey | None = None,
        dagster_type: Any = NO_VALUE,
        description: str | None = None,
        is_required: bool = True,
        io_manager_key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        group_name: str | None = None,
        code_version: str | None = None,
        automation_condition: Any = None,
        backfill_policy: Any = None,
        owners: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        kinds: Iterable[str] | None = None,
        freshness_policy: Any = None,
    ) -> None:
        self.key_prefix = prefix_parts(key_prefix)
        self.key = None if key is None else AssetKey.from_coercible(key)
        self.dagster_type = dagster_type
        self.description = description
        self.is_required = is_required
        self.io_manager_key = io_manager_key
        self.metadata: Mapping[str, Any] = metadata or {}
        self.group_name = group_name
        self.code_version = code_version
        self.automation_condition = automation_condition
        self.freshness_policy = freshness_policy
        self.backfill_policy = backfill_policy
        self.owners = owners
        self.tags = tags
        self.kinds = kinds

    @staticmethod
    def from_spec(
        spec: AssetSpec,
        dagster_type: Any = NO_VALUE,
        is_required: bool = True,
        io_manager_key: str | None = None,
        backfill_policy: Any = None,
    ) -> AssetOut:
        return AssetOut(
            key=spec.key,
            dagster_type=dagster_type,
            description=spec.description,
            is_required=is_required,
            io_manager_key=io_manager_key,
            metadata=spec.metadata,
            group_name=spec.group_name,
            code_version=spec.code_version,
            automation_condition=spec.automation_condition,
            freshness_policy=spec.freshness_policy,
            backfill_policy=backfill_policy,
            owners=spec.owners,
            tags=spec.tags,
        )

    def key_for(self, output_name: str, key_prefix: tuple[str, ...] = ()) -> AssetKey:
        """Return the asset that is meant when this stands under the given output name."""
        return self.key or AssetKey((*(self.key_prefix or key_prefix), output_name))

    def to_spec(
        self,
        output_name: str,
        *,
        deps: Iterable[Any],
        group_name: str | None,
        code_version: str | None,
        partitions_def: PartitionsDefinition[Any] | None,
        key_prefix: tuple[str, ...] = (),
    ) -> AssetSpec:
        """Return the spec of the asset that this output is, with what the multi-asset says for all of its assets."""
        key = self.key_for(output_name, key_prefix)
        return AssetSpec(
            key,
            deps=deps,
            description=self.description,
            metadata=self.metadata,
            skippable=not self.is_required,
            group_name=self.group_name or group_name,
            code_version=self.code_version or code_version,
            automation_condition=self.automation_condition,
            freshness_policy=self.freshness_policy,
            owners=self.owners,
            tags=self.tags,
            kinds=self.kinds,
            partitions_def=partitions_def,
        )
