"""Graphs: nodes joined by edges, written as a function with `@graph` or composed by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from headwater.authoring.composition import Collected, FanIn, GraphInput, NodeOutput, Source, StoredAsset, compose
from headwater.authoring.nodes import InputPort, NodeDefinition, NodeUse, OutputPort
from headwater.authoring.op import docstring_of, name_of
from headwater.authoring.ports import NO_VALUE, GraphIn, GraphOut
from headwater.authoring.signature import read_signature
from headwater.model.errors import InvalidDefinitionError, did_you_mean

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


@dataclass(frozen=True)
class MultiDependencyDefinition:
    """An input comes from several outputs, as a list."""

    dependencies: Sequence[DependencyDefinition]


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
        _check_edges(name, self.uses, self.sources, self.output_sources)
        _refuse_cycles(name, self.sources)
        super().__init__(
            name,
            ins={
                given: self._input_port(given, (input_annotations or {}).get(given, NO_VALUE))
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

    def _input_port(self, name: str, annotation: Any) -> InputPort:
        """The graph's input takes its type and default from the first node input that it feeds."""
        for node, sources in self.sources.items():
            for input_name, source in sources.items():
                if isinstance(source, GraphInput) and source.name == name:
                    fed = self.uses[node].definition.ins[input_name]
                    return InputPort(
                        name,
                        annotation=fed.annotation if annotation is NO_VALUE else annotation,
                        default_value=fed.default_value,
                        asset_key=fed.asset_key,
                        input_manager_key=fed.input_manager_key,
                        metadata=fed.metadata,
                    )
        return InputPort(name, annotation=annotation)

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

    def to_job(self, name: str | None = None, **options: Any) -> JobDefinition:
        """Return a job of this graph; takes what `@job` takes."""
        from headwater.authoring.job import JobDefinition

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
            "dynamic_outputs": self.dynamic_outputs,
        }
        made = GraphDefinition(**{**kept, **changes})
        made.compose_fn = self.compose_fn
        return made


def _uses_by_hand(
    graph: str, node_defs: Sequence[NodeDefinition], dependencies: Mapping[str | NodeInvocation, Mapping[str, Any]]
) -> tuple[dict[str, NodeUse], dict[str, dict[str, Source]]]:
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


def _check_edges(
    graph: str,
    uses: Mapping[str, NodeUse],
    sources: Mapping[str, Mapping[str, Source]],
    output_sources: Mapping[str, Source],
) -> None:
    def check(source: Source, user: str) -> None:
        if isinstance(source, FanIn):
            for part in source.sources:
                check(part, user)
        elif isinstance(source, (NodeOutput, Collected)):
            if source.node not in uses:
                raise InvalidDefinitionError(
                    what=f'In graph "{graph}", {user} comes from node "{source.node}", which is not in the graph.',
                    why="There is nothing to wait for.",
                    fix=f"{did_you_mean(source.node, uses)}Its nodes are: {', '.join(uses)}.",
                )
            outs = uses[source.node].definition.outs
            if source.output not in outs:
                raise InvalidDefinitionError(
                    what=f'In graph "{graph}", {user} comes from output "{source.output}" of "{source.node}".',
                    why="That node has no such output.",
                    fix=f"{did_you_mean(source.output, outs)}Its outputs are: {', '.join(outs) or 'none'}.",
                )

    for node, of_node in sources.items():
        if node not in uses:
            raise InvalidDefinitionError(
                what=f'Graph "{graph}" maps an input of node "{node}", which is not in the graph.',
                why="There is nothing to feed.",
                fix=f"{did_you_mean(node, uses)}Its nodes are: {', '.join(uses)}.",
            )
        ins = uses[node].definition.ins
        for input_name, source in of_node.items():
            if input_name not in ins:
                raise InvalidDefinitionError(
                    what=f'In graph "{graph}", node "{node}" has no input "{input_name}".',
                    why="The value would have nowhere to go.",
                    fix=f"{did_you_mean(input_name, ins)}Its inputs are: {', '.join(ins) or 'none'}.",
                )
            check(source, f'input "{input_name}" of "{node}"')
    for name, source in output_sources.items():
        check(source, f'output "{name}"')


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
            function, name, kind="graph", description=description, out=out, tags=tags, config=config
        )

    return decorate(compose_fn) if compose_fn is not None else decorate


