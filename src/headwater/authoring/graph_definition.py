"""Graphs: nodes joined by edges, written as a function with `@graph` or composed by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, overload

from headwater.authoring.composition import Collected, FanIn, GraphInput, NodeOutput, Source, StoredAsset, compose
from headwater.authoring.graph_edges import check_edges, check_outputs, refuse_cycles, refuse_unused
from headwater.authoring.nodes import InputPort, NodeDefinition, NodeUse, OutputPort
from headwater.authoring.op import docstring_of, name_of
from headwater.authoring.ports import NO_VALUE, GraphIn, GraphOut
from headwater.authoring.signature import read_signature
from headwater.model.errors import InvalidDefinitionError, did_you_mean
from headwater.model.named_arguments import spelling_checked

if TYPE_CHECKING:
    from headwater.authoring.hooks import HookDefinition
    from headwater.authoring.job import JobDefinition
    from headwater.model.policies import RetryPolicy
    from headwater.runtime.results import ExecuteInProcessResult


# ------------------------------------------------------------------------------------------ composing by hand, as data


@dataclass(frozen=True)
class NodeInvocation:
    """A node under a name, as a key of `dependencies`."""

    name: str
    alias: str | None = None
    tags: Mapping[str, Any] | None = None
    hook_defs: frozenset[Any] = frozenset()
    retry_policy: Any = None

    def __hash__(self) -> int:
        return hash((self.name, self.alias))


@dataclass(frozen=True)
class DependencyDefinition:
    """An input comes from this output of this node."""

    node: str
    output: str = "result"
    description: str | None = None

    def is_fan_in(self) -> bool:
        """Whether it stands for several outputs."""
        return False

    def get_node_dependencies(self) -> list[DependencyDefinition]:
        """Return the outputs that it stands for: itself."""
        return [self]


@dataclass(frozen=True)
class MultiDependencyDefinition:
    """An input comes from several outputs, as a list."""

    dependencies: Sequence[DependencyDefinition]

    def is_fan_in(self) -> bool:
        """Whether it stands for several outputs."""
        return True

    def get_node_dependencies(self) -> list[DependencyDefinition]:
        """Return the outputs that it stands for."""
        return [each for each in self.dependencies if isinstance(each, DependencyDefinition)]

    def get_dependencies_and_mappings(self) -> Sequence[DependencyDefinition]:
        """Return all of its parts."""
        return self.dependencies


@dataclass(frozen=True)
class DynamicCollectDependencyDefinition:
    """An input comes from all values of a dynamic output, as a list."""

    node_name: str
    output_name: str = "result"


@dataclass(frozen=True)
class InputMapping:
    """The graph's input feeds this input of this node."""

    graph_input_name: str
    mapped_node_name: str
    mapped_node_input_name: str
    graph_input_description: str | None = None


@dataclass(frozen=True)
class OutputMapping:
    """The graph's output is this output of this node."""

    graph_output_name: str
    mapped_node_name: str
    mapped_node_output_name: str = "result"
    graph_output_description: str | None = None
    from_dynamic_mapping: bool = False


def _source_of(dependency: Any) -> Source:
    if isinstance(dependency, DependencyDefinition):
        return NodeOutput(dependency.node, dependency.output)
    if isinstance(dependency, DynamicCollectDependencyDefinition):
        return Collected(dependency.node_name, dependency.output_name)
    return FanIn(tuple(_source_of(part) for part in dependency.dependencies))


def _dependency_of(source: Source) -> Any:
    """Return the source as a graph composed by hand names it; None for what does not come from a node."""
    if isinstance(source, NodeOutput):
        return DependencyDefinition(source.node, source.output)
    if isinstance(source, Collected):
        return DynamicCollectDependencyDefinition(source.node, source.output)
    if isinstance(source, FanIn):
        return MultiDependencyDefinition(
            [part for each in source.sources if (part := _dependency_of(each)) is not None]
        )
    return None


