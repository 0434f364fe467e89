"""Assets that something else builds.

A `SourceAsset` is only known of and loaded; those of the `observable` decorators are looked at, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from headwater.authoring.asset_ops import asset_op
from headwater.authoring.assets import Asset, AssetsDefinition
from headwater.authoring.multi_assets import multi_asset
from headwater.authoring.nodes import DEFAULT_IO_MANAGER_KEY, OutputPort
from headwater.authoring.op import OpDefinition, docstring_of
from headwater.authoring.signature import read_signature
from headwater.model.errors import InvalidDefinitionError, InvariantViolationError
from headwater.model.keys import AssetKey, CoercibleToAssetKey, CoercibleToAssetKeyPrefix, prefix_parts
from headwater.model.named_arguments import spelling_checked
from headwater.model.specs import AssetCheckSpec, AssetExecutionType, AssetSpec

if TYPE_CHECKING:
    from headwater.model.partitions import PartitionsDefinition

P = ParamSpec("P")
R = TypeVar("R")


class SourceAsset:
    """An asset that something else builds, and how its value is loaded. Frozen; `replaced` makes another.

    With an `observe_fn` it can be observed: the function returns a DataVersion or an ObserveResult.
    """

    def __init__(
        self,
        key: CoercibleToAssetKey,
        metadata: Mapping[str, Any] | None = None,
        io_manager_key: str | None = None,
        io_manager_def: Any = None,
        description: str | None = None,
        partitions_def: PartitionsDefinition[Any] | None = None,
        group_name: str | None = None,
        resource_defs: Mapping[str, Any] | None = None,
        observe_fn: Callable[..., Any] | None = None,
        op_tags: Mapping[str, Any] | None = None,
        *,
        automation_condition: Any = None,
        freshness_policy: Any = None,
        tags: Mapping[str, str] | None = None,
        required_resource_keys: Iterable[str] | None = None,
    ) -> None:
        self.key = AssetKey.from_coercible(key)
        if io_manager_def is not None and io_manager_key is None:
            io_manager_key = f"{self.key.to_python_identifier()}__io_manager"
        if automation_condition is not None and observe_fn is None:
            raise InvalidDefinitionError(
                what=f'Source asset "{self.key}" has an automation condition and no observe_fn.',
                why="Nothing could be done when the condition holds.",
                fix="Give an observe_fn, or leave out the condition.",
            )
        self.io_manager_key = io_manager_key
        self.io_manager_def = io_manager_def
        own = {io_manager_key: io_manager_def} if io_manager_key is not None and io_manager_def is not None else {}
        self.resource_defs: Mapping[str, Any] = {**(resource_defs or {}), **own}
        self.observe_fn = observe_fn
        self.op_tags: Mapping[str, Any] = op_tags or {}
        self.bare_resource_keys = frozenset(required_resource_keys or ())
        # The spec checks what all assets have in common: group, tags, metadata.
        self._spec = AssetSpec(
            self.key,
            metadata=metadata,
            description=description,
            partitions_def=partitions_def,
            group_name=group_name,
            automation_condition=automation_condition,
            freshness_policy=freshness_policy,
            tags=tags,
        )

    @property
    def metadata(self) -> Mapping[str, Any]:
        return self._spec.metadata

    @property
    def description(self) -> str | None:
        return self._spec.description

    @property
    def partitions_def(self) -> PartitionsDefinition[Any] | None:
        return self._spec.partitions_def

    @property
    def group_name(self) -> str:
        """The group, "default" when none was given."""
        return self._spec.group

    @property
    def tags(self) -> Mapping[str, str]:
        return self._spec.tags

    @property
    def automation_condition(self) -> Any:
        return self._spec.automation_condition

    @property
    def freshness_policy(self) -> Any:
        return self._spec.freshness_policy

    @property
    def is_observable(self) -> bool:
        return self.observe_fn is not None

    @property
    def is_executable(self) -> bool:
        """Whether a run can do anything with it: observe it."""
        return self.is_observable

    @property
    def execution_type(self) -> AssetExecutionType:
        return AssetExecutionType.OBSERVATION if self.is_observable else AssetExecutionType.UNEXECUTABLE

    @property
    def required_resource_keys(self) -> frozenset[str]:
        """The keys of the resources that observing it needs, and of its IO manager."""
        own = self.op.required_resource_keys if self.is_observable else frozenset()
        return own | {self.get_io_manager_key()}

    def get_io_manager_key(self) -> str:
        return self.io_manager_key or DEFAULT_IO_MANAGER_KEY

    def to_spec(self) -> AssetSpec:
        """Return what is said about it, as data."""
        return self._spec.with_io_manager_key(self.io_manager_key) if self.io_manager_key else self._spec

    @property
    def op(self) -> OpDefinition:
        """The op that observes it. Raises InvariantViolationError when it cannot be observed."""
        definition = self.to_assets_definition()
        if definition.node_def is None:
            raise InvariantViolationError(
                what=f'The op of source asset "{self.key}" was asked for.',
                why="Without an observe_fn there is none.",
                fix="Write it with @observable_source_asset.",
            )
        return definition.op

    def to_assets_definition(self) -> AssetsDefinition:
        """Return it as a definition, the same each time."""
        return self._definition

    @cached_property
    def _definition(self) -> AssetsDefinition:
        io_keys = {self.key: self.io_manager_key} if self.io_manager_key else {}
        if self.observe_fn is None:
            return AssetsDefinition(specs=[self._spec], io_manager_keys=io_keys, resource_defs=self.resource_defs)
        return _observation(
            self.observe_fn,
            self._spec,
            io_manager_keys=io_keys,
            resource_defs=self.resource_defs,
            required_resource_keys=self.bare_resource_keys,
            op_tags=self.op_tags,
        )

    def replaced(self, **changes: Any) -> SourceAsset:
        """Return a source asset in which each argument that is named here has the value given here."""
        kept: dict[str, Any] = {
            "key": self.key,
            "metadata": self.metadata,
            "io_manager_key": self.io_manager_key,
            "io_manager_def": self.io_manager_def,
            "description": self.description,
            "partitions_def": self.partitions_def,
            "group_name": self._spec.group_name,
            "resource_defs": self.resource_defs,
            "observe_fn": self.observe_fn,
            "op_tags": self.op_tags,
            "automation_condition": self.automation_condition,
            "freshness_policy": self.freshness_policy,
            "tags": self.tags,
            "required_resource_keys": self.bare_resource_keys,
        }
        return SourceAsset(**{**kept, **changes})

    def with_attributes(self, group_name: str | None = None, key: AssetKey | None = None) -> SourceAsset:
        """Return the same source asset in another group, or under another key."""
        changes: dict[str, Any] = {"group_name": group_name, "key": key}
        return self.replaced(**{name: value for name, value in changes.items() if value is not None})

    def with_resources(self, resource_defs: Mapping[str, Any]) -> SourceAsset:
        return self.replaced(resource_defs={**resource_defs, **self.resource_defs})

    def _state(self) -> tuple[Any, ...]:
        own = (self.io_manager_key, self.io_manager_def, self.observe_fn, self.bare_resource_keys)
        return (self._spec, *own, self.resource_defs, self.op_tags)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SourceAsset) and other._state() == self._state()

    def __hash__(self) -> int:
        return hash(self.key)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function that observes it."""
        definition = self.to_assets_definition()
        if self.observe_fn is None:
            raise InvariantViolationError(
                what=f'Source asset "{self.key}" was called.',
                why="Something else builds it, and it has no observe_fn.",
                fix="Load it where it is needed: name it as a parameter or in deps.",
            )
        return definition(*args, **kwargs)

    def __repr__(self) -> str:
        return f"SourceAsset({str(self.key)!r})"


