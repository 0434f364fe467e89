"""Asset definitions: the specs of one or more assets, and the node that builds them together.

`AssetsDefinition` is immutable; each `with_...` and `map_...` returns another one that shares the node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from headwater.authoring.graph_definition import GraphDefinition
from headwater.authoring.hooks import checked_hooks
from headwater.authoring.nodes import NodeDefinition, OutputPort
from headwater.authoring.op import OpDefinition
from headwater.model.errors import InvalidDefinitionError, InvalidSubsetError, InvariantViolationError, did_you_mean
from headwater.model.errors.definition import NothingToAnswer
from headwater.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from headwater.model.specs import (
    IO_MANAGER_KEY_METADATA,
    AssetCheckSpec,
    AssetDep,
    AssetExecutionType,
    AssetSpec,
    checked_kind,
)

if TYPE_CHECKING:
    from headwater.authoring.hooks import HookDefinition
    from headwater.authoring.source_asset import SourceAsset
    from headwater.model.partitions import PartitionMapping, PartitionsDefinition
    from headwater.model.policies import BackfillPolicy

P = ParamSpec("P")
R = TypeVar("R")


_NO_HOOKS: frozenset[HookDefinition] = frozenset()


class AssetsDefinition:
    """Assets that are built together by one node (an op or a graph); without a node they are only known of."""

    def __init__(
        self,
        *,
        node_def: NodeDefinition | None = None,
        specs: Iterable[AssetSpec] = (),
        keys_by_output_name: Mapping[str, AssetKey] | None = None,
        keys_by_input_name: Mapping[str, AssetKey] | None = None,
        check_specs: Iterable[AssetCheckSpec] = (),
        can_subset: bool = False,
        resource_defs: Mapping[str, Any] | None = None,
        backfill_policy: BackfillPolicy | None = None,
        hook_defs: Iterable[HookDefinition] = (),
        execution_type: AssetExecutionType | None = None,
        io_manager_keys: Mapping[AssetKey, str] | None = None,
        selected_keys: Set[AssetKey] | None = None,
        internal_deps: bool = False,
    ) -> None:
        self.node_def = node_def
        self.specs_by_key: dict[AssetKey, AssetSpec] = {spec.key: spec for spec in specs}
        self.keys_by_output_name: Mapping[str, AssetKey] = keys_by_output_name or {}
        self.loaded_by_input: Mapping[str, AssetKey] = keys_by_input_name or {}
        self.check_specs: tuple[AssetCheckSpec, ...] = tuple(check_specs)
        self.can_subset = can_subset
        self.resource_defs: Mapping[str, Any] = resource_defs or {}
        if backfill_policy is not None:
            checked_kind(backfill_policy, "headwater.model.policies", "BackfillPolicy", "backfill_policy=")
        self.backfill_policy = backfill_policy
        self.hook_defs = checked_hooks(hook_defs, f"{self}") if hook_defs else _NO_HOOKS
        if execution_type is None:
            execution_type = (
                AssetExecutionType.MATERIALIZATION if node_def is not None else AssetExecutionType.UNEXECUTABLE
            )
        self.execution_type = execution_type
        self.io_manager_keys: Mapping[AssetKey, str] = io_manager_keys or {}
        self.selected_keys: Set[AssetKey] = selected_keys if selected_keys is not None else self.specs_by_key.keys()
        self.has_internal_deps = internal_deps
        self._output_names = {key: name for name, key in self.keys_by_output_name.items()}
        self._io_manager_keys: dict[AssetKey, str] = {}

    # ------------------------------------------------------------------------------------------------------- reading

    @property
    def specs(self) -> Iterable[AssetSpec]:
        """What is declared of each asset, in order, with its group, and whether a run may leave it out."""
        return [self._resolved(spec) for spec in self.specs_by_key.values()]

    def _resolved(self, spec: AssetSpec) -> AssetSpec:
        """Return a spec as it counts here: in the group of those that name none, left out where only parts are built."""
        changes: dict[str, Any] = {}
        if spec.group_name is None:
            changes["group_name"] = spec.group
        if self.can_subset and not spec.skippable and self.node_def is not None:
            port = self.node_def.outs.get(self.output_name_of(spec.key) or "")
            if port is not None and port.is_by_spec:
                changes["skippable"] = True
        return spec.replace_attributes(**changes) if changes else spec

    @property
    def keys(self) -> Set[AssetKey]:
        """The keys of the assets that this definition builds."""
        return self.selected_keys

    @property
    def key(self) -> AssetKey:
        """The key, where there is just one asset."""
        if len(self.specs_by_key) != 1:
            named = ", ".join(f'"{key}"' for key in self.specs_by_key) or "none"
            raise NothingToAnswer(
                what=f"The key of a definition of {len(self.specs_by_key)} assets was asked for ({named}).",
                why="It does not say which of them is meant.",
                fix="Use .keys, or name one.",
            )
        return next(iter(self.specs_by_key))

    asset_key = key

    @property
    def op(self) -> OpDefinition:
        """The op that builds the assets. Raises InvariantViolationError for a graph and for an external asset."""
        if not isinstance(self.node_def, OpDefinition):
            raise InvariantViolationError(
                what=f"The op of {self} was asked for, which is not made by an op.",
                why="A graph has many ops, an external asset none.",
                fix="Use .node_def.",
            )
        return self.node_def

    @property
    def computation_name(self) -> str:
        """The name of the step that builds the assets."""
        return self.node_def.name if self.node_def is not None else next(iter(self.specs_by_key)).to_python_identifier()

    @property
    def is_subset(self) -> bool:
        """Whether it stands for some of the assets of what it was made from."""
        return len(self.selected_keys) < len(self.specs_by_key)

    @property
    def is_executable(self) -> bool:
        """Whether there is a function, so that it can build or observe."""
        return self.node_def is not None

    @property
    def is_materializable(self) -> bool:
        """Whether running it materializes the assets."""
        return self.execution_type is AssetExecutionType.MATERIALIZATION

    @property
    def is_external(self) -> bool:
        """Whether somebody else builds the assets."""
        return not self.is_materializable

    @property
    def is_observable(self) -> bool:
        """Whether running it observes the assets."""
        return self.execution_type is AssetExecutionType.OBSERVATION

    @property
    def check_specs_by_key(self) -> Mapping[AssetCheckKey, AssetCheckSpec]:
        """What is declared of the checks that the function evaluates itself, by key."""
        return {spec.key: spec for spec in self.check_specs}

    @property
    def check_keys(self) -> Set[AssetCheckKey]:
        """The keys of the checks that the function evaluates itself."""
        return self.check_specs_by_key.keys()

    @property
    def partitions_def(self) -> PartitionsDefinition[Any] | None:
        """The partitions of these assets, where all that are partitioned share one definition."""
        found = {
            id(spec.partitions_def): spec.partitions_def
            for spec in self.specs_by_key.values()
            if spec.partitions_def is not None
        }
        if not found:
            return None
        definitions = list(found.values())
        if any(definition != definitions[0] for definition in definitions[1:]):
            raise InvariantViolationError(
                what=f"The partitions of {self} were asked for, and its assets have different ones.",
                why="There is no single answer.",
                fix="Read partitions_def of each spec.",
            )
        return definitions[0]

    @property
    def dependency_keys(self) -> Iterable[AssetKey]:
        """The keys of all upstream assets, in order of declaration."""
        return {dep.asset_key: None for spec in self.specs_by_key.values() for dep in spec.deps}.keys()

    @property
    def asset_deps(self) -> Mapping[AssetKey, Set[AssetKey]]:
        """The upstream assets of each asset."""
        return {spec.key: {dep.asset_key for dep in spec.deps} for spec in self.specs_by_key.values()}

    @property
    def group_names_by_key(self) -> Mapping[AssetKey, str]:
        """The group of each asset."""
        return {spec.key: spec.group for spec in self.specs_by_key.values()}

    @property
    def metadata_by_key(self) -> Mapping[AssetKey, Mapping[str, Any]]:
        """The declared metadata of each asset."""
        return {spec.key: spec.metadata for spec in self.specs_by_key.values()}

    @property
    def tags_by_key(self) -> Mapping[AssetKey, Mapping[str, str]]:
        """The tags of each asset."""
        return {spec.key: spec.tags for spec in self.specs_by_key.values()}

    @property
    def descriptions_by_key(self) -> Mapping[AssetKey, str]:
        """The description of each asset that has one."""
        return {spec.key: spec.description for spec in self.specs_by_key.values() if spec.description is not None}

    @property
    def code_versions_by_key(self) -> Mapping[AssetKey, str | None]:
        """The code version of each asset."""
        return {spec.key: spec.code_version for spec in self.specs_by_key.values()}

    @property
    def owners_by_key(self) -> Mapping[AssetKey, Sequence[str]]:
        """The owners of each asset."""
        return {spec.key: spec.owners for spec in self.specs_by_key.values()}

    @property
    def automation_conditions_by_key(self) -> Mapping[AssetKey, Any]:
        """The automation condition of each asset that has one."""
        return {s.key: s.automation_condition for s in self.specs_by_key.values() if s.automation_condition is not None}

    @property
    def required_resource_keys(self) -> Set[str]:
        """The keys of all resources that building these assets needs, IO managers among them."""
        keys: set[str] = set()
        for op_def in self.ops():
            keys |= op_def.required_resource_keys
        for hook in self.hook_defs:
            keys |= hook.required_resource_keys
        keys.update(self.io_manager_key_of(key) for key in self.specs_by_key if not self._is_valueless(key))
        return keys

    def _is_valueless(self, key: AssetKey) -> bool:
        port = self.output_port_of(key)
        return port is not None and port.is_nothing

    @property
    def asset_and_check_keys(self) -> Set[AssetKey | AssetCheckKey]:
        """The keys of the assets that this definition builds, and of the checks that its function evaluates."""
        return {*self.keys, *self.check_keys}

    @property
    def has_keys(self) -> bool:
        """Whether it has assets."""
        return bool(self.keys)

    @property
    def has_check_keys(self) -> bool:
        """Whether its function evaluates checks."""
        return bool(self.check_specs)

    @property
    def check_key(self) -> AssetCheckKey:
        """The key of the check, where there is just one. Raises InvariantViolationError otherwise."""
        if len(self.check_specs) != 1:
            raise InvariantViolationError(
                what=f"The key of the check of {self} was asked for, which has {len(self.check_specs)} checks.",
                why="It does not say which of them is meant.",
                fix="Use .check_keys.",
            )
        return self.check_specs[0].key

    def get_spec_for_check_key(self, asset_check_key: AssetCheckKey) -> AssetCheckSpec:
        """Return what is declared of a check. Raises InvariantViolationError that offers the nearest one."""
        by_key = self.check_specs_by_key
        if asset_check_key not in by_key:
            raise InvariantViolationError(
                what=f'{self} does not evaluate the check "{asset_check_key}".',
                why="Nothing could be looked up.",
                fix=did_you_mean(str(asset_check_key), map(str, by_key)) or "See .check_keys.",
            )
        return by_key[asset_check_key]

    def get_checks_targeting_keys(self, keys: Set[AssetKey]) -> Set[AssetCheckKey]:
        """Return the keys of the checks of these assets that the function evaluates."""
        return {key for key in self.check_keys if key.asset_key in keys}

    @property
    def input_names(self) -> Iterable[str]:
        """The names of the inputs by which other assets come in: parameters, then the names of what is only in `deps`."""
        return self.keys_by_input_name.keys()

    @property
    def keys_by_input_name(self) -> Mapping[str, AssetKey]:
        """The key of each asset that comes in, by parameter; what is only in `deps`, by its parts: "sales_orders"."""
        if self.node_def is None:
            return {}
        loaded = set(self.loaded_by_input.values())
        named = {
            "_".join(dep.asset_key.parts): dep.asset_key
            for spec in self.specs_by_key.values()
            for dep in spec.deps
            if dep.asset_key not in loaded and dep.asset_key not in self.specs_by_key
        }
        return {**named, **self.loaded_by_input}

    def has_output_for_asset_key(self, key: AssetKey) -> bool:
        """Whether an output stores this asset."""
        return key in self._output_names

    def get_io_manager_key_for_asset_key(self, key: AssetKey) -> str:
        """Return the key of the IO manager that stores and loads this asset."""
        return self.io_manager_key_of(key)

    def get_op_def_for_asset_key(self, key: AssetKey) -> OpDefinition | None:
        """Return the op whose output is this asset, also inside a graph; None for an asset that is not built here."""
        name = self.output_name_of(key)
        node = self.node_def
        while isinstance(node, GraphDefinition) and name is not None:
            source = node.get_output_mapping(name)
            node, name = node.node_named(source.mapped_node_name).definition, source.mapped_node_output_name
        return node if isinstance(node, OpDefinition) and name is not None else None

    def get_partition_mapping_for_dep(self, dep_key: AssetKey) -> PartitionMapping | None:
        """Return the declared mapping to an upstream asset, None for the default one."""
        return self.get_partition_mapping(dep_key)

    def ops(self) -> Iterator[OpDefinition]:
        """Yield each op that building these assets uses."""
        if self.node_def is not None:
            yield from ops_within(self.node_def)

    def get_asset_spec(self, key: AssetKey | None = None) -> AssetSpec:
        """Return what is declared of an asset; the key may be left out where there is just one."""
        return self._resolved(self.specs_by_key[key or self.key])

    def output_name_of(self, key: AssetKey) -> str | None:
        """Return the name of the output that stores an asset, None when there is none."""
        return self._output_names.get(key)

    def get_output_name_for_asset_key(self, key: AssetKey) -> str:
        """Return the name of the output that stores an asset. Raises InvariantViolationError when there is none."""
        name = self.output_name_of(key)
        if name is None:
            raise InvariantViolationError(
                what=f'{self} has no output for "{key}".',
                why="Only the assets that it builds have one.",
                fix=did_you_mean(str(key), map(str, self.specs_by_key)),
            )
        return name

    def output_port_of(self, key: AssetKey) -> OutputPort | None:
        """Return the output that stores an asset, None when there is none."""
        name = self.output_name_of(key)
        return self.node_def.outs.get(name) if self.node_def is not None and name is not None else None

    def io_manager_key_of(self, key: AssetKey) -> str:
        """Return the key of the IO manager that stores and loads this asset."""
        known = self._io_manager_keys.get(key)
        if known is None:
            given = self.io_manager_keys.get(key) or self.specs_by_key[key].metadata.get(IO_MANAGER_KEY_METADATA)
            port = self.output_port_of(key) if given is None else None
            known = str(given) if given is not None else port.io_manager_key if port is not None else "io_manager"
            self._io_manager_keys[key] = known
        return known

    def partition_mapping_of(self, key: AssetKey, upstream: AssetKey) -> PartitionMapping | None:
        """Return the declared mapping from an asset to one upstream, None for the default one."""
        return next((dep.partition_mapping for dep in self.specs_by_key[key].deps if dep.asset_key == upstream), None)

    def get_partition_mapping(self, in_asset_key: AssetKey) -> PartitionMapping | None:
        """Return the declared mapping to an upstream asset, None for the default one."""
        for spec in self.specs_by_key.values():
            for dep in spec.deps:
                if dep.asset_key == in_asset_key:
                    return dep.partition_mapping
        return None

    def __repr__(self) -> str:
        return f"AssetsDefinition({', '.join(map(str, self.specs_by_key)) or ', '.join(map(str, self.check_keys))})"

    # ------------------------------------------------------------------------------------------------------ changing

    def _copied(self, **changes: Any) -> AssetsDefinition:
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        AssetsDefinition.__init__(
            made,
            **{
                "node_def": self.node_def,
                "specs": self.specs_by_key.values(),
                "keys_by_output_name": self.keys_by_output_name,
                "keys_by_input_name": self.loaded_by_input,
                "check_specs": self.check_specs,
                "can_subset": self.can_subset,
                "resource_defs": self.resource_defs,
                "backfill_policy": self.backfill_policy,
                "hook_defs": self.hook_defs,
                "execution_type": self.execution_type,
                "io_manager_keys": self.io_manager_keys,
                "internal_deps": self.has_internal_deps,
                **changes,
            },
        )
        return made

    def map_asset_specs(self, fn: Callable[[AssetSpec], AssetSpec]) -> AssetsDefinition:
        """Return the same definition with each spec replaced by what `fn` makes of it."""
        replaced = {key: fn(spec) for key, spec in self.specs_by_key.items()}
        for key, spec in replaced.items():
            if not isinstance(spec, AssetSpec):
                raise InvalidDefinitionError(
                    what=f'The function given to map_asset_specs returned {spec!r} for "{key}".',
                    why="Each spec is replaced by what the function returns.",
                    fix="Return spec, or spec.replace_attributes(...).",
                )
            old_inputs = set(self.loaded_by_input.values())
            lost = old_inputs - {dep.asset_key for other in replaced.values() for dep in other.deps}
            if lost:
                raise InvalidDefinitionError(
                    what=f'map_asset_specs removed the dependency of "{key}" on "{next(iter(lost))}".',
                    why="Its function has a parameter that loads that asset.",
                    fix="Keep the dependency, or remove the parameter.",
                )
        return self._with_specs(replaced)

    def _with_specs(self, spec_by_old_key: Mapping[AssetKey, AssetSpec]) -> AssetsDefinition:
        new_key = {old: spec.key for old, spec in spec_by_old_key.items()}
        return self._copied(
            specs=list(spec_by_old_key.values()),
            keys_by_output_name={name: new_key.get(key, key) for name, key in self.keys_by_output_name.items()},
            check_specs=[
                spec.replace_attributes(asset=new_key[spec.asset_key])
                if new_key.get(spec.asset_key, spec.asset_key) != spec.asset_key
                else spec
                for spec in self.check_specs
            ],
            io_manager_keys={new_key.get(key, key): value for key, value in self.io_manager_keys.items()},
        )

    def with_replaced_keys(self, new_keys: Mapping[AssetKey, AssetKey]) -> AssetsDefinition:
        """Return the same definition under other keys, in what it builds and in what it depends on."""
        if not new_keys:
            return self

        def moved(spec: AssetSpec) -> AssetSpec:
            deps = [
                AssetDep(new_keys.get(dep.asset_key, dep.asset_key), partition_mapping=dep.partition_mapping)
                for dep in spec.deps
            ]
            return spec.replace_attributes(key=new_keys.get(spec.key, spec.key), deps=deps)

        made = self._with_specs({key: moved(spec) for key, spec in self.specs_by_key.items()})
        return made._copied(
            keys_by_input_name={name: new_keys.get(key, key) for name, key in self.loaded_by_input.items()},
            check_specs=[
                spec.replace_attributes(
                    asset=new_keys.get(spec.asset_key, spec.asset_key),
                    additional_deps=[
                        AssetDep(new_keys.get(dep.asset_key, dep.asset_key), partition_mapping=dep.partition_mapping)
                        for dep in spec.additional_deps
                    ],
                )
                for spec in self.check_specs
            ],
        )

    def with_attributes(
        self,
        *,
        asset_key_replacements: Mapping[AssetKey, AssetKey] | None = None,
        group_names_by_key: Mapping[AssetKey, str] | None = None,
        tags_by_key: Mapping[AssetKey, Mapping[str, str]] | None = None,
        metadata_by_key: Mapping[AssetKey, Mapping[str, Any]] | None = None,
        freshness_policy: Any = None,
        automation_condition: Any = None,
        backfill_policy: BackfillPolicy | None = None,
        hook_defs: Iterable[HookDefinition] | None = None,
        resource_defs: Mapping[str, Any] | None = None,
    ) -> AssetsDefinition:
        """Return the same definition with these things said of its assets."""

        def changed(spec: AssetSpec) -> AssetSpec:
            changes: dict[str, Any] = {}
            if group_names_by_key and spec.key in group_names_by_key:
                changes["group_name"] = group_names_by_key[spec.key]
            if tags_by_key and spec.key in tags_by_key:
                changes["tags"] = {**spec.tags, **tags_by_key[spec.key]}
            if metadata_by_key and spec.key in metadata_by_key:
                changes["metadata"] = {**spec.metadata, **metadata_by_key[spec.key]}
            if freshness_policy is not None:
                changes["freshness_policy"] = freshness_policy
            if automation_condition is not None:
                changes["automation_condition"] = automation_condition
            return spec.replace_attributes(**changes) if changes else spec

        made = self._copied(
            specs=[changed(spec) for spec in self.specs_by_key.values()],
            backfill_policy=backfill_policy or self.backfill_policy,
            hook_defs=self.hook_defs | frozenset(hook_defs or ()),
            resource_defs={**self.resource_defs, **(resource_defs or {})},
        )
        return made.with_replaced_keys(asset_key_replacements or {})

    def with_hooks(self, hook_defs: Iterable[HookDefinition]) -> AssetsDefinition:
        """Return the same definition with more hooks."""
        return self._copied(hook_defs=self.hook_defs | frozenset(hook_defs))

    def with_resources(self, resource_defs: Mapping[str, Any]) -> AssetsDefinition:
        """Return the same definition with resources for the keys for which it has none."""
        return self._copied(resource_defs={**resource_defs, **self.resource_defs})

    def to_external(self) -> AssetsDefinition:
        """Return the same assets as something that is only known of and loaded, not built."""
        return AssetsDefinition(
            specs=[spec.replace_attributes(deps=[]) for spec in self.specs_by_key.values()],
            io_manager_keys={key: self.io_manager_key_of(key) for key in self.specs_by_key},
            resource_defs=self.resource_defs,
        )

    def to_source_assets(self) -> list[SourceAsset]:
        """Return each asset as one that somebody else builds."""
        return [self._as_source(spec) for spec in self.specs_by_key.values()]

    def to_source_asset(self, key: CoercibleToAssetKey | None = None) -> SourceAsset:
        """Return an asset as one that somebody else builds; the key may be left out where there is just one.

        Raises InvariantViolationError when it is left out and there are several, or when the key is none of them.
        """
        wanted = self.key if key is None else AssetKey.from_coercible(key)
        if wanted not in self.specs_by_key:
            raise NothingToAnswer(
                what=f'{self} does not build "{wanted}".',
                why="There is nothing to return.",
                fix=did_you_mean(str(wanted), map(str, self.specs_by_key)) or "See .keys.",
            )
        return self._as_source(self.specs_by_key[wanted])

    def _as_source(self, spec: AssetSpec) -> SourceAsset:
        from headwater.authoring.source_asset import SourceAsset

        return SourceAsset(
            spec.key,
            metadata=spec.metadata,
            io_manager_key=self.io_manager_key_of(spec.key),
            description=spec.description,
            partitions_def=spec.partitions_def,
            group_name=spec.group_name,
            resource_defs=self.resource_defs,
            tags=spec.tags,
        )

    def check_subset(self, keys: Iterable[AssetKey]) -> None:
        """Raise InvalidSubsetError when only some of these assets are asked for and they are built together."""
        wanted = set(keys)
        if self.can_subset or wanted >= set(self.specs_by_key) or not self.is_executable:
            return
        missing = ", ".join(f'"{key}"' for key in self.specs_by_key if key not in wanted)
        some = ", ".join(f'"{key}"' for key in self.specs_by_key if key in wanted)
        raise InvalidSubsetError(
            what=f'{some} cannot be built without {missing}: "{self.computation_name}" builds them together.',
            why="It was not declared with can_subset=True.",
            fix=f"Select {missing} too (.required_multi_asset_neighbors() does), or declare can_subset=True and yield only "
            f"what is in context.selected_output_names.",
        )

    # -------------------------------------------------------------------------------------------------------- making

    @staticmethod
    def from_op(op_def: OpDefinition, **options: Any) -> AssetsDefinition:
        """Return assets that are the outputs of an op; takes what `from_graph` takes."""
        from headwater.authoring.assets_of_node import assets_of_node

        return assets_of_node(op_def, **options)

    @staticmethod
    def from_graph(graph_def: GraphDefinition, **options: Any) -> AssetsDefinition:
        """Return assets that are the outputs of a graph.

        Options: keys_by_input_name, keys_by_output_name, key_prefix, internal_asset_deps, partitions_def,
        partition_mappings, resource_defs, group_name, backfill_policy, can_subset, check_specs, and by output name:
        group_names, descriptions, metadata, tags, owners, code_versions, automation_conditions (`..._by_output_name`).
        """
        from headwater.authoring.assets_of_node import assets_of_node

        return assets_of_node(graph_def, **options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from headwater.authoring.composition import current_composition
        from headwater.authoring.invocation import invoke_asset

        composition = current_composition()
        if composition is not None:
            raise InvalidDefinitionError(
                what=f'Asset "{self.computation_name}" was called inside {composition.kind} "{composition.graph_name}".',
                why="Assets find each other by key; graphs are made of ops.",
                fix="Use an op there, or give the asset as a dependency of another asset.",
            )
        return invoke_asset(self, args, kwargs)


class Asset(AssetsDefinition, Generic[P, R]):
    """What `@asset` and `@multi_asset` give: a definition that can still be called as the function that it was."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        made: R = super().__call__(*args, **kwargs)
        return made


def ops_within(node: NodeDefinition) -> Iterator[OpDefinition]:
    """Yield each op of a node, those of nested graphs too."""
    if isinstance(node, OpDefinition):
        yield node
    elif isinstance(node, GraphDefinition):
        for use in node.uses.values():
            yield from ops_within(use.definition)