def graph_of_function(
    function: Callable[..., Any],
    name: str | None = None,
    *,
    kind: str,
    description: str | None = None,
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
    _refuse_unused(kind, graph_name, parameters, composition.sources.values())
    if out is not None:
        _check_outputs(kind, graph_name, names or ["result"], output_sources)
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
        output_descriptions={key: value.description for key, value in out.items()}
        if isinstance(out, Mapping)
        else None,
        dynamic_outputs=composition.dynamic_outputs,
        description=description if description is not None else docstring_of(function),
        tags=tags,
        config=config,
        hooks=hooks,
    )
    made.compose_fn = function
    return made


def _check_outputs(kind: str, graph_name: str, declared: Sequence[str], returned: Mapping[str, Source]) -> None:
    for name in returned:
        if name not in declared:
            raise InvalidDefinitionError(
                what=f'{kind} "{graph_name}" returns "{name}", which out= does not name.',
                why="Nothing could ask for it.",
                fix=f"{did_you_mean(name, declared)}Its outputs are: {', '.join(declared)}.",
            )
    for name in declared:
        if name not in returned:
            raise InvalidDefinitionError(
                what=f'{kind} "{graph_name}" does not return "{name}", which out= names.',
                why="Whoever uses it would wait for nothing.",
                fix=f"{did_you_mean(name, returned)}Return a dict with {', '.join(declared)}, or take it out of out=.",
            )


def _refuse_cycles(graph: str, sources: Mapping[str, Mapping[str, Source]]) -> None:
    """Refuse nodes that wait for each other; only a graph that is composed by hand can have them."""
    upstream: dict[str, list[str]] = {}

    def nodes_of(source: Source) -> list[str]:
        if isinstance(source, FanIn):
            return [node for part in source.sources for node in nodes_of(part)]
        return [] if isinstance(source, (GraphInput, StoredAsset)) else [source.node]

    for node, of_node in sources.items():
        upstream[node] = [up for source in of_node.values() for up in nodes_of(source)]
    settled: set[str] = set()
    for start in upstream:
        path: list[str] = []
        pending = [(start, iter(upstream.get(start, ())))] if start not in settled else []
        on_path = {start}
        while pending:
            node, rest = pending[-1]
            if len(path) < len(pending):
                path.append(node)
            up = next((one for one in rest if one not in settled), None)
            if up is None:
                settled.add(node)
                on_path.discard(node)
                pending.pop()
                path.pop()
            elif up in on_path:
                circle = [up, *reversed(path[path.index(up) :])]
                raise InvalidDefinitionError(
                    what=f'Nodes of graph "{graph}" wait for each other in a circle: {" -> ".join(circle)}.',
                    why="None of them could run first.",
                    fix="Take one of these dependencies away.",
                )
            else:
                on_path.add(up)
                pending.append((up, iter(upstream.get(up, ()))))


def _refuse_unused(
    kind: str, graph_name: str, parameters: Sequence[str], sources: Iterable[Mapping[str, Source]]
) -> None:
    used: set[str] = set()

    def note(source: Source) -> None:
        if isinstance(source, GraphInput):
            used.add(source.name)
        elif isinstance(source, FanIn):
            for part in source.sources:
                note(part)

    for of_node in sources:
        for source in of_node.values():
            note(source)
    for parameter in parameters:
        if parameter not in used:
            raise InvalidDefinitionError(
                what=f'The parameter "{parameter}" of {kind} "{graph_name}" is handed to no op.',
                why="Its value would be loaded for nothing.",
                fix="Hand it to an op, or remove it.",
            )


def retry_policy_of(use: NodeUse) -> RetryPolicy | None:
    """Return the retry policy that holds for a node in its graph."""
    return use.retry_policy or getattr(use.definition, "retry_policy", None)
