"""Graphs written as functions: inside the body, calling a node notes it and hands back where its outputs come from."""

from __future__ import annotations

import threading
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headwater.authoring.nodes import NodeDefinition, NodeUse
from headwater.model.errors import InvalidDefinitionError, did_you_mean
from headwater.model.errors.root import kind_of

if TYPE_CHECKING:
    from headwater.authoring.assets import AssetsDefinition
    from headwater.model.keys import AssetKey


@dataclass(frozen=True, slots=True)
class GraphInput:
    """The graph's own input of this name."""

    name: str


@dataclass(frozen=True, slots=True)
class NodeOutput:
    """An output of a node of the same graph."""

    node: str
    output: str


@dataclass(frozen=True, slots=True)
class Collected:
    """All values of a dynamic output, or of what was mapped over it, as a list."""

    node: str
    output: str


@dataclass(frozen=True, slots=True)
class FanIn:
    """Several sources that arrive as one list."""

    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class StoredAsset:
    """The value of an asset, loaded from where it is stored; `definition` says how."""

    key: AssetKey
    definition: AssetsDefinition


Source = GraphInput | NodeOutput | Collected | FanIn | StoredAsset


class OutputHandle:
    """Inside a graph's body: an output of a node that has been called there."""

    __slots__ = ("is_dynamic", "node", "output")

    def __init__(self, node: str, output: str, *, is_dynamic: bool = False) -> None:
        self.node = node
        self.output = output
        self.is_dynamic = is_dynamic

    def map(self, function: Callable[[Any], Any]) -> Any:
        """Call `function` with one value of this dynamic output; what it returns can be collected or mapped further."""
        if not self.is_dynamic:
            raise InvalidDefinitionError(
                what=f'Output "{self.output}" of "{self.node}" was mapped, but it is not dynamic.',
                why="Only an output that gives many values can be mapped over.",
                fix="Declare it with DynamicOut(), and yield DynamicOutput(value, mapping_key=...).",
            )
        made = function(OutputHandle(self.node, self.output))
        if isinstance(made, OutputHandle):
            return OutputHandle(made.node, made.output, is_dynamic=True)
        if isinstance(made, tuple):
            parts = [OutputHandle(part.node, part.output, is_dynamic=True) for part in made]
            return type(made)(*parts) if hasattr(made, "_fields") else tuple(parts)
        if made is None:
            return None
        raise InvalidDefinitionError(
            what=f'The function mapped over "{self.node}" returned {kind_of(made)}.',
            why="A mapping function is part of the graph: it calls ops, and does not compute values.",
            fix="Return the output of an op, a tuple of outputs, or nothing.",
        )

    def collect(self) -> CollectedHandle:
        """Return all mapped values as one list, for an op that takes a list."""
        if not self.is_dynamic:
            raise InvalidDefinitionError(
                what=f'Output "{self.output}" of "{self.node}" was collected, but it is not dynamic.',
                why="There is only one value to collect.",
                fix="Hand it on as it is, or declare it with DynamicOut().",
            )
        return CollectedHandle(self.node, self.output)

    def __iter__(self) -> Any:
        raise InvalidDefinitionError(
            what=f'The output of "{self.node}" was iterated over inside a graph.',
            why="A graph's body describes the graph; values exist only when it runs.",
            fix="Declare several outputs with out={...}, or a dynamic output with DynamicOut() and .map().",
        )

    def __bool__(self) -> bool:
        raise InvalidDefinitionError(
            what=f'The output of "{self.node}" was used as a condition inside a graph.',
            why="A graph's body describes the graph; values exist only when it runs.",
            fix="Use an optional output, Out(is_required=False), to decide at run time.",
        )


class CollectedHandle:
    __slots__ = ("node", "output")

    def __init__(self, node: str, output: str) -> None:
        self.node = node
        self.output = output