class GraphDefinition(NodeDefinition):
    """A node made of nodes. `uses` are its nodes by name, `sources` says where each of their inputs comes from."""

    node_type = "graph"
    described = "a graph"
    compose_fn: Callable[..., Any] | None = None
    """The function whose body described it; None for one that was composed by hand."""

    def __init__(
        self,
        name: str,
        *,
        node_defs: Sequence[NodeDefinition] | None = None,
        dependencies: Mapping[str | NodeInvocation, Mapping[str, Any]] | None = None,
        input_mappings: Sequence[InputMapping] | None = None,
        output_mappings: Sequence[OutputMapping] | None = None,
        description: str | None = None,
        config: Any = None,
        tags: Mapping[str, Any] | None = None,
        hooks: Iterable[HookDefinition] = (),
        uses: Mapping[str, NodeUse] | None = None,
        sources: Mapping[str, Mapping[str, Source]] | None = None,
        output_sources: Mapping[str, Source] | None = None,
        input_names: Sequence[str] | None = None,
        input_annotations: Mapping[str, Any] | None = None,
        input_descriptions: Mapping[str, str | None] | None = None,
        output_descriptions: Mapping[str, str | None] | None = None,
        dynamic_outputs: Set[str] = frozenset(),
    ) -> None:
        if uses is None:
            uses, sources = _uses_by_hand(name, node_defs or (), dependencies or {})
            sources = {node: dict(of_node) for node, of_node in sources.items()}
            input_names = []
            for mapping in input_mappings or ():
                sources.setdefault(mapping.mapped_node_name, {})[mapping.mapped_node_input_name] = GraphInput(  # type: ignore[index]
                    mapping.graph_input_name
                )
                if mapping.graph_input_name not in input_names:
                    input_names.append(mapping.graph_input_name)
            output_sources = {
                mapping.graph_output_name: NodeOutput(mapping.mapped_node_name, mapping.mapped_node_output_name)
                for mapping in output_mappings or ()
            }
            dynamic_outputs = {
                mapping.graph_output_name for mapping in output_mappings or () if mapping.from_dynamic_mapping
            }
        self.uses = dict(uses)
        self.sources: dict[str, dict[str, Source]] = {node: dict(of) for node, of in (sources or {}).items()}
        self.output_sources = dict(output_sources or {})
        self.config_mapping = config
        self.dynamic_outputs = frozenset(dynamic_outputs)
        check_edges(name, self.uses, self.sources, self.output_sources)
        refuse_cycles(name, self.sources)
        super().__init__(
            name,
            ins={
                given: self._input_port(
                    given,
                    (input_annotations or {}).get(given, NO_VALUE),
                    (input_descriptions or {}).get(given),
                )
                for given in input_names or ()
            },
            outs={
                given: self._output_port(given, source, (output_descriptions or {}).get(given))
                for given, source in self.output_sources.items()
            },
            description=description,
            tags={key: value if isinstance(value, str) else str(value) for key, value in (tags or {}).items()},
            hooks=hooks,
        )

    def _input_port(self, name: str, annotation: Any, description: str | None) -> InputPort:
        """The graph's input takes its type and default from the first node input that it feeds."""
        for node, sources in self.sources.items():
            for input_name, source in sources.items():
                if isinstance(source, GraphInput) and source.name == name:
                    fed = self.uses[node].definition.ins[input_name]
                    return InputPort(
                        name,
                        annotation=fed.annotation if annotation is NO_VALUE else annotation,
                        default_value=fed.default_value,
                        description=description,
                        asset_key=fed.asset_key,
                        input_manager_key=fed.input_manager_key,
                        metadata=fed.metadata,
                    )
        return InputPort(name, annotation=annotation, description=description)

    def _output_port(self, name: str, source: Source, description: str | None) -> OutputPort:
        if isinstance(source, NodeOutput):
            inner = self.uses[source.node].definition.outs[source.output]
            return OutputPort(
                name,
                annotation=inner.annotation,
                is_required=inner.is_required,
                is_dynamic=inner.is_dynamic or name in self.dynamic_outputs,
                io_manager_key=inner.io_manager_key,
                metadata=inner.metadata,
                description=description,
            )
        return OutputPort(name, description=description)

    @property
    def node_defs(self) -> list[NodeDefinition]:
        return list({use.definition.name: use.definition for use in self.uses.values()}.values())

    @property
    def nodes(self) -> list[NodeUse]:
        return list(self.uses.values())

    def node_named(self, name: str) -> NodeUse:
        if name not in self.uses:
            raise InvalidDefinitionError(
                what=f'Graph "{self.name}" has no node "{name}".',
                why="Nothing could be looked up.",
                fix=f"{did_you_mean(name, self.uses)}Its nodes are: {', '.join(self.uses)}.",
            )
        return self.uses[name]

    def has_node_named(self, name: str) -> bool:
        """Whether a node has this name in the graph."""
        return name in self.uses

    @property
    def node_dict(self) -> Mapping[str, NodeUse]:
        """The nodes by the names that they have in the graph."""
        return self.uses

    def node_names(self) -> list[str]:
        """Return the names that the nodes have in the graph."""
        return list(self.uses)

    def iterate_node_defs(self) -> Iterator[NodeDefinition]:
        """Yield this graph and each node inside it, once for each use."""
        yield self
        for use in self.uses.values():
            yield from use.definition.iterate_node_defs()

    @property
    def composition_fn(self) -> Callable[..., Any] | None:
        """The function whose body described it; None for one that was composed by hand."""
        return self.compose_fn

    @property
    def config_schema(self) -> Any:
        """What the config of the graph itself must look like; None when its ops are configured one by one."""
        return getattr(self.config_mapping, "config_schema", None)

    @property
    def input_mappings(self) -> list[InputMapping]:
        """Which inputs of its nodes the graph's inputs feed."""
        found = [
            InputMapping(part.name, node, name, self.ins[part.name].description)
            for node, of_node in self.sources.items()
            for name, source in of_node.items()
            for part in (source.sources if isinstance(source, FanIn) else (source,))
            if isinstance(part, GraphInput)
        ]
        place = {name: number for number, name in enumerate(self.ins)}
        return sorted(found, key=lambda mapping: place[mapping.graph_input_name])

    @property
    def output_mappings(self) -> list[OutputMapping]:
        """Which outputs of its nodes are the graph's outputs."""
        return [
            OutputMapping(name, source.node, source.output, self.outs[name].description, name in self.dynamic_outputs)
            for name, source in self.output_sources.items()
            if isinstance(source, NodeOutput)
        ]

    def get_input_mapping(self, input_name: str) -> InputMapping:
        """Return the first input of a node that an input of the graph feeds. Raises InvariantViolationError for none."""
        _ = self.input_def_named(input_name)
        return next(mapping for mapping in self.input_mappings if mapping.graph_input_name == input_name)

    def get_output_mapping(self, output_name: str) -> OutputMapping:
        """Return the output of a node that is an output of the graph. Raises InvariantViolationError for none."""
        _ = self.output_def_named(output_name)
        return next(mapping for mapping in self.output_mappings if mapping.graph_output_name == output_name)

    @property
    def dependencies(self) -> Mapping[NodeInvocation, Mapping[str, Any]]:
        """Where the inputs of each node come from, as `GraphDefinition(dependencies=...)` takes it."""
        return {
            NodeInvocation(
                use.definition.name,
                alias=name,
                tags=dict(use.tags),
                hook_defs=use.hooks,
                retry_policy=use.retry_policy,
            ): {
                input_name: dependency
                for input_name, source in self.sources.get(name, {}).items()
                if (dependency := _dependency_of(source)) is not None
            }
            for name, use in self.uses.items()
        }

    def coerce_to_job(self) -> JobDefinition:
        """Return a job of this graph as it is."""
        return self.to_job()

    def copy(
        self,
        name: str | None = None,
        description: str | None = None,
        input_mappings: Sequence[InputMapping] | None = None,
        output_mappings: Sequence[OutputMapping] | None = None,
        config: Any = None,
        tags: Mapping[str, str] | None = None,
    ) -> GraphDefinition:
        """Return the same graph with what is given here in place of what it has."""
        given = {"name": name, "description": description, "config": config, "tags": tags}
        changes = {key: value for key, value in given.items() if value is not None}
        if input_mappings is None and output_mappings is None:
            return self._copied(**changes)
        kept = {"name": self.name, "description": self.description, "config": self.config_mapping, "tags": self.tags}
        return GraphDefinition(
            **{**kept, **changes},
            node_defs=self.node_defs,
            dependencies=dict(self.dependencies.items()),
            input_mappings=self.input_mappings if input_mappings is None else input_mappings,
            output_mappings=self.output_mappings if output_mappings is None else output_mappings,
            hooks=self.hooks,
        )

    def to_job(self, name: str | None = None, **options: Any) -> JobDefinition:
        """Return a job of this graph; takes what `@job` takes."""
        from headwater.authoring.job import JobDefinition

        if options.get("tags") is None:
            options["tags"] = self.tags
        return JobDefinition(graph_def=self, name=name or self.name, **options)

    def stored_assets(self) -> Iterator[StoredAsset]:
        """Yield each asset that is handed to a node of this graph or of one inside it."""
        for of_node in self.sources.values():
            for source in of_node.values():
                for part in source.sources if isinstance(source, FanIn) else (source,):
                    if isinstance(part, StoredAsset):
                        yield part
        for use in self.uses.values():
            if isinstance(use.definition, GraphDefinition):
                yield from use.definition.stored_assets()

    def execute_in_process(self, **options: Any) -> ExecuteInProcessResult:
        """Run the graph in this process; takes what a job's takes, and `config` and `resources` of the graph."""
        resources = options.pop("resources", None)
        config = options.pop("config", None)
        return self.to_job(resource_defs=resources, config=config).execute_in_process(**options)

    def configured(
        self,
        config_or_config_fn: Any,
        name: str | None = None,
        config_schema: Any = None,
        description: str | None = None,
    ) -> GraphDefinition:
        """Return this graph with its own config given, or made by a function from another config."""
        if self.config_mapping is None:
            raise InvalidDefinitionError(
                what=f'Graph "{self.name}" takes no config of its own, so it cannot be configured.',
                why="Its ops are configured one by one.",
                fix="Give the graph a config mapping: @graph(config=ConfigMapping(...)).",
            )
        if name is None:
            raise InvalidDefinitionError(
                what=f'configured() of graph "{self.name}" was called without a name.',
                why="Two nodes of one name could not be told apart in a graph.",
                fix=f'Write configured(..., name="configured_{self.name}").',
            )
        from headwater.authoring.config import ConfigMapping

        outer = self.config_mapping
        given = config_or_config_fn

        def mapped(config: Any) -> Any:
            return outer.config_fn(given(config) if callable(given) else given)

        schema = config_schema if config_schema is not None else getattr(given, "config_schema", None)
        return self._copied(name=name, description=description, config=ConfigMapping(mapped, config_schema=schema))

    def _copied(self, **changes: Any) -> GraphDefinition:
        kept: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "config": self.config_mapping,
            "tags": self.tags,
            "hooks": self.hooks,
            "uses": self.uses,
            "sources": self.sources,
            "output_sources": self.output_sources,
            "input_names": list(self.ins),
            "input_descriptions": {name: port.description for name, port in self.ins.items()},
            "output_descriptions": {name: port.description for name, port in self.outs.items()},
            "dynamic_outputs": self.dynamic_outputs,
        }
        made = GraphDefinition(**{**kept, **changes})
        made.compose_fn = self.compose_fn
        return made