def _observation(
    observe_fn: Callable[..., Any],
    spec: AssetSpec,
    *,
    io_manager_keys: Mapping[AssetKey, str],
    resource_defs: Mapping[str, Any],
    required_resource_keys: Iterable[str],
    op_tags: Mapping[str, Any],
) -> AssetsDefinition:
    signature = read_signature(observe_fn)
    if signature.inputs:
        raise InvalidDefinitionError(
            what=f'The function that observes "{spec.key}" has the parameter "{signature.inputs[0].name}".',
            why="An observation loads no assets: it looks at one where that lives.",
            fix="Take the context, config and resources only.",
        )
    # A value is loaded by the IO manager of the port, but an observation stores none.
    port = OutputPort("result", annotation=None, io_manager_key=io_manager_keys.get(spec.key, DEFAULT_IO_MANAGER_KEY))
    node = asset_op(
        observe_fn,
        spec.key.to_python_identifier(),
        signature,
        {},
        {"result": port},
        description=spec.description if spec.description is not None else docstring_of(observe_fn),
        config_schema=None,
        required_resource_keys=required_resource_keys,
        op_tags=op_tags,
        code_version=None,
        retry_policy=None,
        pool=None,
        timeout=None,
    )
    made: Asset[..., Any] = Asset(
        node_def=node,
        specs=[spec],
        keys_by_output_name={"result": spec.key},
        resource_defs=resource_defs,
        execution_type=AssetExecutionType.OBSERVATION,
        io_manager_keys=io_manager_keys,
    )
    return made