class InputHandle:
    """Inside a graph's body: one of the graph's parameters."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Composition:
    """What is noted while the body of one graph runs."""

    def __init__(self, graph_name: str, kind: str) -> None:
        self.graph_name = graph_name
        self.kind = kind
        self.uses: dict[str, NodeUse] = {}
        self.sources: dict[str, dict[str, Source]] = {}
        self.dynamic_outputs: set[str] = set()

    def record(self, use: NodeUse, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Note the call of a node; return handles of its outputs: one, or a named tuple of several."""
        definition = use.definition
        name = self._free_name(use)
        self.uses[name] = NodeUse(definition, name=name, tags=use.tags, hooks=use.hooks, retry_policy=use.retry_policy)
        self.sources[name] = self._sources(name, definition, args, kwargs)
        handles = [OutputHandle(name, out.name, is_dynamic=out.is_dynamic) for out in definition.outs.values()]
        if len(handles) == 1:
            return handles[0]
        if not handles:
            return None
        return namedtuple(f"{definition.name}_outputs", list(definition.outs))(*handles)

    def _free_name(self, use: NodeUse) -> str:
        if use.name is not None:
            if use.name in self.uses:
                raise InvalidDefinitionError(
                    what=f'{self.kind} "{self.graph_name}" uses the name "{use.name}" for two nodes.',
                    why="They could not be told apart.",
                    fix="Give one of them another alias.",
                )
            return use.name
        name, number = use.definition.name, 1
        while name in self.uses:
            number += 1
            name = f"{use.definition.name}_{number}"
        return name

    def _sources(
        self, node: str, definition: NodeDefinition, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> dict[str, Source]:
        names = list(definition.ins)
        if len(args) > len(names):
            raise InvalidDefinitionError(
                what=f'"{node}" in {self.kind} "{self.graph_name}" was given {len(args)} inputs and takes {len(names)}.',
                why="The rest would have nowhere to go.",
                fix=f"Its inputs are: {', '.join(names) or 'none'}.",
            )
        sources: dict[str, Source] = {}
        for name, value in [*zip(names, args, strict=False), *kwargs.items()]:
            if name not in definition.ins:
                raise InvalidDefinitionError(
                    what=f'"{node}" in {self.kind} "{self.graph_name}" has no input "{name}".',
                    why="The value would have nowhere to go.",
                    fix=f"{did_you_mean(name, names)}Its inputs are: {', '.join(names) or 'none'}.",
                )
            if name in sources:
                raise InvalidDefinitionError(
                    what=f'"{node}" in {self.kind} "{self.graph_name}" was given its input "{name}" twice.',
                    why="An input has one source.",
                    fix="Give it once.",
                )
            sources[name] = self._source(node, name, value)
        return sources

    def _source(self, node: str, input_name: str, value: Any) -> Source:
        if isinstance(value, OutputHandle):
            if value.is_dynamic:
                raise InvalidDefinitionError(
                    what=f'"{node}" in {self.kind} "{self.graph_name}" was given the dynamic output of "{value.node}" '
                    f'as its input "{input_name}".',
                    why="It stands for many values.",
                    fix=f"Write {value.node}(...).map({node}) for one call each, or .collect() for all of them as a list.",
                )
            return NodeOutput(value.node, value.output)
        if isinstance(value, CollectedHandle):
            return Collected(value.node, value.output)
        if isinstance(value, InputHandle):
            return GraphInput(value.name)
        if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
            return FanIn(tuple(self._source(node, input_name, part) for part in value))
        if hasattr(value, "_fields") and isinstance(value, tuple):
            raise InvalidDefinitionError(
                what=f'"{node}" in {self.kind} "{self.graph_name}" was given all outputs of another node as "{input_name}".',
                why="It does not say which of them is meant.",
                fix=f"Name one, such as .{value._fields[0]}.",  # type: ignore[attr-defined]
            )
        if isinstance(value, (NodeDefinition, NodeUse)):
            name = value.name or value.definition.name if isinstance(value, NodeUse) else value.name
            raise InvalidDefinitionError(
                what=f'"{node}" in {self.kind} "{self.graph_name}" was given "{name}" itself as its input "{input_name}".',
                why="It was not called, so it has no output here.",
                fix=f"Write {name}(), with parentheses.",
            )
        stored = self._stored_asset(node, input_name, value)
        if stored is not None:
            return stored
        raise InvalidDefinitionError(
            what=f'"{node}" in {self.kind} "{self.graph_name}" was given {kind_of(value)} as its input "{input_name}".',
            why="A graph's body describes the graph; it can hand on outputs, inputs and assets only.",
            fix="Hand on the output of another op or an asset, add a parameter to the graph, or pass the value by config.",
        )

    def _stored_asset(self, node: str, input_name: str, value: Any) -> StoredAsset | None:
        """Return what loads an asset that was handed to a node; None for what is no asset."""
        from headwater.authoring.assets import AssetsDefinition
        from headwater.authoring.source_asset import SourceAsset
        from headwater.model.specs import AssetSpec

        if isinstance(value, AssetSpec):
            return StoredAsset(value.key, AssetsDefinition(specs=[value]))
        if isinstance(value, SourceAsset):
            return StoredAsset(value.key, value.to_assets_definition())
        if not isinstance(value, AssetsDefinition):
            return None
        if len(value.specs_by_key) != 1:
            raise InvalidDefinitionError(
                what=f'"{node}" in {self.kind} "{self.graph_name}" was given {value} as its input "{input_name}".',
                why=f"It has {len(value.specs_by_key)} assets, and does not say which of them is meant.",
                fix="Hand on one of them: .get_asset_spec(key), or .to_source_asset(key).",
            )
        return StoredAsset(value.key, value)

    def outputs_from(self, returned: Any, names: Sequence[str] | None) -> dict[str, Source]:
        """Return the graph's outputs from what its body returned."""
        if returned is None:
            return {}
        if isinstance(returned, Mapping):
            return {name: self._returned(name, value) for name, value in returned.items()}
        if isinstance(returned, tuple) and hasattr(returned, "_fields"):
            # All outputs of one node: under their names, or in order under the names that the graph declares.
            fields = names if names and len(names) == len(returned) else returned._fields
            return {name: self._returned(name, value) for name, value in zip(fields, returned, strict=True)}
        if isinstance(returned, tuple):
            given = list(names or ())
            if len(given) != len(returned):
                raise InvalidDefinitionError(
                    what=f'{self.kind} "{self.graph_name}" returns {len(returned)} values and declares {len(given)} outputs.',
                    why="They cannot be matched.",
                    fix="Return a dict of output name to value, or declare as many outputs in out={...}.",
                )
            return {name: self._returned(name, value) for name, value in zip(given, returned, strict=True)}
        name = names[0] if names else "result"
        return {name: self._returned(name, returned)}

    def _returned(self, name: str, value: Any) -> Source:
        if isinstance(value, OutputHandle):
            if value.is_dynamic:
                self.dynamic_outputs.add(name)
            return NodeOutput(value.node, value.output)
        shown = f'its own parameter "{value.name}"' if isinstance(value, InputHandle) else kind_of(value)
        raise InvalidDefinitionError(
            what=f'{self.kind} "{self.graph_name}" returns {shown} as "{name}".',
            why="A graph's body describes the graph; what it returns are outputs of ops that are called in it.",
            fix="Return what an op gives, or a dict of output name to that.",
        )


_stack = threading.local()


def current_composition() -> Composition | None:
    """Return the graph whose body is running in this thread, if any."""
    open_compositions: list[Composition] | None = getattr(_stack, "open", None)
    return open_compositions[-1] if open_compositions else None


def compose(
    graph_name: str, kind: str, body: Callable[..., Any], parameters: Sequence[str], outputs: Sequence[str] | None
) -> tuple[Composition, dict[str, Source]]:
    """Run a graph's body once; return what it noted and the sources of the graph's outputs."""
    composition = Composition(graph_name, kind)
    if not hasattr(_stack, "open"):
        _stack.open = []
    _stack.open.append(composition)
    try:
        returned = body(**{name: InputHandle(name) for name in parameters})
    finally:
        _stack.open.pop()
    return composition, composition.outputs_from(returned, outputs)