def _uses_by_hand(
    graph: str, node_defs: Sequence[NodeDefinition], dependencies: Mapping[str | NodeInvocation, Mapping[str, Any]]
) -> tuple[dict[str, NodeUse], dict[str, dict[str, Source]]]:
    for given in node_defs:
        if not isinstance(given, NodeDefinition):
            raise InvalidDefinitionError(
                what=f'Graph "{graph}" was given {given!r} among its node_defs.',
                why="A graph is made of ops and graphs.",
                fix="Give what @op and @graph made.",
            )
    by_name = {definition.name: definition for definition in node_defs}
    uses: dict[str, NodeUse] = {}
    sources: dict[str, dict[str, Source]] = {}
    for key, of_node in dependencies.items():
        invocation = key if isinstance(key, NodeInvocation) else NodeInvocation(key)
        if invocation.name not in by_name:
            raise InvalidDefinitionError(
                what=f'Graph "{graph}" has dependencies of "{invocation.name}", which is not among its node_defs.',
                why="There is nothing to run under that name.",
                fix=f"{did_you_mean(invocation.name, by_name)}Its nodes are: {', '.join(by_name)}.",
            )
        name = invocation.alias or invocation.name
        uses[name] = NodeUse(
            by_name[invocation.name],
            name=name,
            tags={k: str(v) for k, v in (invocation.tags or {}).items()},
            hooks=frozenset(invocation.hook_defs),
            retry_policy=invocation.retry_policy,
        )
        sources[name] = {input_name: _source_of(dependency) for input_name, dependency in of_node.items()}
    used = {use.definition.name for use in uses.values()}
    for name, definition in by_name.items():
        if name not in used:
            uses[name] = NodeUse(definition, name=name)
    return uses, sources


