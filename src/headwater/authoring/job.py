"""Jobs: what is run together. A job of ops is a graph with resources; an asset job is a selection of assets.

A job is a definition and decides nothing: the planner reads it, the engine runs the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, NoReturn, overload

from headwater.authoring.config import ConfigMapping, RunConfig, run_config_dict
from headwater.authoring.graph_definition import GraphDefinition, graph_of_function
from headwater.authoring.hooks import checked_hooks
from headwater.authoring.op import OpDefinition, docstring_of, json_tags
from headwater.authoring.running import runtime_function
from headwater.authoring.unconnected_inputs import refuse_unconnected_inputs
from headwater.model.errors import InvalidDefinitionError, InvalidSubsetError, InvariantViolationError, did_you_mean
from headwater.model.keys import AssetCheckKey, AssetKey
from headwater.model.named_arguments import spelling_checked
from headwater.model.specs import checked_name

if TYPE_CHECKING:
    from headwater.authoring.asset_index import AssetIndex
    from headwater.authoring.assets import AssetsDefinition
    from headwater.authoring.executors import ExecutorDefinition
    from headwater.authoring.hooks import HookDefinition
    from headwater.authoring.nodes import NodeDefinition, NodeUse
    from headwater.model.partitions import PartitionsDefinition
    from headwater.model.policies import RetryPolicy
    from headwater.runtime.instance import Instance
    from headwater.runtime.results import ExecuteInProcessResult


class JobDefinition:
    """Something that can be run as a whole: a graph of ops (`graph_def`), or assets of an index (`asset_keys`)."""

    def __init__(
        self,
        *,
        graph_def: GraphDefinition | None = None,
        name: str | None = None,
        description: str | None = None,
        resource_defs: Mapping[str, Any] | None = None,
        executor_def: Any = None,
        logger_defs: Mapping[str, Any] | None = None,
        config: Any = None,
        tags: Mapping[str, Any] | None = None,
        run_tags: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        hooks: Iterable[HookDefinition] | None = None,
        hook_defs: Iterable[HookDefinition] | None = None,
        op_retry_policy: RetryPolicy | None = None,
        partitions_def: PartitionsDefinition[Any] | None = None,
        input_values: Mapping[str, Any] | None = None,
        op_selection: Sequence[str] | None = None,
        asset_index: AssetIndex | None = None,
        asset_keys: Iterable[AssetKey] = (),
        check_keys: Iterable[AssetCheckKey] = (),
        timeout: float | None = None,
        owners: Sequence[str] | None = None,
    ) -> None:
        self.graph_def = graph_def
        self.name = checked_name(name or (graph_def.name if graph_def else ""), "a job")
        self.description = description if description is not None else (graph_def.description if graph_def else None)
        self.resource_defs: dict[str, Any] = dict(resource_defs or {})
        self.given_executor: ExecutorDefinition | None = executor_def
        self.given_loggers: Mapping[str, Any] = logger_defs or {}
        self.config = config
        self.tags: Mapping[str, str] = json_tags(tags)
        self.run_tags: Mapping[str, str] = json_tags(run_tags) if run_tags is not None else self.tags
        self.metadata: Mapping[str, Any] = _normalized(metadata) if metadata else {}
        self.hook_defs = checked_hooks(hooks, f'job "{self.name}"') | checked_hooks(hook_defs, f'job "{self.name}"')
        self.op_retry_policy = op_retry_policy
        self.explicit_partitions_def = partitions_def
        self.input_values: Mapping[str, Any] = input_values or {}
        self.op_selection = tuple(op_selection) if op_selection else None
        self.asset_index = asset_index
        self.asset_keys = frozenset(asset_keys)
        self.check_keys = frozenset(check_keys)
        self.timeout_seconds = timeout
        self.owners = tuple(owners or ())
        self._assets_definitions: (
            list[tuple[AssetsDefinition, frozenset[AssetKey], frozenset[AssetCheckKey]]] | None
        ) = None
        for given in self.input_values:
            if graph_def is not None and given not in graph_def.ins:
                raise InvalidDefinitionError(
                    what=f'Job "{self.name}" got an input value for "{given}", and its graph has no such input.',
                    why="The value would have nowhere to go.",
                    fix=f"{did_you_mean(given, graph_def.ins)}Its inputs are: {', '.join(graph_def.ins) or 'none'}.",
                )
        if graph_def is not None:
            refuse_unconnected_inputs(graph_def, self.name)
            for stored in graph_def.stored_assets():
                self.resource_defs = {**stored.definition.resource_defs, **self.resource_defs}

    @property
    def graph(self) -> GraphDefinition:
        """The graph of a job of ops. Raises InvalidDefinitionError for a job of assets."""
        if self.graph_def is None:
            raise InvalidDefinitionError(
                what=f'The graph of job "{self.name}" was asked for, which is a job of assets.',
                why="Assets find each other by key.",
                fix="Use .asset_keys.",
            )
        return self.graph_def

    @property
    def executor_def(self) -> ExecutorDefinition:
        """The executor that carries out the steps; the default one where the job names none."""
        from headwater.authoring.executors import multi_or_in_process_executor

        return self.given_executor or multi_or_in_process_executor

    @property
    def loggers(self) -> Mapping[str, Any]:
        """The loggers by name; where the job names none, those that a run's config can switch on."""
        from headwater.authoring.loggers import default_loggers

        return self.given_loggers or default_loggers()

    @property
    def is_asset_job(self) -> bool:
        """Whether the job is a selection of assets, not a graph of ops."""
        return self.graph_def is None

    @property
    def partitioned_config(self) -> Any:
        """The PartitionedConfig of this job, None when it has none."""
        return self.config if hasattr(self.config, "run_config_for_partition_fn") else None

    @property
    def partitions_def(self) -> PartitionsDefinition[Any] | None:
        """What this job can be partitioned by: given, from its partitioned config, or what its assets share."""
        if self.explicit_partitions_def is not None:
            return self.explicit_partitions_def
        if self.partitioned_config is not None:
            found: PartitionsDefinition[Any] = self.partitioned_config.partitions_def
            return found
        if self.asset_index is not None:
            definitions: list[PartitionsDefinition[Any]] = []
            for key in sorted(self.asset_keys):
                spec = self.asset_index.spec(key)
                if spec is not None and spec.partitions_def is not None and spec.partitions_def not in definitions:
                    definitions.append(spec.partitions_def)
            return definitions[0] if len(definitions) == 1 else None
        return None

    def assets_definitions(self) -> list[tuple[AssetsDefinition, frozenset[AssetKey], frozenset[AssetCheckKey]]]:
        """Return the definitions that this job runs, with which of their assets and checks, in order of declaration."""
        if self._assets_definitions is None:
            self._assets_definitions = list(self._find_assets_definitions())
        return self._assets_definitions

    def _find_assets_definitions(
        self,
    ) -> Iterator[tuple[AssetsDefinition, frozenset[AssetKey], frozenset[AssetCheckKey]]]:
        wanted, wanted_checks = self.asset_keys, self.check_keys
        for definition in self.asset_index.definitions if self.asset_index is not None else ():
            if definition.is_executable:
                keys = frozenset(key for key in definition.specs_by_key if key in wanted)
                checks = frozenset(spec.key for spec in definition.check_specs if spec.key in wanted_checks)
                if keys or checks:
                    yield definition, keys, checks

    def ops(self) -> list[OpDefinition]:
        """Return every op that a run of this job may call."""
        from headwater.authoring.assets import ops_within

        if self.graph_def is not None:
            return list(ops_within(self.graph_def))
        return [op for definition, _, _ in self.assets_definitions() for op in definition.ops()]

    def preset_config(self, partition_key: str | None = None) -> dict[str, Any]:
        """Return the config that the job itself brings, for one partition where it is made by partition."""
        if self.config is None:
            return {}
        partitioned = self.partitioned_config
        if partitioned is not None:
            if partition_key is None:
                return {}
            return run_config_dict(partitioned.get_run_config_for_partition_key(partition_key))
        if isinstance(self.config, ConfigMapping):
            return {}
        if isinstance(self.config, (RunConfig, Mapping)):
            return run_config_dict(self.config)
        raise InvalidDefinitionError(
            what=f'Job "{self.name}" has a config of the type {type(self.config).__name__}.',
            why="It is not clear how it would become a run's config.",
            fix="Give a dict, a RunConfig, a ConfigMapping or a PartitionedConfig.",
        )

    def copied(self, **changes: Any) -> JobDefinition:
        """Return the same job with some of its parts replaced."""
        return JobDefinition(**{**self._parts(), **changes})

    def _parts(self) -> dict[str, Any]:
        return {
            "graph_def": self.graph_def,
            "name": self.name,
            "description": self.description,
            "resource_defs": self.resource_defs,
            "executor_def": self.given_executor,
            "logger_defs": self.given_loggers,
            "config": self.config,
            "tags": self.tags,
            "run_tags": self.run_tags,
            "metadata": self.metadata,
            "hook_defs": self.hook_defs,
            "op_retry_policy": self.op_retry_policy,
            "partitions_def": self.explicit_partitions_def,
            "input_values": self.input_values,
            "op_selection": self.op_selection,
            "asset_index": self.asset_index,
            "asset_keys": self.asset_keys,
            "check_keys": self.check_keys,
            "timeout": self.timeout_seconds,
            "owners": self.owners,
        }

    # Two jobs are one when all that was said of them is the same: a graph may become a job wherever it is used.
    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, JobDefinition) and self._parts() == other._parts())

    def __hash__(self) -> int:
        return hash(self.name)

    def with_hooks(self, hook_defs: Iterable[HookDefinition]) -> JobDefinition:
        """Return the same job with more hooks, on each of its steps."""
        return self.copied(hook_defs=self.hook_defs | frozenset(hook_defs))

    def with_top_level_resources(self, resource_defs: Mapping[str, Any]) -> JobDefinition:
        """Return this job with these resources, in place of those that it has for the same keys."""
        return self.copied(resource_defs={**self.resource_defs, **resource_defs})

    def for_assets(
        self, asset_keys: Iterable[AssetKey], check_keys: Iterable[AssetCheckKey] | None = None
    ) -> JobDefinition:
        """Return the same asset job for some of its assets and checks."""
        wanted = frozenset(asset_keys)
        unknown = wanted - self.asset_keys
        if unknown:
            named = sorted(map(str, unknown))
            raise InvalidSubsetError(
                what=f'Job "{self.name}" does not contain {", ".join(named)}.',
                why="A run can take part of a job, not more than it.",
                fix=did_you_mean(named[0], map(str, self.asset_keys)),
            )
        checks = self.check_keys if check_keys is None else frozenset(check_keys)
        if check_keys is None:
            checks = frozenset(key for key in checks if key.asset_key in wanted)
        return self.copied(asset_keys=wanted, check_keys=checks)

    # ------------------------------------------------------------------------------------------- what it is made of

    @property
    def top_level_node_defs(self) -> list[NodeDefinition]:
        """The definitions of the nodes of the job's graph, or of what builds its assets, each once."""
        if self.graph_def is not None:
            return self.graph_def.node_defs
        return [
            definition.node_def for definition, _, _ in self.assets_definitions() if definition.node_def is not None
        ]

    @property
    def is_subset(self) -> bool:
        """Whether it runs some of the ops of what it was made from."""
        return self.op_selection is not None

    @property
    def all_node_defs(self) -> list[NodeDefinition]:
        """The definitions of all nodes, those inside graphs too, each name once."""
        inside = (node for top in self.top_level_node_defs for node in top.iterate_node_defs())
        return list({node.name: node for node in inside}.values())

    @property
    def nodes(self) -> list[NodeUse]:
        """The nodes of a graph's job as they are used. Raises InvalidDefinitionError for a job of assets."""
        return self.graph.nodes

    @property
    def dependencies(self) -> Mapping[Any, Mapping[str, Any]]:
        """Where the inputs of each node of a graph's job come from. Raises InvalidDefinitionError for a job of assets."""
        return self.graph.dependencies

    def has_node_named(self, name: str) -> bool:
        """Whether a node has this name at the top of the job."""
        return any(node.name == name for node in (self.nodes if self.graph_def else self.top_level_node_defs))

    def get_node_named(self, name: str) -> NodeUse:
        """Return the node of this name of a graph's job. Raises InvalidDefinitionError that offers the nearest one."""
        return self.graph.node_named(name)

    def node_def_named(self, name: str) -> NodeDefinition:
        """Return the definition of this name, at any depth. Raises InvariantViolationError that offers the nearest one."""
        by_name = {node.name: node for node in self.all_node_defs}
        if name not in by_name:
            raise InvariantViolationError(
                what=f'Job "{self.name}" has no node "{name}".',
                why="Nothing could be looked up.",
                fix=f"{did_you_mean(name, by_name)}Its nodes are: {', '.join(by_name)}.",
            )
        return by_name[name]

    @property
    def required_resource_keys(self) -> Set[str]:
        """The keys of all resources that a run of the job may need, IO managers among them."""
        keys = {key for definition, _, _ in self.assets_definitions() for key in definition.required_resource_keys}
        for op in self.ops() if self.graph_def is not None else ():
            keys |= op.required_resource_keys
            keys |= {port.io_manager_key for port in op.outs.values() if not port.is_nothing}
            keys |= {port.input_manager_key for port in op.ins.values() if port.input_manager_key}
        return keys.union(*(hook.required_resource_keys for hook in self.hook_defs))

    @property
    def has_specified_executor(self) -> bool:
        """Whether the job names an executor."""
        return self.given_executor is not None

    @property
    def has_specified_loggers(self) -> bool:
        """Whether the job has loggers of its own."""
        return bool(self.given_loggers)

    @property
    def config_mapping(self) -> ConfigMapping | None:
        """The function that makes the config of a run from a smaller one, None when there is none."""
        return self.config if isinstance(self.config, ConfigMapping) else None

    @property
    def run_config(self) -> Mapping[str, Any] | None:
        """The config that each run has; None when there is none, or it is made for each run."""
        return self.preset_config() if isinstance(self.config, RunConfig | Mapping) else None

    def describe_target(self) -> str:
        """Return the job in words."""
        return f"job '{self.name}'"

    # ------------------------------------------------------------------------------------------------------ partitions

    def get_partition_keys(self, selected_asset_keys: Iterable[AssetKey] | None = None) -> Sequence[str]:
        """Return the keys of the partitions that exist now. Raises InvariantViolationError for a job without partitions."""
        keys: Sequence[str] = self._partitions_of(selected_asset_keys).get_partition_keys()
        return keys

    def get_run_config_for_partition_key(self, partition_key: str) -> Mapping[str, Any]:
        """Return the config that the job brings to a run of one partition."""
        return self.preset_config(partition_key)

    def get_tags_for_partition_key(
        self, partition_key: str, selected_asset_keys: Iterable[AssetKey] | None = None
    ) -> Mapping[str, str]:
        """Return the tags of a run of one partition that say which it is, and those of a partitioned config.

        Raises InvariantViolationError for a job without partitions.
        """
        if self.partitioned_config is not None:
            tags: Mapping[str, str] = self.partitioned_config.get_tags_for_partition_key(partition_key)
            return tags
        return self._partitions_of(selected_asset_keys).get_tags_for_partition_key(partition_key)

    def validate_partition_key(
        self, partition_key: str, selected_asset_keys: Iterable[AssetKey] | None = None, context: Any = None
    ) -> None:
        """Raise UnknownPartitionError when there is no such partition now.

        `context`, a PartitionLoadingContext, says for which instant and with which dynamic partitions it is looked up.
        """
        self._partitions_of(selected_asset_keys).validate_partition_key(
            partition_key,
            context.effective_dt if context is not None else None,
            context.dynamic_partitions_store if context is not None else None,
        )

    def _partitions_of(self, selected: Iterable[AssetKey] | None) -> PartitionsDefinition[Any]:
        job_def = self if selected is None else self.for_assets(selected)
        if job_def.partitions_def is None:
            raise InvariantViolationError(
                what=f'The partitions of job "{self.name}" were asked for, which has none.',
                why="It, or what is selected of it, is not partitioned by one definition.",
                fix="Give it partitions_def=, or select assets that share their partitions.",
            )
        return job_def.partitions_def

    # -------------------------------------------------------------------------------------------------------- changing

    def with_executor_def(self, executor_def: ExecutorDefinition) -> JobDefinition:
        """Return the same job with this executor."""
        return self.copied(executor_def=executor_def)

    def with_logger_defs(self, logger_defs: Mapping[str, Any]) -> JobDefinition:
        """Return the same job with these loggers."""
        return self.copied(logger_defs=logger_defs)

    def with_metadata(self, metadata: Mapping[str, Any]) -> JobDefinition:
        """Return the same job with this metadata."""
        return self.copied(metadata=metadata)

    def get_subset(
        self,
        *,
        op_selection: Iterable[str] | None = None,
        asset_selection: Iterable[AssetKey] | None = None,
        asset_check_selection: Iterable[AssetCheckKey] | None = None,
    ) -> JobDefinition:
        """Return the part of this job that is selected: ops of a graph's job, or assets and checks of an asset job.

        Without a selection, this job. Raises InvalidSubsetError for what the job does not have.
        """
        if op_selection is not None:
            return self.copied(op_selection=tuple(op_selection))
        if asset_selection is None and asset_check_selection is None:
            return self
        return self.for_assets(asset_selection or (), asset_check_selection)

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: a job is not called, neither by itself nor within another one."""
        raise InvariantViolationError(
            what=f'Job "{self.name}" was called.',
            why="A job is run as a whole, with what is recorded of it.",
            fix=f"Run it with {self.name}.execute_in_process(), or call a graph in its place within another job.",
        )

    def execute_in_process(
        self,
        run_config: Any = None,
        instance: Instance | None = None,
        partition_key: str | None = None,
        raise_on_error: bool = True,
        op_selection: Sequence[str] | None = None,
        asset_selection: Sequence[Any] | None = None,
        run_id: str | None = None,
        input_values: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        resources: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> ExecuteInProcessResult:
        """Run this job in this process and return what came of it; without an instance, nothing is kept afterwards.

        `input_values` are the values of the inputs of a graph's job, by name. A failed step raises its own exception,
        or with `raise_on_error=False` is told in the result. The executor of the job is left aside.
        """
        from headwater.authoring.executors import in_callers_process

        made: ExecuteInProcessResult = runtime_function("execute_job_in_process")(
            self if self.given_executor is None else self.copied(executor_def=in_callers_process),
            run_config=run_config,
            instance=instance,
            partition_key=partition_key,
            raise_on_error=raise_on_error,
            op_selection=op_selection,
            asset_selection=asset_selection,
            run_id=run_id,
            input_values=input_values,
            tags=tags,
            resources=resources,
            **options,
        )
        return made

    def run_request_for_partition(
        self, partition_key: str, run_key: str | None = None, tags: Mapping[str, str] | None = None, **options: Any
    ) -> Any:
        """Return a RunRequest for one partition of this job."""
        from headwater.authoring.run_request import RunRequest

        options.setdefault("run_config", self.preset_config(partition_key))
        partition_tags = self.get_tags_for_partition_key(partition_key) if self.partitions_def is not None else {}
        return RunRequest(
            run_key=run_key,
            job_name=self.name,
            tags={**(tags or {}), **partition_tags},
            partition_key=partition_key,
            **options,
        )

    def __repr__(self) -> str:
        return f"JobDefinition({self.name!r})"


def _normalized(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    from headwater.model.metadata import normalize_metadata

    return normalize_metadata(metadata)


@overload
def job(compose_fn: Callable[..., Any], /) -> JobDefinition: ...


@overload
def job(
    *,
    name: str | None = None,
    description: str | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    config: Any = None,
    tags: Mapping[str, Any] | None = None,
    run_tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    logger_defs: Mapping[str, Any] | None = None,
    executor_def: Any = None,
    hooks: Iterable[HookDefinition] | None = None,
    op_retry_policy: RetryPolicy | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    input_values: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    owners: Sequence[str] | None = None,
) -> Callable[[Callable[..., Any]], JobDefinition]: ...


@spelling_checked
def job(
    compose_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    resource_defs: Mapping[str, Any] | None = None,
    config: Any = None,
    tags: Mapping[str, Any] | None = None,
    run_tags: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    logger_defs: Mapping[str, Any] | None = None,
    executor_def: Any = None,
    hooks: Iterable[HookDefinition] | None = None,
    op_retry_policy: RetryPolicy | None = None,
    partitions_def: PartitionsDefinition[Any] | None = None,
    input_values: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    owners: Sequence[str] | None = None,
) -> Any:
    """Make a job of a function whose body calls ops and graphs. `timeout` is in seconds, for the whole run."""

    def decorate(function: Callable[..., Any]) -> JobDefinition:
        graph_def = graph_of_function(function, name, kind="job", description=description)
        made = JobDefinition(
            graph_def=graph_def,
            name=name or function.__name__,
            description=description if description is not None else docstring_of(function),
            resource_defs=resource_defs,
            executor_def=executor_def,
            logger_defs=logger_defs,
            config=config,
            tags=tags,
            run_tags=run_tags,
            metadata=metadata,
            hooks=hooks,
            op_retry_policy=op_retry_policy,
            partitions_def=partitions_def,
            input_values=input_values,
            timeout=timeout,
            owners=owners,
        )
        update_wrapper(made, function, updated=())
        return made

    return decorate(compose_fn) if compose_fn is not None else decorate