@overload
def observable_source_asset(observe_fn: Callable[..., Any], /) -> SourceAsset: ...


@overload
def observable_source_asset(
    *,
    key: CoercibleToAssetKey | None = None,
    name: str | None = None,
    key_prefix: CoercibleToAssetKeyPrefix | None = None,
    metadata: Mapping[str, Any] | None = None,
    io_manager_key: str | None = None,
    io_manager_def: Any = None,
    description: str | None = None,
    group_name: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    automation_condition: Any = None,
    freshness_policy: Any = None,
    op_tags: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., Any]], SourceAsset]: ...


@spelling_checked
def observable_source_asset(
    observe_fn: Callable[..., Any] | None = None,
    *,
    key: CoercibleToAssetKey | None = None,
    name: str | None = None,
    key_prefix: CoercibleToAssetKeyPrefix | None = None,
    metadata: Mapping[str, Any] | None = None,
    io_manager_key: str | None = None,
    io_manager_def: Any = None,
    description: str | None = None,
    group_name: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    automation_condition: Any = None,
    freshness_policy: Any = None,
    op_tags: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Any:
    """Declare an asset that something else builds and this function looks at.

    The function returns the DataVersion that it sees, or an ObserveResult with one and with metadata.
    """

    def decorate(function: Callable[..., Any]) -> SourceAsset:
        if key is not None and (name is not None or key_prefix is not None):
            raise InvalidDefinitionError(
                what=f'Source asset "{AssetKey.from_coercible(key)}" has a key, and a name or a key_prefix too.',
                why="They would contradict each other.",
                fix="Keep key=, or name= and key_prefix=.",
            )
        own_key = AssetKey((*prefix_parts(key_prefix), name or function.__name__)) if key is None else key
        return SourceAsset(
            own_key,
            metadata=metadata,
            io_manager_key=io_manager_key,
            io_manager_def=io_manager_def,
            description=description if description is not None else docstring_of(function),
            partitions_def=partitions_def,
            group_name=group_name,
            resource_defs=resource_defs,
            observe_fn=function,
            op_tags=op_tags,
            automation_condition=automation_condition,
            freshness_policy=freshness_policy,
            tags=tags,
            required_resource_keys=required_resource_keys,
        )

    return decorate(observe_fn) if observe_fn is not None else decorate


@spelling_checked
def multi_observable_source_asset(
    *,
    specs: Sequence[AssetSpec],
    name: str | None = None,
    description: str | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    can_subset: bool = False,
    required_resource_keys: Iterable[str] | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    group_name: str | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
) -> Callable[[Callable[P, R]], Asset[P, R]]:
    """Declare assets that something else builds and one function looks at; it yields an ObserveResult for each."""
    if group_name is not None:
        for spec in specs:
            if spec.group_name is not None:
                raise InvalidDefinitionError(
                    what=f'"{spec.key}" has the group "{spec.group_name}", and group_name="{group_name}" is given too.',
                    why="An asset has one group.",
                    fix="Leave out group_name=, or the groups of the specs.",
                )
    return multi_asset(
        specs=specs,
        name=name,
        description=description,
        partitions_def=partitions_def,
        can_subset=can_subset,
        required_resource_keys=required_resource_keys,
        resource_defs=resource_defs,
        group_name=group_name,
        check_specs=check_specs,
        execution_type=AssetExecutionType.OBSERVATION,
    )