@overload
def graph(compose_fn: Callable[..., Any], /) -> GraphDefinition: ...


@overload
def graph(
    *,
    name: str | None = None,
    description: str | None = None,
    input_defs: Any = None,
    output_defs: Any = None,
    ins: Mapping[str, GraphIn] | None = None,
    out: GraphOut | Mapping[str, GraphOut] | None = None,
    tags: Mapping[str, Any] | None = None,
    config: Any = None,
) -> Callable[[Callable[..., Any]], GraphDefinition]: ...


@spelling_checked
def graph(
    compose_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
    input_defs: Any = None,
    output_defs: Any = None,
    ins: Mapping[str, GraphIn] | None = None,
    out: GraphOut | Mapping[str, GraphOut] | None = None,
    tags: Mapping[str, Any] | None = None,
    config: Any = None,
) -> Any:
    """Make a graph of a function whose body calls ops and graphs. Its parameters are inputs, what it returns is outputs."""

    def decorate(function: Callable[..., Any]) -> GraphDefinition:
        return graph_of_function(
            function, name, kind="graph", description=description, ins=ins, out=out, tags=tags, config=config
        )

    return decorate(compose_fn) if compose_fn is not None else decorate


def graph_of_function(
    function: Callable[..., Any],
    name: str | None = None,
    *,
    kind: str,
    description: str | None = None,
    ins: Mapping[str, GraphIn] | None = None,
    out: GraphOut | Mapping[str, GraphOut] | None = None,
    output_names: Sequence[str] | None = None,
    tags: Mapping[str, Any] | None = None,
    config: Any = None,
    hooks: Iterable[HookDefinition] = (),
) -> GraphDefinition:
    """Run a graph's body once and return the graph that it describes."""
    signature = read_signature(function)
    graph_name = name or name_of(function)
    parameters = list(signature.input_names)
    if signature.context is not None:
        parameters.insert(0, signature.context)
    if signature.config is not None:
        parameters.append(signature.config.name)
    names = output_names
    if names is None and isinstance(out, Mapping):
        names = list(out)
    composition, output_sources = compose(graph_name, kind, function, parameters, names)
    refuse_unused(kind, graph_name, parameters, composition.sources.values())
    if out is not None:
        check_outputs(kind, graph_name, names or ["result"], output_sources)
    if isinstance(config, Mapping) or (config is not None and not hasattr(config, "config_fn")):
        fixed = config
        from headwater.authoring.config import ConfigMapping

        config = ConfigMapping(lambda _ignored: fixed, config_schema={})
    made = GraphDefinition(
        graph_name,
        uses=composition.uses,
        sources=composition.sources,
        output_sources=output_sources,
        input_names=parameters,
        input_annotations={parameter.name: parameter.annotation for parameter in signature.inputs},
        input_descriptions={key: value.description for key, value in (ins or {}).items()},
        output_descriptions={key: value.description for key, value in out.items()}
        if isinstance(out, Mapping)
        else {"result": getattr(out, "description", None)},
        dynamic_outputs=composition.dynamic_outputs,
        description=description if description is not None else docstring_of(function),
        tags=tags,
        config=config,
        hooks=hooks,
    )
    made.compose_fn = function
    update_wrapper(made, function, updated=())
    return made


def retry_policy_of(use: NodeUse) -> RetryPolicy | None:
    """Return the retry policy that holds for a node in its graph."""
    return use.retry_policy or getattr(use.definition, "retry_policy", None)
